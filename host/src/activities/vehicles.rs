//! `koppel:loket/vehicles`.

use super::{Domain, invalid};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::id as activity;

pub(super) fn link(domain: &mut Domain<'_>) -> wasmtime::Result<()> {
    domain.activity(
        activity::GetAdditionalTaxliabilityByLicensePlateNumber,
        |(plate,): &(String,)| check(plate).map(|()| None),
        |call, (plate,)| async move { Ok(call.platform().additional_tax_liability(&plate).await?) },
    )
}

/// A Dutch licence plate: six letters or digits, in capitals, no hyphens.
fn check(plate: &str) -> Result<(), ActivityError> {
    let right = plate.len() == 6
        && plate
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if right {
        Ok(())
    } else {
        Err(invalid(
            "licensePlateNumber",
            "must be six capitals or digits without hyphens, such as GP586D".to_owned(),
        ))
    }
}
