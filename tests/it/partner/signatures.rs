//! Signatures that the operator requires: beside a file, in a registry, and in
//! the object store that hosts share.

use super::registry::Registry;
use crate::cli::{json, koppel, text};
use crate::harness::{component, configuration};
use koppel_host::config::Config;
use koppel_host::egress::SystemResolver;
use koppel_host::runs::Host;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A key, in files of a folder.
struct Signer {
    public: String,
    number: String,
}

impl Signer {
    fn new(dir: &Path, name: &str) -> Self {
        let made = koppel(dir, &["--json", "key", name, "--no-password"]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        let made = json(&made);
        Self {
            public: made["key"].as_str().unwrap().to_owned(),
            number: made["number"].as_str().unwrap().to_owned(),
        }
    }
}

/// A component in a folder, signed by a key there if one is named.
fn placed(dir: &Path, key: Option<&str>) -> PathBuf {
    let path = dir.join("vehicle-rdw.wasm");
    std::fs::copy(component("plugins/vehicle-rdw.wasm"), &path).unwrap();
    if let Some(key) = key {
        let signed = koppel(
            dir,
            &[
                "sign",
                "vehicle-rdw.wasm",
                "--key",
                key,
                "--comment",
                "release 1",
            ],
        );
        assert!(signed.status.success(), "{}", text(&signed.stderr));
    }
    path
}

fn policy(key: &str) -> String {
    format!("[platform]\nsignatures = \"required\"\ntrusted-keys = [\"{key}\"]\n")
}

/// A configuration that trusts a key, with a client.
fn trusting(key: &str, source: &str, more: &str) -> String {
    let client = format!(
        "[clients.vehicle-rdw]\n{source}\nactivities = [\"GetAdditionalTaxliabilityByLicensePlateNumber\"]\nhttp = [{{ allow = \"https://opendata.rdw.nl/*\", methods = [\"GET\"], activity = \"GetAdditionalTaxliabilityByLicensePlateNumber\" }}]\n"
    );
    configuration(&(client + more)).replacen("[platform]\n", &policy(key), 1)
}

fn host(dir: &Path, text: &str) -> Host {
    let path = dir.join("platform.toml");
    std::fs::write(&path, text).unwrap();
    let config = Config::load(&path).unwrap_or_else(|error| panic!("{error}"));
    Host::start(config, Arc::new(SystemResolver)).unwrap()
}

/// Why a client is not loaded, if it is not.
async fn refusal(host: &Host) -> Option<String> {
    let loaded = host.load("vehicle-rdw").await;
    loaded.err().map(|error| error.to_string())
}

const FILE: &str = "component = \"vehicle-rdw.wasm\"";

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_a_trusted_key_signed_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::new(dir.path(), "key");
    placed(dir.path(), Some("key"));
    let host = host(dir.path(), &trusting(&signer.public, FILE, ""));
    assert_eq!(refusal(&host).await, None);
    let inspected = json(&koppel(
        dir.path(),
        &["--json", "inspect", "vehicle-rdw.wasm"],
    ));
    assert_eq!(
        inspected["provenance"]["signature"],
        serde_json::json!({"key": signer.number, "verified": true, "comment": "release 1", "fault": null})
    );
    let shown = text(&koppel(dir.path(), &["inspect", "vehicle-rdw.wasm"]).stdout);
    assert!(
        shown.contains(&format!(
            "    signature    verified, by key {}: release 1\n",
            signer.number
        )),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_trusted_signed_is_refused_with_what_would_allow_it() {
    let dir = tempfile::tempdir().unwrap();
    let trusted = Signer::new(dir.path(), "key");
    let other = Signer::new(dir.path(), "other");
    let path = placed(dir.path(), None);
    let host = host(dir.path(), &trusting(&trusted.public, FILE, ""));
    let file = format!("{}.minisig", path.display());
    let optional = "to load components whoever made them, put in the configuration:\n  [platform] signatures = \"optional\"";
    assert_eq!(
        refusal(&host).await.unwrap(),
        format!(
            "client \"vehicle-rdw\": its component has no signature, and the configuration has [platform] signatures = \"required\"\nput its signature into {file}, as `koppel sign` does; or, {optional}"
        )
    );
    placed(dir.path(), Some("other"));
    assert_eq!(
        refusal(&host).await.unwrap(),
        format!(
            "client \"vehicle-rdw\": its component was signed by key {0}, which is none of the trusted ones, and the configuration has [platform] signatures = \"required\"\nto trust that key, put in the configuration:\n  [platform] trusted-keys = [\"<the public key with the number {0}>\"]\nor, {optional}",
            other.number
        )
    );
    // Signed, and then changed.
    placed(dir.path(), Some("key"));
    std::fs::copy(component("plugins/geocode-google.wasm"), &path).unwrap();
    assert_eq!(
        refusal(&host).await.unwrap(),
        format!(
            "client \"vehicle-rdw\": its signature by key {} does not fit: the component is not what was signed, and the configuration has [platform] signatures = \"required\"\nget {file} anew from whoever made it; or, {optional}",
            trusted.number
        )
    );
    std::fs::write(&file, "nothing").unwrap();
    assert_eq!(
        refusal(&host).await.unwrap(),
        format!(
            "client \"vehicle-rdw\": its signature cannot be read: it is none of minisign, and the configuration has [platform] signatures = \"required\"\nget {file} anew from whoever made it; or, {optional}"
        )
    );
    // As it should be, it is loaded; a key that is no longer trusted opens
    // nothing, at once.
    placed(dir.path(), Some("key"));
    assert_eq!(refusal(&host).await, None);
    std::fs::write(
        dir.path().join("platform.toml"),
        trusting(&other.public, FILE, ""),
    )
    .unwrap();
    host.live().reload();
    assert!(
        refusal(&host)
            .await
            .unwrap()
            .contains("none of the trusted ones")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_travels_with_the_component_through_a_registry() {
    let Some(registry) = Registry::start(false) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::new(dir.path(), "key");
    let other = Signer::new(dir.path(), "other");
    placed(dir.path(), Some("key"));
    let tag = format!("{}/acme/vehicle-rdw:1.0.0", registry.name());
    let pushed = koppel(
        dir.path(),
        &["--json", "push", "vehicle-rdw.wasm", &tag, "--plain-http"],
    );
    assert!(pushed.status.success(), "{}", text(&pushed.stderr));
    let pushed = json(&pushed);
    assert_eq!(pushed["signed"], true);
    let source = format!("oci = {}", pushed["pinned"]);
    let more = registry.configuration(false);
    let elsewhere = tempfile::tempdir().unwrap();
    let trusts = host(elsewhere.path(), &trusting(&signer.public, &source, &more));
    assert_eq!(refusal(&trusts).await, None);
    let elsewhere = tempfile::tempdir().unwrap();
    let trusts_not = host(elsewhere.path(), &trusting(&other.public, &source, &more));
    let refused = refusal(&trusts_not).await.unwrap();
    assert!(refused.contains(&signer.number), "{refused}");
    // Seen without being loaded.
    let inspected = koppel(elsewhere.path(), &["--json", "inspect", &tag]);
    let inspected = json(&inspected);
    assert_eq!(
        inspected["provenance"]["signature"]["fault"],
        format!(
            "its component was signed by key {}, which is none of the trusted ones",
            signer.number
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_travels_through_the_object_store_that_hosts_share() {
    let Some(servers) = crate::servers::servers() else {
        return;
    };
    let database = servers.database();
    let shared = servers.configuration(&database, servers.ports(), "");
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::new(dir.path(), "key");
    placed(dir.path(), Some("key"));
    let text = trusting(&signer.public, FILE, &shared);
    let first = host(dir.path(), &text);
    let sha256 = first.publish_component("vehicle-rdw").await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let source = format!("{FILE}\nsha256 = \"{sha256}\"");
    let second = host(
        elsewhere.path(),
        &trusting(&signer.public, &source, &shared),
    );
    assert_eq!(refusal(&second).await, None);
    assert!(elsewhere.path().join("vehicle-rdw.wasm.minisig").exists());
}

#[test]
fn keys_and_passwords_are_handled_with_care() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("password"), "correct horse\n").unwrap();
    let made = koppel(
        dir.path(),
        &["--json", "key", "key", "--password", "file:password"],
    );
    assert!(made.status.success(), "{}", text(&made.stderr));
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(dir.path().join("key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = koppel(dir.path(), &["key", "key", "--no-password"]);
    assert_eq!(again.status.code(), Some(3));
    assert_eq!(
        text(&again.stderr),
        "error: key exists; nothing was written\n"
    );
    placed(dir.path(), None);
    let sign = |password: &str| {
        koppel(
            dir.path(),
            &[
                "sign",
                "vehicle-rdw.wasm",
                "--key",
                "key",
                "--password",
                password,
            ],
        )
    };
    std::fs::write(dir.path().join("wrong"), "wrong\n").unwrap();
    let refused = sign("file:wrong");
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        text(&refused.stderr).starts_with("error: key: "),
        "{}",
        text(&refused.stderr)
    );
    assert!(!dir.path().join("vehicle-rdw.wasm.minisig").exists());
    let signed = sign("file:password");
    assert!(signed.status.success(), "{}", text(&signed.stderr));
}

#[test]
fn the_configuration_says_what_keys_are_for() {
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::new(dir.path(), "key");
    let faults = |platform: &str| {
        let text = format!("[platform]\n{platform}\n");
        let error = Config::parse(&dir.path().join("platform.toml"), &text).unwrap_err();
        error
            .faults
            .into_iter()
            .map(|fault| (fault.line, fault.text))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        faults("signatures = \"required\""),
        [(Some(2), "signatures = \"required\" needs the keys that are trusted: add trusted-keys = [\"RW…\"]".to_owned())]
    );
    assert_eq!(
        faults(&format!("trusted-keys = [\"{}\"]", signer.public)),
        [(Some(2), "trusted-keys are used only with signatures = \"required\": add that, or signatures = \"optional\"".to_owned())]
    );
    assert_eq!(
        faults("signatures = \"required\"\ntrusted-keys = [\"abc\"]"),
        [(Some(3), "\"abc\" is no public key of minisign; it is the second line of a .pub file, such as RWQ…".to_owned())]
    );
    assert_eq!(
        faults("[clients.a]\noci = \"registry.example.nl/acme/journal:1.0\"\nactivities = []"),
        [(Some(3), "oci: registry.example.nl/acme/journal:1.0 names a tag, which can be moved to another component; pin it: `koppel pull registry.example.nl/acme/journal:1.0` says the line to write, oci = \"registry.example.nl/acme/journal@sha256:…\"".to_owned())]
    );
    assert_eq!(
        faults("[clients.a]\ncomponent = \"a.wasm\"\noci = \"registry.example.nl/a:1\"\nactivities = []"),
        [(Some(4), "client \"a\" has a component in a file and one in a registry: remove `component` or `oci`".to_owned())]
    );
    assert_eq!(
        faults("[registries.\"registry.example.nl\"]\nusername = \"a\"\npassword = { env = \"A\" }\nplain-http = true"),
        [(Some(2), "[registries.\"registry.example.nl\"] a password does not go over plain HTTP, but to this machine: remove plain-http".to_owned())]
    );
}
