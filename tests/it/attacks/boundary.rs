//! What crosses between guest and host: strings, lists, results, and the
//! memory that the guest gives out for them.

use super::{Arena, Guest, anything};
use crate::harness::employer;
use koppel_host::ledger::Kind;

/// A guest that ends with this text.
async fn fails(guest: Guest, text: &str) {
    let arena = Arena::new(&guest.build()).await;
    assert_eq!(arena.fails(&anything()).await, text);
    arena.unharmed().await;
}

async fn crashes(guest: Guest, text: &str) {
    fails(guest, &format!("the connector crashed: {text}")).await;
}

/// Writes the bytes at 2048 to the log.
fn logs(bytes: &str, arguments: &str) -> Guest {
    Guest::new(&format!("(call $log {arguments}) (call $done)"))
        .log()
        .more(&format!("(data (i32.const 2048) \"{bytes}\")"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_string_that_is_no_utf_8_ends_the_run() {
    crashes(
        logs("a\\ff\\fe", "(i32.const 1) (i32.const 2048) (i32.const 3)"),
        "invalid utf-8 sequence of 1 bytes from index 1",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlong_string_of_utf_8_ends_the_run() {
    // The slash in two bytes, with which checks of paths were once passed.
    crashes(
        logs("\\c0\\af", "(i32.const 1) (i32.const 2048) (i32.const 2)"),
        "invalid utf-8 sequence of 1 bytes from index 0",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_pair_of_utf_16_ends_the_run() {
    crashes(
        logs("\\00\\d8", "(i32.const 1) (i32.const 2048) (i32.const 1)").utf16(),
        "unpaired surrogate found: d800",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_string_of_utf_16_at_an_odd_address_ends_the_run() {
    crashes(
        logs("", "(i32.const 1) (i32.const 2049) (i32.const 1)").utf16(),
        "string pointer not aligned to 2",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_string_beyond_the_memory_ends_the_run() {
    crashes(
        logs("", "(i32.const 1) (i32.const 131070) (i32.const 7)"),
        "string pointer/length out of bounds of memory",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_overflows_ends_the_run() {
    crashes(
        logs("", "(i32.const 1) (i32.const 2048) (i32.const -1)"),
        "string pointer/length out of bounds of memory",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_is_not_there_ends_the_run() {
    crashes(
        logs("", "(i32.const 9) (i32.const 64) (i32.const 7)"),
        "unexpected discriminant: 9",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_beyond_the_memory_ends_the_run() {
    crashes(
        Guest::new("(i32.const 131072)"),
        "pointer out of bounds of memory",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_at_an_odd_address_ends_the_run() {
    crashes(Guest::new("(i32.const 1025)"), "return pointer not aligned").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_of_no_case_ends_the_run() {
    crashes(
        Guest::new(
            "(drop (call $done)) (i32.store8 (i32.const 1024) (i32.const 7)) (i32.const 1024)",
        ),
        "invalid expected discriminant",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_utf_8_ends_the_run() {
    crashes(
        Guest::new("(call $text (i32.const 2048) (i32.const 2))")
            .more("(data (i32.const 2048) \"\\22\\ff\")"),
        "invalid utf-8 sequence of 1 bytes from index 1",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_json_is_refused() {
    fails(
        Guest::new("(call $text (i32.const 64) (i32.const 7))"),
        "the connector answered what it may not: its answer is not JSON: expected value at line 1 column 1",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_nested_without_end_is_refused() {
    // A parser that calls itself for each bracket would run out of stack.
    fails(
        Guest::new(
            "(memory.fill (i32.const 65536) (i32.const 0x5b) (i32.const 1000000))
             (call $text (i32.const 65536) (i32.const 1000000))",
        )
        .pages(20),
        "the connector answered what it may not: its answer is not JSON: recursion limit exceeded at line 1 column 128",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_beyond_the_limit_is_not_copied() {
    crashes(
        Guest::new("(call $text (i32.const 65536) (i32.const 20000000))").pages(400),
        "too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_realloc_that_gives_out_what_is_not_there_ends_the_run() {
    crashes(
        Guest::new("(call $done)").realloc("(i32.const 0x7fffffff)"),
        "realloc return: beyond end of memory",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_realloc_that_traps_ends_the_run() {
    crashes(
        Guest::new("(call $done)").realloc("unreachable"),
        "wasm trap: wasm `unreachable` instruction executed",
    )
    .await;
}

/// Asks for the employers, in pages of this many: the result is a list, for
/// which the host asks realloc for an aligned place.
fn asks(size: &str) -> Guest {
    Guest::new(&format!(
        // page-request: no cursor, size; where the result goes.
        "(call $employers (i32.const 0) (i32.const 0) (i32.const 0) {size} (i32.const 4096))
         (call $number (i64.load8_u (i32.const 4096)))"
    ))
    .import(
        "koppel:loket/employers@0.1.0",
        "get-employers-by-user-id",
        "$employers (param i32 i32 i32 i32 i32)",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_realloc_that_does_not_align_ends_the_run() {
    crashes(
        asks("(i32.const 10)").realloc("(i32.const 65537)"),
        "realloc return: result not aligned",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_realloc_that_gives_out_one_place_twice_harms_the_guest_alone() {
    // Everything lands on everything else; the host does not read it back.
    let arena = Arena::new(&asks("(i32.const 10)").realloc("(i32.const 65536)").build()).await;
    assert_eq!(arena.answer(&anything()).await, 0);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_four_billion_is_told_to_be_too_large() {
    let arena = Arena::new(&asks("(i32.const -1)").build()).await;
    assert_eq!(arena.answer(&anything()).await, 1);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_megabytes_is_clipped_in_the_ledger() {
    // The case `other` of connector-error, with 10 MB of the letter x.
    let guest = Guest::new(
        "(memory.fill (i32.const 65536) (i32.const 0x78) (i32.const 10000000))
         (i32.store8 (i32.const 1024) (i32.const 1))
         (i32.store8 (i32.const 1028) (i32.const 6))
         (i32.store (i32.const 1032) (i32.const 65536))
         (i32.store (i32.const 1036) (i32.const 10000000))
         (i32.const 1024)",
    )
    .pages(200);
    let arena = Arena::new(&guest.build()).await;
    let text = arena.fails(&anything()).await;
    assert_eq!(text.len(), 10_000_000);
    let finished = arena.host.rows(&[Kind::RunFinished]).await;
    let outcome = finished[0].outcome.clone().unwrap();
    assert_eq!(outcome, format!("{}… (10000000 bytes)", "x".repeat(8_192)));
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_identifier_is_told_apart_from_none() {
    // Spellings of an identifier that exists: a check that compares text and a
    // store that reads any spelling would disagree.
    let arena = Arena::guest("probe").await;
    let id = employer(1).to_string();
    for spelling in [
        id.to_uppercase(),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        id.replace('-', ""),
        format!("{id} "),
        format!("{id}\0"),
        "' OR 1=1 --".to_owned(),
    ] {
        let query = serde_json::json!({"activity": "GetEmployerByEmployerId", "id": spelling});
        assert_eq!(
            arena.answer(&query).await,
            serde_json::json!({"invalid": ["employerId: must be a UUID in hyphenated lower-case form"]})
        );
    }
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_was_never_given_out_is_invalid() {
    let arena = Arena::guest("probe").await;
    for cursor in [
        "",
        "-1",
        "9999999999999999999999",
        "'; DROP TABLE employer; --",
    ] {
        let query = serde_json::json!({"activity": "GetEmployersByUserId", "cursor": cursor});
        let answer = arena.answer(&query).await;
        assert_eq!(
            answer,
            serde_json::json!({"invalid": ["cursor: is not a cursor of this list"]}),
            "{cursor}"
        );
    }
    arena.unharmed().await;
}
