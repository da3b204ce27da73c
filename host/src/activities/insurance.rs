//! `koppel:loket/insurance`.

use super::{Domain, id};
use crate::bindings::koppel::loket::types::PageRequest;
use crate::catalogue::id as activity;
use crate::platform::Entity;

pub(super) fn link(domain: &mut Domain<'_>) -> wasmtime::Result<()> {
    domain.activity(
        activity::GetAchmeaInsuranceContractsByUserId,
        |_| Ok(None),
        |call, (page,): (PageRequest,)| async move {
            // A run sees its own employer only, whatever else the user may.
            let employer = call.session.employer;
            let platform = call.platform();
            Ok(platform.achmea_insurance_contracts(employer, &page).await?)
        },
    )?;
    domain.activity(
        activity::GetWagePercentagesByAchmeaInsuranceContractId,
        |(contract, _): &(String, PageRequest)| {
            let contract = id("achmeaInsuranceContractId", contract)?;
            Ok(Some(Entity::AchmeaInsuranceContract(contract)))
        },
        |call, (contract, page): (String, PageRequest)| async move {
            let contract = id("achmeaInsuranceContractId", &contract)?;
            let platform = call.platform();
            Ok(platform.insured_wage_percentages(contract, &page).await?)
        },
    )
}
