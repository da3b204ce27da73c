//! Journal runs in SQLite.

use super::Embedded;
use super::record::{Order, Record, key_value, pages, period};
use crate::bindings::koppel::loket::journal_runs::{
    Coded, JournalLine, JournalLinePage, JournalRun, JournalRunChange, JournalRunError,
    JournalRunErrorPage, JournalRunPage, JournalRunStatus,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::platform::JournalRuns;
use async_trait::async_trait;
use rusqlite::{Row, TransactionBehavior, params};
use uuid::Uuid;

static JOURNAL_RUN: Record<JournalRun> = Record {
    table: "journal_run",
    columns: "id, payroll_administration, payroll_run, year, period_number, period_start, period_end, status, ord, processing_finished_time",
    read: |row| {
        Ok(JournalRun {
            id: row.get(1)?,
            payroll_administration_id: row.get(2)?,
            payroll_run_id: row.get(3)?,
            payroll_period: period(row, 4)?,
            status: status(row.get(8)?)
                .ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(8, -1))?,
            sequence_number: row.get(9)?,
            processing_finished_time: row.get(10)?,
        })
    },
};

static JOURNAL_LINE: Record<JournalLine> = Record {
    table: "journal_line",
    columns: "account_code, account_description, cost_center_code, cost_center_description, cost_unit_code, cost_unit_description, component_key, component_value, debit, credit",
    read: |row| {
        Ok(JournalLine {
            general_ledger_account: Coded {
                code: row.get(1)?,
                description: row.get(2)?,
            },
            cost_center: coded(row, 3)?,
            cost_unit: coded(row, 5)?,
            payroll_component: key_value(row, 7)?,
            debit_amount: row.get(9)?,
            credit_amount: row.get(10)?,
        })
    },
};

static JOURNAL_RUN_ERROR: Record<JournalRunError> = Record {
    table: "journal_run_error",
    columns: "id, payroll_employee_number, account_code, account_description, component_key, component_value, error_key, error_value",
    read: |row| {
        Ok(JournalRunError {
            id: row.get(1)?,
            payroll_employee_number: row.get(2)?,
            general_ledger_account: coded(row, 3)?,
            payroll_component: key_value(row, 5)?,
            error: key_value(row, 7)?,
        })
    },
};

fn coded(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Coded>> {
    let code: Option<String> = row.get(index)?;
    let description: Option<String> = row.get(index + 1)?;
    Ok(code.map(|code| Coded {
        code,
        description: description.unwrap_or_default(),
    }))
}

/// The statuses, in the order of Loket's keys, with Loket's texts.
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

/// The status with this key.
fn status(key: usize) -> Option<JournalRunStatus> {
    STATUSES.get(key).map(|(status, _)| *status)
}

/// Loket's key of a status.
fn key(status: JournalRunStatus) -> usize {
    STATUSES
        .iter()
        .position(|(known, _)| *known == status)
        .unwrap_or_default()
}

/// The words for a status.
fn status_text(key: usize) -> &'static str {
    STATUSES.get(key).map_or("unknown", |(_, text)| text)
}

pages! {
    JournalRunPage of JournalRun,
    JournalLinePage of JournalLine,
    JournalRunErrorPage of JournalRunError,
}

#[async_trait]
impl JournalRuns for Embedded {
    async fn journal_runs(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunPage, ActivityError> {
        let filter = "payroll_administration = ?1";
        let parent = payroll_administration.to_string();
        self.list(&JOURNAL_RUN, filter, parent, Order::Descending, page)
            .await
    }

    async fn journal_run(&self, id: Uuid) -> Result<JournalRun, ActivityError> {
        self.one(&JOURNAL_RUN, id).await
    }

    async fn journal_run_results(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalLinePage, ActivityError> {
        let (id, page) = (journal_run.to_string(), page.clone());
        let listed = self.ask(move |connection| {
            let status = key(JOURNAL_RUN.one(connection, &id)?.status);
            if status < 4 {
                return Err(ActivityError::Conflict(format!(
                    "journal run {id} has no results: its status is {status} ({})",
                    status_text(status)
                ))
                .into());
            }
            JOURNAL_LINE.page(connection, "journal_run = ?1", &id, Order::Ascending, &page)
        });
        Ok(listed.await?.into())
    }

    async fn journal_run_errors(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunErrorPage, ActivityError> {
        let (id, page) = (journal_run.to_string(), page.clone());
        let listed = self.ask(move |connection| {
            JOURNAL_RUN.one(connection, &id)?;
            let filter = "journal_run = ?1";
            JOURNAL_RUN_ERROR.page(connection, filter, &id, Order::Ascending, &page)
        });
        Ok(listed.await?.into())
    }

    async fn change_journal_run(
        &self,
        id: Uuid,
        change: &JournalRunChange,
    ) -> Result<JournalRun, ActivityError> {
        let (action, from, to, message) = match change {
            JournalRunChange::MarkAsProcessed(reference) => {
                ("MarkAsProcessed", 4..=6, 7, reference.clone())
            }
            JournalRunChange::MarkAsProcessingFailed(reason) => {
                ("MarkAsProcessingFailed", 4..=5, 6, reason.clone())
            }
        };
        self.ask(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let status = key(JOURNAL_RUN.one(&transaction, &id.to_string())?.status);
            if !from.contains(&status) {
                return Err(ActivityError::Conflict(format!(
                    "{action} needs journal run {id} at status {} to {}; its status is {status} ({})",
                    from.start(),
                    from.end(),
                    status_text(status)
                ))
                .into());
            }
            transaction.execute(
                "UPDATE journal_run SET status = ?2 WHERE id = ?1",
                params![id.to_string(), to],
            )?;
            transaction.execute(
                "INSERT INTO journal_run_change (journal_run, time, action, status, message) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id.to_string(), jiff::Timestamp::now().to_string(), action, to, message],
            )?;
            let changed = JOURNAL_RUN.one(&transaction, &id.to_string())?;
            transaction.commit()?;
            Ok(changed)
        })
        .await
    }
}
