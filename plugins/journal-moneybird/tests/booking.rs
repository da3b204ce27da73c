//! Booking against the shapes that Moneybird documents.

use journal_moneybird::JournalMoneybird;
use koppel_sdk::testing::{MockHost, line};
use koppel_sdk::types::{Coded, JournalLine, JournalRunStatus};
use koppel_sdk::{ConnectorError, Delivery, Outcome};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

const SETTINGS: &str = r#"{
    "administration-id": "123",
    "account-map": {"40110": "4001", "16101": "499874808249451642"},
    "project-map": {"SAL073": "77"}
}"#;
const API: &str = "https://moneybird.com/api/v2/123/";
const DOCUMENT: &str = "499874915130803217";

fn accounts() -> String {
    format!("{API}ledger_accounts.json")
}

fn documents() -> String {
    format!("{API}documents/general_journal_documents.json")
}

fn document() -> String {
    format!("{API}documents/general_journal_documents/{DOCUMENT}.json")
}

/// Two accounts: one with a number, one without.
fn both_accounts() -> String {
    let types = ["purchase_invoice", "general_journal_document"];
    json!([
        {"id": "499874808249451641", "administration_id": 123, "name": "Lonen en salarissen", "account_type": "expenses", "account_id": "4001", "parent_id": null, "allowed_document_types": types},
        {"id": "499874808249451642", "administration_id": 123, "name": "Netto lonen", "account_type": "current_liabilities", "account_id": null, "parent_id": null, "allowed_document_types": types}
    ])
    .to_string()
}

fn booked(run: &str, entries: Value) -> Value {
    json!({
        "id": DOCUMENT,
        "administration_id": 123,
        "reference": format!("koppel-{run}"),
        "date": "2025-01-31",
        "journal_type": null,
        "general_journal_document_entries": entries,
        "notes": []
    })
}

fn both_entries() -> Value {
    json!([
        {"id": "1", "ledger_account_id": "499874808249451641", "debit": "5000.87", "credit": "0.0", "row_order": 1, "description": "Brutoloon"},
        {"id": "2", "ledger_account_id": "499874808249451642", "debit": "0.0", "credit": "5000.87", "row_order": 2, "description": "Brutoloon"}
    ])
}

fn both_lines() -> Vec<JournalLine> {
    vec![
        line("40110", "Lonen", 500_087, 0),
        line("16101", "Netto lonen", 0, 500_087),
    ]
}

fn host() -> (MockHost, String) {
    let mut host = MockHost::new();
    let run = host.journal_run(JournalRunStatus::Ready, both_lines());
    (host, run)
}

/// Replies to the look-ups in the three years that are searched.
fn nothing_booked(host: &mut MockHost) {
    for _ in 0..3 {
        host.reply("GET", &documents(), 200, "[]");
    }
}

#[test]
fn a_journal_run_is_booked_read_back_and_marked() {
    let mut host = MockHost::new();
    let mut lines = both_lines();
    let coded = |code: &str| {
        Some(Coded {
            code: code.to_owned(),
            description: String::new(),
        })
    };
    lines[0].cost_center = coded("SAL073");
    lines[1].cost_center = coded("ADM");
    lines[1].cost_unit = coded("01");
    let run = host.journal_run(JournalRunStatus::Ready, lines);
    nothing_booked(&mut host);
    host.reply("GET", &accounts(), 200, both_accounts());
    let created = booked(&run, both_entries()).to_string();
    host.reply("POST", &documents(), 201, created.clone());
    host.reply("GET", &document(), 200, created);
    assert_eq!(
        host.process::<JournalMoneybird>(SETTINGS, &run),
        Ok(Outcome {
            delivery: Delivery::Booked,
            reference: DOCUMENT.to_owned(),
            lines: 2,
            total: 500_087,
        })
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::Exported));
    let filter = |year| {
        format!(
            "{}?filter=period%3A{year}0101..{year}1231%2Creference%3Akoppel-{run}&per_page=100&page=1",
            documents()
        )
    };
    let asked: Vec<_> = host.requests()[..3].iter().map(|r| r.url.clone()).collect();
    assert_eq!(asked, [filter(2025), filter(2024), filter(2026)]);
    let posted = &host.requests()[4];
    let body: Value = serde_json::from_slice(&posted.body).unwrap();
    assert_eq!(
        body,
        json!({
            "general_journal_document": {
                "reference": format!("koppel-{run}"),
                "date": "2025-01-31",
                "general_journal_document_entries_attributes": [
                    {"ledger_account_id": "499874808249451641", "debit": "5000.87", "credit": "0.00", "description": "Brutoloon", "project_id": "77"},
                    {"ledger_account_id": "499874808249451642", "debit": "0.00", "credit": "5000.87", "description": "Brutoloon (kostenplaats ADM) (kostendrager 01)"}
                ]
            }
        })
    );
    assert!(
        posted
            .headers
            .iter()
            .all(|(name, _)| name != "authorization")
    );
}

#[test]
fn a_negative_amount_is_booked_on_the_other_side() {
    let mut host = MockHost::new();
    let lines = vec![
        line("40110", "Lonen", -1_000, 0),
        line("16101", "Netto lonen", 0, -1_000),
    ];
    let run = host.journal_run(JournalRunStatus::Ready, lines);
    nothing_booked(&mut host);
    host.reply("GET", &accounts(), 200, both_accounts());
    let entries = json!([{"debit": "0.0", "credit": "10.0"}, {"debit": "10.0", "credit": "0.0"}]);
    let created = booked(&run, entries).to_string();
    host.reply("POST", &documents(), 201, created.clone());
    host.reply("GET", &document(), 200, created);
    host.process::<JournalMoneybird>(SETTINGS, &run).unwrap();
    let body: Value = serde_json::from_slice(&host.requests()[4].body).unwrap();
    let entries = &body["general_journal_document"]["general_journal_document_entries_attributes"];
    assert_eq!(
        (&entries[0]["debit"], &entries[0]["credit"]),
        (&json!("0.00"), &json!("10.00"))
    );
    assert_eq!(
        (&entries[1]["debit"], &entries[1]["credit"]),
        (&json!("10.00"), &json!("0.00"))
    );
}

#[test]
fn a_document_that_is_there_already_is_not_booked_again() {
    let (mut host, run) = host();
    // A server that does not know the filter answers with what it has.
    let mut other = booked("other", both_entries());
    other["id"] = json!(1);
    host.reply(
        "GET",
        &documents(),
        200,
        json!([other, booked(&run, both_entries())]).to_string(),
    );
    host.reply("GET", &documents(), 200, "[]");
    host.reply("GET", &documents(), 200, "[]");
    let outcome = host.process::<JournalMoneybird>(SETTINGS, &run).unwrap();
    assert_eq!(outcome.reference, DOCUMENT);
    assert!(
        host.requests()
            .iter()
            .all(|request| request.method == "GET")
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::Exported));
}

#[test]
fn two_documents_for_one_journal_run_are_for_a_person() {
    let (mut host, run) = host();
    let mut second = booked(&run, both_entries());
    second["id"] = json!("2");
    host.reply(
        "GET",
        &documents(),
        200,
        json!([booked(&run, both_entries()), second]).to_string(),
    );
    host.reply("GET", &documents(), 200, "[]");
    host.reply("GET", &documents(), 200, "[]");
    assert_eq!(
        host.process::<JournalMoneybird>(SETTINGS, &run),
        Err(ConnectorError::OutsideParty(format!(
            "Moneybird has the documents {DOCUMENT}, 2 for this journal run; delete all but one by hand"
        )))
    );
}

#[test]
fn a_document_that_differs_is_for_a_person() {
    let (mut host, run) = host();
    let half = json!([{"debit": "5000.87", "credit": "0.0"}]);
    host.reply(
        "GET",
        &documents(),
        200,
        json!([booked(&run, half)]).to_string(),
    );
    host.reply("GET", &documents(), 200, "[]");
    host.reply("GET", &documents(), 200, "[]");
    assert_eq!(
        host.process::<JournalMoneybird>(SETTINGS, &run),
        Err(ConnectorError::OutsideParty(format!(
            "document {DOCUMENT} in Moneybird has 1 lines, debit 5000.87 and credit 0.00; the journal run has 2 lines, debit 5000.87 and credit 5000.87; correct the document by hand"
        )))
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::ExportFailed));
}

#[test]
fn pages_are_followed_by_their_size_and_by_the_link_header() {
    let (mut host, run) = host();
    let full: Vec<_> = (0..100)
        .map(|id| json!({"id": id, "reference": "other", "general_journal_document_entries": []}))
        .collect();
    host.reply("GET", &documents(), 200, json!(full).to_string());
    let next = format!(
        "<{}?page=3>; rel=\"next\", <{0}?page=1>; rel=\"prev\"",
        documents()
    );
    host.reply_with("GET", &documents(), 200, &[("Link", &next)], "[]");
    host.reply(
        "GET",
        &documents(),
        200,
        json!([booked(&run, both_entries())]).to_string(),
    );
    host.reply("GET", &documents(), 200, "[]");
    host.reply("GET", &documents(), 200, "[]");
    let outcome = host.process::<JournalMoneybird>(SETTINGS, &run).unwrap();
    assert_eq!(outcome.reference, DOCUMENT);
    let pages: Vec<_> = host
        .requests()
        .iter()
        .map(|request| request.url.rsplit('=').next().unwrap().to_owned())
        .collect();
    assert_eq!(pages, ["1", "2", "3", "1", "1"]);
}

#[test]
fn accounts_that_cannot_be_booked_on_are_refused_with_their_lines() {
    let mut host = MockHost::new();
    let lines = vec![
        line("40110", "Lonen", 100, 0),
        line("16101", "Netto lonen", 0, 25),
        line("9999", "Onbekend", 0, 25),
        line("1700", "Dubbel", 0, 25),
        line("1800", "Bank", 0, 25),
    ];
    let run = host.journal_run(JournalRunStatus::Ready, lines);
    nothing_booked(&mut host);
    let accounts_there = json!([
        {"id": "1", "name": "Lonen", "account_id": "4001", "allowed_document_types": ["purchase_invoice"]},
        {"id": "3", "name": "Een", "account_id": "1700", "allowed_document_types": ["general_journal_document"]},
        {"id": "4", "name": "Twee", "account_id": "1700", "allowed_document_types": ["general_journal_document"]},
        {"id": "5", "name": "Oud", "account_id": "1800", "active": false, "allowed_document_types": ["general_journal_document"]}
    ]);
    host.reply("GET", &accounts(), 200, accounts_there.to_string());
    assert_eq!(
        host.process::<JournalMoneybird>(SETTINGS, &run),
        Err(ConnectorError::Refused(
            "line 1 (Brutoloon) has ledger account 40110, mapped to 4001, which administration 123 does not let be booked on in a general journal document (Lonen); \
             line 2 (Brutoloon) has ledger account 16101, mapped to 499874808249451642, which administration 123 does not have; \
             line 3 (Brutoloon) has ledger account 9999, which administration 123 does not have; \
             line 4 (Brutoloon) has ledger account 1700, which administration 123 has 2 times; \
             line 5 (Brutoloon) has ledger account 1800, which administration 123 does not let be booked on in a general journal document (Oud); \
             make it in Moneybird, or map it in account-map".to_owned()
        ))
    );
    assert!(
        host.requests()
            .iter()
            .all(|request| request.method == "GET")
    );
}

#[test]
fn an_unbalanced_journal_reaches_moneybird_with_nothing() {
    let mut host = MockHost::new();
    let lines = vec![
        line("40110", "Lonen", 1_000, 0),
        line("16101", "Netto", 0, 999),
    ];
    let run = host.journal_run(JournalRunStatus::Ready, lines);
    assert_eq!(
        host.process::<JournalMoneybird>(SETTINGS, &run),
        Err(ConnectorError::Refused(
            "the journal does not balance: debit 10.00, credit 9.99, difference 0.01; its lines: line 1 (Brutoloon) debit 10.00; line 2 (Brutoloon) credit 9.99".to_owned()
        ))
    );
    assert!(host.requests().is_empty());
}

#[test]
fn what_moneybird_says_of_an_error_is_passed_on() {
    for (status, body, said) in [
        (
            400,
            json!({"error": "General Journal Document is required", "symbolic": {"general_journal_document": "required"}}),
            "Moneybird: status 400: General Journal Document is required",
        ),
        (
            401,
            json!({"error": "Authorization required", "symbolic": {"authorization": "required"}}),
            "Moneybird: it does not accept the credential (status 401); the operator sets it in [credentials]",
        ),
        (
            402,
            json!({"error": "Payment required"}),
            "Moneybird: status 402: Payment required",
        ),
        (
            403,
            json!({"error": "Forbidden"}),
            "Moneybird: the credential may not do this (status 403: Forbidden); it needs the scope documents",
        ),
        (
            404,
            json!({"error": "Record not found for model name: administration"}),
            "Moneybird: Record not found for model name: administration (status 404); is administration-id right, and may the credential see that administration?",
        ),
        (
            422,
            json!({"error": {"date": ["valt in een afgesloten periode"], "base": ["debet en credit verschillen", "geen regels"]}, "details": {"date": [{"error": "locked"}]}}),
            "Moneybird: status 422: base debet en credit verschillen, geen regels; date valt in een afgesloten periode",
        ),
    ] {
        let (mut host, run) = host();
        nothing_booked(&mut host);
        host.reply("GET", &accounts(), 200, both_accounts());
        host.reply("POST", &documents(), status, body.to_string());
        assert_eq!(
            host.process::<JournalMoneybird>(SETTINGS, &run),
            Err(ConnectorError::OutsideParty(said.to_owned()))
        );
        assert_eq!(host.status(&run), Some(JournalRunStatus::ExportFailed));
    }
}

#[test]
fn a_rate_limit_names_the_seconds_to_wait_and_leaves_the_run_as_it_is() {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let in_two_minutes = (now + Duration::from_secs(120)).as_secs().to_string();
    for (retry_after, expected) in [
        // A moment, as Moneybird has it; a number of seconds, as RFC 9110 has it.
        (in_two_minutes.as_str(), 110..=120),
        ("17", 17..=17),
        ("1609459200", 1..=1),
    ] {
        let (mut host, run) = host();
        let headers = [("Retry-After", retry_after)];
        host.reply_with("GET", &documents(), 429, &headers, "\"Retry later\"");
        let outcome = host.process::<JournalMoneybird>(SETTINGS, &run);
        let Err(ConnectorError::Unavailable(Some(seconds))) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(expected.contains(&seconds), "{seconds}");
        assert_eq!(host.status(&run), Some(JournalRunStatus::Ready));
    }
}

#[test]
fn a_document_whose_reply_is_lost_is_found_by_the_next_run() {
    let (mut host, run) = host();
    nothing_booked(&mut host);
    host.reply("GET", &accounts(), 200, both_accounts());
    host.reply("POST", &documents(), 504, "");
    assert_eq!(
        host.process::<JournalMoneybird>(SETTINGS, &run),
        Err(ConnectorError::OutsideParty(format!(
            "{}: status 504; it is not known whether the journal was booked. Run it again: what was booked is found, and not booked twice",
            documents()
        )))
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::ExportFailed));
    host.reply(
        "GET",
        &documents(),
        200,
        json!([booked(&run, both_entries())]).to_string(),
    );
    host.reply("GET", &documents(), 200, "[]");
    host.reply("GET", &documents(), 200, "[]");
    host.process::<JournalMoneybird>(SETTINGS, &run).unwrap();
    let posts = host.requests().iter().filter(|r| r.method == "POST");
    assert_eq!(posts.count(), 1);
    assert_eq!(host.status(&run), Some(JournalRunStatus::Exported));
}

#[test]
fn check_counts_the_accounts_that_can_be_booked_on() {
    let mut host = MockHost::new();
    host.reply("GET", &accounts(), 200, both_accounts());
    assert_eq!(
        host.check::<JournalMoneybird>(SETTINGS),
        Ok("administration 123 has 2 ledger accounts, of which 2 can be booked on in a general journal document".to_owned())
    );
}

#[test]
fn settings_that_would_change_an_address_are_refused() {
    let (mut host, run) = host();
    for (settings, why) in [
        (
            r#"{"administration-id": "123/../456"}"#,
            "administration-id must be a number, not \"123/../456\"",
        ),
        (
            r#"{"administration-id": "123", "project-map": {"A": "x"}}"#,
            "project-map: the id of a project must be a number, not \"x\"",
        ),
    ] {
        assert_eq!(
            host.process::<JournalMoneybird>(settings, &run),
            Err(ConnectorError::InvalidSettings(why.to_owned()))
        );
    }
    assert!(host.requests().is_empty());
}
