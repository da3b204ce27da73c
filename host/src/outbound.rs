//! `wasi:http` for connectors: outside requests go through [`crate::egress`],
//! are activities like any other, and are in the ledger. What was answered to
//! one is in the journal of the run, and answered again on replay.

mod exchange;
mod outcome;

use crate::bindings::koppel::connector::log::Level;
use crate::egress::{Bounds, Egress, EgressError, Observer, Reply};
use crate::ledger::{Filter, Kind};
use crate::runs::Stop;
use crate::runs::replay::{Call, Found, Slot};
use crate::sandbox::{Limits, RunLog, Source};
use crate::sending::{Fate, Sending};
use crate::session::Session;
use bytes::{Bytes, BytesMut};
use exchange::{Exchange, without_query};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use outcome::{Outcome, Seen, pairs};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tracing::Instrument;
use uuid::Uuid;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

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
    requests: AtomicUsize,
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
                requests: AtomicUsize::new(0),
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
        // Here, in the order in which the guest asks; what follows may overlap.
        let slot = outbound.session.journal.slot();
        let sent = async move {
            let response = outbound.send(&slot, request).await.into_response()?;
            let done: Done = Box::new(async { Ok(()) });
            Ok::<_, Error>((response, done))
        };
        // It is polled by a task of its own; it belongs to the run all the same.
        Box::new(sent.in_current_span())
    }
}

/// A request whose body was collected, or is too large.
type Collected = Result<Request<Bytes>, (Request<()>, EgressError)>;

impl Outbound {
    async fn send(&self, slot: &Slot, request: Request<WasiBody>) -> Seen {
        let journal = &self.session.journal;
        let request = self.collect(request).await;
        let call = call(&request);
        match journal.find(slot, &call) {
            Found::Answered(known) => match serde_json::from_slice(&known) {
                Ok(known) => return self.again(slot, &call, known),
                Err(error) => journal.brake().stop(Stop::Unrecorded(error.to_string())),
            },
            Found::Unknown {
                repeatable,
                exchange,
            } => {
                if let Some(recorded) = self.recorded(exchange).await {
                    let sealed = journal.seal(&recorded);
                    if journal.answered(slot, &call, sealed).await {
                        return self.again(slot, &call, recorded);
                    }
                } else if repeatable {
                    return self.make(slot, call, request).await;
                } else {
                    journal.stop_in_doubt(slot, &call);
                }
            }
            Found::New => return self.make(slot, call, request).await,
            Found::Stopped => {}
        }
        journal.brake().halt().await
    }

    /// Makes a request, and keeps what came of it.
    async fn make(&self, slot: &Slot, call: Call, request: Collected) -> Seen {
        let journal = &self.session.journal;
        let exchange = Exchange::new(self, slot, call);
        let sent = self.exchange(&exchange, request).await;
        // A write that is under way is not cut off before it is noted.
        let (call, left, busy) = exchange.done();
        if let Err(error) = &sent {
            self.session.trace.spoil();
            // The operator reads why in the log; the guest gets a code that
            // tells nothing of the network.
            self.log
                .write(Source::Host, Level::Warn, &error.to_string());
            if let EgressError::Host(why) = error {
                // Not sent, the run goes on later. Sent, what came of it is found
                // in the ledger, or by a person.
                if journal.put_off(why.clone()) || left {
                    journal.brake().stop(Stop::Unrecorded(why.clone()));
                    drop(busy);
                    return journal.brake().halt().await;
                }
            }
        }
        let unknown = left
            && match &sent {
                Ok(reply) => reply.status.is_server_error() || reply.status.as_u16() == 408,
                Err(_) => true,
            };
        let outcome = Outcome {
            left,
            seen: match &sent {
                Ok(reply) => Seen::reply(reply, self.session.ledger.redactor()),
                Err(EgressError::Limited { seconds, .. }) => Seen::too_many(*seconds),
                Err(error) => Seen::Code(error.into()),
            },
            unknown,
            fate: self.sending.as_ref().map(|sending| sending.fate()),
        };
        let noted = journal.answered(slot, &call, journal.seal(&outcome)).await;
        if noted {
            self.made(slot, &call, &outcome);
        }
        drop(busy);
        if !noted {
            return journal.brake().halt().await;
        }
        outcome.seen
    }

    /// Notes whether something was written, or nobody knows.
    fn made(&self, slot: &Slot, call: &Call, outcome: &Outcome) {
        let journal = &self.session.journal;
        if outcome.unknown {
            journal.doubt(slot, call);
        } else if outcome.left && outcome.seen.is_success() {
            journal.made(call);
        }
    }

    /// Answers what was answered before.
    fn again(&self, slot: &Slot, call: &Call, known: Outcome) -> Seen {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.made(slot, call, &known);
        if let (Some(sending), Some(fate)) = (&self.sending, known.fate) {
            sending.was(fate);
        }
        known.seen
    }

    /// The outcome of an exchange that the ledger has, although the process
    /// died before it was in the journal.
    async fn recorded(&self, exchange: Option<Uuid>) -> Option<Outcome> {
        let exchange = exchange?.to_string();
        let filter = Filter {
            kinds: vec![Kind::Response],
            run: Some(self.session.run),
            ..Filter::default()
        };
        let rows = self.session.ledger.rows(filter).await.ok()?;
        let row = rows
            .into_iter()
            .find(|row| row.exchange.as_ref() == Some(&exchange))?;
        let status = row.status?;
        let redirects = (300..400).contains(&status);
        if redirects {
            // There may have been another hop.
            return None;
        }
        let (row, body) = self.session.ledger.row(row.seq).await.ok()??;
        let code = http::StatusCode::from_u16(status).ok()?;
        if let Some(sending) = &self.sending {
            sending.leaves();
            sending.answered(code);
        }
        Some(Outcome {
            left: true,
            seen: Seen::recorded(status, row.headers, &body?),
            unknown: code.is_server_error() || status == 408,
            fate: self.sending.as_ref().map(|sending| sending.fate()),
        })
    }

    async fn collect(&self, request: Request<WasiBody>) -> Collected {
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
                    return Err((Request::from_parts(parts, ()), error));
                }
            }
        }
        Ok(Request::from_parts(parts, bytes.freeze()))
    }

    async fn exchange(
        &self,
        exchange: &Exchange<'_>,
        request: Collected,
    ) -> Result<Reply, EgressError> {
        let request = match request {
            Ok(request) => request,
            Err((request, error)) => {
                let url = request.uri().to_string();
                exchange.refused(request.method(), &url, &error).await?;
                return Err(error);
            }
        };
        if self.requests.fetch_add(1, Ordering::Relaxed) >= self.limits.requests {
            let error = EgressError::TooMany(self.limits.requests);
            let url = request.uri().to_string();
            exchange.refused(request.method(), &url, &error).await?;
            return Err(error);
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
            .send(&self.session.client, &rules, &bounds, exchange, request)
            .await
    }
}

/// A reply that a person found out, as the journal keeps it.
///
/// # Errors
///
/// When the status is none.
pub(crate) fn found_out(
    status: u16,
    media_type: Option<&str>,
    body: &[u8],
) -> Result<Vec<u8>, String> {
    let code = http::StatusCode::from_u16(status)
        .ok()
        .filter(|code| !code.is_informational());
    let code = code.ok_or_else(|| format!("{status} is no status of a reply"))?;
    let headers = media_type.map(|text| ("content-type".to_owned(), text.to_owned()));
    let outcome = Outcome {
        left: true,
        seen: Seen::recorded(status, headers.into_iter().collect(), body),
        unknown: false,
        fate: Some(if code.is_success() {
            Fate::Taken
        } else {
            Fate::Refused
        }),
    };
    serde_json::to_vec(&outcome).map_err(|error| error.to_string())
}

/// A request as the journal knows it.
fn call(request: &Collected) -> Call {
    let (method, uri, headers, body) = match request {
        Ok(request) => (
            request.method(),
            request.uri(),
            request.headers(),
            Some(request.body()),
        ),
        Err((request, _)) => (request.method(), request.uri(), request.headers(), None),
    };
    let url = uri.to_string();
    let what = format!("{method} {}", without_query(&url));
    let body = body.map(|body| hex::encode(Sha256::digest(body)));
    let arguments = (url, pairs(headers), body);
    Call {
        write: *method != Method::GET && *method != Method::HEAD,
        ..Call::new(what, &arguments)
    }
}

impl Session {
    /// What an outside party knows a write by, if its rule names a header for
    /// it: the same on replay and in every attempt at the run.
    fn idempotency_key(&self, what: &str) -> String {
        idempotency_key(self.run, what, self.journal.count(what))
    }
}

/// The value of the header that a rule names for a write of a run: the
/// `count`th, from 1, of this method and URL.
pub(crate) fn idempotency_key(run: Uuid, what: &str, count: u32) -> String {
    Uuid::new_v5(&run, format!("{what} {count}").as_bytes()).to_string()
}
