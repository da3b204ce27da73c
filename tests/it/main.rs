//! Tests of the whole: real components in a real host, against real servers
//! and databases.
#![expect(
    clippy::unwrap_used,
    reason = "what is not as a test expects ends the test"
)]

mod activities;
mod admission;
mod attacks;
mod cli;
mod compiled;
mod connectors;
mod console;
mod contract;
mod declarations;
mod denials;
mod durable;
mod harness;
mod journal;
mod loket;
mod lookups;
mod observability;
mod other_languages;
mod outside;
mod partner;
mod privacy;
mod products;
mod ready;
mod rest;
mod revocation;
mod sandbox;
mod secrets;
mod servers;
mod stress;
mod upstream;
