//! The queue of one machine: the runs themselves, in the order of submission.

use super::super::{Lease, Millis, QueueError, RunQueue, StoreError};
use super::Sqlite;
use super::holder::Holder;
use async_trait::async_trait;
use rusqlite::{OptionalExtension, Row, params};
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

/// What keeps taking up a run from costing more the longer the queue is, or the
/// longer the history of an employer.
pub(super) const INDEXES: &str = "
    CREATE INDEX IF NOT EXISTS run_held ON run (holder) WHERE holder IS NOT NULL;
    CREATE INDEX IF NOT EXISTS run_waiting ON run (number) WHERE state = 'queued' AND NOT direct AND holder IS NULL;";

/// The holders of unfinished runs other than this one.
const OTHERS: &str = "SELECT DISTINCT holder FROM run INDEXED BY run_held
    WHERE holder IS NOT NULL AND holder <> ?1 AND state IN ('queued', 'running')";

/// The first run whose process is gone: of one of these holders.
const ABANDONED: &str = "SELECT id, token FROM run INDEXED BY run_held
    WHERE holder IS NOT NULL AND holder IN (SELECT value FROM json_each(?1)) AND state IN ('queued', 'running')
    ORDER BY number LIMIT 1";

/// The first run whose turn it is: it is due (`?1` is now, `?3` how far the clock
/// may be behind), its client may have more (`?2` are those that may not), and no
/// earlier one of its employer is not over.
const NEXT: &str = "SELECT id, token FROM run AS r INDEXED BY run_waiting
    WHERE state = 'queued' AND NOT direct AND holder IS NULL
    AND (due <= ?1 OR due_set > ?1 + ?3)
    AND client NOT IN (SELECT value FROM json_each(?2))
    AND NOT EXISTS (SELECT 1 FROM run AS e
        WHERE e.employer = r.employer AND e.state = 'running' AND NOT e.direct AND e.number <> r.number)
    AND NOT EXISTS (SELECT 1 FROM run AS e
        WHERE e.employer = r.employer AND e.state = 'queued' AND NOT e.direct AND e.number < r.number)
    ORDER BY number LIMIT 1";

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
                let mut select = db.prepare_cached(OTHERS)?;
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
                let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
                let mut found: Option<(String, u64)> = db
                    .prepare_cached(ABANDONED)?
                    .query_row([&gone], row)
                    .optional()?;
                if found.is_none() {
                    found = db
                        .prepare_cached(NEXT)?
                        .query_row(params![now, full, SKEW], row)
                        .optional()?;
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_up_a_run_looks_at_no_more_of_a_long_queue_than_of_a_short_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs.db");
        let _made = Sqlite::open(&path).unwrap();
        let db = rusqlite::Connection::open(&path).unwrap();
        let plan = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
            let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = explain
                .query_map(values, |row| row.get::<_, String>(3))
                .unwrap();
            let steps = steps.map(Result::unwrap);
            // What is made of the lists that it is given.
            let lists = ["SUBQUERY", "json_each", "BLOOM FILTER"];
            let runs = steps.filter(|step| !lists.iter().any(|list| step.contains(list)));
            runs.collect::<Vec<_>>()
        };
        assert_eq!(
            plan(OTHERS, &[&"x"]),
            ["SEARCH run USING INDEX run_held (holder>?)"],
            "which has those only that are held"
        );
        assert_eq!(
            plan(ABANDONED, &[&"[]"]),
            [
                "SEARCH run USING INDEX run_held (holder=?)",
                "USE TEMP B-TREE FOR ORDER BY"
            ]
        );
        assert_eq!(
            plan(NEXT, &[&1, &"[]", &1]),
            [
                // In the order of the queue, and to the first that may begin.
                "SCAN r USING INDEX run_waiting",
                "SEARCH e USING INDEX run_employer (employer=? AND state=?)",
                "SEARCH e USING INDEX run_employer (employer=? AND state=? AND number<?)"
            ]
        );
    }
}
