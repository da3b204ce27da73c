//! Look-ups as components, under the rules of the demonstration, against real
//! servers with recorded replies.

mod cache;
mod geocode;
mod least;
mod trade_register;

use crate::harness::{TestHost, component, formats};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;
use std::sync::{Arc, Mutex};

/// What a party replies to: the path and query, and the number of the request.
type Replies = dyn Fn(&str, usize) -> (u16, Vec<u8>) + Send + Sync;

/// A party that notes what arrives.
pub(crate) struct Party {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Path and query.
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
}

type Shared = (Arc<Mutex<Vec<Seen>>>, Arc<Replies>);

async fn reply(
    State((seen, replies)): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
) -> impl IntoResponse {
    let uri = uri.to_string();
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(Seen {
            uri: uri.clone(),
            headers,
        });
        seen.len()
    };
    let (status, body) = replies(&uri, number);
    let headers = [("content-type", "application/json"), ("retry-after", "7")];
    (StatusCode::from_u16(status).unwrap(), headers, body)
}

impl Party {
    pub(crate) async fn start(
        replies: impl Fn(&str, usize) -> (u16, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared: Shared = (seen.clone(), Arc::new(replies));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(reply).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// A client of the demonstration as it is there, but with its rules led to a
/// party of the test.
fn of_demo(name: &str, port: u16) -> toml::Table {
    // The paths that `koppel demo` fills in do not matter here.
    let text: Vec<&str> = include_str!("../../host/src/cli/demo.toml")
        .lines()
        .filter(|line| !line.starts_with("component = {"))
        .collect();
    let demo: toml::Table = toml::from_str(&text.join("\n")).unwrap();
    let mut client = demo["clients"][name].as_table().unwrap().clone();
    for rule in client["http"].as_array_mut().unwrap() {
        let rule = rule.as_table_mut().unwrap();
        let allow = rule["allow"].as_str().unwrap();
        let (_, path) = allow.split_once("://").unwrap().1.split_once('/').unwrap();
        let allow = format!("http://party.test:{port}/{path}");
        rule.insert("allow".to_owned(), allow.into());
        rule.insert("allow-private-addresses".to_owned(), true.into());
    }
    client
}

/// A client of the demonstration with its connector. `cache` takes the place of
/// the demonstration's own.
fn plugin(name: &str, port: u16, cache: &str) -> String {
    let mut client = of_demo(name, port);
    let path = component(&format!("plugins/{name}.wasm"));
    client.insert("component".to_owned(), path.to_str().unwrap().into());
    let base = format!("http://party.test:{port}");
    let settings = toml::Table::from_iter([("base-url".to_owned(), base.into())]);
    client.insert("settings".to_owned(), settings.into());
    client.remove("cache");
    if !cache.is_empty() {
        let cache: toml::Table = toml::from_str(cache).unwrap();
        client.insert("cache".to_owned(), cache.into());
    }
    let client = toml::Table::from_iter([(name.to_owned(), client.into())]);
    let clients = toml::Table::from_iter([("clients".to_owned(), client.into())]);
    clients.to_string()
}

/// Secrets that are in no reply by chance.
const KVK_KEY: &str = "l7-kvk-s3cret-key";
const GOOGLE_KEY: &str = "AIza-g00gle/s3cret+key";

const CREDENTIALS: &str = r#"
[credentials.kvk]
header = "apikey"
value = { file = "kvk-key" }

[credentials.google]
query = "key"
value = { file = "google-key" }
"#;

/// A host with these clients and the secrets of the outside parties.
async fn host(clients: &str) -> TestHost {
    let host = TestHost::new(&format!("{clients}{CREDENTIALS}")).await;
    std::fs::write(host.dir.path().join("kvk-key"), KVK_KEY).unwrap();
    std::fs::write(host.dir.path().join("google-key"), GOOGLE_KEY).unwrap();
    host
}

/// A recorded reply, or none when the reference data is missing.
fn recorded(path: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(formats()?.join(path)).unwrap())
}
