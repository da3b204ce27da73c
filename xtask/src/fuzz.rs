//! Fuzzing of what the host reads of others, by cargo-fuzz and libFuzzer.

use crate::tools::cargo_tool;
use anyhow::{Result, bail, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The version of cargo-fuzz.
const VERSION: &str = "0.13.2";

/// The longest that one input may take, in seconds.
const TIMEOUT: u32 = 30;

/// The most memory of the process, in MiB. The pool of instances is reserved,
/// not used.
const MEMORY: u32 = 4096;

/// Runs one target, or each of them, for so many seconds. Starts from the seeds
/// and from what earlier runs found.
///
/// # Errors
///
/// When an input fails: it is then in `fuzz/failed/<target>/`, where the tests
/// replay it.
pub(crate) fn fuzz(seconds: u64, target: Option<&str>) -> Result<()> {
    let program = cargo_tool("cargo-fuzz", VERSION)?;
    let targets = targets()?;
    let chosen: Vec<&String> = match target {
        None => targets.iter().collect(),
        Some(name) => targets.iter().filter(|known| *known == name).collect(),
    };
    ensure!(
        !chosen.is_empty(),
        "there is no such target; the targets are: {}",
        targets.join(", ")
    );
    let mut failed = Vec::new();
    for target in chosen {
        println!("fuzzing {target} for {seconds} s");
        let (corpus, seeds) = (folder("corpus").join(target), seeds().join(target));
        let found = crate::root().join("fuzz/failed").join(target);
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&found)?;
        let mut run = Command::new(&program);
        // Without a sanitizer, because those take a nightly toolchain, and the
        // host has no unsafe code of its own to find faults in.
        run.current_dir(crate::root())
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["fuzz", "run", "--fuzz-dir", "fuzz", "--sanitizer", "none"])
            .arg("--target-dir")
            .arg(folder("build"))
            .arg(target)
            .arg(&corpus)
            .arg(&seeds)
            .arg("--")
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={TIMEOUT}"))
            .arg(format!("-rss_limit_mb={MEMORY}"))
            .arg(format!("-artifact_prefix={}/", found.display()))
            .arg("-print_final_stats=1");
        if let Err(error) = crate::command::run(&mut run) {
            eprintln!("{error}");
            failed.push(target.clone());
        }
        // Only there if something is in it.
        let _ = fs::remove_dir(&found);
    }
    if !failed.is_empty() {
        bail!("failed: {}; see fuzz/failed/", failed.join(", "));
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let mut targets: Vec<String> = Vec::new();
    for entry in fs::read_dir(seeds())? {
        targets.push(entry?.file_name().to_string_lossy().into_owned());
    }
    targets.sort();
    Ok(targets)
}

fn seeds() -> PathBuf {
    crate::root().join("fuzz/seeds")
}

fn folder(name: &str) -> PathBuf {
    crate::wasm_target::target_folder().join("fuzz").join(name)
}
