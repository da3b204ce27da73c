//! Absence insurance (verzuimverzekering).

use crate::bindings::koppel::loket::insurance::{
    AchmeaInsuranceContractPage, InsuredWagePercentagePage,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use async_trait::async_trait;
use uuid::Uuid;

/// Insurance contracts of employers.
#[async_trait]
pub trait Insurance: Send + Sync {
    /// The contracts of an employer with Achmea, oldest first.
    async fn achmea_insurance_contracts(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<AchmeaInsuranceContractPage, ActivityError>;

    /// The percentages of a contract, oldest first.
    async fn insured_wage_percentages(
        &self,
        contract: Uuid,
        page: &PageRequest,
    ) -> Result<InsuredWagePercentagePage, ActivityError>;
}
