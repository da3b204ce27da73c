//! What goes back to a caller, in Loket's shapes.

use crate::bindings::koppel::loket::types::ActivityError;
use crate::ledger::Content;
use crate::session::Fault;
use crate::wire::error::{Body, ErrorReply, Refusal, UNAUTHORIZED};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

/// The errors that any operation can end in, for the OpenAPI document: status,
/// meaning, and whether the body is a text only.
pub(super) const ERRORS: [(u16, &str, bool); 9] = [
    (400, "What is wrong with the request.", false),
    (401, "There is no token, or it is not good.", true),
    (403, "One of the five checks is red, and why.", true),
    (404, "It does not exist.", false),
    (409, "Its state does not allow it now.", false),
    (413, "The body is too large.", true),
    (500, "koppel cannot do it now.", false),
    (502, "The outside party says no.", true),
    (503, "Try again later.", false),
];

/// A reply to a call that succeeded.
#[derive(Debug)]
pub(crate) enum Reply {
    /// JSON, written.
    Json(Bytes),
    /// XML, as it is.
    Xml(Bytes),
    /// A file.
    File {
        /// Its name.
        name: String,
        /// What is in it.
        bytes: Bytes,
        /// The SHA-256 of that.
        sha256: [u8; 32],
    },
}

impl Reply {
    /// A file of this name.
    pub(super) fn file(name: String, content: Content) -> Self {
        Self::File {
            name,
            bytes: content.bytes.into(),
            sha256: content.sha256,
        }
    }

    /// A reply with this value.
    ///
    /// # Errors
    ///
    /// A host fault when it has no JSON form: a fault of koppel.
    pub(super) fn json<T: Serialize>(value: &T) -> Result<Self, ApiError> {
        serde_json::to_vec(value)
            .map(|json| Self::Json(json.into()))
            .map_err(|error| ApiError::Host(error.into()))
    }
}

/// Why a call did not succeed.
#[derive(Debug)]
pub(super) enum ApiError {
    /// There is no caller: 401. Why, for `WWW-Authenticate`, if there was a
    /// token.
    Unauthorized(Option<&'static str>),
    /// As the activity says.
    Activity(ActivityError),
    /// With a status that the activities do not have, and a text.
    Status(StatusCode, String),
    /// koppel cannot do its part: 500.
    Host(anyhow::Error),
}

impl From<ActivityError> for ApiError {
    fn from(error: ActivityError) -> Self {
        Self::Activity(error)
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Guest(error) => Self::Activity(error),
            Fault::Host(error) => Self::Host(error),
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Json(json) => (StatusCode::OK, JSON, json).into_response(),
            Self::Xml(xml) => (StatusCode::OK, XML, xml).into_response(),
            Self::File {
                name,
                bytes,
                sha256,
            } => {
                let headers = [
                    (header::CONTENT_TYPE, OCTETS),
                    (header::CONTENT_DISPOSITION, disposition(&name)),
                    (REPR_DIGEST, digest(&sha256)),
                ];
                (StatusCode::OK, headers, bytes).into_response()
            }
        }
    }
}

/// RFC 6266. The name of an export file needs no quoting; see its rules. One
/// that would is left out.
fn disposition(name: &str) -> HeaderValue {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let named = name.chars().all(plain).then(|| {
        let text = format!("attachment; filename=\"{name}\"");
        HeaderValue::try_from(text).ok()
    });
    named
        .flatten()
        .unwrap_or(HeaderValue::from_static("attachment"))
}

/// RFC 9530, section 3.
fn digest(sha256: &[u8; 32]) -> HeaderValue {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(sha256);
    // Base64 is text that a header may hold.
    HeaderValue::try_from(format!("sha-256=:{base64}:")).unwrap_or(HeaderValue::from_static(""))
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        // RFC 6750, section 3: without a token, no error is named.
        let challenge = match &self {
            Self::Unauthorized(Some(why)) => Some(format!(
                "Bearer realm=\"koppel\", error=\"invalid_token\", error_description=\"{why}\""
            )),
            Self::Unauthorized(None) => Some("Bearer realm=\"koppel\"".to_owned()),
            _ => None,
        };
        let (status, retry_after, told) = self.told();
        let mut response = body(status, &told);
        let headers = response.headers_mut();
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let challenge = challenge.map(HeaderValue::try_from);
        if let Some(Ok(challenge)) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl ApiError {
    /// What a caller is told: the status, after how many seconds it may be tried
    /// again, and the body. What is for the operator only goes into the log.
    pub(super) fn told(self) -> (StatusCode, Option<u32>, Body) {
        let refusal = |status, message| (status, None, Body::Refusal(Refusal { message }));
        let failed = |error: ActivityError| {
            let ErrorReply {
                status,
                retry_after,
                body,
            } = error.into();
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, retry_after, body)
        };
        match self {
            Self::Unauthorized(_) => refusal(StatusCode::UNAUTHORIZED, UNAUTHORIZED.to_owned()),
            Self::Activity(error) => failed(error),
            Self::Status(status, text) => refusal(status, text),
            Self::Host(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "a call of the REST API failed"
                );
                let text = "koppel cannot do it now; its log says why".to_owned();
                failed(ActivityError::Other(text))
            }
        }
    }
}

const JSON: [(HeaderName, HeaderValue); 1] = [(
    header::CONTENT_TYPE,
    HeaderValue::from_static("application/json"),
)];

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

const XML: [(HeaderName, HeaderValue); 1] = [(
    header::CONTENT_TYPE,
    HeaderValue::from_static("application/xml"),
)];

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// An error with a text only.
pub(super) fn refusal(status: StatusCode, message: String) -> Response {
    body(status, &Body::Refusal(Refusal { message }))
}

fn body(status: StatusCode, body: &Body) -> Response {
    // The bodies are our own; they always have a JSON form.
    let json = serde_json::to_vec(body).unwrap_or_default();
    (status, JSON, json).into_response()
}
