//! Payroll administrations (salarisadministraties).

use crate::bindings::koppel::loket::payroll_administrations::PayrollAdministrationPage;
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use async_trait::async_trait;
use uuid::Uuid;

/// Payroll administrations (salarisadministraties).
#[async_trait]
pub trait PayrollAdministrations: Send + Sync {
    /// The payroll administrations of an employer.
    async fn payroll_administrations(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollAdministrationPage, ActivityError>;
}
