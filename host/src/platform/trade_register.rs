//! Companies in the trade register (handelsregister).

use crate::bindings::koppel::loket::trade_register::CompanyInformation;
use crate::bindings::koppel::loket::types::ActivityError;
use async_trait::async_trait;

/// Companies, as far as the platform holds what the trade register knows.
#[async_trait]
pub trait TradeRegister: Send + Sync {
    /// What is known of a company, by its number in the trade register: eight
    /// digits.
    async fn company_information(
        &self,
        chamber_of_commerce_number: &str,
    ) -> Result<CompanyInformation, ActivityError>;
}
