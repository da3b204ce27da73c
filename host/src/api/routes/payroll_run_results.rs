//! The results of a payroll run: Loket nests them by employment, and says of
//! which period they are. A page holds `pageSize` employments, each with all of
//! its results.

use super::{Handled, Route, Shape, page, schema};
use crate::api::call::Call;
use crate::bindings::koppel::loket::payroll_runs::PayrollRunResult;
use crate::bindings::koppel::loket::types::PageRequest;
use crate::catalogue::id;
use crate::platform::{Entity, Platform};
use crate::session::Fault;
use crate::wire::payroll_runs::{EmploymentResults, nest};
use uuid::Uuid;

pub(super) fn of_a_run() -> Route {
    Route::new(
        id::GetPayrollRunResultsByPayrollRunId,
        Shape::Paged(schema::<EmploymentResults>),
        list,
    )
}

fn list(call: Call) -> Handled {
    Box::pin(async move {
        let asked = call
            .wanted()
            .and_then(|wanted| Ok((call.uuid("payrollrunId")?, wanted)));
        let entity = asked.clone().map(|(run, _)| Some(Entity::PayrollRun(run)));
        call.session(entity).await?;
        let (run, wanted) = asked?;
        let platform = call.api.host.platform();
        // Whoever may see the results of a run may know its period.
        let of = platform.payroll_run(run).await?;
        // How many employments there are shows only when all were read.
        let items = nest(all(platform, run).await?, &of.payroll_period);
        let total = items.len() as u64;
        page(&call, wanted.cut(items), wanted, total)
    })
}

async fn all(platform: &dyn Platform, run: Uuid) -> Result<Vec<PayrollRunResult>, Fault> {
    let mut results = Vec::new();
    let mut cursor = None;
    loop {
        let next = PageRequest { cursor, size: 1000 };
        let listed = platform.payroll_run_results(run, &next).await?;
        results.extend(listed.items);
        cursor = listed.next;
        if cursor.is_none() {
            return Ok(results);
        }
    }
}
