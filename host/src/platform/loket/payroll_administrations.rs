//! Payroll administrations of the platform.

use super::Loket;
use super::pages::into_page;
use super::records::PAYROLL_ADMINISTRATIONS;
use crate::bindings::koppel::loket::payroll_administrations::PayrollAdministrationPage;
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::platform::{Entity, PayrollAdministrations};
use crate::wire::payroll_administrations::PayrollAdministration;
use async_trait::async_trait;
use uuid::Uuid;

#[async_trait]
impl PayrollAdministrations for Loket {
    async fn payroll_administrations(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollAdministrationPage, ActivityError> {
        let of = Entity::Employer(employer);
        let listed = self.below::<PayrollAdministration>(&PAYROLL_ADMINISTRATIONS, of, page);
        let (page, of) = (listed.await?, employer.to_string());
        Ok(into_page!(PayrollAdministrationPage, page, |item| item
            .into_record(of.clone())))
    }
}
