//! Journal runs of the platform.

use super::Loket;
use super::attribution::{same, uuid};
use super::client::Ask;
use super::pages::into_page;
use crate::bindings::koppel::loket::journal_runs::{
    JournalLinePage, JournalRun, JournalRunErrorPage, JournalRunPage, JournalRunStatus,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::catalogue::id as activity;
use crate::platform::{Entity, JournalRuns};
use crate::wire::envelope::Single;
use crate::wire::journal_runs as wire;
use async_trait::async_trait;
use std::collections::HashSet;
use uuid::Uuid;

/// Newest first.
const ORDER: &str = "-sequenceNumber";

impl Loket {
    /// A journal run as the platform gives it.
    pub(super) async fn upstream_journal_run(&self, id: Uuid) -> Result<JournalRun, ActivityError> {
        let administration = self.known.administration_of(Entity::JournalRun(id)).await?;
        let activity = activity::GetJournalRunByJournalRunId;
        let text = id.to_string();
        let ask = Ask {
            activity,
            id: &text,
            query: &[],
        };
        let found: Single<wire::JournalRun> = self.client.get(ask).await?;
        same(activity, id, &found.content.id)?;
        Ok(found.content.into_record(administration.to_string()))
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
        let activity = activity::GetJournalRunsByPayrollAdministrationId;
        let id = payroll_administration.to_string();
        let ask = Ask {
            activity,
            id: &id,
            query: &[],
        };
        let page = self
            .page::<wire::JournalRun>(ask, Some(ORDER), page)
            .await?;
        for run in &page.0 {
            let run = Entity::JournalRun(uuid(activity, &run.id)?);
            self.known.run(run, payroll_administration).await;
        }
        Ok(into_page!(JournalRunPage, page, |run| run.into_record(id.clone())))
    }

    async fn journal_run(&self, id: Uuid) -> Result<JournalRun, ActivityError> {
        let run = self.upstream_journal_run(id).await?;
        Ok(shown(run, &self.claims.all().await?))
    }

    async fn journal_run_results(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalLinePage, ActivityError> {
        let id = journal_run.to_string();
        let ask = Ask {
            activity: activity::GetJournalRunResultsByJournalRunId,
            id: &id,
            query: &[],
        };
        let page = self.page::<wire::JournalLine>(ask, None, page).await?;
        Ok(into_page!(JournalLinePage, page, Into::into))
    }

    async fn journal_run_errors(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunErrorPage, ActivityError> {
        let id = journal_run.to_string();
        let ask = Ask {
            activity: activity::GetJournalRunErrorsByJournalRunId,
            id: &id,
            query: &[],
        };
        let page = self.page::<wire::JournalRunError>(ask, None, page).await?;
        Ok(into_page!(JournalRunErrorPage, page, Into::into))
    }
}
