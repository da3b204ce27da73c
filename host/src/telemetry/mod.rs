//! What a host tells of itself to those who watch over it: metrics for
//! Prometheus, and traces over OTLP. Neither can hold up or fail a run.

mod labels;
mod listener;
mod metrics;
mod otlp;
mod spans;
mod state;

pub use listener::{Listening, listen};
pub(crate) use metrics::Called;
pub use metrics::Metrics;
pub use otlp::{Exporting, export};
pub use spans::TARGET;
pub(crate) use spans::{activity, checks, ledger_write, outside, party, run, traceparent};
