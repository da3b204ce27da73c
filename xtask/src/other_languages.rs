//! Building the connectors that are not written in Rust, each with the
//! toolchain of its language, which is installed into the target folder in the
//! versions and with the hashes that lie beside its sources.

use crate::command::{cargo, exists, output, run};
use crate::python::{environment, pip};
use crate::tools::folder;
use crate::wasm_target::target_folder;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest Node.js that the toolchain for JavaScript runs on.
const NODE: u32 = 20;

/// A connector and what its component may import: those toolchains import the
/// whole world that they are given.
struct Connector {
    name: &'static str,
    activities: &'static [&'static str],
    /// Options of `koppel wit` for what it imports besides.
    besides: &'static [&'static str],
    toolchain: fn(&Path) -> Result<PathBuf>,
    build: fn(&Sources) -> Result<()>,
}

const CONNECTORS: [Connector; 2] = [
    Connector {
        name: "address-pdok",
        activities: &["GetEmployeesByEmployerId"],
        besides: &["--requests"],
        toolchain: javascript_toolchain,
        build: javascript,
    },
    Connector {
        name: "journal-xlsx",
        activities: &[
            "GetJournalRunByJournalRunId",
            "GetJournalRunResultsByJournalRunId",
            "PatchJournalRunByJournalRunId",
        ],
        besides: &["--export-files"],
        toolchain: python_toolchain,
        build: python,
    },
];

/// What a component is built from.
struct Sources {
    /// The folder of the connector.
    folder: PathBuf,
    /// The trimmed contract, a file.
    wit: PathBuf,
    /// Where the component goes.
    component: PathBuf,
}

/// Installs the toolchains, for which nothing needs to be built.
///
/// # Errors
///
/// When one cannot be installed.
pub(crate) fn prepare() -> Result<()> {
    for connector in &CONNECTORS {
        (connector.toolchain)(&sources_of(connector))?;
    }
    Ok(())
}

/// Builds them, and the host whose contract they are made for.
pub(crate) fn build() -> Result<()> {
    // Everything, as the tests do: for the host alone, cargo would choose other
    // features of shared dependencies.
    run(cargo().args(["build", "--quiet", "--workspace", "--all-targets"]))?;
    build_for(&target_folder().join("debug/koppel"))
}

/// Builds them into `dist/plugins`, for a host that is there. What would be built
/// from the same as before is left alone.
pub(crate) fn build_for(koppel: &Path) -> Result<()> {
    let tools = tools()?;
    for connector in &CONNECTORS {
        let folder = sources_of(connector);
        let wit = tools.join(format!("{}.wit", connector.name));
        fs::write(&wit, contract(koppel, connector)?)?;
        let sources = Sources {
            component: crate::root()
                .join("dist/plugins")
                .join(format!("{}.wasm", connector.name)),
            folder,
            wit,
        };
        let inputs = inputs(&sources)?;
        let built_from = tools.join(format!("{}.inputs", connector.name));
        if sources.component.exists() && fs::read(&built_from).is_ok_and(|old| old == inputs) {
            continue;
        }
        eprintln!("building {}", connector.name);
        fs::create_dir_all(crate::root().join("dist/plugins"))?;
        (connector.build)(&sources).with_context(|| connector.name)?;
        fs::write(built_from, inputs)?;
    }
    Ok(())
}

fn sources_of(connector: &Connector) -> PathBuf {
    let all = crate::root().join("plugins/other-languages");
    all.join(connector.name)
}

/// Where toolchains and what is made on the way are.
fn tools() -> Result<PathBuf> {
    folder("other-languages")
}

/// The contract with what a connector may import.
fn contract(koppel: &Path, connector: &Connector) -> Result<String> {
    let mut wit = Command::new(koppel);
    wit.args(["wit", "--activities", &connector.activities.join(",")])
        .args(connector.besides);
    output(&mut wit)
}

/// All that a component is built from, one after the other: its files, and how
/// it is built.
fn inputs(sources: &Sources) -> Result<Vec<u8>> {
    let mut files: Vec<PathBuf> = fs::read_dir(&sources.folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    // Not what is read beside it.
    files.retain(|file| {
        file.is_file() && !file.ends_with("README.md") && !file.ends_with("acceptance.toml")
    });
    files.push(sources.wit.clone());
    files.sort();
    let mut inputs = include_bytes!("other_languages.rs").to_vec();
    for file in files {
        inputs.extend(file.file_name().unwrap_or_default().as_encoded_bytes());
        inputs.push(0);
        inputs.extend(fs::read(&file).with_context(|| file.display().to_string())?);
    }
    Ok(inputs)
}

/// componentize-js, from npm.
fn javascript_toolchain(sources: &Path) -> Result<PathBuf> {
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
fn javascript(sources: &Sources) -> Result<()> {
    let mut componentize = node("node")?;
    componentize
        .arg(javascript_toolchain(&sources.folder)?)
        .arg(sources.folder.join("connector.js"))
        .arg("--wit")
        .arg(&sources.wit)
        .args(["--world-name", "lookup-connector", "--out"])
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

/// componentize-py, from PyPI.
fn python_toolchain(sources: &Path) -> Result<PathBuf> {
    environment("python", &sources.join("requirements-build.txt"))
}

/// By componentize-py, with all of WASI cut off: Python's standard library would
/// ask for sockets, which koppel has not.
fn python(sources: &Sources) -> Result<()> {
    let toolchain = python_toolchain(&sources.folder)?;
    // The packages that become part of the component.
    let packages = tools()?.join("python-packages");
    if packages.exists() {
        fs::remove_dir_all(&packages)?;
    }
    let mut install = pip(&toolchain, &sources.folder.join("requirements.txt"));
    run(install.arg("--target").arg(&packages))?;
    // Python writes what it compiled beside the sources.
    let copies = tools()?.join("python-sources");
    if copies.exists() {
        fs::remove_dir_all(&copies)?;
    }
    fs::create_dir_all(&copies)?;
    for entry in fs::read_dir(&sources.folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "py") {
            fs::copy(&path, copies.join(path.file_name().unwrap_or_default()))?;
        }
    }
    let mut componentize = Command::new(toolchain.join("bin/componentize-py"));
    componentize
        .arg("--wit-path")
        .arg(&sources.wit)
        .args(["--world", "journal-connector", "--quiet"])
        .args(["componentize", "app", "--stub-wasi", "--python-path"])
        .arg(&copies)
        .arg("--python-path")
        .arg(&packages)
        .arg("--output")
        .arg(&sources.component)
        // Only what is named above is part of the component.
        .env_remove("VIRTUAL_ENV");
    run(&mut componentize)
}
