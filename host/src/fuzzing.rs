//! What fuzzing calls: one function for each place where the host reads what
//! someone else wrote. Each takes any bytes and panics when something does not
//! hold. Built for `cargo fuzz` and for tests, which replay the seeds and all
//! inputs that once failed.

mod admission;
mod config;
mod egress;
mod exports;
mod rest;
#[cfg(test)]
mod tests;

pub use admission::admission;
pub use config::config;
pub use egress::egress_url;
pub use exports::export_name;
pub use rest::rest_input;

/// A target: its name, that of its folder of seeds, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 5] = [
    ("config", config),
    ("admission", admission),
    ("egress_url", egress_url),
    ("export_name", export_name),
    ("rest_input", rest_input),
];
