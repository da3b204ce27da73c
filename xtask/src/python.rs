//! Virtual environments of Python in the target folder, for tools that are
//! packages of PyPI.

use crate::command::{install, run};
use crate::tools;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A virtual environment of Python with these requirements, installed with the
/// hashes in them.
///
/// # Errors
///
/// When there is no Python, or they cannot be installed.
pub(crate) fn environment(name: &str, requirements: &Path) -> Result<PathBuf> {
    let folder = tools::folder("python")?.join(name);
    let (wanted, stamp) = (fs::read(requirements)?, folder.join("requirements.txt"));
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    let make = || {
        let mut make = Command::new("python3");
        run(make.args(["-m", "venv", "--clear"]).arg(&folder))
    };
    if let Err(error) = make() {
        eprintln!("{error}; installing the Debian package python3-venv");
        install(&["python3-venv"]).context("python3 with venv is needed")?;
        make()?;
    }
    run(&mut pip(&folder, requirements))?;
    fs::write(stamp, wanted)?;
    Ok(folder)
}

/// Installs packages with the hashes of their files, and runs nothing of them.
pub(crate) fn pip(environment: &Path, requirements: &Path) -> Command {
    let mut pip = Command::new(environment.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"])
        .args([
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--requirement",
        ])
        .arg(requirements);
    pip
}
