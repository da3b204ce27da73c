//! Building the connectors that are not written in Rust, each with the
//! toolchain of its language, which is installed into the target folder in the
//! versions and with the hashes that lie beside its sources.

mod javascript;
mod python;

use crate::command::{cargo, output, run};
use crate::tools::folder;
use crate::wasm_target::target_folder;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What makes components of a language.
struct Language {
    /// What all its connectors have in common, a folder beside theirs.
    common: Option<&'static str>,
    /// Installs it, for the connector in this folder.
    toolchain: fn(&Path) -> Result<PathBuf>,
    build: fn(&Sources) -> Result<()>,
}

const JAVASCRIPT: Language = Language {
    common: None,
    toolchain: javascript::toolchain,
    build: javascript::build,
};

const PYTHON: Language = Language {
    common: Some("python"),
    toolchain: python::toolchain,
    build: python::build,
};

/// A connector and what its component may import: those toolchains import the
/// whole world that they are given.
struct Connector {
    name: &'static str,
    language: Language,
    /// The world of the contract.
    world: &'static str,
    activities: &'static [&'static str],
    /// Options of `koppel wit` for what it imports besides.
    besides: &'static [&'static str],
}

const CONNECTORS: [Connector; 3] = [
    Connector {
        name: "address-pdok",
        language: JAVASCRIPT,
        world: "lookup-connector",
        activities: &["GetEmployeesByEmployerId"],
        besides: &["--requests"],
    },
    Connector {
        name: "journal-xlsx",
        language: PYTHON,
        world: "journal-connector",
        activities: &[
            "GetJournalRunByJournalRunId",
            "GetJournalRunResultsByJournalRunId",
            "PatchJournalRunByJournalRunId",
        ],
        besides: &["--export-files"],
    },
    Connector {
        name: "legal-entity-gleif",
        language: PYTHON,
        world: "lookup-connector",
        activities: &["GetEmployerByEmployerId"],
        besides: &["--requests"],
    },
];

/// What a component is built from.
struct Sources {
    name: &'static str,
    /// The folder of the connector.
    folder: PathBuf,
    /// The folder of what all of its language have in common.
    common: Option<PathBuf>,
    /// The trimmed contract, a file.
    wit: PathBuf,
    /// The world in it.
    world: &'static str,
    /// Where the component goes.
    component: PathBuf,
}

impl Sources {
    /// The files in its folders.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for folder in std::iter::once(&self.folder).chain(&self.common) {
            for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
                files.push(entry?.path());
            }
        }
        files.retain(|path| path.is_file());
        Ok(files)
    }
}

/// Installs the toolchains, for which nothing needs to be built.
///
/// # Errors
///
/// When one cannot be installed.
pub(crate) fn prepare() -> Result<()> {
    for connector in &CONNECTORS {
        (connector.language.toolchain)(&all().join(connector.name))?;
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
        let wit = tools.join(format!("{}.wit", connector.name));
        fs::write(&wit, contract(koppel, connector)?)?;
        let sources = Sources {
            name: connector.name,
            folder: all().join(connector.name),
            common: connector.language.common.map(|common| all().join(common)),
            component: crate::root()
                .join("dist/plugins")
                .join(format!("{}.wasm", connector.name)),
            wit,
            world: connector.world,
        };
        let inputs = inputs(&sources)?;
        let built_from = tools.join(format!("{}.inputs", connector.name));
        if sources.component.exists() && fs::read(&built_from).is_ok_and(|old| old == inputs) {
            continue;
        }
        eprintln!("building {}", connector.name);
        fs::create_dir_all(crate::root().join("dist/plugins"))?;
        (connector.language.build)(&sources).with_context(|| connector.name)?;
        fs::write(built_from, inputs)?;
    }
    Ok(())
}

/// Where their sources are.
fn all() -> PathBuf {
    crate::root().join("plugins/other-languages")
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
    let mut files = sources.files()?;
    // Not what is read beside it.
    files.retain(|file| !file.ends_with("README.md") && !file.ends_with("acceptance.toml"));
    files.push(sources.wit.clone());
    files.sort();
    let mut inputs = concat!(
        include_str!("other_languages.rs"),
        include_str!("other_languages/javascript.rs"),
        include_str!("other_languages/python.rs"),
    )
    .as_bytes()
    .to_vec();
    for file in files {
        inputs.extend(file.file_name().unwrap_or_default().as_encoded_bytes());
        inputs.push(0);
        inputs.extend(fs::read(&file).with_context(|| file.display().to_string())?);
    }
    Ok(inputs)
}
