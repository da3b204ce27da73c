//! Nothing leaves before it was allowed and recorded.

use super::*;
use crate::egress::SystemResolver;

const AUTHORIZE: &str = "authorize PostSendJournalRunExportByJournalRunId";

#[tokio::test]
async fn a_request_is_authorized_resolved_recorded_sent_and_recorded_in_this_order() {
    let setup = Setup::new().await;
    let reply = setup.get("party.test", "api/a?b=c").await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, "fine");
    assert_eq!(
        setup.events(),
        [
            AUTHORIZE,
            "resolve party.test",
            "credential exact",
            "before GET http://party.test/api/a?b=c",
            "arrived GET party.test/api/a authorization=Bearer s3cret",
            "after GET http://party.test/api/a?b=c: 200",
        ]
    );
    let hops = setup.observer.hops.lock().unwrap();
    assert_eq!(hops[0].activity, SEND);
    assert_eq!(
        hops[0].headers.len(),
        0,
        "the credential is not for the ledger"
    );
}

#[tokio::test]
async fn a_body_is_sent_and_recorded_whole() {
    let setup = Setup::new().await;
    let mut post = request("POST", &setup.url("other.test", "api/a"), "{\"a\":1}");
    let json = HeaderValue::from_static("application/json");
    post.headers_mut().insert("content-type", json);
    setup.send(post).await.unwrap();
    assert!(setup.events().contains(
        &"arrived POST other.test/api/a content-type=application/json content-length=7 {\"a\":1}"
            .to_owned()
    ));
    let hops = setup.observer.hops.lock().unwrap();
    assert_eq!(hops[0].body, "{\"a\":1}");
    assert_eq!(hops[0].headers["content-type"], "application/json");
}

#[tokio::test]
async fn nothing_is_sent_when_a_step_before_it_fails() {
    for (step, expected) in [
        (
            "authorize",
            &[
                AUTHORIZE,
                "refused GET http://party.test/api/a: the host failed: authorize failed",
            ][..],
        ),
        (
            "credential",
            &[
                AUTHORIZE,
                "resolve party.test",
                "credential exact",
                "refused GET http://party.test/api/a: the host failed: credential failed",
            ],
        ),
        (
            "before",
            &[
                AUTHORIZE,
                "resolve party.test",
                "credential exact",
                "before GET http://party.test/api/a",
            ],
        ),
    ] {
        let mut setup = Setup::new().await;
        setup.observer.fails_at = Some(step);
        let error = setup.get("party.test", "api/a").await.unwrap_err();
        assert_eq!(error.to_string(), format!("the host failed: {step} failed"));
        assert_eq!(setup.events(), expected);
    }
}

#[tokio::test]
async fn a_reply_that_cannot_be_recorded_is_not_given() {
    let mut setup = Setup::new().await;
    setup.observer.fails_at = Some("after");
    let error = setup.get("party.test", "api/a").await.unwrap_err();
    assert_eq!(error, EgressError::Host("after failed".to_owned()));
}

#[tokio::test]
async fn a_redirect_that_cannot_be_recorded_is_not_followed() {
    let mut setup = Setup::new().await;
    setup.observer.fails_at = Some("after");
    let path = "api/a?status=307&header-location=/api/b";
    let error = setup.get("other.test", path).await.unwrap_err();
    assert_eq!(error, EgressError::Host("after failed".to_owned()));
    let events = setup.events();
    let arrived = events.iter().filter(|event| event.starts_with("arrived"));
    assert_eq!(arrived.count(), 1, "{events:?}");
}

#[tokio::test]
async fn a_refusal_that_cannot_be_recorded_is_told() {
    let mut setup = Setup::new().await;
    setup.observer.fails_at = Some("refused");
    let error = setup.get("nowhere.test", "api/a").await.unwrap_err();
    assert_eq!(error, EgressError::Host("refused failed".to_owned()));
}

#[tokio::test]
async fn what_no_rule_allows_is_refused_before_anyone_is_asked() {
    let setup = Setup::new().await;
    for (method, host, path, shown) in [
        ("GET", "party.test", "admin?key=1", "party.test/admin"),
        ("GET", "nowhere.test", "api/a", "nowhere.test/api/a"),
        ("OPTIONS", "party.test", "api/a", "party.test/api/a"),
    ] {
        let url = setup.url(host, path);
        setup.send(request(method, &url, "")).await.unwrap_err();
        assert_eq!(
            setup.events(),
            [format!(
                "refused {method} http://{host}/{path}: no rule allows {method} http://{shown}; to allow it, add to [clients.exact] http = [{{ allow = \"http://{shown}\", methods = [\"{method}\"], activity = \"…\" }}]"
            )]
        );
    }
}

#[tokio::test]
async fn a_url_that_has_no_single_meaning_is_refused_before_anyone_is_asked() {
    let setup = Setup::new().await;
    setup.get("party.test", "api/..%2fadmin").await.unwrap_err();
    assert_eq!(
        setup.events(),
        ["refused GET http://party.test/api/..%2fadmin: the URL is refused: its path contains %2f"]
    );
    setup.send(request("GET", "/api/a", "")).await.unwrap_err();
    assert_eq!(
        setup.events(),
        ["refused GET /api/a: the URL is refused: relative URL without a base"]
    );
}

#[tokio::test]
async fn every_address_of_a_host_must_be_allowed() {
    let mut setup = Setup::new().await;
    setup.allow("mixed.test", &["GET"], None, false);
    setup.allow("metadata.test", &["GET"], None, true);
    setup.allow("empty.test", &["GET"], None, true);
    setup.allow("nowhere.test", &["GET"], None, true);
    for (host, expected) in [
        (
            "mixed.test",
            "mixed.test is refused: 127.0.0.1 is loopback; every address of a host must be public (allow-private-addresses = true in its rule allows this one)",
        ),
        (
            "metadata.test",
            "metadata.test is refused: ::ffff:169.254.169.254 is link-local, where clouds serve their metadata; every address of a host must be public",
        ),
        (
            "empty.test",
            "empty.test cannot be resolved: it has no address",
        ),
        (
            "nowhere.test",
            "nowhere.test cannot be resolved: no such host",
        ),
    ] {
        let error = setup.get(host, "api/a").await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(
            setup.events(),
            [
                AUTHORIZE.to_owned(),
                format!("resolve {host}"),
                format!("refused GET http://{host}/api/a: {expected}"),
            ]
        );
    }
}

#[tokio::test]
async fn an_address_in_the_url_is_judged_without_a_resolver() {
    let mut setup = Setup::new().await;
    setup.allow("127.0.0.1", &["GET"], None, false);
    setup.allow("[::1]", &["GET"], None, false);
    for (host, what) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")] {
        let error = setup.get(host, "api/a").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{host} is refused: {what} is loopback; every address of a host must be public (allow-private-addresses = true in its rule allows this one)"
            )
        );
        let events = setup.events();
        assert_eq!(events.len(), 2, "{events:?}");
    }
    setup.allow("127.0.0.1", &["HEAD"], None, true);
    let url = setup.url("127.0.0.1", "api/a");
    let reply = setup.send(request("HEAD", &url, "")).await.unwrap();
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn the_connection_is_made_to_the_addresses_that_were_checked() {
    let mut setup = Setup::new().await;
    // Only the resolver of the test knows this name, and it is asked once.
    setup.allow("second.test", &["GET"], None, true);
    let reply = setup.get("second.test", "api/a").await.unwrap();
    assert_eq!(reply.body, "fine");
    let events = setup.events();
    let resolved = events.iter().filter(|event| event.starts_with("resolve"));
    assert_eq!(resolved.count(), 1, "{events:?}");
}

#[tokio::test]
async fn a_connection_that_fails_is_recorded_with_why() {
    let mut setup = Setup::new().await;
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    setup.party.port = unused.local_addr().unwrap().port();
    drop(unused);
    setup.allow("other.test", &["GET"], None, true);
    let error = setup.get("other.test", "api/a").await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("the connection to other.test failed: ")
            && text.ends_with("Connection refused (os error 111)"),
        "{text}"
    );
    let events = setup.events();
    let last = events.last().unwrap();
    assert!(
        last.starts_with("after GET http://other.test/api/a: the connection"),
        "{last}"
    );
}

#[tokio::test]
async fn the_first_rule_that_allows_a_request_counts() {
    let mut setup = Setup::new().await;
    setup.rules.clear();
    setup.allow("party.test", &["POST"], Some("exact"), true);
    setup.allow("party.test", &["GET", "POST"], None, true);
    for (method, credential) in [("GET", false), ("POST", true)] {
        let url = setup.url("party.test", "api/a");
        setup.send(request(method, &url, "")).await.unwrap();
        let events = setup.events();
        let arrived = events.iter().find(|event| event.starts_with("arrived"));
        assert_eq!(arrived.unwrap().contains(SECRET), credential, "{events:?}");
    }
}

#[tokio::test]
async fn the_resolver_of_the_system_knows_this_machine() {
    let addresses = SystemResolver.resolve("localhost").await.unwrap();
    assert!(!addresses.is_empty());
    assert!(addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
    // Reserved by RFC 6761 never to exist.
    assert!(SystemResolver.resolve("koppel.invalid").await.is_err());
}
