//! What koppel costs: builds what is measured and what it is measured beside,
//! and measures.

use crate::command::{cargo, output, run};
use crate::components;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What the plug-in of the peer is compiled for.
const PEER_TARGET: &str = "wasm32-wasip1";

/// Measures; the arguments are those of the measuring program.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    components::plugins()?;
    components::guests()?;
    if let Err(error) = peer() {
        eprintln!(
            "notice: nothing is compared with Extism, whose plug-in cannot be built: {error:#}"
        );
    }
    run(benches("run").args(["--release", "--"]).args(arguments))
}

/// A command of cargo on the workspace of the benchmarks.
fn benches(command: &str) -> Command {
    let mut cargo = cargo();
    cargo
        .args([command, "--manifest-path"])
        .arg(crate::root().join("benches/Cargo.toml"))
        .arg("--target-dir")
        .arg(target());
    cargo
}

fn target() -> PathBuf {
    crate::root().join("benches/target")
}

/// Builds the plug-in of the peer into `dist/benches`.
fn peer() -> Result<()> {
    let mut add = Command::new("rustup");
    add.args(["target", "add", PEER_TARGET])
        .current_dir(crate::root());
    output(&mut add).with_context(|| format!("the target {PEER_TARGET}"))?;
    run(benches("build").args([
        "--quiet",
        "--package",
        "asks-extism",
        "--profile",
        "plugin",
        "--target",
        PEER_TARGET,
    ]))?;
    let dist = crate::root().join("dist/benches");
    fs::create_dir_all(&dist)?;
    let built = target().join(PEER_TARGET).join("plugin/asks_extism.wasm");
    components::copy(&built, &dist.join("asks-extism.wasm"))
}
