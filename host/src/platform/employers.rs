//! Employers (werkgevers).

use crate::bindings::koppel::loket::employers::{Employer, EmployerPage};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

/// Employers (werkgevers).
#[async_trait]
pub trait Employers: Send + Sync {
    /// The employers among these, in the order in which they were added.
    async fn employers(
        &self,
        among: &[Uuid],
        page: &PageRequest,
    ) -> Result<EmployerPage, ActivityError>;

    /// One employer.
    async fn employer(&self, id: Uuid) -> Result<Arc<Employer>, ActivityError>;
}
