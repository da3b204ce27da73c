//! The modules (products) of an employer: which are on, and turning them.

use super::authorizations::identifier;
use super::{Handled, Route, Shape, page, schema, single};
use crate::api::call::{Call, invalid};
use crate::api::reply::ApiError;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::{MODULES, id};
use crate::platform::{Entity, Owner};
use crate::runs::{ModuleListing, SwitchError};
use crate::wire::declarations::Nothing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A module. That those which are off are listed too, with `enabled`, is
/// koppel's own: it is how an application learns what it can turn on.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Module {
    /// Made from the name: the same for every employer.
    id: Uuid,
    /// The name.
    description: String,
    enabled: bool,
}

/// What a module is turned to. The shape is koppel's own.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    id: Uuid,
    enabled: bool,
}

impl From<ModuleListing> for Module {
    fn from(listing: ModuleListing) -> Self {
        Self {
            id: identifier("module", &listing.module),
            description: listing.module,
            enabled: listing.on,
        }
    }
}

impl From<SwitchError> for ApiError {
    fn from(error: SwitchError) -> Self {
        match error {
            // What to change in which file is the operator's to know.
            SwitchError::Configured { module, .. } => Self::Activity(ActivityError::Conflict(
                format!("module \"{module}\" is on by configuration and cannot be turned off here"),
            )),
            SwitchError::Platform(why) => Self::Activity(ActivityError::Other(why)),
            other => Self::Host(other.into()),
        }
    }
}

pub(super) fn of_an_employer() -> Route {
    Route::new(
        id::GetModulesByEmployerId,
        Shape::Paged(schema::<Module>),
        list,
    )
}

pub(super) fn change() -> Route {
    Route {
        body: Some(schema::<Vec<Change>>),
        ..Route::new(
            id::PatchModulesByEmployerId,
            Shape::Single(schema::<Nothing>),
            turn,
        )
    }
}

fn list(call: Call) -> Handled {
    Box::pin(async move {
        let entity = call.wanted().and_then(|_| call.uuid("employerId"));
        let session = call
            .session(entity.map(|id| Some(Entity::Employer(id))))
            .await?;
        let wanted = call.wanted()?;
        let all = call.api.host.modules(session.employer).await?;
        let total = all.len() as u64;
        let shown = wanted.cut(all).into_iter().map(Module::from);
        page(&call, shown.collect(), wanted, total)
    })
}

/// Turns them in the order in which they are given; the first that cannot be
/// turned ends it. Nothing is turned if one of them is no module.
fn turn(call: Call) -> Handled {
    Box::pin(async move {
        let asked = call
            .query()
            .and_then(|_| call.uuid("employerId"))
            .and_then(|employer| changes(&call).map(|changes| (employer, changes)));
        let entity = asked.as_ref().map_err(Clone::clone);
        let session = call
            .session(entity.map(|(employer, _)| Some(Entity::Employer(*employer))))
            .await?;
        let owner = Owner {
            employer: session.employer,
            provider: session.provider,
        };
        for (module, on) in asked?.1 {
            let host = &call.api.host;
            host.turn_module(session.context(), owner, module, on)
                .await?;
        }
        single(&call, Nothing {})
    })
}

fn changes(call: &Call) -> Result<Vec<(&'static str, bool)>, ActivityError> {
    let changes: Vec<Change> = call.array()?;
    if !(1..=MODULES.len()).contains(&changes.len()) {
        let problem = format!(
            "must be 1 to {} changes, not {}",
            MODULES.len(),
            changes.len()
        );
        return Err(invalid(".", &problem));
    }
    let named = changes.iter().enumerate().map(|(at, change)| {
        let mut modules = MODULES.iter();
        match modules.find(|name| identifier("module", name) == change.id) {
            Some(module) => Ok((*module, change.enabled)),
            None => {
                let problem = format!("{} is no module", change.id);
                Err(invalid(&format!("[{at}].id"), &problem))
            }
        }
    });
    named.collect()
}
