//! Servers that send what they like, byte by byte, and a guest that may reach
//! them.

use super::{Arena, EXPORTS, clients};
use crate::harness::{TestHost, all_activities, component, configuration};
use async_trait::async_trait;
use koppel_host::egress::Resolve;
use koppel_host::ledger::Kind;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The secret of the credential, which no guest and no file may hold.
pub(crate) const SECRET: &str = "sEcReT-token-value";

/// What a server sends after it read a request.
pub(crate) struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

/// What it does next.
enum Then {
    Close,
    /// Keeps the connection open and says nothing more.
    Silent,
    /// Sends the same again and again, with a pause before each.
    Repeat(Vec<u8>, Duration),
}

impl Reply {
    /// These bytes, and no more.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            then: Then::Close,
        }
    }

    /// A decent reply with this body.
    pub(crate) fn ok(body: &str) -> Self {
        Self::with(&[], body)
    }

    /// A decent reply with these headers and this body.
    pub(crate) fn with(headers: &[(&str, &str)], body: &str) -> Self {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        Self::raw(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        ))
    }

    /// A redirect.
    pub(crate) fn redirect(to: &str) -> Self {
        Self::raw(format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
        ))
    }

    pub(crate) fn then_silent(mut self) -> Self {
        self.then = Then::Silent;
        self
    }

    pub(crate) fn then_again(mut self, bytes: impl Into<Vec<u8>>, pause: Duration) -> Self {
        self.then = Then::Repeat(bytes.into(), pause);
        self
    }
}

/// A server that notes what reaches it.
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// One on 127.0.0.1 that replies to each request with this.
    pub(crate) async fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, reply)
    }

    /// One on this listener.
    pub(crate) fn on(
        listener: TcpListener,
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (noted, reply) = (seen.clone(), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, noted.clone(), reply.clone()));
            }
        });
        Self { port, seen }
    }

    /// The requests so far, whole.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// The first lines of the requests so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen()
            .iter()
            .map(|request| request.lines().next().unwrap_or_default().to_owned())
            .collect()
    }

    /// The authority by which a rule lets the guest reach it.
    pub(crate) fn authority(&self) -> String {
        format!("party.test:{}", self.port)
    }

    /// A URL below the path that the rule allows.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/api/{path}", self.authority())
    }
}

async fn serve(
    mut stream: TcpStream,
    noted: Arc<Mutex<Vec<String>>>,
    reply: Arc<impl Fn(&str) -> Reply>,
) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    while !whole(&request) {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(read) => request.extend_from_slice(&chunk[..read]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let reply = reply(&request);
    noted.lock().unwrap().push(request);
    if stream.write_all(&reply.bytes).await.is_err() {
        return;
    }
    match reply.then {
        Then::Close => {
            let _ = stream.shutdown().await;
        }
        Then::Silent => tokio::time::sleep(Duration::from_secs(60)).await,
        Then::Repeat(bytes, pause) => {
            while stream.write_all(&bytes).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// Whether a request is all there, by its length.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or(0, |(_, value)| value.trim().parse().unwrap_or(0));
    body.len() >= length
}

/// The names of these tests. `rebind.test` has another address each time.
pub(crate) struct Names {
    rebinding: Vec<&'static str>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Names {
    pub(crate) fn rebinding(addresses: &[&'static str]) -> Arc<Self> {
        Arc::new(Self {
            rebinding: addresses.to_vec(),
            asked: Mutex::default(),
        })
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let mut asked = self.asked.lock().unwrap();
        let before = asked.iter().filter(|name| *name == host).count();
        asked.push(host.to_owned());
        let addresses: Vec<&str> = match host {
            "party.test" | "other.test" | "public-only.test" => vec!["127.0.0.1"],
            "metadata.test" => vec!["169.254.169.254"],
            "private.test" => vec!["10.0.0.1"],
            "mixed.test" => vec!["93.184.216.34", "192.168.0.1"],
            "mapped.test" => vec!["::ffff:127.0.0.1"],
            "nat64.test" => vec!["64:ff9b::7f00:1"],
            "link-local.test" => vec!["fe80::1"],
            "rebind.test" => vec![self.rebinding[before.min(self.rebinding.len() - 1)]],
            _ => return Err(std::io::Error::other("no such host")),
        };
        Ok(addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect())
    }
}

/// The activity of the rules.
const ACTIVITY: &str = "PostSendJournalRunExportByJournalRunId";

/// A rule without credential and without private addresses.
pub(crate) fn rule(allow: &str) -> String {
    format!("{{ allow = \"{allow}\", methods = [\"GET\"], activity = \"{ACTIVITY}\" }}")
}

/// The hostile guest, which may reach this server below `/api/` with a
/// credential, and these further rules.
pub(crate) async fn against(server: &Server, rules: &[String], limits: &str) -> Arena {
    resolving(server, rules, limits, Names::rebinding(&["127.0.0.1"])).await
}

/// As [`against`], with these names.
pub(crate) async fn resolving(
    server: &Server,
    rules: &[String],
    limits: &str,
    names: Arc<Names>,
) -> Arena {
    let lines = format!(
        "{}\n{EXPORTS}\nhttp = [\n\
         {{ allow = \"http://party.test:{port}/api/*\", methods = [\"GET\", \"POST\"], activity = \"{ACTIVITY}\", credential = \"party\", allow-private-addresses = true }},\n\
         {{ allow = \"http://rebind.test:{port}/api/*\", methods = [\"GET\"], activity = \"{ACTIVITY}\", allow-private-addresses = true }},\n\
         {}]\n{limits}\n\
         [credentials.party]\nheader = \"authorization\"\nscheme = \"Bearer\"\nvalue = {{ file = \"secret\" }}\n",
        all_activities(),
        rules.join(",\n"),
        port = server.port,
    );
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(
        component("guests/hostile.wasm"),
        dir.path().join("guest.wasm"),
    )
    .unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    let host = TestHost::resolving(dir, &configuration(&clients(&lines)), names);
    host.host.embedded().unwrap().seed().await.unwrap();
    Arena::of(host)
}

/// The limits of most of these tests.
pub(crate) const LIMITS: &str = "limits = { deadline-ms = 3000, cpu-ms = 500, request-bytes = 100_000, response-bytes = 100_000 }";

impl Arena {
    /// Sends a GET request, and gives what the guest answers.
    pub(crate) async fn get(&self, url: &str) -> Value {
        self.answer(&json!({"attack": "request", "url": url})).await
    }

    /// Sends a request that was put together by hand.
    pub(crate) async fn raw(&self, mut request: Value) -> Value {
        request["attack"] = json!("raw");
        self.answer(&request).await
    }

    /// Why the last outside request failed, as the ledger has it.
    pub(crate) async fn last_outcome(&self) -> Option<String> {
        self.host.rows(&[Kind::Response]).await.pop()?.outcome
    }

    /// The last denial.
    pub(crate) async fn last_denial(&self) -> String {
        self.host.denials().await.pop().unwrap_or_default()
    }
}
