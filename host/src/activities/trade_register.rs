//! `koppel:loket/trade-register`.

use super::{Domain, invalid};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::id as activity;

pub(super) fn link(domain: &mut Domain<'_>) -> wasmtime::Result<()> {
    domain.activity(
        activity::GetCompanyInformationByChamberOfCommerceNumber,
        |(number,): &(String,)| check(number).map(|()| None),
        |call, (number,)| async move { Ok(call.platform().company_information(&number).await?) },
    )
}

/// A number of the trade register: eight digits.
fn check(number: &str) -> Result<(), ActivityError> {
    if number.len() == 8 && number.bytes().all(|b| b.is_ascii_digit()) {
        Ok(())
    } else {
        Err(invalid(
            "chamberOfCommerceNumber",
            "must be eight digits, such as 69599084".to_owned(),
        ))
    }
}
