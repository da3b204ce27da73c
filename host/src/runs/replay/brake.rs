//! Stopping a connector from outside: at once, but not in the middle of a
//! write, whose outcome nobody would know then.

use crate::durable::{Doubt, Millis, moment};
use std::sync::Arc;
use tokio::sync::watch;

/// Why a connector was stopped before it ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// On replay it did something else than before.
    #[error(
        "it cannot be replayed: {0}; what it did before stays done, and nothing more was done. `koppel messages` shows it"
    )]
    Diverged(String),
    /// On replay it came to a write whose outcome nobody knows.
    #[error("nobody knows whether this happened: {}", .0.what)]
    Doubt(Doubt),
    /// Somebody asked for it.
    #[error("it was cancelled: {0}")]
    Cancelled(String),
    /// Another worker took over.
    #[error("another worker took over")]
    Fenced,
    /// The host cannot do its part now: the journal, the ledger or the payroll
    /// data cannot be written.
    #[error("the host cannot go on with it now: {0}")]
    Unrecorded(String),
    /// It did something without end.
    #[error("{0}")]
    Excess(String),
    /// An outside party takes no more requests until then.
    #[error("{party} takes no more requests until {}", moment(*until))]
    Wait {
        /// The party.
        party: String,
        /// Until when.
        until: Millis,
    },
    /// It took too long: its deadline, in milliseconds.
    #[error("its deadline of {0} ms passed")]
    Deadline(u64),
    /// The process ends.
    #[error("the process that ran it ends")]
    Leaving,
}

impl Stop {
    /// Whether the attempt may go on later: what it has claimed it keeps.
    pub(crate) fn may_go_on(&self) -> bool {
        match self {
            Self::Diverged(_)
            | Self::Doubt(_)
            | Self::Fenced
            | Self::Unrecorded(_)
            | Self::Wait { .. }
            | Self::Leaving => true,
            Self::Cancelled(_) | Self::Deadline(_) | Self::Excess(_) => false,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct State {
    stop: Option<Stop>,
    busy: usize,
}

/// Stops the connector of one attempt. Cloning gives another handle on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brake(Arc<watch::Sender<State>>);

/// A write under way: the connector is not stopped while this lives.
pub(crate) struct Busy(Brake);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.busy -= 1);
    }
}

impl Brake {
    /// Stops the connector as soon as no write is under way. The first reason
    /// counts.
    pub(crate) fn stop(&self, why: Stop) {
        self.0.send_modify(|state| {
            state.stop.get_or_insert(why);
        });
    }

    /// Why it was stopped, if it was.
    pub(crate) fn why(&self) -> Option<Stop> {
        self.0.borrow().stop.clone()
    }

    /// Whether it was stopped.
    pub(crate) fn is_on(&self) -> bool {
        self.0.borrow().stop.is_some()
    }

    /// Begins a write; none when the connector was stopped.
    pub(crate) fn begin(&self) -> Option<Busy> {
        let mut begun = false;
        self.0.send_modify(|state| {
            if state.stop.is_none() {
                state.busy += 1;
                begun = true;
            }
        });
        begun.then(|| Busy(self.clone()))
    }

    /// Waits until it was stopped and no write is under way.
    pub(crate) async fn stopped(&self) -> Stop {
        let mut changes = self.0.subscribe();
        loop {
            {
                let state = changes.borrow_and_update();
                if let (Some(stop), 0) = (&state.stop, state.busy) {
                    return stop.clone();
                }
            }
            // It cannot fail: this handle keeps the sender.
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits for the end of the connector, which comes from outside.
    pub(crate) async fn halt<T>(&self) -> T {
        std::future::pending().await
    }
}
