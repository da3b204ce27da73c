//! Insurance contracts. A component sees those of the employer of its run; an
//! application those of all employers that the user may work for.

use super::{Handled, Route, Shape, page, schema};
use crate::api::call::Call;
use crate::bindings::koppel::loket::insurance::InsuredWagePercentagePage;
use crate::bindings::koppel::loket::types::PageRequest;
use crate::catalogue::id;
use crate::wire::insurance::{AchmeaInsuranceContract, InsuredWagePercentage};

pub(super) fn contracts() -> Route {
    Route::new(
        id::GetAchmeaInsuranceContractsByUserId,
        Shape::Paged(schema::<AchmeaInsuranceContract>),
        list,
    )
}

pub(super) fn percentages() -> Route {
    Route::paged::<InsuredWagePercentagePage, InsuredWagePercentage>(
        id::GetWagePercentagesByAchmeaInsuranceContractId,
    )
}

fn list(call: Call) -> Handled {
    Box::pin(async move {
        // Who may ask, but has no employers, gets an empty list.
        call.ask().await?;
        let wanted = call.wanted()?;
        let platform = call.api.host.platform();
        let mut all = Vec::new();
        for owner in call.employers().await? {
            let mut cursor = None;
            loop {
                let next = PageRequest { cursor, size: 1000 };
                let listed = platform.achmea_insurance_contracts(owner.employer, &next);
                let listed = listed.await?;
                all.extend(listed.items);
                cursor = listed.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        let total = all.len() as u64;
        let shown = wanted.cut(all).into_iter();
        let shown = shown.map(AchmeaInsuranceContract::from).collect();
        page(&call, shown, wanted, total)
    })
}
