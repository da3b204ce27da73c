//! Connectors of kind journal as components, from the payroll data to the
//! accounting package.

mod claim;
mod csv;
pub(crate) mod exact;
mod moneybird;
mod release;
mod xaf;

pub(crate) use xaf::validate;

use crate::harness::{ANNA, TestHost};
use koppel_host::bindings::koppel::loket::journal_runs::{ExportAuditRecord, JournalRunStatus};
use koppel_host::bindings::koppel::loket::types::PageRequest;
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunReport};
use uuid::Uuid;

/// What `journal-xaf` takes.
pub(crate) const XAF: &str = r#"activities = ["GetEmployerByEmployerId", "GetPayrollAdministrationsByEmployerId", "GetJournalRunByJournalRunId", "GetJournalRunResultsByJournalRunId", "PatchJournalRunByJournalRunId", "PostDownloadJournalRunExportByJournalRunId"]
exports = { directory = "exports", quota-bytes = 50_000_000, activity = "PostDownloadJournalRunExportByJournalRunId" }"#;

/// What connectors take that book over HTTP, at a party on this machine.
fn booking(port: u16, settings: &str) -> String {
    format!(
        r#"activities = ["GetJournalRunByJournalRunId", "GetJournalRunResultsByJournalRunId", "PatchJournalRunByJournalRunId", "PostSendJournalRunExportByJournalRunId"]
http = [{{ allow = "http://party.test:{port}/api/*", methods = ["GET", "POST"], credential = "party", activity = "PostSendJournalRunExportByJournalRunId", allow-private-addresses = true }}]
settings = {{ base-url = "http://party.test:{port}", {settings} }}
[credentials.party]
header = "Authorization"
scheme = "Bearer"
value = {{ file = "token" }}"#
    )
}

/// The journal run of employer 1 for a period.
fn id(period: i8) -> Uuid {
    seed::journal_run_id(1, period)
}

/// Its first digits, as names of files hold them.
pub(crate) fn short(period: i8) -> String {
    id(period).to_string()[..8].to_owned()
}

pub(crate) async fn process(host: &TestHost, client: &str, period: i8) -> RunReport {
    host.run(client, ANNA, 1, Job::ProcessJournalRun(id(period)))
        .await
}

pub(crate) async fn status(host: &TestHost, period: i8) -> JournalRunStatus {
    let run = host.host.platform().journal_run(id(period)).await;
    run.unwrap().status
}

async fn trail(host: &TestHost, period: i8) -> Vec<ExportAuditRecord> {
    let page = PageRequest {
        cursor: None,
        size: 100,
    };
    let platform = host.host.platform();
    let trail = platform.journal_run_export_audit_trail(id(period), &page);
    trail.await.unwrap().items
}

/// Changes the payroll data behind the back of the host.
pub(crate) fn sql(host: &TestHost, sql: &str) {
    let path = host.dir.path().join("data/koppel.db");
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
}

pub(crate) fn set_status(host: &TestHost, period: i8, status: u8) {
    let id = id(period);
    sql(
        host,
        &format!("UPDATE journal_run SET status = {status} WHERE id = '{id}'"),
    );
}
