//! Companies, as far as the platform holds what the trade register knows.

use super::Loket;
use super::client::Ask;
use crate::bindings::koppel::loket::trade_register::CompanyInformation;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::id as activity;
use crate::platform::TradeRegister;
use crate::wire::envelope::Single;
use crate::wire::trade_register as wire;
use async_trait::async_trait;

#[async_trait]
impl TradeRegister for Loket {
    async fn company_information(
        &self,
        chamber_of_commerce_number: &str,
    ) -> Result<CompanyInformation, ActivityError> {
        let ask = Ask::about(
            activity::GetCompanyInformationByChamberOfCommerceNumber,
            chamber_of_commerce_number,
        );
        let found: Single<wire::CompanyInformation> = self.client.get(ask).await?;
        let number = chamber_of_commerce_number.to_owned();
        Ok(found.content.into_record(number))
    }
}
