//! Look-ups send the least: under the rules of the demonstration, nothing but
//! what is asked about leaves.

use crate::harness::{TestHost, client};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use axum::routing::any;
use koppel_host::ledger::Kind;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A number that passes the eleven-test (elfproef) and was given to nobody.
const BSN: &str = "123456782";

/// A party that notes whatever arrives.
struct Listener {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    async fn start() -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = seen.clone();
        let note = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let request = format!("{method} {uri} {headers:?} {body:?}");
            noted.lock().unwrap().push(request);
            "[]"
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(any(note));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// A client of the demonstration, with its rules led to a server of the test.
fn demo(name: &str, port: u16) -> toml::Table {
    // What `koppel demo` fills in; here it only has to be TOML.
    let text: Vec<&str> = include_str!("../../host/src/cli/demo.toml")
        .lines()
        .filter(|line| !line.starts_with("component = {"))
        .collect();
    let demo: toml::Table = toml::from_str(&text.join("\n")).unwrap();
    let mut client = demo["clients"][name].as_table().unwrap().clone();
    for rule in client["http"].as_array_mut().unwrap() {
        let rule = rule.as_table_mut().unwrap();
        let allow = rule["allow"].as_str().unwrap();
        let (_, path) = allow.split_once("://").unwrap().1.split_once('/').unwrap();
        let allow = format!("http://party.test:{port}/{path}");
        rule.insert("allow".to_owned(), allow.into());
        rule.insert("allow-private-addresses".to_owned(), true.into());
    }
    client
}

/// The rules of a client of the demonstration in the hands of a guest that
/// tries everything.
async fn hostile_under(name: &str, port: u16) -> TestHost {
    let client_of_demo = demo(name, port);
    let rules = toml::Value::Array(client_of_demo["http"].as_array().unwrap().clone());
    let more = format!(
        "activities = {}\nhttp = {rules}\nexports = {{ directory = \"exports\", quota-bytes = 1, activity = \"PostDownloadJournalRunExportByJournalRunId\" }}",
        crate::harness::all_activities().trim_start_matches("activities = "),
    );
    TestHost::new(&client("hostile", &more)).await
}

async fn tried(host: &TestHost, query: &Value) -> Value {
    crate::harness::answer(host.lookup("hostile", query).await)
}

/// Sends what may leave, then a BSN in every part of the request, and sees
/// that only the first arrives and that the BSN is in no file of the host.
async fn no_bsn_leaves(name: &str, good: &str, bad: &[&str]) {
    let listener = Listener::start().await;
    let host = hostile_under(name, listener.port).await;
    let url = |path: &str| format!("http://party.test:{}{path}", listener.port);
    let request = |path: &str| json!({"attack": "request", "url": url(path)});
    assert_eq!(tried(&host, &request(good)).await["status"], 200, "{good}");
    assert_eq!(listener.seen().len(), 1);

    let mut attempts: Vec<Value> = bad.iter().map(|path| request(path)).collect();
    let with = |more: Value| {
        let mut attempt = request(good);
        attempt
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        attempt
    };
    let and = if good.contains('?') { '&' } else { '?' };
    attempts.extend([
        request(&format!("{good}{and}bsn={BSN}")),
        request(&format!("{good}{and}{BSN}")),
        with(json!({"header": ["x-employee", BSN]})),
        with(json!({"header": ["user-agent", BSN]})),
        with(json!({"header": ["accept-language", BSN]})),
        with(json!({"body": BSN})),
    ]);
    for attempt in &attempts {
        let answer = tried(&host, attempt).await;
        assert_eq!(
            answer,
            json!({"error": "Refused(\"ErrorCode::HttpRequestDenied\")"}),
            "{attempt}"
        );
    }
    assert_eq!(listener.seen().len(), 1, "{:?}", listener.seen());

    let denials = host.rows(&[Kind::Denial]).await;
    assert_eq!(denials.len(), attempts.len());
    for (denial, attempt) in denials.iter().zip(&attempts) {
        assert_eq!(denial.check.as_deref(), Some("egress"));
        assert!(
            denial.summary.contains("the rule for http://party.test:"),
            "{attempt}: {}",
            denial.summary
        );
        let (row, body) = host.host.ledger().row(denial.seq).await.unwrap().unwrap();
        let body = String::from_utf8(body.unwrap()).unwrap();
        assert!(!format!("{row:?} {body}").contains(BSN), "{row:?} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bsn_leaves_through_the_look_up_of_a_vehicle() {
    no_bsn_leaves(
        "vehicle-rdw",
        "/resource/m9d7-ebf2.json?kenteken=11ZKZ3",
        &[
            &format!("/resource/m9d7-ebf2.json?kenteken={BSN}"),
            &format!("/resource/m9d7-ebf2.json?kenteken=11ZKZ3&kenteken={BSN}"),
            &format!("/resource/m9d7-ebf2.json?kenteken=11ZKZ3%20{BSN}"),
            &format!("/resource/m9d7-ebf2.json?$where=kenteken='{BSN}'"),
        ],
    )
    .await;
}
