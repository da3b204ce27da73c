//! The log of the run, for the operator. The host limits its volume.

#[cfg(target_family = "wasm")]
use crate::bindings::koppel::connector::log::write;
#[cfg(not(target_family = "wasm"))]
use crate::testing::write_log as write;

pub use crate::bindings::koppel::connector::log::Level;

/// For the developer of the connector.
pub fn debug(message: impl AsRef<str>) {
    write(Level::Debug, message.as_ref());
}

/// What happened.
pub fn info(message: impl AsRef<str>) {
    write(Level::Info, message.as_ref());
}

/// Something to look at.
pub fn warn(message: impl AsRef<str>) {
    write(Level::Warn, message.as_ref());
}

/// Something failed.
pub fn error(message: impl AsRef<str>) {
    write(Level::Error, message.as_ref());
}
