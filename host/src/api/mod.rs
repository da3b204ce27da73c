//! The REST API: Loket's paths below `/v2`, for external applications.
//!
//! One table (`routes`) says how each activity of the catalogue is served;
//! method and path come from the catalogue. Every call passes the five checks
//! that a call of a component passes, and is performed by the same code. The
//! application is the client, and whoever logged in is the user.

mod accept;
mod call;
mod caller;
mod health;
mod inward;
mod openapi;
mod paging;
mod query;
mod reply;
mod routes;
mod serve;

pub use routes::Route;
#[cfg(any(test, fuzzing))]
pub(crate) use serve::router_for;
pub use serve::{ServeError, Serving, start};

use crate::activities::Implementations;
use crate::config::Server;
use crate::oauth::Authenticator;
use crate::runs::Host;
use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, RawPathParams, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use bytes::Bytes;
use call::Call;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
pub(crate) use inward::{Asked, Problem};
use query::Query;
pub(crate) use reply::Reply;
use reply::{ApiError, refusal};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use uuid::Uuid;

/// The largest body of a request that holds no file, in bytes.
const BODY_BYTES: usize = 64 << 10;

/// How many requests are handled at a time; more wait.
const CONCURRENT: usize = 256;

/// How long a request may take. A run that it started goes on to its end.
const LONGEST: Duration = Duration::from_secs(120);

/// What the handlers share.
pub(crate) struct Api {
    host: Arc<Host>,
    authenticator: Authenticator,
    implementations: Implementations,
    /// Work that must come to its end, also when its caller is gone.
    tasks: TaskTracker,
    openapi: Bytes,
    routes: Vec<Arc<Route>>,
    /// Whoever verifies the ledger: one at a time.
    verifying: tokio::sync::Mutex<()>,
}

/// The routes of the REST API, one for each activity, in the order of the
/// catalogue.
pub fn routes() -> Vec<Route> {
    routes::table()
}

/// The OpenAPI 3.1 document of the REST API.
pub fn openapi(server: &Server) -> serde_json::Value {
    openapi::document(server, &routes::table())
}

/// Everything that the server answers to.
fn router(api: &Arc<Api>, console: Router) -> Router {
    let mut router = Router::new().route("/openapi.json", get(document));
    for route in &api.routes {
        let row = route.activity.row();
        let Ok(method) = Method::from_bytes(row.method.as_bytes())
            .map_err(|_| ())
            .and_then(|method| MethodFilter::try_from(method).map_err(|_| ()))
        else {
            // The methods of the catalogue are those of HTTP; a test says so.
            continue;
        };
        let route = route.clone();
        let limit = DefaultBodyLimit::max(route.body_bytes);
        let handler = move |api, parameters, query, headers, body| {
            handle(route.clone(), api, parameters, query, headers, body)
        };
        let served = on(method, handler).layer(limit);
        router = router.route(&format!("/v2{}", row.path), served);
    }
    router
        .fallback(nothing)
        .method_not_allowed_fallback(not_so)
        .with_state(api.clone())
        .merge(api.authenticator.routes())
        .merge(console)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(GlobalConcurrencyLimitLayer::new(CONCURRENT))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            LONGEST,
        ))
        // Answers also when all that may be handled at a time is.
        .merge(health::routes(api))
}

async fn handle(
    route: Arc<Route>,
    State(api): State<Arc<Api>>,
    parameters: RawPathParams,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let run = Uuid::now_v7();
    let query = query.unwrap_or_default();
    let answered = answer(&route, &api, run, &parameters, &query, headers, body).await;
    let mut response = match answered {
        Ok(reply) => {
            let mut response = reply.into_response();
            if let Ok(status) = StatusCode::from_u16(route.success) {
                *response.status_mut() = status;
            }
            response
        }
        Err(error) => error.into_response(),
    };
    let status = response.status().as_u16();
    api.host.metrics().rest(route.activity.id(), status);
    let headers = response.headers_mut();
    // Loket sends Expires with every reply; payroll data is never cached.
    headers.insert(header::EXPIRES, HeaderValue::from_static("-1"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(run) = HeaderValue::try_from(run.to_string()) {
        headers.insert(HeaderName::from_static("x-request-id"), run);
    }
    response
}

async fn answer(
    route: &Route,
    api: &Arc<Api>,
    run: Uuid,
    parameters: &RawPathParams,
    query: &str,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Reply, ApiError> {
    let principal = caller::caller(api, &headers).await?;
    let version = accept::version(&headers, route.versions)?;
    let query = Query::read(query, &route.parameters()).and_then(|query| route.ordered(query));
    let id = match &query {
        Ok(query) => route.id(parameters, query),
        Err(_) => String::new(),
    };
    let body =
        body.map_err(|rejection| ApiError::Status(rejection.status(), rejection.body_text()))?;
    let call = Call {
        api: api.clone(),
        activity: route.activity,
        principal,
        version,
        id,
        query,
        headers,
        body,
        run,
    };
    make(route, call).await
}

/// Makes a call. What was begun comes to its recorded end, also when the caller
/// hangs up.
async fn make(route: &Route, call: Call) -> Result<Reply, ApiError> {
    let tasks = call.api.tasks.clone();
    let handled = tasks.spawn((route.handler)(call)).await;
    handled.unwrap_or_else(|error| Err(ApiError::Host(error.into())))
}

async fn document(State(api): State<Arc<Api>>) -> Response {
    Reply::Json(api.openapi.clone()).into_response()
}

async fn nothing(uri: Uri) -> Response {
    let text = format!("there is nothing at {}", uri.path());
    refusal(StatusCode::NOT_FOUND, text)
}

async fn not_so(method: Method, uri: Uri) -> Response {
    let text = format!("{} does not take {method}", uri.path());
    refusal(StatusCode::METHOD_NOT_ALLOWED, text)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    // The panic itself is in the log of the process.
    refusal(
        StatusCode::INTERNAL_SERVER_ERROR,
        "koppel cannot do it now; its log says why".to_owned(),
    )
}
