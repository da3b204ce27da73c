//! The row that a run begins with. It is asked for and not waited for: nothing
//! depends on it until something else is recorded of the run, or the run is
//! over.

use super::storage::Appending;
use super::store::traced;
use super::turns::Earlier;
use super::{Entry, Ledger, LedgerError};
use tokio::sync::Mutex;

/// A row that is on its way to the disk, or on it.
pub(crate) struct Opening {
    row: Earlier,
    state: Mutex<State>,
}

enum State {
    Waiting(Appending),
    Known(Result<(), LedgerError>),
}

impl Opening {
    /// Waits until it is on disk.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    pub(crate) async fn recorded(&self) -> Result<(), LedgerError> {
        let mut state = self.state.lock().await;
        if let State::Waiting(appending) = &mut *state {
            *state = State::Known(appending.await.map(drop));
        }
        match &*state {
            State::Known(known) => known.clone(),
            // It was replaced above.
            State::Waiting(_) => Ok(()),
        }
    }
}

impl Ledger {
    /// Asks for the row that a run begins with.
    pub(crate) fn open_run(&self, entry: Entry) -> Opening {
        let row = Earlier::default();
        let appending = self.ask(entry, None, Some(row.clone()));
        Opening {
            row,
            state: Mutex::new(State::Waiting(appending)),
        }
    }

    /// Appends the row that a run ends with, and returns its number once it is
    /// on disk, with the one that the run began with.
    ///
    /// # Errors
    ///
    /// When one of both could not be written.
    pub(crate) async fn close_run(
        &self,
        opening: &Opening,
        entry: Entry,
    ) -> Result<u64, LedgerError> {
        let kind = entry.kind;
        let closing = self.ask(entry, Some(opening.row.clone()), None);
        let (seq, _) = traced(kind, closing).await?;
        Ok(seq)
    }
}
