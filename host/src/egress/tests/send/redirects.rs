//! Each redirect is a new request to everything.

use super::*;

/// A path that redirects to `location` with `status`.
fn redirect(status: u16, location: &str) -> String {
    let mut url = url::Url::parse("http://x/").unwrap();
    url.query_pairs_mut()
        .append_pair("status", &status.to_string())
        .append_pair("header-location", location);
    format!("api/from?{}", url.query().unwrap())
}

/// The requests that arrived.
fn arrived(events: &[String]) -> Vec<&str> {
    let arrived = events.iter().filter_map(|e| e.strip_prefix("arrived "));
    arrived.collect()
}

#[tokio::test]
async fn each_hop_is_authorized_resolved_and_recorded_again() {
    let setup = Setup::new().await;
    let path = redirect(307, "/api/to");
    let reply = setup.get("other.test", &path).await.unwrap();
    assert_eq!(reply.body, "fine");
    assert_eq!(
        setup.events(),
        [
            "authorize PostSendJournalRunExportByJournalRunId".to_owned(),
            "resolve other.test".to_owned(),
            format!("before GET http://other.test/{path}"),
            "arrived GET other.test/api/from".to_owned(),
            format!("after GET http://other.test/{path}: 307"),
            "authorize PostSendJournalRunExportByJournalRunId".to_owned(),
            "resolve other.test".to_owned(),
            "before GET http://other.test/api/to".to_owned(),
            "arrived GET other.test/api/to".to_owned(),
            "after GET http://other.test/api/to: 200".to_owned(),
        ]
    );
    let hops = setup.observer.hops.lock().unwrap();
    assert_ne!(hops[0].exchange, hops[1].exchange);
}

#[tokio::test]
async fn a_credential_is_not_carried_over_to_another_host() {
    let setup = Setup::new().await;
    let path = redirect(307, &setup.url("other.test", "api/to"));
    setup.get("party.test", &path).await.unwrap();
    assert_eq!(
        arrived(&setup.events()),
        [
            "GET party.test/api/from authorization=Bearer s3cret",
            "GET other.test/api/to",
        ]
    );
}

#[tokio::test]
async fn a_credential_is_added_where_the_rule_of_the_next_hop_names_it() {
    let setup = Setup::new().await;
    let path = redirect(302, &setup.url("party.test", "api/to"));
    setup.get("other.test", &path).await.unwrap();
    assert_eq!(
        arrived(&setup.events()),
        [
            "GET other.test/api/from",
            "GET party.test/api/to authorization=Bearer s3cret",
        ]
    );
}

#[tokio::test]
async fn a_redirect_to_where_no_rule_allows_is_refused_and_recorded() {
    let setup = Setup::new().await;
    let port = setup.party.port;
    for (location, refused) in [
        ("/admin", "http://other.test/admin"),
        ("/api/../admin", "http://other.test/admin"),
        ("../admin", "http://other.test/admin"),
        ("\\admin", "http://other.test/admin"),
        ("//evil.test/api/a", "http://evil.test/api/a"),
        ("http://evil.test/api/a", "http://evil.test/api/a"),
        ("https://party.test/api/a", "https://party.test/api/a"),
        (
            "http://169.254.169.254/latest/meta-data",
            "http://169.254.169.254/latest/meta-data",
        ),
    ] {
        let path = redirect(302, location);
        let error = setup.get("other.test", &path).await.unwrap_err();
        let text = error.to_string().replace(&format!(":{port}"), "");
        assert_eq!(
            text,
            format!(
                "no rule allows GET {refused}; to allow it, add to [clients.exact] http = [{{ allow = \"{refused}\", methods = [\"GET\"], activity = \"…\" }}]"
            )
        );
        let events = setup.events();
        assert_eq!(arrived(&events).len(), 1);
        assert_eq!(
            *events.last().unwrap(),
            format!("refused GET {refused}: {text}")
        );
    }
}

#[tokio::test]
async fn a_full_location_is_judged_as_it_is_written() {
    let setup = Setup::new().await;
    for (location, why) in [
        (
            setup.url("party.test", "api/../api/a"),
            "its path contains a dot segment",
        ),
        (
            setup.url("party.test", "api/..%2fadmin"),
            "its path contains %2f",
        ),
        (
            setup.url("anna:pass@party.test", "api/a"),
            "it has user information",
        ),
        (
            "http:party.test/api/a%2fb?x=://party.test".to_owned(),
            "it is not written as scheme://host",
        ),
        (
            "http://0x7f000001/api/a".to_owned(),
            "its host is written 0x7f000001 but means 127.0.0.1",
        ),
        (
            "file:///etc/passwd".to_owned(),
            "scheme file is not http or https",
        ),
        ("http://".to_owned(), "empty host"),
    ] {
        let path = redirect(307, &location);
        let error = setup.get("other.test", &path).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the URL is refused: {why}"));
        let events = setup.events();
        assert_eq!(arrived(&events).len(), 1);
        assert!(events.last().unwrap().starts_with("refused GET "));
    }
}

#[tokio::test]
async fn a_location_that_is_not_text_is_refused_and_recorded() {
    let setup = Setup::new().await;
    let path = redirect(307, "/api/~");
    let error = setup.get("other.test", &path).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the redirect is refused: its location is not text"
    );
    assert_eq!(
        *setup.events().last().unwrap(),
        format!(
            "refused GET http://other.test/{path}: the redirect is refused: its location is not text"
        )
    );
}

#[tokio::test]
async fn a_location_may_be_relative_and_hold_another_url_in_its_query() {
    let setup = Setup::new().await;
    for location in [
        "/api/to?back=https://party.test/",
        "to?a=b://c",
        "?to=http://x",
    ] {
        let reply = setup.get("other.test", &redirect(302, location)).await;
        assert_eq!(reply.unwrap().body, "fine", "{location}");
    }
}

#[tokio::test]
async fn after_303_a_request_goes_on_as_get_without_its_body() {
    let mut setup = Setup::new().await;
    setup.rules.clear();
    setup.allow("other.test", &["GET", "POST", "DELETE"], None, true);
    for (method, body) in [("POST", "wages"), ("DELETE", ""), ("GET", "")] {
        let url = setup.url("other.test", &redirect(303, "/api/to"));
        let mut request = request(method, &url, body);
        let text = HeaderValue::from_static("text/plain");
        request.headers_mut().insert("content-type", text);
        let mine = HeaderValue::from_static("1");
        request.headers_mut().insert("x-mine", mine);
        setup.send(request).await.unwrap();
        assert_eq!(
            arrived(&setup.events())[1],
            "GET other.test/api/to x-mine=1"
        );
    }
}

#[tokio::test]
async fn after_303_a_head_stays_a_head() {
    let mut setup = Setup::new().await;
    setup.rules.clear();
    setup.allow("other.test", &["HEAD"], None, true);
    let url = setup.url("other.test", &redirect(303, "/api/to"));
    setup.send(request("HEAD", &url, "")).await.unwrap();
    assert_eq!(
        arrived(&setup.events()),
        ["HEAD other.test/api/from", "HEAD other.test/api/to"]
    );
}

#[tokio::test]
async fn the_method_after_a_redirect_needs_a_rule_too() {
    let mut setup = Setup::new().await;
    setup.rules.clear();
    setup.allow("other.test", &["POST"], None, true);
    let url = setup.url("other.test", &redirect(303, "/api/to"));
    let error = setup.send(request("POST", &url, "a")).await.unwrap_err();
    let EgressError::NoRule { method, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(method, "GET");
}

#[tokio::test]
async fn after_307_and_308_a_request_is_repeated_whole() {
    let setup = Setup::new().await;
    for status in [307, 308] {
        let url = setup.url("other.test", &redirect(status, "/api/to"));
        setup.send(request("PUT", &url, "wages")).await.unwrap();
        assert_eq!(
            arrived(&setup.events())[1],
            "PUT other.test/api/to content-length=5 wages"
        );
    }
}

#[tokio::test]
async fn after_301_and_302_only_what_reads_is_followed() {
    let setup = Setup::new().await;
    for status in [301, 302] {
        let path = redirect(status, "/api/to");
        setup.get("other.test", &path).await.unwrap();
        assert_eq!(arrived(&setup.events()).len(), 2);
        // What becomes of the rest is the connector's to decide, even where
        // the location could not be followed.
        for location in ["/api/to", "/api/~"] {
            let url = setup.url("other.test", &redirect(status, location));
            let reply = setup.send(request("POST", &url, "wages")).await.unwrap();
            assert_eq!(reply.status.as_u16(), status);
            assert!(reply.headers.contains_key("location"));
            assert_eq!(arrived(&setup.events()).len(), 1);
        }
    }
}

#[tokio::test]
async fn a_reply_that_says_no_location_or_is_no_redirect_is_given_as_it_is() {
    let setup = Setup::new().await;
    let reply = setup.get("other.test", "api/a?status=302").await.unwrap();
    assert_eq!(reply.status, 302);
    for status in [201, 300, 304, 404] {
        let reply = setup.get("other.test", &redirect(status, "/api/to")).await;
        assert_eq!(reply.unwrap().status.as_u16(), status);
    }
    let events = setup.events();
    assert_eq!(arrived(&events).len(), 5);
}

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    let setup = Setup::new().await;
    let chain = |hops: usize| {
        (0..hops).fold("/api/end".to_owned(), |location, _| {
            format!("/{}", redirect(307, &location))
        })
    };
    let reply = setup.get("other.test", &chain(3)[1..]).await.unwrap();
    assert_eq!(reply.body, "fine");
    assert_eq!(arrived(&setup.events()).len(), 4);

    let error = setup.get("other.test", &chain(4)[1..]).await.unwrap_err();
    assert_eq!(error, EgressError::Redirects(3));
    let events = setup.events();
    assert_eq!(arrived(&events).len(), 4);
    assert_eq!(
        *events.last().unwrap(),
        "refused GET http://other.test/api/end: more than 3 redirects"
    );
}
