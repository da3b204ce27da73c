//! The pages that a user sees: no script, nothing from elsewhere, in no frame.

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use url::Url;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:10vh auto;max-width:24rem;padding:0 1rem;color:#1b1b1b;background:#fff}\
label{display:block;margin:1rem 0 .25rem}\
input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;border:1px solid #6b6b6b;border-radius:4px}\
button{font:inherit;margin-top:1.5rem;padding:.5rem 1.5rem;border:0;border-radius:4px;background:#00583c;color:#fff}\
.fault{border-left:4px solid #b3261e;padding:.25rem .75rem;background:#fdecea}";

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

/// The login page.
pub(super) fn login(status: StatusCode, login: &Login<'_>) -> Response {
    let destination = Url::parse(login.redirect_uri)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    let body = html! {
        h1 { "Log in" }
        p {
            "The application " strong { (login.application) } " asks to work with your payroll data in koppel, as you. "
            "Afterwards you go on to " strong { (destination) } "."
        }
        @if let Some(fault) = login.fault {
            p.fault role="alert" { (fault) }
        }
        form method="post" action="/oauth/authorize" {
            input type="hidden" name="ticket" value=(login.ticket);
            label for="user" { "User id" }
            input #user name="user" value=(login.user) autocomplete="username" autocapitalize="none" spellcheck="false" required;
            label for="password" { "Password" }
            input #password name="password" type="password" autocomplete="current-password" required;
            button type="submit" { "Log in and allow" }
        }
    };
    // Browsers apply form-action to where a form is redirected to as well.
    page(status, "Log in", &body, &format!("'self' {destination}"))
}

/// A page that says what is wrong, when there is nowhere to send the user to.
pub(super) fn fault(status: StatusCode, text: &str) -> Response {
    let body = html! {
        h1 { "This does not work" }
        p.fault { (text) }
    };
    page(status, "This does not work", &body, "'none'")
}

fn page(status: StatusCode, title: &str, body: &Markup, form_action: &str) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (title) " - koppel" }
                // The text of a style element is not escaped in HTML.
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
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
    (status, headers, document.into_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_others_wrote_is_escaped() {
        let evil = "\"><script>alert(1)</script>";
        let response = login(
            StatusCode::OK,
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
        assert_eq!(body.matches("&lt;script&gt;").count(), 4);
    }
}
