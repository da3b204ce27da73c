//! Payroll runs (verloningen).

use crate::bindings::koppel::loket::payroll_runs::{
    PayrollRun, PayrollRunPage, PayrollRunResultPage,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

/// Payroll runs (verloningen).
#[async_trait]
pub trait PayrollRuns: Send + Sync {
    /// The payroll runs of a payroll administration, newest period first.
    async fn payroll_runs(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollRunPage, ActivityError>;

    /// One payroll run.
    async fn payroll_run(&self, id: Uuid) -> Result<Arc<PayrollRun>, ActivityError>;

    /// The results of a payroll run.
    async fn payroll_run_results(
        &self,
        payroll_run: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollRunResultPage, ActivityError>;
}
