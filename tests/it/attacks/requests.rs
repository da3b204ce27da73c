//! Requests that mean something else to the server than to the host.

use super::Arena;
use super::server::{LIMITS, Reply, Server, against};
use serde_json::{Value, json};

/// A server, and a guest that may send GET and POST below `/api/` of it.
async fn start() -> (Server, Arena) {
    let server = Server::start(|_| Reply::ok("fine")).await;
    let arena = against(&server, &[], LIMITS).await;
    (server, arena)
}

/// The guest gets these answers to these requests, and nothing arrives.
async fn all_stay(requests: &[(Value, Value)]) {
    let (server, arena) = start().await;
    for (change, expected) in requests {
        let mut request = json!({"authority": server.authority(), "path": "/api/x"});
        for (key, value) in change.as_object().unwrap() {
            request[key] = value.clone();
        }
        assert_eq!(arena.raw(request).await, *expected, "{change}");
    }
    assert_eq!(server.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}

/// As [`all_stay`], of one.
async fn stays(change: Value, expected: Value) {
    all_stay(&[(change, expected)]).await;
}

/// Requests with one header of these names, and what each is answered.
fn headers(names: &[&str], value: &str, answer: impl Fn(&str) -> Value) -> Vec<(Value, Value)> {
    let request = |name: &&str| (json!({"headers": [[name, value]]}), answer(name));
    names.iter().map(request).collect()
}

/// What the engine says of a header that no guest may set.
fn forbidden(name: &str) -> Value {
    json!({"refused": format!("header {name}: HeaderError::Forbidden")})
}

fn denied() -> Value {
    json!({"error": "ErrorCode::HttpRequestDenied"})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_break_in_the_value_of_a_header_is_refused() {
    stays(
        json!({"headers": [["x-a", "b\r\nevil: 1"]]}),
        json!({"refused": "header x-a: HeaderError::InvalidSyntax"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_break_in_the_name_of_a_header_is_refused() {
    stays(
        json!({"headers": [["x-a: b\r\nevil", "1"]]}),
        json!({"refused": "header x-a: b\r\nevil: HeaderError::InvalidSyntax"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_in_a_header_is_refused() {
    stays(
        json!({"headers": [["x-a", "b\0c"]]}),
        json!({"refused": "header x-a: HeaderError::InvalidSyntax"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_break_in_the_path_is_refused() {
    stays(
        json!({"path": "/api/x HTTP/1.1\r\nevil: 1\r\n\r\nGET /admin"}),
        json!({"refused": "path"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_break_in_the_authority_is_refused() {
    stays(
        json!({"authority": "party.test\r\nevil: 1"}),
        json!({"refused": "authority"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_line_break_in_the_path_is_refused() {
    stays(
        json!({"path": "/api/x%0d%0aevil:%201"}),
        json!({"error": "ErrorCode::HttpRequestUriInvalid"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_header_is_not_the_guests() {
    stays(
        json!({"headers": [["host", "other.test"]]}),
        json!({"refused": "header host: HeaderError::Forbidden"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_cannot_be_declared_by_the_guest() {
    stays(
        json!({"method": "POST", "headers": [["transfer-encoding", "chunked"]], "body": "0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n"}),
        json!({"refused": "header transfer-encoding: HeaderError::Forbidden"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_is_not_that_of_the_body_is_refused() {
    stays(
        json!({"method": "POST", "headers": [["content-length", "3"]], "body": "abcGET /admin HTTP/1.1\r\n\r\n"}),
        json!({"error": "ErrorCode::HttpRequestBodySize(Some(26))"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lengths_are_refused() {
    stays(
        json!({"method": "POST", "headers": [["content-length", "3"], ["content-length", "26"]], "body": "abcGET /admin HTTP/1.1\r\n\r\n"}),
        json!({"refused": "header content-length: HeaderError::InvalidSyntax"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_holds_no_second_request() {
    // It leaves as the body that it is: its length is the host's.
    let (server, arena) = start().await;
    let smuggled = "x\r\n\r\nGET /admin HTTP/1.1\r\nhost: party.test\r\n\r\n";
    let request = json!({"method": "POST", "authority": server.authority(), "path": "/api/x", "body": smuggled});
    assert_eq!(arena.raw(request).await["status"], 200);
    assert_eq!(server.lines(), ["POST /api/x HTTP/1.1"]);
    let seen = server.seen();
    assert!(seen[0].contains(&format!("content-length: {}\r\n", smuggled.len())));
    assert!(seen[0].ends_with(smuggled));
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_do_not_leave() {
    let (server, arena) = start().await;
    let request = json!({
        "method": "POST", "authority": server.authority(), "path": "/api/x",
        "body": "b", "trailers": [["authorization", "evil"], ["x-a", "b"]],
    });
    assert_eq!(arena.raw(request).await["status"], 200);
    let seen = server.seen().concat();
    assert!(!seen.contains("evil") && !seen.contains("x-a"), "{seen}");
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_connection_are_not_the_guests() {
    // The first ones are refused by the engine, the rest by the host.
    let engine = ["connection", "keep-alive", "proxy-connection", "upgrade"];
    let mut all = headers(&engine, "x", forbidden);
    all.extend(headers(&["te", "trailer", "expect"], "x", |_| denied()));
    all_stay(&all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_cannot_pretend_to_be_someone_else() {
    let names = [
        "x-forwarded-for",
        "forwarded",
        "x-real-ip",
        "true-client-ip",
    ];
    all_stay(&headers(&names, "127.0.0.1", |_| denied())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_cannot_log_in_as_someone_else() {
    let mut all = headers(&["authorization", "cookie"], "evil", |_| denied());
    all.extend(headers(&["proxy-authorization"], "evil", forbidden));
    all_stay(&all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_cannot_ask_for_another_method_or_path() {
    let names = [
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    ];
    all_stay(&headers(&names, "DELETE", |_| denied())).await;
}

/// Requests of these methods, none of which the rule allows.
async fn methods_stay(methods: &[&str]) {
    let all: Vec<_> = methods
        .iter()
        .map(|method| (json!({"method": method}), denied()))
        .collect();
    all_stay(&all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_no_rule_allows_does_not_leave() {
    methods_stay(&[
        "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "get", "PROPFIND",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_is_not_opened() {
    methods_stay(&["CONNECT", "TRACE"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_of_a_megabyte_is_clipped_where_it_is_recorded() {
    let (server, arena) = start().await;
    let method = "M".repeat(1 << 20);
    let request = json!({"method": method, "authority": server.authority(), "path": "/api/x"});
    let report = arena
        .attack(&json!({"attack": "raw", "method": request["method"], "authority": request["authority"], "path": "/api/x"}))
        .await;
    let host_log: usize = report.log.iter().map(|line| line.text.len()).sum();
    assert!(host_log < 10_000, "{host_log}");
    assert_eq!(crate::harness::answer(report), denied());
    let denial = arena.last_denial().await;
    assert!(denial.len() < 9_000, "{}", denial.len());
    assert!(
        denial.starts_with("no rule allows MMM"),
        "{}",
        &denial[..30]
    );
    assert_eq!(server.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_of_a_megabyte_is_clipped_where_it_is_recorded() {
    let (server, arena) = start().await;
    let path = format!("/api/{}", "x".repeat(60_000));
    let request = json!({"authority": server.authority(), "path": path});
    assert_eq!(
        arena.raw(request).await,
        json!({"error": "ErrorCode::HttpRequestUriInvalid"})
    );
    assert_eq!(
        arena.last_denial().await,
        "the URL is refused: it is longer than 8192 bytes"
    );
    let rows = arena.host.rows(&[koppel_host::ledger::Kind::Denial]).await;
    let body = arena.host.body(rows[0].seq).await;
    assert!(body.len() < 9_000);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_the_limit_does_not_leave() {
    stays(
        json!({"method": "POST", "body": "x".repeat(100_001)}),
        json!({"error": "ErrorCode::HttpRequestBodySize(Some(100000))"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_single_bytes_is_kept_as_one() {
    // And with nothing a thousand times before: the host keeps bytes, not
    // writes (GHSA-f8mm-ggr3-89wh).
    let (server, arena) = start().await;
    let body = "0123456789".repeat(200);
    let request = json!({
        "method": "POST", "authority": server.authority(), "path": "/api/x",
        "body": body, "chunk": 1, "empty": 1_000,
    });
    assert_eq!(arena.raw(request).await["status"], 200);
    assert!(server.seen()[0].ends_with(&body));
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_end_are_refused_by_the_engine() {
    let headers: Vec<_> = (0..5_000)
        .map(|n| json!([format!("x-{n}"), "x".repeat(100)]))
        .collect();
    let (server, arena) = start().await;
    let request = json!({"attack": "raw", "authority": server.authority(), "path": "/api/x", "headers": headers});
    assert_eq!(
        arena.fails(&request).await,
        "the connector crashed: total size of fields exceeds limit"
    );
    assert_eq!(server.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_of_nothing_is_no_panic() {
    // The host has its own timeouts; what a guest asks for is not read.
    let (server, arena) = start().await;
    let request = json!({"authority": server.authority(), "path": "/api/x", "timeout": 0});
    assert_eq!(arena.raw(request).await["status"], 200);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_without_end_stop_at_the_limit() {
    let server = Server::start(|_| Reply::ok("fine")).await;
    let arena = against(&server, &[], "limits = { requests = 5 }").await;
    let query = json!({"attack": "request-flood", "url": server.url("x")});
    assert_eq!(arena.answer(&query).await, 5);
    assert_eq!(server.lines().len(), 5);
    assert_eq!(
        arena.host.denials().await,
        ["the run made its 5 requests (limits.requests)"]
    );
    arena.unharmed().await;
}
