//! Connectors in Python, by componentize-py.
//!
//! Python's standard library asks for all of WASI, sockets too, which koppel has
//! not. So all of it is cut off (`--stub-wasi`). That would take along what the
//! connector itself asks for, which is told by its name only: it gets another one
//! of the same length until the component is made.

use super::{Sources, all, tools};
use crate::command::run;
use crate::python::{environment, pip};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The namespace of WASI, and what it is called while the component is made.
const WASI: &str = "wasi:";
const KEPT: &str = "wazi:";

/// Names a module that would be called after the namespace as it should be.
const HTTP_MODULE: &str = "wazi:http/types@0.2.0=wasi_http_types";

/// componentize-py, from PyPI.
pub(super) fn toolchain(_: &Path) -> Result<PathBuf> {
    environment("python", &all().join("python/requirements-build.txt"))
}

/// Builds a component, in which only what is named here becomes a part.
pub(super) fn build(sources: &Sources) -> Result<()> {
    let toolchain = toolchain(&all())?;
    let made = tools()?.join("python-made").join(sources.name);
    if made.exists() {
        fs::remove_dir_all(&made)?;
    }
    let modules = made.join("modules");
    fs::create_dir_all(&modules)?;
    copy_modules(sources, &modules)?;
    let contract = fs::read_to_string(&sources.wit)?;
    let wit = made.join("contract.wit");
    fs::write(&wit, contract.replace(WASI, KEPT))?;
    let mut componentize = Command::new(toolchain.join("bin/componentize-py"));
    componentize.arg("--wit-path").arg(&wit);
    componentize.args(["--world", sources.world, "--quiet"]);
    if contract.contains(WASI) {
        componentize.args(["--import-interface-name", HTTP_MODULE]);
    }
    componentize.args(["componentize", "app", "--stub-wasi", "--python-path"]);
    componentize.arg(&modules);
    // The packages that become a part.
    let requirements = sources.folder.join("requirements.txt");
    if requirements.exists() {
        let packages = made.join("packages");
        run(pip(&toolchain, &requirements)
            .arg("--target")
            .arg(&packages))?;
        componentize.arg("--python-path").arg(&packages);
    }
    let component = made.join("component.wasm");
    componentize.arg("--output").arg(&component);
    // Else the packages of the toolchain would be a part too.
    componentize.env_remove("VIRTUAL_ENV");
    run(&mut componentize)?;
    if requirements.exists() {
        // Python compiled the packages, and what memory that took is a part.
        // Now it finds them compiled.
        run(&mut componentize)?;
    }
    let mut bytes = fs::read(&component).with_context(|| component.display().to_string())?;
    rename(&mut bytes);
    fs::write(&sources.component, bytes)?;
    Ok(())
}

/// Copies the modules: Python writes what it compiled beside them.
fn copy_modules(sources: &Sources, to: &Path) -> Result<()> {
    for path in sources.files()? {
        if path.extension().is_some_and(|extension| extension == "py") {
            fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}

/// Gives what was kept its name back.
fn rename(component: &mut [u8]) {
    let length = KEPT.len();
    for at in 0..component.len().saturating_sub(length - 1) {
        if component[at..].starts_with(KEPT.as_bytes()) {
            component[at..at + length].copy_from_slice(WASI.as_bytes());
        }
    }
}
