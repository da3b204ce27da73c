//! Journal runs (journaliseringen).

use crate::bindings::koppel::loket::journal_runs::{
    JournalLinePage, JournalRun, JournalRunChange, JournalRunErrorPage, JournalRunPage,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use async_trait::async_trait;
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
    async fn journal_run(&self, id: Uuid) -> Result<JournalRun, ActivityError>;

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

    /// Changes the status of a journal run and returns it as it is then;
    /// `conflict` when its status does not allow the change.
    async fn change_journal_run(
        &self,
        id: Uuid,
        change: &JournalRunChange,
    ) -> Result<JournalRun, ActivityError>;
}
