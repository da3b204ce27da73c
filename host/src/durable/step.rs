//! What the journal of an attempt holds.

use serde::{Deserialize, Serialize};

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
    pub exchange: Option<uuid::Uuid>,
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
