//! Replay: after a crash the connector is called again with the same input,
//! and the host answers what it answered before from the journal, in the same
//! order, so that the connector reaches the point at which it was, and goes on.

mod brake;
mod clocks;
mod journal;
mod record;
#[cfg(test)]
mod tests;

pub use brake::Stop;
pub(crate) use brake::{Brake, Busy};
pub use clocks::RESOLUTION;
pub(crate) use clocks::{Monotonic, Wall, random};
pub(crate) use journal::{Call, Found, Journal, Slot, is_seen, seen};
