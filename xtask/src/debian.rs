//! wasm32-wasip2 from Debian's packages, for machines where rustup may not
//! download: the compiler and the sources of std of `rustc-web` and
//! `rust-web-src`, and the C library of the suite that has it for wasip2.

use crate::command::{output, run};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fmt, fs};

/// The suite whose `wasi-libc` has a folder for wasm32-wasip2.
const SUITE: &str = "trixie";

/// What a build needs.
pub(crate) struct Debian {
    rustc: PathBuf,
    sources: PathBuf,
    libc: PathBuf,
    path: std::ffi::OsString,
}

impl fmt::Display for Debian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {}", self.sources.display(), self.libc.display())
    }
}

/// Installs the packages that are missing.
pub(crate) fn prepare() -> Result<Debian> {
    let rustc = PathBuf::from("/usr/bin/rustc");
    if !rustc.exists() || sources(&rustc).is_err() {
        run(Command::new("apt-get").args([
            "install",
            "--yes",
            "--quiet",
            "rustc-web",
            "rust-web-src",
        ]))
        .context("the target wasm32-wasip2 takes the Debian packages rustc-web and rust-web-src")?;
    }
    Ok(Debian {
        sources: sources(&rustc)?,
        rustc,
        libc: libc()?,
        path: path_with_linker()?,
    })
}

/// The sources of the standard library of this compiler.
fn sources(rustc: &Path) -> Result<PathBuf> {
    let version = output(Command::new(rustc).arg("--version"))?;
    let number = version.split(' ').nth(1).context("rustc --version")?;
    let library = PathBuf::from(format!("/usr/src/rustc-{number}/library"));
    ensure!(library.is_dir(), "{} is missing", library.display());
    Ok(library)
}

/// Unpacks `wasi-libc` into the target folder. The suite is never added to the
/// system: a sources file and package lists of our own are used.
fn libc() -> Result<PathBuf> {
    let cache = crate::root().join("target/wasi-libc");
    let folder = cache.join("usr/lib/wasm32-wasip2");
    if folder.is_dir() {
        return Ok(folder);
    }
    let lists = cache.join("lists");
    fs::create_dir_all(lists.join("partial"))?;
    let sources = cache.join("sources.list");
    fs::write(&sources, sources_list()?)?;
    let options = [
        format!("Dir::Etc::SourceList={}", sources.display()),
        "Dir::Etc::SourceParts=-".to_owned(),
        format!("Dir::State::Lists={}", lists.display()),
        // The downloads below are ours, not those of a system user.
        "APT::Sandbox::User=root".to_owned(),
    ];
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.current_dir(&cache).arg("--quiet");
        for option in &options {
            apt.args(["-o", option]);
        }
        run(apt.args(arguments))
    };
    apt(&["update"])?;
    apt(&["download", "wasi-libc"])?;
    let package = fs::read_dir(&cache)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded no package")?;
    run(Command::new("dpkg")
        .arg("--extract")
        .arg(package)
        .arg(&cache))?;
    ensure!(
        folder.is_dir(),
        "wasi-libc of {SUITE} has no {}",
        folder.display()
    );
    Ok(folder)
}

/// The machine's own sources with the suite replaced, so that its mirror and
/// its keys are used.
fn sources_list() -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").context("/etc/os-release")?;
    let codename = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .context("/etc/os-release has no VERSION_CODENAME: this is not Debian")?;
    let mut mirrors = Vec::new();
    for file in source_files() {
        let text = fs::read_to_string(&file).unwrap_or_default();
        for line in text.lines() {
            let line = line.trim();
            // One-line style; then deb822.
            let uri = if line.starts_with("deb ") && line.contains(&format!(" {codename} ")) {
                line.split_whitespace().find(|word| word.contains("://"))
            } else {
                line.strip_prefix("URIs:")
                    .and_then(|uris| uris.split_whitespace().next())
            };
            mirrors.extend(
                uri.filter(|uri| !uri.contains("security"))
                    .map(ToOwned::to_owned),
            );
        }
    }
    match mirrors.first() {
        Some(mirror) => Ok(format!(
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} {SUITE} main\n"
        )),
        None => bail!("no Debian mirror in /etc/apt"),
    }
}

fn source_files() -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(parts) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(parts.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files
}

/// PATH with the linkers of rustup's toolchain, which link for any target.
fn path_with_linker() -> Result<std::ffi::OsString> {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "sysroot"])
        .current_dir(crate::root());
    let sysroot = PathBuf::from(output(&mut rustc)?);
    let host = output(
        Command::new("rustc")
            .args(["-vV"])
            .current_dir(crate::root()),
    )?;
    let host = host
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc -vV names no host")?;
    let tools = sysroot.join("lib/rustlib").join(host).join("bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [tools.clone(), tools.join("gcc-ld")];
    Ok(std::env::join_paths(
        folders.into_iter().chain(std::env::split_paths(&path)),
    )?)
}

impl Debian {
    /// Makes a `cargo build` use it.
    pub(crate) fn apply(&self, build: &mut Command) {
        let flags = format!(
            "-L native={libc} -C link-self-contained=no -C link-arg={libc}/crt1-reactor.o",
            libc = self.libc.display()
        );
        build
            .env("RUSTC", &self.rustc)
            // Building std is not stable; only the plugins are built so.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("__CARGO_TESTS_ONLY_SRC_ROOT", &self.sources)
            .env("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS", flags)
            .env("PATH", &self.path)
            .arg("-Zbuild-std=std,panic_abort");
    }
}
