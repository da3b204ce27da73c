//! Requests to where no rule leads: by the notation of a URL, and by the name
//! server.

use super::Arena;
use super::server::{LIMITS, Reply, Server, against, rule};
use serde_json::json;

const DENIED: &str = "ErrorCode::HttpRequestDenied";
const INVALID: &str = "ErrorCode::HttpRequestUriInvalid";
const PROHIBITED: &str = "ErrorCode::DestinationIpProhibited";

/// A server that would answer whoever comes.
async fn start(rules: &[String]) -> (Server, Arena) {
    let server = Server::start(|_| Reply::ok("fine")).await;
    let arena = against(&server, rules, LIMITS).await;
    (server, arena)
}

/// These hosts are refused for these reasons, and nothing arrives. `PORT` is
/// that of the server.
async fn hosts(all: &[(&str, &str, &str)]) {
    let (server, arena) = start(&[]).await;
    let port = server.port.to_string();
    for (host, error, reason) in all {
        let authority = host.replace("PORT", &port);
        let answer = arena
            .raw(json!({"authority": authority, "path": "/api/x"}))
            .await;
        assert_eq!(answer, json!({"error": error}), "{authority}");
        let denial = arena.last_denial().await;
        let reason = reason.replace("PORT", &port);
        assert!(denial.starts_with(&reason), "{authority}: {denial}");
    }
    assert_eq!(server.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_one_number_is_refused() {
    hosts(&[(
        "2130706433:PORT",
        INVALID,
        "the URL is refused: its host is written 2130706433 but means 127.0.0.1",
    )])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_hexadecimal_is_refused() {
    hosts(&[
        (
            "0x7f000001:PORT",
            INVALID,
            "the URL is refused: its host is written 0x7f000001 but means 127.0.0.1",
        ),
        (
            "0x7f.0.0.0x1:PORT",
            INVALID,
            "the URL is refused: its host is written 0x7f.0.0.0x1 but means 127.0.0.1",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_octal_is_refused() {
    hosts(&[(
        "0177.0.0.01:PORT",
        INVALID,
        "the URL is refused: its host is written 0177.0.0.01 but means 127.0.0.1",
    )])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_short_is_refused() {
    hosts(&[
        (
            "127.1:PORT",
            INVALID,
            "the URL is refused: its host is written 127.1 but means 127.0.0.1",
        ),
        (
            "0:PORT",
            INVALID,
            "the URL is refused: its host is written 0 but means 0.0.0.0",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_no_rule_names_is_refused() {
    hosts(&[
        (
            "127.0.0.1:PORT",
            DENIED,
            "no rule allows GET http://127.0.0.1:PORT/api/x;",
        ),
        (
            "[::1]:PORT",
            DENIED,
            "no rule allows GET http://[::1]:PORT/api/x;",
        ),
        (
            "[::ffff:7f00:1]:PORT",
            DENIED,
            "no rule allows GET http://[::ffff:7f00:1]:PORT/api/x;",
        ),
        (
            "169.254.169.254",
            DENIED,
            "no rule allows GET http://169.254.169.254/api/x;",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_version_6_in_another_spelling_is_refused() {
    hosts(&[(
        "[0:0:0:0:0:ffff:127.0.0.1]:PORT",
        INVALID,
        "the URL is refused: its host is written [0:0:0:0:0:ffff:127.0.0.1] but means [::ffff:7f00:1]",
    )])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_information_is_refused() {
    hosts(&[
        (
            "party.test@127.0.0.1:PORT",
            INVALID,
            "the URL is refused: it has user information",
        ),
        (
            "user:pass@party.test:PORT",
            INVALID,
            "the URL is refused: it has user information",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_ends_in_a_dot_is_refused() {
    hosts(&[(
        "party.test.:PORT",
        INVALID,
        "the URL is refused: its host ends in a dot",
    )])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_below_or_beside_an_allowed_one_is_refused() {
    hosts(&[
        (
            "evil.party.test:PORT",
            DENIED,
            "no rule allows GET http://evil.party.test:PORT/api/x;",
        ),
        (
            "party.test.evil.test:PORT",
            DENIED,
            "no rule allows GET http://party.test.evil.test:PORT/api/x;",
        ),
        (
            "evilparty.test:PORT",
            DENIED,
            "no rule allows GET http://evilparty.test:PORT/api/x;",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_host_is_refused() {
    // It is no authority to the engine already.
    let (server, arena) = start(&[]).await;
    let authority = format!("%31%32%37.0.0.1:{}", server.port);
    assert_eq!(
        arena
            .raw(json!({"authority": authority, "path": "/api/x"}))
            .await,
        json!({"refused": "authority"})
    );
    assert_eq!(server.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_port_is_refused() {
    hosts(&[
        (
            "party.test:1",
            DENIED,
            "no rule allows GET http://party.test:1/api/x;",
        ),
        (
            "party.test",
            DENIED,
            "no rule allows GET http://party.test/api/x;",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn look_alikes_of_a_host_do_not_leave_the_guest() {
    // Digits and dots of other scripts, which some parsers read as ASCII.
    let (server, arena) = start(&[]).await;
    for host in ["①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "pаrty.test"]
    {
        let authority = format!("{host}:{}", server.port);
        let answer = arena
            .raw(json!({"authority": authority, "path": "/api/x"}))
            .await;
        assert_eq!(answer, json!({"refused": "authority"}), "{host}");
    }
    assert_eq!(server.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}

/// These paths are refused for these reasons, and nothing arrives.
async fn paths(all: &[(&str, &str, &str)]) {
    let (server, arena) = start(&[]).await;
    for (path, error, reason) in all {
        let answer = arena
            .raw(json!({"authority": server.authority(), "path": path}))
            .await;
        assert_eq!(answer, json!({"error": error}), "{path}");
        let denial = arena.last_denial().await;
        let reason = reason.replace("HOST", &server.authority());
        assert!(denial.starts_with(&reason), "{path}: {denial}");
    }
    assert_eq!(server.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_climbs_is_refused() {
    paths(&[
        (
            "/api/../admin",
            INVALID,
            "the URL is refused: its path contains a dot segment",
        ),
        (
            "/api/./x",
            INVALID,
            "the URL is refused: its path contains a dot segment",
        ),
        (
            "/api/%2e%2e/admin",
            INVALID,
            "the URL is refused: its path contains %2e",
        ),
        (
            "/api/..%2fadmin",
            INVALID,
            "the URL is refused: its path contains %2f",
        ),
        (
            "/api/%252e%252e/admin",
            INVALID,
            "the URL is refused: its path contains %25",
        ),
        (
            "/api/..;/admin",
            INVALID,
            "the URL is refused: its path contains a semicolon",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_two_servers_read_differently_is_refused() {
    paths(&[
        (
            "/api//x",
            INVALID,
            "the URL is refused: its path contains an empty segment",
        ),
        (
            "/api/%5cadmin",
            INVALID,
            "the URL is refused: its path contains %5c",
        ),
        (
            "/api/%c0%ae%c0%ae/x",
            INVALID,
            "the URL is refused: its path is not UTF-8 when it is decoded",
        ),
        (
            "/api/%00",
            INVALID,
            "the URL is refused: its path contains '\\0' when it is decoded",
        ),
        (
            "/api/%zz",
            INVALID,
            "the URL is refused: its path contains a % without two hexadecimal digits",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_outside_of_the_rule_is_refused() {
    paths(&[
        ("/admin", DENIED, "no rule allows GET http://HOST/admin;"),
        ("/api", DENIED, "no rule allows GET http://HOST/api;"),
        ("/apix/x", DENIED, "no rule allows GET http://HOST/apix/x;"),
        ("/API/x", DENIED, "no rule allows GET http://HOST/API/x;"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_scheme_is_refused() {
    let (server, arena) = start(&[]).await;
    for scheme in ["https", "ftp", "file", "gopher", "ws", "unix"] {
        let answer = arena
            .raw(json!({"scheme": scheme, "authority": server.authority(), "path": "/api/x"}))
            .await;
        let expected = match scheme {
            "https" => DENIED,
            _ => "ErrorCode::HttpProtocolError",
        };
        assert_eq!(answer, json!({"error": expected}), "{scheme}");
    }
    assert_eq!(server.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}

/// A name that a rule allows, and an address that it may not have.
async fn address(name: &str, reason: &str) {
    let allow = format!("http://{name}/*");
    let (server, arena) = start(&[rule(&allow)]).await;
    let answer = arena.raw(json!({"authority": name, "path": "/x"})).await;
    assert_eq!(answer, json!({"error": PROHIBITED}));
    assert_eq!(
        arena.last_denial().await,
        format!("{name} is refused: {reason}")
    );
    assert_eq!(server.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}

const HINT: &str = "; every address of a host must be public (allow-private-addresses = true in its rule allows this one)";

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_loopback_address_is_refused() {
    address("public-only.test", &format!("127.0.0.1 is loopback{HINT}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_private_address_is_refused() {
    address("private.test", &format!("10.0.0.1 is private{HINT}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_one_private_address_among_public_ones_is_refused() {
    address("mixed.test", &format!("192.168.0.1 is private{HINT}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_an_address_hidden_in_another_is_refused() {
    address(
        "mapped.test",
        &format!("::ffff:127.0.0.1 is loopback{HINT}"),
    )
    .await;
    address("nat64.test", &format!("64:ff9b::7f00:1 is loopback{HINT}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_of_a_cloud_is_refused_whatever_the_rule_says() {
    let allow = "{ allow = \"http://metadata.test/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\", allow-private-addresses = true }";
    let (server, arena) = start(&[allow.to_owned()]).await;
    let answer = arena
        .raw(json!({"authority": "metadata.test", "path": "/latest"}))
        .await;
    assert_eq!(answer, json!({"error": PROHIBITED}));
    assert_eq!(
        arena.last_denial().await,
        "metadata.test is refused: 169.254.169.254 is link-local, where clouds serve their metadata; every address of a host must be public"
    );
    assert_eq!(server.lines(), [] as [&str; 0]);
    arena.unharmed().await;
}
