//! wasm32-wasip2 from Debian's packages, for machines where rustup may not
//! download: the compiler and the sources of std of `rustc-web` and
//! `rust-web-src`, and the C library of the suite that has it for wasip2.

use crate::command::{install, output, run};
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
    if sources(&rustc).is_err() {
        install(&["rustc-web", "rust-web-src"]).context(
            "the target wasm32-wasip2 takes the Debian packages rustc-web and rust-web-src",
        )?;
    }
    Ok(Debian {
        sources: sources(&rustc)?,
        rustc,
        libc: libc()?,
        path: path_with_linker()?,
    })
}

/// The sources of the standard library of this compiler, which must be new
/// enough for the workspace.
fn sources(rustc: &Path) -> Result<PathBuf> {
    let version = output(Command::new(rustc).arg("--version"))?;
    let number = version.split(' ').nth(1).context("rustc --version")?;
    let wanted = env!("CARGO_PKG_RUST_VERSION");
    ensure!(
        numbers(number) >= numbers(wanted),
        "{} is {number}; the workspace needs {wanted}",
        rustc.display()
    );
    let library = PathBuf::from(format!("/usr/src/rustc-{number}/library"));
    ensure!(library.is_dir(), "{} is missing", library.display());
    Ok(library)
}

/// A version as numbers, which compare as versions do.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map_while(|n| n.parse().ok()).collect()
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
    let mirrors: Vec<String> = source_files()
        .iter()
        .flat_map(|file| mirrors(&fs::read_to_string(file).unwrap_or_default(), codename))
        .collect();
    match mirrors.first() {
        Some(mirror) => Ok(format!(
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} {SUITE} main\n"
        )),
        None => bail!("no Debian mirror in /etc/apt"),
    }
}

/// The files that apt reads; it leaves other names alone.
fn source_files() -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(parts) = fs::read_dir("/etc/apt/sources.list.d") {
        let read = |path: &PathBuf| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            matches!(extension, Some("list" | "sources"))
        };
        let parts = parts.filter_map(|entry| Some(entry.ok()?.path()));
        files.extend(parts.filter(read));
    }
    files
}

/// The mirrors of the release itself in a sources file, in one-line or deb822
/// style (sources.list(5)): those whose suites name it. Its security updates
/// are another suite, and other vendors have suites of their own.
fn mirrors(text: &str, codename: &str) -> Vec<String> {
    let is_release = |suites: &str| suites.split_whitespace().any(|suite| suite == codename);
    let one_line = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("deb "))
        .filter(|rest| is_release(rest))
        .filter_map(|rest| rest.split_whitespace().find(|word| word.contains("://")));
    let stanzas = text.split("\n\n").filter_map(|stanza| {
        let field = |name| stanza.lines().find_map(|line| line.strip_prefix(name));
        is_release(field("Suites:")?).then(|| field("URIs:"))?
    });
    let stanzas = stanzas.filter_map(|uris| uris.split_whitespace().next());
    one_line.chain(stanzas).map(ToOwned::to_owned).collect()
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

#[cfg(test)]
mod tests {
    use super::{mirrors, numbers};

    #[test]
    fn versions_compare_by_number() {
        assert!(numbers("1.96.0") >= numbers("1.95"));
        assert!(numbers("1.95.0") >= numbers("1.95"));
        assert!(numbers("1.100.0") >= numbers("1.95"));
        assert!(numbers("1.85.0") < numbers("1.95"));
    }

    #[test]
    fn only_a_mirror_of_the_release_itself_is_taken() {
        let one_line = "\
# deb http://comment.example/debian bookworm main
deb [arch=amd64] http://mirror.example/debian bookworm main contrib
deb http://mirror.example/debian-security bookworm-security main
deb https://vendor.example/apt tools-bookworm main
";
        assert_eq!(
            mirrors(one_line, "bookworm"),
            ["http://mirror.example/debian"]
        );
        let deb822 = "\
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: https://vendor.example/node
Suites: nodistro
Components: main
";
        assert_eq!(
            mirrors(deb822, "bookworm"),
            ["http://mirror.example/debian"]
        );
    }
}
