//! Which run is due, and who has it.

use super::{Millis, StoreError};
use async_trait::async_trait;
use std::time::Duration;
use uuid::Uuid;

/// That this worker has a run, until it gives it back or its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The run.
    pub run: Uuid,
    /// What the queue knows the lease by.
    pub token: u64,
    /// Whether it was delivered as often as may be, to workers that then fell
    /// silent: it is to be given up, not made.
    pub worn: bool,
}

/// Why the queue did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The lease is not this worker's any more.
    #[error("run {0} is another worker's")]
    Lost(Uuid),
    /// It cannot be reached or read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A queue of runs. It holds nothing but their identifiers: whether a run may
/// begin, and in which order those of one employer do, is for the store.
///
/// It may deliver a run again that is under way, when the worker that has it
/// does not send heartbeats; and a run that is over, which the worker then
/// acknowledges.
#[async_trait]
pub trait RunQueue: Send + Sync {
    /// Adds a run that is due at a moment. Adding it again changes nothing.
    async fn push(&self, run: Uuid, due: Millis) -> Result<(), QueueError>;

    /// Leases the next run that is due; none if there is none. `full` are the
    /// clients of which no more may run now: a queue that can tell passes over
    /// theirs.
    async fn lease(&self, now: Millis, full: &[String]) -> Result<Option<Lease>, QueueError>;

    /// Waits until there may be something to lease: something was pushed, or
    /// some time passed.
    async fn wait(&self);

    /// Says that the worker is still there.
    ///
    /// # Errors
    ///
    /// [`QueueError::Lost`] when it is too late.
    async fn heartbeat(&self, lease: &Lease) -> Result<(), QueueError>;

    /// How often heartbeats are expected.
    fn heartbeat_every(&self) -> Duration;

    /// The run is over: it is not delivered again.
    async fn ack(&self, lease: &Lease) -> Result<(), QueueError>;

    /// The run is to be delivered again, from a moment on.
    async fn retry_at(&self, lease: &Lease, due: Millis) -> Result<(), QueueError>;

    /// The run is over for now: nothing but a person brings it back.
    async fn dead_letter(&self, lease: &Lease, why: &str) -> Result<(), QueueError>;
}
