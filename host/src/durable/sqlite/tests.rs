//! Runs in SQLite: what every store and queue must do, and what is its own.

use super::super::conformance::{self, NOW, Process, direct, end, lease, started, step, submit};
use super::super::{Ended, RunFilter, RunStore, State, StoreError};
use super::{LocalQueue, Sqlite};
use crate::encryption::Vault;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// As a process has the file open.
fn process(dir: &Path) -> Process {
    let store = Sqlite::open(&dir.join("data/runs.db")).unwrap();
    let store = store.encrypted(Vault::of(&["2026"]));
    let queue = LocalQueue::new(store.clone()).unwrap();
    Process {
        holder: queue.holder(),
        store: Arc::new(store),
        queue: Arc::new(queue),
    }
}

fn one() -> (TempDir, Process) {
    let dir = tempfile::tempdir().unwrap();
    let process = process(dir.path());
    (dir, process)
}

macro_rules! conformance {
    ($($test:ident($($process:ident),+);)+) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            let dir = tempfile::tempdir().unwrap();
            $(let $process = process(dir.path());)+
            conformance::$test($($process),+).await;
        })+
    };
}

conformance::tests!(conformance);

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_process_is_gone_is_delivered_again_at_once() {
    let (dir, one) = one();
    let run = submit(&one, "1", 1).await;
    lease(&one, NOW).await.unwrap();
    started(&one, run.id).await;
    let other = process(dir.path());
    assert_eq!(lease(&other, NOW).await, None, "it is alive");
    // However far the clock moves.
    assert_eq!(lease(&other, NOW + 1_000_000_000).await, None);
    drop(one);
    let taken = lease(&other, NOW).await.unwrap();
    assert_eq!(taken.run, run.id);
    assert!(started(&other, run.id).await.resumed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_moved_back_leaves_nothing_waiting() {
    let (_dir, one) = one();
    let run = submit(&one, "1", 1).await;
    let leased = lease(&one, NOW).await.unwrap();
    let fence = started(&one, run.id).await.fence;
    let hour = 3_600_000;
    let again = end(Ended::Again {
        due: NOW + hour + 10,
    });
    one.store.finish(fence, again, NOW + hour).await.unwrap();
    one.queue.retry_at(&leased, NOW + hour + 10).await.unwrap();
    assert_eq!(lease(&one, NOW + hour).await, None, "it waits");
    let leased = lease(&one, NOW).await;
    assert_eq!(leased.unwrap().run, run.id, "not for an hour more");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_gone_from_the_file_when_the_run_is_over() {
    let (dir, one) = one();
    // Without keys.
    let clear = Sqlite::open(&dir.path().join("data/runs.db")).unwrap();
    let one = Process {
        store: Arc::new(clear),
        ..one
    };
    let run = submit(&one, "1", 1).await;
    let fence = started(&one, run.id).await.fence;
    let secret = step(0, Some("\"the citizen service number of somebody\""));
    one.store.record(fence, vec![secret]).await.unwrap();
    let path = dir.path().join("data/runs.db");
    let holds = || {
        let connection = Connection::open(&path).unwrap();
        let _: i64 = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .unwrap();
        let bytes = std::fs::read(&path).unwrap();
        memchr::memmem::find(&bytes, b"citizen service number").is_some()
    };
    assert!(holds());
    let over = end(Ended::Over(State::Succeeded));
    one.store.finish(fence, over, NOW).await.unwrap();
    assert!(!holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_and_is_told() {
    let (dir, one) = one();
    let run = submit(&one, "1", 1).await;
    let fence = started(&one, run.id).await.fence;
    // No page more than there are.
    let full = Sqlite::open(&dir.path().join("data/runs.db")).unwrap();
    for connection in [&full.durable, &full.light] {
        connection.read(|connection| {
            let pages: i64 = connection
                .query_row("PRAGMA page_count", [], |row| row.get(0))
                .unwrap();
            connection
                .pragma_update(None, "max_page_count", pages)
                .unwrap();
        });
    }
    let large = "x".repeat(100_000);
    let refused = full.record(fence, vec![step(0, Some(&large))]).await;
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(why)) if why == "database or disk is full"),
        "{refused:?}"
    );
    one.store
        .record(fence, vec![step(0, Some(&large))])
        .await
        .unwrap();
    let runs = full.runs(RunFilter::default()).await.unwrap();
    assert_eq!(runs.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_is_waited_for_and_then_told() {
    let (dir, one) = one();
    let run = submit(&one, "1", 1).await;
    let fence = started(&one, run.id).await.fence;
    let lock = Connection::open(dir.path().join("data/runs.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Reading goes on.
    assert!(one.store.run(run.id).await.unwrap().is_some());
    let refused = one.store.record(fence, vec![step(0, None)]).await;
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(why)) if why == "database is locked"),
        "{refused:?}"
    );
    lock.execute_batch("ROLLBACK").unwrap();
    one.store.record(fence, vec![step(0, None)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_made_at_once_is_there_though_nobody_waited_for_that() {
    let (dir, one) = one();
    let over = || end(Ended::Over(State::Succeeded));
    // Nothing can be written now, so that whoever waits would be waiting.
    let lock = Connection::open(dir.path().join("data/runs.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = direct(&one, "first");
    let made = one.store.made(first.clone(), over(), NOW);
    let made = tokio::time::timeout(Duration::from_millis(50), made).await;
    assert!(made.is_err(), "nothing else is being written");
    let second = direct(&one, "second");
    one.store.made(second.clone(), over(), NOW).await.unwrap();
    lock.execute_batch("ROLLBACK").unwrap();
    let cancelled = one.store.cancel(second.new.id, "no", NOW).await;
    assert_eq!(
        cancelled.unwrap_err().to_string(),
        format!("run {} cannot be cancelled: it is succeeded", second.new.id)
    );
    let runs = one.store.runs(RunFilter::default()).await.unwrap();
    let runs: Vec<_> = runs.iter().map(|run| run.id).collect();
    assert_eq!(runs, [second.new.id, first.new.id], "newest first");
}

#[test]
fn a_database_of_something_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE payroll (id)").unwrap();
    drop(other);
    let before = std::fs::read(&path).unwrap();
    let error = Sqlite::open(&path).err().unwrap().to_string();
    assert_eq!(
        error,
        format!(
            "runs: {}: it is a database of something else",
            path.display()
        )
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_journal_is_on_disk_in_clear_text_and_keys_are_replaced() {
    let (dir, one) = one();
    let run = submit(&one, "1", 1).await;
    let fence = started(&one, run.id).await.fence;
    let on_disk = || {
        let files = std::fs::read_dir(dir.path().join("data")).unwrap();
        files.into_iter().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            memchr::memmem::find(&bytes, b"999993653").is_some()
        })
    };
    let outcome = step(0, Some("999993653"));
    one.store
        .record(fence, vec![outcome.clone()])
        .await
        .unwrap();
    assert!(!on_disk());
    // As it was before there were keys.
    let path = dir.path().join("data/runs.db");
    let clear = Sqlite::open(&path).unwrap();
    let second = step(1, Some("999993653"));
    clear.record(fence, vec![second.clone()]).await.unwrap();
    assert!(on_disk());
    let other = Sqlite::open(&path).unwrap();
    let other = other.encrypted(Vault::of(&["2027", "2026"]));
    assert_eq!(other.reseal().await.unwrap().count, 2);
    assert_eq!(other.reseal().await.unwrap().count, 0);
    assert!(!on_disk());
    let other = Sqlite::open(&path).unwrap();
    let other = Process {
        store: Arc::new(other.encrypted(Vault::of(&["2027"]))),
        ..one.clone()
    };
    assert_eq!(started(&other, run.id).await.steps, [outcome, second]);
    // Without the key, the run is not taken up, and stays as it is.
    let Err(StoreError::Unavailable(why)) =
        one.store.begin(conformance::beginning(&one, run.id)).await
    else {
        panic!("it was read");
    };
    assert!(
        why.starts_with("it is encrypted with key \"2027\", which is not in the configuration"),
        "{why}"
    );
    let resumed = started(&other, run.id).await;
    assert_eq!(resumed.resumptions, 2);
}
