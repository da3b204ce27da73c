//! journal-moneybird against a real server that serves the shapes which
//! Moneybird documents (<https://developer.moneybird.com>).

use super::{booking, id, process, status, trail};
use crate::harness::{ANNA, TestHost, error, plugin};
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use koppel_host::bindings::koppel::loket::journal_runs::JournalRunStatus;
use koppel_host::ledger::Kind;
use koppel_host::runs::{Job, Output};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// Moneybird, as far as the connector knows it.
#[derive(Default)]
struct Moneybird {
    documents: Vec<Value>,
    /// What to answer to the next requests instead.
    instead: Vec<Instead>,
    /// How often each list was asked for: its page.
    pages: Vec<String>,
    delay: Duration,
}

enum Instead {
    /// 429 until this many seconds from now.
    RateLimit(u64),
    /// 422 with this error of a field.
    Invalid(&'static str, &'static str),
    /// Books, and then breaks off in the middle of the reply.
    LoseReply,
}

type Shared = Arc<Mutex<Moneybird>>;
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

async fn moneybird(settings: &str) -> (Shared, TestHost) {
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

/// The account without a number is mapped to its id.
const SETTINGS: &str =
    r#"administration-id = "123", account-map = { "16101" = "499874808249451605" }"#;

/// A document of somebody else with the same reference does not exist; these
/// have another one.
fn document(number: usize, reference: &str, date: &str) -> Value {
    json!({
        "id": format!("{number}"),
        "reference": reference,
        "date": date,
        "general_journal_document_entries": []
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn journal_moneybird_books_reads_back_and_marks_with_a_credential_it_never_sees() {
    let (moneybird, host) = moneybird(SETTINGS).await;
    let outcome = process(&host, "journal-moneybird", 6)
        .await
        .outcome
        .unwrap();
    let Output::JournalRun {
        delivery,
        reference,
        lines,
        total_cents,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (delivery, reference.as_str(), lines),
        ("booked", "499874915130803201", 14)
    );
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
    let document = moneybird.lock().unwrap().documents[0].clone();
    assert_eq!(document["reference"], format!("koppel-{}", id(6)));
    assert_eq!(document["date"], "2025-06-30");
    let entries = document["general_journal_document_entries"]
        .as_array()
        .unwrap();
    let sum = |side: &str| -> i64 {
        let cents = |entry: &Value| {
            let amount: f64 = entry[side].as_str().unwrap().parse().unwrap();
            (amount * 100.0).round() as i64
        };
        entries.iter().map(cents).sum()
    };
    assert_eq!((sum("debit"), sum("credit")), (total_cents, total_cents));
    assert_eq!(entries[0]["description"], "Brutoloon (kostenplaats ADM)");
    // Three years are searched, the accounts are read, the document is booked
    // and read back: six requests and their replies, without the credential.
    let rows = host.rows(&Kind::MESSAGES).await;
    assert_eq!(rows.len(), 12);
    let secret = rows
        .iter()
        .any(|row| format!("{row:?}").contains("moneybird-token-1"));
    assert!(!secret);
    // The exact payload can be consulted.
    let posted = rows
        .iter()
        .find(|row| row.summary.starts_with("POST "))
        .unwrap();
    let (_, body) = host.host.ledger().row(posted.seq).await.unwrap().unwrap();
    let body: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    assert_eq!(
        body["general_journal_document"]["reference"],
        document["reference"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_whose_reply_was_lost_is_not_booked_twice() {
    let (moneybird, host) = moneybird(SETTINGS).await;
    moneybird.lock().unwrap().instead = vec![Instead::LoseReply];
    let text = error(process(&host, "journal-moneybird", 6).await);
    assert!(
        text.ends_with("; it is not known whether the journal was booked. Run it again: what was booked is found, and not booked twice"),
        "{text}"
    );
    assert_eq!(status(&host, 6).await, JournalRunStatus::ExportFailed);
    let again = process(&host, "journal-moneybird", 6).await;
    assert_eq!(
        again.log[0].text,
        "document 499874915130803201 was booked for this journal run before; it is not booked again"
    );
    again.outcome.unwrap();
    assert_eq!(moneybird.lock().unwrap().documents.len(), 1);
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
    let references: Vec<_> = trail(&host, 6)
        .await
        .into_iter()
        .map(|r| r.reference)
        .collect();
    assert_eq!(
        references,
        [None, None, None, Some("499874915130803201".to_owned())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_the_same_time_make_one_document() {
    let (moneybird, host) = moneybird(SETTINGS).await;
    moneybird.lock().unwrap().delay = Duration::from_millis(300);
    let (one, other) = tokio::join!(
        process(&host, "journal-moneybird", 6),
        process(&host, "journal-moneybird", 6)
    );
    assert!(one.outcome.is_ok() != other.outcome.is_ok());
    assert_eq!(moneybird.lock().unwrap().documents.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_found_on_a_later_page_and_in_another_year() {
    let (moneybird, host) = moneybird(SETTINGS).await;
    let reference = format!("koppel-{}", id(6));
    // Somebody moved it to the next year, after it was booked.
    process(&host, "journal-moneybird", 6)
        .await
        .outcome
        .unwrap();
    {
        let mut moneybird = moneybird.lock().unwrap();
        moneybird.documents[0]["date"] = json!("2026-01-01");
        moneybird.pages.clear();
    }
    super::set_status(&host, 6, 6);
    process(&host, "journal-moneybird", 6)
        .await
        .outcome
        .unwrap();
    assert_eq!(moneybird.lock().unwrap().documents.len(), 1);
    assert_eq!(
        moneybird.lock().unwrap().pages,
        ["20250101 1", "20240101 1", "20260101 1"]
    );
    // More with its reference than fit on a page are too many; all are read.
    {
        let mut moneybird = moneybird.lock().unwrap();
        moneybird.documents = (0..150)
            .map(|number| document(number, &reference, "2025-06-30"))
            .collect();
        moneybird.pages.clear();
    }
    super::set_status(&host, 6, 6);
    let text = error(process(&host, "journal-moneybird", 6).await);
    assert!(
        text.starts_with("the outside party says: Moneybird has the documents 0, 1, 2, "),
        "{text}"
    );
    assert_eq!(
        moneybird.lock().unwrap().pages,
        ["20250101 1", "20250101 2", "20240101 1", "20260101 1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_and_a_refusal_of_moneybird_are_told_apart() {
    let (moneybird, host) = moneybird(SETTINGS).await;
    moneybird.lock().unwrap().instead = vec![
        Instead::Invalid("date", "valt in een afgesloten periode"),
        Instead::RateLimit(90),
    ];
    let text = error(process(&host, "journal-moneybird", 6).await);
    let seconds: u32 = text
        .strip_prefix("not available now; try again in ")
        .and_then(|rest| rest.strip_suffix(" s"))
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or_else(|| panic!("{text}"));
    assert!((80..=90).contains(&seconds), "{text}");
    assert_eq!(status(&host, 6).await, JournalRunStatus::Ready);
    assert_eq!(
        error(process(&host, "journal-moneybird", 6).await),
        "the outside party says: Moneybird: status 422: date valt in een afgesloten periode"
    );
    assert_eq!(status(&host, 6).await, JournalRunStatus::ExportFailed);
    // A failed one may be tried again.
    process(&host, "journal-moneybird", 6)
        .await
        .outcome
        .unwrap();
    assert_eq!(moneybird.lock().unwrap().documents.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_credential_and_a_wrong_administration_are_told_apart() {
    let (moneybird, host) = moneybird(SETTINGS).await;
    std::fs::write(host.dir.path().join("token"), "moneybird-token-2").unwrap();
    assert_eq!(
        error(process(&host, "journal-moneybird", 6).await),
        "the outside party says: Moneybird: it does not accept the credential (status 401); the operator sets it in [credentials]"
    );
    drop(host);
    let (_, host) = self::moneybird(r#"administration-id = "456""#).await;
    let text = "Moneybird: Record not found for model name: administration (status 404); is administration-id right, and may the credential see that administration?";
    assert_eq!(
        error(host.run("journal-moneybird", ANNA, 1, Job::Check).await),
        format!("the outside party says: {text}")
    );
    assert_eq!(moneybird.lock().unwrap().documents.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_moneybird_does_not_have_is_named_with_its_line() {
    let (moneybird, host) = moneybird(r#"administration-id = "123""#).await;
    assert_eq!(
        error(process(&host, "journal-moneybird", 6).await),
        "refused: line 14 (Nettoloon) has ledger account 16101, which administration 123 does not have; make it in Moneybird, or map it in account-map"
    );
    assert_eq!(moneybird.lock().unwrap().documents.len(), 0);
    let works = host.run("journal-moneybird", ANNA, 1, Job::Check).await;
    assert_eq!(
        works.outcome.unwrap(),
        Output::Check {
            message: "administration 123 has 8 ledger accounts, of which 8 can be booked on in a general journal document".to_owned()
        }
    );
}
