//! What is made for partners: the acceptance suite, new connectors, developing,
//! and distribution.

mod accepted;
mod command;
mod dev;
mod distribution;
mod findings;
mod guide;
mod made;
mod registry;
mod rehearsal;
mod signatures;

use crate::harness::{component, repository};
use koppel_host::acceptance::{Report, Scenario, judge};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The scenario of a connector of this repository.
fn acceptance(plugin: &str) -> PathBuf {
    let plugins = repository().join("plugins");
    let in_rust = plugins.join(plugin);
    let folder = if in_rust.exists() {
        in_rust
    } else {
        plugins.join("other-languages").join(plugin)
    };
    folder.join("acceptance.toml")
}

/// Judges a component of `dist/`.
async fn judged(path: &str, scenario: Scenario) -> Report {
    judge(&component(path), scenario, &|_| ()).await.unwrap()
}

/// A scenario that is written in a test.
fn scenario(text: &str) -> Scenario {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("acceptance.toml");
    std::fs::write(&path, text).unwrap();
    Scenario::load(&path).unwrap_or_else(|error| panic!("{error}"))
}

/// Findings in a form to compare: identifier, case, and what was found.
fn found(report: &Report) -> Vec<String> {
    let findings = report.findings.iter();
    let lines =
        findings.map(|finding| format!("{} | {} | {}", finding.id, finding.case, finding.what));
    lines.collect()
}

/// Where the connectors that tests make are built, so that what they depend on
/// is built once.
fn made_target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("made")
}

/// Cargo, for a connector that a test made, with the dependencies of this
/// repository.
fn cargo(folder: &Path) -> Command {
    let lock = folder.join("Cargo.lock");
    if !lock.exists() {
        std::fs::copy(repository().join("Cargo.lock"), lock).unwrap();
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", made_target())
        .env_remove("CARGO_BUILD_TARGET")
        .env("CARGO_TERM_COLOR", "never");
    cargo
}

/// Whether plain cargo builds components here, as it does for partners; said if
/// not.
fn builds_components() -> bool {
    let mut rustc = Command::new("rustc");
    let libraries = rustc.args(["--print", "target-libdir", "--target", "wasm32-wasip2"]);
    let libraries = libraries.output().unwrap();
    let there = Path::new(crate::cli::text(&libraries.stdout).trim()).is_dir();
    if !there {
        crate::servers::required(
            "the target wasm32-wasip2 is not installed (rustup target add wasm32-wasip2)",
        );
    }
    there
}

/// Makes a connector with `koppel new`.
fn new_connector(dir: &Path, name: &str, kind: &str) -> PathBuf {
    let sdk = repository().join("sdk").canonicalize().unwrap();
    let made = crate::cli::koppel(
        dir,
        &["new", name, "--kind", kind, "--sdk", sdk.to_str().unwrap()],
    );
    assert!(made.status.success(), "{}", crate::cli::text(&made.stderr));
    dir.join(name)
}
