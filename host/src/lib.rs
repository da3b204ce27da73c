//! koppel
pub mod bindings;
