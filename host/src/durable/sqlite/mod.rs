//! Runs in an SQLite file, for the processes of one machine.

mod attempts;
mod budgets;
mod holder;
mod people;
mod queue;
mod runs;
#[cfg(test)]
mod tests;
mod writer;

pub use queue::LocalQueue;

use super::{
    Attempt, Begin, Begun, DayCount, Decision, Direct, Doubt, End, Ended, Fence, Made, Millis,
    NewRun, Run, RunFilter, RunStore, Step, StoreError, Submitted,
};
use crate::checkpoints::Checkpoints;
use crate::encryption::{Resealed, Vault};
use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use writer::Writer;

/// The version of `schema.sql`, kept in the file as `user_version`.
const SCHEMA: i64 = 1;

/// How much of the file is kept in memory by each connection, in KiB.
const CACHE_KIB: i64 = 8 << 10;

/// Marks the file as one of runs: `koRu`.
const APPLICATION: i32 = 0x6b6f_5275;

/// Runs in an SQLite file. Cloning gives another handle on it.
#[derive(Clone)]
pub struct Sqlite {
    path: PathBuf,
    /// What is written here is on disk before it returns.
    durable: Arc<Writer>,
    /// What is written here survives the process, and the machine as soon as
    /// anything durable was written after it: for what is informative only.
    light: Arc<Writer>,
    checkpoints: Arc<Checkpoints>,
    vault: Vault,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Broken(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl Sqlite {
    /// Opens the file, or makes an empty one, with its directory.
    ///
    /// # Errors
    ///
    /// When the file cannot be made, or holds something else.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let named = |error: &dyn std::fmt::Display| {
            StoreError::Broken(format!("{}: {error}", path.display()))
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| named(&error))?;
        }
        let open = |synchronous| {
            let mut connection = Connection::open(path).map_err(|error| named(&error))?;
            prepare(&mut connection, synchronous).map_err(|error| named(&error))?;
            Ok::<_, StoreError>(connection)
        };
        let (durable, light) = (open("FULL")?, open("NORMAL")?);
        let checkpoints = Arc::new(Checkpoints::of(path).map_err(|error| named(&error))?);
        for connection in [&durable, &light] {
            checkpoints
                .take(connection)
                .map_err(|error| named(&error))?;
        }
        Ok(Self {
            path: path.to_owned(),
            durable: Writer::new(durable, checkpoints.clone()),
            light: Writer::new(light, checkpoints.clone()),
            checkpoints,
            vault: Vault::default(),
        })
    }

    /// With the keys of what is stored.
    pub(crate) fn encrypted(self, vault: Vault) -> Self {
        Self { vault, ..self }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn durably<T: Send + 'static>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.durable.write(work).await
    }

    async fn lightly<T: Send + 'static>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.light.write(work).await
    }

    /// As [`Sqlite::durably`], on what is there: also what was asked for through
    /// the other connection, and nobody waited for.
    async fn knowingly<T: Send + 'static>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read(|_| Ok(())).await?;
        self.durably(work).await
    }

    /// What was replaced or removed is not to stay in the write-ahead log.
    async fn checkpoint(&self) -> Result<(), StoreError> {
        let checkpoints = self.checkpoints.clone();
        self.read(move |db| Ok(checkpoints.truncate(db)?)).await
    }

    /// Reads without taking the place of whoever writes.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = self.light.clone();
        let done = tokio::task::spawn_blocking(move || connection.read(work));
        done.await
            .unwrap_or_else(|error| Err(StoreError::Broken(error.to_string())))
    }
}

/// Makes an empty file one of runs.
fn prepare(
    connection: &mut Connection,
    synchronous: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    connection.busy_timeout(Duration::from_secs(5))?;
    // Before anything is changed: it may be a file of something else.
    is_made(&connection.transaction()?)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    // What the journal held of persons is overwritten when it is deleted.
    connection.pragma_update(None, "secure_delete", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !is_made(&transaction)? {
        transaction.execute_batch(include_str!("schema.sql"))?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
    }
    transaction.execute_batch(queue::INDEXES)?;
    transaction.commit()?;
    // A negative size is one in KiB.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(())
}

/// Whether this is a file of runs (true) or an empty one (false).
fn is_made(connection: &Transaction<'_>) -> Result<bool, Box<dyn std::error::Error>> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let objects: u64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version) {
        (0, 0) if objects == 0 => Ok(false),
        (APPLICATION, SCHEMA) => Ok(true),
        (APPLICATION, found) => Err(format!(
            "it has schema {found}; this version of koppel reads schema {SCHEMA}"
        )
        .into()),
        _ => Err("it is a database of something else".into()),
    }
}

#[async_trait]
impl RunStore for Sqlite {
    async fn submit(&self, new: NewRun, now: Millis) -> Result<Submitted, StoreError> {
        self.durably(move |db| runs::submit(db, &new, now)).await
    }

    async fn run(&self, id: Uuid) -> Result<Option<Run>, StoreError> {
        self.read(move |db| runs::find(db, id)).await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<Run>, StoreError> {
        self.read(move |db| runs::list(db, &filter)).await
    }

    async fn page(
        &self,
        filter: RunFilter,
        skip: u64,
        size: u32,
    ) -> Result<(Vec<Run>, u64), StoreError> {
        self.read(move |db| runs::page(db, &filter, skip, size))
            .await
    }

    async fn days(&self, filter: RunFilter) -> Result<Vec<DayCount>, StoreError> {
        self.read(move |db| runs::days(db, &filter)).await
    }

    async fn counts(&self) -> Result<Vec<(super::State, u64)>, StoreError> {
        self.read(runs::counts).await
    }

    async fn running(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.read(runs::running).await
    }

    async fn attempts(&self, run: Uuid) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |db| runs::attempts(db, run)).await
    }

    async fn begin(&self, begin: Begin) -> Result<Begun, StoreError> {
        let vault = self.vault.clone();
        self.durably(move |db| attempts::begin(db, &begin, &vault))
            .await
    }

    async fn direct(&self, direct: Direct) -> Result<(), StoreError> {
        let vault = self.vault.clone();
        self.lightly(move |db| attempts::direct(db, &direct, &vault))
            .await
    }

    async fn made(&self, direct: Direct, end: End, now: Millis) -> Result<(), StoreError> {
        if !matches!(end.to, Ended::Over(_)) {
            let fence = direct.fence();
            self.direct(direct).await?;
            return self.finish(fence, end, now).await.map(drop);
        }
        let run = direct.new.id;
        let told = move |done: Result<(), StoreError>| {
            if let Err(error) = done {
                error.tell_end_not_kept(run);
            }
        };
        let work = move |db: &Transaction<'_>| attempts::made(db, &direct, &end, now);
        self.light.write_soon(work, told).await
    }

    async fn record(&self, fence: Fence, steps: Vec<Step>) -> Result<(), StoreError> {
        let vault = self.vault.clone();
        self.durably(move |db| attempts::record(db, fence, &steps, &vault))
            .await
    }

    async fn forget(&self, fence: Fence, made: Made) -> Result<(), StoreError> {
        self.durably(move |db| attempts::forget(db, fence, &made))
            .await
    }

    async fn finish(&self, fence: Fence, end: End, now: Millis) -> Result<Run, StoreError> {
        let direct = self
            .read(move |db| runs::is_direct(db, fence.run))
            .await
            .unwrap_or(false);
        let work = move |db: &Transaction<'_>| attempts::finish(db, fence, &end, now);
        if direct {
            self.lightly(work).await
        } else {
            self.durably(work).await
        }
    }

    async fn cancel(&self, run: Uuid, why: &str, now: Millis) -> Result<Run, StoreError> {
        let why = why.to_owned();
        self.knowingly(move |db| people::cancel(db, run, &why, now))
            .await
    }

    async fn cancelled(&self, run: Uuid) -> Result<Option<String>, StoreError> {
        self.read(move |db| Ok(runs::find(db, run)?.and_then(|run| run.cancel)))
            .await
    }

    async fn retry(&self, run: Uuid, now: Millis) -> Result<Run, StoreError> {
        self.knowingly(move |db| people::retry(db, run, now)).await
    }

    async fn decide(
        &self,
        run: Uuid,
        decision: Decision,
        now: Millis,
    ) -> Result<(Run, Vec<Doubt>), StoreError> {
        let vault = self.vault.clone();
        self.knowingly(move |db| people::decide(db, run, &decision, now, &vault))
            .await
    }

    async fn unfinished(&self) -> Result<Vec<(Uuid, Millis)>, StoreError> {
        self.read(runs::unfinished).await
    }

    async fn spend(&self, budget: &str, day: &str, most: u32) -> Result<bool, StoreError> {
        let (budget, day) = (budget.to_owned(), day.to_owned());
        self.durably(move |db| budgets::spend(db, &budget, &day, most))
            .await
    }

    async fn ticked(&self, schedule: &str) -> Result<Option<Millis>, StoreError> {
        let schedule = schedule.to_owned();
        self.read(move |db| budgets::ticked(db, &schedule)).await
    }

    async fn tick(&self, schedule: &str, moment: Millis) -> Result<(), StoreError> {
        let schedule = schedule.to_owned();
        self.durably(move |db| budgets::tick(db, &schedule, moment))
            .await
    }

    async fn remove(&self, runs: Vec<Uuid>) -> Result<u64, StoreError> {
        let removed = self.durably(move |db| attempts::remove(db, &runs)).await?;
        self.checkpoint().await?;
        Ok(removed)
    }

    async fn reseal(&self) -> Result<Resealed, StoreError> {
        let Some(key) = self.vault.active()? else {
            return Ok(Resealed::default());
        };
        let vault = self.vault.clone();
        let resealed = self
            .durably(move |db| attempts::reseal(db, &key, &vault))
            .await?;
        if resealed.count == 0 {
            self.checkpoint().await?;
        }
        Ok(resealed)
    }
}
