//! The unit under a real systemd, in a container of the files of this machine,
//! of which nothing is changed.

use super::{DATA, is_root, tried};
use crate::command::{output, run};
use crate::wasm_target;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where all that is tried lies in the container, and what was found.
const FOLDER: &str = "koppel-try";

/// Has the container unpack a release, do what `INSTALL.md` says, and use the
/// service.
pub(super) fn service(release: &Path) -> Result<()> {
    if !is_root()? {
        println!("unit: not run, which takes root (systemd-nspawn)");
        return Ok(());
    }
    let machine = Machine::mount(&wasm_target::target_folder().join("systemd"))?;
    let folder = machine.root.join(FOLDER);
    fs::create_dir(&folder)?;
    let mut unpack = Command::new("tar");
    unpack
        .args(["--extract", "--gzip", "--strip-components=1"])
        .arg("--one-top-level=release")
        .arg("--file")
        .arg(format!("{}.tar.gz", release.display()))
        .current_dir(&folder);
    run(&mut unpack)?;
    let install = fs::read_to_string(folder.join("release/INSTALL.md"))?;
    let install = commands(&install, "## As a service of systemd");
    ensure!(!install.is_empty(), "INSTALL.md has no commands");
    fs::write(folder.join("install.sh"), install)?;
    for file in ["platform.toml", "try.sh"] {
        fs::copy(tried().join(file), folder.join(file))?;
    }
    fs::copy(crate::root().join(DATA), folder.join("data.json"))?;
    let unit = "koppel-try.service";
    fs::copy(
        tried().join(unit),
        machine.root.join("etc/systemd/system").join(unit),
    )?;
    let mut boot = Command::new("timeout");
    boot.args(["--kill-after=10", "300", "systemd-nspawn", "--quiet"])
        .args(["--boot", "--register=no", "--keep-unit"])
        .arg("--private-network")
        .arg(format!("--directory={}", machine.root.display()))
        .arg(format!("systemd.unit={unit}"));
    let booted = output(&mut boot);
    let result = fs::read_to_string(folder.join("result")).unwrap_or_default();
    if !result.ends_with("held\n") {
        bail!("the unit does not hold under systemd: {result}\n{booted:?}");
    }
    for line in result.lines() {
        println!("unit: {line}");
    }
    Ok(())
}

/// The commands (`sh`) of a text in Markdown that stand before its sections, and
/// in one of them.
fn commands(text: &str, section: &str) -> String {
    let (mut wanted, mut within) = (true, false);
    let mut commands = String::new();
    for line in text.lines() {
        match line {
            "```sh" => within = true,
            "```" => within = false,
            command if within && wanted => {
                commands.push_str(command);
                commands.push('\n');
            }
            heading if !within && heading.starts_with("## ") => wanted = heading == section,
            _ => {}
        }
    }
    commands
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
        mount(&["-t", "overlay", "overlay", "-o", &layers], &machine.root)
            .context("the files of this machine cannot be the root of a container")?;
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

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn the_commands_of_a_text_are_those_before_its_sections_and_of_one_of_them() {
        let text = "\
# Title
```sh
first
# a comment
```
## One
```sh
of one
```
```text
no command
```
## Two
```sh
of two
```
";
        assert_eq!(commands(text, "## Two"), "first\n# a comment\nof two\n");
        assert_eq!(commands(text, "## None"), "first\n# a comment\n");
    }
}
