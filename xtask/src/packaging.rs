//! Tries what is in `packaging/` as far as a machine allows: the unit under a
//! real systemd in a container, the image, the manifests.

mod image;
mod service;

use crate::command::{exists, install, output, run};
use crate::{python, release, wasm_target};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The most exposure that `systemd-analyze security` may see in the unit, in
/// tenths, from 0 to 100.
const EXPOSURE: &str = "11";

/// What the tests of packaging take, as Debian packages.
const PACKAGES: [(&str, &str); 5] = [
    ("systemd-nspawn", "systemd-container"),
    ("dbus-daemon", "dbus"),
    ("podman", "podman"),
    ("runc", "runc"),
    ("curl", "curl"),
];

/// The payroll data that is tried: one journal run of one employer. Both have
/// the same identifier in it.
const DATA: &str = "tests/it/import.json";

/// Tries all of it, with a release that is there or the one that `cargo xtask
/// release` makes.
///
/// # Errors
///
/// When something does not hold. What the machine does not allow is said, and
/// is no error unless everything is required.
pub(crate) fn packaging(made: Option<&Path>) -> Result<()> {
    let release = match made {
        Some(made) => std::path::absolute(made)?,
        None => release::release()?,
    };
    let missing: Vec<_> = PACKAGES
        .iter()
        .filter(|(program, _)| !exists(program))
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty()
        && let Err(error) = install(&missing)
    {
        println!("not installed: {}: {error}", missing.join(", "));
    }
    unit()?;
    service::service(&release)?;
    image::image(&release)?;
    manifests()
}

/// Whether this is root, which most of it takes.
fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))? == "0")
}

/// The scripts that are tried, and their configuration.
fn tried() -> PathBuf {
    crate::root().join("xtask/packaging/try")
}

/// That configuration.
pub(crate) fn configuration() -> PathBuf {
    tried().join("platform.toml")
}

/// What systemd says of the unit without running it.
fn unit() -> Result<()> {
    let mut security = Command::new("systemd-analyze");
    security
        .current_dir(crate::root())
        .args(["security", "--offline=true", "--no-pager"])
        .arg(format!("--threshold={EXPOSURE}"))
        .arg("packaging/systemd/koppel.service");
    let said = output(&mut security).context("the unit is more exposed than it may be")?;
    let overall = said.lines().rfind(|line| line.contains("Overall exposure"));
    println!("unit: {}", overall.unwrap_or_default().trim());
    Ok(())
}

/// The manifests against the schemas of Kubernetes, which a Python package
/// brings along.
fn manifests() -> Result<()> {
    let requirements = crate::root().join("xtask/packaging/kubernetes.txt");
    let python = python::environment("kubernetes", &requirements)?;
    let folder = crate::root().join("packaging/kubernetes");
    let files = if exists("kubectl") {
        let mut build = Command::new("kubectl");
        let built = output(build.arg("kustomize").arg(&folder))?;
        let file = wasm_target::target_folder().join("koppel.yaml");
        fs::write(&file, built)?;
        vec![file]
    } else {
        println!("manifests: checked one by one; `kubectl`, which puts them together, is missing");
        let manifests = ["namespace", "service", "statefulset", "network-policy"];
        manifests
            .iter()
            .map(|name| folder.join(format!("{name}.yaml")))
            .collect()
    };
    let mut validate = Command::new(python.join("bin/kubernetes-validate"));
    run(validate.args(["--strict", "--quiet"]).args(files))?;
    println!("manifests: valid by the schemas of Kubernetes; not tried in a cluster");
    Ok(())
}
