//! The target wasm32-wasip2, in order of preference:
//!
//! 1. it is installed;
//! 2. rustup installs it;
//! 3. Debian's packages hold what it takes to build it (see [`crate::debian`]).
//!
//! `KOPPEL_WASM_TARGET=debian` goes straight to the third.

use crate::command::output;
use crate::debian::{self, Debian};
use anyhow::Result;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How components are built.
pub(crate) enum Target {
    /// By plain cargo.
    Plain,
    /// With a standard library built from Debian's sources.
    Debian(Debian),
}

/// Makes sure that there is a way.
pub(crate) fn ensure() -> Result<Target> {
    if std::env::var("KOPPEL_WASM_TARGET").is_ok_and(|wish| wish == "debian") {
        return Target::debian();
    }
    if installed() {
        return Ok(Target::Plain);
    }
    let mut add = Command::new("rustup");
    add.args(["target", "add", "wasm32-wasip2"])
        .current_dir(crate::root());
    match output(&mut add) {
        Ok(_) if installed() => Ok(Target::Plain),
        Ok(_) => Target::debian(),
        Err(error) => {
            eprintln!(
                "rustup cannot add the target wasm32-wasip2, so Debian's packages are used: {error}"
            );
            Target::debian()
        }
    }
}

fn installed() -> bool {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "target-libdir", "--target", "wasm32-wasip2"])
        .current_dir(crate::root());
    output(&mut rustc).is_ok_and(|folder| Path::new(&folder).is_dir())
}

impl Target {
    pub(crate) fn debian() -> Result<Self> {
        Ok(Self::Debian(debian::prepare()?))
    }

    /// Makes a `cargo build` use it.
    pub(crate) fn prepare(&self, build: &mut Command) {
        if let Self::Debian(debian) = self {
            debian.apply(build);
            build.arg("--target-dir").arg(self.folder());
        }
    }

    /// Where the results are.
    pub(crate) fn output(&self) -> PathBuf {
        self.folder().join("wasm32-wasip2/plugin")
    }

    fn folder(&self) -> PathBuf {
        let target = target_folder();
        match self {
            Self::Plain => target,
            // Another compiler; it would rebuild everything else.
            Self::Debian(_) => target.join("debian"),
        }
    }
}

/// Cargo's target folder.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| crate::root().join("target"), PathBuf::from)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("the target wasm32-wasip2 is installed"),
            Self::Debian(debian) => write!(f, "the target wasm32-wasip2 is built from {debian}"),
        }
    }
}
