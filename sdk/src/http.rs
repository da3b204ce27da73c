//! JSON over HTTP, through the host.
//!
//! Requests leave only where a rule of the operator allows them; the host adds
//! the credentials, which a connector never sees, and records what is sent and
//! received. Redirects are followed by the host. Nothing is retried here: only
//! the connector knows whether that is safe.
//!
//! ```no_run
//! # fn f() -> Result<(), koppel_sdk::ConnectorError> {
//! let reply = koppel_sdk::http::get("https://opendata.rdw.nl/resource/m9d7-ebf2.json")
//!     .query("kenteken", "11ZKZ3")
//!     .send()?;
//! let cars: Vec<serde_json::Value> = reply.json()?;
//! # Ok(())
//! # }
//! ```

#[cfg(target_family = "wasm")]
mod wasi;

#[cfg(not(target_family = "wasm"))]
use crate::testing::exchange;
#[cfg(target_family = "wasm")]
use wasi::exchange;

use crate::ConnectorError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::{self, Write};

/// A request being put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// The URL.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A GET request.
pub fn get(url: impl Into<String>) -> Request {
    Request::new("GET", url)
}

/// A POST request.
pub fn post(url: impl Into<String>) -> Request {
    Request::new("POST", url)
}

/// A PUT request.
pub fn put(url: impl Into<String>) -> Request {
    Request::new("PUT", url)
}

impl Request {
    fn new(method: &'static str, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            body: Vec::new(),
        }
    }

    /// Adds a parameter to the query, encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url
            .push(if self.url.contains('?') { '&' } else { '?' });
        encode(&mut self.url, name);
        self.url.push('=');
        encode(&mut self.url, value);
        self
    }

    /// Adds a header. The host refuses those that are its own business, such
    /// as `authorization`.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body to a value as JSON.
    ///
    /// # Errors
    ///
    /// When the value cannot be written as JSON.
    pub fn json(mut self, value: &impl Serialize) -> Result<Self, HttpError> {
        self.body = serde_json::to_vec(value).map_err(|error| HttpError {
            url: self.url.clone(),
            kind: HttpErrorKind::Json(error.to_string()),
        })?;
        Ok(self.header("content-type", "application/json"))
    }

    /// Sets the body to these bytes, of this media type.
    #[must_use]
    pub fn body(mut self, media_type: &str, bytes: Vec<u8>) -> Self {
        self.body = bytes;
        self.header("content-type", media_type)
    }

    /// Sends it and waits for the whole reply, whatever its status.
    ///
    /// # Errors
    ///
    /// When it was not allowed, or there is no reply.
    pub fn send(self) -> Result<Response, HttpError> {
        let url = self.url.clone();
        match exchange(self) {
            Ok((status, headers, body)) => Ok(Response {
                url,
                status,
                headers,
                body,
            }),
            Err(kind) => Err(HttpError { url, kind }),
        }
    }
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    url: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// `Retry-After` in seconds, if it is given as a number (RFC 9110).
    pub fn retry_after(&self) -> Option<u32> {
        self.header("retry-after")?.trim().parse().ok()
    }

    /// The body as it is.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// Where the JSON is not what was expected.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|error| HttpError {
            url: self.url.clone(),
            kind: HttpErrorKind::Json(error.to_string()),
        })
    }
}

/// Why there is no reply, or none that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpError {
    /// The URL that was asked for.
    pub url: String,
    /// What went wrong.
    pub kind: HttpErrorKind,
}

/// What went wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpErrorKind {
    /// The host does not allow it. Its log says why.
    Refused(String),
    /// No complete reply came in time.
    Timeout,
    /// The reply or the request is too large for the limits of the client.
    TooLarge(String),
    /// The connection failed.
    Failed(String),
    /// The JSON is not what was expected.
    Json(String),
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split('?').next().unwrap_or_default();
        match &self.kind {
            HttpErrorKind::Refused(code) => {
                write!(
                    f,
                    "the host does not allow {url} ({code}); the log of the run says why"
                )
            }
            HttpErrorKind::Timeout => write!(f, "{url} did not answer in time"),
            HttpErrorKind::TooLarge(code) => write!(f, "{url}: too large ({code})"),
            HttpErrorKind::Failed(code) => write!(f, "{url} cannot be reached ({code})"),
            HttpErrorKind::Json(why) => write!(f, "{url}: unexpected JSON: {why}"),
        }
    }
}

impl std::error::Error for HttpError {}

impl From<HttpError> for ConnectorError {
    fn from(error: HttpError) -> Self {
        match error.kind {
            HttpErrorKind::Refused(_) => Self::Other(error.to_string()),
            HttpErrorKind::Timeout | HttpErrorKind::Failed(_) => {
                crate::log::warn(error.to_string());
                Self::Unavailable(None)
            }
            HttpErrorKind::TooLarge(_) | HttpErrorKind::Json(_) => {
                Self::OutsideParty(error.to_string())
            }
        }
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986).
fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded() {
        let request = get("https://example.com/a")
            .query("$filter", "Code eq '4 1'")
            .query("b", "é");
        assert_eq!(
            request.url,
            "https://example.com/a?%24filter=Code%20eq%20%274%201%27&b=%C3%A9"
        );
    }
}
