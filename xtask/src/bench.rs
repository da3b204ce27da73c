//! What koppel costs: builds what is measured and what it is measured beside,
//! and measures.

use crate::command::{cargo, output, run};
use crate::components;
use crate::tools::cargo_tool_with;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What the plug-in of Extism is compiled for.
const EXTISM_TARGET: &str = "wasm32-wasip1";

/// What the component for `wasmtime serve` is compiled for.
const SERVE_TARGET: &str = "wasm32-wasip2";

/// The version of `wasmtime serve`: the one that koppel is built on.
const WASMTIME: &str = "48.0.2";

/// Measures; the arguments are those of the measuring program.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    components::plugins()?;
    components::guests()?;
    if let Err(error) = peer("asks-extism", EXTISM_TARGET) {
        eprintln!(
            "notice: nothing is compared with Extism, whose plug-in cannot be built: {error:#}"
        );
    }
    let mut measure = benches("run");
    measure.args(["--release", "--"]).args(arguments);
    match peer("asks-http", SERVE_TARGET).and_then(|()| wasmtime()) {
        Ok(program) => {
            measure.env("KOPPEL_WASMTIME", program);
        }
        Err(error) => eprintln!("notice: nothing is compared with `wasmtime serve`: {error:#}"),
    }
    run(&mut measure)
}

/// The command of the engine.
fn wasmtime() -> Result<PathBuf> {
    let features = "serve,run,cranelift,parallel-compilation,pooling-allocator,component-model,component-model-async";
    cargo_tool_with(
        "wasmtime-cli",
        WASMTIME,
        "wasmtime",
        &["--no-default-features", "--features", features],
    )
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

/// Builds the guest of a peer into `dist/benches`.
fn peer(package: &str, target: &str) -> Result<()> {
    let mut add = Command::new("rustup");
    add.args(["target", "add", target])
        .current_dir(crate::root());
    output(&mut add).with_context(|| format!("the target {target}"))?;
    run(benches("build")
        .args(["--quiet", "--package", package])
        .args(["--profile", "plugin", "--target", target]))?;
    let dist = crate::root().join("dist/benches");
    fs::create_dir_all(&dist)?;
    let file = format!("{}.wasm", package.replace('-', "_"));
    let built = self::target().join(target).join("plugin").join(file);
    components::copy(&built, &dist.join(format!("{package}.wasm")))
}
