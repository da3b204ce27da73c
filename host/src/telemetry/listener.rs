//! `/metrics`, on an address of its own: it takes no token of a user, and is
//! not for those who use the REST API.

use crate::config::MetricsListener;
use crate::runs::Host;
use crate::secrets;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use hyper_util::rt::TokioTimer;
use secrecy::{ExposeSecret, SecretString};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::task::JoinHandle;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::timeout::TimeoutLayer;

/// The media type of the text format of OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How many scrapes may be under way at a time.
const CONCURRENT: usize = 16;

/// How long one may take.
const LONGEST: Duration = Duration::from_secs(30);

/// How long the head of a request may take to come.
const HEADERS: Duration = Duration::from_secs(10);

/// The listener of the metrics, until it is dropped.
pub struct Listening {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listening {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Scraped {
    host: Arc<Host>,
    token: Option<SecretString>,
}

/// Serves the metrics of a host.
///
/// # Errors
///
/// When the address cannot be had or the token cannot be read.
pub fn listen(host: Arc<Host>, config: &MetricsListener) -> Result<Listening, String> {
    let redactor = host.ledger().redactor();
    let token = config
        .token
        .as_ref()
        .map(|token| secrets::read(token, redactor))
        .transpose()
        .map_err(|why| format!("[telemetry.metrics] token: {why}"))?;
    let busy = |error: std::io::Error| {
        format!(
            "[telemetry.metrics] {} cannot be listened on: {error}",
            config.listen
        )
    };
    let listener = TcpListener::bind(config.listen).map_err(busy)?;
    listener.set_nonblocking(true).map_err(busy)?;
    let address = listener.local_addr().map_err(busy)?;
    let router = Router::new()
        .route("/metrics", get(scrape))
        .layer(GlobalConcurrencyLimitLayer::new(CONCURRENT))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            LONGEST,
        ))
        .with_state(Arc::new(Scraped { host, token }));
    let mut server = axum_server::from_tcp(listener).map_err(busy)?;
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS);
    let task = tokio::spawn(async move {
        if let Err(error) = server.serve(router.into_make_service()).await {
            tracing::error!(%error, "the metrics are not served any more");
        }
    });
    Ok(Listening { address, task })
}

async fn scrape(State(scraped): State<Arc<Scraped>>, headers: HeaderMap) -> Response {
    if let Some(token) = &scraped.token {
        let given = headers.get(header::AUTHORIZATION);
        let wanted = format!("Bearer {}", token.expose_secret());
        let same = |given: &http::HeaderValue| given.as_bytes().ct_eq(wanted.as_bytes()).into();
        if !given.is_some_and(same) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
    }
    let text = scraped.host.scrape().await;
    ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response()
}
