//! journal-exact against a real server.

use super::{booking, id, process, status, trail};
use crate::harness::{TestHost, error, plugin};
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use koppel_host::bindings::koppel::loket::journal_runs::JournalRunStatus;
use koppel_host::ledger::Kind;
use koppel_host::runs::Output;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Exact Online, as far as the connector knows it.
#[derive(Default)]
pub(crate) struct Exact {
    pub(crate) entries: Vec<Value>,
    /// The same as they came, to the byte.
    pub(crate) bodies: Vec<Vec<u8>>,
    /// What to answer to the next requests instead: status and body.
    pub(crate) instead: Vec<(u16, Value)>,
    /// Loses the reply to the next entry after booking it.
    lose_reply: bool,
    credentials: Vec<String>,
    /// How long a look-up of lines takes.
    delay: Duration,
}

pub(crate) type Shared = Arc<Mutex<Exact>>;
type Reply = (StatusCode, [(&'static str, &'static str); 1], Json<Value>);

fn reply(status: u16, body: Value) -> Reply {
    (
        StatusCode::from_u16(status).unwrap(),
        [("retry-after", "9")],
        Json(body),
    )
}

async fn accounts(
    State(exact): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
) -> Reply {
    if let Some((status, body)) = exact.lock().unwrap().instead.pop() {
        return reply(status, body);
    }
    let codes: Vec<&str> = query["$filter"].split('\'').skip(1).step_by(2).collect();
    let found: Vec<_> = codes
        .iter()
        .map(|code| json!({"ID": format!("guid-{code}"), "Code": format!("{code:>9}")}))
        .collect();
    reply(200, json!({"d": {"results": found}}))
}

async fn lines(
    State(exact): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Reply {
    let delay = exact.lock().unwrap().delay;
    tokio::time::sleep(delay).await;
    let mut exact = exact.lock().unwrap();
    exact
        .credentials
        .push(headers["authorization"].to_str().unwrap().to_owned());
    let filter = &query["$filter"];
    let mut found = Vec::new();
    for (number, entry) in (1..).zip(&exact.entries) {
        for line in entry["GeneralJournalEntryLines"].as_array().unwrap() {
            let marked = filter.contains(line["Notes"].as_str().unwrap());
            if marked || filter.contains(&format!("entry-{number}'")) {
                found.push(
                    json!({"EntryNumber": 25_900_000 + number, "AmountFC": line["AmountFC"]}),
                );
            }
        }
    }
    reply(200, json!({"d": {"results": found}}))
}

async fn entries(State(exact): State<Shared>, body: Bytes) -> Reply {
    let mut exact = exact.lock().unwrap();
    exact.entries.push(serde_json::from_slice(&body).unwrap());
    exact.bodies.push(body.to_vec());
    let id = format!("entry-{}", exact.entries.len());
    if std::mem::take(&mut exact.lose_reply) {
        return reply(503, json!({}));
    }
    reply(201, json!({"d": {"EntryID": id}}))
}

/// The imitation, and the configuration of a client that books in it. Its
/// credential is in the file `token`.
pub(crate) async fn exact_client() -> (Shared, String) {
    let shared = Shared::default();
    let base = "/api/v1/123456";
    let router = Router::new()
        .route(&format!("{base}/financial/GLAccounts"), get(accounts))
        .route(
            &format!("{base}/generaljournalentry/GeneralJournalEntryLines"),
            get(lines),
        )
        .route(
            &format!("{base}/generaljournalentry/GeneralJournalEntries"),
            post(entries),
        )
        .with_state(shared.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let more = booking(port, r#"division = 123456, journal-code = "90""#);
    (shared, plugin("journal-exact", &more))
}

async fn exact() -> (Shared, TestHost) {
    let (shared, client) = exact_client().await;
    let host = TestHost::new(&client).await;
    std::fs::write(host.dir.path().join("token"), "exact-token-1\n").unwrap();
    (shared, host)
}

#[tokio::test(flavor = "multi_thread")]
async fn journal_exact_books_reads_back_and_marks_with_a_credential_it_never_sees() {
    let (exact, host) = exact().await;
    let report = process(&host, "journal-exact", 6).await;
    let Ok(Output::JournalRun {
        delivery,
        reference,
        lines,
        ..
    }) = report.outcome
    else {
        panic!("{:?} {:?}", report.outcome, report.log);
    };
    assert_eq!(
        (delivery, reference.as_str(), lines),
        ("booked", "25900001", 14)
    );
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
    let (credentials, entry) = {
        let exact = exact.lock().unwrap();
        (exact.credentials.clone(), exact.entries[0].clone())
    };
    assert_eq!(credentials, ["Bearer exact-token-1"; 2]);
    let lines = entry["GeneralJournalEntryLines"].as_array().unwrap();
    let cents: i64 = lines
        .iter()
        .map(|line| (line["AmountFC"].as_f64().unwrap() * 100.0).round() as i64)
        .sum();
    assert_eq!((lines.len(), cents), (14, 0), "it balances");
    assert_eq!(lines[0]["GLAccount"], "guid-40110");
    // Request and reply, three times GET and once POST.
    let rows = host.rows(&Kind::MESSAGES).await;
    assert_eq!(rows.len(), 8);
    let secret = rows
        .iter()
        .any(|row| format!("{row:?}").contains("exact-token-1"));
    assert!(!secret);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_whose_reply_was_lost_is_not_booked_twice() {
    let (exact, host) = exact().await;
    exact.lock().unwrap().lose_reply = true;
    let text = error(process(&host, "journal-exact", 6).await);
    assert!(
        text.starts_with("the outside party says: http://party.test:"),
        "{text}"
    );
    assert!(
        text.ends_with("/api/v1/123456/generaljournalentry/GeneralJournalEntries: status 503; it is not known whether the journal was booked. Run it again: what was booked is found, and not booked twice"),
        "{text}"
    );
    // It may be booked, so it is not ready: nobody exports it elsewhere.
    assert_eq!(status(&host, 6).await, JournalRunStatus::ExportFailed);
    process(&host, "journal-exact", 6).await.outcome.unwrap();
    assert_eq!(exact.lock().unwrap().entries.len(), 1);
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_one_journal_run_at_the_same_time_book_it_once() {
    let (exact, host) = exact().await;
    // Long enough that both look before either books.
    exact.lock().unwrap().delay = Duration::from_millis(500);
    let (one, other) = tokio::join!(
        process(&host, "journal-exact", 6),
        process(&host, "journal-exact", 6)
    );
    let (booked, refused) = if one.outcome.is_ok() {
        (one, other)
    } else {
        (other, one)
    };
    let since = trail(&host, 6).await[0].exported_on.clone();
    assert_eq!(
        error(refused),
        format!(
            "journal run {id} is being exported by run {} (client \"journal-exact\", user \"anna\") since {since}; if that run is gone, `koppel journal-runs release {id}` frees it",
            booked.run,
            id = id(6),
        )
    );
    booked.outcome.unwrap();
    assert_eq!(exact.lock().unwrap().entries.len(), 1);
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
    // The loser asked Exact nothing: two look-ups of lines, those of the winner.
    assert_eq!(exact.lock().unwrap().credentials.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unmapped_account_is_refused_with_its_lines_and_nothing_is_booked() {
    let (exact, host) = exact().await;
    exact.lock().unwrap().instead = vec![(200, json!({"d": {"results": []}}))];
    let text = error(process(&host, "journal-exact", 6).await);
    assert!(
        text.starts_with("refused: line 1 (Brutoloon) has ledger account 40110, which division 123456 does not have; line 2 "),
        "{text}"
    );
    assert!(
        text.ends_with("; and 4 more; make it, or map it in account-map"),
        "{text}"
    );
    assert_eq!(exact.lock().unwrap().entries.len(), 0);
    let trail = trail(&host, 6).await;
    assert_eq!(trail[1].returned_error_message.as_ref(), Some(&text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_and_a_refusal_of_exact_are_told_apart() {
    let (exact, host) = exact().await;
    exact.lock().unwrap().instead = vec![
        (
            400,
            json!({"error": {"code": "", "message": {"lang": "", "value": "Onbekende filter"}}}),
        ),
        (429, json!({})),
    ];
    assert_eq!(
        error(process(&host, "journal-exact", 6).await),
        "not available now; try again in 9 s"
    );
    assert_eq!(status(&host, 6).await, JournalRunStatus::Ready);
    assert_eq!(
        error(process(&host, "journal-exact", 6).await),
        "the outside party says: Exact Online: status 400: Onbekende filter"
    );
    assert_eq!(status(&host, 6).await, JournalRunStatus::ExportFailed);
    // A failed one may be tried again.
    process(&host, "journal-exact", 6).await.outcome.unwrap();
    assert_eq!(exact.lock().unwrap().entries.len(), 1);
}
