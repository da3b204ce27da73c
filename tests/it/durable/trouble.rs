//! A disk that is full, and databases that are locked, while runs are made.

use super::kill::Serve;
use super::party::Party;
use super::{Bench, EXACT, all, text};
use crate::cli::koppel;
use crate::harness::ANNA;
use koppel_host::durable::State;
use koppel_host::platform::{seed, status_key};
use koppel_host::runs::Job;
use std::path::Path;
use std::time::Duration;

const PATIENT: &str = "retry = { attempts = 50, backoff-ms = 50, max-backoff-ms = 500 }";

/// What was booked how often, and that all is well in the end.
async fn all_is_well(bench: &Bench, party: &Party) {
    for run in all(&bench.host).await {
        let done = bench.until(run.id, &[State::Succeeded]).await;
        let Job::ProcessJournalRun(id) = done.job else {
            panic!("{done:?}");
        };
        assert_eq!(party.booked(&id.to_string()), 1, "{done:?}");
        let journal_run = bench.host.platform().journal_run(id).await.unwrap();
        assert_eq!(status_key(journal_run.status), 7);
    }
    bench.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_puts_runs_off_and_books_nothing_twice() {
    for file in ["runs.db", "ledger.db", "koppel.db"] {
        let party = Party::start().await;
        party.told(|kept| kept.delay = Duration::from_millis(50));
        let mut bench = Bench::idle(&text(&party, "", PATIENT)).await;
        for of in [1, 2, 3] {
            bench.book(of, 6).await;
        }
        bench.work();
        while party.told(|kept| kept.requests) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Longer than anybody waits for it.
        let path = bench.dir.path().join("data").join(file);
        let lock = rusqlite::Connection::open(path).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        tokio::time::sleep(Duration::from_secs(7)).await;
        lock.execute_batch("ROLLBACK").unwrap();
        person(&bench, &party).await;
        all_is_well(&bench, &party).await;
    }
}

/// A person decides what is in doubt, until nothing is any more.
async fn person(bench: &Bench, party: &Party) {
    for _ in 0..600 {
        let runs = all(&bench.host).await;
        for run in &runs {
            let Job::ProcessJournalRun(id) = run.job else {
                panic!("{run:?}");
            };
            if run.state != State::NeedsAPerson {
                continue;
            }
            let there = party.booked(&id.to_string()) > 0;
            let word = if there { "happened" } else { "did-not-happen" };
            let id = run.id.to_string();
            let decided = koppel(
                bench.dir.path(),
                &["runs", "decide", &id, word, "--user", ANNA],
            );
            assert!(decided.status.success(), "{decided:?}");
        }
        if runs.iter().all(|run| run.state.is_over()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{:?}", all(&bench.host).await);
}

/// A `koppel serve` that can make no file larger than this, in blocks of 512
/// bytes: to it, the disk is full then.
fn full(dir: &Path, blocks: u64) -> Serve {
    let koppel = env!("CARGO_BIN_EXE_koppel");
    // Without the trap the process would be killed, which other tests do.
    let script = format!("ulimit -f {blocks}; trap '' XFSZ; exec {koppel} serve");
    Serve::program(dir, "sh", &["-c", &script])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_runs_before_they_write_and_loses_none() {
    let party = Party::start().await;
    let bench = Bench::idle(&text(&party, "", PATIENT)).await;
    for of in [1, 2, 3] {
        for period in 2..=9 {
            bench
                .submit(
                    EXACT,
                    of,
                    Job::ProcessJournalRun(seed::journal_run_id(of, period)),
                )
                .await;
        }
    }
    // The logs that SQLite writes ahead find no room after some runs.
    let data = bench.dir.path().join("data");
    let largest = ["ledger.db-wal", "runs.db-wal"].map(|file| {
        let size = std::fs::metadata(data.join(file)).map(|metadata| metadata.len());
        size.unwrap_or_default()
    });
    let room = largest.into_iter().max().unwrap() + 400_000;
    let mut serve = full(bench.dir.path(), room / 512);
    let mut told = String::new();
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        told = std::fs::read_to_string(bench.dir.path().join("serve.log")).unwrap();
        if told.contains("full") || told.contains("disk I/O error") {
            break;
        }
    }
    // Long enough for all that are under way to notice.
    tokio::time::sleep(Duration::from_secs(2)).await;
    serve.kill();
    assert!(
        told.contains("full") || told.contains("disk I/O error"),
        "{told}"
    );
    let booked = party.told(|kept| kept.entries.len());
    assert!(booked < 24, "the disk was full before all was done");
    let _serve = Serve::start(bench.dir.path());
    person(&bench, &party).await;
    all_is_well(&bench, &party).await;
}
