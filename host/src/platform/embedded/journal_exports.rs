//! The export of journal runs in SQLite. What is read and written together is
//! in one immediate transaction, so that it holds across processes.

use super::journal_runs::{JOURNAL_RUN, status};
use super::record::{Order, Record, pages, uuid};
use super::{Embedded, Failure};
use crate::bindings::koppel::loket::journal_runs::{
    ExportAuditRecord, ExportAuditRecordPage, ExportMethod, JournalRun, JournalRunChange,
    JournalRunStatus,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::platform::{
    ChangedBy, ExportClaim, ExportEnd, JournalExports, status_key, status_words,
};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use uuid::Uuid;

static AUDIT_RECORD: Record<ExportAuditRecord> = Record {
    table: "journal_run_change",
    columns: "id, ord, status, user, time, client, method, run, reference, error",
    read: |row| {
        Ok(ExportAuditRecord {
            id: row.get(1)?,
            sequence_number: row.get(2)?,
            export_status: status(row, 3)?,
            exported_by: row.get(4)?,
            exported_on: row.get(5)?,
            exported_to: row.get(6)?,
            method_of_exporting: row.get::<_, Option<u8>>(7)?.map(method),
            run_id: row.get(8)?,
            reference: row.get(9)?,
            returned_error_message: row.get(10)?,
        })
    },
};

pages! { ExportAuditRecordPage of ExportAuditRecord }

/// The method with this key; the schema allows no other.
fn method(key: u8) -> ExportMethod {
    if key == method_key(ExportMethod::Download) {
        ExportMethod::Download
    } else {
        ExportMethod::Send
    }
}

/// Loket's key of a method.
fn method_key(method: ExportMethod) -> u8 {
    match method {
        ExportMethod::Send => 1,
        ExportMethod::Download => 2,
    }
}

/// The claim on a journal run, if there is one.
fn claim(connection: &Connection, journal_run: &str) -> rusqlite::Result<Option<ExportClaim>> {
    let read = |row: &Row<'_>| {
        Ok(ExportClaim {
            by: ChangedBy {
                run: uuid(row, 0)?,
                client: row.get(1)?,
                user: row.get(2)?,
            },
            method: method(row.get(3)?),
            since: row.get(4)?,
            from: status(row, 5)?,
        })
    };
    connection
        .prepare_cached(
            "SELECT run, client, user, method, since, status FROM journal_run_claim WHERE journal_run = ?1",
        )?
        .query_row([journal_run], read)
        .optional()
}

/// What is told to who wants a journal run that another run has.
fn taken(journal_run: &str, claim: Option<&ExportClaim>) -> ActivityError {
    let whose = match claim {
        Some(ExportClaim { by, since, .. }) => format!(
            "is being exported by run {} (client \"{}\", user \"{}\") since {since}; if that run is gone",
            by.run, by.client, by.user
        ),
        None => "has status 5 (being exported), but no run of koppel has it; if nothing else does"
            .to_owned(),
    };
    ActivityError::Conflict(format!(
        "journal run {journal_run} {whose}, `koppel journal-runs release {journal_run}` frees it"
    ))
}

/// A change of status to be made.
struct Change {
    status: JournalRunStatus,
    method: Option<ExportMethod>,
    reference: Option<String>,
    error: Option<String>,
}

impl Change {
    /// To a status before which an export was under way, or none.
    fn to(status: JournalRunStatus, claim: Option<&ExportClaim>) -> Self {
        Self {
            status,
            method: claim.map(|claim| claim.method),
            reference: None,
            error: None,
        }
    }

    /// Makes it and notes it in the audit trail. One that is being exported
    /// from now on is claimed; any other is not any more.
    fn make(
        &self,
        transaction: &Transaction<'_>,
        before: &JournalRun,
        by: &ChangedBy,
    ) -> Result<JournalRun, Failure> {
        let id = &before.id;
        let time = jiff::Timestamp::now().to_string();
        let run = by.run.to_string();
        let method = self.method.map(method_key);
        transaction.execute(
            "UPDATE journal_run SET status = ?2 WHERE id = ?1",
            params![id, status_key(self.status)],
        )?;
        transaction.execute("DELETE FROM journal_run_claim WHERE journal_run = ?1", [id])?;
        if self.status == JournalRunStatus::BeingExported {
            transaction.execute(
                "INSERT INTO journal_run_claim (journal_run, run, client, user, method, since, status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![id, run, by.client, by.user, method, time, status_key(before.status)],
            )?;
        }
        transaction.execute(
            "INSERT INTO journal_run_change (journal_run, ord, id, time, status, run, client, user, method, reference, error)
             SELECT ?1, coalesce(max(ord), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM journal_run_change WHERE journal_run = ?1",
            params![id, Uuid::now_v7().to_string(), time, status_key(self.status), run, by.client, by.user, method, self.reference, self.error],
        )?;
        JOURNAL_RUN.one(transaction, id)
    }
}

/// The last change of a journal run.
struct LastChange {
    run: String,
    status: JournalRunStatus,
    reference: Option<String>,
    error: Option<String>,
}

impl LastChange {
    /// Whether it is this change, made by this run, and still holds.
    fn is(&self, run: Uuid, status: JournalRunStatus, change: &JournalRunChange) -> bool {
        let (to, same) = match change {
            JournalRunChange::MarkAsProcessed(reference) => (
                JournalRunStatus::Exported,
                self.reference.as_ref() == Some(reference),
            ),
            JournalRunChange::MarkAsProcessingFailed(reason) => (
                JournalRunStatus::ExportFailed,
                self.error.as_ref() == Some(reason),
            ),
        };
        same && self.run == run.to_string() && self.status == to && status == to
    }
}

impl Embedded {
    async fn last_change(&self, journal_run: Uuid) -> Result<Option<LastChange>, ActivityError> {
        self.ask(move |connection| {
            let read = |row: &Row<'_>| {
                Ok(LastChange {
                    run: row.get(0)?,
                    status: status(row, 1)?,
                    reference: row.get(2)?,
                    error: row.get(3)?,
                })
            };
            Ok(connection
                .prepare_cached(
                    "SELECT run, status, reference, error FROM journal_run_change WHERE journal_run = ?1 ORDER BY ord DESC LIMIT 1",
                )?
                .query_row([journal_run.to_string()], read)
                .optional()?)
        })
        .await
    }

    /// Changes a journal run in a transaction of its own. `decide` is given the
    /// journal run and the claim on it; it says what to change, or why it may
    /// not be, or with none that it stays as it is.
    async fn change(
        &self,
        journal_run: Uuid,
        by: &ChangedBy,
        decide: impl FnOnce(&JournalRun, Option<&ExportClaim>) -> Result<Option<Change>, ActivityError>
        + Send
        + 'static,
    ) -> Result<JournalRun, ActivityError> {
        let (id, by) = (journal_run.to_string(), by.clone());
        self.ask(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let before = JOURNAL_RUN.one(&transaction, &id)?;
            let claim = claim(&transaction, &id)?;
            let Some(change) = decide(&before, claim.as_ref())? else {
                return Ok(before);
            };
            let after = change.make(&transaction, &before, &by)?;
            transaction.commit()?;
            Ok(after)
        })
        .await
    }
}

#[async_trait]
impl JournalExports for Embedded {
    async fn begin_export(
        &self,
        journal_run: Uuid,
        by: &ChangedBy,
        method: ExportMethod,
    ) -> Result<JournalRun, ActivityError> {
        let beginning = by.run;
        self.change(journal_run, by, move |run, claim| match run.status {
            JournalRunStatus::Ready | JournalRunStatus::ExportFailed => Ok(Some(Change {
                method: Some(method),
                ..Change::to(JournalRunStatus::BeingExported, None)
            })),
            // It was interrupted, and goes on.
            JournalRunStatus::BeingExported
                if claim.is_some_and(|claim| claim.by.run == beginning) =>
            {
                Ok(None)
            }
            JournalRunStatus::BeingExported => Err(taken(&run.id, claim)),
            status => Err(ActivityError::Conflict(format!(
                "journal run {} cannot be exported: its status is {}; only 4 (ready) and 6 (export failed) can",
                run.id,
                status_words(status)
            ))),
        })
        .await
    }

    async fn end_export(
        &self,
        journal_run: Uuid,
        by: &ChangedBy,
        end: &ExportEnd,
    ) -> Result<JournalRun, ActivityError> {
        let (end, ending) = (end.clone(), by.run);
        self.change(journal_run, by, move |_, claim| {
            let Some(claim) = claim.filter(|claim| claim.by.run == ending) else {
                return Ok(None);
            };
            let (status, why) = match end {
                ExportEnd::GivenBack(why) => (claim.from, why),
                ExportEnd::Failed(why) => (JournalRunStatus::ExportFailed, why),
            };
            Ok(Some(Change {
                error: Some(why),
                ..Change::to(status, Some(claim))
            }))
        })
        .await
    }

    async fn release_export(
        &self,
        journal_run: Uuid,
        by: &ChangedBy,
        reason: &str,
    ) -> Result<JournalRun, ActivityError> {
        let why = format!("released: {reason}");
        self.change(journal_run, by, move |run, claim| {
            if run.status != JournalRunStatus::BeingExported {
                return Err(ActivityError::Conflict(format!(
                    "journal run {} is not being exported: its status is {}",
                    run.id,
                    status_words(run.status)
                )));
            }
            Ok(Some(Change {
                error: Some(why),
                ..Change::to(JournalRunStatus::ExportFailed, claim)
            }))
        })
        .await
    }

    async fn export_claim(&self, journal_run: Uuid) -> Result<Option<ExportClaim>, ActivityError> {
        self.ask(move |connection| Ok(claim(connection, &journal_run.to_string())?))
            .await
    }

    async fn change_journal_run(
        &self,
        id: Uuid,
        change: &JournalRunChange,
        by: &ChangedBy,
    ) -> Result<JournalRun, ActivityError> {
        let (change, changing) = (change.clone(), by.run);
        let last = self.last_change(id).await?;
        self.change(id, by, move |run, claim| {
            // The same run made it before it was interrupted.
            if last.is_some_and(|last| last.is(changing, run.status, &change)) {
                return Ok(None);
            }
            let (action, from, to) = match &change {
                JournalRunChange::MarkAsProcessed(_) => {
                    ("MarkAsProcessed", 4..=6, JournalRunStatus::Exported)
                }
                JournalRunChange::MarkAsProcessingFailed(_) => (
                    "MarkAsProcessingFailed",
                    4..=5,
                    JournalRunStatus::ExportFailed,
                ),
            };
            if !from.contains(&status_key(run.status)) {
                return Err(ActivityError::Conflict(format!(
                    "{action} needs journal run {} at status {} to {}; its status is {}",
                    run.id,
                    from.start(),
                    from.end(),
                    status_words(run.status)
                )));
            }
            if claim.is_some_and(|claim| claim.by.run != changing) {
                return Err(taken(&run.id, claim));
            }
            let plain = Change::to(to, claim);
            Ok(Some(match change {
                JournalRunChange::MarkAsProcessed(reference) => Change {
                    reference: Some(reference),
                    ..plain
                },
                JournalRunChange::MarkAsProcessingFailed(reason) => Change {
                    error: Some(reason),
                    ..plain
                },
            }))
        })
        .await
    }

    async fn journal_run_export_audit_trail(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<ExportAuditRecordPage, ActivityError> {
        let id = journal_run.to_string();
        let of = (AUDIT_RECORD.table, id.clone());
        self.in_order(of, page, move |connection, watched, page| {
            JOURNAL_RUN.one(connection, &id)?;
            let (from, filter) = ((connection, watched), "journal_run = ?1");
            let records = AUDIT_RECORD.page(from, filter, &id, Order::Ascending, page)?;
            Ok(records.into())
        })
        .await
    }
}
