//! The web console: pages for the people who look after connectors.
//!
//! It acts as an application, which the operator names, for whoever logged in,
//! and asks the REST API from within: so each page and each action passes the
//! same five checks, and is in the same ledger, as what it is in the API. It
//! authorizes nothing by itself.
//!
//! Pages are made on the server, in Dutch and English, and work without scripts;
//! with them, lists of runs change while they are looked at.

mod chart;
mod connectors;
mod employers;
mod files;
mod format;
mod ledger;
mod live;
mod login;
mod messages;
mod modules;
mod names;
mod overview;
mod page;
mod runs;
mod session;
mod visit;
mod why;

use crate::api::Api;
use crate::config::{Console as Settings, Server};
use crate::language::Language;
use crate::oauth::{Cookie, Logins, Principal, Seal};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use session::Sessions;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use visit::Visit;

/// What the handlers share.
pub(crate) struct Console {
    api: Arc<Api>,
    logins: Logins,
    server: Server,
    /// How long a login lasts, in seconds.
    seconds: u32,
    sessions: Sessions,
    /// For what a browser carries while somebody logs in.
    seal: Seal,
    cookies: Cookies,
    /// The places of pages that are live.
    streams: Arc<Semaphore>,
    /// Cancelled when the server stops: what streams ends then.
    stopping: CancellationToken,
}

/// The cookies of the console.
struct Cookies {
    session: Cookie,
    attempt: Cookie,
    language: Cookie,
}

impl Console {
    /// The console of a server.
    ///
    /// # Errors
    ///
    /// When there is no randomness.
    pub(crate) fn new(
        api: Arc<Api>,
        logins: Logins,
        server: &Server,
        settings: &Settings,
        stopping: CancellationToken,
    ) -> anyhow::Result<Self> {
        let cookie = |name| Cookie::new(server, name);
        Ok(Self {
            api,
            logins,
            seconds: settings.session_minutes * 60,
            sessions: Sessions::default(),
            seal: Seal::new()?,
            cookies: Cookies {
                session: cookie("koppel-console"),
                attempt: cookie("koppel-console-attempt"),
                language: cookie(Language::COOKIE),
            },
            server: server.clone(),
            streams: Arc::new(Semaphore::new(live::STREAMS)),
            stopping,
        })
    }

    /// What the console answers to: all below `/console`.
    pub(crate) fn routes(self) -> Router {
        let console = Router::new()
            .route("/", get(home))
            .route("/login", get(login::begin))
            .route("/callback", get(login::finish))
            .route("/logout", post(login::end))
            .route("/logged-out", get(login::ended))
            .route("/language", post(login::language_chosen))
            .route("/files/{name}", get(files::serve))
            .route("/{scope}", get(overview::show))
            .route("/{scope}/employers", get(employers::show))
            .route("/{scope}/connectors", get(connectors::show))
            .route("/{scope}/connectors/{name}", get(connectors::one))
            .route("/{scope}/why", get(why::show))
            .route("/{scope}/runs", get(runs::show))
            .route("/{scope}/runs/events", get(runs::events))
            .route("/{scope}/runs/new", get(runs::new).post(runs::submit))
            .route("/{scope}/runs/{id}", get(runs::one).post(runs::act))
            .route("/{scope}/runs/{id}/events", get(runs::events_of_one))
            .route("/{scope}/messages", get(messages::show))
            .route("/{scope}/messages/{id}", get(messages::one))
            .route("/{scope}/messages/{id}/content", get(messages::download))
            .route("/{scope}/modules", get(modules::show).post(modules::turn))
            .route("/{scope}/ledger", get(ledger::show))
            .fallback(nothing)
            .with_state(Arc::new(self))
            .layer(from_fn(guarded));
        Router::new().nest("/console", console)
    }

    /// In which language somebody wants to read.
    fn language(&self, headers: &HeaderMap) -> Language {
        Language::wanted(&self.cookies.language, headers)
    }

    /// Somebody, through the console.
    fn principal(&self, user: &str) -> Principal {
        Principal {
            client: self.logins.application().to_owned(),
            user: user.to_owned(),
        }
    }
}

async fn home() -> Redirect {
    Redirect::to("/console/all")
}

async fn nothing(visit: Visit) -> Response {
    visit.nothing().await
}

/// Only what koppel serves itself may be loaded, nothing inline, in no frame;
/// and forms go nowhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The header fields of every reply of the console.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With none, browsers would not say where a form comes from.
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
