//! Payroll administrations of the platform.

use super::Loket;
use super::attribution::uuid;
use super::client::Ask;
use super::pages::into_page;
use crate::bindings::koppel::loket::payroll_administrations::PayrollAdministrationPage;
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::catalogue::id as activity;
use crate::platform::PayrollAdministrations;
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
        let activity = activity::GetPayrollAdministrationsByEmployerId;
        let id = employer.to_string();
        let ask = Ask {
            activity,
            id: &id,
            query: &[],
        };
        let page = self.page::<PayrollAdministration>(ask, None, page).await?;
        for administration in &page.0 {
            let administration = uuid(activity, &administration.id)?;
            self.known.administration(administration, employer).await;
        }
        Ok(into_page!(PayrollAdministrationPage, page, |item| item
            .into_record(id.clone())))
    }
}
