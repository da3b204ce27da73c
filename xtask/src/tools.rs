//! Tools that the tests and checks use.

use crate::command::{cargo, exists, install, output, run};
use anyhow::Result;
use std::process::Command;

/// Installs xmllint where that is possible. Without it, the tests that need it
/// say so.
pub(crate) fn xmllint() {
    if exists("xmllint") {
        return;
    }
    if let Err(error) = install(&["libxml2-utils"]) {
        eprintln!("xmllint is missing and cannot be installed (package libxml2-utils): {error}");
    }
}

/// Checks dependencies by cargo-deny, installing it into the target folder.
pub(crate) fn deny() -> Result<()> {
    let tools = crate::root().join("target/tools");
    let installed = tools.join("bin/cargo-deny");
    let program = if exists("cargo-deny") {
        "cargo-deny".into()
    } else {
        if !installed.exists() {
            // The build folder is shared, so that what it has in common with
            // the project is not compiled again.
            let mut install = cargo();
            install
                .args(["install", "--quiet", "--locked", "cargo-deny", "--root"])
                .arg(&tools);
            install.args(["--profile", "dev"]);
            run(&mut install)?;
        }
        installed.into_os_string()
    };
    let check = |what: &[&str]| {
        let mut deny = Command::new(&program);
        deny.current_dir(crate::root())
            .args(["--locked", "check"])
            .args(what);
        deny
    };
    run(&mut check(&["bans", "licenses", "sources"]))?;
    let mut fetch = Command::new(&program);
    fetch.current_dir(crate::root()).args(["fetch", "db"]);
    if let Err(error) = output(&mut fetch) {
        eprintln!(
            "notice: the advisory database cannot be reached, so advisories are not checked: {error}"
        );
        return Ok(());
    }
    run(&mut check(&["advisories"]))
}
