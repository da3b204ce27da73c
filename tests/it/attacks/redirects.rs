//! Servers that send the host elsewhere, and names that do.

use super::server::{LIMITS, Names, Reply, Server, against, resolving};
use serde_json::json;

const DENIED: &str = "ErrorCode::HttpRequestDenied";
const INVALID: &str = "ErrorCode::HttpRequestUriInvalid";
const PROHIBITED: &str = "ErrorCode::DestinationIpProhibited";

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_changes_after_it_was_checked_is_not_asked_again() {
    // Two servers on one port of two addresses: the name has the first when it
    // is checked, and would have the second afterwards.
    let server = Server::start(|_| Reply::ok("fine")).await;
    let second = tokio::net::TcpListener::bind(("127.0.0.2", server.port))
        .await
        .unwrap();
    let second = Server::on(second, |_| Reply::ok("rebound"));
    let names = Names::rebinding(&["127.0.0.1", "127.0.0.2"]);
    let arena = resolving(&server, &[], LIMITS, names.clone()).await;
    let url = format!("http://rebind.test:{}/api/x", server.port);
    assert_eq!(
        arena.get(&url).await,
        json!({"status": 200, "body": "fine"})
    );
    assert_eq!(names.asked.lock().unwrap().as_slice(), ["rebind.test"]);
    assert_eq!(second.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_changes_between_redirects_is_checked_again() {
    let server = Server::start(|_| Reply::redirect("/api/again")).await;
    let names = Names::rebinding(&["127.0.0.1", "169.254.169.254"]);
    let arena = resolving(&server, &[], LIMITS, names).await;
    let url = format!("http://rebind.test:{}/api/x", server.port);
    assert_eq!(
        arena.get(&url).await,
        json!({"error": format!("Refused({PROHIBITED:?})")})
    );
    assert_eq!(server.lines().len(), 1);
    arena.unharmed().await;
}

/// A server redirects there, which is refused for this reason.
async fn redirects(to: &str, error: &str, reason: &str) {
    let location = to.to_owned();
    let server = Server::start(move |_| Reply::redirect(&location)).await;
    let arena = against(&server, &[], LIMITS).await;
    let answer = arena.get(&server.url("x")).await;
    assert_eq!(answer, json!({"error": format!("Refused({error:?})")}));
    let denial = arena.last_denial().await;
    let reason = reason.replace("HOST", &server.authority());
    assert!(denial.starts_with(&reason), "{denial}");
    assert!(
        server
            .lines()
            .iter()
            .all(|line| line.starts_with("GET /api/")),
        "{:?}",
        server.lines()
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_host_is_refused() {
    redirects(
        "http://other.test/x",
        DENIED,
        "no rule allows GET http://other.test/x;",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_without_a_scheme_is_refused() {
    redirects(
        "//other.test/x",
        DENIED,
        "no rule allows GET http://other.test/x;",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_metadata_is_refused() {
    redirects(
        "http://169.254.169.254/latest/meta-data",
        DENIED,
        "no rule allows GET http://169.254.169.254/latest/meta-data;",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_out_of_the_path_is_refused() {
    redirects("/admin", DENIED, "no rule allows GET http://HOST/admin;").await;
    redirects("../admin", DENIED, "no rule allows GET http://HOST/admin;").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_with_user_information_is_refused() {
    redirects(
        "http://party.test@other.test/x",
        INVALID,
        "the URL is refused: it has user information",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_a_file_is_refused() {
    redirects(
        "file:///etc/passwd",
        INVALID,
        "the URL is refused: scheme file is not http or https",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_what_is_no_text_is_refused() {
    redirects(
        "/api/\u{ff}\u{e9}",
        "ErrorCode::LoopDetected",
        "the redirect is refused: its location is not text",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_without_end_are_not_followed() {
    redirects(
        "/api/again",
        "ErrorCode::LoopDetected",
        "more than 3 redirects",
    )
    .await;
}
