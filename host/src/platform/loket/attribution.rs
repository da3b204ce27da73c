//! Whom entities of the platform belong to.
//!
//! The access token reaches everything that the user who authorized koppel
//! may see: often all employers of a provider. A run is for one of them. And
//! the platform's reply to `GET …/journalruns/{journalrunId}` does not say
//! whose it is. So koppel goes by what it can prove:
//!
//! - an employer is the provider's if the platform gives it (`GET
//!   /providers/employers/{employerId}`);
//! - a payroll administration or an employee is an employer's if the platform
//!   lists it under that employer;
//! - an insurance contract is an employer's if the platform lists it as one
//!   that belongs to that employer;
//! - a payroll run, a journal run or a declaration is an administration's, and
//!   so an employer's, if the platform lists it under that administration.
//!
//! Whatever is not found so under the employer of the run is not that
//! employer's ([`Attribution::Elsewhere`]), and is refused before a request
//! about it is sent. There is no other way in: the identifier of another
//! employer's entity is only ever compared, never asked for.
//!
//! What was found is remembered for five minutes, so an entity that moves to
//! another employer can be reached that long by runs of the old one. Looking
//! for what is not there costs requests; so the lists of an employer are
//! searched at most once in [`PACE`] for each kind of entity, and whoever asks
//! sooner waits.

use super::Loket;
use super::records::{
    EMPLOYEES, JOURNAL_RUNS, Listing, PAYROLL_ADMINISTRATIONS, PAYROLL_RUNS, PAYROLL_TAX_RETURNS,
    UPA_PENSION_DECLARATIONS,
};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::{Activity, id as activity};
use crate::platform::{Attribution, Entity, Owner, Owners};
use crate::wire::employers::Employer;
use crate::wire::shared::Id;
use async_trait::async_trait;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use serde::Deserialize;
use std::collections::HashMap;
use std::mem::Discriminant;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How long an attribution is remembered.
const REMEMBERED: Duration = Duration::from_secs(300);

/// How many are remembered at most.
const CAPACITY: u64 = 200_000;

/// The least time between two searches of the lists of one employer.
const PACE: Duration = Duration::from_secs(5);

/// What is known of whom entities belong to.
pub(super) struct Known {
    /// What the platform listed an entity under: an employer or a payroll
    /// administration.
    parents: Cache<Entity, Entity>,
    /// When the lists of an employer were last searched, and for what kind of
    /// entity.
    searches: Mutex<HashMap<(Uuid, Discriminant<Entity>), Search>>,
}

type Search = Arc<tokio::sync::Mutex<Option<Instant>>>;

/// An item of a list, as far as it matters here.
#[derive(Deserialize)]
struct Identified {
    id: Id,
}

impl Known {
    pub(super) fn new() -> Self {
        Self {
            parents: Cache::builder()
                .max_capacity(CAPACITY)
                // What was just found is about to be used.
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(REMEMBERED)
                .build(),
            searches: Mutex::default(),
        }
    }

    /// Remembers what the platform listed an entity under.
    pub(super) async fn listed(&self, entity: Entity, parent: Entity) {
        self.parents.insert(entity, parent).await;
    }

    /// The payroll administration of an entity that was attributed a moment
    /// ago.
    ///
    /// # Errors
    ///
    /// `unavailable` in the unlikely case that it was forgotten since.
    pub(super) async fn administration_of(&self, entity: Entity) -> Result<Uuid, ActivityError> {
        match self.parents.get(&entity).await {
            Some(Entity::PayrollAdministration(id)) => Ok(id),
            _ => Err(ActivityError::Unavailable(Some(1))),
        }
    }

    /// The employer of an entity, as far as it is known.
    pub(super) async fn employer_of(&self, entity: Entity) -> Option<Uuid> {
        let mut parent = self.parents.get(&entity).await?;
        if let Entity::PayrollAdministration(_) = parent {
            parent = self.parents.get(&parent).await?;
        }
        match parent {
            Entity::Employer(id) => Some(id),
            _ => None,
        }
    }

    fn search(&self, employer: Uuid, entity: Entity) -> Search {
        let mut searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = std::mem::discriminant(&entity);
        searches.entry((employer, kind)).or_default().clone()
    }
}

#[async_trait]
impl Owners for Loket {
    /// Only an employer: of anything else the platform does not say whose it
    /// is.
    async fn owner(&self, entity: Entity) -> Result<Option<Owner>, ActivityError> {
        let Entity::Employer(id) = entity else {
            return Ok(None);
        };
        let found = self.one::<Employer>(activity::GetEmployerByEmployerId, id);
        match found.await {
            Ok(_) => Ok(Some(self.owned_by(id))),
            Err(ActivityError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn finds_owners(&self) -> bool {
        false
    }

    async fn employers_of(&self, provider: Uuid) -> Result<Vec<Uuid>, ActivityError> {
        if provider != self.provider {
            return Ok(Vec::new());
        }
        let list = activity::GetEmployersByUserId;
        let listed = self.whole::<Identified>(list, None).await?;
        listed.iter().map(|item| uuid(list, &item.id)).collect()
    }

    async fn owner_within(
        &self,
        entity: Entity,
        employer: Uuid,
    ) -> Result<Attribution, ActivityError> {
        let owned = Ok(Attribution::Owned(self.owned_by(employer)));
        match entity {
            // That it exists was seen when the run started.
            Entity::Employer(id) if id == employer => return owned,
            Entity::Employer(_) => return Ok(Attribution::Elsewhere),
            _ => {}
        }
        if let Some(found) = self.known.employer_of(entity).await {
            return if found == employer {
                owned
            } else {
                Ok(Attribution::Elsewhere)
            };
        }
        let search = self.known.search(employer, entity);
        let mut last = search.lock().await;
        // Somebody else may have found it meanwhile.
        if self.known.employer_of(entity).await == Some(employer) {
            return owned;
        }
        if let Some(last) = *last {
            tokio::time::sleep_until(last + PACE).await;
        }
        // Noted before too: a run that ends meanwhile leaves it at that.
        *last = Some(Instant::now());
        let searched = self.search(entity, employer).await;
        *last = Some(Instant::now());
        searched?;
        if self.known.employer_of(entity).await == Some(employer) {
            owned
        } else {
            Ok(Attribution::Elsewhere)
        }
    }
}

impl Loket {
    fn owned_by(&self, employer: Uuid) -> Owner {
        Owner {
            employer,
            provider: self.provider,
        }
    }

    /// Remembers what the platform lists under an employer, until the entity
    /// was among it.
    async fn search(&self, entity: Entity, employer: Uuid) -> Result<(), ActivityError> {
        let employer = Entity::Employer(employer);
        let below_administrations = match entity {
            Entity::Employer(_) => return Ok(()),
            Entity::PayrollAdministration(_) => {
                return self
                    .list(&PAYROLL_ADMINISTRATIONS, employer)
                    .await
                    .map(|_| ());
            }
            Entity::Employee(_) => return self.list(&EMPLOYEES, employer).await.map(|_| ()),
            Entity::AchmeaInsuranceContract(_) => return self.list_contracts().await.map(|_| ()),
            Entity::PayrollRun(_) => &PAYROLL_RUNS,
            Entity::JournalRun(_) => &JOURNAL_RUNS,
            Entity::PayrollTaxReturn(_) => &PAYROLL_TAX_RETURNS,
            Entity::UpaPensionDeclaration(_) => &UPA_PENSION_DECLARATIONS,
        };
        for administration in self.list(&PAYROLL_ADMINISTRATIONS, employer).await? {
            let listed = self.list(below_administrations, administration).await?;
            if listed.contains(&entity) {
                break;
            }
        }
        Ok(())
    }

    /// All that the platform lists below something, remembered to be its.
    async fn list(&self, listing: &Listing, parent: Entity) -> Result<Vec<Entity>, ActivityError> {
        let activity = listing.activity;
        let listed = self
            .whole::<Identified>(activity, Some(parent.id()))
            .await?;
        let mut entities = Vec::new();
        for item in listed {
            let entity = (listing.entity)(uuid(activity, &item.id)?);
            self.known.listed(entity, parent).await;
            entities.push(entity);
        }
        Ok(entities)
    }
}

/// The UUID of an identifier that the platform gave.
pub(super) fn uuid(activity: Activity, id: &Id) -> Result<Uuid, ActivityError> {
    Uuid::try_parse(&id.0).map_err(|_| super::client::unreadable(activity, "an id is no UUID"))
}

/// Refuses a reply about another thing than was asked for.
pub(super) fn same(activity: Activity, asked: Uuid, given: &Id) -> Result<(), ActivityError> {
    if uuid(activity, given)? == asked {
        return Ok(());
    }
    Err(super::client::unreadable(
        activity,
        "it is about another thing than was asked for",
    ))
}
