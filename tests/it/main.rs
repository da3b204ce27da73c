//! Tests of the whole: real components in a real host, against real servers
//! and databases.

mod activities;
mod admission;
mod cli;
mod connectors;
mod contract;
mod harness;
mod outside;
mod revocation;
mod sandbox;
