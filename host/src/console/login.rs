//! Logging in and out, and choosing a language.

use super::page::{self, complete};
use super::visit::Deed;
use super::{Console, files};
use crate::language::{Language, Texts};
use crate::oauth::{Attempt, LoginFault, Parameters};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use std::sync::Arc;
use std::time::Duration;

/// How long somebody may take to log in, in seconds.
const ATTEMPT_SECONDS: u32 = 600;

/// A page for who is not logged in.
#[derive(Template)]
#[template(path = "console/outside.html")]
struct Outside {
    t: &'static Texts,
    language: Language,
    css: String,
    icon: String,
    title: &'static str,
    texts: Vec<String>,
}

fn outside(status: StatusCode, language: Language, title: &'static str, text: String) -> Response {
    let page = Outside {
        t: language.texts(),
        language,
        css: files::address("console.css"),
        icon: files::address("icon.svg"),
        title,
        texts: vec![text],
    };
    complete(status, &page)
}

/// Only a page of the console is gone to afterwards.
fn own(path: &str) -> String {
    let ours = path == "/console" || path.starts_with("/console/");
    let plain = !path.contains(['\\', '\r', '\n']) && !path.starts_with("/console/login");
    if ours && plain { path } else { "/console/all" }.to_owned()
}

/// `GET /console/login`: sends the browser to where people log in.
pub(super) async fn begin(
    State(console): State<Arc<Console>>,
    RawQuery(query): RawQuery,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let parameters = Parameters::read(query.as_bytes()).unwrap_or_default();
    let next = own(parameters.get("next").unwrap_or_default());
    // Cookies are of one host: who came by another name of it goes to the one
    // that people come back to.
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(|authority| authority.as_str()));
    let known = console.server.url("");
    let known = known.split_once("://").map(|(_, authority)| authority);
    if host != known {
        return Redirect::to(&console.server.url(&next)).into_response();
    }
    let begun = async {
        let attempt = Attempt::new(next).map_err(unavailable)?;
        let to = console.logins.begin(&attempt).await?;
        let sealed = console
            .seal
            .seal(&attempt, ATTEMPT_SECONDS.into(), "")
            .map_err(|error| unavailable(error.to_string()))?;
        Ok((to, sealed))
    };
    match begun.await {
        Ok((to, sealed)) => {
            let mut response = Redirect::to(&to).into_response();
            let cookie = &console.cookies.attempt;
            cookie.set(response.headers_mut(), &sealed, Some(ATTEMPT_SECONDS));
            response
        }
        Err(fault) => refused(&console, &headers, &fault),
    }
}

fn unavailable(why: String) -> LoginFault {
    LoginFault::Unavailable(anyhow::anyhow!(why))
}

fn refused(console: &Console, headers: &HeaderMap, fault: &LoginFault) -> Response {
    let language = console.language(headers);
    let t = language.texts();
    match fault {
        LoginFault::Refused(why) => outside(
            StatusCode::FORBIDDEN,
            language,
            t.not_logged_in,
            why.clone(),
        ),
        LoginFault::Unavailable(why) => {
            tracing::error!(
                error = format!("{why:#}"),
                "nobody can log in to the console"
            );
            let text = t.login_unavailable.to_owned();
            outside(
                StatusCode::SERVICE_UNAVAILABLE,
                language,
                t.not_logged_in,
                text,
            )
        }
    }
}

/// `GET /console/callback`: somebody comes back with a code.
pub(super) async fn finish(
    State(console): State<Arc<Console>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let parameters = Parameters::read(query.as_bytes()).unwrap_or_default();
    let sealed = console.cookies.attempt.get(&headers);
    let attempt = sealed.and_then(|sealed| console.seal.open::<Attempt>(sealed, ""));
    // Of this browser, and of the attempt that it began last.
    let attempt = attempt.filter(|attempt| parameters.get("state") == Some(&attempt.state));
    let finished = match (&attempt, parameters.get("code")) {
        (Some(attempt), Some(code)) => console.logins.finish(attempt, code).await,
        (Some(_), None) => Err(LoginFault::Refused(
            parameters
                .get("error_description")
                .or(parameters.get("error"))
                .map_or_else(String::new, crate::text::one_line),
        )),
        (None, _) => {
            let language = console.language(&headers);
            let t = language.texts();
            let text = t.login_too_old.to_owned();
            return outside(StatusCode::BAD_REQUEST, language, t.not_logged_in, text);
        }
    };
    let begun = finished.and_then(|who| {
        tracing::info!(user = who.user, "logged in to the console");
        let lasts = Duration::from_secs(console.seconds.into());
        let cookie = console.sessions.begin(who.user, who.login, lasts);
        cookie.map_err(unavailable)
    });
    let mut response = match begun {
        Ok(cookie) => {
            let next = attempt
                .as_ref()
                .map_or("/console/all", |attempt| &attempt.next);
            let mut response = Redirect::to(next).into_response();
            let session = &console.cookies.session;
            session.set(response.headers_mut(), &cookie, Some(console.seconds));
            response
        }
        Err(fault) => refused(&console, &headers, &fault),
    };
    console.cookies.attempt.clear(response.headers_mut());
    response
}

/// `POST /console/logout`.
pub(super) async fn end(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
    deed: Deed,
) -> Response {
    if let Some(cookie) = console.cookies.session.get(&headers) {
        console.sessions.end(cookie);
    }
    console.logins.end(deed.visit.session.login).await;
    tracing::info!(user = deed.visit.session.user, "logged out of the console");
    let mut response = Redirect::to("/console/logged-out").into_response();
    console.cookies.session.clear(response.headers_mut());
    response
}

/// `GET /console/logged-out`.
pub(super) async fn ended(State(console): State<Arc<Console>>, headers: HeaderMap) -> Response {
    let language = console.language(&headers);
    let t = language.texts();
    let text = t.logged_out_text.to_owned();
    outside(StatusCode::OK, language, t.logged_out, text)
}

/// `POST /console/language`.
pub(super) async fn language_chosen(State(console): State<Arc<Console>>, deed: Deed) -> Response {
    let back = own(deed.form.get("back").unwrap_or_default());
    let mut response = Redirect::to(&back).into_response();
    let chosen = deed.form.get("language").and_then(Language::of_code);
    if let Some(chosen) = chosen {
        let cookie = &console.cookies.language;
        cookie.set(response.headers_mut(), chosen.code(), Some(page::YEAR));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn only_pages_of_the_console_are_gone_to_after_a_login() {
        for path in ["/console", "/console/all/runs?state=dead"] {
            assert_eq!(own(path), path);
        }
        for path in [
            "",
            "https://evil.example/console/",
            "//evil.example",
            "/consoles",
            "/console/\\evil.example",
            "/console/a\r\nset-cookie: a=b",
            "/console/login?next=/console/login",
            "/oauth/authorize",
        ] {
            assert_eq!(own(path), "/console/all", "{path}");
        }
    }
}
