//! Payroll runs of the platform.

use super::Loket;
use super::client::Ask;
use super::pages::{Position, into_page};
use super::records::PAYROLL_RUNS;
use crate::bindings::koppel::loket::payroll_runs::{
    PayrollRun, PayrollRunPage, PayrollRunResult, PayrollRunResultPage,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::catalogue::id as activity;
use crate::platform::{Entity, PayrollRuns};
use crate::wire::payroll_runs as wire;
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

#[async_trait]
impl PayrollRuns for Loket {
    async fn payroll_runs(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollRunPage, ActivityError> {
        let of = Entity::PayrollAdministration(payroll_administration);
        let page = self.below::<wire::PayrollRun>(&PAYROLL_RUNS, of, page);
        let (page, of) = (page.await?, payroll_administration.to_string());
        Ok(into_page!(PayrollRunPage, page, |run| run.into_record(of.clone())))
    }

    async fn payroll_run(&self, id: Uuid) -> Result<Arc<PayrollRun>, ActivityError> {
        let of = self.known.administration_of(Entity::PayrollRun(id)).await?;
        let found = self.one::<wire::PayrollRun>(activity::GetPayrollRunByPayrollRunId, id);
        Ok(Arc::new(found.await?.into_record(of.to_string())))
    }

    /// The platform's items are employments, ours are single results. How many
    /// there are shows only when all were read, so that is done at once, and
    /// kept for the pages that follow.
    async fn payroll_run_results(
        &self,
        payroll_run: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollRunResultPage, ActivityError> {
        let id = payroll_run.to_string();
        let ask = Ask::about(activity::GetPayrollRunResultsByPayrollRunId, &id);
        let position = Position::read(ask, page)?;
        let read = async {
            let items = self.all::<wire::EmploymentResults>(ask).await?;
            Ok(Arc::new(wire::flatten(items)))
        };
        let results = self.results.try_get_with(payroll_run, read).await;
        let results = results.map_err(|error: Arc<ActivityError>| (*error).clone())?;
        let page = position.slice(&results);
        Ok(into_page!(
            PayrollRunResultPage,
            page,
            |result: PayrollRunResult| result
        ))
    }
}
