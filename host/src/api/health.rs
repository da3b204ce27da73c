//! `/health/live` and `/health/ready`, for whatever watches over the process.
//! They take no token and tell nothing but that.

use super::Api;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long it may take to find out. What takes longer is not ready.
const LONGEST: Duration = Duration::from_secs(5);

/// The routes.
pub(super) fn routes(api: &Arc<Api>) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(api.clone())
}

async fn live() -> Response {
    reply(StatusCode::OK, "live")
}

/// 200 when work may be sent here; 503 when it is stopping, or its ledger or
/// its runs cannot be read. Which of these it is, is in the log. Where grants
/// are published, it tells which version is in force, and which was refused; a
/// host that refuses a version goes on with the one before, so it is ready.
async fn ready(State(api): State<Arc<Api>>) -> Response {
    let readiness = tokio::time::timeout(LONGEST, api.host.readiness()).await;
    match readiness {
        Ok(Ok(())) => {
            let mut body = json!({"status": "ready"});
            if let Some(grants) = api.host.grants_state() {
                body["grants"] = json!(grants);
            }
            reply_with(StatusCode::OK, &body)
        }
        Ok(Err(why)) => {
            tracing::warn!(why, "not ready");
            reply(StatusCode::SERVICE_UNAVAILABLE, "not ready")
        }
        Err(_) => {
            tracing::warn!("not ready: the ledger or the runs do not answer");
            reply(StatusCode::SERVICE_UNAVAILABLE, "not ready")
        }
    }
}

fn reply(status: StatusCode, word: &str) -> Response {
    reply_with(status, &json!({"status": word}))
}

fn reply_with(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body.to_string()).into_response()
}
