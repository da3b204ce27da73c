//! Loket's JSON: the types of the REST API v2, and their conversion from and
//! to the records of the contract.
//!
//! One set of types serves both sides: the REST server writes them, and the
//! upstream (`source = "loket"`) reads them. What a type refuses, it refuses
//! while it is read, with the place; so the conversions themselves cannot
//! fail. Members that koppel does not know are left alone when reading.
//!
//! What a conversion there and back does not keep:
//!
//! - **To JSON and back** everything of a record is kept. What a record holds
//!   and Loket's JSON does not (the payroll administration of a run, the
//!   employer of an administration) is in the path of the request; whoever
//!   reads passes it in. Of a denial the activity is passed in too, and the
//!   check is lost: it becomes `entity`.
//! - **From JSON and back** only what the contract has is kept. The keys of
//!   ledger accounts, cost centres, cost units and countries are lost, and so
//!   are who requested, approved or removed something, the method of creation,
//!   and everything of an employer but number, name, trade register number
//!   and visiting address.
//! - The **results of a payroll run** nest in Loket's JSON by employment,
//!   period and payslip; the contract has one flat list. Period, payslip type,
//!   category and special-tariff value of a result are lost.
//! - A **payroll run** has no dates in Loket's JSON, only year and number of
//!   its period. Without dates it is taken to be a calendar month; koppel
//!   itself writes the dates.

pub mod employers;
pub mod envelope;
pub mod error;
pub mod journal_runs;
pub mod payroll_administrations;
pub mod payroll_runs;
pub mod shared;
#[cfg(test)]
mod tests;
pub mod trade_register;
pub mod vehicles;

use serde::de::DeserializeOwned;

/// The version of every resource that these types describe, for `Accept` and
/// `resourceVersion`.
pub const RESOURCE_VERSION: &str = "2018-01-01";

/// Why JSON could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ReadError {
    /// Where, such as `_embedded[3].debetAmount`.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

/// Reads a value of this module from JSON.
///
/// # Errors
///
/// When it is no JSON, or not of this shape; with the place.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, ReadError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| ReadError {
        path: error.path().to_string(),
        problem: error.into_inner().to_string(),
    })?;
    deserializer.end().map_err(|error| ReadError {
        path: ".".to_owned(),
        problem: error.to_string(),
    })?;
    Ok(value)
}
