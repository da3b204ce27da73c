//! What a guest could learn of its surroundings: clocks, random numbers, and
//! whatever lies about.

use super::cpu::WASI;
use super::{Arena, Guest, anything};
use serde_json::{Value, json};

/// A guest with a clock or random numbers; the body leaves a result.
fn surroundings(lookup: &str) -> Guest {
    Guest::new(lookup)
        .world(
            "import wasi:clocks/monotonic-clock@0.2.6;
             import wasi:clocks/wall-clock@0.2.6;
             import wasi:random/random@0.2.6;
             import wasi:random/insecure-seed@0.2.6;",
            WASI,
        )
        .import(
            "wasi:clocks/monotonic-clock@0.2.6",
            "now",
            "$now (result i64)",
        )
        .import(
            "wasi:clocks/monotonic-clock@0.2.6",
            "resolution",
            "$resolution (result i64)",
        )
        .import("wasi:clocks/wall-clock@0.2.6", "now", "$wall (param i32)")
        .import(
            "wasi:random/random@0.2.6",
            "get-random-u64",
            "$random (result i64)",
        )
        .import(
            "wasi:random/insecure-seed@0.2.6",
            "insecure-seed",
            "$seed (param i32)",
        )
}

/// What three runs answer.
async fn answers(lookup: &str) -> Vec<Value> {
    let arena = Arena::new(&surroundings(lookup).build()).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(arena.answer(&anything()).await);
    }
    arena.unharmed().await;
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_a_guest_is_coarse() {
    // Of a thousand readings, none is between two milliseconds.
    let fine = answers(
        "(loop $again
            (if (i64.ne (i64.rem_u (call $now) (i64.const 1000000)) (i64.const 0))
                (then (local.set $x (i64.add (local.get $x) (i64.const 1)))))
            (local.set $a (i32.add (local.get $a) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $a) (i32.const 1000))))
         (call $number (local.get $x))",
    );
    assert_eq!(fine.await, [0, 0, 0]);
    assert_eq!(
        answers("(call $number (call $resolution))").await,
        [1_000_000; 3]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_day_is_coarse() {
    let fine = "(call $wall (i32.const 2048))
        (call $number (i64.rem_u (i64.load32_u (i32.const 2056)) (i64.const 1000000)))";
    assert_eq!(answers(fine).await, [0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_a_guest_begins_with_its_run() {
    // In seconds; that of the host began with the machine.
    let since = "(call $number (i64.div_u (call $now) (i64.const 1000000000)))";
    assert_eq!(answers(since).await, [0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn random_numbers_of_one_run_say_nothing_of_the_next() {
    let mut numbers = Vec::new();
    for lookup in [
        "(call $number (call $random))",
        "(call $seed (i32.const 2048)) (call $number (i64.load (i32.const 2048)))",
    ] {
        numbers.extend(answers(lookup).await);
    }
    let mut different = numbers.clone();
    different.sort_by_key(|number| number.as_u64());
    different.dedup();
    assert_eq!(different.len(), 6, "{numbers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_host_lies_about() {
    let arena = Arena::guest("hostile").await;
    let found = arena.answer(&json!({"attack": "look-around"})).await;
    let root = found["root"].as_str().unwrap().to_owned();
    assert!(root.starts_with("Err("), "{root}");
    assert_eq!(
        found,
        json!({"environment": 0, "arguments": 0, "root": root, "passwd": false, "stdin": ""})
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_told_its_own_employer_and_settings_alone() {
    // What is passed to the call: run, employer and settings, as it lies in
    // the memory of the guest.
    let arena = Arena::new(
        &Guest::new(
            "(call $log (i32.const 1) (local.get $employer) (local.get $employer_length))
             (call $log (i32.const 1) (local.get $settings) (local.get $settings_length))
             (call $done)",
        )
        .log()
        .build(),
    )
    .await;
    let report = arena.attack(&anything()).await;
    let lines: Vec<_> = report.log.iter().map(|line| line.text.clone()).collect();
    assert_eq!(
        lines,
        [crate::harness::employer(1).to_string(), "{}".to_owned()]
    );
    arena.unharmed().await;
}
