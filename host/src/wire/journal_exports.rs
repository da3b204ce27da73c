//! The audit trail of the export of a journal run:
//! `GetJournalRunExportAuditTrailByJournalRunId`.
//!
//! An item of Loket's trail is an export with its end; an item of koppel's is a
//! change of the status of the journal run. Of the keys of Loket's
//! `exportStatus` only one is known (4, "Downloaded"), and it is no status of a
//! journal run. So koppel writes that status as a member of its own,
//! `journalRunStatus`, and reads an item without it as an export that failed,
//! if it has an error message, or else succeeded. `runId` and `reference` are
//! koppel's own too; an item without a run has the nil UUID (RFC 9562, section
//! 5.9).

use super::journal_runs::Status;
use super::shared::{Id, KeyValue, Moment, Person};
use crate::bindings::koppel::loket::journal_runs as record;
use crate::bindings::koppel::loket::journal_runs::{ExportMethod, JournalRunStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An item of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportAuditRecord {
    /// Its identifier.
    pub id: Id,
    /// Its number.
    pub sequence_number: u32,
    /// How it went. koppel writes the status of the journal run, with its key.
    pub export_status: KeyValue,
    /// The user on whose behalf it was done.
    pub exported_by: Person,
    /// When.
    pub exported_on: Moment,
    /// Through what: an accounting package. koppel writes the client, with key
    /// 0.
    pub exported_to: KeyValue,
    /// How the journal run left: 1 sent, 2 downloaded.
    pub method_of_exporting: Option<KeyValue>,
    /// Why it failed. The spelling is Loket's.
    #[serde(rename = "returendErrorMessage")]
    pub returned_error_message: Option<String>,
    /// The status that the journal run has since. A member of koppel.
    #[serde(default)]
    pub journal_run_status: Option<Status>,
    /// The run that did it. A member of koppel.
    #[serde(default)]
    pub run_id: Option<Id>,
    /// The reference in the accounting package, or the name of the file. A
    /// member of koppel.
    #[serde(default)]
    pub reference: Option<String>,
}

impl From<ExportAuditRecord> for record::ExportAuditRecord {
    fn from(item: ExportAuditRecord) -> Self {
        let ended = match item.returned_error_message {
            Some(_) => JournalRunStatus::ExportFailed,
            None => JournalRunStatus::Exported,
        };
        Self {
            id: item.id.0,
            sequence_number: item.sequence_number,
            export_status: item.journal_run_status.map_or(ended, |status| status.0),
            exported_by: item.exported_by.formatted_name,
            exported_on: item.exported_on.0,
            exported_to: item.exported_to.value,
            method_of_exporting: match item.method_of_exporting.map(|method| method.key) {
                Some(1) => Some(ExportMethod::Send),
                Some(2) => Some(ExportMethod::Download),
                _ => None,
            },
            run_id: item
                .run_id
                .map_or_else(|| Uuid::nil().to_string(), |run| run.0),
            reference: item.reference,
            returned_error_message: item.returned_error_message,
        }
    }
}

impl From<record::ExportAuditRecord> for ExportAuditRecord {
    fn from(item: record::ExportAuditRecord) -> Self {
        let method = |method| {
            let (key, value) = match method {
                ExportMethod::Send => (1, "Versturen"),
                ExportMethod::Download => (2, "Download"),
            };
            KeyValue {
                key,
                value: value.to_owned(),
            }
        };
        Self {
            id: Id(item.id),
            sequence_number: item.sequence_number,
            export_status: Status(item.export_status).into(),
            exported_by: Person::named(item.exported_by),
            exported_on: Moment(item.exported_on),
            exported_to: KeyValue {
                key: 0,
                value: item.exported_to,
            },
            method_of_exporting: item.method_of_exporting.map(method),
            returned_error_message: item.returned_error_message,
            journal_run_status: Some(Status(item.export_status)),
            run_id: Some(Id(item.run_id)),
            reference: item.reference,
        }
    }
}
