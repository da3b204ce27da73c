//! Employers of the platform.

use super::Loket;
use super::client::Ask;
use super::pages::{Position, into_page};
use crate::bindings::koppel::loket::employers::{Employer, EmployerPage};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::catalogue::id as activity;
use crate::platform::Employers;
use crate::wire::employers as wire;
use async_trait::async_trait;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

#[async_trait]
impl Employers for Loket {
    /// One employer is asked for by its id; of several, the platform's list is
    /// read, and those that are not among them left out.
    async fn employers(
        &self,
        among: &[Uuid],
        page: &PageRequest,
    ) -> Result<EmployerPage, ActivityError> {
        let list = activity::GetEmployersByUserId;
        let ask = Ask::about(list, "");
        let position = Position::read(ask, page)?;
        let mut employers = match among {
            [] => Vec::new(),
            [one] => match self.employer(*one).await.map(Arc::unwrap_or_clone) {
                Ok(employer) => vec![employer],
                Err(ActivityError::NotFound(_)) => Vec::new(),
                Err(error) => return Err(error),
            },
            several => {
                let wanted: HashSet<String> = several.iter().map(Uuid::to_string).collect();
                let listed = self.all::<wire::Employer>(ask).await?;
                listed
                    .into_iter()
                    .map(Employer::from)
                    .filter(|employer| wanted.contains(&employer.id))
                    .collect()
            }
        };
        employers.sort_by_key(|employer| employer.employer_number);
        let page = position.slice(&employers);
        Ok(into_page!(EmployerPage, page, |employer| employer))
    }

    async fn employer(&self, id: Uuid) -> Result<Arc<Employer>, ActivityError> {
        let found = self.one::<wire::Employer>(activity::GetEmployerByEmployerId, id);
        Ok(Arc::new(found.await?.into()))
    }
}
