//! koppel: a host for third-party payroll connectors.
//!
//! A connector is a WebAssembly component. It runs in a sandbox without any
//! authority of its own and may perform only the activities that were granted
//! to it, for a user and an employer, after five checks on every call.
//!
//! [`runs::Host`] is the whole of it; [`config`] says what is granted.

pub mod acceptance;
pub mod activities;
pub mod admission;
pub mod api;
pub mod authorization;
pub mod bindings;
pub mod catalogue;
mod checkpoints;
pub mod cli;
mod compiler;
pub mod config;
mod console;
mod consulting;
pub mod desk;
pub mod development;
pub mod distribution;
pub mod durable;
pub mod egress;
mod encryption;
pub mod exports;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod joined;
mod kinds;
mod language;
pub mod ledger;
pub mod oauth;
pub mod outbound;
pub mod platform;
mod private_file;
mod publishing;
pub mod registry;
pub mod runs;
pub mod sandbox;
pub mod secrets;
pub mod sending;
#[cfg(test)]
#[path = "../../tests/it/servers.rs"]
mod servers;
pub mod session;
mod shared;
pub mod telemetry;
mod text;
pub mod wire;
pub mod wit;
