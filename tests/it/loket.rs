//! A platform with Loket's REST API, small: the demonstration data behind
//! tokens, in Loket's shapes, for a user who may see all employers of
//! provider 1. It notes what was asked, and answers otherwise when told to.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use koppel_host::bindings::koppel::loket::types::{ActivityError, Check, Denial, PageRequest};
use koppel_host::platform::{
    ChangedBy, Embedded, Employers, Entity, JournalExports, JournalRuns, Owners,
    PayrollAdministrations, PayrollRuns, Vehicles, seed,
};
use koppel_host::wire;
use koppel_host::wire::envelope::{List, Single};
use koppel_host::wire::error::{ErrorReply, Refusal, UNAUTHORIZED};
use serde::Serialize;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const CLIENT_ID: &str = "koppel-test";
pub(crate) const CLIENT_SECRET: &str = "client-secret-8dUz";

/// The platform, which runs until it is dropped.
pub(crate) struct Loket {
    pub(crate) url: String,
    pub(crate) data: Embedded,
    state: Shared,
    _dir: TempDir,
}

type Shared = Arc<Mutex<Told>>;

/// What it was told, and what it saw.
#[derive(Default)]
pub(crate) struct Told {
    /// The refresh token that is good now.
    pub(crate) refresh: String,
    /// The access tokens that are good.
    pub(crate) access: Vec<String>,
    /// How many tokens it gave out.
    pub(crate) given: usize,
    /// How long an access token lasts, in seconds, as it says.
    pub(crate) expires_in: u64,
    /// Answers to the next requests instead: status, headers and body.
    pub(crate) instead: VecDeque<Instead>,
    /// An answer to every request instead.
    pub(crate) always: Option<Instead>,
    /// What was asked below `/v2`, as `METHOD /path?query`.
    pub(crate) asked: Vec<String>,
    /// The access tokens that came along.
    pub(crate) tokens: Vec<String>,
    /// How often the token endpoint was asked.
    pub(crate) refreshes: usize,
    /// How long the token endpoint takes, after it gave out the tokens.
    pub(crate) delay_ms: u64,
}

#[derive(Clone)]
pub(crate) struct Instead {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

pub(crate) fn instead(status: u16, body: impl ToString) -> Instead {
    Instead {
        status,
        headers: Vec::new(),
        body: body.to_string(),
    }
}

impl Instead {
    pub(crate) fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

impl Instead {
    /// With what the caller showed as `authorization` in place of `{token}`.
    fn repeating(mut self, authorization: &str) -> Self {
        self.body = self.body.replace("{token}", authorization);
        for (_, value) in &mut self.headers {
            *value = value.replace("{token}", authorization);
        }
        self
    }
}

impl IntoResponse for Instead {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }
}

#[derive(Clone)]
struct Server {
    told: Shared,
    data: Embedded,
}

impl Loket {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = Embedded::open(&dir.path().join("loket.db")).unwrap();
        data.seed().await.unwrap();
        let told = Told {
            refresh: "refresh-token-0".to_owned(),
            expires_in: 3599,
            ..Told::default()
        };
        let state = Arc::new(Mutex::new(told));
        let server = Server {
            told: state.clone(),
            data: data.clone(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = router(server);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            data,
            state,
            _dir: dir,
        }
    }

    /// Looks at, or changes, what it was told.
    pub(crate) fn told<R>(&self, f: impl FnOnce(&mut Told) -> R) -> R {
        f(&mut self.state.lock().unwrap())
    }

    /// Answers the next requests so instead.
    pub(crate) fn next(&self, answers: impl IntoIterator<Item = Instead>) {
        self.told(|told| told.instead.extend(answers));
    }

    /// What was asked below `/v2` since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.told(|told| std::mem::take(&mut told.asked))
    }
}

fn router(server: Server) -> Router {
    let administrations = "/providers/employers/payrolladministrations";
    let below = |path: &str| format!("{administrations}{path}");
    let api = Router::new()
        .route("/providers/employers", get(employers))
        .route("/providers/employers/{id}", get(employer))
        .route(
            "/providers/employers/{id}/payrolladministrations",
            get(payroll_administrations),
        )
        .route(&below("/{id}/payrollruns"), get(payroll_runs))
        .route(&below("/payrollruns/{id}"), get(payroll_run))
        .route(
            &below("/payrollruns/{id}/results"),
            get(payroll_run_results),
        )
        .route(&below("/{id}/journalruns"), get(journal_runs))
        .route(
            &below("/journalruns/{id}"),
            get(journal_run).patch(change_journal_run),
        )
        .route(
            &below("/journalruns/{id}/results"),
            get(journal_run_results),
        )
        .route(&below("/journalruns/{id}/errors"), get(journal_run_errors))
        .route("/rdwservices/additionaltaxliability", get(car))
        .layer(middleware::from_fn_with_state(server.clone(), guard));
    Router::new()
        .nest("/v2", api)
        .route("/token", post(token))
        .with_state(server)
}

/// Tokens, versions, and answers instead.
async fn guard(
    State(server): State<Server>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    {
        let mut told = server.told.lock().unwrap();
        told.asked.push(format!("{method} {uri}"));
        let token = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        told.tokens.push(token.clone());
        if let Some(instead) = told.instead.pop_front().or_else(|| told.always.clone()) {
            return instead.repeating(&token).into_response();
        }
        let good = token
            .strip_prefix("Bearer ")
            .is_some_and(|token| told.access.iter().any(|good| good == token));
        if !good {
            let message = UNAUTHORIZED.to_owned();
            return (StatusCode::UNAUTHORIZED, Json(Refusal { message })).into_response();
        }
    }
    let accept = headers.get("accept").and_then(|value| value.to_str().ok());
    if accept != Some("application/json;version=2018-01-01") {
        return (StatusCode::BAD_REQUEST, format!("accept: {accept:?}")).into_response();
    }
    next.run(request).await
}

async fn token(State(server): State<Server>, body: Bytes) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let refuse = |error: &str| {
        let body = serde_json::json!({"error": error});
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    };
    let (reply, delay) = {
        let mut told = server.told.lock().unwrap();
        told.refreshes += 1;
        let form = |key: &str| form.get(key).map(String::as_str);
        if (form("client_id"), form("client_secret")) != (Some(CLIENT_ID), Some(CLIENT_SECRET)) {
            return refuse("invalid_client");
        }
        if form("grant_type") != Some("refresh_token") {
            return refuse("unsupported_grant_type");
        }
        if form("refresh_token") != Some(told.refresh.as_str()) {
            return refuse("invalid_grant");
        }
        told.given += 1;
        let access = format!("access-token-{}", told.given);
        told.access.push(access.clone());
        told.refresh = format!("refresh-token-{}", told.given);
        let reply = serde_json::json!({
            "access_token": access,
            "token_type": "bearer",
            "expires_in": told.expires_in,
            "refresh_token": told.refresh,
            "two_factor_state": "None",
        });
        (reply, told.delay_ms)
    };
    tokio::time::sleep(std::time::Duration::from_millis(delay)).await;
    Json(reply).into_response()
}

fn failed(error: ActivityError) -> Response {
    let reply = ErrorReply::from(error);
    let status = StatusCode::from_u16(reply.status).unwrap();
    (status, Json(reply.body)).into_response()
}

impl Server {
    /// What the platform itself allows: the employers of provider 1.
    async fn allow(&self, entity: Entity) -> Result<(), Response> {
        let owner = self.data.owner(entity).await.map_err(failed)?;
        match owner {
            None => Err(failed(ActivityError::NotFound(entity.id().to_string()))),
            Some(owner) if owner.provider == seed::provider_id(1) => Ok(()),
            Some(_) => Err(failed(ActivityError::Denied(Denial {
                check: Check::Entity,
                activity: String::new(),
                reason: "User doesn't have rechten to perform activity for the given Id."
                    .to_owned(),
            }))),
        }
    }
}

type Parameters = Query<HashMap<String, String>>;

/// One of Loket's pages of a list.
fn page<T: Serialize>(items: Vec<T>, Query(parameters): &Parameters) -> Response {
    let number = |key: &str, default: usize| {
        let text = parameters.get(key);
        text.map_or(default, |text| text.parse().unwrap())
    };
    let (page, size) = (number("pageNumber", 1), number("pageSize", 250));
    let total = items.len() as u64;
    let items: Vec<T> = items
        .into_iter()
        .skip((page - 1) * size)
        .take(size)
        .collect();
    Json(List::new(items, page as u64, size as u64, total)).into_response()
}

/// All items of a list of the embedded data.
macro_rules! all {
    ($data:expr, $list:ident($parent:expr)) => {{
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let request = PageRequest { cursor, size: 1000 };
            match $data.$list($parent, &request).await {
                Ok(page) => {
                    items.extend(page.items);
                    match page.next {
                        Some(next) => cursor = Some(next),
                        None => break Ok(items),
                    }
                }
                Err(error) => break Err(failed(error)),
            }
        }
    }};
}

type Answer = Result<Response, Response>;

async fn employers(State(server): State<Server>, parameters: Parameters) -> Answer {
    let ids = [1, 2, 3].map(seed::employer_id);
    let items = all!(server.data, employers(&ids))?;
    let items = items.into_iter().map(wire::employers::Employer::from);
    Ok(page(items.collect(), &parameters))
}

async fn employer(State(server): State<Server>, Path(id): Path<Uuid>) -> Answer {
    server.allow(Entity::Employer(id)).await?;
    let employer = server.data.employer(id).await.map_err(failed)?;
    let employer = wire::employers::Employer::from(Arc::unwrap_or_clone(employer));
    Ok(Json(Single::new(employer)).into_response())
}

async fn payroll_administrations(
    State(server): State<Server>,
    Path(id): Path<Uuid>,
    parameters: Parameters,
) -> Answer {
    server.allow(Entity::Employer(id)).await?;
    let items = all!(server.data, payroll_administrations(id))?;
    let items = items
        .into_iter()
        .map(wire::payroll_administrations::PayrollAdministration::from);
    Ok(page(items.collect(), &parameters))
}

async fn payroll_runs(
    State(server): State<Server>,
    Path(id): Path<Uuid>,
    parameters: Parameters,
) -> Answer {
    server.allow(Entity::PayrollAdministration(id)).await?;
    let items = all!(server.data, payroll_runs(id))?;
    let items = items.into_iter().map(wire::payroll_runs::PayrollRun::from);
    Ok(page(items.collect(), &parameters))
}

async fn payroll_run(State(server): State<Server>, Path(id): Path<Uuid>) -> Answer {
    server.allow(Entity::PayrollRun(id)).await?;
    let run = server.data.payroll_run(id).await.map_err(failed)?;
    let run = wire::payroll_runs::PayrollRun::from(Arc::unwrap_or_clone(run));
    Ok(Json(Single::new(run)).into_response())
}

async fn payroll_run_results(
    State(server): State<Server>,
    Path(id): Path<Uuid>,
    parameters: Parameters,
) -> Answer {
    server.allow(Entity::PayrollRun(id)).await?;
    let run = server.data.payroll_run(id).await.map_err(failed)?;
    let results = all!(server.data, payroll_run_results(id))?;
    let items = wire::payroll_runs::nest(results, &run.payroll_period);
    Ok(page(items, &parameters))
}

async fn journal_runs(
    State(server): State<Server>,
    Path(id): Path<Uuid>,
    parameters: Parameters,
) -> Answer {
    server.allow(Entity::PayrollAdministration(id)).await?;
    let items = all!(server.data, journal_runs(id))?;
    let items = items.into_iter().map(wire::journal_runs::JournalRun::from);
    Ok(page(items.collect(), &parameters))
}

async fn journal_run(State(server): State<Server>, Path(id): Path<Uuid>) -> Answer {
    server.allow(Entity::JournalRun(id)).await?;
    let run = server.data.journal_run(id).await.map_err(failed)?;
    let run = wire::journal_runs::JournalRun::from(Arc::unwrap_or_clone(run));
    Ok(Json(Single::new(run)).into_response())
}

async fn change_journal_run(
    State(server): State<Server>,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Answer {
    server.allow(Entity::JournalRun(id)).await?;
    let change: wire::journal_runs::Change = wire::read(&body).unwrap();
    let by = ChangedBy {
        run: Uuid::nil(),
        client: CLIENT_ID.to_owned(),
        user: "koppel".to_owned(),
    };
    let changed = server
        .data
        .change_journal_run(id, &change.into(), &by)
        .await;
    let run = wire::journal_runs::JournalRun::from(changed.map_err(failed)?);
    Ok(Json(Single::new(run)).into_response())
}

async fn journal_run_results(
    State(server): State<Server>,
    Path(id): Path<Uuid>,
    parameters: Parameters,
) -> Answer {
    server.allow(Entity::JournalRun(id)).await?;
    let items = all!(server.data, journal_run_results(id))?;
    let items = items.into_iter().map(wire::journal_runs::JournalLine::from);
    Ok(page(items.collect(), &parameters))
}

async fn journal_run_errors(
    State(server): State<Server>,
    Path(id): Path<Uuid>,
    parameters: Parameters,
) -> Answer {
    server.allow(Entity::JournalRun(id)).await?;
    let items = all!(server.data, journal_run_errors(id))?;
    let items = items
        .into_iter()
        .map(wire::journal_runs::JournalRunError::from);
    Ok(page(items.collect(), &parameters))
}

async fn car(State(server): State<Server>, Query(parameters): Parameters) -> Answer {
    let plate = &parameters["licensePlateNumber"];
    let car = server.data.additional_tax_liability(plate).await;
    let car = wire::vehicles::AdditionalTaxLiability::from(car.map_err(failed)?);
    Ok(Json(Single::new(car)).into_response())
}
