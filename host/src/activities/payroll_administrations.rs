//! `koppel:loket/payroll-administrations`.

use super::{Domain, id};
use crate::bindings::koppel::loket::types::PageRequest;
use crate::catalogue::id as activity;
use crate::platform::Entity;

pub(super) fn link(domain: &mut Domain<'_>) -> wasmtime::Result<()> {
    domain.activity(
        activity::GetPayrollAdministrationsByEmployerId,
        |(employer, _): &(String, PageRequest)| {
            Ok(Some(Entity::Employer(id("employerId", employer)?)))
        },
        |call, (employer, page): (String, PageRequest)| async move {
            let employer = id("employerId", &employer)?;
            Ok(call
                .platform()
                .payroll_administrations(employer, &page)
                .await?)
        },
    )
}
