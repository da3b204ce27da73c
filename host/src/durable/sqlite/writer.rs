//! Writing, each as a whole or not at all. What waits at a moment is written in
//! one transaction: the more there is to do, the more share what it costs to
//! have it on disk, and to have a thread for it. None waits for others to come,
//! but for what nobody waits for.

use super::StoreError;
use crate::checkpoints::Checkpoints;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// The most that is written in one transaction.
const MOST: usize = 256;

/// How long what nobody waits for may wait for more of its kind.
const HELD: Duration = Duration::from_millis(5);

/// Work that somebody waits for.
trait Job: Send {
    /// Does it in a transaction, and says whether it succeeded. It may be done
    /// again, in another one.
    fn work(&mut self, db: &Transaction<'_>) -> bool;

    /// Tells what came of it, or what came of the transaction.
    fn tell(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Waiter<F, T, G> {
    work: F,
    done: Option<Result<T, StoreError>>,
    told: G,
}

impl<F, T, G> Job for Waiter<F, T, G>
where
    F: Fn(&Transaction<'_>) -> Result<T, StoreError> + Send,
    T: Send,
    G: FnOnce(Result<T, StoreError>) + Send,
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
            told(done);
        }
    }
}

/// A connection, and what waits to be written through it.
pub(super) struct Writer {
    connection: Mutex<Connection>,
    checkpoints: Arc<Checkpoints>,
    waiting: Mutex<Waiting>,
    /// Told when somebody begins to wait.
    awaited: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Box<dyn Job>>,
    /// Whether somebody waits for one of them.
    is_awaited: bool,
    /// Whether a thread writes, which does not stop before nothing waits.
    is_writing: bool,
}

impl Writer {
    pub(super) fn new(connection: Connection, checkpoints: Arc<Checkpoints>) -> Arc<Self> {
        Arc::new(Self {
            connection: Mutex::new(connection),
            checkpoints,
            waiting: Mutex::default(),
            awaited: Condvar::new(),
        })
    }

    /// Reads through the connection, which nobody writes through meanwhile. It
    /// sees all that was asked for before, whether or not anybody waited for it.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        let mut connection = lock(&self.connection);
        self.finish(&mut connection);
        work(&connection)
    }

    /// Does work in a transaction, which others may share, and gives what came
    /// of it once it is committed. When others fail, it is done again.
    pub(super) async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Fn(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (told, answer) = oneshot::channel();
        let job = Waiter {
            work,
            done: None,
            // Whoever asked may have gone.
            told: |done| drop(told.send(done)),
        };
        self.add(lock(&self.waiting), true, Box::new(job));
        let gone = |_| Err(StoreError::Broken("nobody writes any more".to_owned()));
        answer.await.unwrap_or_else(gone)
    }

    /// Does work as [`Writer::write`] does, but waits for it only if nothing else
    /// is being written, or too much is to be: waiting for a thread takes a run
    /// longer than what it wrote. What comes of work that is not waited for is
    /// told.
    pub(super) async fn write_soon(
        self: &Arc<Self>,
        work: impl Fn(&Transaction<'_>) -> Result<(), StoreError> + Send + 'static,
        told: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) -> Result<(), StoreError> {
        {
            let waiting = lock(&self.waiting);
            if waiting.is_writing && waiting.jobs.len() < MOST {
                let done = None;
                self.add(waiting, false, Box::new(Waiter { work, done, told }));
                return Ok(());
            }
        }
        self.write(work).await
    }

    fn add(
        self: &Arc<Self>,
        mut waiting: MutexGuard<'_, Waiting>,
        is_awaited: bool,
        job: Box<dyn Job>,
    ) {
        waiting.jobs.push(job);
        let was_awaited = waiting.is_awaited;
        waiting.is_awaited |= is_awaited;
        let was_writing = std::mem::replace(&mut waiting.is_writing, true);
        drop(waiting);
        // Waking a thread takes longer than others should wait for the lock.
        if !was_writing {
            let writer = self.clone();
            tokio::task::spawn_blocking(move || writer.run());
        } else if is_awaited && !was_awaited {
            self.awaited.notify_one();
        }
    }

    /// Writes what waits, until nothing does.
    fn run(&self) {
        let mut many = 0;
        while self.is_more(many) {
            many = self.take(&mut lock(&self.connection));
        }
    }

    /// Whether there is more to write, after so much was written at once. If that
    /// was more than one, more is likely to come: what nobody waits for is written
    /// together.
    fn is_more(&self, wrote: usize) -> bool {
        let mut waiting = lock(&self.waiting);
        if wrote > 1 {
            let may_wait = |waiting: &mut Waiting| !waiting.is_awaited && waiting.jobs.len() < MOST;
            (waiting, _) = self
                .awaited
                .wait_timeout_while(waiting, HELD, may_wait)
                .unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_writing = !waiting.jobs.is_empty();
        waiting.is_writing
    }

    /// Writes all that waits.
    fn finish(&self, connection: &mut Connection) {
        while self.take(connection) == MOST {}
    }

    /// Writes what waits at this moment, and says how much that was. Who has the
    /// connection finds what was asked for written, or waiting.
    fn take(&self, connection: &mut Connection) -> usize {
        let jobs = {
            let mut waiting = lock(&self.waiting);
            let many = waiting.jobs.len().min(MOST);
            let more = waiting.jobs.split_off(many);
            waiting.is_awaited &= !more.is_empty();
            std::mem::replace(&mut waiting.jobs, more)
        };
        let many = jobs.len();
        if many > 0 {
            together(connection, jobs);
            self.checkpoints.committed(connection);
        }
        many
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The runtime may have ended before a thread began to write.
        self.finish(&mut lock(&self.connection));
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
mod tests;
