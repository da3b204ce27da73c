//! Company cars in SQLite.

use super::Embedded;
use super::record::{Record, key_value};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::bindings::koppel::loket::vehicles::AdditionalTaxLiability;
use crate::platform::Vehicles;
use async_trait::async_trait;

static VEHICLE: Record<AdditionalTaxLiability> = Record {
    table: "vehicle",
    columns: "license_plate_number, group_key, group_value, date_of_first_admission, value_for_tax_purposes",
    read: |row| {
        Ok(AdditionalTaxLiability {
            license_plate_number: row.get(1)?,
            additional_tax_liability_group: key_value(row, 2)?,
            date_of_first_admission: row.get(4)?,
            value_for_tax_purposes: row.get(5)?,
        })
    },
};

#[async_trait]
impl Vehicles for Embedded {
    async fn additional_tax_liability(
        &self,
        license_plate_number: &str,
    ) -> Result<AdditionalTaxLiability, ActivityError> {
        let plate = license_plate_number.to_owned();
        self.ask(move |connection| {
            VEHICLE.one_where(connection, "license_plate_number = ?1", &plate)
        })
        .await
    }
}
