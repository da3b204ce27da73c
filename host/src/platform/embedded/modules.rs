//! Modules in SQLite, with a copy in memory of those that are on.
//!
//! The copy is read on every call. It is renewed when the file changed, which
//! SQLite tells without reading it (`PRAGMA data_version`), so that what
//! another process turned off is off at once.

use super::{Embedded, Failure, record};
use crate::authorization::EmployerModules;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::platform::{ModuleState, Modules};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// The modules that are on, and the version of the file that they are of.
pub(super) struct Watched(Mutex<Snapshot>);

struct Snapshot {
    /// A connection of its own: a version only tells of what other connections
    /// changed, and nothing waits for work on payroll data.
    connection: Connection,
    version: Option<i64>,
    on: Arc<EmployerModules>,
}

impl Watched {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(Self(Mutex::new(Snapshot {
            connection,
            version: None,
            on: Arc::default(),
        })))
    }

    fn now(&self) -> rusqlite::Result<Arc<EmployerModules>> {
        let mut snapshot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Before reading: a change in between is then found the next time.
        let version = snapshot
            .connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        if snapshot.version != Some(version) {
            snapshot.on = Arc::new(read(&snapshot.connection)?);
            snapshot.version = Some(version);
        }
        Ok(snapshot.on.clone())
    }
}

fn read(connection: &Connection) -> rusqlite::Result<EmployerModules> {
    let mut on = EmployerModules::new();
    let mut select = connection
        .prepare_cached("SELECT employer, module FROM employer_module WHERE is_on = 1")?;
    let rows = select.query_map([], |row| Ok((record::uuid(row, 0)?, row.get(1)?)))?;
    for row in rows {
        let (employer, module) = row?;
        on.entry(employer).or_default().insert(module);
    }
    Ok(on)
}

#[async_trait]
impl Modules for Embedded {
    async fn modules_on(&self) -> Result<Arc<EmployerModules>, ActivityError> {
        // Not moved to a thread that may block: without a change nothing is
        // read from disk, and a reader waits for no writer (WAL).
        self.1
            .now()
            .map_err(|error| Failure::from(error).into_activity_error())
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
