//! Connectors of kind product, from the module that is off to the order that is
//! placed once: the real components under the rules of the demonstration,
//! against a shop and an insurer on this machine.

use crate::harness::{TestHost, component, employer};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{get, post};
use axum::{Json, Router};
use koppel_host::runs::{Job, RunReport};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

mod fields;
mod flowers;
mod insurance;
mod modules;

/// A number that passes the eleven-test (elfproef) and was given to nobody.
const BSN: &str = "123456782";

/// A flower shop and an insurer in one, as the contracts in the connectors
/// describe them.
#[derive(Default)]
pub(crate) struct Party {
    /// The orders, by idempotency key: the body and whether it was cancelled.
    orders: Vec<(String, Value, bool)>,
    /// All that arrived: path, idempotency key and body.
    seen: Vec<(String, Option<String>, Value)>,
    /// What to answer to the next request instead: status, `Retry-After`, body.
    instead: Option<(u16, &'static str, Value)>,
    /// Loses the reply to the next order after taking it.
    lose_reply: bool,
}

pub(crate) type Shared = Arc<Mutex<Party>>;
type Reply = (StatusCode, HeaderMap, Json<Value>);

fn reply(status: u16, body: Value) -> Reply {
    (
        StatusCode::from_u16(status).unwrap(),
        HeaderMap::new(),
        Json(body),
    )
}

impl Party {
    /// Notes a request, and gives what is to be answered instead, if something.
    fn arrived(&mut self, uri: &Uri, headers: &HeaderMap, body: Value) -> Option<Reply> {
        let key = headers.get("idempotency-key");
        let key = key.map(|key| key.to_str().unwrap().to_owned());
        self.seen.push((uri.path().to_owned(), key, body));
        let (status, after, body) = self.instead.take()?;
        let mut reply = reply(status, body);
        if !after.is_empty() {
            reply.1.insert("retry-after", after.parse().unwrap());
        }
        Some(reply)
    }
}

async fn quote(State(party): State<Shared>, uri: Uri, headers: HeaderMap, body: String) -> Reply {
    let body = serde_json::from_str(&body).unwrap();
    if let Some(instead) = party.lock().unwrap().arrived(&uri, &headers, body) {
        return instead;
    }
    let expires = "2026-03-01T12:00:00Z";
    reply(
        200,
        json!({"quoteId": "Q-1", "amountCents": 2995, "yearlyPremiumCents": 1_895_000, "expires": expires}),
    )
}

fn ordered(index: usize) -> Value {
    json!({
        "orderNumber": format!("F-{}", index + 1),
        "amountCents": 2995,
        "contractNumber": format!("00157{}", index + 1),
        "yearlyPremiumCents": 1_895_000,
    })
}

async fn order(State(party): State<Shared>, uri: Uri, headers: HeaderMap, body: String) -> Reply {
    let body: Value = serde_json::from_str(&body).unwrap();
    let mut party = party.lock().unwrap();
    if let Some(instead) = party.arrived(&uri, &headers, body.clone()) {
        return instead;
    }
    let key = headers["idempotency-key"].to_str().unwrap();
    if let Some(index) = party.orders.iter().position(|(known, _, _)| known == key) {
        if party.orders[index].1 != body {
            return reply(422, json!({"message": "this key was for another order"}));
        }
        return reply(200, ordered(index));
    }
    party.orders.push((key.to_owned(), body, false));
    if std::mem::take(&mut party.lose_reply) {
        return reply(503, json!({"message": "the reply is lost"}));
    }
    reply(201, ordered(party.orders.len() - 1))
}

async fn cancel(
    State(party): State<Shared>,
    Path(key): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Reply {
    let mut party = party.lock().unwrap();
    if let Some(instead) = party.arrived(&uri, &headers, Value::Null) {
        return instead;
    }
    match party.orders.iter().position(|(known, _, _)| *known == key) {
        Some(index) if party.orders[index].2 => reply(409, json!({"message": "it is cancelled"})),
        Some(index) => {
            party.orders[index].2 = true;
            reply(200, ordered(index))
        }
        None => reply(404, json!({"message": "there is no such order"})),
    }
}

pub(crate) async fn party() -> (Shared, u16) {
    let shared = Shared::default();
    let router = Router::new()
        .route("/v1/status", get(|| async { Json(json!({})) }))
        .route("/v1/quotes", post(quote))
        .route("/v1/orders", post(order))
        .route("/v1/orders/{key}/cancel", post(cancel))
        .route("/v1/absence-insurance/quotes", post(quote))
        .route("/v1/absence-insurance/contracts", post(order))
        .route("/v1/absence-insurance/contracts/{key}/cancel", post(cancel))
        .with_state(shared.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (shared, port)
}

/// What the demonstration grants to a client, with its rules led to the party.
fn demo(name: &str, port: u16) -> toml::Table {
    let text: Vec<&str> = include_str!("../../../host/src/cli/demo.toml")
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
        rule.remove("credential");
    }
    client
}

/// The connector under the rules of the demonstration.
pub(crate) fn connector(name: &str, port: u16) -> String {
    let mut client = demo(name, port);
    let path = component(&format!("plugins/{name}.wasm"));
    client.insert("component".to_owned(), path.to_str().unwrap().into());
    let settings = client["settings"].as_table_mut().unwrap();
    settings.insert(
        "base-url".to_owned(),
        format!("http://party.test:{port}").into(),
    );
    let clients = toml::Table::from_iter([(name.to_owned(), client.into())]);
    toml::to_string(&toml::Table::from_iter([(
        "clients".to_owned(),
        clients.into(),
    )]))
    .unwrap()
}

pub(crate) const FLOWERS: &str = "flowers-fleurtjedag";
pub(crate) const ACHMEA: &str = "insurance-achmea";

async fn start(name: &str) -> (Shared, TestHost) {
    let (party, port) = party().await;
    let host = TestHost::new(&connector(name, port)).await;
    (party, host)
}

/// A flower shop whose module a provider user turned on.
pub(crate) async fn shop() -> (Shared, TestHost) {
    let (party, host) = start(FLOWERS).await;
    let (code, _, errors) = turn(&host, "on", "fleurtjedag", "anna");
    assert_eq!((code, errors.as_str()), (0, ""));
    (party, host)
}

/// `koppel …` as a process of its own, on the files of a host that is running:
/// exit code, output and errors.
pub(crate) fn koppel(host: &TestHost, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_koppel"))
        .current_dir(host.dir.path())
        .env("NO_COLOR", "1")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// `koppel modules on|off`.
pub(crate) fn turn(host: &TestHost, word: &str, module: &str, user: &str) -> (i32, String, String) {
    let employer = employer(1).to_string();
    koppel(
        host,
        &[
            "modules",
            word,
            module,
            "--employer",
            &employer,
            "--user",
            user,
        ],
    )
}

fn quote_request() -> Job {
    Job::Quote(json!({"bouquetCode": "LENTE-M", "deliveryDate": "2026-03-02"}).to_string())
}

fn flowers() -> Value {
    json!({
        "recipientName": "Sanne Jansen",
        "address": {"street": "Molenstraat", "houseNumber": "12", "postalCode": "1234AB", "city": "Leiden"},
        "deliveryDate": "2026-03-02",
        "bouquetCode": "LENTE-M",
        "cardText": "Van harte beterschap, café Zuid!"
    })
}

pub(crate) fn place(again: Option<Uuid>) -> Job {
    Job::Order {
        request: flowers().to_string(),
        again,
    }
}

pub(crate) async fn run(host: &TestHost, job: Job) -> RunReport {
    host.run(FLOWERS, "anna", 1, job).await
}
