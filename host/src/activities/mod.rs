//! The activities of the contract, one module per interface.
//!
//! An activity is linked by `Domain::activity`, which wraps its
//! implementation: the five checks come first, always, and the implementation
//! only sees what passed them. Whatever was not granted is not linked at all.

mod declarations;
mod employees;
mod employers;
pub(crate) mod exports;
mod implementation;
mod insurance;
mod journal_runs;
pub(crate) mod log;
mod payroll_administrations;
mod payroll_runs;
mod payroll_tax_returns;
mod replay;
mod trade_register;
mod upa_pension_declarations;
mod vehicles;

pub(crate) use implementation::{Implementation, Implementations};

use crate::authorization::ActivitySet;
use crate::bindings::koppel::loket::types::{ActivityError, Problem};
use crate::catalogue::{Activity, Surface};
use crate::ledger::{Entry, Kind};
use crate::platform::{Entity, Platform};
use crate::sandbox::{LimitReached, State};
use crate::session::{Fault, Session};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use uuid::Uuid;
use uuid::fmt::Hyphenated;
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
        linker: Some(linker),
        granted: *granted,
        implementations: Implementations::default(),
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

impl Implementations {
    /// The implementations of all activities, linked to no component.
    pub(crate) fn collect() -> Self {
        let mut domain = Domain {
            linker: None,
            granted: Activity::all().collect(),
            implementations: Self::default(),
        };
        // Only a linker can refuse a definition, and there is none.
        let _ = domains(&mut domain);
        domain.implementations
    }
}

/// The activities that have an implementation, for the test that compares
/// them with the catalogue.
pub fn implemented() -> ActivitySet {
    Implementations::collect().activities()
}

/// Where the modules of the domains put their activities.
struct Domain<'a> {
    /// None when the implementations are collected for other callers.
    linker: Option<&'a mut Linker<State>>,
    granted: ActivitySet,
    implementations: Implementations,
}

/// A call that passed the five checks.
pub(crate) struct Call {
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
        P: ComponentNamedList + Lift + Serialize + Send + Sync + 'static,
        R: Serialize + DeserializeOwned + Send + Sync + 'static,
        F: Future<Output = Result<R, Fault>> + Send + 'static,
        (Result<Arc<R>, ActivityError>,): ComponentNamedList + Lower,
    {
        self.record(activity, entity, move |call, arguments| {
            let performed = implementation(call, arguments);
            async { performed.await.map(Arc::new) }
        })
    }

    /// As [`Self::activity`], which gives a record that others have as well.
    fn record<P, R, F>(
        &mut self,
        activity: Activity,
        entity: fn(&P) -> Result<Option<Entity>, ActivityError>,
        implementation: impl Fn(Call, P) -> F + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Serialize + Send + Sync + 'static,
        R: Serialize + DeserializeOwned + Send + Sync + 'static,
        F: Future<Output = Result<Arc<R>, Fault>> + Send + 'static,
        (Result<Arc<R>, ActivityError>,): ComponentNamedList + Lower,
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
        let implementation = Implementation {
            activity,
            entity,
            perform: Arc::new(move |call, arguments| Box::pin(implementation(call, arguments))),
        };
        if let Some(linker) = &mut self.linker {
            let implementation = implementation.clone();
            linker
                .instance(&format!("koppel:loket/{interface}@{WIT_VERSION}"))?
                .func_wrap_async(function, move |store, arguments: P| {
                    let session = store.data().session.clone();
                    let implementation = implementation.clone();
                    Box::new(async move {
                        match replay::perform(&implementation, session, arguments).await {
                            Ok(result) => Ok((Ok(result),)),
                            Err(Fault::Guest(error)) => Ok((Err(error),)),
                            Err(Fault::Host(error)) => Err(end(error)),
                        }
                    })
                })?;
        }
        self.implementations.insert(implementation);
        Ok(())
    }
}

/// The end of a guest because of a fault of the host, or of a limit.
pub(crate) fn end(error: anyhow::Error) -> wasmtime::Error {
    match error.downcast::<LimitReached>() {
        Ok(limit) => limit.into(),
        Err(error) => wasmtime::Error::msg(format!("{error:#}")),
    }
}

/// The UUID in an identifier of the contract.
pub(crate) fn id(field: &str, text: &str) -> Result<Uuid, ActivityError> {
    // Uuid also reads other notations, of other lengths, and capitals; the
    // contract has one.
    let is_the_one =
        text.len() == Hyphenated::LENGTH && !text.bytes().any(|b| b.is_ascii_uppercase());
    match Uuid::try_parse(text) {
        Ok(id) if is_the_one => Ok(id),
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
