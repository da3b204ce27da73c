//! Booking against the shapes that Moneybird documents.

mod booking;
mod refusals;

use koppel_sdk::testing::{MockHost, line};
use koppel_sdk::types::{JournalLine, JournalRunStatus};
use serde_json::{Value, json};

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
