//! Payroll data in an SQLite file, for one machine.

mod ahead;
mod commits;
mod declarations;
mod employees;
mod employers;
mod import;
mod insurance;
mod journal_exports;
mod journal_runs;
mod modules;
mod payroll_administrations;
mod payroll_runs;
mod record;
pub mod seed;
mod sizes;
#[cfg(test)]
mod tests;
mod trade_register;
mod vehicles;
mod watched;

pub use import::{ImportError, ImportSummary};

use super::{Entity, Owner, Owners};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::{Activity, id};
use ahead::Ahead;
use async_trait::async_trait;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;
use watched::Watched;

/// The version of `schema.sql`, kept in the file as `user_version`.
const SCHEMA: i64 = 4;

/// Payroll data in an SQLite file. Cloning gives another handle on it.
#[derive(Clone)]
pub struct Embedded {
    connection: Arc<Mutex<Connection>>,
    watched: Arc<Watched>,
    ahead: Arc<Ahead>,
}

/// Why the file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory could not be made.
    #[error("{path} cannot be made: {error}", path = .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// The file is no database of ours.
    #[error("{path} is not a database of koppel: {error}", path = .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        error: rusqlite::Error,
    },
    /// The file is a database, but not one of payroll data.
    #[error("{path} is a database of something else", path = .0.display())]
    Foreign(PathBuf),
    /// The file was made by another version of koppel.
    #[error("{path} has schema {found}; this version of koppel reads schema {SCHEMA}", path = .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The schema in the file.
        found: i64,
    },
}

impl Embedded {
    /// Opens the file, or makes an empty one, with its directory.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| OpenError::Directory {
                path: parent.to_owned(),
                error,
            })?;
        }
        let database = |error| OpenError::Database {
            path: path.to_owned(),
            error,
        };
        let mut connection = Connection::open(path).map_err(database)?;
        match prepare(&mut connection).map_err(database)? {
            Some(SCHEMA) => Ok(Self {
                connection: Arc::new(Mutex::new(connection)),
                watched: Arc::new(Watched::open(path).map_err(database)?),
                ahead: Arc::default(),
            }),
            Some(found) => Err(OpenError::Version {
                path: path.to_owned(),
                found,
            }),
            None => Err(OpenError::Foreign(path.to_owned())),
        }
    }

    /// Runs database work where it may block.
    async fn with<T, E>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<String> + Send + 'static,
    {
        let connection = self.connection.clone();
        let done = tokio::task::spawn_blocking(move || {
            // A transaction rolls back when its thread panics, so what a
            // poisoned lock guards is whole.
            work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await
            .unwrap_or_else(|error| Err(error.to_string().into()))
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, ActivityError> {
        self.with(work).await.map_err(Failure::into_activity_error)
    }
}

/// Makes an empty file a database of payroll data; gives the schema of the file,
/// or none when it is a database of something else.
fn prepare(connection: &mut Connection) -> rusqlite::Result<Option<i64>> {
    connection.busy_timeout(Duration::from_secs(5))?;
    // Before anything is changed: the file may not be ours.
    let found = schema(&connection.transaction()?)?;
    if !matches!(found, Some(0 | SCHEMA)) {
        return Ok(found);
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Otherwise a statement with `LIMIT ?` is compiled anew for each page, to
    // look at the number.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = schema(&transaction)?;
    if found == Some(0) {
        transaction.execute_batch(include_str!("schema.sql"))?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
        transaction.commit()?;
        return Ok(Some(SCHEMA));
    }
    Ok(found)
}

/// The schema of a file: 0 when it is empty, none when it is of something else.
fn schema(transaction: &Transaction<'_>) -> rusqlite::Result<Option<i64>> {
    let version = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let objects: u64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let ours = match version {
        0 => objects == 0,
        SCHEMA => transaction.table_exists(None, "payroll_administration")?,
        // Of another version of koppel, unless its tables say otherwise.
        _ => objects == 0 || transaction.table_exists(None, "payroll_administration")?,
    };
    Ok(ours.then_some(version))
}

/// Why a question to the database has no answer.
enum Failure {
    Activity(ActivityError),
    Sqlite(rusqlite::Error),
    Host(String),
}

impl From<ActivityError> for Failure {
    fn from(error: ActivityError) -> Self {
        Self::Activity(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<String> for Failure {
    fn from(error: String) -> Self {
        Self::Host(error)
    }
}

impl Failure {
    fn into_activity_error(self) -> ActivityError {
        let why = match self {
            Self::Activity(error) => return error,
            Self::Sqlite(error)
                if matches!(
                    error.sqlite_error_code(),
                    Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
                ) =>
            {
                return ActivityError::Unavailable(Some(1));
            }
            Self::Sqlite(error) => error.to_string(),
            Self::Host(error) => error,
        };
        // The cause is for the operator; a connector only learns that it failed.
        tracing::error!(why, "the payroll data cannot be read or written");
        ActivityError::Other("the payroll data cannot be read or written".to_owned())
    }
}

/// The employer of the payroll administration to which something belongs.
macro_rules! of_administration {
    ($where:literal) => {
        concat!(
            "SELECT employer.id, provider FROM employer JOIN payroll_administration ON payroll_administration.employer = employer.id WHERE ",
            $where
        )
    };
    ($join:literal, $where:literal) => {
        concat!(
            "SELECT employer.id, provider FROM employer JOIN payroll_administration ON payroll_administration.employer = employer.id JOIN ",
            $join,
            " WHERE ",
            $where
        )
    };
}

#[async_trait]
impl Owners for Embedded {
    async fn owner(&self, entity: Entity) -> Result<Option<Owner>, ActivityError> {
        let sql = match entity {
            Entity::Employer(_) => "SELECT id, provider FROM employer WHERE id = ?1",
            Entity::PayrollAdministration(_) => {
                of_administration!("payroll_administration.id = ?1")
            }
            Entity::PayrollRun(_) => of_administration!(
                "payroll_run ON payroll_run.payroll_administration = payroll_administration.id",
                "payroll_run.id = ?1"
            ),
            Entity::JournalRun(_) => of_administration!(
                "journal_run ON journal_run.payroll_administration = payroll_administration.id",
                "journal_run.id = ?1"
            ),
            Entity::PayrollTaxReturn(_) => of_administration!(
                "declaration ON declaration.payroll_administration = payroll_administration.id",
                "declaration.id = ?1 AND declaration.kind = 1"
            ),
            Entity::UpaPensionDeclaration(_) => of_administration!(
                "declaration ON declaration.payroll_administration = payroll_administration.id",
                "declaration.id = ?1 AND declaration.kind = 2"
            ),
            Entity::Employee(_) => {
                "SELECT employer.id, provider FROM employer JOIN employee ON employee.employer = employer.id WHERE employee.id = ?1"
            }
            Entity::AchmeaInsuranceContract(_) => {
                "SELECT employer.id, provider FROM employer JOIN achmea_insurance_contract ON achmea_insurance_contract.employer = employer.id WHERE achmea_insurance_contract.id = ?1"
            }
        };
        let read = |connection: &Connection| {
            connection
                .prepare_cached(sql)?
                .query_row([entity.id().to_string()], |row| {
                    Ok(Owner {
                        employer: record::uuid(row, 0)?,
                        provider: record::uuid(row, 1)?,
                    })
                })
                .optional()
        };
        let owner = self.watched.owner(entity, read);
        owner.map_err(Failure::into_activity_error)
    }

    fn repeatable(&self, activity: Activity) -> bool {
        [
            id::PatchJournalRunByJournalRunId,
            id::PostSendResponseMessageByPayrollTaxReturnId,
            id::PostSendResponseMessageByUpaPensionDeclarationId,
        ]
        .contains(&activity)
    }

    async fn employers_of(&self, provider: Uuid) -> Result<Vec<Uuid>, ActivityError> {
        let provider = provider.to_string();
        self.ask(move |connection| {
            let mut select = connection
                .prepare_cached("SELECT id FROM employer WHERE provider = ?1 ORDER BY ord")?;
            let employers = select.query_map([provider], |row| record::uuid(row, 0))?;
            Ok(employers.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}
