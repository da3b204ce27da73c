//! Employees of the platform, their citizen service numbers and employments.

use super::Loket;
use super::client::Ask;
use super::pages::{Position, into_page};
use super::records::EMPLOYEES;
use crate::bindings::koppel::loket::employees::EmployeePage;
use crate::bindings::koppel::loket::employments::{Employment, EmploymentPage};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::catalogue::id as activity;
use crate::platform::{Employees, Employments, Entity};
use crate::wire::employees as wire;
use crate::wire::employments;
use crate::wire::envelope::Single;
use async_trait::async_trait;
use uuid::Uuid;

#[async_trait]
impl Employees for Loket {
    async fn employees(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<EmployeePage, ActivityError> {
        let of = Entity::Employer(employer);
        let page = self.below::<wire::Employee>(&EMPLOYEES, of, page).await?;
        Ok(into_page!(EmployeePage, page, Into::into))
    }

    async fn citizen_service_number(
        &self,
        employee: Uuid,
    ) -> Result<Option<String>, ActivityError> {
        let id = employee.to_string();
        let ask = Ask::about(activity::GetCitizenServiceNumberByEmployeeId, &id);
        let found: Single<wire::CitizenServiceNumber> = self.client.get(ask).await?;
        Ok(found.content.citizen_service_number)
    }
}

#[async_trait]
impl Employments for Loket {
    /// The platform also has employments that are paid elsewhere. How many
    /// there are without them shows only when all were read.
    async fn employments(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<EmploymentPage, ActivityError> {
        let id = employer.to_string();
        let ask = Ask::about(activity::GetEmploymentsByEmployerId, &id);
        let position = Position::read(ask, page)?;
        let listed = self.all::<employments::Employment>(ask).await?;
        let paid: Vec<Employment> = listed
            .into_iter()
            .filter_map(employments::Employment::into_record)
            .collect();
        let page = position.slice(&paid);
        Ok(into_page!(EmploymentPage, page, |employment| employment))
    }
}
