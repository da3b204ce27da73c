//! The export of journal runs of the platform. Who has one is koppel's own
//! ([`super::claims`]); that it was processed or failed is told to the
//! platform. A journal run that a run of koppel has is shown with status 5
//! (being exported), although the platform has it at 4 or 6 meanwhile.

use super::Loket;
use super::attribution::same;
use super::client::Ask;
use super::pages::into_page;
use crate::bindings::koppel::loket::journal_runs::{
    ExportAuditRecordPage, ExportMethod, JournalRun, JournalRunChange, JournalRunStatus,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::catalogue::id as activity;
use crate::platform::{
    ChangedBy, Entity, ExportClaim, ExportEnd, JournalExports, JournalRuns, in_words, status_words,
};
use crate::wire::envelope::Single;
use crate::wire::journal_exports::ExportAuditRecord;
use crate::wire::journal_runs as wire;
use async_trait::async_trait;
use http::Method;
use std::sync::Arc;
use uuid::Uuid;

/// What is told to who wants a journal run that another run has.
fn taken(journal_run: Uuid, ExportClaim { by, since, .. }: &ExportClaim) -> ActivityError {
    ActivityError::Conflict(format!(
        "journal run {journal_run} is being exported by run {} (client \"{}\", user \"{}\") since {since}; if that run is gone, `koppel journal-runs release {journal_run}` frees it",
        by.run, by.client, by.user
    ))
}

impl Loket {
    /// Tells the platform what became of a journal run.
    async fn tell(&self, id: Uuid, change: JournalRunChange) -> Result<JournalRun, ActivityError> {
        let administration = self.known.administration_of(Entity::JournalRun(id)).await?;
        let activity = activity::PatchJournalRunByJournalRunId;
        let text = id.to_string();
        let ask = Ask::about(activity, &text);
        let body = serde_json::to_vec(&wire::Change::from(change))
            .map_err(|error| ActivityError::Other(error.to_string()))?;
        let changed: Option<Single<wire::JournalRun>> =
            self.client.change(Method::PATCH, ask, body).await?;
        match changed {
            Some(changed) if same(activity, id, &changed.content.id).is_ok() => {
                Ok(changed.content.into_record(administration.to_string()))
            }
            // It was done; what became of it is asked for.
            _ => self.upstream_journal_run(id).await.map_err(|error| {
                let why = in_words(&error);
                ActivityError::Other(format!(
                    "{activity} was done, but the journal run cannot be read: {why}"
                ))
            }),
        }
    }

    /// Tells the platform that the export of a journal run failed, unless it
    /// stands so there, or the platform says that this is not for it to change.
    async fn tell_failed(
        &self,
        id: Uuid,
        from: JournalRunStatus,
        why: &str,
    ) -> Result<(), ActivityError> {
        if from == JournalRunStatus::ExportFailed {
            return Ok(());
        }
        let change = JournalRunChange::MarkAsProcessingFailed(why.to_owned());
        match self.tell(id, change).await {
            Ok(_) => Ok(()),
            Err(error @ (ActivityError::Conflict(_) | ActivityError::Invalid(_))) => {
                tracing::warn!(journal_run = %id, why = in_words(&error), "the platform did not mark the journal run as failed");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl JournalExports for Loket {
    async fn begin_export(
        &self,
        journal_run: Uuid,
        by: &ChangedBy,
        method: ExportMethod,
    ) -> Result<JournalRun, ActivityError> {
        let claim = ExportClaim {
            by: by.clone(),
            method,
            since: jiff::Timestamp::now().to_string(),
            from: JournalRunStatus::Ready,
        };
        // First the claim, then the status: what was exported before the claim
        // is seen to be.
        if let Some(other) = self.claims.take(journal_run, claim).await? {
            if other.by.run != by.run {
                return Err(taken(journal_run, &other));
            }
            // It was interrupted, and goes on.
            return self
                .journal_run(journal_run)
                .await
                .map(Arc::unwrap_or_clone);
        }
        let refused = match self.upstream_journal_run(journal_run).await {
            Ok(run) => match run.status {
                from @ (JournalRunStatus::Ready | JournalRunStatus::ExportFailed) => {
                    self.claims.came_from(journal_run, from).await?;
                    return Ok(JournalRun {
                        status: JournalRunStatus::BeingExported,
                        ..run
                    });
                }
                JournalRunStatus::BeingExported => ActivityError::Conflict(format!(
                    "journal run {journal_run} has status 5 (being exported) at the platform, but no run of koppel has it; if nothing else does, `koppel journal-runs release {journal_run}` frees it"
                )),
                status => ActivityError::Conflict(format!(
                    "journal run {journal_run} cannot be exported: its status is {}; only 4 (ready) and 6 (export failed) can",
                    status_words(status)
                )),
            },
            Err(error) => error,
        };
        self.claims.end(journal_run, by.run).await?;
        Err(refused)
    }

    async fn end_export(
        &self,
        journal_run: Uuid,
        by: &ChangedBy,
        end: &ExportEnd,
    ) -> Result<JournalRun, ActivityError> {
        let claim = self.claims.get(journal_run).await?;
        if let Some(claim) = claim.filter(|claim| claim.by.run == by.run) {
            if let ExportEnd::Failed(why) = end {
                self.tell_failed(journal_run, claim.from, why).await?;
            }
            self.claims.end(journal_run, by.run).await?;
        }
        self.journal_run(journal_run)
            .await
            .map(Arc::unwrap_or_clone)
    }

    async fn release_export(
        &self,
        journal_run: Uuid,
        _: &ChangedBy,
        reason: &str,
    ) -> Result<JournalRun, ActivityError> {
        let why = format!("released: {reason}");
        match self.claims.get(journal_run).await? {
            Some(claim) => {
                self.tell_failed(journal_run, claim.from, &why).await?;
                self.claims.end(journal_run, claim.by.run).await?;
            }
            None => {
                let run = self.upstream_journal_run(journal_run).await?;
                if run.status != JournalRunStatus::BeingExported {
                    return Err(ActivityError::Conflict(format!(
                        "journal run {journal_run} is not being exported: its status is {}",
                        status_words(run.status)
                    )));
                }
                let change = JournalRunChange::MarkAsProcessingFailed(why);
                return self.tell(journal_run, change).await;
            }
        }
        self.journal_run(journal_run)
            .await
            .map(Arc::unwrap_or_clone)
    }

    async fn export_claim(&self, journal_run: Uuid) -> Result<Option<ExportClaim>, ActivityError> {
        self.claims.get(journal_run).await
    }

    async fn change_journal_run(
        &self,
        id: Uuid,
        change: &JournalRunChange,
        by: &ChangedBy,
    ) -> Result<JournalRun, ActivityError> {
        let claim = self.claims.get(id).await?;
        if let Some(other) = claim.as_ref().filter(|claim| claim.by.run != by.run) {
            return Err(taken(id, other));
        }
        let from = claim.map(|claim| claim.from);
        let failed = matches!(change, JournalRunChange::MarkAsProcessingFailed(_));
        let changed = if failed && from == Some(JournalRunStatus::ExportFailed) {
            // The platform has it so.
            self.upstream_journal_run(id).await?
        } else {
            self.tell(id, change.clone()).await?
        };
        self.claims.end(id, by.run).await?;
        Ok(changed)
    }

    /// What koppel itself did is in its ledger; that a run of it has the
    /// journal run is not in the platform's trail.
    async fn journal_run_export_audit_trail(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<ExportAuditRecordPage, ActivityError> {
        let id = journal_run.to_string();
        let ask = Ask::about(activity::GetJournalRunExportAuditTrailByJournalRunId, &id);
        let page = self.page::<ExportAuditRecord>(ask, page).await?;
        Ok(into_page!(ExportAuditRecordPage, page, Into::into))
    }
}
