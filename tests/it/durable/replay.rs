//! What a connector sees on replay is what it saw before: clocks, random
//! numbers and all.

use super::kill::Serve;
use super::{Bench, all};
use crate::harness::{component, configuration};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use koppel_host::durable::State as RunState;
use koppel_host::platform::seed;
use koppel_host::runs::Job;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// A party that keeps what it gets, and does not answer the request of this
/// number, from 1.
#[derive(Default)]
struct Party {
    bodies: Mutex<Vec<Value>>,
    silent: usize,
    held: Notify,
}

async fn take(State(party): State<Arc<Party>>, body: Bytes) -> String {
    let number = {
        let mut bodies = party.bodies.lock().unwrap();
        bodies.push(serde_json::from_slice(&body).unwrap());
        bodies.len()
    };
    if number == party.silent {
        party.held.notify_one();
        std::future::pending::<()>().await;
    }
    format!("n{number}")
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_and_random_numbers_are_the_same_again() {
    let party = Arc::new(Party {
        silent: 2,
        ..Party::default()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new()
        .route("/dice", post(take))
        .with_state(party.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let path = component("guests/dice.wasm");
    let client = format!(
        r#"[clients.dice]
component = {path:?}
activities = ["GetJournalRunByJournalRunId", "GetJournalRunResultsByJournalRunId", "PatchJournalRunByJournalRunId", "PostSendJournalRunExportByJournalRunId"]
http = [{{ allow = "http://127.0.0.1:{port}/dice", methods = ["POST"], activity = "PostSendJournalRunExportByJournalRunId", allow-private-addresses = true, repeatable = true }}]
settings = {{ url = "http://127.0.0.1:{port}/dice" }}
"#
    );
    let bench = Bench::idle(&configuration(&client)).await;
    let job = Job::ProcessJournalRun(seed::journal_run_id(1, 6));
    let run = bench.submit("dice", 1, job).await;
    let mut serve = Serve::start(bench.dir.path());
    let held = tokio::time::timeout(Duration::from_secs(60), party.held.notified());
    held.await.unwrap();
    serve.kill();
    // The clocks go on meanwhile.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let _serve = Serve::start(bench.dir.path());
    let done = bench.until(run.id, &[RunState::Succeeded]).await;
    assert_eq!(done.attempts, 1, "{:?}", all(&bench.host).await);
    let bodies = party.bodies.lock().unwrap().clone();
    // The first is answered from the journal, the second is sent again as it
    // was, and the third is new.
    assert_eq!(bodies.len(), 4);
    assert_eq!(bodies[1], bodies[2]);
    let numbers: Vec<_> = bodies
        .iter()
        .map(|body| body["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [0, 1, 1, 2]);
    assert_eq!(done.output.unwrap()["reference"], "n1 n3 n4");
    // Neither clock went back, although another process went on.
    for name in ["time", "elapsed"] {
        let read = |body: &Value| body[name].as_str().unwrap().parse::<u128>().unwrap();
        assert!(read(&bodies[0]) < read(&bodies[1]), "{bodies:?}");
        assert!(read(&bodies[2]) < read(&bodies[3]), "{bodies:?}");
    }
    // What the connector logged before is in its log once.
    let attempts = bench.host.attempts_at(run.id).await.unwrap();
    let logged = attempts[0]
        .log
        .iter()
        .filter(|line| line.text.contains("\"number\":0"));
    assert_eq!(logged.count(), 1);
}
