//! The activities of the contract, one module per interface.
//!
//! An activity is linked by `Domain::activity`, which wraps its
//! implementation: the five checks come first, always, and the implementation
//! only sees what passed them. Whatever was not granted is not linked at all.

mod declarations;
mod employees;
mod employers;
pub(crate) mod exports;
mod insurance;
mod journal_runs;
pub(crate) mod log;
mod payroll_administrations;
mod payroll_runs;
mod payroll_tax_returns;
mod trade_register;
mod upa_pension_declarations;
mod vehicles;

use crate::authorization::ActivitySet;
use crate::bindings::koppel::loket::types::{ActivityError, Problem};
use crate::catalogue::{Activity, Surface};
use crate::ledger::{Entry, Kind};
use crate::platform::{Entity, Platform};
use crate::sandbox::State;
use crate::session::{Fault, Session};
use std::sync::Arc;
use uuid::Uuid;
use wasmtime::component::{ComponentNamedList, Lift, Linker, Lower};

/// The version of `koppel:loket` and `koppel:connector` that this host offers.
pub const WIT_VERSION: &str = "0.1.0";

/// Links the granted activities.
///
/// # Errors
///
/// Only when a definition clashes with another: a fault of koppel.
pub(crate) fn link(linker: &mut Linker<State>, granted: &ActivitySet) -> wasmtime::Result<()> {
    let mut domain = Domain {
        linker,
        granted: *granted,
        linked: ActivitySet::default(),
    };
    domains(&mut domain)
}

/// Every interface of the contract.
fn domains(domain: &mut Domain<'_>) -> wasmtime::Result<()> {
    employers::link(domain)?;
    employees::link(domain)?;
    payroll_administrations::link(domain)?;
    payroll_runs::link(domain)?;
    journal_runs::link(domain)?;
    payroll_tax_returns::link(domain)?;
    upa_pension_declarations::link(domain)?;
    vehicles::link(domain)?;
    trade_register::link(domain)?;
    insurance::link(domain)
}

/// The activities that have an implementation, for the test that compares
/// them with the catalogue.
///
/// # Errors
///
/// As for linking.
pub fn implemented(engine: &wasmtime::Engine) -> wasmtime::Result<ActivitySet> {
    let mut domain = Domain {
        linker: &mut Linker::new(engine),
        granted: Activity::all().collect(),
        linked: ActivitySet::default(),
    };
    domains(&mut domain)?;
    Ok(domain.linked)
}

/// Where the modules of the domains put their activities.
struct Domain<'a> {
    linker: &'a mut Linker<State>,
    granted: ActivitySet,
    linked: ActivitySet,
}

/// A call that passed the five checks.
struct Call {
    session: Arc<Session>,
}

impl Call {
    fn platform(&self) -> &dyn Platform {
        self.session.platform.as_ref()
    }

    /// Notes in the ledger that something is about to be changed.
    async fn record_write(&self, activity: Activity, what: String) -> Result<(), Fault> {
        let entry = Entry {
            activity: Some(activity.id().to_owned()),
            ..Entry::new(self.session.context(), Kind::ActivityWrite, what)
        };
        self.session.record(entry).await
    }
}

impl Domain<'_> {
    /// Links one activity, if it was granted. `entity` says, from the
    /// arguments, what it is about (`None`: the employer of the run);
    /// `implementation` performs it.
    fn activity<P, R, F>(
        &mut self,
        activity: Activity,
        entity: fn(&P) -> Result<Option<Entity>, ActivityError>,
        implementation: fn(Call, P) -> F,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Send + Sync + 'static,
        R: Send + Sync + 'static,
        F: Future<Output = Result<R, Fault>> + Send + 'static,
        (Result<R, ActivityError>,): ComponentNamedList + Lower,
    {
        let Surface::Function {
            interface,
            function,
        } = activity.row().surface
        else {
            return Ok(());
        };
        if !self.granted.contains(activity) {
            return Ok(());
        }
        self.linked.insert(activity);
        self.linker
            .instance(&format!("koppel:loket/{interface}@{WIT_VERSION}"))?
            .func_wrap_async(function, move |store, arguments: P| {
                let session = store.data().session.clone();
                Box::new(async move {
                    let checked = async {
                        match entity(&arguments) {
                            Ok(entity) => session.authorize(activity, entity).await?,
                            Err(malformed) => {
                                // What is wrong with a call is told only to
                                // those who may make it.
                                session.authorize(activity, None).await?;
                                return Err(malformed.into());
                            }
                        }
                        let performed = implementation(
                            Call {
                                session: session.clone(),
                            },
                            arguments,
                        );
                        match performed.await {
                            // The checks were green; the platform has its own.
                            Err(Fault::Guest(ActivityError::Denied(denial))) => {
                                Err(session.refuse(activity, denial).await)
                            }
                            performed => performed,
                        }
                    };
                    match checked.await {
                        Ok(result) => Ok((Ok(result),)),
                        Err(Fault::Guest(error)) => Ok((Err(error),)),
                        Err(Fault::Host(error)) => Err(wasmtime::Error::msg(format!("{error:#}"))),
                    }
                })
            })
    }
}

/// The UUID in an identifier of the contract.
fn id(field: &str, text: &str) -> Result<Uuid, ActivityError> {
    // Uuid also reads other notations; the contract has one.
    match Uuid::try_parse(text) {
        Ok(id) if id.as_hyphenated().to_string() == text => Ok(id),
        _ => Err(invalid(
            field,
            "must be a UUID in hyphenated lower-case form".to_owned(),
        )),
    }
}

fn invalid(field: &str, description: String) -> ActivityError {
    ActivityError::Invalid(vec![Problem {
        code: 400,
        description: format!("{field}: {description}"),
        properties: vec![field.to_owned()],
    }])
}
