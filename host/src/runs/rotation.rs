//! Rotation of keys: everything that is stored is encrypted with the active one.

use super::Host;
use crate::durable::StoreError;
use crate::ledger::LedgerError;
use serde::Serialize;

/// What was encrypted with the active key that was not before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rotated {
    /// Rows of the ledger.
    pub rows: u64,
    /// Steps of journals of runs.
    pub steps: u64,
}

/// Why not everything was encrypted with the active key. What was, stays so.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// There is none.
    #[error(
        "there is no [encryption] in the configuration, so nothing is encrypted: `koppel keys new` makes a key"
    )]
    NoKeys,
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The runs cannot be read or written.
    #[error(transparent)]
    Runs(#[from] StoreError),
}

impl Host {
    /// Encrypts with the active key all that is stored in clear text or with
    /// another one, in small parts, so that others can go on meanwhile. It can
    /// be interrupted, and begun again.
    ///
    /// # Errors
    ///
    /// See [`RotationError`].
    pub async fn rotate_keys(
        &self,
        mut progress: impl FnMut(Rotated),
    ) -> Result<Rotated, RotationError> {
        if self.live.with(|config| config.encryption.active.is_none()) {
            return Err(RotationError::NoKeys);
        }
        let (mut done, mut after) = (Rotated::default(), 0);
        while let Some((last, rows)) = self.ledger.reseal(after).await? {
            (after, done.rows) = (last, done.rows + rows);
            progress(done);
        }
        loop {
            let steps = self.runs.reseal().await?;
            if steps == 0 {
                return Ok(done);
            }
            done.steps += steps;
            progress(done);
        }
    }
}
