//! `koppel dev` as a process: a source file is changed, and the new result is
//! seen.

use super::{builds_components, made_target, new_connector};
use axum::Json;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a build may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(420);

struct Dev {
    child: Child,
    input: ChildStdin,
    events: mpsc::Receiver<Value>,
}

impl Dev {
    fn start(folder: &Path, more: &[&str]) -> Self {
        // The dependencies of this repository.
        drop(super::cargo(folder));
        let mut child = Command::new(env!("CARGO_BIN_EXE_koppel"))
            .args(["--json", "dev", "--path"])
            .arg(folder)
            .args(more)
            .env("CARGO", env!("CARGO"))
            .env("CARGO_TARGET_DIR", made_target())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, events) = mpsc::channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event = serde_json::from_str(&line);
                if told.send(event.unwrap_or(Value::Null)).is_err() {
                    return;
                }
            }
        });
        Self {
            input: child.stdin.take().unwrap(),
            child,
            events,
        }
    }

    /// The events until it waits for a change.
    #[track_caller]
    fn turn(&self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.events.recv_timeout(PATIENCE).unwrap_or_else(|error| {
                panic!("{error}: {events:#?}");
            });
            if event["event"] == "waiting" {
                return events;
            }
            events.push(event);
        }
    }

    /// Tells it to end, and waits for that.
    fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It is gone already, unless a test failed.
        let _ = self.child.kill();
    }
}

/// What came of what was asked.
fn ended<'a>(events: &'a [Value], act: &str) -> &'a Value {
    let ended = events
        .iter()
        .find(|event| event["event"] == "ended" && event["act"] == act);
    ended.unwrap_or_else(|| panic!("{act} did not end: {events:#?}"))
}

fn change(folder: &Path, from: &str, to: &str) {
    let path = folder.join("src/lib.rs");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_change_is_built_and_run_and_a_mistake_keeps_what_was_there() {
    if !builds_components() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = new_connector(dir.path(), "dev-lookup", "lookup");
    let mut dev = Dev::start(&folder, &[]);
    let first = dev.turn();
    assert_eq!(first[0], json!({"event": "building", "because": null}));
    assert_eq!(first[1]["event"], "loaded");
    let loaded = first[1]["sha256"].clone();
    let look_up = ended(&first, "look-up 1");
    assert_eq!(look_up["succeeded"], true);
    assert_eq!(
        look_up["result"]["answer"],
        json!({"make": "SKODA", "registeredCents": 1_069_700})
    );
    let called = json!({"event": "called", "what": "GetAdditionalTaxliabilityByLicensePlateNumber", "outcome": "ok"});
    assert!(first.contains(&called), "{first:#?}");
    let request = json!({
        "event": "request", "method": "GET", "url": "https://api.example.nl/v1/cars/11ZKZ3",
        "status": 200, "error": null, "recorded": false
    });
    assert!(first.contains(&request), "{first:#?}");

    // A new result.
    change(
        &folder,
        "car.map(|car| car.make)",
        "car.map(|car| car.make.to_lowercase())",
    );
    let second = dev.turn();
    assert!(
        second[0]["because"]
            .as_str()
            .unwrap()
            .ends_with("src/lib.rs"),
        "{second:#?}"
    );
    assert_ne!(second[1]["sha256"], loaded);
    assert_eq!(
        ended(&second, "look-up 1")["result"]["answer"]["make"],
        "skoda"
    );

    // A mistake: the component of before stays, and runs again.
    change(&folder, "to_lowercase()", "to_lowercase(");
    let third = dev.turn();
    assert_eq!(third[1]["event"], "not-built", "{third:#?}");
    assert_eq!(third[1]["kept"], true);
    assert!(
        third[1]["why"].as_str().unwrap().contains("src/lib.rs"),
        "{third:#?}"
    );
    assert_eq!(third.len(), 2);
    dev.input.write_all(b"\n").unwrap();
    let again = dev.turn();
    assert_eq!(
        ended(&again, "look-up 1")["result"]["answer"]["make"],
        "skoda"
    );

    // What the outside party answers is a source as well.
    change(&folder, "to_lowercase(", "to_lowercase()");
    dev.turn();
    let scenario = folder.join("acceptance.toml");
    let text = std::fs::read_to_string(&scenario).unwrap();
    std::fs::write(&scenario, text.replace("SKODA", "TESLA")).unwrap();
    let other = dev.turn();
    assert_eq!(
        ended(&other, "look-up 1")["result"]["answer"]["make"],
        "tesla"
    );
    assert_eq!(dev.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_real_party_answers_is_recorded_and_answered_again() {
    if !builds_components() {
        return;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route(
        "/v1/cars/{plate}",
        get(|headers: HeaderMap| async move {
            let credential = headers.get("authorization").unwrap().to_str().unwrap();
            Json(json!({"make": format!("real, for {credential}")}))
        }),
    );
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let dir = tempfile::tempdir().unwrap();
    let folder = new_connector(dir.path(), "dev-record", "lookup");
    let base = format!("http://127.0.0.1:{port}");
    let scenario = format!(
        r#"cassette = "cassette.toml"
[grant]
http = [{{ allow = "{base}/v1/cars/*", methods = ["GET"], credential = "party", activity = "GetAdditionalTaxliabilityByLicensePlateNumber", allow-private-addresses = true }}]
settings = {{ base-url = "{base}" }}
[ask]
lookup = [{{ licensePlateNumber = "11-ZKZ-3" }}]
"#
    );
    std::fs::write(folder.join("acceptance.toml"), scenario).unwrap();
    let once = |record: &[&str]| {
        let mut more = vec!["--once"];
        more.extend(record);
        let mut dev = Dev::start(&folder, &more);
        let status = dev.child.wait().unwrap();
        let events: Vec<Value> = dev.events.iter().collect();
        (status.code(), events)
    };
    let prefix = format!("{base}/");
    let (status, recorded) = tokio::task::block_in_place(|| once(&["--record", &prefix]));
    assert_eq!(status, Some(0), "{recorded:#?}");
    let answer = ended(&recorded, "look-up 1")["result"]["answer"].clone();
    // The secret that the party repeated is in neither.
    assert_eq!(answer["make"], "real, for Bearer [redacted]");
    let cassette = std::fs::read_to_string(folder.join("cassette.toml")).unwrap();
    assert!(
        cassette.contains(&format!("GET {base}/v1/cars/11ZKZ3?")),
        "{cassette}"
    );
    assert!(!cassette.contains("made-up-for-koppel-check"), "{cassette}");
    // Without the party.
    server.abort();
    let _ = server.await;
    let (status, replayed) = tokio::task::block_in_place(|| once(&[]));
    assert_eq!(status, Some(0), "{replayed:#?}");
    assert_eq!(ended(&replayed, "look-up 1")["result"]["answer"], answer);
}

#[test]
fn what_is_recorded_is_named_up_to_its_path() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("Cargo.toml"), "").unwrap();
    for url in [
        "https://api.example.nl",
        "api.example.nl/",
        "ftp://api.example.nl/",
    ] {
        let refused = crate::cli::koppel(dir.path(), &["dev", "--record", url]);
        assert_eq!(refused.status.code(), Some(3));
        assert_eq!(
            crate::cli::text(&refused.stderr),
            format!(
                "error: --record {url}: write the beginning of a URL, up to its path at least: https://api.example.nl/\n"
            )
        );
    }
}
