//! What the program and the connectors are made of: a software bill of
//! materials each, in CycloneDX, by cargo-cyclonedx.

use crate::command::{output, run};
use crate::tools::cargo_tool;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The version of cargo-cyclonedx.
const VERSION: &str = "0.5.9";

/// The version of CycloneDX.
const SPECIFICATION: &str = "1.5";

/// What the files are called where cargo-cyclonedx puts them: beside each
/// manifest, until they are moved away. Git ignores it.
const TEMPORARY: &str = "koppel-sbom";

/// Writes `target/sbom/<package>.cdx.json` for the host, the SDK and each
/// connector.
///
/// # Errors
///
/// When cargo-cyclonedx cannot be installed or fails.
pub(crate) fn sbom() -> Result<()> {
    let program = cargo_tool("cargo-cyclonedx", VERSION)?;
    let folder = crate::wasm_target::target_folder().join("sbom");
    fs::create_dir_all(&folder)?;
    let mut make = Command::new(program);
    make.current_dir(crate::root())
        .args(["cyclonedx", "--quiet", "--format", "json"])
        .args(["--spec-version", SPECIFICATION])
        .args(["--override-filename", TEMPORARY]);
    let made = run(&mut make);
    let mut written = 0;
    for (package, manifest) in packages()? {
        let beside = manifest.with_file_name(format!("{TEMPORARY}.json"));
        if !beside.exists() {
            continue;
        }
        let text = fs::read_to_string(&beside)?;
        fs::remove_file(&beside)?;
        let shipped = ["host", "sdk", "plugins"];
        let within = manifest.strip_prefix(crate::root()).unwrap_or(&manifest);
        if made.is_err() || !shipped.iter().any(|part| within.starts_with(part)) {
            continue;
        }
        // Where the repository lies on this machine concerns nobody.
        let root = format!("{}/", crate::root().display());
        let path = folder.join(format!("{package}.cdx.json"));
        fs::write(&path, text.replace(&root, ""))?;
        println!("{}", path.display());
        written += 1;
    }
    made?;
    ensure!(written > 0, "cargo-cyclonedx wrote nothing");
    Ok(())
}

/// The packages of the workspace: their names and manifests.
fn packages() -> Result<Vec<(String, PathBuf)>> {
    let mut metadata = crate::command::cargo();
    metadata.args(["metadata", "--no-deps", "--format-version", "1", "--locked"]);
    let metadata: serde_json::Value = serde_json::from_str(&output(&mut metadata)?)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    packages
        .iter()
        .map(|package| {
            let text = |name: &str| package[name].as_str().context("not cargo metadata");
            Ok((text("name")?.to_owned(), text("manifest_path")?.into()))
        })
        .collect()
}
