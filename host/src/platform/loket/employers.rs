//! Employers of the platform.

use super::Loket;
use super::attribution::same;
use super::client::Ask;
use super::pages::{Position, into_page};
use crate::bindings::koppel::loket::employers::{Employer, EmployerPage};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::catalogue::id as activity;
use crate::platform::Employers;
use crate::wire::employers as wire;
use crate::wire::envelope::Single;
use async_trait::async_trait;
use std::collections::HashSet;
use uuid::Uuid;

impl Loket {
    /// An employer as the platform gives it.
    pub(super) async fn employer_record(&self, id: Uuid) -> Result<Employer, ActivityError> {
        let activity = activity::GetEmployerByEmployerId;
        let text = id.to_string();
        let ask = Ask {
            activity,
            id: &text,
            query: &[],
        };
        let found: Single<wire::Employer> = self.client.get(ask).await?;
        same(activity, id, &found.content.id)?;
        Ok(found.content.into())
    }
}

#[async_trait]
impl Employers for Loket {
    /// One employer is asked for by its id; of several, the platform's list is
    /// read, and those that are not among them left out.
    async fn employers(
        &self,
        among: &[Uuid],
        page: &PageRequest,
    ) -> Result<EmployerPage, ActivityError> {
        let ask = Ask {
            activity: activity::GetEmployersByUserId,
            id: "",
            query: &[],
        };
        let position = Position::read(ask, page)?;
        let mut employers = match among {
            [] => Vec::new(),
            [one] => match self.employer_record(*one).await {
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

    async fn employer(&self, id: Uuid) -> Result<Employer, ActivityError> {
        self.employer_record(id).await
    }
}
