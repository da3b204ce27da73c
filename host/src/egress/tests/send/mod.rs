//! Sending, against a real server. What happens is noted in one list: by the
//! observer, by the resolver and by the server, so that its order shows.

mod bounds;
mod headers;
mod order;
mod party;
mod redirects;

use super::super::{Bounds, Credential, Egress, EgressError, Hop, Observer, Reply, Resolve, Rule};
use crate::catalogue::{Activity, id};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request};
use party::Party;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECRET: &str = "Bearer s3cret";

/// What happened so far, in order.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    fn note(&self, event: String) {
        self.0.lock().unwrap().push(event);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Names that exist only here.
struct Names(Events);

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        self.0.note(format!("resolve {host}"));
        let addresses: &[&str] = match host {
            "party.test" | "other.test" => &["127.0.0.1"],
            // Nothing listens at the first.
            "second.test" => &["127.9.9.9", "127.0.0.1"],
            "mixed.test" => &["93.184.216.34", "127.0.0.1"],
            "metadata.test" => &["127.0.0.1", "::ffff:169.254.169.254"],
            "empty.test" => &[],
            "slow.test" => std::future::pending().await,
            _ => return Err(std::io::Error::other("no such host")),
        };
        Ok(addresses.iter().map(|a| a.parse().unwrap()).collect())
    }
}

/// Notes what it is asked, and fails where a test wants that.
#[derive(Default)]
struct Recorder {
    events: Events,
    fails_at: Option<&'static str>,
    hops: Mutex<Vec<Hop>>,
    replies: Mutex<Vec<Reply>>,
}

impl Recorder {
    fn note(&self, step: &'static str, event: String) -> Result<(), EgressError> {
        self.events.note(format!("{step} {event}"));
        if self.fails_at == Some(step) {
            Err(EgressError::Host(format!("{step} failed")))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl Observer for Recorder {
    async fn authorize(&self, activity: Activity) -> Result<(), EgressError> {
        self.note("authorize", activity.to_string())
    }

    fn idempotency_key(&self) -> String {
        "key-1".to_owned()
    }

    async fn before(&self, hop: &Hop) -> Result<(), EgressError> {
        self.hops.lock().unwrap().push(hop.clone());
        self.note("before", format!("{} {}", hop.method, hop.url))
    }

    async fn after(
        &self,
        hop: &Hop,
        outcome: Result<&Reply, &EgressError>,
    ) -> Result<(), EgressError> {
        let before = self.hops.lock().unwrap().last().unwrap().exchange;
        assert_eq!(hop.exchange, before);
        let outcome = match outcome {
            Ok(reply) => {
                self.replies.lock().unwrap().push(reply.clone());
                reply.status.as_u16().to_string()
            }
            Err(error) => error.to_string(),
        };
        self.note("after", format!("{} {}: {outcome}", hop.method, hop.url))
    }

    async fn refused(
        &self,
        method: &Method,
        url: &str,
        error: &EgressError,
    ) -> Result<(), EgressError> {
        self.note("refused", format!("{method} {url}: {error}"))
    }

    fn credential(&self, name: &str) -> Result<Credential, EgressError> {
        self.note("credential", name.to_owned())?;
        let value = HeaderValue::from_static(SECRET);
        let name = http::header::AUTHORIZATION;
        Ok(Credential::header(name, value, "s3cret"))
    }
}

/// A server, and an egress with rules for it.
struct Setup {
    party: Party,
    egress: Egress,
    observer: Recorder,
    rules: Vec<Rule>,
    bounds: Bounds,
}

const SEND: Activity = id::PostSendJournalRunExportByJournalRunId;
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

impl Setup {
    /// With rules for `party.test`, with a credential, and for `other.test`,
    /// without one. Both names are the same server.
    async fn new() -> Self {
        let events = Events::default();
        let party = Party::start(events.clone()).await;
        let egress = Egress::new(Arc::new(Names(events.clone()))).unwrap();
        let mut setup = Self {
            party,
            egress,
            observer: Recorder {
                events,
                ..Recorder::default()
            },
            rules: Vec::new(),
            bounds: Bounds {
                request_bytes: 1000,
                response_bytes: 10_000,
                total: Duration::from_secs(10),
            },
        };
        setup.allow("party.test", &METHODS, Some("exact"), true);
        setup.allow("other.test", &METHODS, None, true);
        setup
    }

    /// Adds a rule for all paths below `/api/` of a host.
    fn allow(&mut self, host: &str, methods: &[&str], credential: Option<&str>, private: bool) {
        let rule = Rule::new(
            &format!("{}api/*", self.url(host, "")),
            &methods.iter().map(|&m| m.to_owned()).collect::<Vec<_>>(),
            SEND,
            credential.map(str::to_owned),
            private,
        );
        self.rules.push(rule.unwrap());
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}/{path}", self.party.port)
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Reply, EgressError> {
        self.egress
            .send("exact", &self.rules, &self.bounds, &self.observer, request)
            .await
    }

    async fn get(&self, host: &str, path: &str) -> Result<Reply, EgressError> {
        self.send(request("GET", &self.url(host, path), "")).await
    }

    /// What happened, without the port, which differs from run to run.
    fn events(&self) -> Vec<String> {
        let port = format!(":{}", self.party.port);
        let events = self.observer.events.take();
        events
            .iter()
            .map(|event| event.replace(&port, ""))
            .collect()
    }
}

fn request(method: &str, url: &str, body: &'static str) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(url)
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap()
}
