//! Payroll data in an SQLite file, for one machine.

mod import;
mod list;
mod rows;
pub mod seed;
#[cfg(test)]
mod tests;

pub use import::{ImportError, ImportSummary};

use super::{Entity, Owner, Platform};
use crate::bindings::koppel::loket::employers::{Employer, EmployerPage};
use crate::bindings::koppel::loket::journal_runs::{
    JournalLinePage, JournalRun, JournalRunChange, JournalRunErrorPage, JournalRunPage,
};
use crate::bindings::koppel::loket::payroll_administrations::PayrollAdministrationPage;
use crate::bindings::koppel::loket::payroll_runs::{
    PayrollRun, PayrollRunPage, PayrollRunResultPage,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::bindings::koppel::loket::vehicles::AdditionalTaxLiability;
use async_trait::async_trait;
use list::List;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// The version of `schema.sql`, kept in the file as `user_version`.
const SCHEMA: i64 = 1;

/// Payroll data in an SQLite file. Cloning gives another handle on it.
#[derive(Clone)]
pub struct Embedded(Arc<Mutex<Connection>>);

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
        let version = prepare(&mut connection).map_err(database)?;
        if version != SCHEMA {
            return Err(OpenError::Version {
                path: path.to_owned(),
                found: version,
            });
        }
        Ok(Self(Arc::new(Mutex::new(connection))))
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
        let connection = self.0.clone();
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

fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != 0 {
        return Ok(version);
    }
    transaction.execute_batch(include_str!("schema.sql"))?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()?;
    Ok(SCHEMA)
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

/// The single row of a query, or `not-found`.
fn one<T>(
    connection: &Connection,
    sql: &str,
    id: &str,
    map: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<T, Failure> {
    connection
        .prepare_cached(sql)?
        .query_row([id], map)
        .optional()?
        .ok_or_else(|| ActivityError::NotFound(id.to_owned()).into())
}

#[async_trait]
impl Platform for Embedded {
    async fn owner(&self, entity: Entity) -> Result<Option<Owner>, ActivityError> {
        const ADMINISTRATION: &str = "SELECT employer.id, provider FROM employer \
            JOIN payroll_administration ON payroll_administration.employer = employer.id";
        let sql = match entity {
            Entity::Employer(_) => "SELECT id, provider FROM employer WHERE id = ?1".to_owned(),
            Entity::PayrollAdministration(_) => {
                format!("{ADMINISTRATION} WHERE payroll_administration.id = ?1")
            }
            Entity::PayrollRun(_) => format!(
                "{ADMINISTRATION} JOIN payroll_run ON payroll_run.payroll_administration = payroll_administration.id WHERE payroll_run.id = ?1"
            ),
            Entity::JournalRun(_) => format!(
                "{ADMINISTRATION} JOIN journal_run ON journal_run.payroll_administration = payroll_administration.id WHERE journal_run.id = ?1"
            ),
        };
        let id = entity.id().to_string();
        self.ask(move |connection| {
            let owner = connection
                .prepare_cached(&sql)?
                .query_row([id], |row| {
                    Ok(Owner {
                        employer: rows::uuid(row, 0)?,
                        provider: rows::uuid(row, 1)?,
                    })
                })
                .optional()?;
            Ok(owner)
        })
        .await
    }

    async fn employers(
        &self,
        among: &[Uuid],
        page: &PageRequest,
    ) -> Result<EmployerPage, ActivityError> {
        let ids: Vec<String> = among.iter().map(Uuid::to_string).collect();
        // A JSON array as one parameter: any number of ids, one statement.
        let ids = serde_json::json!(ids).to_string();
        let page = page.clone();
        self.ask(move |connection| {
            let list = List::new(
                rows::EMPLOYER,
                "employer",
                "id IN (SELECT value FROM json_each(?1))",
                ids,
            );
            let (items, next, total_size) = list.page(connection, &page, rows::employer)?;
            Ok(EmployerPage {
                items,
                next,
                total_size,
            })
        })
        .await
    }

    async fn employer(&self, id: Uuid) -> Result<Employer, ActivityError> {
        self.ask(move |connection| {
            let sql = format!("SELECT ord, {} FROM employer WHERE id = ?1", rows::EMPLOYER);
            one(connection, &sql, &id.to_string(), rows::employer)
        })
        .await
    }

    async fn payroll_administrations(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollAdministrationPage, ActivityError> {
        let page = page.clone();
        self.ask(move |connection| {
            let list = List::new(
                rows::PAYROLL_ADMINISTRATION,
                "payroll_administration",
                "employer = ?1",
                employer.to_string(),
            );
            let (items, next, total_size) =
                list.page(connection, &page, rows::payroll_administration)?;
            Ok(PayrollAdministrationPage {
                items,
                next,
                total_size,
            })
        })
        .await
    }

    async fn payroll_runs(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollRunPage, ActivityError> {
        let page = page.clone();
        self.ask(move |connection| {
            let list = List::new(
                rows::PAYROLL_RUN,
                "payroll_run",
                "payroll_administration = ?1",
                payroll_administration.to_string(),
            )
            .descending();
            let (items, next, total_size) = list.page(connection, &page, rows::payroll_run)?;
            Ok(PayrollRunPage {
                items,
                next,
                total_size,
            })
        })
        .await
    }

    async fn payroll_run(&self, id: Uuid) -> Result<PayrollRun, ActivityError> {
        self.ask(move |connection| {
            let sql = format!(
                "SELECT ord, {} FROM payroll_run WHERE id = ?1",
                rows::PAYROLL_RUN
            );
            one(connection, &sql, &id.to_string(), rows::payroll_run)
        })
        .await
    }

    async fn payroll_run_results(
        &self,
        payroll_run: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollRunResultPage, ActivityError> {
        let page = page.clone();
        self.ask(move |connection| {
            let list = List::new(
                rows::PAYROLL_RUN_RESULT,
                "payroll_run_result",
                "payroll_run = ?1",
                payroll_run.to_string(),
            );
            let (items, next, total_size) =
                list.page(connection, &page, rows::payroll_run_result)?;
            Ok(PayrollRunResultPage {
                items,
                next,
                total_size,
            })
        })
        .await
    }

    async fn journal_runs(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunPage, ActivityError> {
        let page = page.clone();
        self.ask(move |connection| {
            let list = List::new(
                rows::JOURNAL_RUN,
                "journal_run",
                "payroll_administration = ?1",
                payroll_administration.to_string(),
            )
            .descending();
            let (items, next, total_size) = list.page(connection, &page, rows::journal_run)?;
            Ok(JournalRunPage {
                items,
                next,
                total_size,
            })
        })
        .await
    }

    async fn journal_run(&self, id: Uuid) -> Result<JournalRun, ActivityError> {
        self.ask(move |connection| journal_run(connection, id))
            .await
    }

    async fn journal_run_results(
        &self,
        journal_run_id: Uuid,
        page: &PageRequest,
    ) -> Result<JournalLinePage, ActivityError> {
        let page = page.clone();
        self.ask(move |connection| {
            let status = rows::key(journal_run(connection, journal_run_id)?.status);
            if status < 4 {
                return Err(ActivityError::Conflict(format!(
                    "journal run {journal_run_id} has no results: its status is {status} ({})",
                    rows::status_text(status)
                ))
                .into());
            }
            let list = List::new(
                rows::JOURNAL_LINE,
                "journal_line",
                "journal_run = ?1",
                journal_run_id.to_string(),
            );
            let (items, next, total_size) = list.page(connection, &page, rows::journal_line)?;
            Ok(JournalLinePage {
                items,
                next,
                total_size,
            })
        })
        .await
    }

    async fn journal_run_errors(
        &self,
        journal_run_id: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunErrorPage, ActivityError> {
        let page = page.clone();
        self.ask(move |connection| {
            journal_run(connection, journal_run_id)?;
            let list = List::new(
                rows::JOURNAL_RUN_ERROR,
                "journal_run_error",
                "journal_run = ?1",
                journal_run_id.to_string(),
            );
            let (items, next, total_size) =
                list.page(connection, &page, rows::journal_run_error)?;
            Ok(JournalRunErrorPage {
                items,
                next,
                total_size,
            })
        })
        .await
    }

    async fn change_journal_run(
        &self,
        id: Uuid,
        change: &JournalRunChange,
    ) -> Result<JournalRun, ActivityError> {
        let (action, from, to, message) = match change {
            JournalRunChange::MarkAsProcessed(reference) => {
                ("MarkAsProcessed", 4..=6, 7, reference.clone())
            }
            JournalRunChange::MarkAsProcessingFailed(reason) => {
                ("MarkAsProcessingFailed", 4..=5, 6, reason.clone())
            }
        };
        self.ask(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let status = rows::key(journal_run(&transaction, id)?.status);
            if !from.contains(&status) {
                return Err(ActivityError::Conflict(format!(
                    "{action} needs journal run {id} at status {} to {}; its status is {status} ({})",
                    from.start(),
                    from.end(),
                    rows::status_text(status)
                ))
                .into());
            }
            transaction.execute(
                "UPDATE journal_run SET status = ?2 WHERE id = ?1",
                params![id.to_string(), to],
            )?;
            transaction.execute(
                "INSERT INTO journal_run_change (journal_run, time, action, status, message) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id.to_string(), jiff::Timestamp::now().to_string(), action, to, message],
            )?;
            let changed = journal_run(&transaction, id)?;
            transaction.commit()?;
            Ok(changed)
        })
        .await
    }

    async fn additional_tax_liability(
        &self,
        license_plate_number: &str,
    ) -> Result<AdditionalTaxLiability, ActivityError> {
        let plate = license_plate_number.to_owned();
        self.ask(move |connection| {
            let sql = format!(
                "SELECT 0, {} FROM vehicle WHERE license_plate_number = ?1",
                rows::VEHICLE
            );
            one(connection, &sql, &plate, rows::vehicle)
        })
        .await
    }
}

fn journal_run(connection: &Connection, id: Uuid) -> Result<JournalRun, Failure> {
    let sql = format!(
        "SELECT ord, {} FROM journal_run WHERE id = ?1",
        rows::JOURNAL_RUN
    );
    one(connection, &sql, &id.to_string(), rows::journal_run)
}
