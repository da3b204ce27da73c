//! Sizes and times are bounded.

use super::*;
use std::time::Instant;

#[tokio::test]
async fn a_request_that_is_too_large_is_refused_before_anyone_is_asked() {
    let mut setup = Setup::new().await;
    setup.bounds.request_bytes = 5;
    let url = setup.url("other.test", "api/a");
    setup.send(request("POST", &url, "12345")).await.unwrap();
    setup.events();
    let error = setup
        .send(request("POST", &url, "123456"))
        .await
        .unwrap_err();
    assert_eq!(error, EgressError::RequestSize(5));
    assert_eq!(
        setup.events(),
        [
            "refused POST http://other.test/api/a: the body of the request has more than 5 bytes (limits.request-bytes)"
        ]
    );
}

#[tokio::test]
async fn a_reply_that_is_too_large_is_an_error_whether_it_says_so_or_not() {
    let mut setup = Setup::new().await;
    setup.bounds.response_bytes = 5000;
    for how in ["sized", "streamed"] {
        let reply = setup.get("other.test", &format!("api/a?{how}=5000")).await;
        assert_eq!(reply.unwrap().body.len(), 5000);
        setup.events();
        let path = format!("api/a?{how}=5001");
        let error = setup.get("other.test", &path).await.unwrap_err();
        assert_eq!(error, EgressError::ResponseSize(5000));
        assert_eq!(
            *setup.events().last().unwrap(),
            format!(
                "after GET http://other.test/{path}: the reply has more than 5000 bytes (limits.response-bytes)"
            )
        );
    }
}

#[tokio::test]
async fn the_length_that_a_head_tells_is_not_the_size_of_its_reply() {
    let setup = Setup::new().await;
    let url = setup.url("other.test", "api/a?sized=50000");
    let reply = setup.send(request("HEAD", &url, "")).await.unwrap();
    assert_eq!(reply.body.len(), 0);
    assert_eq!(reply.headers["content-length"], "50000");
}

#[tokio::test]
async fn the_headers_of_a_reply_are_bounded() {
    let setup = Setup::new().await;
    let reply = setup.get("other.test", "api/a?headers=60000").await;
    assert_eq!(reply.unwrap().status, 200);
    let error = setup
        .get("other.test", "api/a?headers=65536")
        .await
        .unwrap_err();
    assert_eq!(error, EgressError::ResponseHeaders(65_536));
}

#[tokio::test]
async fn a_reply_that_does_not_come_or_does_not_end_is_given_up_in_time() {
    let mut setup = Setup::new().await;
    setup.bounds.total = Duration::from_millis(300);
    for path in ["api/a?silent=1", "api/a?drip=1"] {
        let start = Instant::now();
        let error = setup.get("other.test", path).await.unwrap_err();
        assert_eq!(error, EgressError::Timeout(300));
        let took = start.elapsed();
        assert!(
            took >= setup.bounds.total && took < Duration::from_secs(5),
            "{took:?}"
        );
        assert_eq!(
            *setup.events().last().unwrap(),
            format!("after GET http://other.test/{path}: no complete reply within 300 ms")
        );
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_given_up_in_time() {
    let mut setup = Setup::new().await;
    setup.allow("slow.test", &["GET"], None, true);
    setup.bounds.total = Duration::from_millis(100);
    let error = setup.get("slow.test", "api/a").await.unwrap_err();
    assert_eq!(error, EgressError::Timeout(100));
    assert_eq!(
        *setup.events().last().unwrap(),
        "refused GET http://slow.test/api/a: no complete reply within 100 ms"
    );
}

#[tokio::test]
async fn the_time_is_for_all_hops_together() {
    let mut setup = Setup::new().await;
    setup.bounds.total = Duration::from_millis(300);
    let path = "api/a?status=307&header-location=/api/b%3Fsilent=1";
    let start = Instant::now();
    let error = setup.get("other.test", path).await.unwrap_err();
    assert_eq!(error, EgressError::Timeout(300));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(
        *setup.events().last().unwrap(),
        "after GET http://other.test/api/b?silent=1: no complete reply within 300 ms"
    );
}
