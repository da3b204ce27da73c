//! Writing, each as a whole or not at all. What waits at a moment is written in
//! one transaction: the more there is to do, the more share what it costs to
//! have it on disk, and to have a thread for it. None waits for others to come.

use super::StoreError;
use crate::checkpoints::Checkpoints;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The most that is written in one transaction.
const MOST: usize = 256;

/// Work that somebody waits for.
trait Job: Send {
    /// Does it in a transaction, and says whether it succeeded. It may be done
    /// again, in another one.
    fn work(&mut self, db: &Transaction<'_>) -> bool;

    /// Tells what came of it, or what came of the transaction.
    fn tell(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Waiter<F, T> {
    work: F,
    done: Option<Result<T, StoreError>>,
    told: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Waiter<F, T>
where
    F: Fn(&Transaction<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn work(&mut self, db: &Transaction<'_>) -> bool {
        // Others share the transaction.
        let panicked = |_| Err(StoreError::Broken("it panicked".to_owned()));
        let done = catch_unwind(AssertUnwindSafe(|| (self.work)(db))).unwrap_or_else(panicked);
        let done = match db.is_autocommit() {
            // SQLite does that when the disk is full or broken.
            true => done.and(Err(StoreError::Unavailable(
                "the transaction was rolled back".to_owned(),
            ))),
            false => done,
        };
        self.done.insert(done).is_ok()
    }

    fn tell(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { done, told, .. } = *self;
        let failed = |error| Some(Err(error));
        if let Some(done) = committed.map_or_else(failed, |()| done) {
            // Whoever asked may have gone.
            let _ = told.send(done);
        }
    }
}

/// A connection, and what waits to be written through it.
pub(super) struct Writer {
    connection: Mutex<Connection>,
    checkpoints: Arc<Checkpoints>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Box<dyn Job>>,
    /// Whether a thread writes, which does not stop before nothing waits.
    is_writing: bool,
}

impl Writer {
    pub(super) fn new(connection: Connection, checkpoints: Arc<Checkpoints>) -> Arc<Self> {
        Arc::new(Self {
            connection: Mutex::new(connection),
            checkpoints,
            waiting: Mutex::default(),
        })
    }

    /// The connection, which nobody writes through meanwhile.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        lock(&self.connection)
    }

    /// Does work in a transaction, which others may share, and gives what came
    /// of it once it is committed. When others fail, it is done again.
    pub(super) async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Fn(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (told, answer) = oneshot::channel();
        self.add(Box::new(Waiter {
            work,
            done: None,
            told,
        }));
        let gone = |_| Err(StoreError::Broken("nobody writes any more".to_owned()));
        answer.await.unwrap_or_else(gone)
    }

    fn add(self: &Arc<Self>, job: Box<dyn Job>) {
        let was_writing = {
            let mut waiting = lock(&self.waiting);
            waiting.jobs.push(job);
            std::mem::replace(&mut waiting.is_writing, true)
        };
        // Waking a thread takes longer than others should wait for the lock.
        if !was_writing {
            let writer = self.clone();
            tokio::task::spawn_blocking(move || writer.run());
        }
    }

    /// Writes what waits, until nothing does.
    fn run(&self) {
        loop {
            let jobs = {
                let mut waiting = lock(&self.waiting);
                waiting.is_writing = !waiting.jobs.is_empty();
                let many = waiting.jobs.len().min(MOST);
                let more = waiting.jobs.split_off(many);
                std::mem::replace(&mut waiting.jobs, more)
            };
            if jobs.is_empty() {
                return;
            }
            let mut connection = self.connection();
            together(&mut connection, jobs);
            self.checkpoints.committed(&connection);
        }
    }
}

/// Does all of this in one transaction; if some of it fails, each in its own. So
/// what fails leaves nothing, and takes nothing from the others. A savepoint for
/// each would do the same, at the cost of a copy of every page that it changes.
fn together(connection: &mut Connection, mut jobs: Vec<Box<dyn Job>>) {
    let done = committed(connection, &mut jobs);
    match done {
        Ok(false) if jobs.len() > 1 => {
            for job in jobs {
                together(connection, vec![job]);
            }
        }
        done => {
            for job in jobs {
                job.tell(done.clone().map(drop));
            }
        }
    }
}

/// Does all of this in one transaction, and says whether all of it succeeded;
/// otherwise nothing of it was done.
fn committed(connection: &mut Connection, jobs: &mut [Box<dyn Job>]) -> Result<bool, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in jobs {
        if !job.work(&transaction) {
            return Ok(false);
        }
    }
    transaction.commit()?;
    Ok(true)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A transaction rolls back when its thread panics, and the other lock
    // guards what is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::sync::mpsc;

    fn writer() -> Arc<Writer> {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT")
            .unwrap();
        let checkpoints = Checkpoints::of(Path::new("")).unwrap();
        Writer::new(connection, Arc::new(checkpoints))
    }

    fn insert(n: u32) -> impl Fn(&Transaction<'_>) -> Result<u32, StoreError> + Send {
        move |db| {
            db.execute("INSERT INTO t VALUES (?1)", [n])?;
            Ok(n)
        }
    }

    fn rows(writer: &Writer) -> Vec<u32> {
        let connection = writer.connection();
        let mut select = connection.prepare("SELECT n FROM t ORDER BY n").unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Has all of this wait while something else is written, so that it shares
    /// a transaction.
    async fn at_once<F>(writer: &Arc<Writer>, all: Vec<F>) -> Vec<Result<u32, StoreError>>
    where
        F: Fn(&Transaction<'_>) -> Result<u32, StoreError> + Send + 'static,
    {
        let (go, gone) = mpsc::channel();
        let first = tokio::spawn({
            let writer = writer.clone();
            async move {
                let wait = move |_: &Transaction<'_>| {
                    gone.recv().unwrap();
                    Ok(())
                };
                writer.write(wait).await
            }
        });
        let is_alone = || {
            let waiting = lock(&writer.waiting);
            waiting.is_writing && waiting.jobs.is_empty()
        };
        while !is_alone() {
            tokio::task::yield_now().await;
        }
        let many = all.len();
        let mut waiting = tokio::task::JoinSet::new();
        for (at, work) in all.into_iter().enumerate() {
            let writer = writer.clone();
            waiting.spawn(async move { (at, writer.write(work).await) });
        }
        while lock(&writer.waiting).jobs.len() < many {
            tokio::task::yield_now().await;
        }
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        let mut done = waiting.join_all().await;
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, done)| done).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_fails_leaves_nothing_and_takes_nothing_from_the_others() {
        let writer = writer();
        let twice: fn(u32) -> _ = |n| {
            move |db: &Transaction<'_>| {
                insert(n)(db)?;
                if n == 2 { insert(n)(db) } else { Ok(n) }
            }
        };
        let done = at_once(&writer, (1..4).map(twice).collect()).await;
        let [Ok(1), Err(StoreError::Broken(why)), Ok(3)] = &done[..] else {
            panic!("{done:?}");
        };
        assert_eq!(why, "UNIQUE constraint failed: t.n");
        assert_eq!(rows(&writer), [1, 3]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_panics_takes_nothing_from_the_others() {
        let writer = writer();
        let panics: fn(u32) -> _ = |n| {
            move |db: &Transaction<'_>| {
                let n = insert(n)(db)?;
                assert_ne!(n, 1, "this panic is part of the test");
                Ok(n)
            }
        };
        let done = at_once(&writer, (1..3).map(panics).collect()).await;
        let [Err(StoreError::Broken(why)), Ok(2)] = &done[..] else {
            panic!("{done:?}");
        };
        assert_eq!(why, "it panicked");
        assert_eq!(rows(&writer), [2]);
        assert_eq!(writer.write(insert(5)).await.unwrap(), 5);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_said_to_be_written_of_a_transaction_that_came_to_nothing() {
        let writer = writer();
        let rolls_back: fn(u32) -> _ = |n| {
            move |db: &Transaction<'_>| {
                let n = insert(n)(db)?;
                if n == 2 {
                    db.execute_batch("ROLLBACK")?;
                }
                Ok(n)
            }
        };
        let done = at_once(&writer, (1..4).map(rolls_back).collect()).await;
        let [Ok(1), Err(StoreError::Unavailable(why)), Ok(3)] = &done[..] else {
            panic!("{done:?}");
        };
        assert_eq!(why, "the transaction was rolled back");
        assert_eq!(rows(&writer), [1, 3]);
        assert_eq!(writer.write(insert(5)).await.unwrap(), 5);
    }
}
