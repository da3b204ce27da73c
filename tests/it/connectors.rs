//! The connectors as components, from the payroll data to the outside party.

use crate::harness::{ANNA, TestHost, component, configuration, employer, error, formats};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use koppel_host::bindings::koppel::loket::journal_runs::JournalRunStatus;
use koppel_host::ledger::Kind;
use koppel_host::platform::seed;
use koppel_host::runs::{Job, Output, RunReport};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::process::Command;
use std::sync::{Arc, Mutex};

fn plugin(name: &str, more: &str) -> String {
    let path = component(&format!("plugins/{name}.wasm"));
    format!("[clients.{name}]\ncomponent = {path:?}\n{more}\n")
}

const XAF: &str = r#"activities = ["GetEmployerByEmployerId", "GetPayrollAdministrationsByEmployerId", "GetJournalRunByJournalRunId", "GetJournalRunResultsByJournalRunId", "PatchJournalRunByJournalRunId", "PostDownloadJournalRunExportByJournalRunId"]
exports = { directory = "exports", quota-bytes = 50_000_000, activity = "PostDownloadJournalRunExportByJournalRunId" }"#;

async fn process(host: &TestHost, client: &str, period: i8) -> RunReport {
    let job = Job::ProcessJournalRun(seed::journal_run_id(1, period));
    host.run(client, ANNA, 1, job).await
}

async fn status(host: &TestHost, period: i8) -> JournalRunStatus {
    host.host
        .platform()
        .journal_run(seed::journal_run_id(1, period))
        .await
        .unwrap()
        .status
}

#[tokio::test(flavor = "multi_thread")]
async fn journal_xaf_exports_every_ready_journal_run_as_a_valid_auditfile() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    for period in 2..=12 {
        let report = process(&host, "journal-xaf", period).await;
        let Ok(Output::JournalRun {
            delivery,
            reference,
            lines,
            total_cents,
        }) = report.outcome
        else {
            panic!("{period}: {:?}", report.outcome);
        };
        assert_eq!((delivery, lines), ("exported", 14));
        assert!(total_cents > 0);
        assert_eq!(
            reference,
            format!("XAF32_1001_2025-{period:02}_{period}.xaf")
        );
        validate(&host.dir.path().join("exports").join(reference));
        assert_eq!(status(&host, period).await, JournalRunStatus::Exported);
    }
    let rows = host.rows(&[Kind::ExportFile]).await;
    assert_eq!(rows.len(), 11);
    let (row, body) = host.host.ledger().row(rows[0].seq).await.unwrap().unwrap();
    let file = std::fs::read(host.dir.path().join("exports").join(&row.summary)).unwrap();
    assert_eq!(body.unwrap(), file, "the ledger holds the exact bytes");
}

/// By the official schema.
fn validate(file: &std::path::Path) {
    let Some(formats) = formats() else { return };
    let schema = formats.join("xaf/XmlAuditfileFinancieel3.2.xsd");
    let run = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .arg(file)
        .output();
    match run {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => {
            assert!(
                std::env::var_os("KOPPEL_REQUIRE_FORMATS").is_none(),
                "xmllint: {error}"
            );
            eprintln!("skipped: xmllint: {error}; the file is not validated");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_is_exported_once() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    process(&host, "journal-xaf", 6).await.outcome.unwrap();
    let again = error(process(&host, "journal-xaf", 6).await);
    let id = seed::journal_run_id(1, 6);
    assert_eq!(
        again,
        format!(
            "refused: journal run {id} is not ready to export: its status is JournalRunStatus::Exported"
        )
    );
}

/// Exact Online, as far as the connector knows it.
#[derive(Default)]
struct Exact {
    entries: Vec<Value>,
    /// What to answer to the next requests instead: status and body.
    instead: Vec<(u16, Value)>,
    /// Loses the reply to the next entry after booking it.
    lose_reply: bool,
    credentials: Vec<String>,
}

type Shared = Arc<Mutex<Exact>>;
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

async fn entries(State(exact): State<Shared>, Json(entry): Json<Value>) -> Reply {
    let mut exact = exact.lock().unwrap();
    exact.entries.push(entry);
    let id = format!("entry-{}", exact.entries.len());
    if std::mem::take(&mut exact.lose_reply) {
        return reply(503, json!({}));
    }
    reply(201, json!({"d": {"EntryID": id}}))
}

async fn exact() -> (Shared, TestHost) {
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
    let more = format!(
        r#"activities = ["GetJournalRunByJournalRunId", "GetJournalRunResultsByJournalRunId", "PatchJournalRunByJournalRunId", "PostSendJournalRunExportByJournalRunId"]
http = [{{ allow = "http://party.test:{port}/api/v1/*", methods = ["GET", "POST"], credential = "exact", activity = "PostSendJournalRunExportByJournalRunId", allow-private-addresses = true }}]
settings = {{ base-url = "http://party.test:{port}", division = 123456, journal-code = "90" }}
[credentials.exact]
header = "Authorization"
scheme = "Bearer"
value = {{ file = "token" }}"#
    );
    let host = TestHost::new(&plugin("journal-exact", &more)).await;
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
    assert_eq!(
        error(process(&host, "journal-exact", 6).await),
        "not available now; try again in 9 s"
    );
    assert_eq!(status(&host, 6).await, JournalRunStatus::Ready);
    process(&host, "journal-exact", 6).await.outcome.unwrap();
    assert_eq!(exact.lock().unwrap().entries.len(), 1);
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
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

#[tokio::test(flavor = "multi_thread")]
async fn vehicle_rdw_answers_from_the_recorded_reply() {
    let Some(formats) = formats() else { return };
    let recorded = std::fs::read_to_string(formats.join("rdw/m9d7-ebf2_11ZKZ3.json")).unwrap();
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    let rows = if recorded.is_array() {
        recorded
    } else {
        json!([recorded])
    };
    let answer = move |Query(query): Query<HashMap<String, String>>| async move {
        assert_eq!(query.len(), 1, "only the plate leaves");
        if query["kenteken"] == "11ZKZ3" {
            Json(rows)
        } else {
            Json(json!([]))
        }
    };
    let router = Router::new().route("/resource/m9d7-ebf2.json", get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let more = format!(
        r#"activities = ["GetAdditionalTaxliabilityByLicensePlateNumber"]
http = [{{ allow = "http://party.test:{port}/resource/m9d7-ebf2.json", methods = ["GET"], activity = "GetAdditionalTaxliabilityByLicensePlateNumber", allow-private-addresses = true }}]
settings = {{ base-url = "http://party.test:{port}" }}"#
    );
    let host = TestHost::new(&plugin("vehicle-rdw", &more)).await;
    let query = json!({"licensePlateNumber": "11-zkz-3"});
    let found = crate::harness::answer(host.lookup("vehicle-rdw", &query).await);
    assert_eq!(found["vehicle"]["make"], "SKODA");
    assert_eq!(found["vehicle"]["dateOfFirstAdmission"], "2013-01-04");
    assert_eq!(
        found["registered"],
        json!({"valueForTaxPurposes": 10697.0, "matchesCataloguePrice": true})
    );
    let unknown = crate::harness::answer(
        host.lookup("vehicle-rdw", &json!({"licensePlateNumber": "ZZ99ZZ"}))
            .await,
    );
    assert_eq!(
        unknown,
        json!({"licensePlateNumber": "ZZ99ZZ", "vehicle": null, "registered": null})
    );
    let works = host
        .run("vehicle-rdw", ANNA, 1, Job::Check)
        .await
        .outcome
        .unwrap();
    assert_eq!(
        works,
        Output::Check {
            message: "the RDW answers (0 rows for a plate that does not exist)".to_owned()
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_of_another_kind_is_not_run() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    assert_eq!(
        error(host.lookup("journal-xaf", &json!({})).await),
        "client \"journal-xaf\" is no connector of kind lookup"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_denied_names_the_line_that_would_allow_it() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    let job = Job::ProcessJournalRun(seed::journal_run_id(1, 6));
    assert_eq!(
        error(host.run("journal-xaf", "tim", 1, job).await),
        "denied by check user: GetJournalRunByJournalRunId: user \"tim\" has no right that gives GetJournalRunByJournalRunId\n\
         to allow it, put in the configuration:\n  [[users]] id = \"tim\" rights = [\"employers\", \"everything\"]"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_says_what_it_is_without_being_able_to_do_anything() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    let description = host.host.describe("journal-xaf").await.unwrap();
    assert_eq!(description.name, "journal-xaf");
    let schema: Value = serde_json::from_str(&description.settings_schema).unwrap();
    assert_eq!(schema["properties"]["journal-id"]["type"], "string");
    assert_eq!(host.rows(&[]).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_data_is_exported_like_any_other() {
    let host = TestHost::new("").await;
    let json = include_bytes!("import.json");
    let summary = host
        .host
        .embedded()
        .import_json(json, seed::provider_id(1))
        .await
        .unwrap();
    assert_eq!(
        (
            summary.employers,
            summary.journal_runs,
            summary.journal_lines
        ),
        (1, 1, 2)
    );
    host.write_configuration(&configuration(&plugin("journal-xaf", XAF)));
    host.host.live().reload();
    let id = "b14acd0d-75d7-4fc8-8b22-4a3924585cab".parse().unwrap();
    let request = koppel_host::runs::RunRequest {
        client: "journal-xaf".to_owned(),
        user: ANNA.to_owned(),
        employer: id,
        job: Job::ProcessJournalRun(id),
    };
    let report = host.host.run(request).await;
    let Ok(Output::JournalRun { total_cents, .. }) = report.outcome else {
        panic!("{:?}", report.outcome);
    };
    assert_eq!(total_cents, 50_087);
    assert_ne!(employer(1), id);
}
