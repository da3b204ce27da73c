//! `koppel serve` is killed (SIGKILL) at random points of a batch of journal
//! postings and declarations, again and again, before a server that counts:
//! nothing is lost, nothing is booked twice, and the ledger verifies.
//!
//! `cargo xtask crash --kills N` runs it with as many kills as one likes;
//! `cargo test` with a few, always at the same points.

use super::kill::{Serve, confirmed};
use super::party::Party;
use super::{Bench, TAX, XAF, all, text};
use crate::cli::koppel;
use crate::harness::ANNA;
use koppel_host::durable::{Run, State};
use koppel_host::ledger::{Filter, Kind};
use koppel_host::platform::{seed, status_key};
use koppel_host::runs::Job;
use std::time::{Duration, Instant};

/// A small generator (SplitMix64), so that a failure can be had again by its
/// seed.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} must be a number"))
    })
}

/// What one batch came to.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    rounds: u64,
    runs: usize,
    resumed: u32,
    asked: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_again_and_again_loses_nothing_and_books_nothing_twice() {
    let wanted = number("KOPPEL_CRASH_KILLS").unwrap_or(6);
    let seed = number("KOPPEL_CRASH_SEED").unwrap_or(1);
    let mut random = Random(seed);
    let mut tally = Tally::default();
    while tally.kills < wanted {
        round(&mut random, &mut tally, wanted).await;
    }
    println!("seed {seed}: {tally:?}");
    assert_eq!(tally.kills, wanted);
}

/// One batch on fresh data, until all of it is done.
async fn round(random: &mut Random, tally: &mut Tally, wanted: u64) {
    tally.rounds += 1;
    let party = Party::start().await;
    // Half of the rounds with a party that knows a write again.
    let keys = tally.rounds.is_multiple_of(2);
    let rule = if keys {
        r#", idempotency = "Idempotency-Key""#
    } else {
        ""
    };
    let soon = "retry = { attempts = 20, backoff-ms = 10, max-backoff-ms = 100 }";
    party.told(|kept| kept.delay = Duration::from_millis(15));
    let bench = Bench::idle(&text(&party, rule, soon)).await;
    let mut declarations = Vec::new();
    for period in 1..=3 {
        declarations.push(confirmed(&bench, period).await);
    }
    let mut booked = Vec::new();
    for of in [1, 2, 3] {
        for period in 2..=8 {
            booked.push((
                seed::journal_run_id(of, period),
                bench.book(of, period).await,
            ));
        }
    }
    let mut submitted = Vec::new();
    for id in &declarations {
        submitted.push(bench.submit(TAX, 1, Job::SubmitDeclaration(*id)).await);
    }
    let mut exported = Vec::new();
    for of in [1, 2, 3] {
        for period in 9..=11 {
            let id = seed::journal_run_id(of, period);
            let job = Job::ProcessJournalRun(id);
            exported.push((id, bench.submit(XAF, of, job).await));
        }
    }
    let ids: Vec<_> = booked
        .iter()
        .chain(&exported)
        .map(|(_, run)| run)
        .chain(&submitted)
        .map(|run| run.id)
        .collect();
    let deadline = Instant::now() + Duration::from_secs(600);
    loop {
        let mut serve = Serve::start(bench.dir.path());
        let kill = tally.kills < wanted;
        // Some while it starts, most while it works.
        if random.next(8) == 0 {
            tokio::time::sleep(Duration::from_millis(random.next(300))).await;
        } else {
            let before = party.told(|kept| kept.requests);
            let patience = Instant::now() + Duration::from_secs(20);
            while party.told(|kept| kept.requests) == before
                && Instant::now() < patience
                && !over(&bench, &ids).await
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(Duration::from_micros(random.next(400_000))).await;
        }
        let done = over(&bench, &ids).await;
        if kill && !done {
            tally.kills += 1;
            serve.kill();
        }
        tally.asked += person(&bench, &party).await;
        if done && over(&bench, &ids).await {
            serve.kill();
            break;
        }
        if !kill {
            // It may go on as long as it has something to do.
            while !over(&bench, &ids).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
                tally.asked += person(&bench, &party).await;
                assert!(Instant::now() < deadline, "{:?}", all(&bench.host).await);
            }
            serve.kill();
            break;
        }
        assert!(Instant::now() < deadline, "{:?}", all(&bench.host).await);
    }
    check(&bench, &party, &booked, &submitted).await;
    files(&bench, &exported).await;
    for run in all(&bench.host).await {
        tally.runs += 1;
        let attempts = bench.host.attempts_at(run.id).await.unwrap();
        tally.resumed += attempts.iter().map(|attempt| attempt.resumed).sum::<u32>();
    }
}

/// Whether all of a batch is over.
async fn over(bench: &Bench, ids: &[uuid::Uuid]) -> bool {
    let runs = all(&bench.host).await;
    runs.iter()
        .filter(|run| ids.contains(&run.id))
        .all(|run| run.state.is_over())
}

/// A person looks at the party and decides what is in doubt.
async fn person(bench: &Bench, party: &Party) -> usize {
    let mut asked = 0;
    for run in all(&bench.host).await {
        if run.state != State::NeedsAPerson {
            continue;
        }
        let Job::ProcessJournalRun(id) = run.job else {
            panic!("a declaration can be delivered again: {run:?}");
        };
        assert_eq!(run.doubts.len(), 1, "{run:?}");
        let there = party.booked(&id.to_string());
        let word = if there > 0 {
            "happened"
        } else {
            "did-not-happen"
        };
        let id = run.id.to_string();
        let decided = koppel(
            bench.dir.path(),
            &["runs", "decide", &id, word, "--user", ANNA],
        );
        assert!(decided.status.success(), "{decided:?}");
        asked += 1;
    }
    asked
}

/// Nothing is lost, nothing is there twice, and the ledger tells of all of it.
async fn check(bench: &Bench, party: &Party, booked: &[(uuid::Uuid, Run)], submitted: &[Run]) {
    let ledger = bench.host.ledger();
    ledger.verify().await.unwrap().unwrap();
    for (journal_run, run) in booked {
        let run = bench.run(run.id).await;
        assert_eq!(run.state, State::Succeeded, "{run:?}");
        assert_eq!(party.booked(&journal_run.to_string()), 1, "{run:?}");
        let journal_run = bench
            .host
            .platform()
            .journal_run(*journal_run)
            .await
            .unwrap();
        assert_eq!(status_key(journal_run.status), 7);
        let filter = Filter {
            run: Some(run.id),
            ..Filter::default()
        };
        let rows = ledger.rows(filter).await.unwrap();
        let count = |kind: Kind| rows.iter().filter(|row| row.kind == kind.name()).count();
        assert!(count(Kind::RunStarted) >= 1);
        assert!(count(Kind::RunFinished) >= 1, "{rows:?}");
        let posts = rows
            .iter()
            .filter(|row| row.kind == Kind::Request.name() && row.summary.starts_with("POST"));
        assert!(posts.count() >= 1, "what was booked is in the ledger");
    }
    for run in submitted {
        let run = bench.run(run.id).await;
        assert_eq!(run.state, State::Succeeded, "{run:?}");
    }
    let messages = party.told(|kept| kept.messages.len());
    assert_eq!(messages, submitted.len());
    assert_eq!(party.told(|kept| kept.entries.len()), booked.len());
}

/// Each export file is there once, as the ledger has it.
async fn files(bench: &Bench, exported: &[(uuid::Uuid, Run)]) {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(bench.dir.path().join("exports")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    assert_eq!(names.len(), exported.len(), "{names:?}");
    for (journal_run, run) in exported {
        let run = bench.run(run.id).await;
        assert_eq!(run.state, State::Succeeded, "{run:?}");
        let name = run.output.unwrap()["reference"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(names.contains(&name), "{name}");
        let bytes = std::fs::read(bench.dir.path().join("exports").join(&name)).unwrap();
        let filter = Filter {
            kinds: vec![Kind::ExportFile],
            run: Some(run.id),
            ..Filter::default()
        };
        let rows = bench.host.ledger().rows(filter).await.unwrap();
        let recorded = rows.last().unwrap();
        assert_eq!(recorded.summary, name);
        assert_eq!(recorded.body_size, bytes.len() as u64);
        let journal_run = bench.host.platform().journal_run(*journal_run).await;
        assert_eq!(status_key(journal_run.unwrap().status), 7);
    }
}
