//! Which run of koppel has which journal run of the platform.
//!
//! Loket's API can mark a journal run as processed or as failed, but not as
//! being exported. So koppel keeps that itself, in an SQLite file that all its
//! processes on this platform must share: of two runs of one journal run, in
//! whatever processes, one gets it.

pub(super) mod postgres;

use crate::bindings::koppel::loket::journal_runs::{ExportMethod, JournalRunStatus};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::platform::{ChangedBy, ExportClaim, status_key, status_of_key};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use sqlx::postgres::PgPool;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Marks the file as one of claims: `koCl`.
const APPLICATION: i32 = 0x6b6f_436c;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS claim (
    journal_run TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    client TEXT NOT NULL,
    user TEXT NOT NULL,
    -- Loket's key: 1 sent, 2 written to a file.
    method INTEGER NOT NULL CHECK (method IN (1, 2)),
    since TEXT NOT NULL,
    -- The status before: 4 (ready) or 6 (export failed).
    status INTEGER NOT NULL CHECK (status IN (4, 6))
) STRICT, WITHOUT ROWID";

/// The claims.
#[derive(Clone)]
pub(super) struct Claims(Kept);

/// What they are kept in.
#[derive(Clone)]
enum Kept {
    /// A file of this machine.
    File(Arc<Mutex<Connection>>),
    /// What hosts on several machines share.
    Shared(PgPool),
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("claims: {path} cannot be used: {why}", path = .path.display())]
    Unusable { path: PathBuf, why: String },
    #[error("claims: {path} is a database of something else", path = .0.display())]
    Foreign(PathBuf),
}

impl Claims {
    /// Opens the file, or makes it, with its directory.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let unusable = |why: String| OpenError::Unusable {
            path: path.to_owned(),
            why,
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| unusable(error.to_string()))?;
        }
        let opened = Connection::open(path).and_then(|mut connection| {
            let ours = prepare(&mut connection)?;
            Ok((connection, ours))
        });
        match opened.map_err(|error| unusable(error.to_string()))? {
            (connection, true) => Ok(Self(Kept::File(Arc::new(Mutex::new(connection))))),
            (_, false) => Err(OpenError::Foreign(path.to_owned())),
        }
    }

    /// Those that hosts on several machines share.
    pub(super) fn shared(pool: PgPool) -> Self {
        Self(Kept::Shared(pool))
    }

    /// The database that hosts share, if they do.
    pub(super) fn pool(&self) -> Option<&PgPool> {
        match &self.0 {
            Kept::File(_) => None,
            Kept::Shared(pool) => Some(pool),
        }
    }

    /// Works on the file.
    pub(super) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ActivityError> {
        let Kept::File(connection) = self.0.clone() else {
            return Err(unreadable("they are not in a file".to_owned()));
        };
        let done = tokio::task::spawn_blocking(move || {
            work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let done = done.await.map_err(|error| error.to_string());
        done.and_then(|done| done.map_err(|error| error.to_string()))
            .map_err(unreadable)
    }

    /// The claim on a journal run.
    pub(super) async fn get(
        &self,
        journal_run: Uuid,
    ) -> Result<Option<ExportClaim>, ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::get(pool, journal_run).await;
        }
        self.with(move |connection| find(connection, journal_run))
            .await
    }

    /// The journal runs that are claimed.
    pub(super) async fn all(&self) -> Result<HashSet<String>, ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::all(pool).await;
        }
        self.with(|connection| {
            let mut select = connection.prepare_cached("SELECT journal_run FROM claim")?;
            select.query_map([], |row| row.get(0))?.collect()
        })
        .await
    }

    /// Puts a claim on a journal run, unless there is one: then it is given.
    pub(super) async fn take(
        &self,
        journal_run: Uuid,
        claim: ExportClaim,
    ) -> Result<Option<ExportClaim>, ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::take(pool, journal_run, claim).await;
        }
        self.with(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let found = find(&transaction, journal_run)?;
            if found.is_none() {
                transaction.execute(
                    "INSERT INTO claim (journal_run, run, client, user, method, since, status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![
                        journal_run.to_string(),
                        claim.by.run.to_string(),
                        claim.by.client,
                        claim.by.user,
                        method_key(claim.method),
                        claim.since,
                        status_key(claim.from)
                    ],
                )?;
                transaction.commit()?;
            }
            Ok(found)
        })
        .await
    }

    /// Notes the status that a claimed journal run had before.
    pub(super) async fn came_from(
        &self,
        journal_run: Uuid,
        status: JournalRunStatus,
    ) -> Result<(), ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::came_from(pool, journal_run, status).await;
        }
        self.with(move |connection| {
            connection.execute(
                "UPDATE claim SET status = ?2 WHERE journal_run = ?1",
                params![journal_run.to_string(), status_key(status)],
            )
        })
        .await
        .map(|_| ())
    }

    /// Removes the claim of a run on a journal run, if it is that run's.
    pub(super) async fn end(&self, journal_run: Uuid, run: Uuid) -> Result<(), ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::end(pool, journal_run, run).await;
        }
        self.with(move |connection| {
            connection.execute(
                "DELETE FROM claim WHERE journal_run = ?1 AND run = ?2",
                params![journal_run.to_string(), run.to_string()],
            )
        })
        .await
        .map(|_| ())
    }
}

/// The cause is for the operator.
fn unreadable(why: String) -> ActivityError {
    tracing::error!(why, "the claims cannot be read or written");
    ActivityError::Other("the claims cannot be read or written".to_owned())
}

/// Makes an empty file one of claims; says whether it is one.
fn prepare(connection: &mut Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(Duration::from_secs(5))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let application: i32 =
        transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let objects: u64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && objects > 0 {
        return Ok(false);
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(super::declarations::SCHEMA)?;
    transaction.commit()?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(true)
}

fn find(connection: &Connection, journal_run: Uuid) -> rusqlite::Result<Option<ExportClaim>> {
    let read = |row: &Row<'_>| {
        let run: String = row.get(0)?;
        let run = Uuid::try_parse(&run).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
        })?;
        let status = status_of_key(row.get(5)?);
        Ok(ExportClaim {
            by: ChangedBy {
                run,
                client: row.get(1)?,
                user: row.get(2)?,
            },
            method: if row.get::<_, u8>(3)? == method_key(ExportMethod::Download) {
                ExportMethod::Download
            } else {
                ExportMethod::Send
            },
            since: row.get(4)?,
            from: status.ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(5, -1))?,
        })
    };
    connection
        .prepare_cached(
            "SELECT run, client, user, method, since, status FROM claim WHERE journal_run = ?1",
        )?
        .query_row([journal_run.to_string()], read)
        .optional()
}

fn method_key(method: ExportMethod) -> u8 {
    match method {
        ExportMethod::Send => 1,
        ExportMethod::Download => 2,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::Config;
    use crate::ledger::Redactor;
    use crate::servers::servers;

    /// The same claims as two processes have them.
    pub(in crate::platform::loket) struct Pair {
        pub(in crate::platform::loket) first: Claims,
        pub(in crate::platform::loket) second: Claims,
        _dir: tempfile::TempDir,
    }

    /// In a file, and in PostgreSQL where it is installed.
    pub(in crate::platform::loket) async fn pairs() -> Vec<Pair> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data/claims.db");
        let mut pairs = vec![Pair {
            first: Claims::open(&path).unwrap(),
            second: Claims::open(&path).unwrap(),
            _dir: dir,
        }];
        if let Some(servers) = servers() {
            let database = servers.database();
            let text = servers.configuration(&database, servers.ports(), "") + "[platform]\n";
            let config = Config::parse(Path::new("platform.toml"), &text).unwrap();
            let store = config.shared.unwrap().store;
            let redactor = Redactor::default();
            let connect = || crate::shared::postgres::connect(&store, &redactor);
            pairs.push(Pair {
                first: Claims::shared(connect().await.unwrap()),
                second: Claims::shared(connect().await.unwrap()),
                _dir: tempfile::tempdir().unwrap(),
            });
        }
        pairs
    }

    fn claim(run: u128) -> ExportClaim {
        ExportClaim {
            by: ChangedBy {
                run: Uuid::from_u128(run),
                client: "journal-xaf".to_owned(),
                user: "anna".to_owned(),
            },
            method: ExportMethod::Download,
            since: "2026-01-31T09:30:00Z".to_owned(),
            from: JournalRunStatus::Ready,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_of_two_processes_gets_a_journal_run() {
        for Pair { first, second, .. } in pairs().await {
            one_gets_it(&first, &second).await;
        }
    }

    async fn one_gets_it(first: &Claims, second: &Claims) {
        let (id, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        assert_eq!(first.take(id, claim(1)).await, Ok(None));
        assert_eq!(second.take(id, claim(2)).await, Ok(Some(claim(1))));
        assert_eq!(second.take(other, claim(2)).await, Ok(None));
        assert_eq!(first.all().await.unwrap().len(), 2);
        let failed = JournalRunStatus::ExportFailed;
        first.came_from(id, failed).await.unwrap();
        assert_eq!(second.get(id).await.unwrap().unwrap().from, failed);
        // Another run's is not ended.
        second.end(id, Uuid::from_u128(2)).await.unwrap();
        assert!(first.get(id).await.unwrap().is_some());
        second.end(id, Uuid::from_u128(1)).await.unwrap();
        assert_eq!(first.get(id).await, Ok(None));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_many_that_want_a_journal_run_at_once_one_gets_it() {
        for Pair { first, second, .. } in pairs().await {
            let id = Uuid::from_u128(9);
            let asked = (1..=16).map(|run| {
                let claims = if run % 2 == 0 { &first } else { &second };
                claims.take(id, claim(run))
            });
            let got = futures_util::future::join_all(asked).await;
            let winners = got.iter().filter(|got| **got == Ok(None)).count();
            assert_eq!(winners, 1, "{got:?}");
            let kept = first.get(id).await.unwrap().unwrap();
            for got in got.into_iter().filter(|got| *got != Ok(None)) {
                assert_eq!(got, Ok(Some(kept.clone())));
            }
        }
    }

    #[test]
    fn a_database_of_something_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE payroll (id)").unwrap();
        drop(other);
        let before = std::fs::read(&path).unwrap();
        let error = Claims::open(&path).err().unwrap().to_string();
        assert_eq!(
            error,
            format!("claims: {} is a database of something else", path.display())
        );
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
