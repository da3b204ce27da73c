//! `koppel:loket/journal-runs`.

use super::{Domain, id, invalid};
use crate::bindings::koppel::loket::journal_runs::JournalRunChange;
use crate::bindings::koppel::loket::types::PageRequest;
use crate::catalogue::id as activity;
use crate::platform::Entity;

/// The longest reference or reason of a change, in bytes.
const TEXT_BYTES: usize = 1_000;

pub(super) fn link(domain: &mut Domain<'_>) -> wasmtime::Result<()> {
    domain.activity(
        activity::GetJournalRunsByPayrollAdministrationId,
        |(administration, _): &(String, PageRequest)| {
            let administration = id("payrollAdministrationId", administration)?;
            Ok(Some(Entity::PayrollAdministration(administration)))
        },
        |call, (administration, page): (String, PageRequest)| async move {
            let administration = id("payrollAdministrationId", &administration)?;
            Ok(call.platform().journal_runs(administration, &page).await?)
        },
    )?;
    domain.record(
        activity::GetJournalRunByJournalRunId,
        |(run,): &(String,)| Ok(Some(Entity::JournalRun(id("journalrunId", run)?))),
        |call, (run,): (String,)| async move {
            let run = id("journalrunId", &run)?;
            Ok(call.platform().journal_run(run).await?)
        },
    )?;
    domain.activity(
        activity::GetJournalRunResultsByJournalRunId,
        |(run, _): &(String, PageRequest)| Ok(Some(Entity::JournalRun(id("journalrunId", run)?))),
        |call, (run, page): (String, PageRequest)| async move {
            let run = id("journalrunId", &run)?;
            Ok(call.platform().journal_run_results(run, &page).await?)
        },
    )?;
    domain.activity(
        activity::GetJournalRunErrorsByJournalRunId,
        |(run, _): &(String, PageRequest)| Ok(Some(Entity::JournalRun(id("journalrunId", run)?))),
        |call, (run, page): (String, PageRequest)| async move {
            let run = id("journalrunId", &run)?;
            Ok(call.platform().journal_run_errors(run, &page).await?)
        },
    )?;
    domain.activity(
        activity::GetJournalRunExportAuditTrailByJournalRunId,
        |(run, _): &(String, PageRequest)| Ok(Some(Entity::JournalRun(id("journalrunId", run)?))),
        |call, (run, page): (String, PageRequest)| async move {
            let run = id("journalrunId", &run)?;
            let platform = call.platform();
            Ok(platform.journal_run_export_audit_trail(run, &page).await?)
        },
    )?;
    domain.activity(
        activity::PatchJournalRunByJournalRunId,
        |(run, _): &(String, JournalRunChange)| {
            Ok(Some(Entity::JournalRun(id("journalrunId", run)?)))
        },
        |call, (run, change): (String, JournalRunChange)| async move {
            let run = id("journalrunId", &run)?;
            // It stays in the audit trail, and may be what an outside party
            // said: no place for a secret.
            let clean = |text| call.session.ledger.redactor().text(text);
            let change = match change {
                JournalRunChange::MarkAsProcessed(reference) => {
                    JournalRunChange::MarkAsProcessed(clean(reference))
                }
                JournalRunChange::MarkAsProcessingFailed(reason) => {
                    JournalRunChange::MarkAsProcessingFailed(clean(reason))
                }
            };
            let (action, text) = match &change {
                JournalRunChange::MarkAsProcessed(reference) => ("MarkAsProcessed", reference),
                JournalRunChange::MarkAsProcessingFailed(reason) => {
                    ("MarkAsProcessingFailed", reason)
                }
            };
            if text.len() > TEXT_BYTES {
                let problem = format!("is {} bytes; at most {TEXT_BYTES}", text.len());
                return Err(invalid("message", problem).into());
            }
            let what = format!("{action} journal run {run}: {text}");
            call.record_write(activity::PatchJournalRunByJournalRunId, what)
                .await?;
            let by = call.session.changed_by();
            Ok(call
                .platform()
                .change_journal_run(run, &change, &by)
                .await?)
        },
    )
}
