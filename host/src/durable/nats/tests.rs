//! PostgreSQL and NATS do what every store and queue must do, on real servers;
//! and what is their own.

use super::super::conformance::{
    self, NOW, Process, begin, end, lease, leased, started, step, submit,
};
use super::super::{Begun, Ended, Postgres, QueueError, RunStore, SharedLimits, State, StoreError};
use super::JetStream;
use crate::config::{Config, Shared};
use crate::encryption::Vault;
use crate::ledger::Redactor;
use crate::servers::{Servers, servers};
use crate::shared;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What the hosts of a test share.
struct Installation {
    servers: &'static Servers,
    database: String,
    config: Shared,
}

impl Installation {
    /// None where the servers are not installed.
    fn new(queue: &str) -> Option<Self> {
        let servers = servers()?;
        let database = servers.database();
        let text = servers.configuration(&database, servers.ports(), queue) + "[platform]\n";
        let config = Config::parse(Path::new("platform.toml"), &text);
        Some(Self {
            config: config.unwrap().shared.unwrap(),
            servers,
            database,
        })
    }

    async fn connect(&self) -> (Postgres, JetStream) {
        let redactor = Redactor::default();
        let pool = shared::postgres::connect(&self.config.store, &redactor).await;
        let context = shared::nats::connect(&self.config.nats, &redactor).await;
        (
            Postgres::new(pool.unwrap())
                .await
                .unwrap()
                .encrypted(Vault::of(&["2026"])),
            JetStream::new(context.unwrap(), &self.config.nats)
                .await
                .unwrap(),
        )
    }

    /// As a host has both.
    async fn process(&self) -> Process {
        let (store, queue) = self.connect().await;
        Process {
            holder: store.holder(),
            store: Arc::new(store),
            queue: Arc::new(queue),
        }
    }
}

macro_rules! conformance {
    ($($test:ident($($process:ident),+);)+) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            let Some(installation) = Installation::new("") else { return };
            $(let $process = installation.process().await;)+
            conformance::$test($($process),+).await;
        })+
    };
}

conformance::tests!(conformance);

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_falls_silent_is_delivered_again_and_one_that_speaks_keeps_it() {
    let Some(installation) = Installation::new("ack-wait-ms = 1000") else {
        return;
    };
    let (one, other) = (installation.process().await, installation.process().await);
    let run = submit(&one, "1", 1).await;
    let first = leased(&one, NOW).await;
    let fence = started(&one, run.id).await.fence;
    for _ in 0..6 {
        tokio::time::sleep(one.queue.heartbeat_every()).await;
        one.queue.heartbeat(&first).await.unwrap();
        assert_eq!(lease(&other, NOW).await, None, "it speaks");
    }
    let second = leased(&other, NOW).await;
    assert_eq!((second.run, second.worn), (run.id, false));
    let going_on = started(&other, run.id).await;
    assert!(going_on.resumed);
    // Whoever was silent has no say any more, whatever it has.
    let refused = one.store.record(fence, vec![step(0, None)]).await;
    assert!(matches!(refused, Err(StoreError::Fenced(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_silences_every_worker_is_worn_in_the_end() {
    let Some(installation) = Installation::new("ack-wait-ms = 1000\ndeliveries = 2") else {
        return;
    };
    let one = installation.process().await;
    let run = submit(&one, "1", 1).await;
    for worn in [false, false, true] {
        let lease = leased(&one, NOW).await;
        assert_eq!((lease.run, lease.worn), (run.id, worn));
        if worn {
            one.queue
                .dead_letter(&lease, "it silences\nevery host")
                .await
                .unwrap();
        }
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(lease(&one, NOW).await, None);
    // What became of it is told there.
    let redactor = Redactor::default();
    let context = shared::nats::connect(&installation.config.nats, &redactor)
        .await
        .unwrap();
    let name = format!("{}-dead", installation.config.nats.name);
    let dead = context.get_stream(name).await.unwrap();
    let subject = format!("{}.dead.{}", installation.config.nats.name, run.id);
    let letter = dead
        .get_last_raw_message_by_subject(&subject)
        .await
        .unwrap();
    assert_eq!(
        letter.headers.get("Koppel-Why").unwrap().as_str(),
        "it silences every host"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_long_to_be_due_wears_nothing() {
    let Some(installation) = Installation::new("deliveries = 2") else {
        return;
    };
    let one = installation.process().await;
    let run = submit(&one, "1", 1).await;
    // A clock that is behind again and again.
    for early in 0..10 {
        assert_eq!(lease(&one, NOW - 5).await, None, "{early}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let lease = leased(&one, NOW).await;
    assert_eq!((lease.run, lease.worn), (run.id, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_a_run_cannot_put_another_in_its_place() {
    let Some(installation) = Installation::new("ack-wait-ms = 1000") else {
        return;
    };
    let (one, other) = (installation.process().await, installation.process().await);
    let run = submit(&one, "1", 1).await;
    let first = leased(&one, NOW).await;
    let second = leased(&other, NOW).await;
    other.queue.retry_at(&second, NOW + 100).await.unwrap();
    let lost = one.queue.retry_at(&first, NOW).await;
    assert!(
        matches!(lost, Err(QueueError::Lost(id)) if id == run.id),
        "{lost:?}"
    );
    let again = one.queue.ack(&first).await;
    assert!(matches!(again, Err(QueueError::Lost(_))));
    assert_eq!(leased(&one, NOW + 100).await.run, run.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_queue_lost_is_found_and_what_a_host_does_is_not() {
    let Some(installation) = Installation::new("") else {
        return;
    };
    let (one, other) = (installation.process().await, installation.process().await);
    let (waits, runs) = (submit(&one, "1", 1).await, submit(&one, "2", 2).await);
    let Begun::Started(_) = begin(&one, runs.id, 9).await else {
        panic!()
    };
    let lost = async || -> Vec<_> {
        let unfinished = other.store.unfinished().await.unwrap();
        unfinished.into_iter().map(|(run, _)| run).collect()
    };
    assert_eq!(lost().await, [waits.id]);
    // Its host goes, and says so.
    drop(one);
    for _ in 0..100 {
        if lost().await.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(lost().await, [waits.id, runs.id]);
    // One that fell silent says nothing.
    let fence = started(&other, runs.id).await.fence;
    assert_eq!(lost().await, [waits.id]);
    let aged = "UPDATE koppel.presence SET seen = now() - interval '2 minutes'";
    installation
        .servers
        .psql(&installation.database, aged)
        .unwrap();
    assert_eq!(lost().await, [waits.id, runs.id]);
    other
        .store
        .finish(fence, end(Ended::Over(State::Dead)), NOW)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_parties_are_asked_by_all_hosts_together_no_more_than_they_allow() {
    let Some(installation) = Installation::new("") else {
        return;
    };
    let ((one, _), (other, _)) = (installation.connect().await, installation.connect().await);
    for host in [&one, &other, &one] {
        assert_eq!(host.minute("exact", 3).await.unwrap(), None);
    }
    let wait = other.minute("exact", 3).await.unwrap().unwrap();
    assert!(
        wait > Duration::from_secs(50) && wait <= Duration::from_secs(60),
        "{wait:?}"
    );
    assert_eq!(other.minute("moneybird", 3).await.unwrap(), None);
    let aged = "UPDATE koppel.sent SET at = at - interval '1 minute' WHERE at = (SELECT min(at) FROM koppel.sent WHERE budget = 'exact')";
    installation
        .servers
        .psql(&installation.database, aged)
        .unwrap();
    assert_eq!(other.minute("exact", 3).await.unwrap(), None);
    assert!(one.minute("exact", 3).await.unwrap().is_some());

    let first = one.enter("exact", 2).await.unwrap().unwrap();
    let second = other.enter("exact", 2).await.unwrap();
    assert!(second.is_some());
    assert_eq!(other.enter("exact", 2).await.unwrap(), None);
    one.leave(first).await.unwrap();
    assert!(other.enter("exact", 2).await.unwrap().is_some());
    assert_eq!(one.enter("exact", 2).await.unwrap(), None);
    // The places of a host that is gone are free.
    drop(other);
    for _ in 0..100 {
        if one.enter("exact", 2).await.unwrap().is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("its places were not given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_sent_and_told_to_nobody() {
    let Some(mut installation) = Installation::new("") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    std::fs::write(&path, "s3cret-password\n").unwrap();
    let redactor = Redactor::default();
    let store = &mut installation.config.store;
    store.password = Some(crate::config::SecretReference::File(path));
    store.url.set_path("/there_is_none");
    let error = shared::postgres::connect(store, &redactor)
        .await
        .unwrap_err();
    assert!(
        error.contains("there_is_none") && !error.contains("s3cret"),
        "{error}"
    );
    assert_eq!(redactor.text("s3cret-password".to_owned()), "[redacted]");
    assert!(!format!("{:?}", installation.config).contains("s3cret"));
}

/// Prints what a run costs the queue and the store, without a connector.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_queue_and_the_store_cost() {
    let Some(installation) = Installation::new("") else {
        return;
    };
    let often = std::env::var("KOPPEL_SCALE_COSTS").map_or(50_u32, |text| text.parse().unwrap());
    let one = installation.process().await;
    let runs: Vec<_> = (0..often).map(|_| uuid::Uuid::now_v7()).collect();
    let rate = |began: std::time::Instant| f64::from(often) / began.elapsed().as_secs_f64();
    let began = std::time::Instant::now();
    for run in &runs {
        one.queue.push(*run, NOW).await.unwrap();
    }
    let pushed = rate(began);
    let began = std::time::Instant::now();
    for _ in &runs {
        let lease = leased(&one, NOW).await;
        one.queue.ack(&lease).await.unwrap();
    }
    println!(
        "queue, one at a time: {pushed:.0} added a second, {:.0} leased and acknowledged a second",
        rate(began)
    );
    let mut tasks = tokio::task::JoinSet::new();
    let began = std::time::Instant::now();
    for worker in 0..8 {
        let one = one.clone();
        tasks.spawn(async move {
            for number in 0..often / 8 {
                let key = format!("{worker} {number}");
                let of = u128::from(worker * often + number);
                let new = conformance::new(&key, of);
                let run = new.id;
                one.store.submit(new, NOW).await.unwrap();
                let fence = started(&one, run).await.fence;
                one.store.record(fence, vec![step(0, None)]).await.unwrap();
                one.store
                    .record(fence, vec![step(0, Some("\"a\""))])
                    .await
                    .unwrap();
                let over = end(Ended::Over(State::Succeeded));
                one.store.finish(fence, over, NOW).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    println!(
        "store, 8 at a time: {:.0} runs a second that are submitted, begun, write two steps and end",
        rate(began)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_journal_is_in_the_database_in_clear_text_and_keys_are_replaced() {
    let Some(installation) = Installation::new("") else {
        return;
    };
    let one = installation.process().await;
    let run = submit(&one, "1", 1).await;
    let fence = started(&one, run.id).await.fence;
    let readable = || {
        let count =
            "SELECT count(*) FROM koppel.step WHERE position('999993653'::bytea IN outcome) > 0";
        let counted = installation.servers.psql(&installation.database, count);
        counted.unwrap().trim().to_owned()
    };
    let steps = [step(0, Some("999993653")), step(1, Some("999993653"))];
    one.store
        .record(fence, vec![steps[0].clone()])
        .await
        .unwrap();
    assert_eq!(readable(), "0");
    // As it was before there were keys.
    let clear = installation.connect().await.0.encrypted(Vault::default());
    clear.record(fence, vec![steps[1].clone()]).await.unwrap();
    assert_eq!(readable(), "1");
    let other = installation.connect().await.0;
    let other = other.encrypted(Vault::of(&["2027", "2026"]));
    assert_eq!(other.reseal().await.unwrap().count, 2);
    assert_eq!(other.reseal().await.unwrap().count, 0);
    assert_eq!(readable(), "0");
    let other = Process {
        store: Arc::new(other.encrypted(Vault::of(&["2027"]))),
        ..one.clone()
    };
    assert_eq!(started(&other, run.id).await.steps, steps);
    let begun = one.store.begin(conformance::beginning(&one, run.id)).await;
    let Err(StoreError::Unavailable(why)) = begun else {
        panic!("it was read");
    };
    assert!(
        why.starts_with("it is encrypted with key \"2027\", which is not in the configuration"),
        "{why}"
    );
}
