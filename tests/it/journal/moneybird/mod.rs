//! journal-moneybird against a real server.

mod server;

use super::{id, process, set_status, status, trail};
use crate::harness::{ANNA, error};
use koppel_host::bindings::koppel::loket::journal_runs::JournalRunStatus;
use koppel_host::ledger::Kind;
use koppel_host::runs::{Job, Output};
use serde_json::{Value, json};
use server::{Instead, moneybird};
use std::time::Duration;

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
    let body: Value = serde_json::from_slice(&host.body(posted.seq).await).unwrap();
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
    set_status(&host, 6, 6);
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
    set_status(&host, 6, 6);
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
    let (_, host) = server::moneybird(r#"administration-id = "456""#).await;
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
