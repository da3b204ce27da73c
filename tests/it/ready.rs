//! Instances that are made ready before they are asked for.

use crate::harness::{TestHost, all_activities, answer, client, configuration, error};
use koppel_host::config::Reload;
use serde_json::json;
use std::time::Duration;

/// A client that keeps so many ready.
fn ready(count: u32, more: &str) -> String {
    client(
        "asks",
        &format!("{}\nready = {count}\n{more}", all_activities()),
    )
}

async fn host(clients: &str) -> TestHost {
    TestHost::new(clients).await
}

/// Waits until so many are ready.
async fn wait(host: &TestHost, count: usize) {
    for _ in 0..500 {
        if host.host.instances_ready("asks") == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!(
        "{} are ready, not {count}",
        host.host.instances_ready("asks")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_was_made_ready_is_asked_once() {
    let host = host(&ready(2, "")).await;
    for _ in 0..20 {
        let answer = answer(host.lookup("asks", &json!({"times": 1})).await);
        assert_eq!(answer["asked"], 1);
        assert_eq!(answer["name"], "Bakkerij De Gouden Korenaar B.V.");
        wait(&host, 2).await;
    }
    // Each run has one of its own, also when there are more than are ready.
    let query = json!({"times": 1});
    let runs = (0..20).map(|_| host.lookup("asks", &query));
    for report in futures_util::future::join_all(runs).await {
        assert_eq!(answer(report)["asked"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_none_is_made_ready() {
    let host = host(&client("asks", &all_activities())).await;
    for _ in 0..3 {
        answer(host.lookup("asks", &json!({"times": 1})).await);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    wait(&host, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_that_an_instance_waits_counts_for_nothing() {
    let limits = "limits = { cpu-ms = 30, deadline-ms = 300 }";
    let host = host(&ready(1, limits)).await;
    answer(host.lookup("asks", &json!({"times": 1})).await);
    wait(&host, 1).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    answer(host.lookup("asks", &json!({"times": 1})).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_instance_took_while_it_was_made_counts_for_its_run() {
    let host = host(&ready(1, "")).await;
    let first = host.lookup("asks", &json!({"times": 1})).await;
    wait(&host, 1).await;
    let second = host.lookup("asks", &json!({"times": 1})).await;
    assert!(first.memory > 0);
    assert_eq!(first.memory, second.memory);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_ready_is_thrown_away_when_its_client_changes() {
    let host = host(&ready(2, "")).await;
    let query = json!({"times": 1});
    answer(host.lookup("asks", &query).await);
    wait(&host, 2).await;
    let reload = |clients: &str| {
        host.write_configuration(&configuration(clients));
        let reloaded = host.host.live().reload();
        assert!(matches!(reloaded, Reload::Replaced), "{reloaded:?}");
    };
    // Other limits hold for the next run.
    reload(&ready(2, "limits = { memory-bytes = 65_536 }"));
    assert_eq!(
        error(host.lookup("asks", &query).await),
        "the connector was ended: memory limit of 65536 bytes reached (limits.memory-bytes)"
    );
    // What is no longer granted is not there.
    reload(&ready(2, ""));
    answer(host.lookup("asks", &query).await);
    wait(&host, 2).await;
    let less = ready(2, "").replace("\"GetEmployerByEmployerId\", ", "");
    reload(&less);
    let refused = error(host.lookup("asks", &query).await);
    assert!(
        refused.contains("activity GetEmployerByEmployerId"),
        "{refused}"
    );
    // And of a client that is to have none, none waits.
    reload(&client("asks", &all_activities()));
    answer(host.lookup("asks", &query).await);
    wait(&host, 0).await;
}
