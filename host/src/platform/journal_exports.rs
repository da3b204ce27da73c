//! The export of journal runs: which run has one, and the audit trail.

use crate::bindings::koppel::loket::journal_runs::{
    ExportAuditRecordPage, ExportMethod, JournalRun, JournalRunChange, JournalRunStatus,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use async_trait::async_trait;
use uuid::Uuid;

/// Whose doing a change of a journal run is, for its audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedBy {
    /// The run.
    pub run: Uuid,
    /// The client.
    pub client: String,
    /// The user.
    pub user: String,
}

/// That a run has a journal run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportClaim {
    /// Which run, and whose.
    pub by: ChangedBy,
    /// How the journal run is to leave.
    pub method: ExportMethod,
    /// Since when, RFC 3339 in UTC.
    pub since: String,
    /// The status before: ready or export failed.
    pub from: JournalRunStatus,
}

/// How the export of a journal run ends that was not marked as processed. The
/// texts say why, for the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportEnd {
    /// Nothing was booked for certain: back to the status before.
    GivenBack(String),
    /// To 6 (export failed).
    Failed(String),
}

/// The export of journal runs.
///
/// A journal run is exported by one run of a connector at a time. Whoever calls
/// this may be one of several processes on the same data: each change is made
/// as a whole or not at all, and is in the audit trail.
#[async_trait]
pub trait JournalExports: Send + Sync {
    /// Claims a journal run for a run: from status 4 (ready) or 6 (export
    /// failed) to 5 (being exported). Returns it as it is then. A run that has
    /// it already keeps it.
    ///
    /// # Errors
    ///
    /// `conflict` when another run has it (the text names that run, and since
    /// when), or when its status is another one.
    async fn begin_export(
        &self,
        journal_run: Uuid,
        by: &ChangedBy,
        method: ExportMethod,
    ) -> Result<JournalRun, ActivityError>;

    /// Ends the claim of a run, if it still has one; otherwise nothing is
    /// changed. Returns the journal run as it is then.
    async fn end_export(
        &self,
        journal_run: Uuid,
        by: &ChangedBy,
        end: &ExportEnd,
    ) -> Result<JournalRun, ActivityError>;

    /// Takes a journal run from whatever run has it: from status 5 to 6. For a
    /// person, after the process of that run died.
    ///
    /// # Errors
    ///
    /// `conflict` when its status is another one.
    async fn release_export(
        &self,
        journal_run: Uuid,
        by: &ChangedBy,
        reason: &str,
    ) -> Result<JournalRun, ActivityError>;

    /// Which run has a journal run; none if none has.
    async fn export_claim(&self, journal_run: Uuid) -> Result<Option<ExportClaim>, ActivityError>;

    /// Changes the status of a journal run and returns it as it is then. The
    /// same change by the same run, if it was the last one, changes nothing
    /// where [`super::Owners::repeatable`] says so.
    ///
    /// # Errors
    ///
    /// `conflict` when its status does not allow the change, or when another
    /// run has it.
    async fn change_journal_run(
        &self,
        id: Uuid,
        change: &JournalRunChange,
        by: &ChangedBy,
    ) -> Result<JournalRun, ActivityError>;

    /// The audit trail of a journal run, oldest first.
    async fn journal_run_export_audit_trail(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<ExportAuditRecordPage, ActivityError>;
}
