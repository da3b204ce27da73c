//! Servers that give the credential of a request back, by every way there is.

use super::Arena;
use super::server::{LIMITS, Reply, SECRET, Server, against};
use crate::harness::answer;
use crate::outside::walk;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const BEARER: &str = "Bearer sEcReT-token-value";

/// The guest gets this, and the secret is in nothing that the host keeps or
/// shows: not in its files, not in the log of the run, not in its answer.
async fn gives_back(server: Server, expected: Value) {
    let arena = against(&server, &[], LIMITS).await;
    let query = json!({"attack": "raw", "authority": server.authority(), "path": "/api/x"});
    let report = arena.attack(&query).await;
    assert!(server.seen()[0].contains(BEARER), "{:?}", server.seen());
    let shown = format!("{:?}", report.log);
    let answer = answer(report);
    assert_eq!(answer, expected);
    kept_nowhere(&arena, &[shown, answer.to_string()]);
    arena.unharmed().await;
}

/// Neither the secret nor its base64 is anywhere but in its own file.
fn kept_nowhere(arena: &Arena, shown: &[String]) {
    let forms = [SECRET.to_owned(), STANDARD.encode(SECRET)];
    let mut places: Vec<(String, Vec<u8>)> = shown
        .iter()
        .map(|text| ("shown".to_owned(), text.clone().into_bytes()))
        .collect();
    for file in walk(arena.host.dir.path()) {
        if !file.ends_with("secret") {
            places.push((file.display().to_string(), std::fs::read(&file).unwrap()));
        }
    }
    for (place, bytes) in places {
        for form in &forms {
            let found = bytes
                .windows(form.len())
                .any(|window| window == form.as_bytes());
            assert!(!found, "{form} is in {place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_the_body_of_a_reply_is_taken_out() {
    let server = Server::start(|_| Reply::ok(&format!("you are {BEARER}"))).await;
    gives_back(
        server,
        json!({"status": 200, "headers": [["content-length", "25"]], "body": "you are Bearer [redacted]"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_header_of_a_reply_is_taken_out() {
    let server = Server::start(|_| Reply::with(&[("x-you", BEARER)], "fine")).await;
    gives_back(
        server,
        json!({"status": 200, "headers": [["content-length", "4"], ["x-you", "Bearer [redacted]"]], "body": "fine"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_base64_is_taken_out() {
    let server = Server::start(|_| Reply::ok(&STANDARD.encode(SECRET))).await;
    gives_back(
        server,
        json!({"status": 200, "headers": [["content-length", "10"]], "body": "[redacted]"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_escaped_is_taken_out() {
    // In JSON, in XML and in a URL, of a secret that has what is escaped there.
    let server = Server::start(|_| {
        Reply::ok("{\"a\":\"s\\\"c\\/t&value\"} <b>s&quot;c/t&amp;value</b> ?c=s%22c%2Ft%26value")
    })
    .await;
    let arena = against(&server, &[], LIMITS).await;
    std::fs::write(arena.host.dir.path().join("secret"), "s\"c/t&value").unwrap();
    assert_eq!(
        arena.get(&server.url("x")).await,
        json!({"status": 200, "body": "{\"a\":\"[redacted]\"} <b>[redacted]</b> ?c=[redacted]"})
    );
    assert!(server.seen()[0].contains("Bearer s\"c/t&value"));
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_an_error_of_the_server_is_taken_out() {
    let server = Server::start(|_| {
        Reply::raw(format!(
            "HTTP/1.1 500 {BEARER}\r\ncontent-length: 25\r\n\r\n{BEARER}"
        ))
    })
    .await;
    gives_back(
        server,
        json!({"status": 500, "headers": [["content-length", "17"]], "body": "Bearer [redacted]"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_broken_reply_is_in_no_error() {
    let server = Server::start(|_| Reply::raw(format!("{BEARER} {BEARER}\r\n\r\n"))).await;
    gives_back(server, json!({"error": "ErrorCode::ConnectionRefused"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_redirect_does_not_leave_again() {
    // To a path of the same party, which a rule allows: what is redirected to
    // is recorded, so the secret is taken out of it first.
    let server = Server::start(|request| {
        if request.starts_with("GET /api/x ") {
            Reply::redirect(&format!("/api/y?token={SECRET}"))
        } else {
            Reply::ok("fine")
        }
    })
    .await;
    let arena = against(&server, &[], LIMITS).await;
    let answer = arena.get(&server.url("x")).await;
    assert_eq!(answer, json!({"status": 200, "body": "fine"}));
    let lines = server.lines();
    assert_eq!(lines.len(), 2);
    assert!(!lines[1].contains(SECRET), "{lines:?}");
    kept_nowhere(&arena, &[]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_party_takes_no_credential_along() {
    let server = Server::start(|_| Reply::ok("unused")).await;
    let elsewhere = Server::start(|_| Reply::ok("elsewhere")).await;
    let port = elsewhere.port;
    let first =
        Server::start(move |_| Reply::redirect(&format!("http://other.test:{port}/open/x"))).await;
    let open = format!(
        "{{ allow = \"http://other.test:{port}/open/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\", allow-private-addresses = true }}"
    );
    drop(server);
    let arena = against(&first, &[open], LIMITS).await;
    let answer = arena.get(&first.url("x")).await;
    assert_eq!(answer, json!({"status": 200, "body": "elsewhere"}));
    assert!(first.seen()[0].contains(BEARER));
    let seen = elsewhere.seen().concat();
    assert!(!seen.to_lowercase().contains("authorization"), "{seen}");
    kept_nowhere(&arena, &[]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_query_is_in_no_error_and_no_record() {
    // Credentials in the query, and a server that breaks off: errors of HTTP
    // libraries hold the URL.
    let server =
        Server::start(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nha")).await;
    let rule = format!(
        "{{ allow = \"http://other.test:{}/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\", credential = \"key\", allow-private-addresses = true }}",
        server.port
    );
    let limits =
        format!("{LIMITS}\n[credentials.key]\nquery = \"key\"\nvalue = {{ file = \"secret\" }}");
    let arena = against(&server, &[rule], &limits).await;
    let query = json!({"attack": "request", "url": format!("http://other.test:{}/x", server.port)});
    let report = arena.attack(&query).await;
    assert!(server.lines()[0].contains(&format!("key={SECRET}")));
    let shown = format!("{:?}", report.log);
    let answer = answer(report);
    assert_eq!(
        answer,
        json!({"error": "Failed(\"ErrorCode::ConnectionRefused\")"})
    );
    kept_nowhere(&arena, &[shown, answer.to_string()]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parameter_of_the_credential_is_not_the_guests() {
    let server = Server::start(|_| Reply::ok("fine")).await;
    let rule = format!(
        "{{ allow = \"http://other.test:{}/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\", credential = \"key\", allow-private-addresses = true }}",
        server.port
    );
    let limits =
        format!("{LIMITS}\n[credentials.key]\nquery = \"key\"\nvalue = {{ file = \"secret\" }}");
    let arena = against(&server, &[rule], &limits).await;
    for query in ["key=evil", "KEY=evil", "%6bey=evil", "a=b&key"] {
        let answer = arena
            .raw(json!({"authority": format!("other.test:{}", server.port), "path": format!("/x?{query}")}))
            .await;
        assert_eq!(answer, json!({"error": "ErrorCode::HttpRequestDenied"}));
    }
    assert_eq!(
        arena.last_denial().await,
        "query parameter key may not be set by a connector; the credential of the rule is added under that name"
    );
    assert_eq!(server.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}
