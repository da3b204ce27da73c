//! Known vulnerabilities of dependencies, by cargo-audit.

use crate::command::run;
use crate::tools::cargo_tool;
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// The version of cargo-audit.
const VERSION: &str = "0.22.2";

/// How cargo-audit says that it has no advisories to judge by.
const NOT_FETCHED: &str = "couldn't fetch advisory database";

/// Checks `Cargo.lock` against the advisories of RustSec: those of a folder, or
/// else the newest, which are fetched into the target folder.
///
/// # Errors
///
/// When a dependency has a known vulnerability, and when there are no
/// advisories to check against: that is no pass.
pub(crate) fn audit(database: Option<&Path>) -> Result<()> {
    let mut audit = Command::new(cargo_tool("cargo-audit", VERSION)?);
    audit.current_dir(crate::root()).arg("audit").arg("--db");
    if let Some(database) = database {
        let database = std::path::absolute(database)?;
        // Whether a crate was yanked is asked of the registry, so not here.
        audit
            .arg(database)
            .args(["--no-fetch", "--stale", "--no-yanked"]);
        return run(&mut audit);
    }
    audit.arg(crate::wasm_target::target_folder().join("advisory-db"));
    let output = audit.output().context("cargo-audit cannot be started")?;
    std::io::stdout().write_all(&output.stdout)?;
    std::io::stderr().write_all(&output.stderr)?;
    if String::from_utf8_lossy(&output.stderr).contains(NOT_FETCHED) {
        bail!(
            "NOTHING WAS AUDITED: the advisory database cannot be fetched; with a copy of https://github.com/RustSec/advisory-db, run `cargo xtask audit --db <folder>`"
        );
    }
    if !output.status.success() {
        bail!("cargo-audit found something, or failed: {}", output.status);
    }
    Ok(())
}
