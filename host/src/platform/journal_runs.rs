//! Journal runs (journaliseringen).

use crate::bindings::koppel::loket::journal_runs::{
    JournalLinePage, JournalRun, JournalRunErrorPage, JournalRunPage, JournalRunStatus,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

/// Journal runs (journaliseringen).
#[async_trait]
pub trait JournalRuns: Send + Sync {
    /// The journal runs of a payroll administration, newest first.
    async fn journal_runs(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunPage, ActivityError>;

    /// One journal run.
    async fn journal_run(&self, id: Uuid) -> Result<Arc<JournalRun>, ActivityError>;

    /// The lines of a journal run; `conflict` while it has none (status 0 to 3).
    async fn journal_run_results(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalLinePage, ActivityError>;

    /// Why a journal run failed.
    async fn journal_run_errors(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunErrorPage, ActivityError>;
}

/// The statuses in the order of Loket's keys, 0 to 7, with words for a person.
const STATUSES: [(JournalRunStatus, &str); 8] = [
    (JournalRunStatus::ReadyToJournalise, "ready to journalise"),
    (JournalRunStatus::NoResults, "no results"),
    (JournalRunStatus::Failed, "failed"),
    (JournalRunStatus::Deleted, "deleted"),
    (JournalRunStatus::Ready, "ready"),
    (JournalRunStatus::BeingExported, "being exported"),
    (JournalRunStatus::ExportFailed, "export failed"),
    (JournalRunStatus::Exported, "exported"),
];

/// The status of a journal run with this key (Loket's `journalRunStatus.key`,
/// 0 to 7).
pub fn status_of_key(key: usize) -> Option<JournalRunStatus> {
    STATUSES.get(key).map(|(status, _)| *status)
}

/// Loket's key of a status, 0 to 7.
pub fn status_key(status: JournalRunStatus) -> usize {
    let known = |(known, _): &(JournalRunStatus, &str)| *known == status;
    STATUSES.iter().position(known).unwrap_or_default()
}

/// A status for a person: `7 (exported)`.
pub fn status_words(status: JournalRunStatus) -> String {
    let key = status_key(status);
    format!("{key} ({})", STATUSES[key].1)
}
