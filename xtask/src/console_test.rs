//! The console in a real browser: Chromium of Debian, driven by Playwright.

use crate::command::{exists, if_possible, install, run};
use crate::components;
use crate::served::{Served, USER};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Debian packages, by the program of each.
const PACKAGES: [(&str, &str); 3] = [("node", "nodejs"), ("npm", "npm"), ("chromium", "chromium")];

/// As [`console_test`], where what it takes can be had. Otherwise it says so;
/// where servers are required, that is a failure.
///
/// # Errors
///
/// As for [`console_test`].
pub(crate) fn console_test_if_possible() -> Result<()> {
    match if_possible("the console in a browser", prepare)? {
        Some(folder) => test(&folder, None),
        None => Ok(()),
    }
}

/// Tests the console in a browser. With a folder for them, keeps a picture of
/// every page.
///
/// # Errors
///
/// When something cannot be installed or started, or a test fails.
pub(crate) fn console_test(screenshots: Option<&Path>) -> Result<()> {
    components::plugins()?;
    test(&prepare()?, screenshots)
}

/// Installs what it takes, and gives the folder where the tests are run.
///
/// # Errors
///
/// When something cannot be installed.
pub(crate) fn prepare() -> Result<PathBuf> {
    let missing: Vec<_> = PACKAGES
        .into_iter()
        .filter(|(program, _)| !exists(program))
        .map(|(_, package)| package)
        .collect();
    if !missing.is_empty() {
        install(&missing).with_context(|| format!("apt-get install {}", missing.join(" ")))?;
    }
    let folder = crate::wasm_target::target_folder().join("console-test");
    fs::create_dir_all(&folder)?;
    let from = crate::root().join("tests/console");
    // What was installed is good as long as it is this list.
    let lock = "package-lock.json";
    let same = fs::read(folder.join(lock)).ok() == Some(fs::read(from.join(lock))?);
    for entry in fs::read_dir(&from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    if !(same && folder.join("node_modules").exists()) {
        let mut npm = Command::new("npm");
        let installed =
            run(npm
                .current_dir(&folder)
                .args(["ci", "--ignore-scripts", "--loglevel=error"]));
        if let Err(error) = installed {
            // Else it would be taken for whole the next time.
            let _ = fs::remove_file(folder.join(lock));
            return Err(error);
        }
    }
    Ok(folder)
}

fn test(folder: &Path, screenshots: Option<&Path>) -> Result<()> {
    let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];
    let Some(chromium) = chromium.into_iter().find(|path| Path::new(path).exists()) else {
        bail!("there is no Chromium in /usr/bin");
    };
    let served = Served::demonstration(folder)?;
    let mut node = Command::new("node");
    node.current_dir(folder)
        .args(["--test", "--test-reporter=spec"])
        .arg("console.test.mjs")
        .env("KOPPEL_URL", &served.url)
        .env("KOPPEL_USER", USER.0)
        .env("KOPPEL_PASSWORD", USER.1)
        .env("KOPPEL_CHROMIUM", chromium);
    if let Some(screenshots) = screenshots {
        node.env("KOPPEL_SCREENSHOTS", std::path::absolute(screenshots)?);
    }
    let tested = run(&mut node);
    served.stop()?;
    tested
}
