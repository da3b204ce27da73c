//! `wasi:http` for connectors: outside requests go through [`crate::egress`],
//! are activities like any other, and are in the ledger.

use crate::bindings::koppel::connector::log::Level;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::Activity;
use crate::egress::{Bounds, Credential, Egress, EgressError, Hop, Observer, Reply};
use crate::ledger::{Entry, Kind};
use crate::sandbox::{Limits, RunLog, Source};
use crate::sending::{self, Sending};
use crate::session::{Fault, Session};
use crate::text::clipped;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// The most that is recorded of a request that was refused, in bytes: a URL
/// that may leave has no more, see [`crate::egress::normalize`].
const REFUSED_BYTES: usize = 8_192;

/// The longest that one exchange may take.
const EXCHANGE: Duration = Duration::from_secs(30);

/// What `wasi:http` calls for each request of a guest.
pub struct Hooks {
    outbound: Arc<Outbound>,
}

struct Outbound {
    egress: Arc<Egress>,
    session: Arc<Session>,
    log: RunLog,
    limits: Limits,
    sending: Option<Arc<Sending>>,
    made: AtomicUsize,
}

impl Hooks {
    /// The hooks of one run.
    /// `sending` is the declaration that the run may send, if it may.
    pub fn new(
        egress: Arc<Egress>,
        session: Arc<Session>,
        log: RunLog,
        limits: Limits,
        sending: Option<Arc<Sending>>,
    ) -> Self {
        Self {
            outbound: Arc::new(Outbound {
                egress,
                session,
                log,
                limits,
                sending,
                made: AtomicUsize::new(0),
            }),
        }
    }
}

type Done = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn set_host_header(&mut self) -> bool {
        // The host follows from the URL; nothing else may be sent.
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Done,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Done), Error>> + Send> {
        let outbound = self.outbound.clone();
        Box::new(async move {
            let reply = outbound.send(request).await?;
            let mut response = Response::new(
                Full::new(reply.body)
                    .map_err(|never| match never {})
                    .boxed_unsync(),
            );
            *response.status_mut() = reply.status;
            *response.headers_mut() = reply.headers;
            let done: Done = Box::new(async { Ok(()) });
            Ok((response, done))
        })
    }
}

impl Outbound {
    async fn send(&self, request: Request<WasiBody>) -> Result<Reply, Error> {
        let sent = match self.collect(request).await {
            Ok(request) => self.exchange(request).await,
            Err(error) => Err(error),
        };
        sent.map_err(|error| {
            self.session.trace.spoil();
            // The operator reads why in the log; the guest gets a code that
            // tells nothing of the network.
            self.log
                .write(Source::Host, Level::Warn, &error.to_string());
            code(&error)
        })
    }

    /// Refuses a request before it is looked at any further.
    async fn refuse(&self, method: &Method, uri: &http::Uri, error: EgressError) -> EgressError {
        match self.refused(method, &uri.to_string(), &error).await {
            Ok(()) => error,
            Err(unrecorded) => unrecorded,
        }
    }

    async fn collect(&self, request: Request<WasiBody>) -> Result<Request<Bytes>, EgressError> {
        let (parts, mut body) = request.into_parts();
        let limit = self.limits.request_bytes;
        // Copied, not collected: a guest can write single bytes, or none, and
        // a list of them takes many times their size.
        let mut bytes = BytesMut::new();
        // A guest that never finishes its body is ended by its deadline.
        while let Some(frame) = body.frame().await {
            // Trailers are dropped.
            let data = frame.map(|frame| frame.into_data().unwrap_or_default());
            match data {
                Ok(data) if bytes.len() + data.len() <= limit => bytes.extend_from_slice(&data),
                _ => {
                    let error = EgressError::RequestSize(limit);
                    return Err(self.refuse(&parts.method, &parts.uri, error).await);
                }
            }
        }
        Ok(Request::from_parts(parts, bytes.freeze()))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Reply, EgressError> {
        if self.made.fetch_add(1, Ordering::Relaxed) >= self.limits.requests {
            let error = EgressError::TooMany(self.limits.requests);
            return Err(self.refuse(request.method(), request.uri(), error).await);
        }
        // The rules as they are now: one that was taken away is gone.
        let rules = self.session.live.with(|config| {
            config
                .client(&self.session.client)
                .map(|client| client.http.clone())
                .unwrap_or_default()
        });
        let bounds = Bounds {
            request_bytes: self.limits.request_bytes,
            response_bytes: self.limits.response_bytes,
            total: EXCHANGE.min(Duration::from_millis(self.limits.deadline_ms)),
        };
        self.egress
            .send(&self.session.client, &rules, &bounds, self, request)
            .await
    }

    /// The message of a declaration, if a request carries it.
    fn carried(&self, hop: &Hop) -> Option<&Sending> {
        let sending = self.sending.as_deref()?;
        (sending::is_sending(hop.activity) && !hop.body.is_empty()).then_some(sending)
    }

    async fn record(&self, entry: Entry) -> Result<(), EgressError> {
        self.session.record(entry).await.map_err(host_failure)
    }
}

fn host_failure(fault: Fault) -> EgressError {
    match fault {
        Fault::Host(error) => EgressError::Host(format!("{error:#}")),
        Fault::Guest(error) => EgressError::Host(format!("{error:?}")),
    }
}

#[async_trait]
impl Observer for Outbound {
    async fn authorize(&self, activity: Activity) -> Result<(), EgressError> {
        match self.session.authorize(activity, None).await {
            Ok(()) => Ok(()),
            Err(Fault::Guest(ActivityError::Denied(denial))) => Err(EgressError::Denied {
                activity: denial.activity,
                check: crate::authorization::name(denial.check),
                reason: denial.reason,
            }),
            Err(fault) => Err(host_failure(fault)),
        }
    }

    fn permit(&self, activity: Activity, body: &Bytes) -> Result<(), EgressError> {
        if !sending::is_sending(activity) || body.is_empty() {
            return Ok(());
        }
        let why = match &self.sending {
            Some(sending) if sending.allows(activity, body) => return Ok(()),
            Some(_) => "the body of the request is not the message that a person confirmed",
            None => "a message leaves only when a declaration that a person confirmed is submitted",
        };
        Err(EgressError::NotConfirmed {
            activity: activity.id().to_owned(),
            why,
        })
    }

    async fn before(&self, hop: &Hop) -> Result<(), EgressError> {
        if let Some(sending) = self.carried(hop) {
            sending.leaves();
        }
        self.record(Entry {
            activity: Some(hop.activity.id().to_owned()),
            exchange: Some(hop.exchange),
            headers: pairs(&hop.headers),
            body: hop.body.to_vec(),
            ..Entry::new(
                self.session.context(),
                Kind::Request,
                format!("{} {}", hop.method, hop.url),
            )
        })
        .await
    }

    async fn after(
        &self,
        hop: &Hop,
        outcome: Result<&Reply, &EgressError>,
    ) -> Result<(), EgressError> {
        if let Some(sending) = self.carried(hop) {
            match outcome {
                Ok(reply) => sending.answered(reply.status),
                Err(EgressError::Unreachable { .. }) => sending.stays(),
                Err(_) => {}
            }
        }
        let entry = Entry {
            activity: Some(hop.activity.id().to_owned()),
            exchange: Some(hop.exchange),
            ..Entry::new(
                self.session.context(),
                Kind::Response,
                format!("{} {}", hop.method, hop.url),
            )
        };
        let entry = match outcome {
            Ok(reply) => Entry {
                status: Some(reply.status.as_u16()),
                headers: pairs(&reply.headers),
                body: reply.body.to_vec(),
                ..entry
            },
            Err(error) => Entry {
                outcome: Some(error.to_string()),
                ..entry
            },
        };
        self.record(entry).await
    }

    async fn refused(
        &self,
        method: &Method,
        url: &str,
        error: &EgressError,
    ) -> Result<(), EgressError> {
        // A red check was recorded where it was found.
        if matches!(error, EgressError::Denied { .. } | EgressError::Host(_)) {
            return Ok(());
        }
        let url = match error {
            // The URL holds the very value that may not leave.
            EgressError::Field { allow, .. } => allow,
            _ => url,
        };
        // Method and URL are the guest's, and may be as long as it likes.
        let body = clipped(&format!("{method} {url}"), REFUSED_BYTES).into_bytes();
        // What could not be tried is a failed exchange, not a denial.
        let entry = match error {
            EgressError::Resolve { .. }
            | EgressError::Timeout(_)
            | EgressError::Credential { .. }
            | EgressError::TrustedRoots { .. } => Entry {
                outcome: Some(error.to_string()),
                ..Entry::new(
                    self.session.context(),
                    Kind::Response,
                    format!("{method} {}", url.split('?').next().unwrap_or_default()),
                )
            },
            _ => Entry {
                check: Some("egress".to_owned()),
                outcome: Some("refused".to_owned()),
                ..Entry::new(
                    self.session.context(),
                    Kind::Denial,
                    clipped(&error.to_string(), REFUSED_BYTES),
                )
            },
        };
        self.record(Entry { body, ..entry }).await
    }

    fn credential(&self, name: &str) -> Result<Credential, EgressError> {
        let failed = |why: String| EgressError::Credential {
            name: name.to_owned(),
            why,
        };
        let credential = self
            .session
            .live
            .with(|config| config.credentials.get(name).cloned())
            .ok_or_else(|| failed("it is not in the configuration any more".to_owned()))?;
        crate::secrets::credential(&credential, self.session.ledger.redactor()).map_err(failed)
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect()
}

/// The code of `wasi:http` for an error.
fn code(error: &EgressError) -> Error {
    match error {
        EgressError::NoRule { .. }
        | EgressError::Field { .. }
        | EgressError::Header(_)
        | EgressError::Parameter(_)
        | EgressError::Denied { .. }
        | EgressError::NotConfirmed { .. } => Error::HttpRequestDenied,
        EgressError::Url(_) => Error::HttpRequestUriInvalid,
        EgressError::Address { .. } => Error::DestinationIpProhibited,
        EgressError::Resolve { .. } => Error::DnsError {
            rcode: None,
            info_code: None,
        },
        EgressError::Redirects(_) | EgressError::Redirect(_) => Error::LoopDetected,
        EgressError::RequestSize(limit) => Error::HttpRequestBodySize(Some(*limit as u64)),
        EgressError::ResponseSize(limit) => Error::HttpResponseBodySize(Some(*limit as u64)),
        EgressError::ResponseHeaders(_) => Error::HttpResponseHeaderSectionSize(None),
        EgressError::Timeout(_) => Error::HttpResponseTimeout,
        EgressError::TooMany(_) => Error::ConnectionLimitReached,
        EgressError::Connection { .. } | EgressError::Unreachable { .. } => {
            Error::ConnectionRefused
        }
        EgressError::Credential { .. }
        | EgressError::TrustedRoots { .. }
        | EgressError::Host(_) => Error::ConfigurationError,
    }
}
