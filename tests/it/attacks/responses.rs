//! What servers answer: too much, too slowly, without end, or in two ways at
//! once.

use super::Arena;
use super::server::{LIMITS, Reply, Server, against};
use serde_json::json;
use std::time::Duration;

const LARGE: &str = "TooLarge(\"ErrorCode::HttpResponseBodySize(Some(100000))\")";
const TOO_LARGE: &str = "the reply has more than 100000 bytes (limits.response-bytes)";

/// The guest gets this error of a server that replies so, and the ledger has
/// this outcome.
async fn fails(reply: fn() -> Reply, error: &str, outcome: &str) -> Arena {
    let server = Server::start(move |_| reply()).await;
    let arena = against(&server, &[], LIMITS).await;
    assert_eq!(arena.get(&server.url("x")).await, json!({"error": error}));
    let told = arena.last_outcome().await.unwrap();
    assert_eq!(told, outcome);
    arena.unharmed().await;
    arena
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_says_it_is_too_large_is_not_read() {
    fails(
        || Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 9999999999999\r\n\r\n").then_silent(),
        LARGE,
        TOO_LARGE,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_without_end_is_cut_off_at_the_limit() {
    fails(
        || Reply::raw("HTTP/1.1 200 OK\r\n\r\n").then_again(vec![b'x'; 10_000], Duration::ZERO),
        LARGE,
        TOO_LARGE,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_without_end_are_cut_off_at_the_limit() {
    fails(
        || {
            let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1_000));
            Reply::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .then_again(chunk, Duration::ZERO)
        },
        LARGE,
        TOO_LARGE,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_whose_length_overflows_is_no_reply() {
    fails(
        || {
            Reply::raw(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
            )
        },
        "Failed(\"ErrorCode::ConnectionRefused\")",
        "the connection to party.test failed: error decoding response body: error reading a body from connection: invalid chunk size: overflow",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunk_extensions_without_end_are_no_reply() {
    fails(
        || {
            Reply::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;")
                .then_again(vec![b'a'; 1_000], Duration::ZERO)
        },
        "Failed(\"ErrorCode::ConnectionRefused\")",
        "the connection to party.test failed: error decoding response body: error reading a body from connection: chunk extensions over limit",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_compressed_is_not_expanded_by_the_host() {
    // 1,000 bytes of gzip that would be a megabyte of zeros are 1,000 bytes.
    let server =
        Server::start(|_| Reply::with(&[("content-encoding", "gzip")], &"\u{1f}".repeat(1_000)))
            .await;
    let arena = against(&server, &[], LIMITS).await;
    let answer = arena.get(&server.url("x")).await;
    assert_eq!(answer["status"], 200);
    assert_eq!(answer["body"].as_str().unwrap().len(), 1_000);
    // Nothing was asked for that would have to be expanded.
    assert!(!server.seen()[0].to_lowercase().contains("accept-encoding"));
    arena.unharmed().await;
}

const SLOW: &str = "limits = { deadline-ms = 800, cpu-ms = 500 }";
const DEADLINE: &str = "the connector was ended: deadline of 800 ms passed (limits.deadline-ms)";

/// The run of a guest that waits for this server ends by its deadline.
async fn is_waited_for_no_longer_than_the_run(reply: fn() -> Reply) {
    let server = Server::start(move |_| reply()).await;
    let arena = against(&server, &[], SLOW).await;
    let query = json!({"attack": "request", "url": server.url("x")});
    assert_eq!(arena.fails(&query).await, DEADLINE);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_waited_for_no_longer_than_the_run() {
    is_waited_for_no_longer_than_the_run(|| Reply::raw("").then_silent()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_drips_is_waited_for_no_longer_than_the_run() {
    is_waited_for_no_longer_than_the_run(|| {
        Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            .then_again("x", Duration::from_millis(50))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_drip_are_waited_for_no_longer_than_the_run() {
    is_waited_for_no_longer_than_the_run(|| {
        Reply::raw("HTTP/1.1 200 OK\r\n").then_again("a: b\r\n", Duration::from_millis(50))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interim_replies_without_end_are_waited_for_no_longer_than_the_run() {
    is_waited_for_no_longer_than_the_run(|| {
        Reply::raw("").then_again("HTTP/1.1 100 Continue\r\n\r\n", Duration::from_millis(5))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_beyond_the_limit_are_no_reply() {
    fails(
        || {
            let header = format!("x-large: {}\r\n", "x".repeat(70_000));
            Reply::raw(format!(
                "HTTP/1.1 200 OK\r\n{header}content-length: 0\r\n\r\n"
            ))
        },
        "TooLarge(\"ErrorCode::HttpResponseHeaderSectionSize(None)\")",
        "the headers of the reply have more than 65536 bytes",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_by_the_thousand_are_no_reply() {
    fails(
        || {
            let headers: String = (0..1_000).map(|n| format!("x-{n}: 1\r\n")).collect();
            Reply::raw(format!(
                "HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n"
            ))
        },
        "Failed(\"ErrorCode::ConnectionRefused\")",
        "the connection to party.test failed: error sending request: client error (SendRequest): message head is too large",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_with_two_lengths_is_no_reply() {
    fails(
        || Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 4\r\n\r\nabcd"),
        "Failed(\"ErrorCode::ConnectionRefused\")",
        "the connection to party.test failed: error sending request: client error (SendRequest): invalid content-length parsed",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_ends_early_is_no_reply() {
    fails(
        || Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf"),
        "Failed(\"ErrorCode::ConnectionRefused\")",
        "the connection to party.test failed: error decoding response body: error reading a body from connection: end of file before message length reached",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_is_no_reply() {
    fails(
        || Reply::raw("SSH-2.0-OpenSSH_9.6\r\n"),
        "Failed(\"ErrorCode::ConnectionRefused\")",
        "the connection to party.test failed: error sending request: client error (SendRequest): invalid HTTP version parsed",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_reply_in_the_first_is_not_read() {
    // Response splitting: the length says where the reply ends, and there is
    // no next request on the connection that could get the rest.
    let server = Server::start(|_| {
        Reply::raw(
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine\
             HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged",
        )
    })
    .await;
    let arena = against(&server, &[], LIMITS).await;
    for _ in 0..2 {
        let answer = arena.get(&server.url("x")).await;
        assert_eq!(answer, json!({"status": 200, "body": "fine"}));
    }
    assert_eq!(server.seen().len(), 2);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_nobody_asked_for_opens_nothing() {
    // It is a reply like any other, without a body; the connection is closed.
    let server = Server::start(|_| {
        Reply::raw("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
            .then_again("secret of another protocol", Duration::from_millis(5))
    })
    .await;
    let arena = against(&server, &[], LIMITS).await;
    let answer = arena
        .raw(json!({"authority": server.authority(), "path": "/api/x"}))
        .await;
    assert_eq!(answer, json!({"status": 101, "headers": [], "body": ""}));
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_stays_in_the_host() {
    let server = Server::start(|_| {
        Reply::with(
            &[("set-cookie", "session=1"), ("proxy-authenticate", "Basic")],
            "fine",
        )
    })
    .await;
    let arena = against(&server, &[], LIMITS).await;
    let answer = arena
        .raw(json!({"authority": server.authority(), "path": "/api/x"}))
        .await;
    assert_eq!(answer["headers"], json!([["content-length", "4"]]));
    // Nor is it sent back.
    arena.get(&server.url("y")).await;
    assert!(!server.seen()[1].contains("session"));
    arena.unharmed().await;
}
