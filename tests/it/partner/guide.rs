//! The tutorial of the partner guide: its commands, in their order.

use super::registry::Registry;
use super::{builds_components, made_target};
use crate::cli::text;
use crate::harness::repository;
use std::path::Path;
use std::process::Command;

/// The commands of a section: all of its blocks of `sh`.
fn commands(guide: &str, section: &str) -> String {
    let section = guide.split("\n## ").find(|part| part.starts_with(section));
    let blocks = section.unwrap().split("```sh\n").skip(1);
    let blocks: Vec<&str> = blocks
        .map(|block| block.split("```").next().unwrap())
        .collect();
    blocks.concat()
}

#[test]
fn the_tutorial_goes_from_nothing_to_a_connector_that_an_operator_pins() {
    let Some(registry) = Registry::start(false) else {
        return;
    };
    if !builds_components() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let guide = std::fs::read_to_string(repository().join("docs/partner-guide.md")).unwrap();
    let repository = repository().canonicalize().unwrap();
    // What would be built and fetched again is taken from here.
    let here = format!(
        "cd journal-example\nmkdir -p '{0}'\nln -s '{0}' target\ncp '{1}/Cargo.lock' .\n",
        made_target().display(),
        repository.display()
    );
    let script = commands(&guide, "From nothing to a registry")
        .replace("127.0.0.1:5000", &registry.name())
        .replace("cd journal-example\n", &here);
    let koppel = Path::new(env!("CARGO_BIN_EXE_koppel"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", koppel.parent().unwrap().display());
    let output = Command::new("bash")
        .args(["-euxo", "pipefail", "-c", &script])
        .current_dir(dir.path())
        .env("PATH", path)
        .env("CARGO", env!("CARGO"))
        .env("KOPPEL_SDK", repository.join("sdk"))
        .env("PARTY_TOKEN", "made up")
        .env("NO_COLOR", "1")
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}\n{}", text(&output.stderr));
    for part in [
        "made journal-example",
        "succeeded in ",
        "passes: ",
        "signed journal_example.wasm",
        "(signed)",
        "signature    verified, by key ",
        ": journal-example 0.1.0",
        "valid platform.toml: 1 clients, 0 users, 0 rights",
        "Books journal runs in an accounting package",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let report = std::fs::read_to_string(dir.path().join("journal-example/report.xml")).unwrap();
    assert!(report.contains("failures=\"0\""), "{report}");
}
