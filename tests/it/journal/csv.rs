//! journal-csv as a component.

use super::{process, short, status};
use crate::harness::{TestHost, plugin};
use koppel_host::bindings::koppel::loket::journal_runs::{ExportMethod, JournalRunStatus};
use koppel_host::ledger::Kind;
use koppel_host::runs::Output;

const CSV: &str = r#"activities = ["GetJournalRunByJournalRunId", "GetJournalRunResultsByJournalRunId", "PatchJournalRunByJournalRunId", "PostDownloadJournalRunExportByJournalRunId"]
exports = { directory = "exports", quota-bytes = 50_000_000, activity = "PostDownloadJournalRunExportByJournalRunId" }"#;

#[tokio::test(flavor = "multi_thread")]
async fn journal_csv_exports_a_file_that_balances_and_is_in_the_ledger() {
    let host = TestHost::new(&plugin("journal-csv", CSV)).await;
    let outcome = process(&host, "journal-csv", 6).await.outcome.unwrap();
    let Output::JournalRun {
        delivery,
        reference,
        lines,
        total_cents,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!((delivery, lines), ("exported", 14));
    assert_eq!(reference, format!("journaal_2025-06_6_{}.csv", short(6)));
    let file = std::fs::read(host.dir.path().join("exports").join(&reference)).unwrap();
    let text = String::from_utf8(file.clone()).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(';').collect()).collect();
    let columns = ["Debet", "Credit"].map(|name| rows[0].iter().position(|c| *c == name).unwrap());
    let sums = columns.map(|column| -> i64 {
        let cents = |row: &Vec<&str>| row[column].replace(',', "").parse::<i64>().unwrap();
        rows[1..].iter().map(cents).sum()
    });
    assert_eq!((rows.len(), sums), (15, [total_cents, total_cents]));
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
    let row = host.rows(&[Kind::ExportFile]).await.remove(0);
    assert_eq!(
        host.body(row.seq).await,
        file,
        "the ledger holds the exact bytes"
    );
    let trail = super::trail(&host, 6).await;
    assert_eq!(trail[1].method_of_exporting, Some(ExportMethod::Download));
    assert_eq!(trail[1].reference, Some(reference));
}
