//! Writing, each as a whole or not at all. What waits at a moment is written in
//! one transaction: the more there is to do, the more share what it costs to
//! have it on disk, and to have a thread for it. None waits for others to come.

use super::StoreError;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The most that is written in one transaction.
const MOST: usize = 256;

/// Does its work in a transaction, and says whether it is to be kept.
/// Instead of one it may be given why there is none.
type Job = Box<dyn FnOnce(Result<&Transaction<'_>, StoreError>) -> (bool, Told) + Send>;

/// Tells whoever waits, once it is known whether the transaction is committed.
type Told = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A connection, and what waits to be written through it.
pub(super) struct Writer {
    connection: Mutex<Connection>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    /// Whether a thread writes, which does not stop before nothing waits.
    is_writing: bool,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Arc<Self> {
        Arc::new(Self {
            connection: Mutex::new(connection),
            waiting: Mutex::default(),
        })
    }

    /// The connection, which nobody writes through meanwhile.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        lock(&self.connection)
    }

    /// Does work in a transaction, which others may share, and gives what came
    /// of it once it is committed.
    pub(super) async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (told, answer) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            // Others share the transaction.
            let panicked = |_| Err(StoreError::Broken("it panicked".to_owned()));
            let done = db.and_then(|db| {
                catch_unwind(AssertUnwindSafe(|| work(db))).unwrap_or_else(panicked)
            });
            let keep = done.is_ok();
            let told = |committed: Result<(), StoreError>| {
                // Whoever asked may have gone.
                let _ = told.send(done.and_then(|done| committed.map(|()| done)));
            };
            (keep, Box::new(told))
        });
        self.add(job);
        let gone = |_| Err(StoreError::Broken("nobody writes any more".to_owned()));
        answer.await.unwrap_or_else(gone)
    }

    fn add(self: &Arc<Self>, job: Job) {
        let mut waiting = lock(&self.waiting);
        waiting.jobs.push(job);
        if !waiting.is_writing {
            waiting.is_writing = true;
            let writer = self.clone();
            tokio::task::spawn_blocking(move || writer.run());
        }
    }

    /// Writes what waits, until nothing does.
    fn run(&self) {
        loop {
            let jobs: Vec<_> = {
                let mut waiting = lock(&self.waiting);
                let many = waiting.jobs.len().min(MOST);
                waiting.is_writing = many > 0;
                waiting.jobs.drain(..many).collect()
            };
            if jobs.is_empty() {
                return;
            }
            together(&mut self.connection(), jobs);
        }
    }
}

/// Does all of this in one transaction; what fails leaves nothing.
fn together(connection: &mut Connection, jobs: Vec<Job>) {
    let (mut jobs, mut told) = (jobs.into_iter(), Vec::new());
    let done = committed(connection, &mut jobs, &mut told);
    if let Err(error) = &done {
        // There are some left if the transaction came to an early end.
        told.extend(jobs.map(|job| job(Err(error.clone())).1));
    }
    for told in told {
        told(done.clone());
    }
}

fn committed(
    connection: &mut Connection,
    jobs: &mut impl Iterator<Item = Job>,
    told: &mut Vec<Told>,
) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in jobs {
        let begun = execute(&transaction, "SAVEPOINT job");
        let (keep, tells) = job(begun.map(|()| &transaction).map_err(Into::into));
        told.push(tells);
        if transaction.is_autocommit() {
            // SQLite does that when the disk is full or broken.
            let why = "the transaction was rolled back".to_owned();
            return Err(StoreError::Unavailable(why));
        }
        if !keep {
            execute(&transaction, "ROLLBACK TO job")?;
        }
        execute(&transaction, "RELEASE job")?;
    }
    Ok(transaction.commit()?)
}

/// Executes a statement that is the same each time.
fn execute(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A transaction rolls back when its thread panics, and the other lock
    // guards what is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn writer() -> Arc<Writer> {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT")
            .unwrap();
        Writer::new(connection)
    }

    fn insert(n: u32) -> impl FnOnce(&Transaction<'_>) -> Result<u32, StoreError> + Send {
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
        F: FnOnce(&Transaction<'_>) -> Result<u32, StoreError> + Send + 'static,
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
        for done in done {
            let Err(StoreError::Unavailable(why)) = &done else {
                panic!("{done:?}");
            };
            assert_eq!(why, "the transaction was rolled back");
        }
        assert_eq!(rows(&writer), [0; 0]);
        assert_eq!(writer.write(insert(5)).await.unwrap(), 5);
    }
}
