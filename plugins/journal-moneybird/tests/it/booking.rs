//! What is booked, and what is not booked twice.

use super::{
    DOCUMENT, SETTINGS, accounts, booked, both_accounts, both_entries, both_lines, document,
    documents, host, nothing_booked,
};
use journal_moneybird::JournalMoneybird;
use koppel_sdk::testing::{MockHost, line};
use koppel_sdk::types::{Coded, JournalRunStatus};
use koppel_sdk::{ConnectorError, Delivery, Outcome};
use serde_json::{Value, json};

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
