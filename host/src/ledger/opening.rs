//! The row that a run begins with. It is asked for and not waited for: what is
//! recorded of the run later is there only if it is.

use super::store::traced;
use super::turns::Earlier;
use super::{Entry, Ledger, LedgerError};

/// A row that is on its way to the disk, or on it.
pub(crate) struct Opening(Earlier);

impl Opening {
    /// What tells of it.
    pub(super) fn row(&self) -> &Earlier {
        &self.0
    }
}

impl Ledger {
    /// Asks for the row that a run begins with.
    pub(crate) fn open_run(&self, entry: Entry) -> Opening {
        let row = Earlier::default();
        // Nobody waits for it.
        drop(self.ask(entry, None, Some(row.clone())));
        Opening(row)
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
        let closing = self.ask(entry, Some(opening.row().clone()), None);
        let (seq, _) = traced(kind, closing).await?;
        Ok(seq)
    }
}
