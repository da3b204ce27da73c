//! What a connector sees of an outside request, as the journal keeps it.

use crate::egress::{EgressError, Reply};
use crate::ledger::Redactor;
use crate::sending::Fate;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde::{Deserialize, Serialize};
use wasmtime_wasi_http::{Error, WasiBody};

/// What came of an outside request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// What the connector sees.
    pub(super) seen: Seen,
    /// Whether a write left the host.
    pub(super) left: bool,
    /// Whether nobody knows if the outside party did what it was asked.
    pub(super) unknown: bool,
    /// What became of the message of a declaration, if the run may send one.
    pub(super) fate: Option<Fate>,
}

/// What the connector sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Seen {
    /// A reply.
    Reply {
        /// The status.
        status: u16,
        /// The headers.
        headers: Vec<(String, String)>,
        /// The body, base64.
        body: String,
    },
    /// A code.
    Code(Code),
}

/// The codes of `wasi:http` that the host gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Code {
    Denied,
    Url,
    Address,
    Resolve,
    Redirects,
    RequestSize(u64),
    ResponseSize(u64),
    ResponseHeaders,
    Timeout,
    TooMany,
    Connection,
    Host,
}

impl Seen {
    /// A reply without the secrets that the host knows, whoever they belong to.
    pub(super) fn reply(reply: &Reply, redactor: &Redactor) -> Self {
        let body = redactor.bytes(reply.body.to_vec());
        Self::Reply {
            status: reply.status.as_u16(),
            headers: redactor.headers(pairs(&reply.headers)),
            body: STANDARD.encode(body),
        }
    }

    /// A reply as the ledger has it: what was seen, for secrets are in neither.
    pub(super) fn recorded(status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Self {
        Self::Reply {
            status,
            headers,
            body: STANDARD.encode(body),
        }
    }

    /// Whether the party did what it was asked.
    pub(super) fn is_success(&self) -> bool {
        matches!(self, Self::Reply { status, .. } if (200..300).contains(status))
    }

    /// What a party says that takes no more requests for some seconds, in
    /// whose place the host says it.
    pub(super) fn too_many(seconds: u64) -> Self {
        let headers = vec![("retry-after".to_owned(), seconds.to_string())];
        Self::recorded(StatusCode::TOO_MANY_REQUESTS.as_u16(), headers, &[])
    }

    /// What `wasi:http` gives to the connector.
    pub(super) fn into_response(self) -> Result<Response<WasiBody>, Error> {
        let (status, headers, body) = match self {
            Self::Code(code) => return Err(code.into()),
            Self::Reply {
                status,
                headers,
                body,
            } => (status, headers, body),
        };
        let broken = |_| Error::ConfigurationError;
        let body = STANDARD
            .decode(body)
            .map_err(|_| Error::ConfigurationError)?;
        let mut response = Response::new(
            Full::new(Bytes::from(body))
                .map_err(|never| match never {})
                .boxed_unsync(),
        );
        *response.status_mut() = StatusCode::from_u16(status).map_err(broken)?;
        for (name, value) in headers {
            // Both came from headers, or were checked where they came from.
            if let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_bytes(value.as_bytes()),
            ) {
                response.headers_mut().append(name, value);
            }
        }
        Ok(response)
    }
}

pub(super) fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect()
}

impl From<&EgressError> for Code {
    fn from(error: &EgressError) -> Self {
        match error {
            EgressError::NoRule { .. }
            | EgressError::Field { .. }
            | EgressError::Header(_)
            | EgressError::Parameter(_)
            | EgressError::Denied { .. }
            | EgressError::Happened { .. }
            | EgressError::NotConfirmed { .. } => Self::Denied,
            EgressError::Url(_) => Self::Url,
            EgressError::Address { .. } => Self::Address,
            EgressError::Resolve { .. } => Self::Resolve,
            EgressError::Redirects(_) | EgressError::Redirect(_) => Self::Redirects,
            EgressError::RequestSize(limit) => Self::RequestSize(*limit as u64),
            EgressError::ResponseSize(limit) => Self::ResponseSize(*limit as u64),
            EgressError::ResponseHeaders(_) => Self::ResponseHeaders,
            EgressError::Timeout(_) => Self::Timeout,
            EgressError::TooMany(_) => Self::TooMany,
            EgressError::Connection { .. }
            | EgressError::Unreachable { .. }
            | EgressError::Limited { .. } => Self::Connection,
            EgressError::Credential { .. }
            | EgressError::TrustedRoots { .. }
            | EgressError::Host(_) => Self::Host,
        }
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        match code {
            Code::Denied => Self::HttpRequestDenied,
            Code::Url => Self::HttpRequestUriInvalid,
            Code::Address => Self::DestinationIpProhibited,
            Code::Resolve => Self::DnsError {
                rcode: None,
                info_code: None,
            },
            Code::Redirects => Self::LoopDetected,
            Code::RequestSize(limit) => Self::HttpRequestBodySize(Some(limit)),
            Code::ResponseSize(limit) => Self::HttpResponseBodySize(Some(limit)),
            Code::ResponseHeaders => Self::HttpResponseHeaderSectionSize(None),
            Code::Timeout => Self::HttpResponseTimeout,
            Code::TooMany => Self::ConnectionLimitReached,
            Code::Connection => Self::ConnectionRefused,
            Code::Host => Self::ConfigurationError,
        }
    }
}
