//! One outside request of a connector: it decides and records, for the
//! [`crate::egress`] that sends it.

use super::Outbound;
use super::outcome::pairs;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::Activity;
use crate::durable::Millis;
use crate::egress::{Credential, EgressError, Hop, Observer, Reply};
use crate::ledger::{Entry, Kind};
use crate::runs::Stop;
use crate::runs::replay::{Busy, Call, Slot};
use crate::runs::throttle::{NoTurn, Turn};
use crate::sending::{self, Sending};
use crate::session::Fault;
use crate::telemetry;
use crate::text::clipped;
use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// The most that is recorded of a request that was refused, in bytes: a URL
/// that may leave has no more, see [`crate::egress::normalize`].
const REFUSED_BYTES: usize = 8_192;

/// How long a request waits for its turn while its connector waits for the
/// reply.
const SHORT: Duration = Duration::from_secs(5);

/// One request, with the hops that its redirects lead to.
pub(super) struct Exchange<'a> {
    outbound: &'a Outbound,
    slot: &'a Slot,
    state: Mutex<State>,
}

struct State {
    call: Call,
    /// Whether the intent to send it is in the journal.
    intended: bool,
    /// Whether a write left, as far as the host can tell.
    left: bool,
    key: Option<String>,
    /// That the write is under way.
    busy: Option<Busy>,
    /// The place among the requests to the party.
    turn: Option<Turn>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(outbound: &'a Outbound, slot: &'a Slot, call: Call) -> Self {
        Self {
            outbound,
            slot,
            state: Mutex::new(State {
                call,
                intended: false,
                left: false,
                key: None,
                busy: None,
                turn: None,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call as it was made, whether a write left, and that it is under way.
    pub(super) fn done(self) -> (Call, bool, Option<Busy>) {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        (state.call, state.left, state.busy)
    }

    /// Waits for the turn of a request, if not for long; a run that may go on
    /// later is suspended.
    async fn turn(&self, hop: &Hop) -> Result<(), EgressError> {
        let session = &self.outbound.session;
        let held = loop {
            let config = session.live.now();
            let turn = session.throttle.turn(&config, &hop.url);
            match turn.await {
                Ok(turn) => {
                    self.state().turn = Some(turn);
                    return Ok(());
                }
                Err(NoTurn::Unknown(why)) => return Err(EgressError::Host(why)),
                Err(NoTurn::Held(held)) if held.wait > SHORT => break held,
                Err(NoTurn::Held(held)) => tokio::time::sleep(held.wait).await,
            }
        };
        let brake = session.journal.brake();
        if session.journal.goes_on() {
            let wait = held.wait.as_millis() as Millis;
            brake.stop(Stop::Wait {
                party: held.party,
                until: session.throttle.now() + wait,
            });
            return brake.halt().await;
        }
        let error = EgressError::Limited {
            party: held.party,
            seconds: held.wait.as_secs() + 1,
        };
        self.refused(&hop.method, hop.url.as_str(), &error).await?;
        Err(error)
    }

    /// The message of a declaration, if a request carries it.
    fn carried(&self, hop: &Hop) -> Option<&Sending> {
        let sending = self.outbound.sending.as_deref()?;
        (sending::is_sending(hop.activity) && !hop.body.is_empty()).then_some(sending)
    }

    async fn record(&self, entry: Entry) -> Result<(), EgressError> {
        self.outbound.record(entry).await
    }

    /// Notes in the journal that a write is about to leave.
    async fn intend(&self, hop: &Hop) -> Result<(), EgressError> {
        let call = {
            let mut state = self.state();
            if !state.call.write || state.intended {
                return Ok(());
            }
            state.intended = true;
            state.call.repeatable = hop.repeatable;
            state.call.exchange = Some(hop.exchange);
            state.call.clone()
        };
        let journal = &self.outbound.session.journal;
        let Some(busy) = journal.brake().begin() else {
            return journal.brake().halt().await;
        };
        self.state().busy = Some(busy);
        if journal.intend(self.slot, &call).await {
            self.state().left = true;
            Ok(())
        } else {
            self.state().busy = None;
            journal.brake().halt().await
        }
    }
}

fn host_failure(fault: Fault) -> EgressError {
    match fault {
        Fault::Host(error) => EgressError::Host(format!("{error:#}")),
        Fault::Guest(error) => EgressError::Host(format!("{error:?}")),
    }
}

impl Outbound {
    pub(super) async fn record(&self, entry: Entry) -> Result<(), EgressError> {
        self.session.record(entry).await.map_err(host_failure)
    }
}

#[async_trait]
impl Observer for Exchange<'_> {
    async fn authorize(&self, activity: Activity) -> Result<(), EgressError> {
        match self.outbound.session.authorize(activity, None).await {
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
        let what = self.state().call.what.clone();
        if self.outbound.session.journal.happened(&what) {
            return Err(EgressError::Happened { what });
        }
        if !sending::is_sending(activity) || body.is_empty() {
            return Ok(());
        }
        let why = match &self.outbound.sending {
            Some(sending) if sending.allows(activity, body) => return Ok(()),
            Some(_) => "the body of the request is not the message that a person confirmed",
            None => "a message leaves only when a declaration that a person confirmed is submitted",
        };
        Err(EgressError::NotConfirmed {
            activity: activity.id().to_owned(),
            why,
        })
    }

    fn idempotency_key(&self) -> String {
        let mut state = self.state();
        let state = &mut *state;
        let session = &self.outbound.session;
        state
            .key
            .get_or_insert_with(|| session.idempotency_key(&state.call.what))
            .clone()
    }

    async fn before(&self, hop: &Hop) -> Result<(), EgressError> {
        self.turn(hop).await?;
        self.record(Entry {
            activity: Some(hop.activity.id().to_owned()),
            exchange: Some(hop.exchange),
            headers: pairs(&hop.headers),
            body: hop.body.to_vec(),
            ..Entry::new(
                self.outbound.session.context(),
                Kind::Request,
                format!("{} {}", hop.method, hop.url),
            )
        })
        .await?;
        self.intend(hop).await?;
        if let Some(sending) = self.carried(hop) {
            sending.leaves();
        }
        Ok(())
    }

    async fn after(
        &self,
        hop: &Hop,
        outcome: Result<&Reply, &EgressError>,
    ) -> Result<(), EgressError> {
        self.state().turn = None;
        if matches!(outcome, Err(EgressError::Unreachable { .. })) {
            self.state().left = false;
        }
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
                self.outbound.session.context(),
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

    fn took(&self, hop: &Hop, status: String, took: Duration) {
        let session = &self.outbound.session;
        let party = telemetry::party(&hop.url);
        tracing::info!(
            run = %session.run,
            exchange = %hop.exchange,
            party,
            status,
            milliseconds = took.as_millis() as u64,
            "an outside party was asked"
        );
        session.metrics.outside(&party, status, took);
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
        let context = self.outbound.session.context();
        let entry = match error {
            EgressError::Resolve { .. }
            | EgressError::Limited { .. }
            | EgressError::Timeout(_)
            | EgressError::Credential { .. }
            | EgressError::TrustedRoots { .. } => Entry {
                outcome: Some(error.to_string()),
                ..Entry::new(
                    context,
                    Kind::Response,
                    format!("{method} {}", url.split('?').next().unwrap_or_default()),
                )
            },
            _ => Entry {
                check: Some("egress".to_owned()),
                outcome: Some("refused".to_owned()),
                ..Entry::new(
                    context,
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
        let session = &self.outbound.session;
        let credential = session
            .live
            .with(|config| config.credentials.get(name).cloned())
            .ok_or_else(|| failed("it is not in the configuration any more".to_owned()))?;
        crate::secrets::credential(&credential, session.ledger.redactor()).map_err(failed)
    }
}

/// A URL without its query, which can hold data.
pub(super) fn without_query(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            url.set_query(None);
            url.into()
        }
        Err(_) => url.split('?').next().unwrap_or_default().to_owned(),
    }
}
