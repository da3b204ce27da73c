//! Pushing and pulling, pinning and what the cache is worth, before a real
//! registry.

use super::registry::{PASSWORD, Registry, USER};
use crate::cli::{json, koppel, text};
use crate::harness::{TestHost, component, configuration};
use koppel_host::runs::Job;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;
use tempfile::TempDir;

const PLUGIN: &str = "plugins/vehicle-rdw.wasm";

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Pushes a component under a tag; gives what the command says.
#[track_caller]
fn push(dir: &Path, path: &Path, reference: &str) -> Value {
    let pushed = koppel(
        dir,
        &[
            "--json",
            "push",
            path.to_str().unwrap(),
            reference,
            "--plain-http",
        ],
    );
    assert!(pushed.status.success(), "{}", text(&pushed.stderr));
    json(&pushed)
}

/// A client that has its component in a registry.
fn client(reference: &str) -> String {
    format!(
        "[clients.vehicle-rdw]\noci = \"{reference}\"\nactivities = [\"GetAdditionalTaxliabilityByLicensePlateNumber\"]\nhttp = [{{ allow = \"https://opendata.rdw.nl/*\", methods = [\"GET\"], activity = \"GetAdditionalTaxliabilityByLicensePlateNumber\" }}]\n"
    )
}

async fn host(dir: TempDir, more: &str) -> TestHost {
    let host = TestHost::start(dir, &configuration(more));
    host.host.embedded().unwrap().seed().await.unwrap();
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_goes_through_a_registry_and_is_pinned_and_run() {
    let Some(registry) = Registry::start(false) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let path = component(PLUGIN);
    let bytes = std::fs::read(&path).unwrap();
    let tag = format!("{}/acme/vehicle-rdw:1.0.0", registry.name());
    let pushed = push(dir.path(), &path, &tag);
    assert_eq!(pushed["sha256"], sha256(&bytes));
    assert_eq!(pushed["signed"], false);
    let pinned = pushed["pinned"].as_str().unwrap();

    // As others read it: the CNCF layout.
    let manifest = fetched(&registry, "/v2/acme/vehicle-rdw/manifests/1.0.0").await;
    assert_eq!(
        format!(
            "{}/acme/vehicle-rdw@sha256:{}",
            registry.name(),
            sha256(&manifest)
        ),
        pinned
    );
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(
        manifest["config"]["mediaType"],
        "application/vnd.wasm.config.v0+json"
    );
    assert_eq!(
        manifest["layers"],
        json!([{"mediaType": "application/wasm", "digest": format!("sha256:{}", sha256(&bytes)), "size": bytes.len()}])
    );
    let config = manifest["config"]["digest"].as_str().unwrap();
    let config = fetched(&registry, &format!("/v2/acme/vehicle-rdw/blobs/{config}")).await;
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(
        (&config["architecture"], &config["os"]),
        (&json!("wasm"), &json!("wasip2"))
    );
    assert_eq!(
        config["layerDigests"],
        json!([format!("sha256:{}", sha256(&bytes))])
    );

    // Pulled by its tag, it says the line that pins it.
    let pulled = koppel(
        dir.path(),
        &["pull", &tag, "--plain-http", "--output", "a.wasm"],
    );
    assert_eq!(
        text(&pulled.stdout),
        format!(
            "pulled {tag}: {} bytes\n  oci = \"{pinned}\"\n",
            bytes.len()
        )
    );
    assert_eq!(std::fs::read(dir.path().join("a.wasm")).unwrap(), bytes);
    let inspected = json(&koppel(dir.path(), &["--json", "inspect", "a.wasm"]));
    assert_eq!(inspected["provenance"]["source"], json!({"oci": pinned}));
    assert_eq!(inspected["provenance"]["sha256"], sha256(&bytes));
    assert_eq!(inspected["provenance"]["sdk"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        inspected["provenance"]["annotations"]["org.opencontainers.image.title"],
        "vehicle-rdw.wasm"
    );
    assert!(inspected["provenance"]["created"].is_string());

    // A host fetches it when it is run, and then has it.
    let host = host(dir, &(client(pinned) + &registry.configuration(false))).await;
    let loaded = host
        .host
        .load("vehicle-rdw")
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(loaded.inspection.sha256, sha256(&bytes));
    drop(registry);
    let report = host
        .lookup("vehicle-rdw", &json!({"licensePlateNumber": "no"}))
        .await;
    assert_eq!(
        crate::harness::error(report),
        "invalid input: licensePlateNumber must have six letters or digits"
    );

    // What is in the cache is not trusted.
    let cached = host.dir.path().join("data/oci/sha256");
    let cached = cached.join(pinned.rsplit(':').next().unwrap());
    let other = std::fs::read(component("plugins/geocode-google.wasm")).unwrap();
    std::fs::write(cached.join("component.wasm"), &other).unwrap();
    let report = host.run("vehicle-rdw", "anna", 1, Job::Check).await;
    assert_eq!(
        crate::harness::error(report),
        format!(
            "client \"vehicle-rdw\": {}: its component has SHA-256 {}, and the manifest says {}; remove the folder, and it is pulled again",
            cached.display(),
            sha256(&other),
            sha256(&bytes)
        )
    );
}

/// What the registry has there.
async fn fetched(registry: &Registry, path: &str) -> Vec<u8> {
    let url = format!("http://{}{path}", registry.name());
    let request = crate::rest::http().get(url);
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    let reply = request.header("accept", manifest).send().await.unwrap();
    assert_eq!(reply.status(), 200, "{path}");
    reply.bytes().await.unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_asks_for_a_password_gets_it_by_reference() {
    let Some(registry) = Registry::start(true) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let path = component(PLUGIN);
    let path = path.to_str().unwrap();
    let tag = format!("{}/acme/vehicle-rdw:1.0.0", registry.name());
    let refused = koppel(dir.path(), &["push", path, &tag, "--plain-http"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(
        text(&refused.stderr),
        format!(
            "error: {tag}: the registry does not accept the credential, or asks for one: set username and password in [registries]\n"
        )
    );
    std::fs::write(dir.path().join("password"), format!("{PASSWORD}\n")).unwrap();
    let given = [
        "--plain-http",
        "--username",
        USER,
        "--password",
        "file:password",
    ];
    let pushed = koppel(
        dir.path(),
        &[&["--json", "push", path, &tag], &given[..]].concat(),
    );
    assert!(pushed.status.success(), "{}", text(&pushed.stderr));
    assert!(!text(&pushed.stdout).contains(PASSWORD));
    // The secret itself is no argument, and is not repeated.
    let refused = koppel(
        dir.path(),
        &[
            "pull",
            &tag,
            "--plain-http",
            "--username",
            USER,
            "--password",
            PASSWORD,
        ],
    );
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr)
            .contains("write env:NAME, file:PATH or keyring:NAME, never the secret itself"),
        "{}",
        text(&refused.stderr)
    );
    let pinned = json(&pushed)["pinned"].as_str().unwrap().to_owned();
    let host = host(dir, &(client(&pinned) + &registry.configuration(true))).await;
    host.host
        .load("vehicle-rdw")
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    // Another host whose password is wrong.
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("password"), "wrong\n").unwrap();
    let host = self::host(dir, &(client(&pinned) + &registry.configuration(true))).await;
    let refused = host
        .host
        .load("vehicle-rdw")
        .await
        .err()
        .unwrap()
        .to_string();
    assert_eq!(
        refused,
        format!(
            "client \"vehicle-rdw\": {pinned}: the registry does not accept the credential, or asks for one: set username and password in [registries]"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_no_component_is_refused() {
    let Some(registry) = Registry::start(false) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let missing = format!("{}/acme/other:1.0.0", registry.name());
    let refused = koppel(dir.path(), &["pull", &missing, "--plain-http"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(
        said.starts_with(&format!("error: {missing}: the registry ")),
        "{said}"
    );
    std::fs::write(dir.path().join("a.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let refused = koppel(dir.path(), &["push", "a.wasm", &missing, "--plain-http"]);
    assert_eq!(refused.status.code(), Some(5));
    assert_eq!(
        text(&refused.stderr),
        "error: a.wasm: this is a core WebAssembly module, not a component; build it with --target wasm32-wasip2\n"
    );
    // By digest, nothing can be pushed.
    let pinned = format!("{}/acme/other@sha256:{}", registry.name(), "0".repeat(64));
    let path = component(PLUGIN);
    let refused = koppel(
        dir.path(),
        &["push", path.to_str().unwrap(), &pinned, "--plain-http"],
    );
    assert_eq!(refused.status.code(), Some(3));
    assert_eq!(
        text(&refused.stderr),
        format!(
            "error: {pinned}: push to a tag, such as {}/acme/other:1.0.0; the digest follows from what is pushed\n",
            registry.name()
        )
    );
    // A host says why its client is not loaded, and that it is by `validate` too.
    let configuration = configuration(&(client(&pinned) + &registry.configuration(false)));
    std::fs::write(dir.path().join("platform.toml"), configuration).unwrap();
    let refused = koppel(dir.path(), &["validate"]);
    assert_eq!(refused.status.code(), Some(5));
    let said = text(&refused.stderr);
    assert!(
        said.starts_with(&format!(
            "error: client \"vehicle-rdw\": {pinned}: the registry "
        )),
        "{said}"
    );
}
