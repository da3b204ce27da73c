//! Employments (dienstverbanden).

use crate::bindings::koppel::loket::employments::EmploymentPage;
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use async_trait::async_trait;
use uuid::Uuid;

/// Employments (dienstverbanden).
#[async_trait]
pub trait Employments: Send + Sync {
    /// The employments of an employer.
    async fn employments(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<EmploymentPage, ActivityError>;
}
