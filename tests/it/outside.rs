//! Outside requests of a guest: against a real server, and against the policy.

use crate::harness::{TestHost, all_activities, answer, client};
use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get};
use koppel_host::ledger::Kind;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server that notes what reaches it.
pub(crate) struct Party {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<(String, HeaderMap)>>>,
}

impl Party {
    async fn start() -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = seen.clone();
        let note = move |uri: Uri, headers: HeaderMap| async move {
            noted.lock().unwrap().push((uri.to_string(), headers));
            "fine"
        };
        let port = Arc::new(Mutex::new(0_u16));
        let at = port.clone();
        let elsewhere = get(move || async move {
            Redirect::temporary(&format!(
                "http://other.test:{}/api/secret",
                at.lock().unwrap()
            ))
        });
        let router = Router::new()
            .route("/api/elsewhere", elsewhere)
            .route(
                "/api/metadata",
                get(|| async { Redirect::temporary("http://169.254.169.254/latest/meta-data") }),
            )
            .route(
                "/api/around",
                get(|| async { Redirect::temporary("/api/around") }),
            )
            .route(
                "/api/near",
                get(|| async { Redirect::temporary("/api/here") }),
            )
            .route(
                "/api/outside-the-path",
                get(|| async { Redirect::temporary("/admin") }),
            )
            .route(
                "/api/cookie",
                get(|| async { ([("set-cookie", "session=1")], "fine") }),
            )
            .route("/api/big", get(|| async { vec![b'x'; 300_000] }))
            .route(
                "/api/zeros",
                get(|| async { ([("content-encoding", "gzip")], vec![0_u8; 1000]) }),
            )
            .route("/api/drip", get(drip))
            .route(
                "/api/reflect",
                get(|headers: HeaderMap| async move {
                    headers
                        .get("authorization")
                        .map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
                }),
            )
            .route(
                "/api/error",
                get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "broken") }),
            )
            .fallback(any(note));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bound = listener.local_addr().unwrap().port();
        *port.lock().unwrap() = bound;
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port: bound, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .map(|(uri, _)| uri.clone())
            .collect()
    }
}

/// A reply that never ends.
async fn drip() -> impl IntoResponse {
    let chunks = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Some((Ok::<_, std::io::Error>("x"), ()))
    });
    axum::body::Body::from_stream(chunks)
}

async fn start() -> (Party, TestHost) {
    let party = Party::start().await;
    let port = party.port;
    let secret = "sEcReT-token-value";
    let more = format!(
        "{}\nhttp = [\n\
         {{ allow = \"http://party.test:{port}/api/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\", credential = \"party\", allow-private-addresses = true }},\n\
         {{ allow = \"http://public-only.test:{port}/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\" }},\n\
         {{ allow = \"http://metadata.test/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\", allow-private-addresses = true }},\n\
         {{ allow = \"http://private.test/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\" }},\n\
         {{ allow = \"http://mixed.test/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\" }},\n\
         {{ allow = \"http://mapped.test/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\" }},\n\
         {{ allow = \"http://nat64.test/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\" }},\n\
         {{ allow = \"http://link-local.test/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\", allow-private-addresses = true }},\n\
         ]\n\
         exports = {{ directory = \"exports\", quota-bytes = 1000, activity = \"PostDownloadJournalRunExportByJournalRunId\" }}\n\
         limits = {{ response-bytes = 200_000, deadline-ms = 2000, requests = 20 }}\n\
         [credentials.party]\nheader = \"authorization\"\nscheme = \"Bearer\"\nvalue = {{ file = \"secret\" }}\n",
        all_activities()
    );
    let host = TestHost::new(&client("hostile", &more)).await;
    std::fs::write(host.dir.path().join("secret"), secret).unwrap();
    (party, host)
}

async fn request(host: &TestHost, url: String) -> Value {
    answer(
        host.lookup("hostile", &json!({"attack": "request", "url": url}))
            .await,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_request_arrives_with_the_credential_and_is_in_the_ledger_without_it() {
    let (party, host) = start().await;
    let url = format!("http://party.test:{}/api/here?a=b", party.port);
    assert_eq!(
        request(&host, url.clone()).await,
        json!({"status": 200, "body": "fine"})
    );
    let seen = party.seen.lock().unwrap().clone();
    assert_eq!(seen[0].0, "/api/here?a=b");
    assert_eq!(seen[0].1["authorization"], "Bearer sEcReT-token-value");
    assert_eq!(seen[0].1["host"], format!("party.test:{}", party.port));
    let rows = host.rows(&Kind::MESSAGES).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].summary, format!("GET {url}"));
    assert_eq!(
        rows[0].activity.as_deref(),
        Some("PostSendJournalRunExportByJournalRunId")
    );
    assert_eq!(rows[1].status, Some(200));
    assert_eq!(rows[0].exchange, rows[1].exchange);
    let kinds: Vec<_> = host
        .rows(&[])
        .await
        .into_iter()
        .map(|row| row.kind)
        .collect();
    assert_eq!(
        kinds,
        ["run-started", "request", "response", "run-finished"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_the_party_reflects_is_in_no_file_of_the_host() {
    let (party, host) = start().await;
    let answer = request(
        &host,
        format!("http://party.test:{}/api/reflect", party.port),
    )
    .await;
    assert_eq!(answer["status"], 200);
    // What the party tells the guest is between them; the host does not store it.
    for entry in walk(host.dir.path()) {
        if entry.file_name().is_some_and(|name| name == "secret") {
            continue;
        }
        let bytes = std::fs::read(&entry).unwrap();
        let found = bytes
            .windows(18)
            .any(|window| window == b"sEcReT-token-value");
        assert!(!found, "{}", entry.display());
    }
}

pub(crate) fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_rule_is_refused_with_the_line_that_would_allow_it() {
    let (party, host) = start().await;
    let port = party.port;
    for (url, shown) in [
        (
            format!("http://party.test:{port}/admin?key=1"),
            format!("http://party.test:{port}/admin"),
        ),
        (
            "http://party.test/api/x".to_owned(),
            "http://party.test/api/x".to_owned(),
        ),
        (
            format!("https://party.test:{port}/api/x"),
            format!("https://party.test:{port}/api/x"),
        ),
        (
            format!("http://other.test:{port}/api/x"),
            format!("http://other.test:{port}/api/x"),
        ),
        (
            format!("http://127.0.0.1:{port}/api/x"),
            format!("http://127.0.0.1:{port}/api/x"),
        ),
        (
            format!("http://party.test:{port}/api"),
            format!("http://party.test:{port}/api"),
        ),
    ] {
        let answer = request(&host, url).await;
        assert_eq!(
            answer,
            json!({"error": "Refused(\"ErrorCode::HttpRequestDenied\")"})
        );
        let last = host.denials().await.pop().unwrap();
        assert_eq!(
            last,
            format!(
                "no rule allows GET {shown}; to allow it, add to [clients.hostile] http = [{{ allow = \"{shown}\", methods = [\"GET\"], activity = \"…\" }}]"
            )
        );
    }
    let post = json!({"attack": "request", "method": "POST", "url": format!("http://party.test:{port}/api/x")});
    assert_eq!(
        answer(host.lookup("hostile", &post).await)["error"],
        "Refused(\"ErrorCode::HttpRequestDenied\")"
    );
    assert_eq!(party.seen(), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_denied_like_any_activity() {
    let (party, host) = start().await;
    let query =
        json!({"attack": "request", "url": format!("http://party.test:{}/api/x", party.port)});
    let answer = answer(host.lookup_as("hostile", "tim", 1, &query).await);
    assert_eq!(answer["error"], "Refused(\"ErrorCode::HttpRequestDenied\")");
    assert_eq!(
        host.denials().await,
        ["user \"tim\" has no right that gives PostSendJournalRunExportByJournalRunId"]
    );
    assert_eq!(party.seen(), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_are_not_public_are_refused_whatever_the_name() {
    let (party, host) = start().await;
    let hint = " (allow-private-addresses = true in its rule allows this one)";
    for (name, address, what, hint) in [
        (
            format!("public-only.test:{}", party.port),
            "127.0.0.1",
            "loopback",
            hint,
        ),
        ("private.test".to_owned(), "10.0.0.1", "private", hint),
        ("mixed.test".to_owned(), "192.168.0.1", "private", hint),
        (
            "mapped.test".to_owned(),
            "::ffff:127.0.0.1",
            "loopback",
            hint,
        ),
        ("nat64.test".to_owned(), "64:ff9b::7f00:1", "loopback", hint),
        (
            "metadata.test".to_owned(),
            "169.254.169.254",
            "link-local, where clouds serve their metadata",
            "",
        ),
        ("link-local.test".to_owned(), "fe80::1", "link-local", ""),
    ] {
        let answer = request(&host, format!("http://{name}/x")).await;
        assert_eq!(
            answer,
            json!({"error": "Refused(\"ErrorCode::DestinationIpProhibited\")"}),
            "{name}"
        );
        let host_name = name.split(':').next().unwrap();
        assert_eq!(
            host.denials().await.pop().unwrap(),
            format!(
                "{host_name} is refused: {address} is {what}; every address of a host must be public{hint}"
            )
        );
    }
    assert_eq!(party.seen(), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_followed_only_where_a_request_could_have_gone() {
    let (party, host) = start().await;
    let base = format!("http://party.test:{}/api", party.port);
    assert_eq!(request(&host, format!("{base}/near")).await["status"], 200);
    assert_eq!(party.seen(), ["/api/here"]);
    for (path, refused) in [
        (
            "elsewhere",
            format!(
                "no rule allows GET http://other.test:{}/api/secret;",
                party.port
            ),
        ),
        (
            "metadata",
            "no rule allows GET http://169.254.169.254/latest/meta-data;".to_owned(),
        ),
        (
            "outside-the-path",
            format!("no rule allows GET http://party.test:{}/admin;", party.port),
        ),
    ] {
        let answer = request(&host, format!("{base}/{path}")).await;
        assert_eq!(
            answer,
            json!({"error": "Refused(\"ErrorCode::HttpRequestDenied\")"}),
            "{path}"
        );
        let last = host.denials().await.pop().unwrap();
        assert!(last.starts_with(&refused), "{last}");
    }
    let answer = request(&host, format!("{base}/around")).await;
    assert_eq!(
        answer,
        json!({"error": "Refused(\"ErrorCode::LoopDetected\")"})
    );
    assert_eq!(host.denials().await.pop().unwrap(), "more than 3 redirects");
    assert_eq!(party.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_too_large_or_too_slow_is_cut_off() {
    let (party, host) = start().await;
    let base = format!("http://party.test:{}/api", party.port);
    let big = request(&host, format!("{base}/big")).await;
    assert_eq!(
        big,
        json!({"error": "TooLarge(\"ErrorCode::HttpResponseBodySize(Some(200000))\")"})
    );
    let last = host.rows(&[Kind::Response]).await.pop().unwrap();
    assert_eq!(
        last.outcome.as_deref(),
        Some("the reply has more than 200000 bytes (limits.response-bytes)")
    );
    // Not decompressed by the host: no bomb can grow there.
    let zeros = request(&host, format!("{base}/zeros")).await;
    assert_eq!(zeros["body"].as_str().unwrap().len(), 1000);
    let drip = host
        .lookup(
            "hostile",
            &json!({"attack": "request", "url": format!("{base}/drip")}),
        )
        .await;
    let text = format!("{:?}", drip.outcome);
    assert!(
        text.contains("Timeout") || text.contains("Deadline"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_the_connection_can_be_neither_set_nor_seen() {
    let (party, host) = start().await;
    let base = format!("http://party.test:{}/api", party.port);
    for name in [
        "authorization",
        "cookie",
        "x-forwarded-for",
        "proxy-authorization",
        "forwarded",
    ] {
        let query =
            json!({"attack": "request", "url": format!("{base}/here"), "header": [name, "evil"]});
        let answer = answer(host.lookup("hostile", &query).await);
        assert!(
            answer["error"].as_str().unwrap().starts_with("Refused("),
            "{name}: {answer}"
        );
    }
    assert_eq!(party.seen(), [] as [&str; 0]);
    let query = json!({"attack": "request", "url": format!("{base}/here"), "header": ["x-a", "b\r\nevil: 1"]});
    let split = answer(host.lookup("hostile", &query).await);
    assert!(
        split["error"].as_str().unwrap().starts_with("Refused("),
        "{split}"
    );
    let cookie = request(&host, format!("{base}/cookie")).await;
    assert_eq!(cookie["status"], 200);
    let response = host.rows(&[Kind::Response]).await.pop().unwrap();
    assert!(
        response
            .headers
            .iter()
            .all(|(name, _)| name != "set-cookie")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_with_more_than_one_meaning_are_refused() {
    let (party, host) = start().await;
    let port = party.port;
    for url in [
        format!("http://user@party.test:{port}/api/x"),
        format!("http://party.test:{port}/api/../admin"),
        format!("http://party.test:{port}/api/%2e%2e/admin"),
        format!("http://party.test:{port}/api//x"),
        format!("http://party.test:{port}/api/%2fx"),
        format!("http://party.test.:{port}/api/x"),
        "http://0x7f000001/api/x".to_owned(),
        "http://2130706433/".to_owned(),
        "http://127.1/".to_owned(),
        "http://0177.0.0.1/".to_owned(),
    ] {
        let answer = request(&host, url.clone()).await;
        let error = answer["error"]
            .as_str()
            .unwrap_or_else(|| panic!("{url}: {answer}"));
        assert!(error.starts_with("Refused("), "{url}: {error}");
    }
    assert_eq!(party.seen(), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_and_end_at_the_limit() {
    let (party, host) = start().await;
    let query = json!({"attack": "request-flood", "url": format!("http://party.test:{}/api/x", party.port)});
    assert_eq!(answer(host.lookup("hostile", &query).await), json!(20));
    assert_eq!(party.seen().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_party_is_a_reply_like_any_other() {
    let (party, host) = start().await;
    let answer = request(&host, format!("http://party.test:{}/api/error", party.port)).await;
    assert_eq!(answer, json!({"status": 500, "body": "broken"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_missing_is_told_to_the_operator_and_nothing_leaves() {
    let (party, host) = start().await;
    std::fs::remove_file(host.dir.path().join("secret")).unwrap();
    let query =
        json!({"attack": "request", "url": format!("http://party.test:{}/api/x", party.port)});
    let report = host.lookup("hostile", &query).await;
    let text = report.log[0].text.clone();
    assert!(text.starts_with("credential \"party\": "), "{text}");
    assert!(text.contains("secret cannot be read"), "{text}");
    assert_eq!(party.seen(), [] as [&str; 0]);
}
