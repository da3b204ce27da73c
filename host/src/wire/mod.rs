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
//! - Where the contract has more than Loket's JSON, koppel writes members of
//!   its own; the modules name them. They are missing in what Loket writes.

pub mod addresses;
pub mod declarations;
pub mod employees;
pub mod employers;
pub mod employments;
pub mod envelope;
pub mod error;
pub mod insurance;
pub mod journal_exports;
pub mod journal_runs;
pub mod payroll_administrations;
pub mod payroll_runs;
pub mod payroll_tax_returns;
pub mod shared;
#[cfg(test)]
mod tests;
pub mod trade_register;
pub mod upa_pension_declarations;
pub mod vehicles;

use crate::catalogue::{Activity, id as activity};
use serde::de::DeserializeOwned;
use shared::Id;

/// The version of the resources that these types describe, for `Accept` and
/// `resourceVersion`: all but those of [`resource_version`].
pub const RESOURCE_VERSION: &str = "2018-01-01";

/// The version of the resource of an activity that these types describe. Of
/// employees and employments Loket has no older one.
pub fn resource_version(of: Activity) -> &'static str {
    if of == activity::GetEmployeesByEmployerId {
        "2018-12-31"
    } else if of == activity::GetEmploymentsByEmployerId {
        "2019-12-16"
    } else {
        RESOURCE_VERSION
    }
}

/// The order in which a list is asked for, and in which koppel gives it: Loket's
/// `orderBy`. None for a list in the order that the platform has it in.
pub fn order_by(of: Activity) -> Option<&'static str> {
    let orders = [
        (activity::GetEmployeesByEmployerId, "employeeNumber"),
        (
            activity::GetPayrollRunsByPayrollAdministrationId,
            "-payrollPeriod.year,-payrollPeriod.periodNumber,-sequenceNumber",
        ),
        (
            activity::GetJournalRunsByPayrollAdministrationId,
            "-sequenceNumber",
        ),
        (
            activity::GetJournalRunExportAuditTrailByJournalRunId,
            "sequenceNumber",
        ),
        (
            activity::GetPayrollTaxReturnsByPayrollAdministrationId,
            "-sequenceNumber",
        ),
        (
            activity::GetUpaPensionDeclarationsByPayrollAdministrationId,
            "-requestTime",
        ),
    ];
    let found = orders.into_iter().find(|(activity, _)| *activity == of);
    found.map(|(_, order)| order)
}

/// Something of Loket's JSON that has an identifier.
pub trait Identified {
    /// The identifier.
    fn id(&self) -> &Id;
}

macro_rules! identified {
    ($($type:ty),+ $(,)?) => {$(
        impl Identified for $type {
            fn id(&self) -> &Id {
                &self.id
            }
        }
    )+};
}

identified! {
    employees::Employee,
    employers::Employer,
    insurance::AchmeaInsuranceContract,
    journal_runs::JournalRun,
    payroll_administrations::PayrollAdministration,
    payroll_runs::PayrollRun,
    payroll_tax_returns::PayrollTaxReturn,
    upa_pension_declarations::UpaPensionDeclaration,
}

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
