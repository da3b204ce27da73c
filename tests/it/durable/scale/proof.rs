//! Three hosts, one killed and one cut off while they work.

use super::proxy::Proxy;
use super::{ANNA, Installation, Party, Serve, clients, employers};
use koppel_host::durable::State;
use koppel_host::ledger::{Filter, Kind};
use koppel_host::platform::status_key;
use koppel_host::runs::Job;
use std::time::{Duration, Instant};

/// Waits until the party has so many entries.
async fn booked(party: &Party, wanted: usize) {
    let deadline = Instant::now() + Duration::from_secs(600);
    while party.told(|kept| kept.entries.len()) < wanted {
        assert!(Instant::now() < deadline, "{wanted} entries did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A person looks at the party and decides what is in doubt.
async fn person(installation: &Installation, party: &Party) -> usize {
    let waiting = installation.in_states(&[State::NeedsAPerson]).await;
    for run in &waiting {
        let Job::ProcessJournalRun(id) = run.job else {
            panic!("{run:?}");
        };
        assert_eq!(run.doubts.len(), 1, "{run:?}");
        let word = match party.booked(&id.to_string()) {
            0 => "did-not-happen",
            _ => "happened",
        };
        let id = run.id.to_string();
        let decided = installation.koppel(&["runs", "decide", &id, word, "--user", ANNA]);
        assert!(decided.status.success(), "{decided:?}");
    }
    waiting.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_hosts_one_dies_and_one_is_cut_off_and_every_run_ends_once() {
    let employers = employers();
    let party = Party::start().await;
    party.told(|kept| kept.delay = Duration::from_millis(20));
    let soon = "retry = { attempts = 20, backoff-ms = 10, max-backoff-ms = 100 }";
    let clients = clients(party.port, "", soon);
    let queue = "ack-wait-ms = 4000";
    let Some(installation) = Installation::new(employers, &clients, queue).await else {
        return;
    };
    let (postgres, nats) = installation.servers.ports();
    let (to_postgres, to_nats) = (Proxy::to(postgres), Proxy::to(nats));
    let all = installation.book_all(employers).await;
    let began = Instant::now();
    let mut killed = installation.serve("killed");
    let _steady = installation.serve("steady");
    let folder = installation.folder("cut-off", (to_postgres.port, to_nats.port));
    let _cut_off = Serve::start(&folder);
    booked(&party, employers / 4).await;
    killed.kill();
    booked(&party, employers / 2).await;
    to_postgres.cut();
    to_nats.cut();
    let cut = Instant::now();
    let (mut asked, mut joined) = (0, false);
    let deadline = Instant::now() + Duration::from_secs(900);
    while installation.over().await < employers {
        asked += person(&installation, &party).await;
        // Long enough for its runs to be given to others. Then it comes back.
        if !joined && cut.elapsed() > Duration::from_secs(15) {
            to_postgres.join();
            to_nats.join();
            joined = true;
        }
        assert!(
            Instant::now() < deadline,
            "{:?}",
            installation.in_states(&[]).await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = began.elapsed();
    // The one that was cut off does nothing any more that was done by others.
    to_postgres.join();
    to_nats.join();
    tokio::time::sleep(Duration::from_secs(6)).await;

    let (mut resumed, mut attempts) = (0, 0);
    for (journal_run, run) in &all {
        let office = &installation.office;
        let run = office.kept_run(run.id).await.unwrap().unwrap();
        assert_eq!(run.state, State::Succeeded, "{run:?}");
        assert_eq!(party.booked(&journal_run.to_string()), 1, "{run:?}");
        let there = office.platform().journal_run(*journal_run).await.unwrap();
        assert_eq!(status_key(there.status), 7);
        for attempt in office.attempts_at(run.id).await.unwrap() {
            attempts += 1;
            resumed += attempt.resumed;
        }
    }
    let (entries, posts) = party.told(|kept| (kept.entries.len(), kept.posts));
    assert_eq!((entries, posts), (employers, employers));
    let verified = installation
        .office
        .ledger()
        .verify()
        .await
        .unwrap()
        .unwrap();
    let finished = Filter {
        kinds: vec![Kind::RunFinished],
        ..Filter::default()
    };
    let finished = installation.office.ledger().rows(finished).await.unwrap();
    assert!(finished.len() >= employers);
    println!(
        "{employers} employers, three hosts, one killed, one cut off for 15 s: every run ended once in {:.1} s. Entries at the party: {entries}, for {posts} requests that bring one. Attempts: {attempts}, taken up again: {resumed}, decided by a person: {asked}. The ledger verifies: {} rows",
        took.as_secs_f64(),
        verified.rows
    );
}
