//! A visit: who asks for a page, of which employers, and in which language.

use super::Console;
use super::format::short;
use super::page::{Page, Section, complete};
use super::session::Session;
use crate::api::{Asked, Problem};
use crate::catalogue::{Activity, id};
use crate::language::{Language, Texts};
use crate::oauth::{Parameters, Principal};
use crate::wire::employers::Employer;
use crate::wire::envelope::{List, Single};
use askama::Template;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, RawPathParams, Request};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// How many employers are looked through for their names.
const NAMES: u64 = 4;

/// Of which employers a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Of all for whom the user may see it.
    All,
    /// Of one.
    One(Uuid),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::One(id) => id.fmt(f),
        }
    }
}

/// Who asks for a page.
pub(super) struct Visit {
    pub(super) console: Arc<Console>,
    pub(super) session: Arc<Session>,
    pub(super) principal: Principal,
    pub(super) language: Language,
    pub(super) scope: Scope,
    /// What the query says.
    pub(super) query: Parameters,
    /// The parameters in the path.
    parameters: BTreeMap<String, String>,
    uri: Uri,
}

/// The names of employers.
pub(super) struct Names(Vec<(Uuid, String)>);

impl Names {
    /// The name of one, or the beginning of its identifier.
    pub(super) fn of(&self, employer: Uuid) -> String {
        let mut known = self.0.iter();
        let found = known.find(|(id, _)| *id == employer);
        found.map_or_else(|| short(&employer), |(_, name)| name.clone())
    }

    /// All of them.
    pub(super) fn all(&self) -> &[(Uuid, String)] {
        &self.0
    }
}

impl FromRequestParts<Arc<Console>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Self, Response> {
        let Some(session) = session(console, &parts.headers).await else {
            return Err(log_in(parts));
        };
        let parameters = RawPathParams::from_request_parts(parts, console).await;
        let parameters: BTreeMap<_, _> = parameters
            .map_err(IntoResponse::into_response)?
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let query = parts.uri.query().unwrap_or_default();
        let scope = parameters.get("scope").map(String::as_str);
        let known = match scope {
            None | Some("all") => Some(Scope::All),
            Some(id) => crate::activities::id("scope", id).ok().map(Scope::One),
        };
        let visit = Self {
            principal: console.principal(&session.user),
            language: console.language(&parts.headers),
            scope: known.unwrap_or(Scope::All),
            // What is there twice is no choice at all.
            query: Parameters::read(query.as_bytes()).unwrap_or_default(),
            parameters,
            uri: asked(parts).clone(),
            console: console.clone(),
            session,
        };
        match known {
            Some(_) => Ok(visit),
            None => Err(visit.nothing().await),
        }
    }
}

/// The session of a browser, of a user and an application that the operator
/// still knows.
pub(super) async fn session(console: &Console, headers: &HeaderMap) -> Option<Arc<Session>> {
    let cookie = console.cookies.session.get(headers)?;
    let session = console.sessions.find(cookie)?;
    let known = console.api.host().live().with(|config| {
        config
            .applications
            .contains_key(console.logins.application())
            && config.grants.users.contains_key(&session.user)
    });
    if known && console.logins.is_live(session.login).await {
        Some(session)
    } else {
        console.sessions.end(cookie);
        None
    }
}

/// What was asked for. A router below another one sees the rest of it only.
fn asked(parts: &Parts) -> &Uri {
    let whole = parts.extensions.get::<OriginalUri>();
    whole.map_or(&parts.uri, |OriginalUri(uri)| uri)
}

/// Sends a browser to log in, and back afterwards.
fn log_in(parts: &Parts) -> Response {
    let next = match parts.method {
        Method::GET => asked(parts)
            .path_and_query()
            .map_or("", |path| path.as_str()),
        // What a form did cannot be gone back to.
        _ => "",
    };
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    Redirect::to(&format!("/console/login?next={next}")).into_response()
}

impl Visit {
    /// The texts, in the language of the visitor.
    pub(super) fn texts(&self) -> &'static Texts {
        self.language.texts()
    }

    /// A parameter of the path.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// A parameter of the query; empty if it is not there.
    pub(super) fn chosen(&self, name: &str) -> &str {
        self.query.get(name).unwrap_or_default()
    }

    /// The path of a page of the same employers.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/console/{}{rest}", self.scope)
    }

    /// Where the visitor is.
    pub(super) fn here(&self) -> String {
        let here = self.uri.path_and_query();
        here.map_or("/console", |path| path.as_str()).to_owned()
    }

    /// Whether the visitor may do something at all, for any employer.
    pub(super) fn may(&self, activity: Activity) -> bool {
        self.console.api.may(&self.principal, activity)
    }

    /// Asks for one thing.
    ///
    /// # Errors
    ///
    /// As an application would be told.
    pub(super) async fn one<T: DeserializeOwned>(&self, asked: Asked) -> Result<T, Problem> {
        let single: Single<T> = self.console.api.read(&self.principal, asked).await?;
        Ok(single.content)
    }

    /// Asks for a page of a list.
    ///
    /// # Errors
    ///
    /// As an application would be told.
    pub(super) async fn list<T: DeserializeOwned>(&self, asked: Asked) -> Result<List<T>, Problem> {
        self.console.api.read(&self.principal, asked).await
    }

    /// What is asked of all employers, or of the one that the page is of.
    pub(super) fn of_scope(&self, of_all: Activity, of_one: Activity) -> Asked {
        match self.scope {
            Scope::All => Asked::of(of_all),
            Scope::One(employer) => Asked::of(of_one).about(employer),
        }
    }

    /// An activity that is asked of all employers, or with the chosen one named.
    pub(super) fn within_scope(&self, activity: Activity) -> Asked {
        let asked = Asked::of(activity);
        match self.scope {
            Scope::All => asked,
            Scope::One(employer) => asked.with("employerId", employer),
        }
    }

    /// The employers of the visitor, by name; some of them, if they are very
    /// many, and none if the visitor may not list them.
    pub(super) async fn employers(&self) -> Vec<(Uuid, String)> {
        let mut all = Vec::new();
        if !self.may(id::GetEmployersByUserId) {
            return all;
        }
        for number in 1..=NAMES {
            let asked = Asked::of(id::GetEmployersByUserId).with("pageNumber", number);
            let Ok(page) = self.list::<Employer>(asked).await else {
                break;
            };
            let items = page.embedded.into_iter();
            all.extend(
                items.filter_map(|employer| {
                    Some((employer.id.0.parse().ok()?, employer.company_name))
                }),
            );
            if number >= page.total_pages {
                break;
            }
        }
        all.sort_by_cached_key(|(_, name)| name.to_lowercase());
        all
    }

    /// The names of the employers of the visitor, if they are needed.
    pub(super) async fn names(&self, needed: bool) -> Names {
        match needed {
            true => Names(self.employers().await),
            false => Names(Vec::new()),
        }
    }

    /// What is around a page.
    pub(super) async fn page(&self, section: Section, title: &str) -> Page {
        let employer = match self.scope {
            Scope::One(employer) if self.may(id::GetEmployerByEmployerId) => {
                let asked = Asked::of(id::GetEmployerByEmployerId).about(employer);
                let found = self.one::<Employer>(asked).await;
                Some(found.map_or_else(|_| employer.to_string(), |found| found.company_name))
            }
            Scope::One(employer) => Some(employer.to_string()),
            Scope::All => None,
        };
        Page::new(self, section, title, employer)
    }

    /// A page, or why there is none.
    pub(super) fn respond<T: Template>(&self, page: Result<T, Problem>) -> Response {
        match page {
            Ok(page) => complete(StatusCode::OK, &page),
            Err(problem) => self.problem(&problem),
        }
    }

    /// There is no such page.
    pub(super) async fn nothing(&self) -> Response {
        self.problem(&Problem::new(
            StatusCode::NOT_FOUND,
            self.texts().nothing_here.to_owned(),
        ))
    }
}

/// Something that the visitor does: a form of a page of this session.
pub(super) struct Deed {
    pub(super) visit: Visit,
    /// What was filled in.
    pub(super) form: Parameters,
}

impl FromRequest<Arc<Console>> for Deed {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, console).await?;
        // What browsers say of where a request comes from (Fetch Metadata).
        let site = parts.headers.get("sec-fetch-site");
        let elsewhere = site.is_some_and(|site| site != "same-origin" && site != "none");
        let request = Request::from_parts(parts, body);
        let body = Bytes::from_request(request, console).await;
        let body = body.map_err(|rejection| {
            visit.problem(&Problem::new(rejection.status(), rejection.body_text()))
        })?;
        let form = Parameters::read(&body).unwrap_or_default();
        let ours = visit.session.sent(form.get("token").unwrap_or_default());
        if elsewhere || !ours {
            tracing::warn!(user = visit.session.user, "a form came from elsewhere");
            return Err(visit.problem(&Problem::new(
                StatusCode::FORBIDDEN,
                visit.texts().form_from_elsewhere.to_owned(),
            )));
        }
        Ok(Self { visit, form })
    }
}
