//! `koppel dev`: builds a connector whenever its sources change, and runs it on
//! invented payroll data, before an outside party that answers as is written, or
//! that is recorded.

mod build;
mod session;
mod show;
mod watch;

pub use build::{BuildError, Builder};
pub use session::{Options, develop};
pub use show::{Event, Show};
