//! A call of the REST API: who calls, what for, and the five checks on it.

use super::Api;
use super::paging::{Page, Wanted};
use super::query::Query;
use super::reply::ApiError;
use crate::activities::Implementation;
use crate::bindings::koppel::loket::types::{ActivityError, Denial, PageRequest, Problem};
use crate::catalogue::Activity;
use crate::gate::{Gate, Through};
use crate::oauth::Principal;
use crate::platform::{Attribution, Entity, Owner};
use crate::session::Session;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use uuid::Uuid;

/// The most employers among which something is searched for. On a platform
/// that does not say whose it is, each one costs requests.
const SEARCHED: usize = 25;

/// The parameter of the query that restricts a call to one employer.
pub(super) const EMPLOYER: &str = "employerId";

/// A call, before it is known whether it may be made.
pub(super) struct Call {
    pub(super) api: Arc<Api>,
    pub(super) activity: Activity,
    pub(super) principal: Principal,
    /// The version of the resource that the caller wants.
    pub(super) version: &'static str,
    /// What identifies the thing that the call is about, as the caller wrote
    /// it; empty if nothing does.
    pub(super) id: String,
    pub(super) query: Result<Query, ActivityError>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The identifier of the call, in the ledger and in `X-Request-Id`.
    pub(super) run: Uuid,
}

impl Call {
    /// Performs the activity of this call, as a component would, for the
    /// employer that the arguments are about.
    ///
    /// # Errors
    ///
    /// As for [`Call::session`] and the activity.
    pub(super) async fn perform<P, R>(
        &self,
        arguments: Result<P, ActivityError>,
    ) -> Result<R, ApiError>
    where
        P: Send + 'static,
        R: Clone + 'static,
    {
        let implementation = self.implementation::<P, R>()?;
        let arguments = match self.query() {
            Ok(_) => arguments,
            Err(malformed) => Err(malformed),
        };
        let entity = match &arguments {
            Ok(arguments) => implementation.entity(arguments),
            Err(malformed) => Err(malformed.clone()),
        };
        let session = self.session(entity).await?;
        let performed = implementation.perform_authorized(session, arguments?);
        Ok(Arc::unwrap_or_clone(performed.await?))
    }

    /// Gets a page of the list that the activity of this call gives.
    ///
    /// # Errors
    ///
    /// As for [`Call::session`] and the activity.
    pub(super) async fn list<P: Page>(&self) -> Result<(Vec<P::Item>, Wanted, u64), ApiError> {
        let implementation = self.implementation::<(String, PageRequest), P>()?;
        let arguments = |page| (self.id.clone(), page);
        let wanted = self.wanted();
        let entity = match &wanted {
            Ok(_) => implementation.entity(&arguments(PageRequest {
                size: 1,
                cursor: None,
            })),
            Err(malformed) => Err(malformed.clone()),
        };
        let session = self.session(entity).await?;
        let wanted = wanted?;
        let (items, total) = wanted
            .get(async |page| {
                let page = implementation.perform_authorized(session.clone(), arguments(page));
                page.await.map(Arc::unwrap_or_clone)
            })
            .await?;
        Ok((items, wanted, total))
    }

    fn implementation<P: 'static, R: 'static>(&self) -> Result<&Implementation<P, R>, ApiError> {
        let activity = self.activity;
        self.api.implementations.get(activity).ok_or_else(|| {
            ApiError::Host(anyhow::anyhow!(
                "{activity} has other arguments or another result than its route"
            ))
        })
    }

    /// The query.
    ///
    /// # Errors
    ///
    /// `invalid`. Which is for [`Call::session`] to tell.
    pub(super) fn query(&self) -> Result<&Query, ActivityError> {
        self.query.as_ref().map_err(Clone::clone)
    }

    /// Which page the caller wants.
    ///
    /// # Errors
    ///
    /// As for [`Call::query`].
    pub(super) fn wanted(&self) -> Result<Wanted, ActivityError> {
        let query = self.query()?;
        Wanted::read(query.get("pageNumber"), query.get("pageSize"))
    }

    /// The identifier as a UUID.
    ///
    /// # Errors
    ///
    /// `invalid`, naming the parameter `name`.
    pub(super) fn uuid(&self, name: &str) -> Result<Uuid, ActivityError> {
        self.query()?;
        crate::activities::id(name, &self.id)
    }

    /// Reads the body as a JSON object.
    ///
    /// # Errors
    ///
    /// `invalid`, with the place.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ActivityError> {
        // Serde takes an array for the members of an object, in their order.
        self.body(b'{', "must be an object")
    }

    /// Reads the body as a JSON array.
    ///
    /// # Errors
    ///
    /// `invalid`, with the place.
    pub(super) fn array<T: DeserializeOwned>(&self) -> Result<Vec<T>, ActivityError> {
        self.body(b'[', "must be an array")
    }

    fn body<T: DeserializeOwned>(&self, first: u8, otherwise: &str) -> Result<T, ActivityError> {
        let json = self
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"));
        if !json {
            return Err(invalid("Content-Type", "must be application/json"));
        }
        let brackets = [b'{', b'['];
        let begins = self.body.trim_ascii_start().first();
        if begins.is_some_and(|begins| brackets.contains(begins) && *begins != first) {
            return Err(invalid(".", otherwise));
        }
        crate::wire::read(&self.body).map_err(|error| invalid(&error.path, &error.problem))
    }

    /// Runs the five checks, and gives the session in which the activity may
    /// be performed: for the employer that `entity` belongs to, or, if it is
    /// about nothing in particular, for the first one that the user may access
    /// and for which all checks are green.
    ///
    /// Whether something exists that the user may not access is not told: it
    /// is denied in the same words as what does not exist. Nor is what is
    /// wrong with a call (`entity` is an error) told to those who may not make
    /// it.
    ///
    /// # Errors
    ///
    /// `denied`, after it was recorded; the error that `entity` is.
    pub(super) async fn session(
        &self,
        entity: Result<Option<Entity>, ActivityError>,
    ) -> Result<Arc<Session>, ApiError> {
        let entity = match entity {
            Ok(entity) => entity,
            Err(malformed) => {
                self.ask().await?;
                return Err(malformed.into());
            }
        };
        let Some(entity) = entity else {
            return match self.employers().await?.first() {
                Some(owner) => Ok(self.gate().session(*owner)),
                None => Err(self
                    .gate()
                    .hide(None, "there is no employer for which this user may do this")
                    .await
                    .into()),
            };
        };
        let owner = self.owner(entity).await?;
        let what = entity.id().to_string();
        Ok(self.gate().admit(owner, &what, Some(entity)).await?)
    }

    /// Whom something belongs to. Where the platform does not say so, among
    /// the employers for which this call would be allowed.
    async fn owner(&self, entity: Entity) -> Result<Option<Owner>, ApiError> {
        let platform = self.api.host.platform();
        if platform.finds_owners() || matches!(entity, Entity::Employer(_)) {
            return Ok(platform.owner(entity).await?);
        }
        let employers = self.employers().await?;
        if employers.len() > SEARCHED {
            let text = format!(
                "this platform does not say whose {} is, and it is not searched for among more than {SEARCHED} employers",
                entity.id()
            );
            return Err(ApiError::Status(StatusCode::NOT_IMPLEMENTED, text));
        }
        for owner in employers {
            if let Attribution::Owned(owner) = platform.owner_within(entity, owner.employer).await?
            {
                return Ok(Some(owner));
            }
        }
        Ok(None)
    }

    /// Runs the checks that need no employer.
    ///
    /// # Errors
    ///
    /// `denied`, after it was recorded.
    pub(super) async fn ask(&self) -> Result<(), ApiError> {
        Ok(self.gate().ask().await?)
    }

    /// A denial by the last check.
    pub(super) fn denial(&self, reason: &str) -> Denial {
        self.gate().denial(reason)
    }

    /// Records a denial.
    pub(super) async fn deny(&self, owner: Owner, denial: &Denial) -> ApiError {
        self.gate().deny(owner, denial).await.into()
    }

    /// The employers for which all five checks are green.
    ///
    /// # Errors
    ///
    /// Those of the platform.
    pub(super) async fn employers(&self) -> Result<Vec<Owner>, ApiError> {
        let live = self.api.host.live();
        let platform = self.api.host.platform();
        let reach = live.with(|config| config.grants.reach(&self.principal.user));
        let mut owners = Vec::new();
        if let Some(provider) = reach.provider {
            let employers = platform.employers_of(provider).await?;
            owners.extend(
                employers
                    .into_iter()
                    .map(|employer| Owner { employer, provider }),
            );
        }
        for employer in reach.employers {
            owners.extend(platform.owner(Entity::Employer(employer)).await?);
        }
        let modules = platform.modules_on().await?;
        live.with(|config| {
            let gate = self.gate();
            let green = |owner| config.grants.check(&gate.question(owner, &modules)).is_ok();
            owners.retain(|owner| green(*owner));
        });
        Ok(owners)
    }

    /// The employers that a call about none in particular is about: all for
    /// which the five checks are green.
    ///
    /// # Errors
    ///
    /// `denied`, after it was recorded, for who may not ask at all; those of the
    /// platform.
    pub(super) async fn among(&self) -> Result<Vec<Uuid>, ApiError> {
        // Who may ask, but has no employers, gets what is of none.
        self.ask().await?;
        let owners = self.employers().await?;
        Ok(owners.into_iter().map(|owner| owner.employer).collect())
    }

    /// The same, or the one that the parameter `employerId` names.
    ///
    /// # Errors
    ///
    /// As for [`Call::among`] and [`Call::session`].
    pub(super) async fn among_or_one(&self) -> Result<Vec<Uuid>, ApiError> {
        let named = match self.query() {
            Ok(query) => query.get(EMPLOYER),
            Err(_) => None,
        };
        let Some(named) = named else {
            return self.among().await;
        };
        let entity = crate::activities::id(EMPLOYER, named);
        let session = self.session(entity.map(|id| Some(Entity::Employer(id))));
        Ok(vec![session.await?.employer])
    }

    /// Where the five checks are run.
    pub(super) fn gate(&self) -> Gate<'_> {
        Gate {
            host: &self.api.host,
            through: Through::Application(&self.principal.client),
            user: &self.principal.user,
            activity: self.activity,
            run: self.run,
        }
    }
}

/// An `invalid` about one field.
pub(super) fn invalid(field: &str, problem: &str) -> ActivityError {
    ActivityError::Invalid(vec![Problem {
        code: 400,
        description: format!("{field}: {problem}"),
        properties: vec![field.to_owned()],
    }])
}
