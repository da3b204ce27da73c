//! `/oauth/authorize`: a user logs in, and goes back to the application with a
//! code (RFC 6749, section 4.1).

use super::cookies::Cookie;
use super::parameters::Parameters;
use super::store::CodeBinding;
use super::{Issuer, may_log_in, pages, password, random};
use crate::language::{Language, fill};
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use url::Url;

/// How long a login form is good for, in seconds.
const FORM_SECONDS: i64 = 600;

/// What an application asks for; checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Request {
    client: String,
    redirect_uri: String,
    challenge: String,
    state: Option<String>,
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
    let language = language(&issuer, &headers);
    let request = match read(&issuer, language, query.unwrap_or_default().as_bytes()) {
        Ok(request) => request,
        Err(refusal) => return refuse(&issuer, language, refusal),
    };
    // A browser that has a cookie keeps it: it may have another form open.
    let cookie = cookie(&issuer);
    let (browser, fresh) = match sent(&cookie, &headers) {
        Some(browser) => (browser, false),
        None => match random::<32>() {
            Ok(browser) => (browser, true),
            Err(error) => return failed(language, &error),
        },
    };
    let mut page = form(
        &issuer,
        language,
        StatusCode::OK,
        (&request, &browser),
        "",
        None,
    );
    if fresh {
        cookie.set(page.headers_mut(), &browser, None);
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
    let language = language(&issuer, &headers);
    let t = language.texts();
    let form_data = Parameters::read(&body).unwrap_or_default();
    let browser = sent(&cookie(&issuer), &headers).unwrap_or_default();
    let Some(request) = form_data
        .get("ticket")
        .and_then(|ticket| issuer.forms.open::<Request>(ticket, &browser))
    else {
        return pages::fault(StatusCode::BAD_REQUEST, language, t.form_too_old);
    };
    // What the operator took away since the form was shown.
    if let Err(refusal) = registered(&issuer, language, &request.client, &request.redirect_uri) {
        return refuse(&issuer, language, refusal);
    }
    let user = form_data.get("user").unwrap_or_default();
    let again = |status, fault: &str| {
        let form = (&request, browser.as_str());
        self::form(&issuer, language, status, form, user, Some(fault))
    };
    if let Err(seconds) = issuer.throttle.attempt(user, address.ip()) {
        tracing::warn!(%address, "too many attempts to log in");
        let mut page = again(
            StatusCode::TOO_MANY_REQUESTS,
            &fill(t.too_many_attempts, &[&seconds]),
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
        return again(StatusCode::FORBIDDEN, t.wrong_password);
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
            redirect(
                &issuer,
                language,
                (&request.redirect_uri, state),
                &[("code", &code)],
            )
        }
        Err(error) => failed(language, &error.to_string()),
    }
}

fn read(issuer: &Issuer, language: Language, query: &[u8]) -> Result<Request, Refusal> {
    let t = language.texts();
    let parameters =
        Parameters::read(query).map_err(|name| Refusal::Page(fill(t.parameter_twice, &[&name])))?;
    let needed = |name: &str| {
        let found = parameters.get(name);
        found.ok_or_else(|| Refusal::Page(fill(t.parameter_missing, &[&name])))
    };
    let (client, redirect_uri) = (needed("client_id")?, needed("redirect_uri")?);
    registered(issuer, language, client, redirect_uri)?;
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
    })
}

/// Only where the operator said may a user be sent: compared as text, so that
/// there is one meaning (RFC 9700, section 2.1).
fn registered(
    issuer: &Issuer,
    language: Language,
    client: &str,
    redirect_uri: &str,
) -> Result<(), Refusal> {
    let t = language.texts();
    let known = issuer.live.with(|config| {
        config.applications.get(client).map(|application| {
            application
                .redirect_uris
                .iter()
                .any(|uri| uri == redirect_uri)
                || issuer.is_console(client, redirect_uri)
        })
    });
    match known {
        Some(true) => Ok(()),
        Some(false) => Err(Refusal::Page(fill(
            t.may_not_send_you,
            &[&client, &redirect_uri],
        ))),
        None => Err(Refusal::Page(fill(t.no_application, &[&client]))),
    }
}

fn refuse(issuer: &Issuer, language: Language, refusal: Refusal) -> Response {
    match refusal {
        Refusal::Page(text) => pages::fault(StatusCode::BAD_REQUEST, language, &text),
        Refusal::Application {
            redirect_uri,
            state,
            error,
            description,
        } => redirect(
            issuer,
            language,
            (&redirect_uri, state.as_deref()),
            &[("error", error), ("error_description", description)],
        ),
    }
}

/// Sends the user back, with the issuer, so that the application can tell whose
/// answer it is (RFC 9207).
fn redirect(
    issuer: &Issuer,
    language: Language,
    (to, state): (&str, Option<&str>),
    parameters: &[(&str, &str)],
) -> Response {
    let Ok(mut url) = Url::parse(to) else {
        return failed(language, "a redirect URI that was registered is no URL");
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
        Err(error) => failed(language, &error.to_string()),
    }
}

fn failed(language: Language, why: &str) -> Response {
    tracing::error!(why, "a log-in cannot be handled");
    let text = language.texts().something_wrong;
    pages::fault(StatusCode::INTERNAL_SERVER_ERROR, language, text)
}

fn form(
    issuer: &Issuer,
    language: Language,
    status: StatusCode,
    (request, browser): (&Request, &str),
    user: &str,
    fault: Option<&str>,
) -> Response {
    // For one browser: a form that someone else made or got is refused, so that
    // nobody can be logged in as another without knowing.
    let ticket = match issuer.forms.seal(request, FORM_SECONDS, browser) {
        Ok(ticket) => ticket,
        Err(error) => return failed(language, &error.to_string()),
    };
    pages::login(
        status,
        language,
        &pages::Login {
            application: &request.client,
            redirect_uri: &request.redirect_uri,
            ticket: &ticket,
            user,
            fault,
        },
    )
}

/// In which language somebody wants to read.
fn language(issuer: &Issuer, headers: &HeaderMap) -> Language {
    Language::wanted(&Cookie::new(&issuer.server, Language::COOKIE), headers)
}

/// What ties a login form to the browser that it was made for.
fn cookie(issuer: &Issuer) -> Cookie {
    Cookie::new(&issuer.server, "koppel-login")
}

fn sent(cookie: &Cookie, headers: &HeaderMap) -> Option<String> {
    let value = cookie.get(headers).filter(|value| value.len() == 43);
    value.map(ToOwned::to_owned)
}
