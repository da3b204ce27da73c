//! Turning modules (products) on and off while koppel runs.

use super::Host;
use crate::authorization::{Grants, NO_MODULES, Question};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::{MODULES, id};
use crate::ledger::{Context, Entry, Kind, LedgerError};
use crate::platform::{Entity, ModuleState, Owner};
use serde::Serialize;
use uuid::Uuid;

/// What the ledger names as the client of a command of koppel itself. No
/// client can have this name: it has a space.
const COMMAND: &str = "koppel modules";

/// Who turns a module. The five checks are on `PatchModulesByEmployerId`.
#[derive(Clone, Copy, Debug)]
pub struct Actor<'a> {
    /// The external application that asks; none for the command line, which is
    /// no client.
    pub client: Option<&'a str>,
    /// The user.
    pub user: &'a str,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switched {
    /// It is as asked from the next call on.
    Changed,
    /// It was so already. Nothing was changed.
    Already,
}

/// Why a module was not turned.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// There is no such employer.
    #[error("there is no employer {0}")]
    NoEmployer(Uuid),
    /// There is no such module.
    #[error("there is no module \"{0}\"; the modules are: {known}", known = MODULES.join(", "))]
    NoModule(String),
    /// One of the five checks was red.
    #[error(
        "denied by check {check}: PatchModulesByEmployerId: {reason}\nto allow it, put in the configuration:\n  {line}"
    )]
    Denied {
        /// The red check.
        check: &'static str,
        /// Why.
        reason: String,
        /// The line of the configuration that would allow it.
        line: String,
    },
    /// The configuration turns it on, which nothing at run time undoes.
    #[error(
        "module \"{module}\" is on in the configuration and cannot be turned off at run time; to turn it off, take it out of\n  {line}"
    )]
    Configured {
        /// The module.
        module: String,
        /// The line of the configuration.
        line: String,
    },
    /// It could not be recorded, so it was not done.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The platform did not do it.
    #[error("{0}")]
    Platform(String),
}

/// A module, and what turns it on for an employer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ModuleListing {
    /// The name.
    pub module: String,
    /// Whether it is on.
    pub on: bool,
    /// The line of the configuration that turns it on, if one does.
    pub line: Option<String>,
    /// Who turned it last at run time, if someone did.
    pub turned: Option<ModuleState>,
}

impl Host {
    /// Turns a module on or off for an employer. The ledger holds who did so
    /// before it acts; runs see it on their next call.
    ///
    /// # Errors
    ///
    /// See [`SwitchError`]. Then nothing was changed.
    pub async fn switch_module(
        &self,
        actor: Actor<'_>,
        employer: Uuid,
        module: &str,
        on: bool,
    ) -> Result<Switched, SwitchError> {
        let owner = self.employer(employer).await?;
        self.may_switch(actor, owner).await?;
        let context = context(actor, employer);
        self.turn_module(context, owner, module, on).await
    }

    /// As [`Host::switch_module`], after the checks: for who had them run.
    ///
    /// # Errors
    ///
    /// See [`SwitchError`]. Then nothing was changed.
    pub(crate) async fn turn_module(
        &self,
        context: Context,
        owner: Owner,
        module: &str,
        on: bool,
    ) -> Result<Switched, SwitchError> {
        let employer = owner.employer;
        if !MODULES.contains(&module) {
            return Err(SwitchError::NoModule(module.to_owned()));
        }
        let configured = self
            .live
            .with(|config| line(&config.grants, owner, module))
            .filter(|_| !on);
        if let Some(line) = configured {
            return Err(SwitchError::Configured {
                module: module.to_owned(),
                line,
            });
        }
        let turned_on = self.platform.modules_on().await.map_err(platform)?;
        let is_on = turned_on
            .get(&employer)
            .is_some_and(|on| on.contains(module));
        if is_on == on {
            return Ok(Switched::Already);
        }
        let word = if on { "on" } else { "off" };
        let user = context.user.clone();
        self.ledger
            .append(Entry {
                activity: Some(id::PatchModulesByEmployerId.id().to_owned()),
                ..Entry::new(
                    context,
                    Kind::ActivityWrite,
                    format!("module \"{module}\" {word} for employer {employer}"),
                )
            })
            .await?;
        self.platform
            .turn_module(employer, module, on, &user)
            .await
            .map_err(platform)?;
        Ok(Switched::Changed)
    }

    /// All modules, and what turns them on for an employer. Checks nothing: it
    /// is for the operator, or comes after the checks.
    ///
    /// # Errors
    ///
    /// [`SwitchError::NoEmployer`] and [`SwitchError::Platform`].
    pub async fn modules(&self, employer: Uuid) -> Result<Vec<ModuleListing>, SwitchError> {
        let owner = self.employer(employer).await?;
        let turned = self.platform.modules_of(employer).await.map_err(platform)?;
        let config = self.live.now();
        let listing = MODULES.iter().copied().map(|module| {
            let line = line(&config.grants, owner, module);
            let turned = turned.iter().find(|state| state.module == module).cloned();
            ModuleListing {
                module: module.to_owned(),
                on: line.is_some() || turned.as_ref().is_some_and(|state| state.on),
                line,
                turned,
            }
        });
        Ok(listing.collect())
    }

    async fn employer(&self, employer: Uuid) -> Result<Owner, SwitchError> {
        self.platform
            .owner(Entity::Employer(employer))
            .await
            .map_err(platform)?
            .ok_or(SwitchError::NoEmployer(employer))
    }

    async fn may_switch(&self, actor: Actor<'_>, owner: Owner) -> Result<(), SwitchError> {
        let question = Question {
            client: actor.client.unwrap_or_default(),
            user: actor.user,
            activity: id::PatchModulesByEmployerId,
            scope: owner.employer,
            employer: owner.employer,
            provider: owner.provider,
            // Turning modules belongs to none.
            modules: &NO_MODULES,
        };
        let checked = self.live.with(|config| match actor.client {
            None => config.grants.check_user(&question),
            Some(_) => config.grants.check(&question).map_err(|denial| {
                let line = config.grants.line_to_add(&question);
                (denial, line.unwrap_or_default())
            }),
        });
        let Err((denial, line)) = checked else {
            return Ok(());
        };
        let check = crate::authorization::name(denial.check);
        self.ledger
            .append(Entry {
                activity: Some(denial.activity),
                check: Some(check.to_owned()),
                outcome: Some("denied".to_owned()),
                ..Entry::new(
                    context(actor, owner.employer),
                    Kind::Denial,
                    denial.reason.clone(),
                )
            })
            .await?;
        Err(SwitchError::Denied {
            check,
            reason: denial.reason,
            line,
        })
    }
}

fn context(actor: Actor<'_>, employer: Uuid) -> Context {
    Context {
        run: Uuid::now_v7(),
        client: actor.client.unwrap_or(COMMAND).to_owned(),
        user: actor.user.to_owned(),
        employer,
    }
}

/// The line of the configuration that turns a module on, if one does.
fn line(grants: &Grants, owner: Owner, module: &str) -> Option<String> {
    let tables = [
        ("employer", owner.employer, &grants.employer_modules),
        ("provider", owner.provider, &grants.provider_modules),
    ];
    tables.into_iter().find_map(|(table, id, modules)| {
        let on = modules.get(&id).filter(|on| on.contains(module))?;
        let on: Vec<String> = on.iter().map(|name| format!("\"{name}\"")).collect();
        Some(format!("[modules.{table}] \"{id}\" = [{}]", on.join(", ")))
    })
}

fn platform(error: ActivityError) -> SwitchError {
    SwitchError::Platform(match error {
        ActivityError::Unavailable(_) => "the platform cannot answer now".to_owned(),
        ActivityError::Other(why) | ActivityError::Conflict(why) => why,
        other => format!("{other:?}"),
    })
}
