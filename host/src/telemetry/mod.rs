//! What a host tells of itself to those who watch over it: metrics for
//! Prometheus, and traces over OTLP. Neither can hold up or fail a run.

mod labels;
mod listener;
mod metrics;
mod otlp;
mod spans;
mod state;
#[cfg(test)]
mod tests;

pub use listener::{Listening, listen};
pub use metrics::Metrics;
pub(crate) use metrics::UnderWay;
pub use otlp::{Exporting, export};
pub(crate) use spans::{checks, ledger_write, outside, run, traceparent};
pub use spans::TARGET;
