//! The licences of what is in a release and was made by others.

use crate::command::{output, run};
use crate::tools::{cargo_tool_with, folder};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of cargo-about.
const CARGO_ABOUT: &str = "0.9.3";

/// Licences that Debian has in full.
const COMMON: &str = "/usr/share/common-licenses";

/// Writes `THIRD-PARTY.txt`, which has the licences of all crates, and the folder
/// `licences` with those of the rest.
///
/// # Errors
///
/// When a licence is not among those accepted, or a text is not found.
pub(crate) fn licences(release: &Path) -> Result<()> {
    // Optimized, but each crate by itself: it reads every file of every crate.
    let crate_by_crate = "profile.release.lto=false";
    let with = ["--features", "cli", "--config", crate_by_crate];
    let program = cargo_tool_with("cargo-about", CARGO_ABOUT, "cargo-about", &with)?;
    let templates = crate::root().join("xtask/release");
    let mut about = Command::new(program);
    about
        .current_dir(crate::root())
        .args(["about", "generate", "--fail", "--locked", "--workspace"])
        .arg("--config")
        .arg(templates.join("about.toml"))
        .arg("--output-file")
        .arg(release.join("THIRD-PARTY.txt"))
        .arg(templates.join("about.hbs"));
    run(&mut about)?;
    let licences = release.join("licences");
    fs::create_dir_all(&licences)?;
    for (name, text) in rest()? {
        fs::copy(&text, licences.join(name)).with_context(|| text.display().to_string())?;
    }
    Ok(())
}

/// What is no crate, which `xtask/release/about.hbs` names: the libraries that a
/// compiler brings along, and what connectors in other languages are run by.
fn rest() -> Result<Vec<(&'static str, PathBuf)>> {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "sysroot"])
        .current_dir(crate::root());
    let rust = PathBuf::from(output(&mut rustc)?);
    let mut python = Command::new("python3");
    python.args(["-c", "import os; print(os.path.dirname(os.__file__))"]);
    let python = PathBuf::from(output(&mut python)?);
    let installed = folder("other-languages")?;
    let of = |pattern: &str| found(&installed, pattern);
    Ok(vec![
        (
            "rust.html",
            rust.join("share/doc/rust/COPYRIGHT-library.html"),
        ),
        ("musl.txt", "/usr/share/doc/musl/copyright".into()),
        ("cpython.txt", python.join("LICENSE.txt")),
        (
            "componentize-py.txt",
            of("*/componentize_py-*/licenses/LICENSE")?,
        ),
        ("xlsxwriter.txt", of("*/xlsxwriter-*/licenses/LICENSE.txt")?),
        ("componentize-js.txt", of("*/componentize-js/LICENSE")?),
        ("MPL-2.0.txt", Path::new(COMMON).join("MPL-2.0")),
        ("Apache-2.0.txt", Path::new(COMMON).join("Apache-2.0")),
    ])
}

/// A file whose path has a pattern.
fn found(folder: &Path, pattern: &str) -> Result<PathBuf> {
    let mut find = Command::new("find");
    find.arg(folder).args(["-path", pattern, "-print", "-quit"]);
    let found = output(&mut find)?;
    ensure!(
        !found.is_empty(),
        "there is no {pattern} below {}",
        folder.display()
    );
    Ok(found.into())
}
