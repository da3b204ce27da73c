//! Calls of the REST API from within: the console makes them. They are handled
//! as those from outside are, by the same routes; only the token is not needed,
//! because a login of the console stands for it.

use super::call::Call;
use super::query::Query;
use super::reply::{ApiError, Reply};
use super::{Api, Route, make};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::Activity;
use crate::oauth::Principal;
use crate::platform::Entity;
use crate::wire::error::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    activity: Activity,
    id: String,
    query: Vec<(&'static str, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    /// An activity that is about nothing in particular.
    pub(crate) fn of(activity: Activity) -> Self {
        Self {
            activity,
            id: String::new(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// About what has this identifier.
    pub(crate) fn about(self, id: impl ToString) -> Self {
        Self {
            id: id.to_string(),
            ..self
        }
    }

    /// With a parameter of the query, unless it is empty.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        let value = value.to_string();
        if !value.is_empty() {
            self.query.push((name, value));
        }
        self
    }

    /// With a field of the header.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        // One that no header may hold stays away, and the route says that it is
        // missing.
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// With a body.
    pub(crate) fn json(mut self, body: &Value) -> Self {
        let json = HeaderValue::from_static("application/json");
        self.headers.insert(header::CONTENT_TYPE, json);
        self.body = body.to_string().into();
        self
    }
}

/// Why it was not done: what an application would be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// In words.
    pub(crate) texts: Vec<String>,
    /// The activity that was denied, if one was.
    pub(crate) denied: Option<String>,
    /// After how many seconds it may be tried again.
    pub(crate) retry_after: Option<u32>,
}

impl Problem {
    /// One that the REST API does not have.
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            texts: vec![text.into()],
            denied: None,
            retry_after: None,
        }
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let denied = match &error {
            ApiError::Activity(ActivityError::Denied(denial)) => Some(denial.activity.clone()),
            _ => None,
        };
        let (status, retry_after, body) = error.told();
        let texts = match body {
            Body::Refusal(refusal) => vec![refusal.message],
            Body::Failed(failed) => failed
                .messages
                .into_iter()
                .map(|message| message.description)
                .collect(),
        };
        Self {
            status,
            texts,
            denied,
            retry_after,
        }
    }
}

impl Api {
    /// Performs an activity for who logged in, after the five checks.
    ///
    /// # Errors
    ///
    /// As an application would be told.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        principal: &Principal,
        asked: Asked,
    ) -> Result<Reply, Problem> {
        let route = self.route(asked.activity).ok_or_else(|| {
            let error = anyhow::anyhow!("{} has no route", asked.activity);
            Problem::from(ApiError::Host(error))
        })?;
        let call = self.call(principal, &route, asked);
        Ok(make(&route, call).await?)
    }

    /// As [`Api::ask`], of what comes as JSON.
    ///
    /// # Errors
    ///
    /// As for [`Api::ask`].
    pub(crate) async fn read<T: DeserializeOwned>(
        self: &Arc<Self>,
        principal: &Principal,
        asked: Asked,
    ) -> Result<T, Problem> {
        let activity = asked.activity;
        let read = match self.ask(principal, asked).await? {
            Reply::Json(json) => serde_json::from_slice(&json).map_err(anyhow::Error::from),
            Reply::Xml(_) | Reply::File { .. } => Err(anyhow::anyhow!("it is no JSON")),
        };
        read.map_err(|error| ApiError::Host(error.context(activity.id())).into())
    }

    /// Runs the checks for what is not asked of a route: all five for one
    /// employer, or those that need none.
    ///
    /// # Errors
    ///
    /// `denied`, after it was recorded.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        principal: &Principal,
        activity: Activity,
        employer: Option<Uuid>,
    ) -> Result<(), Problem> {
        let route = self.route(activity).ok_or_else(|| {
            let error = anyhow::anyhow!("{activity} has no route");
            Problem::from(ApiError::Host(error))
        })?;
        let call = self.call(principal, &route, Asked::of(activity));
        match employer {
            Some(employer) => {
                let entity = Some(Entity::Employer(employer));
                call.session(Ok(entity)).await?;
            }
            None => call.ask().await?,
        }
        Ok(())
    }

    /// Whether somebody may perform an activity at all, for whatever employer.
    /// Records nothing: it is for what is offered, not for what is done.
    pub(crate) fn may(&self, principal: &Principal, activity: Activity) -> bool {
        self.host.live().with(|config| {
            let client = Some(principal.client.as_str());
            let grants = &config.grants;
            grants
                .check_without_employer(client, &principal.user, activity)
                .is_ok()
        })
    }

    /// The host.
    pub(crate) fn host(&self) -> &crate::runs::Host {
        &self.host
    }

    fn route(&self, activity: Activity) -> Option<Arc<Route>> {
        let mut routes = self.routes.iter();
        routes.find(|route| route.activity == activity).cloned()
    }

    fn call(self: &Arc<Self>, principal: &Principal, route: &Route, asked: Asked) -> Call {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&asked.query);
        let query = Query::read(&query.finish(), &route.parameters());
        Call {
            api: self.clone(),
            activity: asked.activity,
            principal: principal.clone(),
            version: route.versions.last().copied().unwrap_or_default(),
            id: asked.id,
            query: query.and_then(|query| route.ordered(query)),
            headers: asked.headers,
            body: asked.body,
            run: Uuid::now_v7(),
        }
    }
}
