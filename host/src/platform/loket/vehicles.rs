//! Company cars of the platform.

use super::Loket;
use super::client::{Ask, unreadable};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::bindings::koppel::loket::vehicles::AdditionalTaxLiability;
use crate::catalogue::id as activity;
use crate::platform::Vehicles;
use crate::wire::envelope::Single;
use crate::wire::vehicles as wire;
use async_trait::async_trait;

#[async_trait]
impl Vehicles for Loket {
    async fn additional_tax_liability(
        &self,
        license_plate_number: &str,
    ) -> Result<AdditionalTaxLiability, ActivityError> {
        let activity = activity::GetAdditionalTaxliabilityByLicensePlateNumber;
        let ask = Ask {
            activity,
            id: license_plate_number,
            query: &[(wire::LICENSE_PLATE_NUMBER, license_plate_number)],
        };
        let found: Single<wire::AdditionalTaxLiability> = self.client.get(ask).await?;
        let mut car = AdditionalTaxLiability::from(found.content);
        // Loket accepts plates with and without hyphens; the contract has none.
        car.license_plate_number = car.license_plate_number.replace('-', "").to_uppercase();
        if car.license_plate_number != license_plate_number {
            return Err(unreadable(activity, "it is about another car"));
        }
        Ok(car)
    }
}
