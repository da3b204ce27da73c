//! `koppel:loket/payroll-runs`.

use super::{Domain, id};
use crate::bindings::koppel::loket::types::PageRequest;
use crate::catalogue::id as activity;
use crate::platform::Entity;

pub(super) fn link(domain: &mut Domain<'_>) -> wasmtime::Result<()> {
    domain.activity(
        activity::GetPayrollRunsByPayrollAdministrationId,
        |(administration, _): &(String, PageRequest)| {
            let administration = id("payrollAdministrationId", administration)?;
            Ok(Some(Entity::PayrollAdministration(administration)))
        },
        |call, (administration, page): (String, PageRequest)| async move {
            let administration = id("payrollAdministrationId", &administration)?;
            Ok(call.platform().payroll_runs(administration, &page).await?)
        },
    )?;
    domain.record(
        activity::GetPayrollRunByPayrollRunId,
        |(run,): &(String,)| Ok(Some(Entity::PayrollRun(id("payrollrunId", run)?))),
        |call, (run,): (String,)| async move {
            let run = id("payrollrunId", &run)?;
            Ok(call.platform().payroll_run(run).await?)
        },
    )?;
    domain.activity(
        activity::GetPayrollRunResultsByPayrollRunId,
        |(run, _): &(String, PageRequest)| Ok(Some(Entity::PayrollRun(id("payrollrunId", run)?))),
        |call, (run, page): (String, PageRequest)| async move {
            let run = id("payrollrunId", &run)?;
            Ok(call.platform().payroll_run_results(run, &page).await?)
        },
    )
}
