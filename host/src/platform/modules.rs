//! Modules (products) that are turned on and off at run time.
//!
//! They come on top of those of the configuration. Who may turn them is not
//! decided here but in [`crate::runs::Host::switch_module`].

use crate::authorization::EmployerModules;
use crate::bindings::koppel::loket::types::ActivityError;
use async_trait::async_trait;
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;

/// A module as a user left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModuleState {
    /// The name of the module.
    pub module: String,
    /// On or off.
    pub on: bool,
    /// The user who turned it.
    pub user: String,
    /// When, RFC 3339 in UTC.
    pub time: String,
}

/// The modules that were turned at run time. A platform that keeps none has
/// nothing to implement: then all are off, and cannot be turned on.
#[async_trait]
pub trait Modules: Send + Sync {
    /// The modules that are on, of all employers, as they are now: also what
    /// another process turned is in it. Called on every call of a connector
    /// that belongs to a module, so it must be cheap.
    async fn modules_on(&self) -> Result<Arc<EmployerModules>, ActivityError> {
        Ok(Arc::default())
    }

    /// The modules that were ever turned for an employer, by name.
    async fn modules_of(&self, _employer: Uuid) -> Result<Vec<ModuleState>, ActivityError> {
        Ok(Vec::new())
    }

    /// Turns a module on or off for an employer, on behalf of a user.
    async fn turn_module(
        &self,
        _employer: Uuid,
        _module: &str,
        _on: bool,
        _user: &str,
    ) -> Result<(), ActivityError> {
        Err(ActivityError::Other(
            "this platform keeps no modules; put them in the configuration".to_owned(),
        ))
    }
}
