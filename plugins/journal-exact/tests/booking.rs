//! Booking against recorded shapes of Exact Online.

use journal_exact::JournalExact;
use koppel_sdk::testing::{MockHost, line};
use koppel_sdk::types::JournalRunStatus;
use koppel_sdk::{ConnectorError, Delivery, Outcome};
use serde_json::{Value, json};

const SETTINGS: &str =
    r#"{"division": 123456, "journal-code": "90", "account-map": {"4000": "40110"}}"#;
const API: &str = "https://start.exactonline.nl/api/v1/123456/";
const ENTRY: &str = "5f1c5fd4-6e0b-4f0c-9f77-5a0d0b1c2d3e";

fn accounts() -> String {
    format!("{API}financial/GLAccounts")
}

fn lines() -> String {
    format!("{API}generaljournalentry/GeneralJournalEntryLines")
}

fn entries() -> String {
    format!("{API}generaljournalentry/GeneralJournalEntries")
}

fn list(results: Value) -> String {
    json!({"d": {"results": results}}).to_string()
}

fn both_accounts() -> String {
    list(json!([{"ID": "a-1", "Code": "    40110"}, {"ID": "a-2", "Code": "16101"}]))
}

fn booked() -> String {
    list(json!([
        {"EntryNumber": 25_900_001, "AmountFC": 5000.87},
        {"EntryNumber": 25_900_001, "AmountFC": -5000.87}
    ]))
}

fn host() -> (MockHost, String) {
    let mut host = MockHost::new();
    let lines = vec![
        line("4000", "Lonen", 500_087, 0),
        line("16101", "Netto lonen", 0, 500_087),
    ];
    let run = host.journal_run(JournalRunStatus::Ready, lines);
    (host, run)
}

#[test]
fn a_journal_run_is_booked_read_back_and_marked() {
    let (mut host, run) = host();
    host.reply("GET", &lines(), 200, list(json!([])));
    host.reply("GET", &accounts(), 200, both_accounts());
    host.reply(
        "POST",
        &entries(),
        201,
        json!({"d": {"EntryID": ENTRY}}).to_string(),
    );
    host.reply("GET", &lines(), 200, booked());
    assert_eq!(
        host.process::<JournalExact>(SETTINGS, &run),
        Ok(Outcome {
            delivery: Delivery::Booked,
            reference: "25900001".to_owned(),
            lines: 2,
            total: 500_087,
        })
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::Exported));
    let posted = &host.requests()[2];
    let body: Value = serde_json::from_slice(&posted.body).unwrap();
    let marker = format!("koppel:{run}");
    assert_eq!(
        body,
        json!({
            "JournalCode": "90",
            "FinancialYear": 2025,
            "FinancialPeriod": 1,
            "Currency": "EUR",
            "GeneralJournalEntryLines": [
                {"GLAccount": "a-1", "AmountFC": 5000.87, "Date": "2025-01-31", "Description": "Brutoloon", "Notes": marker},
                {"GLAccount": "a-2", "AmountFC": -5000.87, "Date": "2025-01-31", "Description": "Brutoloon", "Notes": marker}
            ]
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
fn a_journal_run_that_is_in_exact_already_is_not_booked_again() {
    let (mut host, run) = host();
    host.reply("GET", &lines(), 200, booked());
    let outcome = host.process::<JournalExact>(SETTINGS, &run);
    assert_eq!(
        outcome.map(|outcome| outcome.reference),
        Ok("25900001".to_owned())
    );
    assert!(
        host.requests()
            .iter()
            .all(|request| request.method == "GET")
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::Exported));
}

#[test]
fn an_account_that_exact_does_not_have_is_named() {
    let (mut host, run) = host();
    host.reply("GET", &lines(), 200, list(json!([])));
    host.reply(
        "GET",
        &accounts(),
        200,
        list(json!([{"ID": "a-2", "Code": "16101"}])),
    );
    assert_eq!(
        host.process::<JournalExact>(SETTINGS, &run),
        Err(ConnectorError::Refused(
            "line 1 (Brutoloon) has ledger account 40110, which division 123456 does not have; make it, or map it in account-map"
                .to_owned()
        ))
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::ExportFailed));
}

#[test]
fn what_exact_refuses_is_passed_on_and_the_run_is_marked_as_failed() {
    let (mut host, run) = host();
    host.reply("GET", &lines(), 200, list(json!([])));
    host.reply("GET", &accounts(), 200, both_accounts());
    let error =
        json!({"error": {"code": "", "message": {"lang": "", "value": "Periode 1 is gesloten"}}});
    host.reply("POST", &entries(), 400, error.to_string());
    assert_eq!(
        host.process::<JournalExact>(SETTINGS, &run),
        Err(ConnectorError::OutsideParty(
            "Exact Online: status 400: Periode 1 is gesloten".to_owned()
        ))
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::ExportFailed));
}

#[test]
fn a_rate_limit_leaves_the_run_as_it_is() {
    let (mut host, run) = host();
    host.reply_with("GET", &lines(), 429, &[("Retry-After", "12")], "");
    assert_eq!(
        host.process::<JournalExact>(SETTINGS, &run),
        Err(ConnectorError::Unavailable(Some(12)))
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::Ready));
}

#[test]
fn an_entry_whose_reply_is_lost_is_found_by_the_next_run() {
    let (mut host, run) = host();
    host.reply("GET", &lines(), 200, list(json!([])));
    host.reply("GET", &accounts(), 200, both_accounts());
    host.reply("POST", &entries(), 503, "");
    assert_eq!(
        host.process::<JournalExact>(SETTINGS, &run),
        Err(ConnectorError::OutsideParty(format!(
            "{}: status 503; it is not known whether the journal was booked. Run it again: what was booked is found, and not booked twice",
            entries()
        )))
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::ExportFailed));
    host.reply("GET", &lines(), 200, booked());
    host.process::<JournalExact>(SETTINGS, &run).unwrap();
    let posts = host.requests().iter().filter(|r| r.method == "POST");
    assert_eq!(posts.count(), 1);
    assert_eq!(host.status(&run), Some(JournalRunStatus::Exported));
}

#[test]
fn an_entry_that_cannot_be_read_back_is_not_given_back() {
    let (mut host, run) = host();
    host.reply("GET", &lines(), 200, list(json!([])));
    host.reply("GET", &accounts(), 200, both_accounts());
    let posted = json!({"d": {"EntryID": ENTRY}}).to_string();
    host.reply("POST", &entries(), 201, posted);
    host.reply("GET", &lines(), 429, "");
    assert_eq!(
        host.process::<JournalExact>(SETTINGS, &run),
        Err(ConnectorError::OutsideParty(format!(
            "it was booked as {ENTRY}, but there is no answer now; run it again"
        )))
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::ExportFailed));
}

#[test]
fn an_unbalanced_journal_reaches_exact_with_nothing() {
    let mut host = MockHost::new();
    let lines = vec![line("4000", "Lonen", 500_087, 0)];
    let run = host.journal_run(JournalRunStatus::Ready, lines);
    assert_eq!(
        host.process::<JournalExact>(SETTINGS, &run),
        Err(ConnectorError::Refused(
            "the journal does not balance: debit 5000.87, credit 0.00, difference 5000.87; lines with the difference or half of it: line 1 (Brutoloon) debit 5000.87".to_owned()
        ))
    );
    assert!(host.requests().is_empty());
}

#[test]
fn an_entry_that_differs_is_for_a_person() {
    let (mut host, run) = host();
    let half = list(json!([{"EntryNumber": 25_900_001, "AmountFC": 5000.87}]));
    host.reply("GET", &lines(), 200, half);
    assert_eq!(
        host.process::<JournalExact>(SETTINGS, &run),
        Err(ConnectorError::OutsideParty(
            "entry 25900001 in Exact Online has 1 lines and debit 5000.87, the journal run has 2 lines and debit 5000.87; correct the entry by hand".to_owned()
        ))
    );
    assert_ne!(host.status(&run), Some(JournalRunStatus::Exported));
}

#[test]
fn a_wrong_credential_is_for_the_operator() {
    let (mut host, run) = host();
    host.reply("GET", &lines(), 401, "");
    assert_eq!(
        host.process::<JournalExact>(SETTINGS, &run),
        Err(ConnectorError::OutsideParty(
            "Exact Online does not accept the credential (status 401); the operator sets it in [credentials]".to_owned()
        ))
    );
}

#[test]
fn settings_without_a_division_are_refused() {
    let (mut host, run) = host();
    let outcome = host.process::<JournalExact>(r#"{"journal-code": "90"}"#, &run);
    let Err(ConnectorError::InvalidSettings(why)) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(why.starts_with("missing field `division`"), "{why}");
}
