//! Busy, slow, broken and hostile platforms.

use super::{journal_run, perform, probe};
use crate::harness::{ANNA, TestHost, all_activities, client};
use crate::loket::{Loket, instead};
use axum::Router;
use axum::http::HeaderMap;
use koppel_host::platform::seed;
use koppel_host::runs::Job;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

async fn check(host: &TestHost) -> Result<(), String> {
    let report = host.run("probe", ANNA, 1, Job::Check).await;
    match report.outcome {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_platform_is_asked_again_after_as_long_as_it_says() {
    let (loket, host) = probe("").await;
    loket.next([instead(429, "").header("retry-after", 1)]);
    let started = Instant::now();
    check(&host).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(loket.asked().len(), 2);
    // Without a word on how long: soon, and then later and later.
    loket.next([instead(503, ""), instead(503, ""), instead(429, "")]);
    check(&host).await.unwrap();
    assert_eq!(loket.asked().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_stays_busy_is_unavailable_within_the_time_that_was_set() {
    let (loket, host) = probe("retry-ms = 1000").await;
    for (status, header, text) in [
        (429, None, "try again later"),
        (503, None, "try again later"),
        (429, Some(30), "try again in 30 s"),
    ] {
        let mut busy = instead(status, "");
        if let Some(seconds) = header {
            busy = busy.header("retry-after", seconds);
        }
        loket.told(|told| told.always = Some(busy));
        let started = Instant::now();
        assert_eq!(
            check(&host).await.unwrap_err(),
            format!("the host failed: the platform cannot answer now; {text}")
        );
        assert!(started.elapsed() < Duration::from_secs(3));
        let asked = loket.asked().len();
        if header.is_some() {
            assert_eq!(asked, 1, "too long to wait for");
        } else {
            assert!((2..10).contains(&asked), "{asked}");
        }
    }
    loket.told(|told| told.always = None);
    // The connector is told, too, and may handle it.
    assert!(journal_run(&host).await["item"].is_string());
    let employer = super::data::employer_1(&loket).await;
    loket.next([employer]);
    loket.told(|told| told.always = Some(instead(503, "").header("retry-after", 60)));
    assert_eq!(journal_run(&host).await, json!({"unavailable": 60}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_never_repeated() {
    let (loket, host) = probe("").await;
    assert!(journal_run(&host).await["item"].is_string());
    let id = seed::journal_run_id(1, 6);
    let activity = "PatchJournalRunByJournalRunId";
    for (reply, expected) in [
        (instead(503, ""), json!({"unavailable": null})),
        (
            instead(500, ""),
            json!({"other": "the platform answered 500: without a message"}),
        ),
        (
            instead(
                409,
                json!({"messages": [{"code": 1, "type": "BrokenBusinessRule", "description": "its status is 7"}]}),
            ),
            json!({"conflict": "its status is 7"}),
        ),
        (
            instead(
                400,
                json!({"messages": [{"code": 83, "type": "BrokenBusinessRule", "description": "message has an invalid length", "properties": ["message"]}]}),
            ),
            json!({"invalid": ["message has an invalid length"]}),
        ),
        // Cut off: the platform may have done it.
        (
            instead(200, "{").header("content-length", 100),
            json!({"other": "the platform did not answer; whether PatchJournalRunByJournalRunId was done is not known"}),
        ),
    ] {
        let employer = super::data::employer_1(&loket).await;
        loket.asked();
        loket.next([employer, reply]);
        assert_eq!(perform(&host, activity, id).await, expected);
        let asked = loket.asked();
        let changes = asked.iter().filter(|asked| asked.starts_with("PATCH"));
        assert_eq!(changes.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_too_large_is_not_read() {
    let (loket, host) = probe("response-bytes = 2000").await;
    let too_large = "the host failed: the platform's reply has more than 2000 bytes ([platform.loket] response-bytes)";
    loket.next([instead(200, " ".repeat(2_001))]);
    assert_eq!(check(&host).await.unwrap_err(), too_large);
    check(&host).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_does_not_answer_is_given_up() {
    let loket = Loket::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let host = TestHost::on(
        &loket,
        &client("probe", &all_activities()),
        "timeout-ms = 300",
    );
    let text = std::fs::read_to_string(host.dir.path().join("platform.toml")).unwrap();
    let text = text.replace(&format!("{}/v2", loket.url), &silent);
    let host = TestHost::start(host.dir, &text);
    let unavailable = "the host failed: the platform cannot answer now; try again later";
    assert_eq!(check(&host).await.unwrap_err(), unavailable);
    // Nor one that is not there at all.
    drop(listener);
    assert_eq!(check(&host).await.unwrap_err(), unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_token_does_not_follow_a_redirect() {
    let seen: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
    let elsewhere = {
        let seen = seen.clone();
        Router::new().fallback(move |headers: HeaderMap| async move {
            seen.lock().unwrap().push(headers);
        })
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, elsewhere).await.unwrap() });
    let (loket, host) = probe("").await;
    loket.next([instead(307, "").header("location", url)]);
    assert_eq!(
        check(&host).await.unwrap_err(),
        "the host failed: the platform answered 307: without a message"
    );
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_keep_to_the_rate_that_was_set() {
    let (loket, host) = probe("requests-per-second = 2").await;
    let started = Instant::now();
    for _ in 0..5 {
        check(&host).await.unwrap();
    }
    // Two at once, and then one each half second.
    assert!(started.elapsed() >= Duration::from_millis(1_400));
    assert_eq!(loket.asked().len(), 5);
}
