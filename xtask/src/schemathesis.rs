//! Testing the REST API by its own OpenAPI document, with schemathesis.

use crate::command::run;
use crate::served::{Served, USER};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that is run: another one may find other things.
const VERSION: &str = "4.32.5";

/// The id of the application of the demonstration.
const APPLICATION: &str = "9f3c0b8e-2f54-4bd1-9a58-5d5a2f7f3f10";

/// Starts `koppel serve` on demonstration data and runs schemathesis on it.
/// Both are stopped at the end.
pub(crate) fn schemathesis(arguments: &[String]) -> Result<()> {
    let target = crate::wasm_target::target_folder();
    let folder = target.join("schemathesis");
    fs::create_dir_all(&folder)?;
    let program = install(&folder)?;
    let server = Served::demonstration(&folder)?;
    let hooks = crate::root().join("xtask/schemathesis/hooks.py");
    let mut test = Command::new(program);
    test.current_dir(&folder)
        .env("SCHEMATHESIS_HOOKS", hooks)
        .env("KOPPEL_URL", &server.url)
        .env("KOPPEL_USER", USER.0)
        .env("KOPPEL_PASSWORD", USER.1)
        .env("KOPPEL_APPLICATION", APPLICATION)
        .args(["run", &format!("{}/openapi.json", server.url)])
        .args(["--checks", "all", "--max-examples", "50"])
        .args(arguments);
    let tested = run(&mut test);
    server.stop()?;
    tested
}

/// Installs schemathesis into a folder of its own.
fn install(folder: &Path) -> Result<PathBuf> {
    let venv = folder.join(format!("venv-{VERSION}"));
    let program = venv.join("bin/schemathesis");
    if !program.exists() {
        let mut make = Command::new("python3");
        run(make.args(["-m", "venv"]).arg(&venv))
            .context("schemathesis takes python3 with venv (Debian: python3-venv)")?;
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        run(pip.arg(format!("schemathesis=={VERSION}")))?;
    }
    Ok(program)
}
