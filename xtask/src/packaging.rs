//! Tries what is in `packaging/` as far as a machine allows: the unit under a
//! real systemd in a container, the image, the manifests.

use crate::command::{exists, install, output, run};
use crate::release::{self, PLUGINS};
use crate::{python, wasm_target};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The most exposure that `systemd-analyze security` may see in the unit, in
/// tenths, from 0 to 100.
const EXPOSURE: &str = "15";

/// What the tests of packaging take, as Debian packages.
const PACKAGES: [(&str, &str); 5] = [
    ("systemd-nspawn", "systemd-container"),
    ("dbus-daemon", "dbus"),
    ("podman", "podman"),
    ("runc", "runc"),
    ("curl", "curl"),
];

/// Tries all of it, with the program of `cargo xtask release`.
///
/// # Errors
///
/// When something does not hold. What the machine does not allow is said, and
/// is no error.
pub(crate) fn packaging() -> Result<()> {
    let release = release::release()?;
    let missing: Vec<_> = PACKAGES
        .iter()
        .filter(|(program, _)| !exists(program))
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty()
        && let Err(error) = install(&missing)
    {
        println!("not installed: {}: {error}", missing.join(", "));
    }
    unit()?;
    service(&release)?;
    image(&release)?;
    manifests()
}

/// What systemd says of the unit without running it.
fn unit() -> Result<()> {
    let mut security = Command::new("systemd-analyze");
    security
        .current_dir(crate::root())
        .args(["security", "--offline=true", "--no-pager"])
        .arg(format!("--threshold={EXPOSURE}"))
        .arg("packaging/systemd/koppel.service");
    let said = output(&mut security).context("the unit is more exposed than it may be")?;
    let overall = said.lines().rfind(|line| line.contains("Overall exposure"));
    println!("unit: {}", overall.unwrap_or_default().trim());
    Ok(())
}

/// Runs the unit under systemd, in a container of the files of this machine, of
/// which nothing is changed.
fn service(release: &Path) -> Result<()> {
    if output(Command::new("id").arg("-u"))? != "0" {
        println!("unit: not run, which takes root (systemd-nspawn)");
        return Ok(());
    }
    let base = wasm_target::target_folder().join("systemd");
    let machine = Machine::mount(&base)?;
    let root = &machine.root;
    let tried = crate::root().join("xtask/packaging/try");
    let copies = [
        (release.join("koppel"), "usr/bin/koppel"),
        (
            release.join("koppel.service"),
            "etc/systemd/system/koppel.service",
        ),
        (tried.join("platform.toml"), "etc/koppel/platform.toml"),
        (
            tried.join("koppel-try.service"),
            "etc/systemd/system/koppel-try.service",
        ),
        (tried.join("koppel-try.sh"), "koppel-try.sh"),
        (
            release.join(PLUGINS).join("vehicle-rdw.wasm"),
            "usr/lib/koppel/plugins/vehicle-rdw.wasm",
        ),
    ];
    for (from, to) in copies {
        let to = root.join(to);
        fs::create_dir_all(to.parent().unwrap_or(root))?;
        fs::copy(&from, &to).with_context(|| from.display().to_string())?;
    }
    let mut verify = Command::new("systemd-analyze");
    verify
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(format!("--root={}", root.display()))
        .arg("koppel.service");
    run(&mut verify)?;
    let mut boot = Command::new("timeout");
    boot.args([
        "--kill-after=10",
        "120",
        "systemd-nspawn",
        "--quiet",
        "--boot",
    ])
    .args(["--register=no", "--keep-unit", "--private-network"])
    .arg(format!("--directory={}", root.display()))
    .arg("systemd.unit=koppel-try.service");
    let booted = output(&mut boot);
    let result = fs::read_to_string(root.join("koppel-try.result")).unwrap_or_default();
    if !result.ends_with("held\n") {
        bail!("the unit does not hold under systemd: {result}\n{booted:?}");
    }
    for line in result.lines() {
        println!("unit: {line}");
    }
    Ok(())
}

/// The files of this machine with a layer above them, as the root of another.
struct Machine {
    base: PathBuf,
    root: PathBuf,
}

impl Machine {
    fn mount(base: &Path) -> Result<Self> {
        fs::create_dir_all(base)?;
        let mount =
            |arguments: &[&str], at: &Path| run(Command::new("mount").args(arguments).arg(at));
        // The layer may not be on an overlay itself.
        mount(&["-t", "tmpfs", "tmpfs"], base)?;
        let machine = Self {
            base: base.to_owned(),
            root: base.join("root"),
        };
        for folder in ["upper", "work", "root"] {
            fs::create_dir(base.join(folder))?;
        }
        let layers = format!(
            "lowerdir=/,upperdir={0}/upper,workdir={0}/work",
            base.display()
        );
        mount(&["-t", "overlay", "overlay", "-o", &layers], &machine.root)?;
        Ok(machine)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for folder in [&self.root, &self.base] {
            // Not mounted, if mounting is what failed.
            let _ = output(Command::new("umount").arg("--lazy").arg(folder));
        }
    }
}

/// Builds the image and has a container say what it is, and check a
/// configuration.
fn image(release: &Path) -> Result<()> {
    let file = crate::root().join("packaging/container/Containerfile");
    let mut build = Command::new("podman");
    build
        .args([
            "build",
            "--quiet",
            "--tag",
            "localhost/koppel-try",
            "--file",
        ])
        .arg(file)
        .arg(release);
    let id = output(&mut build)?;
    println!("image: built, {}", id.lines().last().unwrap_or_default());
    let configuration = crate::root().join("xtask/packaging/try");
    let podman = || {
        let mut podman = Command::new("podman");
        // A machine that is a container itself may raise no limits, and may
        // have control groups of two versions, which crun does not know.
        podman
            .args(["--runtime", "runc", "run", "--rm", "--network", "none"])
            .args(["--read-only", "--cap-drop", "all"])
            .args(["--security-opt", "no-new-privileges"])
            .args([
                "--ulimit",
                "nofile=1024:1024",
                "--ulimit",
                "nproc=1024:1024",
            ])
            .args(["--tmpfs", "/var/lib/koppel:mode=1777", "--tmpfs", "/tmp"])
            .arg("--volume")
            .arg(format!("{}:/etc/koppel:ro", configuration.display()))
            .arg("localhost/koppel-try");
        podman
    };
    let version = match output(podman().arg("--version")) {
        Ok(version) => version,
        Err(error) => {
            println!("image: not run, which this machine does not allow: {error}");
            return Ok(());
        }
    };
    let checked = output(podman().args(["--json", "validate"]))?;
    let checked: serde_json::Value = serde_json::from_str(&checked)?;
    ensure!(checked["valid"] == true, "in the image: {checked}");
    println!("image: {version} runs in it, and finds its configuration valid");
    Ok(())
}

/// The manifests against the schemas of Kubernetes, which a Python package
/// brings along.
fn manifests() -> Result<()> {
    let requirements = crate::root().join("xtask/packaging/kubernetes.txt");
    let python = python::environment("kubernetes", &requirements)?;
    let folder = crate::root().join("packaging/kubernetes");
    let files = if exists("kubectl") {
        let mut build = Command::new("kubectl");
        let built = output(build.arg("kustomize").arg(&folder))?;
        let file = wasm_target::target_folder().join("koppel.yaml");
        fs::write(&file, built)?;
        vec![file]
    } else {
        println!("manifests: checked one by one; `kubectl`, which puts them together, is missing");
        let manifests = ["namespace", "service", "statefulset", "network-policy"];
        manifests
            .iter()
            .map(|name| folder.join(format!("{name}.yaml")))
            .collect()
    };
    let mut validate = Command::new(python.join("bin/kubernetes-validate"));
    run(validate.args(["--strict", "--quiet"]).args(files))?;
    println!("manifests: valid by the schemas of Kubernetes; not tried in a cluster");
    Ok(())
}
