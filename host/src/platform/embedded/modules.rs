//! Modules in SQLite.

use super::{Embedded, Failure};
use crate::authorization::EmployerModules;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::platform::{ModuleState, Modules};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::params;
use std::sync::Arc;
use uuid::Uuid;

#[async_trait]
impl Modules for Embedded {
    async fn modules_on(&self) -> Result<Arc<EmployerModules>, ActivityError> {
        self.watched.modules().map_err(Failure::into_activity_error)
    }

    async fn modules_of(&self, employer: Uuid) -> Result<Vec<ModuleState>, ActivityError> {
        self.ask(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT module, is_on, \"user\", time FROM employer_module WHERE employer = ?1 ORDER BY module",
            )?;
            let rows = select.query_map([employer.to_string()], |row| {
                Ok(ModuleState {
                    module: row.get(0)?,
                    on: row.get(1)?,
                    user: row.get(2)?,
                    time: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn turn_module(
        &self,
        employer: Uuid,
        module: &str,
        on: bool,
        user: &str,
    ) -> Result<(), ActivityError> {
        let (module, user) = (module.to_owned(), user.to_owned());
        self.ask(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO employer_module (employer, module, is_on, \"user\", time) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (employer, module) DO UPDATE SET is_on = ?3, \"user\" = ?4, time = ?5",
                )?
                .execute(params![
                    employer.to_string(),
                    module,
                    on,
                    user,
                    Timestamp::now().to_string()
                ])?;
            Ok(())
        })
        .await
    }
}
