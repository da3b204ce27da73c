//! Headers that a connector may not set, and those that it does not see.

use super::*;

#[tokio::test]
async fn a_header_that_a_connector_may_not_set_is_refused_before_anyone_is_asked() {
    let setup = Setup::new().await;
    let url = setup.url("party.test", "api/a");
    for name in [
        // For the host.
        "authorization",
        "proxy-authorization",
        "proxy-authenticate",
        "cookie",
        // Of the connection.
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        // Who someone is.
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-anything",
        "x-real-ip",
        "x-client-ip",
        "true-client-ip",
        // Another method or path than was checked.
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    ] {
        let mut request = request("GET", &url, "");
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_static("1");
        request.headers_mut().insert(&name, value);
        let error = setup.send(request).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("header {name} may not be set by a connector")
        );
        assert_eq!(
            setup.events(),
            [format!("refused GET http://party.test/api/a: {error}")]
        );
    }
}

#[tokio::test]
async fn other_headers_are_sent_and_recorded() {
    let setup = Setup::new().await;
    let mut request = request("GET", &setup.url("other.test", "api/a"), "");
    let value = HeaderValue::from_static("yes");
    request.headers_mut().insert("x-mine", value);
    setup.send(request).await.unwrap();
    assert!(
        setup
            .events()
            .contains(&"arrived GET other.test/api/a x-mine=yes".to_owned())
    );
    assert_eq!(
        setup.observer.hops.lock().unwrap()[0].headers["x-mine"],
        "yes"
    );
}

#[tokio::test]
async fn host_and_length_follow_from_the_request() {
    let setup = Setup::new().await;
    let mut request = request("POST", &setup.url("other.test", "api/a"), "four");
    let headers = request.headers_mut();
    headers.insert("host", HeaderValue::from_static("evil.test"));
    headers.insert("content-length", HeaderValue::from_static("2"));
    setup.send(request).await.unwrap();
    assert!(
        setup
            .events()
            .contains(&"arrived POST other.test/api/a content-length=4 four".to_owned())
    );
}

#[tokio::test]
async fn a_post_without_a_body_says_that_it_has_none() {
    let setup = Setup::new().await;
    let url = setup.url("other.test", "api/a");
    setup.send(request("POST", &url, "")).await.unwrap();
    assert!(
        setup
            .events()
            .contains(&"arrived POST other.test/api/a content-length=0".to_owned())
    );
}

#[tokio::test]
async fn headers_between_host_and_server_are_withheld_from_connector_and_ledger() {
    let setup = Setup::new().await;
    let withheld = [
        "set-cookie",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "trailer",
        "upgrade",
    ];
    let mut path = "api/a?header-x-theirs=1&header-connection=close".to_owned();
    for name in withheld {
        path += &format!("&header-{name}=s3cret");
    }
    let reply = setup.get("other.test", &path).await.unwrap();
    let recorded = setup.observer.replies.lock().unwrap()[0].clone();
    for headers in [&reply.headers, &recorded.headers] {
        assert_eq!(headers["x-theirs"], "1");
        for name in withheld.iter().chain(&["connection", "transfer-encoding"]) {
            assert!(!headers.contains_key(*name), "{name}");
        }
    }
    // One that streams is sent in chunks.
    let reply = setup.get("other.test", "api/a?streamed=3").await.unwrap();
    assert!(!reply.headers.contains_key("transfer-encoding"));
    assert_eq!(reply.body, "xxx");
}
