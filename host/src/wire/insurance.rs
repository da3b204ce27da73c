//! Absence insurance with Achmea: `GetAchmeaInsuranceContractsByUserId`,
//! `GetWagePercentagesByAchmeaInsuranceContractId`.

use super::shared::{Amount, Day, Id};
use crate::bindings::koppel::loket::insurance as record;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AchmeaInsuranceContract {
    /// Its identifier.
    pub id: Id,
    /// The number that the insurer gave it.
    pub contract_number: String,
    /// The employer whose contract it is.
    pub belongs_to_employer_id: Id,
    /// The first day.
    pub start_date: Day,
    /// The last day; none while it goes on.
    pub end_date: Option<Day>,
}

impl From<AchmeaInsuranceContract> for record::AchmeaInsuranceContract {
    fn from(contract: AchmeaInsuranceContract) -> Self {
        Self {
            id: contract.id.0,
            contract_number: contract.contract_number,
            belongs_to_employer_id: contract.belongs_to_employer_id.0,
            start_date: contract.start_date.0,
            end_date: contract.end_date.map(|day| day.0),
        }
    }
}

impl From<record::AchmeaInsuranceContract> for AchmeaInsuranceContract {
    fn from(contract: record::AchmeaInsuranceContract) -> Self {
        Self {
            id: Id(contract.id),
            contract_number: contract.contract_number,
            belongs_to_employer_id: Id(contract.belongs_to_employer_id),
            start_date: Day(contract.start_date),
            end_date: contract.end_date.map(Day),
        }
    }
}

/// A percentage from 0 to 100 with at most two decimals, held as hundredths of
/// a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentage(pub u32);

impl JsonSchema for Percentage {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Percentage".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": 0, "maximum": 100, "description": "Two decimals at most."})
    }
}

impl Serialize for Percentage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Amount(i64::from(self.0)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Percentage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Amount(hundredths) = Amount::deserialize(deserializer)?;
        u32::try_from(hundredths)
            .ok()
            .filter(|hundredths| *hundredths <= 10_000)
            .map(Self)
            .ok_or_else(|| D::Error::custom("must be 0 to 100 percent"))
    }
}

/// By how much the insured wage exceeds the base wage, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InsuredWagePercentage {
    /// Its identifier.
    pub id: Id,
    /// The first day.
    pub start_date: Day,
    /// The last day; none while it goes on.
    pub end_date: Option<Day>,
    /// The holiday allowance, of the base wage.
    pub holiday_allowance_percentage: Percentage,
    /// The year-end bonus, of the base wage.
    pub year_end_percentage: Percentage,
}

impl From<InsuredWagePercentage> for record::InsuredWagePercentage {
    fn from(of: InsuredWagePercentage) -> Self {
        Self {
            id: of.id.0,
            start_date: of.start_date.0,
            end_date: of.end_date.map(|day| day.0),
            holiday_allowance_percentage: of.holiday_allowance_percentage.0,
            year_end_percentage: of.year_end_percentage.0,
        }
    }
}

impl From<record::InsuredWagePercentage> for InsuredWagePercentage {
    fn from(of: record::InsuredWagePercentage) -> Self {
        Self {
            id: Id(of.id),
            start_date: Day(of.start_date),
            end_date: of.end_date.map(Day),
            holiday_allowance_percentage: Percentage(of.holiday_allowance_percentage),
            year_end_percentage: Percentage(of.year_end_percentage),
        }
    }
}
