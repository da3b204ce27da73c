//! The results of a payroll run: Loket nests them by employment, and says of
//! which period they are. A page holds `pageSize` results, nested; those of one
//! employment can go on on the next page.

use super::{Handled, Route, Shape, page, schema};
use crate::api::call::Call;
use crate::bindings::koppel::loket::payroll_runs::PayrollRunResultPage;
use crate::catalogue::id;
use crate::wire::payroll_runs::{EmploymentResults, nest};

pub(super) fn of_a_run() -> Route {
    Route::new(
        id::GetPayrollRunResultsByPayrollRunId,
        Shape::Paged(schema::<EmploymentResults>),
        list,
    )
}

fn list(call: Call) -> Handled {
    Box::pin(async move {
        let (results, wanted, total) = call.list::<PayrollRunResultPage>().await?;
        // Whoever may see the results of a run may know its period.
        let run = call.uuid("payrollrunId")?;
        let run = call.api.host.platform().payroll_run(run).await?;
        page(&call, nest(results, &run.payroll_period), wanted, total)
    })
}
