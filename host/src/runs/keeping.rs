//! When an attempt is kept. A run that is made at once and only reads leaves
//! nothing to go on with when its process dies, so it is kept when it is over;
//! or before that, as soon as it writes something or lasts.

use crate::durable::{Direct, End, Fence, Millis, RunStore, Started, Step, StoreError};
use std::sync::Arc;
use tokio::sync::Mutex;
use uuid::Uuid;

/// Where an attempt is kept, or will be.
pub(crate) struct Keeping {
    runs: Arc<dyn RunStore>,
    /// Until it is kept.
    pending: Mutex<Option<Direct>>,
}

impl Keeping {
    /// An attempt at a run that is kept.
    pub(crate) fn kept(runs: Arc<dyn RunStore>) -> Self {
        Self {
            runs,
            pending: Mutex::new(None),
        }
    }

    /// A run that is made at once, and its attempt. It is not kept yet.
    pub(super) fn direct(runs: Arc<dyn RunStore>, direct: Direct) -> (Self, Started) {
        let started = direct.started();
        let keeping = Self {
            runs,
            pending: Mutex::new(Some(direct)),
        };
        (keeping, started)
    }

    /// Keeps it, unless it is.
    ///
    /// # Errors
    ///
    /// When it cannot be written. It may be tried again.
    pub(super) async fn keep(&self) -> Result<(), StoreError> {
        let mut pending = self.pending.lock().await;
        if let Some(direct) = &*pending {
            self.runs.direct(direct.clone()).await?;
            *pending = None;
        }
        Ok(())
    }

    /// Writes steps of its journal.
    ///
    /// # Errors
    ///
    /// As for [`RunStore::record`].
    pub(super) async fn record(&self, fence: Fence, steps: Vec<Step>) -> Result<(), StoreError> {
        self.keep().await?;
        self.runs.record(fence, steps).await
    }

    /// Whether its cancellation was asked for, and why.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(super) async fn cancelled(&self, run: Uuid) -> Result<Option<String>, StoreError> {
        // From here on it can be seen, and cancelled.
        self.keep().await?;
        self.runs.cancelled(run).await
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(super) async fn finish(
        &self,
        fence: Fence,
        end: End,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut pending = self.pending.lock().await;
        match pending.take() {
            Some(direct) => self.runs.made(direct, end, now).await,
            None => self.runs.finish(fence, end, now).await.map(drop),
        }
    }
}
