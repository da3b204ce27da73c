//! What is refused, by the connector or by Moneybird, and in what words.

use super::{
    DOCUMENT, SETTINGS, accounts, booked, both_accounts, both_entries, documents, host,
    nothing_booked,
};
use journal_moneybird::JournalMoneybird;
use koppel_sdk::ConnectorError;
use koppel_sdk::testing::{MockHost, line};
use koppel_sdk::types::JournalRunStatus;
use serde_json::json;
use std::time::{Duration, SystemTime};

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
