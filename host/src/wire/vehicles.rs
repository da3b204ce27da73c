//! Company cars: `GetAdditionalTaxliabilityByLicensePlateNumber`.

use super::shared::{Amount, Day, KeyValue};
use crate::bindings::koppel::loket::vehicles as record;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The parameter of the query that holds the licence plate.
pub const LICENSE_PLATE_NUMBER: &str = "licensePlateNumber";

/// The additional tax liability (bijtelling) of a car.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdditionalTaxLiability {
    /// The licence plate.
    pub license_plate_number: String,
    /// The group.
    pub additional_tax_liability_group: KeyValue,
    /// When the car was first admitted to the road.
    pub date_of_first_admission: Day,
    /// The value for tax purposes (cataloguswaarde), in euros.
    pub value_for_tax_purposes: Amount,
}

impl From<AdditionalTaxLiability> for record::AdditionalTaxLiability {
    fn from(car: AdditionalTaxLiability) -> Self {
        Self {
            license_plate_number: car.license_plate_number,
            additional_tax_liability_group: car.additional_tax_liability_group.into(),
            date_of_first_admission: car.date_of_first_admission.0,
            value_for_tax_purposes: car.value_for_tax_purposes.0,
        }
    }
}

impl From<record::AdditionalTaxLiability> for AdditionalTaxLiability {
    fn from(car: record::AdditionalTaxLiability) -> Self {
        Self {
            license_plate_number: car.license_plate_number,
            additional_tax_liability_group: car.additional_tax_liability_group.into(),
            date_of_first_admission: Day(car.date_of_first_admission),
            value_for_tax_purposes: Amount(car.value_for_tax_purposes),
        }
    }
}
