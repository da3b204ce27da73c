//! What the journal of an attempt holds.

use crate::encryption::{EncryptionError, Vault};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many outcomes are encrypted anew in one go.
pub(super) const RESEALED: u32 = 200;

/// What an outcome belongs to, told when it is encrypted and read.
fn about(run: Uuid, seq: u64) -> String {
    format!("koppel step {run} {seq}")
}

/// An outcome as it is stored.
pub(super) fn sealed(
    run: Uuid,
    seq: u64,
    outcome: Option<&[u8]>,
    vault: &Vault,
) -> Result<Option<Vec<u8>>, EncryptionError> {
    let seal = |outcome: &[u8]| vault.seal(&about(run, seq), outcome.to_vec());
    outcome.map(seal).transpose()
}

/// An outcome as it was before it was stored.
pub(super) fn opened(
    run: Uuid,
    seq: u64,
    stored: Option<Vec<u8>>,
    vault: &Vault,
) -> Result<Option<Vec<u8>>, EncryptionError> {
    let open = |stored| vault.open(&about(run, seq), stored);
    stored.map(open).transpose()
}

/// A reading of a clock by the connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    #[serde(rename = "w")]
    Wall(u64),
    /// Nanoseconds of the monotonic clock.
    #[serde(rename = "m")]
    Monotonic(u64),
}

/// One call that the host answered, or is about to.
///
/// What was sent is not in it, only its hash: the ledger has the rest. What was
/// answered is, as the connector saw it; it is deleted when the run is over.
#[derive(Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number within the attempt, from 0.
    pub seq: u64,
    /// What it is, in words for a person, without data: `POST https://…`.
    pub what: String,
    /// The SHA-256 of the call and its arguments, lower-case hexadecimal.
    pub fingerprint: String,
    /// Whether it changes something, so that it may not happen twice.
    pub write: bool,
    /// Whether it may be made again when its outcome is unknown.
    pub repeatable: bool,
    /// The exchange in the ledger, for an outside request.
    pub exchange: Option<Uuid>,
    /// The clocks that the connector read since the step before.
    pub readings: Vec<Reading>,
    /// What the connector was answered, JSON; none until it is known.
    pub outcome: Option<Vec<u8>>,
    /// A person said that it did not happen: it is made again.
    pub denied: bool,
}

impl std::fmt::Debug for Step {
    /// Without the outcome, which can hold personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Step")
            .field("seq", &self.seq)
            .field("what", &self.what)
            .field("write", &self.write)
            .field("outcome", &self.outcome.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}
