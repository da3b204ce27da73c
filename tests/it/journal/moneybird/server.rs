//! A server that serves the shapes which Moneybird documents
//! (<https://developer.moneybird.com>).

use crate::harness::{TestHost, plugin};
use crate::journal::booking;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// Moneybird, as far as the connector knows it.
#[derive(Default)]
pub(super) struct Moneybird {
    pub(super) documents: Vec<Value>,
    /// What to answer to the next requests instead.
    pub(super) instead: Vec<Instead>,
    /// How often each list was asked for: its page.
    pub(super) pages: Vec<String>,
    pub(super) delay: Duration,
}

pub(super) enum Instead {
    /// 429 until this many seconds from now.
    RateLimit(u64),
    /// 422 with this error of a field.
    Invalid(&'static str, &'static str),
    /// Books, and then breaks off in the middle of the reply.
    LoseReply,
}

pub(super) type Shared = Arc<Mutex<Moneybird>>;
type Params = Query<HashMap<String, String>>;

fn failure(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// What every request has to pass.
fn refused(administration: &str, headers: &HeaderMap) -> Option<Response> {
    if headers["authorization"] != "Bearer moneybird-token-1" {
        let body =
            json!({"error": "Authorization required", "symbolic": {"authorization": "required"}});
        return Some(failure(401, body));
    }
    if administration != "123" {
        let body = json!({"error": "Record not found for model name: administration"});
        return Some(failure(404, body));
    }
    None
}

fn instead(moneybird: &mut Moneybird) -> Option<Response> {
    match moneybird.instead.pop()? {
        Instead::RateLimit(seconds) => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let reset = now.unwrap().as_secs() + seconds;
            let headers = [
                ("ratelimit-limit", "150".to_owned()),
                ("ratelimit-remaining", "0".to_owned()),
                ("ratelimit-reset", reset.to_string()),
                ("retry-after", reset.to_string()),
            ];
            Some((StatusCode::TOO_MANY_REQUESTS, headers, Json("Retry later")).into_response())
        }
        other => {
            // Not for a look-up.
            moneybird.instead.push(other);
            None
        }
    }
}

async fn accounts(
    State(shared): State<Shared>,
    Path(administration): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = refused(&administration, &headers) {
        return refused;
    }
    if let Some(instead) = instead(&mut shared.lock().unwrap()) {
        return instead;
    }
    // The accounts of the demonstration data; one without a number.
    let numbers = [
        "40110", "40140", "40330", "40405", "16101", "16115", "16230", "16523",
    ];
    let all: Vec<_> = (1..)
        .zip(numbers)
        .map(|(key, number)| {
            json!({
                "id": format!("4998748082494516{key:02}"),
                "administration_id": 123,
                "name": format!("Rekening {number}"),
                "account_type": "expenses",
                "account_id": (number != "16101").then_some(number),
                "parent_id": null,
                "allowed_document_types": ["financial_mutation", "general_journal_document"],
                "taxonomy_item": {"taxonomy_version": "3.5", "code": "WPer", "name": "Lonen", "name_english": null, "reference": number},
                "financial_account_id": null
            })
        })
        .collect();
    Json(all).into_response()
}

async fn list(
    State(shared): State<Shared>,
    Path(administration): Path<String>,
    Query(query): Params,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = refused(&administration, &headers) {
        return refused;
    }
    let delay = shared.lock().unwrap().delay;
    tokio::time::sleep(delay).await;
    let mut moneybird = shared.lock().unwrap();
    if let Some(instead) = instead(&mut moneybird) {
        return instead;
    }
    let filter: HashMap<&str, &str> = query["filter"]
        .split(',')
        .map(|term| term.split_once(':').unwrap())
        .collect();
    let (from, until) = filter["period"].split_once("..").unwrap();
    let found: Vec<&Value> = moneybird
        .documents
        .iter()
        .filter(|document| document["reference"] == filter["reference"])
        .filter(|document| {
            let day = document["date"].as_str().unwrap().replace('-', "");
            (from..=until).contains(&day.as_str())
        })
        .collect();
    let (per_page, page): (usize, usize) = (
        query["per_page"].parse().unwrap(),
        query["page"].parse().unwrap(),
    );
    if per_page > 100 {
        let body = json!({"error": "Per Page is too big", "symbolic": {"per_page": "max"}});
        return failure(400, body);
    }
    let shown: Vec<_> = found
        .iter()
        .skip((page - 1) * per_page)
        .take(per_page)
        .collect();
    let more = found.len() > page * per_page;
    let mut reply = Json(&shown).into_response();
    if more {
        let next = format!("<http://party.test/?page={}>; rel=\"next\"", page + 1);
        reply.headers_mut().insert("link", next.parse().unwrap());
    }
    moneybird.pages.push(format!("{from} {page}"));
    reply
}

async fn create(
    State(shared): State<Shared>,
    Path(administration): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if let Some(refused) = refused(&administration, &headers) {
        return refused;
    }
    let mut moneybird = shared.lock().unwrap();
    if let Some(instead) = instead(&mut moneybird) {
        return instead;
    }
    let new = &body["general_journal_document"];
    let entries = new["general_journal_document_entries_attributes"]
        .as_array()
        .unwrap();
    // Moneybird shows an amount with as few decimals as it has.
    let shown = |amount: &Value| {
        let amount: f64 = amount.as_str().unwrap().parse().unwrap();
        format!("{amount:?}")
    };
    let booked: Vec<_> = (1..)
        .zip(entries)
        .map(|(row, entry)| {
            json!({
                "id": format!("49987491513185{row:04}"),
                "administration_id": 123,
                "ledger_account_id": entry["ledger_account_id"],
                "project_id": null,
                "contact_id": null,
                "debit": shown(&entry["debit"]),
                "credit": shown(&entry["credit"]),
                "row_order": row,
                "description": entry["description"]
            })
        })
        .collect();
    let lose = match moneybird.instead.pop() {
        Some(Instead::Invalid(field, text)) => {
            let body =
                json!({"error": {field: [text]}, "details": {field: [{"error": "invalid"}]}});
            return failure(422, body);
        }
        Some(Instead::LoseReply) => true,
        _ => false,
    };
    let number = moneybird.documents.len() + 1;
    let document = json!({
        "id": format!("4998749151308032{number:02}"),
        "administration_id": 123,
        "reference": new["reference"],
        "date": new["date"],
        "journal_type": null,
        "general_journal_document_entries": booked,
        "notes": [],
        "attachments": []
    });
    moneybird.documents.push(document.clone());
    if lose {
        let broken = futures_util::stream::iter([
            Ok("{\"id\": "),
            Err(std::io::Error::other("the line is cut")),
        ]);
        return Body::from_stream(broken).into_response();
    }
    (StatusCode::CREATED, Json(document)).into_response()
}

async fn one(
    State(shared): State<Shared>,
    Path((administration, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = refused(&administration, &headers) {
        return refused;
    }
    let moneybird = shared.lock().unwrap();
    let wanted = file.strip_suffix(".json").unwrap();
    match moneybird.documents.iter().find(|d| d["id"] == wanted) {
        Some(document) => Json(document).into_response(),
        None => failure(
            404,
            json!({"error": "Record not found for model name: Manual journal"}),
        ),
    }
}

/// A server, and a host with a client that books there.
pub(super) async fn moneybird(settings: &str) -> (Shared, TestHost) {
    let shared = Shared::default();
    let base = "/api/v2/{administration}";
    let documents = format!("{base}/documents/general_journal_documents");
    let router = Router::new()
        .route(&format!("{base}/ledger_accounts.json"), get(accounts))
        .route(&format!("{documents}.json"), get(list).post(create))
        .route(&format!("{documents}/{{file}}"), get(one))
        .with_state(shared.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let client = plugin("journal-moneybird", &booking(port, settings));
    let host = TestHost::new(&client).await;
    std::fs::write(host.dir.path().join("token"), "moneybird-token-1\n").unwrap();
    (shared, host)
}
