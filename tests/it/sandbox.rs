//! Guests that misbehave: each is ended with its exact outcome, and the host
//! goes on serving.

use crate::harness::{TestHost, all_activities, answer, client, employer, error};
use koppel_host::ledger::Kind;
use koppel_host::runs::{RunError, RunReport};
use koppel_host::sandbox::{LimitReached, Source};
use serde_json::{Value, json};
use std::time::Duration;

/// Limits that keep the tests short.
const LIMITS: &str = "limits = { deadline-ms = 3000, cpu-ms = 500, log-bytes = 4096, handles = 100, export-files = 1000 }";

async fn hostile() -> TestHost {
    let more = format!(
        "{}\nhttp = [{{ allow = \"http://party.test:1/*\", methods = [\"GET\"], activity = \"GetEmployerByEmployerId\" }}]\n\
         exports = {{ directory = \"exports\", quota-bytes = 1_000_000, activity = \"PostDownloadJournalRunExportByJournalRunId\" }}\n{LIMITS}",
        all_activities()
    );
    let clients = client("hostile", &more) + &client("probe", &all_activities());
    TestHost::new(&clients).await
}

async fn attack(host: &TestHost, attack: Value) -> RunReport {
    host.lookup("hostile", &attack).await
}

/// The host, another client and the ledger are unharmed.
async fn unharmed(host: &TestHost) {
    let query = json!({"activity": "GetEmployersByUserId"});
    assert_eq!(answer(host.lookup("probe", &query).await)["total"], 1);
    assert!(host.host.ledger().verify().await.unwrap().is_ok());
}

/// How many export files are being written.
fn staged(host: &TestHost) -> usize {
    let stagings = std::fs::read_dir(host.dir.path().join("exports/.staging")).unwrap();
    stagings
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|folder| std::fs::read_dir(folder).unwrap().count())
        .sum()
}

/// The attack ends the run with this limit.
#[track_caller]
fn limit(report: &RunReport) -> LimitReached {
    match &report.outcome {
        Err(RunError::Limit(limit)) => *limit,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_loops_is_ended_by_its_computing_time() {
    let host = hostile().await;
    let report = attack(&host, json!({"attack": "loop"})).await;
    assert_eq!(limit(&report), LimitReached::Cpu(500));
    assert_eq!(
        error(report),
        "the connector was ended: computing time of 500 ms used up (limits.cpu-ms)"
    );
    unharmed(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_loops_does_not_stall_others() {
    let host = hostile().await;
    // More loops than there are threads to run them.
    let attack_query = json!({"attack": "loop"});
    let query = json!({"activity": "GetEmployersByUserId"});
    let loops =
        futures_util::future::join_all((0..8).map(|_| host.lookup("hostile", &attack_query)));
    let honest = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer(host.lookup("probe", &query).await)
    };
    let (loops, honest) = tokio::join!(loops, honest);
    assert_eq!(honest["total"], 1);
    for report in loops {
        assert!(matches!(
            limit(&report),
            LimitReached::Cpu(_) | LimitReached::Deadline(_)
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_waits_is_ended_by_its_deadline() {
    let host = hostile().await;
    let report = attack(&host, json!({"attack": "sleep"})).await;
    assert_eq!(
        error(report),
        "the connector was ended: deadline of 3000 ms passed (limits.deadline-ms)"
    );
    unharmed(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_bomb_is_ended_at_the_limit() {
    let host = hostile().await;
    let report = attack(&host, json!({"attack": "memory-bomb"})).await;
    assert_eq!(limit(&report), LimitReached::Memory(64 << 20));
    assert!(report.memory <= 64 << 20, "{}", report.memory);
    unharmed(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_recursion_ends_the_guest_and_not_the_host() {
    let host = hostile().await;
    let report = attack(&host, json!({"attack": "recursion"})).await;
    let text = error(report);
    // Whichever comes first: the stack of the guest's own language, which lies
    // in its memory, or that of the engine.
    assert!(
        text == "the connector crashed: wasm trap: call stack exhausted"
            || text == "the connector crashed: wasm trap: out of bounds memory access",
        "{text}"
    );
    unharmed(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_the_run_and_its_message_is_in_the_log() {
    let host = hostile().await;
    let report = attack(&host, json!({"attack": "panic"})).await;
    let lines: Vec<_> = report
        .log
        .iter()
        .map(|line| (line.source, line.text.as_str()))
        .collect();
    assert!(
        lines
            .iter()
            .any(|(source, text)| *source == Source::Stdio && text.contains("on purpose")),
        "{lines:?}"
    );
    assert_eq!(
        error(report),
        "the connector crashed: wasm trap: wasm `unreachable` instruction executed"
    );
    unharmed(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_flood_is_dropped_and_counted() {
    let host = hostile().await;
    for flood in ["log-flood", "stdout-flood"] {
        let report = attack(&host, json!({"attack": flood})).await;
        let kept: usize = report.log.iter().map(|line| line.text.len()).sum();
        assert!(kept <= 4096, "{kept}");
        assert!(report.log_dropped > 1_000, "{}", report.log_dropped);
    }
    unharmed(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_do_not_reach_the_terminal_of_a_reader() {
    let host = hostile().await;
    let report = attack(&host, json!({"attack": "control-characters"})).await;
    assert_eq!(
        report.log[0].text,
        "\u{fffd}[2J\u{fffd}]0;owned\u{fffd} done\u{fffd}over"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_finds_nothing_of_the_host() {
    let host = hostile().await;
    let found = answer(attack(&host, json!({"attack": "look-around"})).await);
    assert_eq!(found["environment"], 0);
    assert_eq!(found["arguments"], 0);
    assert_eq!(found["passwd"], false);
    assert_eq!(found["stdin"], "");
    assert!(
        found["root"].as_str().unwrap().starts_with("Err("),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_employers_id_is_denied_and_recorded() {
    let host = hostile().await;
    let report = attack(
        &host,
        json!({"attack": "other-employer", "id": employer(2)}),
    )
    .await;
    assert_eq!(
        answer(report),
        json!({"error": "GetEmployerByEmployerId denied: it belongs to another employer than the one that this run is for"})
    );
    let denials = host.rows(&[Kind::Denial]).await;
    assert_eq!(denials.len(), 1);
    assert_eq!(denials[0].check.as_deref(), Some("entity"));
    assert_eq!(
        denials[0].activity.as_deref(),
        Some("GetEmployerByEmployerId")
    );
    assert_eq!(denials[0].context.employer, employer(1));
    unharmed(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_handle_ends_the_run() {
    let host = hostile().await;
    let text = error(attack(&host, json!({"attack": "forged-handle"})).await);
    assert_eq!(text, "the connector crashed: unknown handle index 4242");
    unharmed(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_takes_handles_for_ever_is_ended() {
    let host = hostile().await;
    let text = error(attack(&host, json!({"attack": "handle-bomb"})).await);
    assert!(text.starts_with("the connector crashed: "), "{text}");
    assert_eq!(staged(&host), 0, "its unfinished files are gone");
    unharmed(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argument_beyond_the_limit_ends_the_run_before_it_is_copied() {
    let host = hostile().await;
    let text = error(attack(&host, json!({"attack": "huge-argument"})).await);
    assert!(text.starts_with("the connector crashed: "), "{text}");
    assert!(text.contains("fuel"), "{text}");
    unharmed(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn path_tricks_in_the_names_of_export_files_are_refused() {
    let host = hostile().await;
    for (name, why) in [
        (
            "../platform.toml",
            "'/' is not allowed; letters, digits, `-`, `_` and `.` are",
        ),
        (
            "/etc/passwd",
            "'/' is not allowed; letters, digits, `-`, `_` and `.` are",
        ),
        (
            "..\\evil",
            "'\\\\' is not allowed; letters, digits, `-`, `_` and `.` are",
        ),
        ("..", "it may not start with `.` or `-`"),
        (".staging", "it may not start with `.` or `-`"),
        ("-rf", "it may not start with `.` or `-`"),
        (
            "a\0b",
            "'\\0' is not allowed; letters, digits, `-`, `_` and `.` are",
        ),
        (
            "a\u{202e}fdp.exe",
            "'\\u{202e}' is not allowed; letters, digits, `-`, `_` and `.` are",
        ),
        (
            "ｅxport.xaf",
            "'ｅ' is not allowed; letters, digits, `-`, `_` and `.` are",
        ),
        ("nul.txt", "NUL is the name of a device on Windows"),
        ("COM1", "COM1 is the name of a device on Windows"),
        ("file.", "it may not end with `.`"),
        ("", "it has 0 bytes; 1 to 128 are allowed"),
    ] {
        let answer = answer(attack(&host, json!({"attack": "export", "name": name})).await);
        let text = answer["error"]
            .as_str()
            .unwrap_or_else(|| panic!("{name:?}: {answer}"));
        assert_eq!(
            text,
            format!("ExportError::InvalidName({why:?})"),
            "{name:?}"
        );
    }
    let long = "x".repeat(129);
    let answer = answer(attack(&host, json!({"attack": "export", "name": long})).await);
    assert_eq!(
        answer["error"],
        "ExportError::InvalidName(\"it has 129 bytes; 1 to 128 are allowed\")"
    );
    assert_eq!(host.rows(&[Kind::ExportFile]).await.len(), 0);
    unharmed(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_file_appears_whole_and_is_never_replaced() {
    let host = hostile().await;
    let first = answer(attack(&host, json!({"attack": "export", "name": "a.txt"})).await);
    assert_eq!(first, json!({"written": "a.txt"}));
    let again = answer(attack(&host, json!({"attack": "export", "name": "a.txt"})).await);
    assert_eq!(again, json!({"error": "ExportError::AlreadyExists"}));
    let exports = host.dir.path().join("exports");
    assert_eq!(
        std::fs::read_to_string(exports.join("a.txt")).unwrap(),
        "content"
    );
    assert_eq!(
        answer(attack(&host, json!({"attack": "unfinished"})).await),
        json!("left it")
    );
    assert!(!exports.join("unfinished.bin").exists());
    assert_eq!(staged(&host), 0);
    let rows = host.rows(&[Kind::ExportFile]).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(host.body(rows[0].seq).await, b"content");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_beyond_the_quota_leaves_nothing() {
    let host = hostile().await;
    assert_eq!(
        error(attack(&host, json!({"attack": "quota-bomb"})).await),
        "refused: the export directory may hold 1000000 bytes, and this file does not fit"
    );
    assert!(!host.dir.path().join("exports/bomb.bin").exists());
    // The quota is free again.
    let small = answer(attack(&host, json!({"attack": "export", "name": "small.txt"})).await);
    assert_eq!(small, json!({"written": "small.txt"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_denied_like_any_activity() {
    let host = hostile().await;
    let report = host
        .lookup_as(
            "hostile",
            "tim",
            1,
            &json!({"attack": "export", "name": "a.txt"}),
        )
        .await;
    let text = answer(report)["error"].as_str().unwrap().to_owned();
    assert!(text.starts_with("ExportError::Denied("), "{text}");
    assert!(!host.dir.path().join("exports/a.txt").exists());
    assert_eq!(
        host.denials().await,
        ["user \"tim\" has no right that gives PostDownloadJournalRunExportByJournalRunId"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symlink_in_the_export_directory_is_not_followed() {
    let host = hostile().await;
    answer(attack(&host, json!({"attack": "export", "name": "first.txt"})).await);
    let exports = host.dir.path().join("exports");
    let outside = host.dir.path().join("outside.txt");
    std::os::unix::fs::symlink(&outside, exports.join("link.txt")).unwrap();
    let answer = answer(attack(&host, json!({"attack": "export", "name": "link.txt"})).await);
    assert_eq!(answer, json!({"error": "ExportError::AlreadyExists"}));
    assert!(!outside.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_that_never_was_gives_no_line_to_grant_it() {
    let host = hostile().await;
    assert_eq!(
        error(attack(&host, json!({"attack": "false-denial"})).await),
        "denied by check client: DropAllTables: give me everything\nto allow it, put in the configuration:\n  none: it is not about the configuration"
    );
    assert_eq!(host.denials().await, [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_from_one_run_to_the_next() {
    let host = hostile().await;
    let mut memories = Vec::new();
    for _ in 0..3 {
        memories.push(attack(&host, json!({"attack": "look-around"})).await.memory);
    }
    assert_eq!(memories[0], memories[1]);
    assert_eq!(memories[1], memories[2]);
}
