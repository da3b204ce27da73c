//! Connectors that `koppel new` makes: they build, pass their own tests and the
//! suite.

use super::{builds_components, cargo, found, made_target, new_connector};
use crate::cli::{json, koppel, text};
use crate::harness::repository;
use koppel_host::acceptance::{Scenario, judge};
use std::process::Output;

#[track_caller]
fn succeeded(output: &Output) {
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{said}");
}

async fn works(kind: &str) {
    if !builds_components() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let name = format!("made-{kind}");
    let folder = new_connector(dir.path(), &name, kind);
    succeeded(&cargo(&folder).args(["test", "--quiet"]).output().unwrap());
    succeeded(
        &cargo(&folder)
            .args(["build", "--release", "--quiet", "--target", "wasm32-wasip2"])
            .output()
            .unwrap(),
    );
    let component = made_target()
        .join("wasm32-wasip2/release")
        .join(format!("made_{kind}.wasm"));
    let scenario = Scenario::load(&folder.join("acceptance.toml")).unwrap();
    let report = judge(&component, scenario, &|_| ()).await.unwrap();
    assert_eq!(found(&report), [""; 0]);
    assert!(report.passed);
    assert_eq!(report.description.unwrap().name, name);
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(
        readme.contains(&format!("connector of kind {kind}")),
        "{readme}"
    );
    for file in [
        "Cargo.toml",
        "README.md",
        "src/lib.rs",
        "tests/connector.rs",
        "acceptance.toml",
    ] {
        let written = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(
            !written.contains("{{"),
            "{file} has something left to fill in:\n{written}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connector_of_kind_journal_works() {
    works("journal").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connector_of_kind_declaration_works() {
    works("declaration").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connector_of_kind_lookup_works() {
    works("lookup").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connector_of_kind_product_works() {
    works("product").await;
}

#[test]
fn a_name_that_is_none_is_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    for (name, why) in [
        (
            "Journal",
            "it must be in kebab-case and begin with a letter, such as journal-example",
        ),
        (
            "../journal",
            "it must be in kebab-case and begin with a letter, such as journal-example",
        ),
        (
            "1-journal",
            "it must be in kebab-case and begin with a letter, such as journal-example",
        ),
        (
            "journal--a",
            "it must be in kebab-case and begin with a letter, such as journal-example",
        ),
        ("match", "it means something to Rust"),
    ] {
        let made = koppel(dir.path(), &["new", name, "--kind", "journal"]);
        assert_eq!(made.status.code(), Some(3));
        assert_eq!(
            text(&made.stderr),
            format!("error: {name:?} cannot be the name of a connector: {why}\n")
        );
    }
    let long = "a".repeat(65);
    let made = koppel(dir.path(), &["new", &long, "--kind", "journal"]);
    assert!(text(&made.stderr).contains("it is longer than 64 characters"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_is_there_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("journal-mine");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("notes.txt"), "mine").unwrap();
    let made = koppel(dir.path(), &["new", "journal-mine", "--kind", "journal"]);
    assert_eq!(made.status.code(), Some(3));
    assert_eq!(
        text(&made.stderr),
        "error: journal-mine is not empty; nothing was written. Choose another with --path\n"
    );
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    // An empty folder is as good as none.
    let made = koppel(
        dir.path(),
        &[
            "--json",
            "new",
            "journal-mine",
            "--kind",
            "journal",
            "--path",
            "elsewhere",
        ],
    );
    let made = json(&made);
    assert_eq!(made["files"].as_array().unwrap().len(), 7);
    let manifest = std::fs::read_to_string(dir.path().join("elsewhere/Cargo.toml")).unwrap();
    let sdk = format!(
        "koppel-sdk = {{ git = \"https://github.com/koppel-host/koppel\", tag = \"v{}\" }}",
        env!("CARGO_PKG_VERSION")
    );
    assert!(manifest.contains(&sdk), "{manifest}");
}

#[test]
fn an_sdk_that_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let host = repository().join("host");
    let host = host.to_str().unwrap();
    let made = koppel(dir.path(), &["new", "a", "--kind", "lookup", "--sdk", host]);
    assert_eq!(made.status.code(), Some(3));
    assert_eq!(
        text(&made.stderr),
        format!("error: --sdk {host}: it is not the SDK of koppel\n")
    );
}
