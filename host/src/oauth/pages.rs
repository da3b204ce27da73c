//! The pages that a user sees: no script, nothing from elsewhere, in no frame.

use crate::language::{Language, Texts, fill};
use askama::Template;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use url::Url;

const STYLE: &str = ":root{color-scheme:light dark;--text:#1b1b1b;--back:#fff;--line:#6b6b6b;--act:#00583c;--on-act:#fff;--bad:#b3261e;--bad-back:#fdecea}\
@media(prefers-color-scheme:dark){:root{--text:#e6e9ee;--back:#14181f;--line:#8b94a3;--act:#5cc7a0;--on-act:#06251b;--bad:#ff8a80;--bad-back:#3a1c1a}}\
body{font:1rem/1.5 system-ui,sans-serif;margin:10vh auto;max-width:24rem;padding:0 1rem;color:var(--text);background:var(--back)}\
label{display:block;margin:1rem 0 .25rem}\
input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;border:1px solid var(--line);border-radius:4px;color:inherit;background:transparent}\
button{font:inherit;margin-top:1.5rem;padding:.5rem 1.5rem;border:0;border-radius:4px;background:var(--act);color:var(--on-act)}\
.fault{border-left:4px solid var(--bad);padding:.25rem .75rem;background:var(--bad-back)}";

/// What the login page is about.
pub(super) struct Login<'a> {
    /// The application that asks.
    pub(super) application: &'a str,
    /// Where the user goes afterwards.
    pub(super) redirect_uri: &'a str,
    /// What the form carries.
    pub(super) ticket: &'a str,
    /// The user id that was typed before.
    pub(super) user: &'a str,
    /// What went wrong before.
    pub(super) fault: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "oauth/login.html")]
struct LoginPage<'a> {
    t: &'static Texts,
    language: Language,
    title: &'static str,
    style: &'static str,
    asks: String,
    goes_on: String,
    ticket: &'a str,
    user: &'a str,
    fault: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "oauth/fault.html")]
struct FaultPage<'a> {
    language: Language,
    title: &'static str,
    style: &'static str,
    text: &'a str,
}

/// The login page.
pub(super) fn login(status: StatusCode, language: Language, login: &Login<'_>) -> Response {
    let destination = Url::parse(login.redirect_uri)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    let t = language.texts();
    let document = LoginPage {
        t,
        language,
        title: t.log_in,
        style: STYLE,
        asks: fill(t.application_asks, &[&login.application]),
        goes_on: fill(t.goes_on_to, &[&destination]),
        ticket: login.ticket,
        user: login.user,
        fault: login.fault,
    };
    // Browsers apply form-action to where a form is redirected to as well.
    page(status, &document, &format!("'self' {destination}"))
}

/// A page that says what is wrong, when there is nowhere to send the user to.
pub(super) fn fault(status: StatusCode, language: Language, text: &str) -> Response {
    let document = FaultPage {
        language,
        title: language.texts().does_not_work,
        style: STYLE,
        text,
    };
    page(status, &document, "'none'")
}

fn page<T: Template>(status: StatusCode, document: &T, form_action: &str) -> Response {
    let document = match document.render() {
        Ok(document) => document,
        Err(error) => {
            tracing::error!(%error, "a page cannot be made");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers: [(HeaderName, HeaderValue); 6] = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            // An origin is ASCII; if it were not, nothing may be done at all.
            HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'")),
        ),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    (status, headers, document).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_others_wrote_is_escaped() {
        let evil = "\"><script>alert(1)</script>";
        let response = login(
            StatusCode::OK,
            Language::English,
            &Login {
                application: evil,
                redirect_uri: "https://hr.example/back?a=b",
                ticket: evil,
                user: evil,
                fault: Some(evil),
            },
        );
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(
            policy.ends_with(
                "form-action 'self' https://hr.example; base-uri 'none'; frame-ancestors 'none'"
            ),
            "{policy}"
        );
        let body = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(!body.contains("<script"), "{body}");
        assert_eq!(body.matches("&#60;script&#62;").count(), 4, "{body}");
    }
}
