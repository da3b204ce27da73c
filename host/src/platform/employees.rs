//! Employees (werknemers).

use crate::bindings::koppel::loket::employees::EmployeePage;
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use async_trait::async_trait;
use uuid::Uuid;

/// Employees (werknemers).
#[async_trait]
pub trait Employees: Send + Sync {
    /// The employees of an employer, by number.
    async fn employees(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<EmployeePage, ActivityError>;

    /// The citizen service number (BSN) of an employee, if it is known.
    async fn citizen_service_number(&self, employee: Uuid)
    -> Result<Option<String>, ActivityError>;
}
