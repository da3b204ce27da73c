//! The release: one archive with a program that needs nothing of the system it
//! runs on, the connectors, and what belongs to them.

use crate::command::{cargo, exists, install, output, run};
use crate::licences::licences;
use crate::{components, other_languages, packaging, sbom, wasm_target};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Linked statically, with a C library that is made for that.
const TARGET: &str = "x86_64-unknown-linux-musl";

/// The certificate authorities of this machine, for the image.
const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What is in the folder of a release besides the program.
const PLUGINS: &str = "plugins";

/// Makes `dist/release/koppel-<version>-x86_64-linux.tar.gz` and the folder
/// that it is made of.
///
/// # Errors
///
/// When something cannot be built, or the program is not what it should be.
pub(crate) fn release() -> Result<PathBuf> {
    let program = program()?;
    is_static(&program)?;
    components::plugins()?;
    other_languages::build_for(&program)?;
    let releases = crate::root().join("dist/release");
    let name = format!("koppel-{}-x86_64-linux", env!("CARGO_PKG_VERSION"));
    let folder = releases.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join(PLUGINS))?;
    let koppel = folder.join("koppel");
    fs::copy(&program, &koppel).with_context(|| program.display().to_string())?;
    for entry in fs::read_dir(crate::root().join("dist/plugins"))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            fs::copy(
                &path,
                folder
                    .join(PLUGINS)
                    .join(path.file_name().unwrap_or_default()),
            )?;
        }
    }
    let mut besides = Command::new("cp");
    besides
        .current_dir(crate::root())
        .args(["--recursive", "LICENSE", "README.md", "INSTALL.md"])
        .args(["docs", "packaging"])
        .arg(&folder);
    run(&mut besides)?;
    fs::copy(ROOTS, folder.join("ca-certificates.crt"))
        .with_context(|| format!("{ROOTS} (Debian package ca-certificates)"))?;
    fs::write(
        folder.join("platform.schema.json"),
        output(Command::new(&koppel).arg("schema"))? + "\n",
    )?;
    shell(&koppel, &folder)?;
    licences(&folder)?;
    bill_of_materials(&folder)?;
    sums(&folder)?;
    in_an_empty_root(&folder)?;
    archive(&releases, &name)
}

/// Builds the program.
fn program() -> Result<PathBuf> {
    if !exists("musl-gcc") {
        install(&["musl-tools"]).context("the C parts take the Debian package musl-tools")?;
    }
    let mut add = Command::new("rustup");
    add.args(["target", "add", TARGET])
        .current_dir(crate::root());
    output(&mut add).with_context(|| format!("the release takes the target {TARGET}"))?;
    let mut build = cargo();
    build
        .args(["build", "--release", "--locked", "--target", TARGET])
        .args(["--package", "koppel-host", "--bin", "koppel"])
        .env("CC_x86_64_unknown_linux_musl", "musl-gcc")
        // Where the sources lie on this machine concerns nobody.
        .env("RUSTFLAGS", remapped()?);
    run(&mut build)?;
    Ok(wasm_target::target_folder()
        .join(TARGET)
        .join("release/koppel"))
}

/// Flags that take paths of this machine out of the program.
fn remapped() -> Result<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home
        .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")))
        .context("HOME is not set")?;
    Ok(format!(
        "--remap-path-prefix={}=/koppel --remap-path-prefix={}=/cargo",
        crate::root().display(),
        home.display()
    ))
}

/// Checks that a program asks for no loader and no library.
fn is_static(program: &Path) -> Result<()> {
    let mut headers = Command::new("readelf");
    let headers = output(
        headers
            .args(["--program-headers", "--dynamic", "--wide"])
            .arg(program),
    )?;
    for (mark, what) in [("INTERP", "a loader"), ("(NEEDED)", "a library")] {
        ensure!(
            !headers.contains(mark),
            "{} asks for {what}:\n{headers}",
            program.display()
        );
    }
    let mut sections = Command::new("readelf");
    let sections = output(sections.args(["--section-headers", "--wide"]).arg(program))?;
    ensure!(
        !sections.contains(".symtab"),
        "{} is not stripped",
        program.display()
    );
    Ok(())
}

/// Completions and manual pages.
fn shell(koppel: &Path, folder: &Path) -> Result<()> {
    let completions = folder.join("completions");
    fs::create_dir_all(&completions)?;
    for (shell, file) in [
        ("bash", "koppel.bash"),
        ("zsh", "_koppel"),
        ("fish", "koppel.fish"),
    ] {
        let text = output(Command::new(koppel).args(["completions", shell]))?;
        fs::write(completions.join(file), text + "\n")?;
    }
    run(Command::new(koppel).arg("man").arg(folder.join("man")))
}

/// What the program and the connectors in Rust are made of.
fn bill_of_materials(folder: &Path) -> Result<()> {
    sbom::sbom()?;
    let (from, to) = (
        wasm_target::target_folder().join("sbom"),
        folder.join("sbom"),
    );
    fs::create_dir_all(&to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// `SHA256SUMS` of all files, to be checked by `sha256sum --check`.
fn sums(folder: &Path) -> Result<()> {
    let mut files = Vec::new();
    below(folder, folder, &mut files)?;
    files.sort();
    let mut sum = Command::new("sha256sum");
    let sums = output(sum.current_dir(folder).args(&files))?;
    fs::write(folder.join("SHA256SUMS"), sums + "\n")?;
    Ok(())
}

fn below(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            below(root, &path, files)?;
        } else {
            files.push(path.strip_prefix(root)?.to_owned());
        }
    }
    Ok(())
}

/// Runs the demonstration with nothing but the release, in a root folder where
/// nothing else is but certificate authorities, and checks the configuration that
/// `cargo xtask packaging` tries.
fn in_an_empty_root(folder: &Path) -> Result<()> {
    let root = wasm_target::target_folder().join("empty-root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    let plugins = root.join("usr/lib/koppel");
    let authorities = root.join(ROOTS.trim_start_matches('/'));
    for folder in [&root.join("tmp"), &plugins, &authorities.with_file_name("")] {
        fs::create_dir_all(folder)?;
    }
    fs::copy(folder.join("ca-certificates.crt"), authorities)?;
    fs::copy(folder.join("koppel"), root.join("koppel"))?;
    fs::copy(packaging::configuration(), root.join("tried.toml"))?;
    run(Command::new("cp")
        .arg("--recursive")
        .arg(folder.join(PLUGINS))
        .arg(&plugins))?;
    let is_root = output(Command::new("id").arg("-u"))? == "0";
    let koppel = |arguments: &[&str]| {
        let mut koppel = if is_root {
            Command::new("chroot")
        } else {
            // The root of a namespace of its own may do the same.
            let mut unshare = Command::new("unshare");
            unshare.args(["--map-root-user", "chroot"]);
            unshare
        };
        koppel
            .arg(&root)
            .args(["/koppel", "--json"])
            .args(arguments);
        output(&mut koppel)
    };
    koppel(&["validate", "/tried.toml"]).context("a configuration in an empty root")?;
    let demo = ["demo", "--directory", "/demo", "--plugins"];
    let said = koppel(&[&demo[..], &["/usr/lib/koppel/plugins"]].concat())
        .context("the demonstration in an empty root")?;
    let said: serde_json::Value = serde_json::from_str(&said)?;
    let exported = said["file"].as_str().unwrap_or_default();
    let file = root.join(exported.trim_start_matches('/'));
    if exported.is_empty() || !file.is_file() {
        bail!("the demonstration in an empty root exported nothing: {said}");
    }
    println!("in an empty root, the demonstration exported {exported}");
    fs::remove_dir_all(root)?;
    Ok(())
}

/// The same bytes from the same files.
fn archive(releases: &Path, name: &str) -> Result<PathBuf> {
    let file = format!("{name}.tar.gz");
    let time = output(Command::new("git").current_dir(crate::root()).args([
        "log",
        "-1",
        "--format=@%ct",
    ]))?;
    let mut tar = Command::new("tar");
    tar.current_dir(releases)
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .arg(format!("--mtime={time}"))
        .args(["--use-compress-program=gzip -n", "--create", "--file"])
        .args([&file, name]);
    run(&mut tar)?;
    let mut sum = Command::new("sha256sum");
    let sum = output(sum.current_dir(releases).arg(&file))?;
    fs::write(releases.join(format!("{file}.sha256")), format!("{sum}\n"))?;
    let size = fs::metadata(releases.join(&file))?.len();
    println!("{sum}, {} MB", size / 1_000_000);
    Ok(releases.join(name))
}
