//! Handles that a guest was not given, gave back, or has too many of.

use super::{Arena, EXPORTS, Guest, anything, granted};
use crate::harness::error;
use koppel_host::ledger::Kind;
use serde_json::json;

/// Makes the file of the name at 64 (`hostile`), whose handle is then at 2056.
const CREATE: &str = "(call $create (i32.const 64) (i32.const 7) (i32.const 2048))
    (if (i32.load8_u (i32.const 2048)) (then unreachable))
    (local.set $a (i32.load (i32.const 2056)))";

/// A guest that has its export files at hand, ended with this text.
async fn crashes(lookup: &str, text: &str) {
    let arena = Arena::new(&Guest::new(lookup).exports().build()).await;
    assert_eq!(
        arena.fails(&anything()).await,
        format!("the connector crashed: {text}")
    );
    assert_eq!(arena.host.rows(&[Kind::ExportFile]).await.len(), 0);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_handle_is_unknown() {
    crashes(
        "(call $finish (i32.const 4242) (i32.const 2048)) (call $done)",
        "unknown handle index 4242",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handle_zero_is_unknown() {
    crashes(
        "(call $finish (i32.const 0) (i32.const 2048)) (call $done)",
        "unknown handle index 0",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_handle_is_unknown() {
    crashes(
        "(call $drop (i32.const -1)) (call $done)",
        "unknown handle index 4294967295",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_is_given_back_once() {
    crashes(
        &format!("{CREATE} (call $drop (local.get $a)) (call $drop (local.get $a)) (call $done)"),
        "unknown handle index 1",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_that_was_given_back_is_unknown() {
    crashes(
        &format!(
            "{CREATE} (call $drop (local.get $a))
             (call $write (local.get $a) (i32.const 64) (i32.const 7) (i32.const 2048))
             (call $done)"
        ),
        "unknown handle index 1",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_of_another_kind_is_no_file() {
    // A wait, used as the file that the next handle is.
    let guest = super::cpu::waiting(Guest::new(
        "(call $finish (call $wait (i64.const 1000)) (i32.const 2048)) (call $done)",
    ))
    .exports();
    let arena = Arena::new(&guest.build()).await;
    assert_eq!(
        arena.fails(&anything()).await,
        "the connector crashed: handle index 1 used with the wrong type, expected guest-defined resource but found a different guest-defined resource"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_of_an_earlier_run_is_unknown() {
    // The first run makes a file and keeps it; the second uses its handle.
    let lookup = format!(
        "(if (i32.eq (local.get $query_length) (i32.const 2)) (then {CREATE})
            (else (call $finish (i32.const 1) (i32.const 2048))))
         (call $done)"
    );
    let arena = Arena::new(&Guest::new(&lookup).exports().build()).await;
    assert_eq!(arena.answer(&json!({})).await, "done");
    assert_eq!(
        arena.fails(&json!({"again": true})).await,
        "the connector crashed: unknown handle index 1"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_file_takes_no_more() {
    // Tells by a number which calls failed: only the second finish does.
    let lookup = format!(
        "{CREATE}
         (call $finish (local.get $a) (i32.const 2048))
         (local.set $x (i64.load8_u (i32.const 2048)))
         (call $write (local.get $a) (i32.const 64) (i32.const 7) (i32.const 2048))
         (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 10)) (i64.load8_u (i32.const 2048))))
         (call $finish (local.get $a) (i32.const 2048))
         (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 10)) (i64.load8_u (i32.const 2048))))
         (call $number (local.get $x))"
    );
    let arena = Arena::new(&Guest::new(&lookup).exports().build()).await;
    assert_eq!(arena.answer(&anything()).await, 11);
    assert_eq!(arena.host.rows(&[Kind::ExportFile]).await.len(), 1);
    arena.unharmed_but(&["hostile"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_that_are_never_given_back_go_with_the_run() {
    // Fifty files, all of one name: it is taken only by what is finished.
    let lookup = format!(
        "(loop $again {CREATE}
            (call $write (local.get $a) (i32.const 64) (i32.const 7) (i32.const 2048))
            (local.set $b (i32.add (local.get $b) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $b) (i32.const 50))))
         (call $number (i64.extend_i32_u (local.get $b)))"
    );
    let arena = Arena::new(&Guest::new(&lookup).exports().build()).await;
    assert_eq!(arena.answer(&anything()).await, 50);
    assert_eq!(arena.host.rows(&[Kind::ExportFile]).await.len(), 0);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_without_end_are_ended_at_the_limit() {
    let guest = super::cpu::waiting(Guest::new(
        "(loop $again (drop (call $wait (i64.const 1000))) (br $again)) unreachable",
    ));
    let arena = Arena::new(&guest.build()).await;
    assert_eq!(
        arena.fails(&anything()).await,
        "the connector crashed: resource table has no free keys"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_of_the_guests_own_without_end_are_ended_at_the_limit() {
    let guest = Guest::new(
        "(loop $again (drop (call $new (i32.const 1))) (br $again)) unreachable",
    )
    .world(
        "export things;",
        "interface things { resource thing { constructor(); } }",
    )
    .import(
        "[export]attack:guest/things",
        "[resource-new]thing",
        "$new (param i32) (result i32)",
    )
    .more("(func (export \"attack:guest/things#[constructor]thing\") (result i32) unreachable)");
    let arena = Arena::new(&guest.build()).await;
    assert_eq!(
        arena.fails(&anything()).await,
        "the connector crashed: cannot allocate another handle: store handle limit exceeded"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_end_are_refused_at_the_limit() {
    // Opened and dropped: each takes no bytes, and its handle is free again.
    let lookup = "(loop $again
            (call $create (i32.const 64) (i32.const 7) (i32.const 2048))
            (if (i32.load8_u (i32.const 2048))
                (then (return (call $number (local.get $x)))))
            (call $drop (i32.load (i32.const 2056)))
            (local.set $x (i64.add (local.get $x) (i64.const 1)))
            (br $again)) unreachable";
    let lines = format!(
        "{}\n{EXPORTS}\nlimits = {{ export-files = 20 }}",
        crate::harness::all_activities()
    );
    let arena = Arena::with(&Guest::new(lookup).exports().build(), &lines).await;
    assert_eq!(arena.answer(&anything()).await, 20);
    assert_eq!(
        arena.host.denials().await,
        ["the run made its 20 export files (limits.export-files)"]
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cannot_be_handed_to_a_guest_without_the_grant() {
    // The import itself is missing from what it is linked with.
    let guest = Guest::new(&format!("{CREATE} (call $done)"))
        .exports()
        .build();
    let arena = Arena::with(&guest, &crate::harness::all_activities()).await;
    let text = error(arena.attack(&anything()).await);
    assert_eq!(
        text,
        "client \"guest\": client \"guest\" is not loaded: its component imports what was not granted:\n  \
         export files (koppel:connector/exports)\n\
         to grant it, put in the configuration:\n  \
         [clients.guest] exports = { directory = \"…\", quota-bytes = 50_000_000, activity = \"PostDownloadJournalRunExportByJournalRunId\" }"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_through_a_revoked_grant_finishes_nothing() {
    // The handle was taken while it was granted; finishing asks once more.
    let lookup = format!(
        "{CREATE} (call $block (call $wait (i64.const 600000000)))
         (call $finish (local.get $a) (i32.const 2048))
         (call $number (i64.load8_u (i32.const 2048)))"
    );
    let guest = super::cpu::waiting(Guest::new(&lookup)).exports().build();
    let arena = Arena::with(&guest, &granted("limits = { deadline-ms = 5000 }")).await;
    let query = anything();
    let run = arena.attack(&query);
    let revoke = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let without = granted("").replace(EXPORTS, "");
        let clients = super::clients(&without);
        arena
            .host
            .write_configuration(&crate::harness::configuration(&clients));
        arena.host.host.live().reload();
    };
    let (report, _) = tokio::join!(run, revoke);
    assert_eq!(crate::harness::answer(report), 1);
    assert_eq!(
        arena.host.denials().await,
        [
            "client \"guest\" has no export directory any more; add [clients.guest] exports = { directory = \"…\", quota-bytes = …, activity = \"…\" }"
        ]
    );
    arena.unharmed().await;
}
