//! Connectors in JavaScript, by componentize-js.

use super::{Sources, tools};
use crate::command::{exists, output, run};
use crate::python::environment;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest Node.js that the toolchain runs on.
const NODE: u32 = 20;

/// componentize-js, from npm.
pub(super) fn toolchain(sources: &Path) -> Result<PathBuf> {
    let toolchain = tools()?.join("javascript");
    let program = toolchain.join("node_modules/.bin/componentize-js");
    let lock = "package-lock.json";
    let (wanted, installed) = (sources.join(lock), toolchain.join(lock));
    if !program.exists() || fs::read(&wanted)? != fs::read(&installed).unwrap_or_default() {
        fs::create_dir_all(&toolchain)?;
        for file in ["package.json", lock] {
            fs::copy(sources.join(file), toolchain.join(file))?;
        }
        let mut npm = node("npm")?;
        npm.current_dir(&toolchain)
            .args(["ci", "--ignore-scripts", "--no-fund", "--no-audit"])
            .args(["--loglevel", "error"]);
        run(&mut npm)?;
    }
    Ok(program)
}

/// By componentize-js, without the features that ask more of WASI than outside
/// requests.
pub(super) fn build(sources: &Sources) -> Result<()> {
    let mut componentize = node("node")?;
    componentize
        .arg(toolchain(&sources.folder)?)
        .arg(sources.folder.join("connector.js"))
        .arg("--wit")
        .arg(&sources.wit)
        .args(["--world-name", sources.world, "--out"])
        .arg(&sources.component)
        .args(["--disable", "random", "clocks", "stdio", "fetch-event"]);
    run(&mut componentize)
}

/// A program of Node.js: the one of this machine if it is new enough, else one
/// from a Python package.
fn node(program: &str) -> Result<Command> {
    let version = output(Command::new("node").arg("--version")).unwrap_or_default();
    let major = version.trim_start_matches('v').split('.').next();
    let major = major.and_then(|major| major.parse().ok());
    if major >= Some(NODE) && exists("npm") {
        return Ok(Command::new(program));
    }
    let environment = environment(
        "node",
        &crate::root().join("xtask/other-languages/node.txt"),
    )?;
    let programs = environment.join("bin");
    let mut command = Command::new(programs.join(program));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(programs).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(path)?);
    Ok(command)
}
