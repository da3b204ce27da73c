//! Payroll administrations (salarisadministraties):
//! `GetPayrollAdministrationsByEmployerId`.

use super::shared::Id;
use crate::bindings::koppel::loket::payroll_administrations as record;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A payroll administration. The employer is in the path of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PayrollAdministration {
    /// Its identifier.
    pub id: Id,
    /// The name.
    pub name: String,
    /// The number that the tax administration knows it by
    /// (loonheffingennummer).
    pub payroll_tax_number: Option<String>,
}

impl PayrollAdministration {
    /// The record, of this employer.
    pub fn into_record(self, employer_id: String) -> record::PayrollAdministration {
        record::PayrollAdministration {
            id: self.id.0,
            name: self.name,
            payroll_tax_number: self.payroll_tax_number,
            employer_id,
        }
    }
}

impl From<record::PayrollAdministration> for PayrollAdministration {
    fn from(administration: record::PayrollAdministration) -> Self {
        Self {
            id: Id(administration.id),
            name: administration.name,
            payroll_tax_number: administration.payroll_tax_number,
        }
    }
}
