//! Journal runs of the platform.

use super::Loket;
use super::client::Ask;
use super::pages::into_page;
use super::records::JOURNAL_RUNS;
use crate::bindings::koppel::loket::journal_runs::{
    JournalLinePage, JournalRun, JournalRunErrorPage, JournalRunPage, JournalRunStatus,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::catalogue::id as activity;
use crate::platform::{Entity, JournalRuns};
use crate::wire::journal_runs as wire;
use async_trait::async_trait;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

impl Loket {
    /// A journal run as the platform gives it.
    pub(super) async fn upstream_journal_run(&self, id: Uuid) -> Result<JournalRun, ActivityError> {
        let of = self.known.administration_of(Entity::JournalRun(id)).await?;
        let found = self.one::<wire::JournalRun>(activity::GetJournalRunByJournalRunId, id);
        Ok(found.await?.into_record(of.to_string()))
    }
}

/// A journal run as it stands for koppel: being exported, if a run has it.
fn shown(run: JournalRun, claimed: &HashSet<String>) -> JournalRun {
    let idle = matches!(
        run.status,
        JournalRunStatus::Ready | JournalRunStatus::ExportFailed
    );
    if idle && claimed.contains(&run.id) {
        return JournalRun {
            status: JournalRunStatus::BeingExported,
            ..run
        };
    }
    run
}

#[async_trait]
impl JournalRuns for Loket {
    async fn journal_runs(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunPage, ActivityError> {
        let of = Entity::PayrollAdministration(payroll_administration);
        let page = self.below::<wire::JournalRun>(&JOURNAL_RUNS, of, page);
        let (page, of) = (page.await?, payroll_administration.to_string());
        let claimed = self.claims.all().await?;
        Ok(into_page!(JournalRunPage, page, |run| shown(
            run.into_record(of.clone()),
            &claimed
        )))
    }

    async fn journal_run(&self, id: Uuid) -> Result<Arc<JournalRun>, ActivityError> {
        let run = self.upstream_journal_run(id).await?;
        Ok(Arc::new(shown(run, &self.claims.all().await?)))
    }

    async fn journal_run_results(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalLinePage, ActivityError> {
        let id = journal_run.to_string();
        let ask = Ask::about(activity::GetJournalRunResultsByJournalRunId, &id);
        let page = self.page::<wire::JournalLine>(ask, page).await?;
        Ok(into_page!(JournalLinePage, page, Into::into))
    }

    async fn journal_run_errors(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunErrorPage, ActivityError> {
        let id = journal_run.to_string();
        let ask = Ask::about(activity::GetJournalRunErrorsByJournalRunId, &id);
        let page = self.page::<wire::JournalRunError>(ask, page).await?;
        Ok(into_page!(JournalRunErrorPage, page, Into::into))
    }
}
