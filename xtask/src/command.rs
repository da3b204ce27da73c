//! Running other programs.

use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// The cargo that runs this.
pub(crate) fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(crate::root());
    // What `cargo run` says of this program is not for the next cargo: build
    // scripts that look at it (ring's) would run again whenever someone goes
    // from `cargo xtask` to `cargo` and back, and with them half of the host.
    for (name, _) in std::env::vars_os() {
        let of_this = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if of_this {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command with its output shown.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("`{}` cannot be started", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", shown(command));
    }
    Ok(())
}

/// Runs a command and gives what it prints, without the last line break.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("`{}` cannot be started", shown(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` failed: {}\n{}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// Whether a program can be started.
pub(crate) fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// Does the part `what` of a task, which takes more than this machine may have.
/// What is not possible is said; where everything is required, as in `.ci/run`,
/// it is a failure.
///
/// # Errors
///
/// Those of the part, where everything is required.
pub(crate) fn if_possible<T>(what: &str, part: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    let required = std::env::var_os("KOPPEL_REQUIRE_SERVERS")
        .is_some_and(|value| !value.is_empty() && value != "0");
    match part() {
        Err(error) if !required => {
            eprintln!("skipped: {what}: {error:#}");
            Ok(None)
        }
        done => done.map(Some).with_context(|| what.to_owned()),
    }
}

/// Installs Debian packages.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    // apt refuses to run beside itself.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.arg("--quiet").args(arguments);
        output(&mut apt).map(drop)
    };
    // A fresh machine has no lists of packages yet, or old ones.
    apt(&["update"])?;
    apt(&[&["install", "--yes"], packages].concat())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
