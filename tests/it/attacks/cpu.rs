//! Computing and waiting without end, wherever a guest gets to run.

use super::{Arena, Guest, anything, granted};
use crate::harness::{answer, error};
use koppel_host::runs::RunError;
use koppel_host::sandbox::LimitReached;
use serde_json::json;
use std::time::Duration;

const CPU: &str = "the connector was ended: computing time of 200 ms used up (limits.cpu-ms)";
const DEADLINE: &str = "the connector was ended: deadline of 500 ms passed (limits.deadline-ms)";
const SHORT: &str = "limits = { deadline-ms = 500, cpu-ms = 200, log-bytes = 4096, runs = 64 }";

const FOR_EVER: &str = "(loop $again (br $again)) unreachable";

/// A guest that does this, ended by its computing time.
async fn computes(guest: Guest) {
    let arena = Arena::new(&guest.build()).await;
    assert_eq!(arena.fails(&anything()).await, CPU);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_in_a_call_is_ended() {
    computes(Guest::new(FOR_EVER)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_in_the_start_function_is_ended() {
    computes(Guest::new("(call $done)").more(
        "(func $start (loop $again (br $again)))
         (start $start)",
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_in_realloc_is_ended() {
    // Which the host calls to pass the query.
    computes(Guest::new("(call $done)").realloc(FOR_EVER)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_after_the_return_is_ended() {
    computes(Guest::new("(call $done)").more(
        "(func (export \"cabi_post_koppel:connector/lookup@0.1.0#lookup\") (param i32)
            (loop $again (br $again)))",
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_in_a_destructor_is_ended() {
    // A resource of the guest's own, which it drops itself.
    let guest = Guest::new("(call $drop (call $new (i32.const 1))) (call $done)")
        .world(
            "export things;",
            "interface things { resource thing { constructor(); } }",
        )
        .import(
            "[export]attack:guest/things",
            "[resource-new]thing",
            "$new (param i32) (result i32)",
        )
        .import(
            "[export]attack:guest/things",
            "[resource-drop]thing",
            "$drop (param i32)",
        )
        .more(
            "(func (export \"attack:guest/things#[constructor]thing\") (result i32) unreachable)
             (func (export \"attack:guest/things#[dtor]thing\") (param i32)
                (loop $again (br $again)))",
        );
    computes(guest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_in_describe_is_ended() {
    let arena = Arena::new(&Guest::new("(call $done)").describe(FOR_EVER).build()).await;
    let described = arena.host.host.describe("guest").await;
    assert_eq!(described.unwrap_err().to_string(), CPU);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_the_host_without_end_is_computing() {
    let lines = "(loop $again
        (call $log (i32.const 1) (i32.const 64) (i32.const 7))
        (br $again)) unreachable";
    computes(Guest::new(lines).log()).await;
}

/// A guest with its standard output: `$stdout` gives a handle, `$print` writes.
pub(super) fn printing(lookup: &str) -> Guest {
    Guest::new(lookup)
        .world("import wasi:cli/stdout@0.2.6;", WASI)
        .import(
            "wasi:cli/stdout@0.2.6",
            "get-stdout",
            "$stdout (result i32)",
        )
        .import(
            "wasi:io/streams@0.2.6",
            "[method]output-stream.write",
            "$print (param i32 i32 i32 i32)",
        )
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_nothing_without_end_is_computing() {
    // Each was once an entry in a queue of the host, GHSA-5m8g-xhq4-4h93.
    computes(printing(
        "(local.set $a (call $stdout))
         (loop $again
            (call $print (local.get $a) (i32.const 64) (i32.const 0) (i32.const 2048))
            (br $again)) unreachable",
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filling_memory_without_end_is_computing() {
    // Single instructions that touch 32 MiB each.
    let fill = "(loop $again
        (memory.fill (i32.const 131072) (i32.const 1) (i32.const 33554432))
        (br $again)) unreachable";
    computes(Guest::new(fill).pages(600)).await;
}

/// The clocks and polling of WASI, as a guest in text imports them.
pub(super) const WASI: &str = "
package wasi:io@0.2.6 {
    interface poll { resource pollable { block: func(); ready: func() -> bool; } }
    interface error { resource error { to-debug-string: func() -> string; } }
    interface streams {
        use error.{error};
        variant stream-error { last-operation-failed(error), closed }
        resource output-stream {
            check-write: func() -> result<u64, stream-error>;
            write: func(contents: list<u8>) -> result<_, stream-error>;
        }
    }
}
package wasi:cli@0.2.6 {
    interface stdout {
        use wasi:io/streams@0.2.6.{output-stream};
        get-stdout: func() -> output-stream;
    }
}
package wasi:clocks@0.2.6 {
    interface monotonic-clock {
        use wasi:io/poll@0.2.6.{pollable};
        now: func() -> u64;
        resolution: func() -> u64;
        subscribe-duration: func(when: u64) -> pollable;
    }
    interface wall-clock {
        record datetime { seconds: u64, nanoseconds: u32 }
        now: func() -> datetime;
    }
}
package wasi:random@0.2.6 {
    interface random { get-random-bytes: func(len: u64) -> list<u8>; get-random-u64: func() -> u64; }
    interface insecure-seed { insecure-seed: func() -> tuple<u64, u64>; }
}";

/// Imports the clock and its waiting: `$wait` makes a handle, `$block` waits
/// for it, `$forget` drops it.
pub(super) fn waiting(guest: Guest) -> Guest {
    guest
        .world("import wasi:clocks/monotonic-clock@0.2.6;", WASI)
        .import(
            "wasi:clocks/monotonic-clock@0.2.6",
            "subscribe-duration",
            "$wait (param i64) (result i32)",
        )
        .import(
            "wasi:io/poll@0.2.6",
            "[method]pollable.block",
            "$block (param i32)",
        )
        .import(
            "wasi:io/poll@0.2.6",
            "[resource-drop]pollable",
            "$forget (param i32)",
        )
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_without_end_is_ended_by_the_deadline() {
    let guest = waiting(Guest::new(
        "(call $block (call $wait (i64.const -1))) (call $done)",
    ));
    let arena = Arena::with(&guest.build(), &granted(SHORT)).await;
    assert_eq!(arena.fails(&anything()).await, DEADLINE);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_short_waits_are_computing() {
    computes(waiting(Guest::new(
        "(loop $again
            (local.set $a (call $wait (i64.const 1000000)))
            (call $block (local.get $a))
            (call $forget (local.get $a))
            (br $again)) unreachable",
    )))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_that_end_at_once_are_computing() {
    computes(waiting(Guest::new(
        "(loop $again
            (local.set $a (call $wait (i64.const 0)))
            (call $block (local.get $a))
            (call $forget (local.get $a))
            (br $again)) unreachable",
    )))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loops_do_not_stall_others() {
    let arena = Arena::new(&Guest::new(FOR_EVER).build()).await;
    // Compiled, so that it is the running that is compared.
    arena.unharmed().await;
    // More loops than there are threads to run them.
    let query = anything();
    let loops = futures_util::future::join_all((0..8).map(|_| arena.attack(&query)));
    let honest = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let query = json!({"activity": "GetEmployersByUserId"});
        arena.host.lookup("probe", &query).await
    };
    let (loops, honest) = tokio::join!(loops, honest);
    // It came last, and did not wait for all of them to be cut off.
    let last = loops.iter().map(|report| report.duration).max().unwrap();
    assert!(honest.duration < last, "{last:?} {honest:?}");
    assert_eq!(answer(honest)["total"], 1);
    for report in loops {
        assert_eq!(error(report), CPU);
    }
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_hold_every_place_give_it_back_by_their_deadlines() {
    let guest = waiting(Guest::new(
        "(call $block (call $wait (i64.const -1))) (call $done)",
    ));
    let arena = Arena::with(&guest.build(), &granted(SHORT)).await;
    arena.unharmed().await;
    // More than there are places: the rest wait for one, within their deadline.
    let query = anything();
    let waits = futures_util::future::join_all((0..80).map(|_| arena.attack(&query)));
    let honest = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let query = json!({"activity": "GetEmployersByUserId"});
        answer(arena.host.lookup("probe", &query).await)
    };
    let (waits, honest) = tokio::join!(waits, honest);
    assert_eq!(honest["total"], 1);
    for report in waits {
        assert!(
            matches!(
                report.outcome,
                Err(RunError::Limit(LimitReached::Deadline(500)))
            ),
            "{report:?}"
        );
    }
    arena.unharmed().await;
}
