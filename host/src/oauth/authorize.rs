//! `/oauth/authorize`: a user logs in, and goes back to the application with a
//! code (RFC 6749, section 4.1).

use super::parameters::Parameters;
use super::store::{CodeBinding, now};
use super::{Issuer, base64url, may_log_in, pages, password, random};
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use url::Url;

/// How long a login form is good for, in seconds.
const FORM_SECONDS: i64 = 600;

const TOO_OLD: &str = "This form is too old, or was made for another browser. Go back to the application and start again.";

/// What an application asks for; checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Request {
    client: String,
    redirect_uri: String,
    challenge: String,
    state: Option<String>,
    /// When the form that carries it is too old, in seconds since 1970.
    until: i64,
}

/// Why a request is refused.
enum Refusal {
    /// Nobody can be told but the user: it is not known where to send them.
    Page(String),
    /// The application is told (RFC 6749, section 4.1.2.1).
    Application {
        redirect_uri: String,
        state: Option<String>,
        error: &'static str,
        description: &'static str,
    },
}

/// `GET`: the login page.
pub(super) async fn show(
    State(issuer): State<Arc<Issuer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let request = match read(&issuer, query.unwrap_or_default().as_bytes()) {
        Ok(request) => request,
        Err(refusal) => return refuse(&issuer, refusal),
    };
    // A browser that has a cookie keeps it: it may have another form open.
    let (browser, fresh) = match cookie(&issuer, &headers) {
        Some(browser) => (browser, false),
        None => match random::<32>() {
            Ok(browser) => (browser, true),
            Err(error) => return failed(&error),
        },
    };
    let mut page = form(&issuer, StatusCode::OK, &request, &browser, "", None);
    if fresh && let Ok(value) = HeaderValue::try_from(set_cookie(&issuer, &browser)) {
        page.headers_mut().insert(header::SET_COOKIE, value);
    }
    page
}

/// `POST`: the user id and the password.
pub(super) async fn log_in(
    State(issuer): State<Arc<Issuer>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(form_data) = Parameters::read(&body) else {
        return pages::fault(StatusCode::BAD_REQUEST, TOO_OLD);
    };
    let browser = cookie(&issuer, &headers).unwrap_or_default();
    let Some(request) = form_data
        .get("ticket")
        .and_then(|ticket| redeem(&issuer, ticket, &browser))
    else {
        return pages::fault(StatusCode::BAD_REQUEST, TOO_OLD);
    };
    // What the operator took away since the form was shown.
    if let Err(refusal) = registered(&issuer, &request.client, &request.redirect_uri) {
        return refuse(&issuer, refusal);
    }
    let user = form_data.get("user").unwrap_or_default();
    let again = |status, fault: &str| form(&issuer, status, &request, &browser, user, Some(fault));
    if let Err(seconds) = issuer.throttle.attempt(user, address.ip()) {
        tracing::warn!(%address, "too many attempts to log in");
        let mut page = again(
            StatusCode::TOO_MANY_REQUESTS,
            &format!("Too many attempts. Try again in {seconds} seconds."),
        );
        page.headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return page;
    }
    let given = form_data.get("password").unwrap_or_default().to_owned();
    let hash = issuer.live.with(|config| {
        config
            .passwords
            .get(user)
            .map(|hash| hash.expose().to_owned())
    });
    let known = hash.is_some();
    let fits = password::verify(given, hash).await;
    if !(fits && may_log_in(&issuer.live, user)) {
        if known {
            tracing::warn!(user, %address, "a log-in failed");
        }
        return again(
            StatusCode::FORBIDDEN,
            "The user id or the password is not right.",
        );
    }
    let binding = CodeBinding {
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
    };
    let seconds = i64::from(issuer.settings.refresh_token_days) * 86_400;
    let started = issuer
        .store
        .start(request.client.clone(), user.to_owned(), binding, seconds)
        .await;
    match started {
        Ok(code) => {
            tracing::info!(user, client = request.client, "logged in");
            let state = request.state.as_deref();
            redirect(&issuer, &request.redirect_uri, state, &[("code", &code)])
        }
        Err(error) => failed(&error.to_string()),
    }
}

fn read(issuer: &Issuer, query: &[u8]) -> Result<Request, Refusal> {
    let parameters = Parameters::read(query)
        .map_err(|name| Refusal::Page(format!("The parameter {name} is there more than once.")))?;
    let needed = |name: &str| {
        parameters.get(name).ok_or_else(|| {
            Refusal::Page(format!(
                "The application did not send the parameter {name}."
            ))
        })
    };
    let (client, redirect_uri) = (needed("client_id")?, needed("redirect_uri")?);
    registered(issuer, client, redirect_uri)?;
    let state = parameters.get("state").map(ToOwned::to_owned);
    let refused = |error, description| Refusal::Application {
        redirect_uri: redirect_uri.to_owned(),
        state: state.clone(),
        error,
        description,
    };
    if parameters.get("response_type") != Some("code") {
        return Err(refused(
            "unsupported_response_type",
            "response_type must be code",
        ));
    }
    if parameters.get("code_challenge_method") != Some("S256") {
        return Err(refused(
            "invalid_request",
            "code_challenge_method must be S256",
        ));
    }
    let challenge = parameters.get("code_challenge").unwrap_or_default();
    // The base64url of a SHA-256 (RFC 7636, section 4.2).
    if !URL_SAFE_NO_PAD
        .decode(challenge)
        .is_ok_and(|digest| digest.len() == 32)
    {
        return Err(refused(
            "invalid_request",
            "code_challenge must be the base64url of a SHA-256, 43 characters",
        ));
    }
    Ok(Request {
        client: client.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        challenge: challenge.to_owned(),
        state,
        until: now() + FORM_SECONDS,
    })
}

/// Only where the operator said may a user be sent: compared as text, so that
/// there is one meaning (RFC 9700, section 2.1).
fn registered(issuer: &Issuer, client: &str, redirect_uri: &str) -> Result<(), Refusal> {
    let known = issuer.live.with(|config| {
        config.applications.get(client).map(|application| {
            application
                .redirect_uris
                .iter()
                .any(|uri| uri == redirect_uri)
        })
    });
    match known {
        Some(true) => Ok(()),
        Some(false) => Err(Refusal::Page(format!(
            "The application {client} may not send you to {redirect_uri}."
        ))),
        None => Err(Refusal::Page(format!(
            "There is no application {client} here."
        ))),
    }
}

fn refuse(issuer: &Issuer, refusal: Refusal) -> Response {
    match refusal {
        Refusal::Page(text) => pages::fault(StatusCode::BAD_REQUEST, &text),
        Refusal::Application {
            redirect_uri,
            state,
            error,
            description,
        } => redirect(
            issuer,
            &redirect_uri,
            state.as_deref(),
            &[("error", error), ("error_description", description)],
        ),
    }
}

/// Sends the user back, with the issuer, so that the application can tell whose
/// answer it is (RFC 9207).
fn redirect(
    issuer: &Issuer,
    to: &str,
    state: Option<&str>,
    parameters: &[(&str, &str)],
) -> Response {
    let Ok(mut url) = Url::parse(to) else {
        return failed("a redirect URI that was registered is no URL");
    };
    url.query_pairs_mut()
        .extend_pairs(parameters)
        .extend_pairs(state.map(|state| ("state", state)))
        .append_pair("iss", &issuer.identifier());
    match HeaderValue::try_from(url.as_str()) {
        Ok(location) => (
            StatusCode::SEE_OTHER,
            [
                (header::LOCATION, location),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (
                    header::REFERRER_POLICY,
                    HeaderValue::from_static("no-referrer"),
                ),
            ],
        )
            .into_response(),
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(why: &str) -> Response {
    tracing::error!(why, "a log-in cannot be handled");
    pages::fault(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something is wrong in koppel. Try again later.",
    )
}

fn form(
    issuer: &Issuer,
    status: StatusCode,
    request: &Request,
    browser: &str,
    user: &str,
    fault: Option<&str>,
) -> Response {
    let ticket = match ticket(issuer, request, browser) {
        Ok(ticket) => ticket,
        Err(error) => return failed(&error.to_string()),
    };
    pages::login(
        status,
        &pages::Login {
            application: &request.client,
            redirect_uri: &request.redirect_uri,
            ticket: &ticket,
            user,
            fault,
        },
    )
}

/// What a form carries: the request, with a code that only koppel can make,
/// for one browser. A form that someone else made or got is refused, so that
/// nobody can be logged in as another without knowing.
fn ticket(issuer: &Issuer, request: &Request, browser: &str) -> serde_json::Result<String> {
    let request = serde_json::to_vec(request)?;
    let tag = hmac::sign(&issuer.forms, &bound(&request, browser));
    Ok(format!(
        "{}.{}",
        base64url(&request),
        base64url(tag.as_ref())
    ))
}

fn redeem(issuer: &Issuer, ticket: &str, browser: &str) -> Option<Request> {
    let (request, tag) = ticket.split_once('.')?;
    let request = URL_SAFE_NO_PAD.decode(request).ok()?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    hmac::verify(&issuer.forms, &bound(&request, browser), &tag).ok()?;
    let request: Request = serde_json::from_slice(&request).ok()?;
    (request.until >= now()).then_some(request)
}

fn bound(request: &[u8], browser: &str) -> Vec<u8> {
    // JSON holds no NUL, so the two parts have one border.
    [request, &[0], browser.as_bytes()].concat()
}

fn cookie_name(issuer: &Issuer) -> &'static str {
    if issuer.server.public_url.scheme() == "https" {
        "__Host-koppel-login"
    } else {
        "koppel-login"
    }
}

fn set_cookie(issuer: &Issuer, browser: &str) -> String {
    let secure = if issuer.server.public_url.scheme() == "https" {
        "; Secure"
    } else {
        ""
    };
    format!(
        "{}={browser}; Path=/; HttpOnly; SameSite=Lax{secure}",
        cookie_name(issuer)
    )
}

fn cookie(issuer: &Issuer, headers: &HeaderMap) -> Option<String> {
    let name = cookie_name(issuer);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && value.len() == 43)
        .map(|(_, value)| value.to_owned())
}
