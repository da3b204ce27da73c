//! Building components: the connectors and the guests of the sandbox tests.

use crate::command::{cargo, run};
use crate::wasm_target::{self, Target};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

/// Builds the connectors into `dist/plugins`.
pub(crate) fn plugins() -> Result<()> {
    build("plugins", "dist/plugins", &wasm_target::ensure()?)
}

/// Builds the guests of the sandbox tests into `dist/guests`.
pub(crate) fn guests() -> Result<()> {
    build("tests/guests", "dist/guests", &wasm_target::ensure()?)
}

/// Builds one connector without rustup's target.
pub(crate) fn exercise_debian() -> Result<()> {
    let target = Target::debian()?;
    compile(&["vehicle-rdw".to_owned()], &target)?;
    let built = target.output().join("vehicle_rdw.wasm");
    let bytes = fs::read(&built).with_context(|| built.display().to_string())?;
    // The preamble of a component; that of a core module is 01 00 00 00.
    ensure!(
        bytes.starts_with(b"\0asm\x0d\0\x01\0"),
        "{} is not a component",
        built.display()
    );
    println!(
        "{} is a component of {} bytes",
        built.display(),
        bytes.len()
    );
    Ok(())
}

fn build(from: &str, to: &str, target: &Target) -> Result<()> {
    let packages = packages(&crate::root().join(from))?;
    if packages.is_empty() {
        return Ok(());
    }
    compile(&packages, target)?;
    let dist = crate::root().join(to);
    fs::create_dir_all(&dist)?;
    for package in packages {
        let built = target
            .output()
            .join(format!("{}.wasm", package.replace('-', "_")));
        copy(&built, &dist.join(format!("{package}.wasm")))?;
    }
    Ok(())
}

/// Copies what was built. Left alone when it is the same, so that whoever
/// watches it sees changes only.
pub(crate) fn copy(built: &Path, copy: &Path) -> Result<()> {
    let bytes = fs::read(built).with_context(|| built.display().to_string())?;
    if fs::read(copy).ok().as_ref() != Some(&bytes) {
        fs::write(copy, bytes).with_context(|| copy.display().to_string())?;
    }
    Ok(())
}

fn compile(packages: &[String], target: &Target) -> Result<()> {
    let mut build = cargo();
    build.args([
        "build",
        "--quiet",
        "--profile",
        "plugin",
        "--target",
        "wasm32-wasip2",
    ]);
    for package in packages {
        build.args(["--package", package]);
    }
    target.prepare(&mut build);
    run(&mut build)
}

/// The packages in the folders below a folder; each is named after its folder.
fn packages(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if !folder.exists() {
        return Ok(names);
    }
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
