//! Insurance contracts in SQLite.

use super::Embedded;
use super::record::{Order, Record, pages};
use crate::bindings::koppel::loket::insurance::{
    AchmeaInsuranceContract, AchmeaInsuranceContractPage, InsuredWagePercentage,
    InsuredWagePercentagePage,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::platform::Insurance;
use async_trait::async_trait;
use uuid::Uuid;

static CONTRACT: Record<AchmeaInsuranceContract> = Record {
    table: "achmea_insurance_contract",
    columns: "id, contract_number, employer, start_date, end_date",
    read: |row| {
        Ok(AchmeaInsuranceContract {
            id: row.get(1)?,
            contract_number: row.get(2)?,
            belongs_to_employer_id: row.get(3)?,
            start_date: row.get(4)?,
            end_date: row.get(5)?,
        })
    },
};

static PERCENTAGE: Record<InsuredWagePercentage> = Record {
    table: "insured_wage_percentage",
    columns: "id, start_date, end_date, holiday_allowance, year_end",
    read: |row| {
        Ok(InsuredWagePercentage {
            id: row.get(1)?,
            start_date: row.get(2)?,
            end_date: row.get(3)?,
            holiday_allowance_percentage: row.get(4)?,
            year_end_percentage: row.get(5)?,
        })
    },
};

pages! {
    AchmeaInsuranceContractPage of AchmeaInsuranceContract,
    InsuredWagePercentagePage of InsuredWagePercentage,
}

#[async_trait]
impl Insurance for Embedded {
    async fn achmea_insurance_contracts(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<AchmeaInsuranceContractPage, ActivityError> {
        let (filter, parent) = ("employer = ?1", employer.to_string());
        self.list(&CONTRACT, filter, parent, Order::Ascending, page)
            .await
    }

    async fn insured_wage_percentages(
        &self,
        contract: Uuid,
        page: &PageRequest,
    ) -> Result<InsuredWagePercentagePage, ActivityError> {
        let (filter, parent) = ("contract = ?1", contract.to_string());
        self.list(&PERCENTAGE, filter, parent, Order::Ascending, page)
            .await
    }
}
