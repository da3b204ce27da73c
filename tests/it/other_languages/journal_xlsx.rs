//! journal-xlsx, in Python with a package from PyPI: activities, an export file
//! and the end of a journal run.

use crate::harness::{TestHost, error};
use crate::journal::{process, set_status, short, sql, status};
use calamine::{Data, DataType, Range, Reader, Xlsx, open_workbook};
use koppel_host::bindings::koppel::loket::journal_runs::JournalRunStatus;
use koppel_host::ledger::Kind;
use koppel_host::platform::seed;
use koppel_host::runs::Output;

const CLIENT: &str = "journal-xlsx";

const GRANTED: &str = r#"activities = ["GetJournalRunByJournalRunId", "GetJournalRunResultsByJournalRunId", "PatchJournalRunByJournalRunId", "PostDownloadJournalRunExportByJournalRunId"]
exports = { directory = "exports", quota-bytes = 50_000_000, activity = "PostDownloadJournalRunExportByJournalRunId" }
limits = { compile-effort = 1_000_000_000, compile-ms = 300_000 }"#;

async fn host() -> Option<TestHost> {
    super::host(CLIENT, GRANTED).await
}

/// A sheet of an exported workbook.
fn sheet(host: &TestHost, file: &str, name: &str) -> Range<Data> {
    let path = host.dir.path().join("exports").join(file);
    let mut workbook: Xlsx<_> = open_workbook(path).unwrap();
    workbook.worksheet_range(name).unwrap()
}

/// The sum of a column in cents, without the header and the sum below it.
fn cents(sheet: &Range<Data>, title: &str) -> i64 {
    let mut rows = sheet.rows();
    let header = rows.next().unwrap();
    let column = header.iter().position(|cell| *cell == title).unwrap();
    let amounts: Vec<f64> = rows.map(|row| row[column].get_float().unwrap()).collect();
    let (sum, amounts) = amounts.split_last().unwrap();
    let cents = |amount: &f64| (amount * 100.0).round() as i64;
    let total = amounts.iter().map(cents).sum();
    assert_eq!(cents(sum), total, "{title}");
    total
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_becomes_a_workbook_that_balances_and_is_in_the_ledger() {
    let Some(host) = host().await else { return };
    let outcome = process(&host, CLIENT, 6).await.outcome.unwrap();
    let reference = format!("journaal_2025-06_6_{}.xlsx", short(6));
    let expected = Output::JournalRun {
        delivery: "exported",
        reference: reference.clone(),
        lines: 14,
        total_cents: 6_806_131,
    };
    assert_eq!(outcome, expected);
    let lines = sheet(&host, &reference, "Journaalpost");
    assert_eq!(lines.height(), 16, "a header, 14 lines, the sums");
    assert_eq!(cents(&lines, "Debet"), 6_806_131);
    assert_eq!(cents(&lines, "Credit"), 6_806_131);
    let first: Vec<String> = lines.rows().nth(1).unwrap()[..6]
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(first[..2], ["SAL", "2025-06_6"]);
    let totals = sheet(&host, &reference, "Totalen");
    assert_eq!(cents(&totals, "Debet"), 6_806_131);
    assert_eq!(cents(&totals, "Saldo"), 0);
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
    let row = host.rows(&[Kind::ExportFile]).await.remove(0);
    let file = std::fs::read(host.dir.path().join("exports").join(&reference)).unwrap();
    assert_eq!(
        host.body(row.seq).await,
        file,
        "the ledger holds the exact bytes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_the_payroll_never_becomes_a_formula() {
    let Some(host) = host().await else { return };
    let id = seed::journal_run_id(1, 6);
    let evil = "=HYPERLINK(\"http://evil.test\")";
    sql(
        &host,
        &format!(
            "UPDATE journal_line SET account_description = '{evil}' WHERE journal_run = '{id}'"
        ),
    );
    process(&host, CLIENT, 6).await.outcome.unwrap();
    let reference = format!("journaal_2025-06_6_{}.xlsx", short(6));
    let lines = sheet(&host, &reference, "Journaalpost");
    assert_eq!(
        lines.rows().nth(1).unwrap()[7],
        Data::String(evil.to_owned())
    );
    let path = host.dir.path().join("exports").join(&reference);
    let mut workbook: Xlsx<_> = open_workbook(path).unwrap();
    let formulas = workbook.worksheet_formula("Journaalpost").unwrap();
    let formulas: Vec<&String> = formulas.cells().map(|(_, _, formula)| formula).collect();
    assert_eq!(formulas, ["SUM(L2:L15)", "SUM(M2:M15)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_that_may_not_be_exported_is_refused_and_left_with_the_reason() {
    let Some(host) = host().await else { return };
    let id = seed::journal_run_id(1, 5);
    sql(
        &host,
        &format!(
            "UPDATE journal_line SET debit = debit + 1 WHERE ord = (SELECT min(ord) FROM journal_line WHERE journal_run = '{id}' AND debit > 0) AND journal_run = '{id}'"
        ),
    );
    let refused = error(process(&host, CLIENT, 5).await);
    assert!(
        refused.starts_with("refused: the journal does not balance: debit ")
            && refused.ends_with("difference 0.01"),
        "{refused}"
    );
    assert_eq!(status(&host, 5).await, JournalRunStatus::ExportFailed);
    assert!(!host.dir.path().join("exports").join(short(5)).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_that_was_published_but_not_marked_is_marked_by_the_next_run() {
    let Some(host) = host().await else { return };
    process(&host, CLIENT, 6).await.outcome.unwrap();
    let reference = format!("journaal_2025-06_6_{}.xlsx", short(6));
    let path = host.dir.path().join("exports").join(&reference);
    let before = std::fs::read(&path).unwrap();
    set_status(&host, 6, 6);
    let again = process(&host, CLIENT, 6).await;
    let said = again.log.iter().map(|line| line.text.as_str());
    assert!(
        said.clone()
            .any(|line| line.contains("was exported before; it is left as it is")),
        "{:?}",
        again.log
    );
    again.outcome.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_denied_like_any_connector() {
    let Some(host) = host().await else { return };
    let job = koppel_host::runs::Job::ProcessJournalRun(seed::journal_run_id(1, 6));
    assert_eq!(
        error(host.run(CLIENT, "tim", 1, job).await),
        "denied by check user: PatchJournalRunByJournalRunId: user \"tim\" has no right that gives PatchJournalRunByJournalRunId\nto allow it, put in the configuration:\n  [[users]] id = \"tim\" rights = [\"employers\", \"everything\"]"
    );
    let ungranted = GRANTED.replace("\"GetJournalRunResultsByJournalRunId\", ", "");
    let Some(client) = super::plugin(CLIENT, &ungranted) else {
        return;
    };
    let host = TestHost::new(&client).await;
    let refused = error(process(&host, CLIENT, 6).await);
    assert!(
        refused.contains("GetJournalRunResultsByJournalRunId")
            && refused.contains("[clients.journal-xlsx] activities = ["),
        "{refused}"
    );
}
