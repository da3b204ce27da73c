//! Journal runs in SQLite.

use super::Embedded;
use super::record::{Order, Record, key_value, pages, period};
use crate::bindings::koppel::loket::journal_runs::{
    Coded, JournalLine, JournalLinePage, JournalRun, JournalRunError, JournalRunErrorPage,
    JournalRunPage, JournalRunStatus,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::platform::{JournalRuns, status_key, status_of_key, status_words};
use async_trait::async_trait;
use rusqlite::Row;
use std::sync::Arc;
use uuid::Uuid;

pub(super) static JOURNAL_RUN: Record<JournalRun> = Record {
    table: "journal_run",
    columns: "id, payroll_administration, payroll_run, year, period_number, period_start, period_end, status, ord, processing_finished_time",
    read: |row| {
        Ok(JournalRun {
            id: row.get(1)?,
            payroll_administration_id: row.get(2)?,
            payroll_run_id: row.get(3)?,
            payroll_period: period(row, 4)?,
            status: status(row, 8)?,
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

/// The status whose key is in a column.
pub(super) fn status(row: &Row<'_>, index: usize) -> rusqlite::Result<JournalRunStatus> {
    let key: usize = row.get(index)?;
    status_of_key(key).ok_or(rusqlite::Error::IntegralValueOutOfRange(index, key as i64))
}

fn coded(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Coded>> {
    let code: Option<String> = row.get(index)?;
    let description: Option<String> = row.get(index + 1)?;
    Ok(code.map(|code| Coded {
        code,
        description: description.unwrap_or_default(),
    }))
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

    async fn journal_run(&self, id: Uuid) -> Result<Arc<JournalRun>, ActivityError> {
        self.one(&JOURNAL_RUN, id).await
    }

    async fn journal_run_results(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalLinePage, ActivityError> {
        let id = journal_run.to_string();
        let of = (JOURNAL_LINE.table, id.clone());
        self.in_order(of, page, move |connection, watched, page| {
            let status = JOURNAL_RUN.one(connection, &id)?.status;
            if status_key(status) < 4 {
                return Err(ActivityError::Conflict(format!(
                    "journal run {id} has no results: its status is {}",
                    status_words(status)
                ))
                .into());
            }
            let (from, filter) = ((connection, watched), "journal_run = ?1");
            let lines = JOURNAL_LINE.page(from, filter, &id, Order::Ascending, page)?;
            Ok(lines.into())
        })
        .await
    }

    async fn journal_run_errors(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunErrorPage, ActivityError> {
        let id = journal_run.to_string();
        let of = (JOURNAL_RUN_ERROR.table, id.clone());
        self.in_order(of, page, move |connection, watched, page| {
            JOURNAL_RUN.one(connection, &id)?;
            let (from, filter) = ((connection, watched), "journal_run = ?1");
            let errors = JOURNAL_RUN_ERROR.page(from, filter, &id, Order::Ascending, page)?;
            Ok(errors.into())
        })
        .await
    }
}
