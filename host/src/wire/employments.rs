//! Employments (dienstverbanden): `GetEmploymentsByEmployerId`.
//!
//! How an employment is insured and taxed is not in Loket's reply to this, but
//! spread over others. koppel writes it as a member of its own,
//! `incomePeriod`, and reads it where it is.

use super::shared::{Day, Id};
use crate::bindings::koppel::loket::employments as record;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An employment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Employment {
    /// Its identifier.
    pub id: Id,
    /// The employee.
    pub employee: Reference,
    /// The payroll administration that it is paid from; none when it is not
    /// paid through the platform.
    pub payroll_administration: Option<Reference>,
    /// The number on the payslip.
    pub payroll_id: u32,
    /// The number of the income relationship, from 1 for each employee.
    pub income_relationship_number: u32,
    /// The first day.
    pub start_date: Day,
    /// The last day.
    pub end_date: Option<Day>,
    /// How it is insured and taxed. A member of koppel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub income_period: Option<IncomePeriod>,
}

/// Something that is named by its identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reference {
    /// Its identifier.
    pub id: Id,
}

/// How an employment is insured and taxed, as in the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncomePeriod {
    /// The kind of income relationship (SrtIV).
    pub income_relationship_type: String,
    /// The nature of the employment (CdAard).
    pub employment_nature: Option<u32>,
    /// The wage-tax table (LbTab).
    pub wage_tax_table: String,
    /// Whether the wage-tax credit is applied (IndLhKort).
    #[serde(default)]
    pub wage_tax_credit: bool,
    /// Whether insured for incapacity (IndWAO).
    #[serde(default)]
    pub insured_wao: bool,
    /// Whether insured for unemployment (IndWW).
    #[serde(default)]
    pub insured_ww: bool,
    /// Whether insured for sickness (IndZW).
    #[serde(default)]
    pub insured_zw: bool,
    /// How insured for health care (CdZvw).
    pub healthcare_insurance: String,
    /// Whether the contract is for an indefinite time (IndArbovOnbepTd).
    pub indefinite: Option<bool>,
    /// Whether the contract is in writing (IndSchriftArbov).
    pub written: Option<bool>,
    /// Whether it is an on-call contract (IndOprov).
    pub on_call: Option<bool>,
    /// The collective labour agreement (CAO).
    pub collective_agreement: Option<u32>,
}

impl Employment {
    /// The record; none for an employment that is not paid through the
    /// platform: the contract has only those that are.
    pub fn into_record(self) -> Option<record::Employment> {
        Some(record::Employment {
            id: self.id.0,
            employee_id: self.employee.id.0,
            payroll_administration_id: self.payroll_administration?.id.0,
            payroll_employee_number: self.payroll_id,
            income_relationship_number: self.income_relationship_number,
            start_date: self.start_date.0,
            end_date: self.end_date.map(|day| day.0),
            income_period: self.income_period.map(Into::into),
        })
    }
}

impl From<record::Employment> for Employment {
    fn from(employment: record::Employment) -> Self {
        let reference = |id| Reference { id: Id(id) };
        Self {
            id: Id(employment.id),
            employee: reference(employment.employee_id),
            payroll_administration: Some(reference(employment.payroll_administration_id)),
            payroll_id: employment.payroll_employee_number,
            income_relationship_number: employment.income_relationship_number,
            start_date: Day(employment.start_date),
            end_date: employment.end_date.map(Day),
            income_period: employment.income_period.map(Into::into),
        }
    }
}

/// Both conversions of a record whose members have the same names and types.
macro_rules! same_members {
    ($wire:ident, $record:path, $($member:ident),+ $(,)?) => {
        impl From<$wire> for $record {
            fn from(of: $wire) -> Self {
                Self { $($member: of.$member),+ }
            }
        }

        impl From<$record> for $wire {
            fn from(of: $record) -> Self {
                Self { $($member: of.$member),+ }
            }
        }
    };
}

same_members! {
    IncomePeriod, record::IncomePeriod,
    income_relationship_type, employment_nature, wage_tax_table, wage_tax_credit, insured_wao,
    insured_ww, insured_zw, healthcare_insurance, indefinite, written, on_call,
    collective_agreement,
}
