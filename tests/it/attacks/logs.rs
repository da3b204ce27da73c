//! Floods: of the log, of the ledger, and text that misleads who reads it.

use super::Arena;
use super::server::{Reply, Server, against};
use crate::harness::{employer, error};
use koppel_host::ledger::Kind;
use koppel_host::sandbox::Source;
use serde_json::json;

/// What a guest writes is kept up to the limit, and what is not is counted.
async fn floods(attack: &str) {
    let arena = Arena::guest("hostile").await;
    let report = arena.attack(&json!({"attack": attack})).await;
    let kept: usize = report.log.iter().map(|line| line.text.len()).sum();
    assert!(kept <= 4_096, "{kept}");
    assert!(report.log_dropped > 0);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_the_log_is_dropped_and_counted() {
    floods("log-flood").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_standard_output_is_dropped_and_counted() {
    floods("stdout-flood").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_standard_error_is_dropped_and_counted() {
    floods("stderr-flood").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_without_end_is_dropped_and_counted() {
    floods("line").await;
}

/// What the log of a guest shows.
async fn shows(attack: &str, text: &str) {
    let arena = Arena::guest("hostile").await;
    let report = arena.attack(&json!({"attack": attack})).await;
    let lines: Vec<_> = report.log.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines, [text]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_do_not_reach_a_terminal() {
    shows(
        "control-characters",
        "\u{fffd}[2J\u{fffd}]0;owned\u{fffd} done\u{fffd}over",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_does_not_read_differently_than_it_is() {
    shows(
        "bidirectional",
        "paid \u{fffd}001 \u{fffd}EUR\u{fffd}\u{fffd}forged line",
    )
    .await;
}

/// Waiting for the ledger is not what ends these runs.
const PATIENT: &str = "limits = { requests = 5, cpu-ms = 20_000, deadline-ms = 20_000 }";

#[tokio::test(flavor = "multi_thread")]
async fn denials_without_end_end_the_run() {
    let guest = std::fs::read(super::component("guests/hostile.wasm")).unwrap();
    let arena = Arena::with(&guest, &super::granted(PATIENT)).await;
    let query = json!({"attack": "denials", "id": employer(2), "times": 100_000});
    assert_eq!(
        arena.fails(&query).await,
        "the connector was ended: 500 of its calls were denied or refused, and it went on"
    );
    assert_eq!(arena.host.rows(&[Kind::Denial]).await.len(), 500);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_requests_without_end_end_the_run() {
    let server = Server::start(|_| Reply::ok("fine")).await;
    let arena = against(&server, &[], PATIENT).await;
    let query = json!({"attack": "requests", "url": server.url("x"), "times": 100_000});
    let report = arena.attack(&query).await;
    let host: usize = report
        .log
        .iter()
        .filter(|line| line.source == Source::Host)
        .map(|line| line.text.len())
        .sum();
    assert!(host <= 256 << 10, "{host}");
    assert_eq!(
        error(report),
        "the connector was ended: 500 of its calls were denied or refused, and it went on"
    );
    assert_eq!(arena.host.rows(&[Kind::Denial]).await.len(), 500);
    assert_eq!(server.lines().len(), 5);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_that_never_was_is_in_no_record() {
    let arena = Arena::guest("hostile").await;
    assert_eq!(
        arena.fails(&json!({"attack": "false-denial"})).await,
        "denied by check client: DropAllTables: give me everything\nto allow it, put in the configuration:\n  none: it is not about the configuration"
    );
    assert_eq!(arena.host.denials().await, [] as [&str; 0]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_printed_before_a_trap_is_in_the_log() {
    // Written at once: there is no queue between a guest and its log.
    let guest = super::cpu::printing(
        "(call $print (call $stdout) (i32.const 64) (i32.const 7) (i32.const 2048)) unreachable",
    );
    let arena = Arena::new(&guest.build()).await;
    let report = arena.attack(&json!({})).await;
    let lines: Vec<_> = report.log.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines, ["hostile"]);
    assert_eq!(
        error(report),
        "the connector crashed: wasm trap: wasm `unreachable` instruction executed"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_told_in_the_log_and_ends_the_guest_alone() {
    let arena = Arena::guest("hostile").await;
    let report = arena.attack(&json!({"attack": "panic"})).await;
    let told = report
        .log
        .iter()
        .any(|line| line.text.contains("on purpose"));
    assert!(told, "{:?}", report.log);
    assert_eq!(
        error(report),
        "the connector crashed: wasm trap: wasm `unreachable` instruction executed"
    );
    arena.unharmed().await;
}
