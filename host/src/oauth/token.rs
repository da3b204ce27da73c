//! `/oauth/token` and `/oauth/revoke`: an application exchanges a code or a
//! refresh token (RFC 6749, sections 4.1.3 and 6), and ends a login (RFC 7009).

use super::parameters::Parameters;
use super::store::{GrantError, Login};
use super::{Issuer, may_log_in, tokens};
use crate::secrets::ExposeSecret;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// An error of RFC 6749, section 5.2.
struct TokenFault {
    error: &'static str,
    description: String,
    /// Whether the application used HTTP Basic.
    basic: bool,
}

impl TokenFault {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            error,
            description: description.into(),
            basic: false,
        }
    }
}

impl From<GrantError> for TokenFault {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::Invalid(why) => Self::new("invalid_grant", why),
            GrantError::Store(why) => {
                tracing::error!(why, "tokens cannot be read or written");
                Self::new("server_error", "koppel cannot do it now")
            }
        }
    }
}

impl IntoResponse for TokenFault {
    fn into_response(self) -> Response {
        let status = match self.error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = json!({"error": self.error, "error_description": self.description});
        let mut response = answer(status, body);
        if self.basic && status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"koppel\""),
            );
        }
        response
    }
}

fn answer(status: StatusCode, body: serde_json::Value) -> Response {
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    (status, headers, Json(body)).into_response()
}

/// `POST /oauth/token`.
pub(super) async fn token(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match exchange(&issuer, &headers, &body).await {
        Ok(body) => answer(StatusCode::OK, body),
        Err(fault) => fault.into_response(),
    }
}

async fn exchange(
    issuer: &Issuer,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<serde_json::Value, TokenFault> {
    let parameters = read(headers, body)?;
    let client = authenticate(issuer, headers, &parameters)?;
    let needed = |name: &str| {
        parameters
            .get(name)
            .ok_or_else(|| TokenFault::new("invalid_request", format!("{name} is missing")))
    };
    let (login, refresh) = match needed("grant_type")? {
        "authorization_code" => {
            let redirect_uri = parameters.get("redirect_uri").map(ToOwned::to_owned);
            let (code, verifier) = (needed("code")?, needed("code_verifier")?);
            issuer
                .store
                .exchange(code, client, redirect_uri, verifier)
                .await?
        }
        "refresh_token" => {
            let live = issuer.live.clone();
            let allowed = move |user: &str| may_log_in(&live, user);
            issuer
                .store
                .refresh(needed("refresh_token")?, client, allowed)
                .await?
        }
        _ => {
            return Err(TokenFault::new(
                "unsupported_grant_type",
                "grant_type must be authorization_code or refresh_token",
            ));
        }
    };
    issued(issuer, &login, &refresh)
}

/// A successful answer (RFC 6749, section 5.1).
fn issued(issuer: &Issuer, login: &Login, refresh: &str) -> Result<serde_json::Value, TokenFault> {
    let seconds = issuer.settings.access_token_seconds;
    let access = tokens::issue(
        &issuer.key,
        &issuer.identifier(),
        &issuer.audience,
        login,
        seconds,
    )
    .map_err(GrantError::Store)?;
    Ok(json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": seconds,
        "refresh_token": refresh,
    }))
}

/// `POST /oauth/revoke`: ends the login that a token came of. An unknown token
/// is no error (RFC 7009, section 2.2).
pub(super) async fn revoke(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match end(&issuer, &headers, &body).await {
        Ok(()) => answer(StatusCode::OK, json!({})),
        Err(fault) => fault.into_response(),
    }
}

async fn end(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Result<(), TokenFault> {
    let parameters = read(headers, body)?;
    let client = authenticate(issuer, headers, &parameters)?;
    let token = parameters
        .get("token")
        .ok_or_else(|| TokenFault::new("invalid_request", "token is missing"))?;
    let claims = tokens::verify(&issuer.key, &issuer.identifier(), &issuer.audience, token);
    match claims {
        Ok(claims) if claims.client_id == client => issuer.store.end_session(claims.sid).await?,
        _ => issuer.store.end(token, client).await?,
    }
    Ok(())
}

fn read(headers: &HeaderMap, body: &[u8]) -> Result<Parameters, TokenFault> {
    let form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| {
            value
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
    if !form {
        return Err(TokenFault::new(
            "invalid_request",
            "the body must be application/x-www-form-urlencoded",
        ));
    }
    Parameters::read(body).map_err(|name| {
        TokenFault::new("invalid_request", format!("{name} is there more than once"))
    })
}

/// Says which application calls. One with a secret must show it, in the form
/// or by HTTP Basic; one without has nothing to show but its code.
fn authenticate(
    issuer: &Issuer,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<String, TokenFault> {
    let basic = headers.get(header::AUTHORIZATION);
    let refused = |description: &str| TokenFault {
        basic: basic.is_some(),
        ..TokenFault::new("invalid_client", description)
    };
    let (client, given) = match basic {
        Some(value) => {
            if parameters.get("client_secret").is_some() {
                return Err(TokenFault::new(
                    "invalid_request",
                    "the secret is there more than once",
                ));
            }
            let (client, secret) = read_basic(value)
                .ok_or_else(|| refused("the authorization header cannot be read"))?;
            if parameters.get("client_id").is_some_and(|id| id != client) {
                return Err(refused(
                    "client_id is not the one of the authorization header",
                ));
            }
            (client, Some(secret))
        }
        None => {
            let client = parameters
                .get("client_id")
                .ok_or_else(|| refused("client_id is missing"))?;
            let secret = parameters.get("client_secret").map(ToOwned::to_owned);
            (client.to_owned(), secret)
        }
    };
    let wrong = || refused("there is no such application, or its secret is another");
    let application = issuer
        .live
        .with(|config| config.applications.get(&client).cloned())
        .ok_or_else(wrong)?;
    match (application.secret, given) {
        (None, None) => Ok(client),
        // Basic has a secret always, if only an empty one.
        (None, Some(given)) if given.is_empty() => Ok(client),
        (None, Some(_)) | (Some(_), None) => Err(wrong()),
        (Some(reference), Some(given)) => {
            let secret = crate::secrets::read(&reference, &issuer.redactor).map_err(|why| {
                tracing::error!(client, why, "the secret of an application cannot be read");
                TokenFault::new("server_error", "koppel cannot do it now")
            })?;
            // Digests differ everywhere when their texts differ anywhere, so
            // the time that comparing takes tells nothing of the secret.
            if Sha256::digest(secret.expose_secret()) == Sha256::digest(given) {
                Ok(client)
            } else {
                tracing::warn!(client, "an application showed another secret");
                Err(wrong())
            }
        }
    }
}

/// HTTP Basic as RFC 6749, section 2.3.1 has it: both parts are form-encoded.
fn read_basic(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (client, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
        Some(decoded.into_owned())
    };
    Some((decode(client)?, decode(secret)?))
}
