//! Whether the server says that it is well.

use super::{Answer, Rest};
use http::Method;
use serde_json::json;

async fn health(rest: &Rest, which: &str) -> Answer {
    let request = rest.request(Method::GET, &format!("/health/{which}"));
    rest.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_well_is_live_and_ready_for_whoever_asks() {
    let rest = Rest::new().await;
    for (which, word) in [("live", "live"), ("ready", "ready")] {
        let answer = health(&rest, which).await;
        assert_eq!(answer.with(200), json!({"status": word}));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    rest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_runs_cannot_be_read_is_live_and_not_ready_and_tells_no_reason() {
    let rest = Rest::new().await;
    let runs = rest.host.live().with(|config| config.runs.clone());
    let connection = rusqlite::Connection::open(runs).unwrap();
    connection
        .execute_batch("ALTER TABLE run RENAME TO gone")
        .unwrap();
    assert_eq!(
        health(&rest, "live").await.with(200),
        json!({"status": "live"})
    );
    assert_eq!(
        health(&rest, "ready").await.with(503),
        json!({"status": "not ready"})
    );
    let why = rest.host.readiness().await.unwrap_err();
    assert_eq!(why, "runs: no such table: run");
}
