//! Whom entities of the platform belong to.
//!
//! The access token reaches everything that the user who authorized koppel
//! may see: often all employers of a provider. A run is for one of them. And
//! the platform's reply to `GET …/journalruns/{journalrunId}` does not say
//! whose it is. So koppel goes by what it can prove:
//!
//! - an employer is the provider's if the platform gives it (`GET
//!   /providers/employers/{employerId}`);
//! - a payroll administration is an employer's if the platform lists it under
//!   that employer;
//! - a payroll run or journal run is an administration's, and so an
//!   employer's, if the platform lists it under that administration.
//!
//! Whatever is not found so under the employer of the run is not that
//! employer's ([`Attribution::Elsewhere`]), and is refused before a request
//! about it is sent. There is no other way in: the identifier of another
//! employer's entity is only ever compared, never asked for.
//!
//! What was found is remembered for five minutes, so an entity that moves to
//! another employer can be reached that long by runs of the old one. Looking
//! for what is not there costs requests; so the lists of an employer are
//! searched at most once in [`PACE`], and whoever asks sooner waits.

use super::Loket;
use super::client::Ask;
use super::unsupported::unsupported;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::{Activity, id as activity};
use crate::platform::{Attribution, Entity, Owner, Owners};
use crate::wire::shared::Id;
use async_trait::async_trait;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use serde::Deserialize;
use std::collections::HashMap;
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
    /// The employer of a payroll administration.
    employers: Cache<Uuid, Uuid>,
    /// The payroll administration of a payroll run or journal run.
    administrations: Cache<Entity, Uuid>,
    /// When the lists of an employer were last searched, and for what.
    searches: Mutex<HashMap<(Uuid, Kind), Search>>,
}

type Search = Arc<tokio::sync::Mutex<Option<Instant>>>;

/// What a search is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Administration,
    PayrollRun,
    JournalRun,
}

/// An item of a list of runs, as far as it matters here.
#[derive(Deserialize)]
struct Identified {
    id: Id,
}

impl Known {
    pub(super) fn new() -> Self {
        fn cache<K: std::hash::Hash + Eq + Send + Sync + 'static>() -> Cache<K, Uuid> {
            Cache::builder()
                .max_capacity(CAPACITY)
                // What was just found is about to be used.
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(REMEMBERED)
                .build()
        }
        Self {
            employers: cache(),
            administrations: cache(),
            searches: Mutex::default(),
        }
    }

    /// Remembers that the platform listed an administration under an employer.
    pub(super) async fn administration(&self, id: Uuid, employer: Uuid) {
        self.employers.insert(id, employer).await;
    }

    /// Remembers that the platform listed a run under an administration.
    pub(super) async fn run(&self, run: Entity, administration: Uuid) {
        self.administrations.insert(run, administration).await;
    }

    /// The administration of a run that was attributed a moment ago.
    ///
    /// # Errors
    ///
    /// `unavailable` in the unlikely case that it was forgotten since.
    pub(super) async fn administration_of(&self, run: Entity) -> Result<Uuid, ActivityError> {
        let found = self.administrations.get(&run).await;
        found.ok_or(ActivityError::Unavailable(Some(1)))
    }

    /// The employer of an entity, as far as it is known.
    async fn employer_of(&self, entity: Entity) -> Option<Uuid> {
        let administration = match entity {
            Entity::Employer(_) => return None,
            Entity::PayrollAdministration(id) => id,
            run => self.administrations.get(&run).await?,
        };
        self.employers.get(&administration).await
    }

    fn search(&self, employer: Uuid, kind: Kind) -> Search {
        let mut searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner);
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
        match self.employer_record(id).await {
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
        let ask = Ask {
            activity: activity::GetEmployersByUserId,
            id: "",
            query: &[],
        };
        let listed = self.all::<Identified>(ask).await?;
        listed
            .into_iter()
            .map(|employer| {
                // Read as a UUID, and held in its usual notation.
                Uuid::parse_str(&employer.id.0)
                    .map_err(|error| ActivityError::Other(error.to_string()))
            })
            .collect()
    }

    async fn owner_within(
        &self,
        entity: Entity,
        employer: Uuid,
    ) -> Result<Attribution, ActivityError> {
        let owned = Ok(Attribution::Owned(self.owned_by(employer)));
        let kind = match entity {
            // That it exists was seen when the run started.
            Entity::Employer(id) if id == employer => return owned,
            Entity::Employer(_) => return Ok(Attribution::Elsewhere),
            Entity::PayrollAdministration(_) => Kind::Administration,
            Entity::PayrollRun(_) => Kind::PayrollRun,
            Entity::JournalRun(_) => Kind::JournalRun,
            Entity::Employee(_) => return unsupported("employees"),
            Entity::AchmeaInsuranceContract(_) => return unsupported("insurance contracts"),
            Entity::PayrollTaxReturn(_) | Entity::UpaPensionDeclaration(_) => {
                return unsupported("declarations");
            }
        };
        if let Some(found) = self.known.employer_of(entity).await {
            return if found == employer {
                owned
            } else {
                Ok(Attribution::Elsewhere)
            };
        }
        let search = self.known.search(employer, kind);
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
        let administrations = self.list_administrations(employer).await?;
        let (list, run): (Activity, fn(Uuid) -> Entity) = match entity {
            Entity::PayrollRun(_) => (
                activity::GetPayrollRunsByPayrollAdministrationId,
                Entity::PayrollRun,
            ),
            Entity::JournalRun(_) => (
                activity::GetJournalRunsByPayrollAdministrationId,
                Entity::JournalRun,
            ),
            _ => return Ok(()),
        };
        for administration in administrations {
            let id = administration.to_string();
            let ask = Ask {
                activity: list,
                id: &id,
                query: &[],
            };
            let mut found = false;
            for listed in self.all::<Identified>(ask).await? {
                let listed = run(uuid(list, &listed.id)?);
                self.known.run(listed, administration).await;
                found |= listed == entity;
            }
            if found {
                break;
            }
        }
        Ok(())
    }

    /// The payroll administrations that the platform lists under an employer.
    async fn list_administrations(&self, employer: Uuid) -> Result<Vec<Uuid>, ActivityError> {
        let list = activity::GetPayrollAdministrationsByEmployerId;
        let id = employer.to_string();
        let ask = Ask {
            activity: list,
            id: &id,
            query: &[],
        };
        let mut ids = Vec::new();
        for listed in self.all::<Identified>(ask).await? {
            let id = uuid(list, &listed.id)?;
            self.known.administration(id, employer).await;
            ids.push(id);
        }
        Ok(ids)
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
