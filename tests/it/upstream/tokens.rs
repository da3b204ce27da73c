//! Access and refresh tokens.

use super::{journal_run, probe};
use crate::harness::{ANNA, TestHost, upstream_configuration};
use crate::loket::{CLIENT_SECRET, instead};
use koppel_host::runs::Job;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

async fn check(host: &TestHost) -> Result<(), String> {
    let report = host.run("probe", ANNA, 1, Job::Check).await;
    match report.outcome {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// The same configuration and files in another process.
fn restarted(host: TestHost) -> TestHost {
    let text = std::fs::read_to_string(host.dir.path().join("platform.toml")).unwrap();
    TestHost::start(host.dir, &text)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_access_token_serves_many_requests() {
    let (loket, host) = probe("").await;
    for _ in 0..3 {
        assert!(journal_run(&host).await["item"].is_string());
    }
    let (refreshes, tokens) = loket.told(|told| (told.refreshes, told.tokens.clone()));
    assert_eq!(refreshes, 1);
    assert!(tokens.len() > 5);
    assert!(tokens.iter().all(|token| token == "Bearer access-token-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_that_ends_is_replaced_before_it_does() {
    let (loket, host) = probe("").await;
    loket.told(|told| told.expires_in = 0);
    check(&host).await.unwrap();
    check(&host).await.unwrap();
    assert_eq!(loket.told(|told| told.refreshes), 2);
    // None was refused: each request had the token of its time.
    let tokens = loket.told(|told| told.tokens.clone());
    assert_eq!(tokens, ["Bearer access-token-1", "Bearer access-token-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_access_token_is_replaced_once_and_the_request_repeated() {
    let (loket, host) = probe("").await;
    check(&host).await.unwrap();
    loket.told(|told| told.access.clear());
    check(&host).await.unwrap();
    assert_eq!(loket.told(|told| told.refreshes), 2);
    // Refused again with the new one: an error, not a loop.
    let unauthorized = || {
        instead(
            401,
            json!({"message": "Authorization has been denied for this request."}),
        )
    };
    loket.told(|told| told.asked.clear());
    loket.next([unauthorized(), unauthorized()]);
    assert_eq!(
        check(&host).await.unwrap_err(),
        "the host failed: the platform refused the access token that it has just given (401): is [platform.loket] base-url of the same environment as token-url?"
    );
    assert_eq!(loket.asked().len(), 2);
    assert_eq!(loket.told(|told| told.refreshes), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rotated_refresh_token_is_kept_for_the_next_process() {
    let (_loket, host) = probe("").await;
    check(&host).await.unwrap();
    let file = host.dir.path().join("data/token.json");
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept["refresh-token"], "refresh-token-1");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let host = restarted(host);
    check(&host).await.unwrap();
    // Also when the first one is no longer where it was.
    std::fs::remove_file(host.dir.path().join("refresh-token")).unwrap();
    let host = restarted(host);
    check(&host).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_refresh_token_says_what_to_do_and_is_not_tried_again() {
    let (loket, host) = probe("").await;
    loket.told(|told| told.refresh = "another".to_owned());
    let refused = "the host failed: the platform refused the refresh token (invalid_grant): authorize koppel there again, and put the new refresh token where [platform.loket] refresh-token says";
    assert_eq!(check(&host).await.unwrap_err(), refused);
    assert_eq!(check(&host).await.unwrap_err(), refused);
    assert_eq!(loket.told(|told| told.refreshes), 1);
    // The operator does so, without a restart.
    std::fs::write(host.dir.path().join("refresh-token"), "another\n").unwrap();
    check(&host).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_refresh_token_in_the_configuration_wins_over_the_kept_one() {
    let (loket, host) = probe("").await;
    check(&host).await.unwrap();
    loket.told(|told| told.refresh = "granted anew".to_owned());
    std::fs::write(host.dir.path().join("refresh-token"), "granted anew").unwrap();
    let host = restarted(host);
    check(&host).await.unwrap();
    assert_eq!(loket.told(|told| told.refreshes), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_of_the_token_endpoint_says_what_to_look_at() {
    let (_loket, host) = probe("").await;
    let secret = host.dir.path().join("client-secret");
    std::fs::write(&secret, "wrong").unwrap();
    assert_eq!(
        check(&host).await.unwrap_err(),
        "the host failed: the platform refused koppel itself (invalid_client): [platform.loket] client-id and client-secret must be those that it gave out"
    );
    std::fs::remove_file(&secret).unwrap();
    let text = check(&host).await.unwrap_err();
    assert!(
        text.starts_with("the host failed: [platform.loket] client-secret: ")
            && text.contains("client-secret cannot be read: "),
        "{text}"
    );
    std::fs::write(&secret, CLIENT_SECRET).unwrap();
    check(&host).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_endpoint_is_told_without_its_reply() {
    let (loket, host) = probe("").await;
    let text = std::fs::read_to_string(host.dir.path().join("platform.toml")).unwrap();
    let text = text.replace("/token\"", "/v2/providers/employers\"");
    let host = TestHost::start(host.dir, &text);
    loket.told(|told| told.always = Some(instead(200, "{\"access_token\": 5}")));
    assert_eq!(
        check(&host).await.unwrap_err(),
        "the host failed: [platform.loket] token-url did not answer with tokens: is it the token endpoint?"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_while_tokens_are_rotated_does_not_lose_them() {
    let (loket, host) = probe("").await;
    loket.told(|told| told.delay_ms = 500);
    let run = host.run("probe", ANNA, 1, Job::Check);
    assert!(
        tokio::time::timeout(Duration::from_millis(250), run)
            .await
            .is_err()
    );
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    loket.told(|told| told.delay_ms = 0);
    let host = restarted(host);
    check(&host).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_do_not_use_one_refresh_token_twice() {
    let (loket, host) = probe("").await;
    let text = upstream_configuration(
        &loket.url,
        &crate::harness::client("probe", &crate::harness::all_activities()),
        "",
    );
    let other = tempfile::tempdir().unwrap();
    let token_file = host.dir.path().join("data/token.json");
    for file in ["client-secret", "refresh-token"] {
        std::fs::copy(host.dir.path().join(file), other.path().join(file)).unwrap();
    }
    let text = text.replace("\"data/token.json\"", &format!("{token_file:?}"));
    let other = TestHost::start(other, &text);
    let (first, second) = tokio::join!(check(&host), check(&other));
    first.unwrap();
    second.unwrap();
    // The second waited for the token that the first one's was rotated to.
    assert_eq!(loket.told(|told| told.refreshes), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_or_secret_is_in_a_file_of_the_host_but_its_own() {
    let (loket, host) = probe("").await;
    assert!(journal_run(&host).await["item"].is_string());
    // A platform that tells its secrets.
    let employer = super::data::employer_1(&loket).await;
    let told = json!({"message": format!("reason {CLIENT_SECRET} access-token-1 refresh-token-0 refresh-token-1")});
    loket.next([employer, instead(403, told)]);
    let denied = journal_run(&host).await;
    assert_eq!(denied["denied"], "Check::Entity", "{denied}");
    let denials = host.denials().await;
    assert_eq!(
        denials,
        ["the platform refused: [redacted] [redacted] [redacted] [redacted]"]
    );
    let debug = format!("{:?}", host.host.live().now());
    for secret in [CLIENT_SECRET, "access-token-1", "refresh-token-1"] {
        assert!(!debug.contains(secret));
        for entry in std::fs::read_dir(host.dir.path().join("data")).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            let own = path.ends_with("token.json") && secret == "refresh-token-1";
            assert_eq!(found, own, "{secret} in {}", path.display());
        }
    }
}
