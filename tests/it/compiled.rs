//! Components are compiled once, over processes.

use crate::cli::{koppel, text};
use crate::harness::{TestHost, all_activities, client, component, configuration};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A configuration with a folder of compiled components of its own.
fn own() -> String {
    let shared = concat!("compiled = \"", env!("CARGO_TARGET_TMPDIR"), "/compiled\"");
    let probe = client("probe", &all_activities());
    let own = configuration(&probe).replacen(shared, "compiled = \"compiled\"", 1);
    assert!(own.contains("compiled = \"compiled\""));
    own
}

/// The one compiled component in the folder.
fn only(dir: &Path) -> PathBuf {
    let files: Vec<_> = std::fs::read_dir(dir.join("compiled"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "cwasm")
        })
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

async fn loads(host: &TestHost) {
    let loaded = host.host.load("probe").await;
    loaded.map(drop).unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_process_finds_what_was_compiled() {
    let first = TestHost::start(tempfile::tempdir().unwrap(), &own());
    loads(&first).await;
    let file = only(first.dir.path());
    let before = std::fs::metadata(&file).unwrap();
    let next = TestHost::start(first.dir, &own());
    loads(&next).await;
    let after = std::fs::metadata(&file).unwrap();
    // One that was compiled anew would have taken its place.
    assert_eq!(before.ino(), after.ino());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiled_component_that_was_changed_is_compiled_anew() {
    let first = TestHost::start(tempfile::tempdir().unwrap(), &own());
    loads(&first).await;
    let file = only(first.dir.path());
    let good = std::fs::read(&file).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 0xff;
    std::fs::write(&file, &bad).unwrap();
    let next = TestHost::start(first.dir, &own());
    loads(&next).await;
    assert!(std::fs::read(&file).unwrap() == good, "it is as it was");
}

#[test]
fn who_validates_finds_what_was_compiled_and_adds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("platform.toml"), own()).unwrap();
    let validated = || {
        let output = koppel(dir, &["validate"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    assert_eq!(validated(), "");
    assert!(!dir.join("compiled").exists());
    assert!(koppel(dir, &["clients"]).status.success());
    let file = only(dir);
    assert_eq!(validated(), "");
    std::fs::write(&file, "changed").unwrap();
    let said = validated();
    let words = "was not written by koppel, or was changed: it is not used";
    assert!(said.contains(words), "{said}");
    assert_eq!(std::fs::read(&file).unwrap(), b"changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_replaced_is_what_is_loaded_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("component.wasm");
    std::fs::copy(component("guests/probe.wasm"), &path).unwrap();
    let more = format!(
        "[clients.other]\ncomponent = {path:?}\n{}\n",
        all_activities()
    );
    let host = TestHost::start(dir, &(own() + &more));
    let loaded = async || {
        let loaded = host.host.load("other").await;
        loaded.map_err(|error| error.to_string())
    };
    assert!(loaded().await.is_ok());
    assert!(loaded().await.is_ok());
    std::fs::write(&path, "(component)").unwrap();
    assert_eq!(
        loaded().await.err().unwrap(),
        "client \"other\": this is not a WebAssembly component: it does not start with the bytes of one"
    );
}
