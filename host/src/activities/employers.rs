//! `koppel:loket/employers`.

use super::{Domain, id};
use crate::bindings::koppel::loket::types::PageRequest;
use crate::catalogue::id as activity;
use crate::platform::Entity;

pub(super) fn link(domain: &mut Domain<'_>) -> wasmtime::Result<()> {
    domain.activity(
        activity::GetEmployersByUserId,
        |_| Ok(None),
        |call, (page,): (PageRequest,)| async move {
            // A run sees its own employer only, whatever else the user may.
            let within = [call.session.employer];
            Ok(call.platform().employers(&within, &page).await?)
        },
    )?;
    domain.record(
        activity::GetEmployerByEmployerId,
        |(employer,): &(String,)| Ok(Some(Entity::Employer(id("employerId", employer)?))),
        |call, (employer,): (String,)| async move {
            let employer = id("employerId", &employer)?;
            Ok(call.platform().employer(employer).await?)
        },
    )
}
