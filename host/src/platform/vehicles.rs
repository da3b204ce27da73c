//! Company cars.

use crate::bindings::koppel::loket::types::ActivityError;
use crate::bindings::koppel::loket::vehicles::AdditionalTaxLiability;
use async_trait::async_trait;

/// Company cars.
#[async_trait]
pub trait Vehicles: Send + Sync {
    /// What is known of a car, by licence plate without hyphens.
    async fn additional_tax_liability(
        &self,
        license_plate_number: &str,
    ) -> Result<AdditionalTaxLiability, ActivityError>;
}
