//! The outside party of the suite: answers as the scenario says, or fails in the
//! way that is being tried, and notes what it was asked. Nothing leaves.

use super::Scenario;
use crate::egress::{Bounds, EgressError, Hop, Reply, Resolve, StandIn};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// In which way the party fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It answers with this status.
    Status(u16),
    /// It does not answer in time.
    Timeout,
    /// The connection breaks off after the request arrived.
    Lost,
    /// It answers with something else than it should: HTML.
    NotJson,
    /// It answers with more than a reply may have.
    Huge,
    /// It answers with as much as a reply may have.
    Large,
}

impl Fault {
    pub(super) const ALL: [Self; 14] = [
        Self::Status(400),
        Self::Status(401),
        Self::Status(403),
        Self::Status(404),
        Self::Status(409),
        Self::Status(422),
        Self::Status(429),
        Self::Status(500),
        Self::Status(503),
        Self::Timeout,
        Self::Lost,
        Self::NotJson,
        Self::Huge,
        Self::Large,
    ];

    /// In words, after "the outside party ".
    pub(super) fn words(self) -> String {
        match self {
            Self::Status(status) => format!("answers {status}"),
            Self::Timeout => "does not answer in time".to_owned(),
            Self::Lost => "breaks off in the middle of its reply".to_owned(),
            Self::NotJson => "answers with a page of HTML".to_owned(),
            Self::Huge => "answers with more than a reply may have".to_owned(),
            Self::Large => "answers with as much as a reply may have".to_owned(),
        }
    }

    /// Whether a connector that goes on as if nothing had happened is wrong.
    pub(super) fn must_be_noticed(self) -> bool {
        !matches!(self, Self::NotJson | Self::Large)
    }

    /// Whether nobody knows what became of a write.
    fn leaves_a_doubt(self) -> bool {
        match self {
            Self::Status(status) => status >= 500,
            Self::Timeout | Self::Lost | Self::Huge => true,
            Self::NotJson | Self::Large => false,
        }
    }

    fn reply(self, hop: &Hop, bounds: &Bounds) -> Result<Reply, EgressError> {
        let host = || hop.url.host_str().unwrap_or_default().to_owned();
        let with = |status: u16, kind: &'static str, body: Vec<u8>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
            Ok(Reply {
                status: StatusCode::from_u16(status).unwrap_or_default(),
                headers,
                body: Bytes::from(body),
            })
        };
        match self {
            Self::Status(status) => with(
                status,
                "application/json",
                br#"{"message":"koppel check tries this","error":"koppel check tries this"}"#
                    .to_vec(),
            ),
            Self::Timeout => Err(EgressError::Timeout(bounds.total.as_millis() as u64)),
            Self::Lost => Err(EgressError::Connection {
                host: host(),
                why: "connection closed before message completed".to_owned(),
            }),
            Self::NotJson => with(
                200,
                "text/html",
                b"<!doctype html><title>Maintenance</title>".to_vec(),
            ),
            Self::Huge => Err(EgressError::ResponseSize(bounds.response_bytes)),
            Self::Large => {
                let text = "x".repeat(bounds.response_bytes.saturating_sub(32));
                with(
                    200,
                    "application/json",
                    format!("{{\"large\":\"{text}\"}}").into_bytes(),
                )
            }
        }
    }
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    pub(super) hop: Hop,
    /// How the party failed, if it did.
    pub(super) fault: Option<Fault>,
    /// Whether the scenario has an answer.
    pub(super) foreseen: bool,
}

impl Arrived {
    /// Whether it asks the party to do something.
    pub(super) fn is_write(&self) -> bool {
        self.hop.method != Method::GET && self.hop.method != Method::HEAD
    }

    /// Whether the party may have done what it was asked.
    pub(super) fn may_have_happened(&self) -> bool {
        match self.fault {
            None => true,
            Some(Fault::NotJson | Fault::Large) => true,
            Some(fault) => fault.leaves_a_doubt(),
        }
    }

    /// The idempotency key in it.
    pub(super) fn key(&self) -> Option<&str> {
        self.hop.headers.get("idempotency-key")?.to_str().ok()
    }

    /// Whether the party takes it once, however often it comes.
    pub(super) fn is_taken_once(&self) -> bool {
        self.hop.repeatable || self.key().is_some()
    }

    /// Method and URL without the query, for people.
    pub(super) fn what(&self) -> String {
        let mut url = self.hop.url.clone();
        url.set_query(None);
        format!("{} {url}", self.hop.method)
    }
}

/// Whoever is told of each request as it is answered.
pub(crate) trait Onlooker: Send + Sync {
    /// Whether a request is to leave for real.
    fn lets_leave(&self, hop: &Hop) -> bool;

    /// A request was answered.
    fn request(&self, hop: &Hop, outcome: Result<&Reply, &EgressError>);

    /// An activity was answered, or something else of the host.
    fn step(&self, step: &crate::durable::Step);
}

/// The requests that fail: from the number on, counted from 0.
pub(super) type Failing = Option<(usize, Fault)>;

#[derive(Default)]
struct State {
    arrived: Vec<Arrived>,
    /// How often each answer was given.
    given: Vec<u32>,
    failing: Failing,
    /// How many requests there were since the way to fail was chosen.
    count: usize,
    /// The next write is lost after it arrived.
    lose_write: bool,
}

/// What the party knew at a moment.
pub(super) struct Remembered {
    arrived: Vec<Arrived>,
    given: Vec<u32>,
}

/// The outside party.
pub(super) struct Party {
    scenario: Scenario,
    onlooker: Option<Arc<dyn Onlooker>>,
    state: Mutex<State>,
}

impl Party {
    pub(super) fn new(scenario: &Scenario, onlooker: Option<Arc<dyn Onlooker>>) -> Self {
        Self {
            state: Mutex::new(State {
                given: vec![0; scenario.answers.len()],
                ..State::default()
            }),
            scenario: scenario.clone(),
            onlooker,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails from now on as is told.
    pub(super) fn fail(&self, failing: Failing) {
        let mut state = self.state();
        state.failing = failing;
        state.count = 0;
    }

    /// What it knows, to be recalled.
    pub(super) fn remember(&self) -> Remembered {
        let state = self.state();
        Remembered {
            arrived: state.arrived.clone(),
            given: state.given.clone(),
        }
    }

    /// Forgets what it was asked since, and does not fail any more.
    pub(super) fn recall(&self, remembered: &Remembered) {
        *self.state() = State {
            arrived: remembered.arrived.clone(),
            given: remembered.given.clone(),
            ..State::default()
        };
    }

    /// Loses the reply to the next write, which arrives.
    pub(super) fn lose_write(&self) {
        self.state().lose_write = true;
    }

    /// How many requests arrived so far.
    pub(super) fn count(&self) -> usize {
        self.state().arrived.len()
    }

    /// What arrived after so many requests.
    pub(super) fn since(&self, count: usize) -> Vec<Arrived> {
        self.state().arrived[count..].to_vec()
    }

    fn written(&self, state: &mut State, hop: &Hop) -> Option<Reply> {
        let happened: Vec<_> = state
            .arrived
            .iter()
            .filter(|arrived| arrived.may_have_happened())
            .map(|arrived| (&arrived.hop.method, &arrived.hop.url))
            .collect();
        let fits = |(number, answer): &(usize, &super::Answer)| {
            answer
                .times
                .is_none_or(|times| state.given[*number] < times)
                && answer.fits(&hop.method, &hop.url, &hop.body, happened.iter().copied())
        };
        let mut answers = self.scenario.answers.iter().enumerate();
        let (number, answer) = answers.find(fits)?;
        state.given[number] += 1;
        Some(Reply {
            status: answer.status,
            headers: answer.headers.clone(),
            body: answer.body_for(&hop.method, &hop.url).into(),
        })
    }
}

#[async_trait]
impl StandIn for Party {
    async fn answer(&self, hop: &Hop, bounds: &Bounds) -> Option<Result<Reply, EgressError>> {
        if self
            .onlooker
            .as_ref()
            .is_some_and(|onlooker| onlooker.lets_leave(hop))
        {
            return None;
        }
        let mut state = self.state();
        let number = state.count;
        state.count += 1;
        let mut arrived = Arrived {
            hop: hop.clone(),
            fault: state
                .failing
                .and_then(|(from, fault)| (number >= from).then_some(fault)),
            foreseen: true,
        };
        if state.lose_write && arrived.is_write() {
            state.lose_write = false;
            arrived.fault = Some(Fault::Lost);
        }
        let reply = match arrived.fault {
            Some(fault) => fault.reply(hop, bounds),
            None => match self.written(&mut state, hop) {
                Some(reply) => Ok(reply),
                None => {
                    arrived.foreseen = false;
                    Fault::Status(404).reply(hop, bounds)
                }
            },
        };
        state.arrived.push(arrived);
        Some(reply)
    }

    fn answered(&self, hop: &Hop, outcome: Result<&Reply, &EgressError>) {
        if let Some(onlooker) = &self.onlooker {
            onlooker.request(hop, outcome);
        }
    }
}

/// Gives every name an address that is never connected to.
pub(crate) struct Nowhere;

#[async_trait]
impl Resolve for Nowhere {
    async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        // A public one, so that the rules need not allow private ones.
        Ok(vec![IpAddr::V4(Ipv4Addr::new(93, 184, 215, 14))])
    }
}
