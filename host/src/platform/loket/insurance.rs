//! Insurance contracts of the platform.

use super::Loket;
use super::attribution::uuid;
use super::client::Ask;
use super::pages::{Position, into_page};
use crate::bindings::koppel::loket::insurance::{
    AchmeaInsuranceContract, AchmeaInsuranceContractPage, InsuredWagePercentage,
    InsuredWagePercentagePage,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::catalogue::id as activity;
use crate::platform::{Entity, Insurance};
use crate::wire::insurance as wire;
use async_trait::async_trait;
use uuid::Uuid;

impl Loket {
    /// All contracts that the platform lists, of whatever employer; whose each
    /// is, is remembered.
    pub(super) async fn list_contracts(
        &self,
    ) -> Result<Vec<wire::AchmeaInsuranceContract>, ActivityError> {
        let list = activity::GetAchmeaInsuranceContractsByUserId;
        let listed = self
            .whole::<wire::AchmeaInsuranceContract>(list, None)
            .await?;
        for contract in &listed {
            let entity = Entity::AchmeaInsuranceContract(uuid(list, &contract.id)?);
            let employer = Entity::Employer(uuid(list, &contract.belongs_to_employer_id)?);
            self.known.listed(entity, employer).await;
        }
        Ok(listed)
    }
}

#[async_trait]
impl Insurance for Loket {
    /// The platform lists those of all employers; the others are left out.
    async fn achmea_insurance_contracts(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<AchmeaInsuranceContractPage, ActivityError> {
        let id = employer.to_string();
        let ask = Ask::about(activity::GetAchmeaInsuranceContractsByUserId, &id);
        let position = Position::read(ask, page)?;
        let mut contracts: Vec<AchmeaInsuranceContract> = self
            .list_contracts()
            .await?
            .into_iter()
            .filter(|contract| contract.belongs_to_employer_id.0 == id)
            .map(Into::into)
            .collect();
        contracts.sort_by(|a, b| a.start_date.cmp(&b.start_date));
        let page = position.slice(&contracts);
        Ok(into_page!(AchmeaInsuranceContractPage, page, |contract| {
            contract
        }))
    }

    async fn insured_wage_percentages(
        &self,
        contract: Uuid,
        page: &PageRequest,
    ) -> Result<InsuredWagePercentagePage, ActivityError> {
        let id = contract.to_string();
        let ask = Ask::about(activity::GetWagePercentagesByAchmeaInsuranceContractId, &id);
        let position = Position::read(ask, page)?;
        let listed = self.all::<wire::InsuredWagePercentage>(ask).await?;
        let mut percentages: Vec<InsuredWagePercentage> =
            listed.into_iter().map(Into::into).collect();
        percentages.sort_by(|a, b| a.start_date.cmp(&b.start_date));
        let page = position.slice(&percentages);
        Ok(into_page!(InsuredWagePercentagePage, page, |of| of))
    }
}
