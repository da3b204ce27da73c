//! Payroll runs in SQLite.

use super::Embedded;
use super::record::{Order, Record, key_value, pages, period};
use crate::bindings::koppel::loket::payroll_runs::{
    PayrollRun, PayrollRunPage, PayrollRunResult, PayrollRunResultPage,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::platform::PayrollRuns;
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

static PAYROLL_RUN: Record<PayrollRun> = Record {
    table: "payroll_run",
    columns: "id, payroll_administration, year, period_number, period_start, period_end, status_key, status_value, sequence_number, approval_time",
    read: |row| {
        Ok(PayrollRun {
            id: row.get(1)?,
            payroll_administration_id: row.get(2)?,
            payroll_period: period(row, 3)?,
            status: key_value(row, 7)?,
            sequence_number: row.get(9)?,
            approval_time: row.get(10)?,
        })
    },
};

static PAYROLL_RUN_RESULT: Record<PayrollRunResult> = Record {
    table: "payroll_run_result",
    columns: "employment, component_key, component_value, column_key, column_value, value",
    read: |row| {
        Ok(PayrollRunResult {
            employment_id: row.get(1)?,
            payroll_component: key_value(row, 2)?,
            column: key_value(row, 4)?,
            value: row.get(6)?,
        })
    },
};

pages! {
    PayrollRunPage of PayrollRun,
    PayrollRunResultPage of PayrollRunResult,
}

#[async_trait]
impl PayrollRuns for Embedded {
    async fn payroll_runs(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollRunPage, ActivityError> {
        let filter = "payroll_administration = ?1";
        let parent = payroll_administration.to_string();
        self.list(&PAYROLL_RUN, filter, parent, Order::Descending, page)
            .await
    }

    async fn payroll_run(&self, id: Uuid) -> Result<Arc<PayrollRun>, ActivityError> {
        self.one(&PAYROLL_RUN, id).await
    }

    async fn payroll_run_results(
        &self,
        payroll_run: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollRunResultPage, ActivityError> {
        let (filter, parent) = ("payroll_run = ?1", payroll_run.to_string());
        self.list(&PAYROLL_RUN_RESULT, filter, parent, Order::Ascending, page)
            .await
    }
}
