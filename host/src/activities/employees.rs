//! `koppel:loket/employees` and `koppel:loket/employments`.

use super::{Domain, id};
use crate::bindings::koppel::loket::types::PageRequest;
use crate::catalogue::id as activity;
use crate::platform::Entity;

pub(super) fn link(domain: &mut Domain<'_>) -> wasmtime::Result<()> {
    domain.activity(
        activity::GetEmployeesByEmployerId,
        |(employer, _): &(String, PageRequest)| {
            Ok(Some(Entity::Employer(id("employerId", employer)?)))
        },
        |call, (employer, page): (String, PageRequest)| async move {
            let employer = id("employerId", &employer)?;
            Ok(call.platform().employees(employer, &page).await?)
        },
    )?;
    domain.activity(
        activity::GetCitizenServiceNumberByEmployeeId,
        |(employee,): &(String,)| Ok(Some(Entity::Employee(id("employeeId", employee)?))),
        |call, (employee,): (String,)| async move {
            let employee = id("employeeId", &employee)?;
            Ok(call.platform().citizen_service_number(employee).await?)
        },
    )?;
    domain.activity(
        activity::GetEmploymentsByEmployerId,
        |(employer, _): &(String, PageRequest)| {
            Ok(Some(Entity::Employer(id("employerId", employer)?)))
        },
        |call, (employer, page): (String, PageRequest)| async move {
            let employer = id("employerId", &employer)?;
            Ok(call.platform().employments(employer, &page).await?)
        },
    )
}
