//! The queue of one machine: the runs themselves, in the order of submission.

use super::super::{Lease, Millis, QueueError, RunQueue, StoreError};
use super::Sqlite;
use super::holder::Holder;
use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// How often the file is looked at for what other processes submitted.
const POLL: Duration = Duration::from_millis(250);

/// How far a clock may be behind the moment at which something was made due,
/// in milliseconds, before it counts as moved.
const SKEW: Millis = 1_000;

/// A queue for the workers of this process, in the file of runs. What another
/// process submits is found; a run whose process is gone is delivered again.
#[derive(Clone)]
pub struct LocalQueue {
    runs: Sqlite,
    holder: Arc<Holder>,
    pushed: Arc<Notify>,
}

impl LocalQueue {
    /// A queue on a file of runs.
    ///
    /// # Errors
    ///
    /// When no lock can be made beside the file.
    pub fn new(runs: Sqlite) -> Result<Self, StoreError> {
        let folder = |error: std::io::Error| {
            let path: &Path = runs.path();
            StoreError::Broken(format!("no lock beside {}: {error}", path.display()))
        };
        let holder = Arc::new(Holder::new(runs.path()).map_err(folder)?);
        Ok(Self {
            runs,
            holder,
            pushed: Arc::default(),
        })
    }

    /// What runs of this process are held by.
    pub fn holder(&self) -> Uuid {
        self.holder.id
    }

    /// The holders of unfinished runs that are gone.
    async fn gone(&self) -> Result<Vec<String>, StoreError> {
        let ours = self.holder.id.to_string();
        let holders: Vec<String> = self
            .runs
            .read(move |db| {
                let mut select = db.prepare_cached(
                    "SELECT DISTINCT holder FROM run WHERE state IN ('queued', 'running') AND holder IS NOT NULL AND holder <> ?1",
                )?;
                let holders = select.query_map([ours], |row| row.get(0))?;
                Ok(holders.collect::<rusqlite::Result<_>>()?)
            })
            .await?;
        let is_gone = |text: &String| match Uuid::try_parse(text) {
            Ok(id) => self.holder.is_gone(id),
            Err(_) => true,
        };
        Ok(holders.into_iter().filter(is_gone).collect())
    }
}

#[async_trait]
impl RunQueue for LocalQueue {
    async fn push(&self, _: Uuid, _: Millis) -> Result<(), QueueError> {
        // It is in the file already.
        self.pushed.notify_one();
        Ok(())
    }

    async fn lease(&self, now: Millis, full: &[String]) -> Result<Option<Lease>, QueueError> {
        let gone = serde_json::json!(self.gone().await?).to_string();
        let full = serde_json::json!(full).to_string();
        let ours = self.holder.id.to_string();
        let leased = self
            .runs
            .durably(move |db| {
                let found: Option<(String, u64)> = db
                    .prepare_cached(
                        "SELECT id, token FROM run AS r WHERE
                         (state IN ('queued', 'running') AND holder IN (SELECT value FROM json_each(?2)))
                         OR (state = 'queued' AND NOT direct AND holder IS NULL
                             AND (due <= ?1 OR due_set > ?1 + ?4)
                             AND client NOT IN (SELECT value FROM json_each(?3))
                             AND NOT EXISTS (SELECT 1 FROM run AS e WHERE e.employer = r.employer AND NOT e.direct AND e.number <> r.number
                                             AND (e.state = 'running' OR (e.state = 'queued' AND e.number < r.number))))
                         ORDER BY number LIMIT 1",
                    )?
                    .query_row(params![now, gone, full, SKEW], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()?;
                if let Some((id, _)) = &found {
                    db.prepare_cached("UPDATE run SET holder = ?2 WHERE id = ?1")?
                        .execute(params![id, ours])?;
                }
                Ok(found)
            })
            .await?;
        let Some((id, token)) = leased else {
            return Ok(None);
        };
        let run = Uuid::try_parse(&id).map_err(|error| StoreError::Broken(error.to_string()))?;
        Ok(Some(Lease {
            run,
            token,
            worn: false,
        }))
    }

    async fn wait(&self) {
        // Nothing else tells what other processes submitted.
        let _ = tokio::time::timeout(POLL, self.pushed.notified()).await;
    }

    async fn heartbeat(&self, lease: &Lease) -> Result<(), QueueError> {
        let (run, ours) = (lease.run, self.holder.id.to_string());
        let held: bool = self
            .runs
            .read(move |db| {
                Ok(db
                    .prepare_cached(
                        "SELECT EXISTS (SELECT 1 FROM run WHERE id = ?1 AND holder = ?2)",
                    )?
                    .query_row(params![run.to_string(), ours], |row| row.get(0))?)
            })
            .await?;
        if held {
            Ok(())
        } else {
            Err(QueueError::Lost(run))
        }
    }

    fn heartbeat_every(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn ack(&self, lease: &Lease) -> Result<(), QueueError> {
        self.release(lease.run, None).await
    }

    async fn retry_at(&self, lease: &Lease, due: Millis) -> Result<(), QueueError> {
        self.release(lease.run, Some(due)).await
    }

    async fn dead_letter(&self, lease: &Lease, why: &str) -> Result<(), QueueError> {
        // The dead letters are the runs of that state.
        tracing::warn!(run = %lease.run, why, "a run is given up");
        self.release(lease.run, None).await
    }
}

impl LocalQueue {
    async fn release(&self, run: Uuid, due: Option<Millis>) -> Result<(), QueueError> {
        let ours = self.holder.id.to_string();
        self.runs
            .lightly(move |db| {
                db.prepare_cached(
                    "UPDATE run SET holder = NULL, due = CASE WHEN state = 'queued' THEN coalesce(?3, due) ELSE due END WHERE id = ?1 AND holder = ?2",
                )?
                .execute(params![run.to_string(), ours, due])?;
                Ok(())
            })
            .await?;
        self.pushed.notify_one();
        Ok(())
    }
}
