//! The journal by itself, on a real store.

use super::super::keeping::Keeping;
use super::journal::READ;
use super::{Brake, Call, Found, Journal, Slot, Stop, is_seen, random, seen};
use crate::durable::conformance::{Process, started, submit};
use crate::durable::{LocalQueue, Reading, Sqlite, Started};
use crate::ledger::Redactor;
use chacha20::rand_core::Rng;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// A run, and its journal as each process that takes it up has it.
struct Setup {
    _dir: TempDir,
    process: Process,
    run: Uuid,
}

impl Setup {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&dir.path().join("runs.db")).unwrap();
        let queue = LocalQueue::new(store.clone()).unwrap();
        let process = Process {
            holder: queue.holder(),
            store: Arc::new(store),
            queue: Arc::new(queue),
        };
        let run = submit(&process, "k", 1).await.id;
        Self {
            _dir: dir,
            process,
            run,
        }
    }

    async fn start(&self) -> Started {
        started(&self.process, self.run).await
    }

    fn keeping(&self) -> Arc<Keeping> {
        Arc::new(Keeping::kept(self.process.store.clone()))
    }

    /// The journal of whoever takes it up now.
    async fn journal(&self) -> Journal {
        let started = self.start().await;
        Journal::of(self.keeping(), Redactor::default(), &started, None)
    }
}

fn read(what: &str) -> Call {
    Call::new(what.to_owned(), &what)
}

fn write(what: &str, repeatable: bool) -> Call {
    Call {
        write: true,
        repeatable,
        ..read(what)
    }
}

async fn answer(journal: &Journal, call: &Call, answer: &str) -> Slot {
    let slot = journal.slot();
    assert!(matches!(journal.find(&slot, call), Found::New));
    if call.write {
        assert!(journal.intend(&slot, call).await);
    }
    let sealed = journal.seal(&answer);
    assert!(journal.answered(&slot, call, sealed).await);
    slot
}

fn answered(journal: &Journal, call: &Call) -> String {
    let slot = journal.slot();
    match journal.find(&slot, call) {
        Found::Answered(answer) => serde_json::from_slice(&answer).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn wall(journal: &Journal, live: u64) -> u64 {
    match journal.reading(|| Reading::Wall(live)) {
        Reading::Wall(shown) => shown,
        Reading::Monotonic(_) => panic!("it is another clock"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_before_a_write_is_answered_again_and_what_came_after_is_new() {
    let setup = Setup::new().await;
    let journal = setup.journal().await;
    assert_eq!(wall(&journal, 1), 1);
    answer(&journal, &read("a"), "A").await;
    assert_eq!(wall(&journal, 2), 2);
    answer(&journal, &write("b", false), "B").await;
    answer(&journal, &read("c"), "C").await;
    // It dies.
    let journal = setup.journal().await;
    assert!(journal.is_resumed());
    assert_eq!(wall(&journal, 100), 1);
    assert_eq!(answered(&journal, &read("a")), "A");
    assert_eq!(wall(&journal, 100), 2);
    assert_eq!(answered(&journal, &write("b", false)), "B");
    // Nothing was changed after this: it may be seen anew.
    assert_eq!(wall(&journal, 100), 100);
    answer(&journal, &read("d"), "D").await;
    assert_eq!(journal.brake().why(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_otherwise_is_noticed() {
    type Departure = fn(&Journal);
    let cases: [(&str, Departure); 4] = [
        ("call 0 is now x, and was a", |journal| {
            let slot = journal.slot();
            assert!(matches!(journal.find(&slot, &read("x")), Found::Stopped));
        }),
        (
            "call 0 is now a, and was a with other arguments",
            |journal| {
                let slot = journal.slot();
                let other = Call::new("a".to_owned(), &"other");
                assert!(matches!(journal.find(&slot, &other), Found::Stopped));
            },
        ),
        (
            "call 0 came after 1 readings of the clocks, and before after 0",
            |journal| {
                wall(journal, 1);
                journal.slot();
            },
        ),
        (
            "call 1 came after 0 readings of the clocks, and before after 1",
            |journal| {
                answered(journal, &read("a"));
                journal.slot();
            },
        ),
    ];
    for (why, act) in cases {
        let setup = Setup::new().await;
        let journal = setup.journal().await;
        answer(&journal, &read("a"), "A").await;
        wall(&journal, 1);
        answer(&journal, &write("b", false), "B").await;
        let journal = setup.journal().await;
        act(&journal);
        assert_eq!(journal.brake().why(), Some(Stop::Diverged(why.to_owned())));
        // Nothing is written any more.
        assert!(journal.brake().begin().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_without_an_outcome_is_in_doubt_unless_it_may_be_made_again() {
    let setup = Setup::new().await;
    let journal = setup.journal().await;
    for call in [write("a", false), write("b", true)] {
        let slot = journal.slot();
        assert!(journal.intend(&slot, &call).await);
    }
    let doubts: Vec<_> = journal
        .doubts()
        .into_iter()
        .map(|doubt| doubt.what)
        .collect();
    assert_eq!(doubts, ["a"]);
    let journal = setup.journal().await;
    for (call, may) in [(write("a", false), false), (write("b", true), true)] {
        let slot = journal.slot();
        let found = journal.find(&slot, &call);
        assert!(
            matches!(found, Found::Unknown { repeatable, .. } if repeatable == may),
            "{found:?}"
        );
    }
    assert!(journal.began("a") && !journal.began("c"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_the_connector_and_what_the_host_found_out_are_kept() {
    let setup = Setup::new().await;
    let journal = setup.journal().await;
    let find = async |journal: &Journal, found: u64| {
        let once = journal.once("how many", async { Ok::<_, ()>(found) });
        once.await.unwrap().unwrap()
    };
    assert_eq!(find(&journal, 1).await, 1);
    assert_eq!(journal.answer::<String>(), None);
    assert!(journal.keep_answer(&"done").await);
    let journal = setup.journal().await;
    assert_eq!(find(&journal, 2).await, 1);
    assert_eq!(journal.answer::<String>().as_deref(), Some("done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_taken_over_stops() {
    let setup = Setup::new().await;
    let journal = setup.journal().await;
    let other = setup.journal().await;
    let slot = journal.slot();
    assert!(!journal.intend(&slot, &write("a", false)).await);
    assert_eq!(journal.brake().why(), Some(Stop::Fenced));
    answer(&other, &write("a", false), "A").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_in_no_answer() {
    let setup = Setup::new().await;
    let redactor = Redactor::default();
    redactor.add("s3cret-token");
    let started = setup.start().await;
    let journal = Journal::of(setup.keeping(), redactor, &started, None);
    let sealed = journal.seal(&"it is s3cret-token");
    assert!(sealed.redacted);
    assert_eq!(sealed.answer, b"\"it is [redacted]\"");
    assert!(!journal.seal(&"it is not").redacted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_not_stopped_in_the_middle_of_a_write() {
    let brake = Brake::default();
    let busy = brake.begin().unwrap();
    brake.stop(Stop::Leaving);
    brake.stop(Stop::Fenced);
    assert!(brake.begin().is_none(), "no other write begins");
    let soon = Duration::from_millis(50);
    let waited = tokio::time::timeout(soon, brake.stopped()).await;
    assert!(waited.is_err());
    drop(busy);
    assert_eq!(
        brake.stopped().await,
        Stop::Leaving,
        "the first reason counts"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monotonic_clock_goes_on_from_where_it_was() {
    let setup = Setup::new().await;
    let journal = setup.journal().await;
    let hour = 3_600_000_000_000;
    journal.reading(|| Reading::Monotonic(hour));
    answer(&journal, &write("a", false), "A").await;
    let journal = setup.journal().await;
    let before = journal.reading(|| Reading::Monotonic(5));
    assert_eq!(before, Reading::Monotonic(hour));
    assert!(journal.monotonic() >= hour);
}

#[test]
fn random_numbers_follow_from_the_seed_and_differ_by_their_use() {
    let numbers = |seed| {
        let (mut secure, mut insecure, own) = random(seed);
        (secure.next_u64(), insecure.next_u64(), own)
    };
    let first = numbers([1; 32]);
    assert_eq!(first, numbers([1; 32]));
    assert_ne!(first.0, first.1);
    let other = numbers([2; 32]);
    assert!(first.0 != other.0 && first.1 != other.1 && first.2 != other.2);
    // The same in every version: a run may outlive an upgrade of a library.
    assert_eq!(numbers([0; 32]).0, ZERO);
}

/// The first 8 bytes of ChaCha20 (RFC 8439, counter and nonce 0) under the key
/// SHA-256(32 zero bytes, "secure"), little-endian.
const ZERO: u64 = 9_979_642_883_514_466_641;

#[tokio::test(flavor = "multi_thread")]
async fn of_much_that_was_read_a_hash_is_kept_in_place_of_the_answer() {
    let setup = Setup::new().await;
    let journal = setup.journal().await;
    let again = |what: &str| Call {
        again: true,
        ..read(what)
    };
    let page = "x".repeat(1 << 20);
    let pages = READ / page.len() + 2;
    for _ in 0..pages {
        answer(&journal, &again("a"), &page).await;
    }
    // What cannot be read again is kept as it was.
    answer(&journal, &read("b"), "B").await;
    answer(&journal, &write("c", false), "C").await;
    let size: usize = {
        let started = setup.start().await;
        let steps = started.steps.iter();
        steps
            .map(|step| step.outcome.as_ref().map_or(0, Vec::len))
            .sum()
    };
    assert!((READ..READ + (2 << 20)).contains(&size), "{size}");
    let journal = setup.journal().await;
    let mut hashed = 0;
    for _ in 0..pages {
        let slot = journal.slot();
        let Found::Answered(known) = journal.find(&slot, &again("a")) else {
            panic!("it was answered");
        };
        let sealed = serde_json::to_vec(&page).unwrap();
        if is_seen(&known) {
            hashed += 1;
            assert_eq!(known, seen(&sealed));
            assert_ne!(known, seen(b"something else"));
        } else {
            assert_eq!(known, sealed);
        }
    }
    assert_eq!(hashed, 2);
    assert_eq!(answered(&journal, &read("b")), "B");
    assert_eq!(answered(&journal, &write("c", false)), "C");
}
