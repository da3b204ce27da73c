//! Durable runs: what was asked for survives the process that does it.
//!
//! Two traits hold all that survives. [`RunStore`] is the truth: runs, their
//! attempts, the journal of each attempt, and what was spent of daily budgets.
//! [`RunQueue`] says which run is due and who has it. A worker leases a run
//! from the queue, begins an attempt in the store, and gets a [`Fence`] with
//! it: whatever it writes later is refused once another worker took over. So
//! the queue may deliver twice; the store lets one at a time do anything.
//!
//! The embedded form of both is one SQLite file ([`Sqlite`]). Hosts on several
//! machines share a PostgreSQL database ([`Postgres`]) and a stream of NATS
//! ([`JetStream`]).

mod clock;
#[cfg(test)]
pub(crate) mod conformance;
mod nats;
mod postgres;
mod queue;
mod rules;
mod run;
mod sqlite;
mod step;
mod store;

pub use clock::{Clock, Millis, SystemClock, moment};
pub use nats::JetStream;
pub use postgres::Postgres;
pub use queue::{Lease, QueueError, RunQueue};
pub use run::{
    Attempt, DayCount, Doubt, End, Ended, Failing, Made, NewRun, Origin, Run, RunFilter, State,
    Submitted,
};
pub use sqlite::{LocalQueue, Sqlite};
pub use step::{Reading, Step};
pub use store::{
    Begin, Begun, Decision, Direct, Fence, RunStore, SharedLimits, Started, StoreError,
};
