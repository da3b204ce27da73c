//! Several hosts on PostgreSQL and NATS: proof and figures.

use crate::command::{cargo, install, output, run};
use crate::components;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

/// The Debian packages of the servers of the tests.
const PACKAGES: [&str; 3] = ["postgresql", "nats-server", "docker-registry"];

/// Installs the servers where that is possible. Without them, the tests that
/// need them say so.
pub(crate) fn servers() {
    if let Err(error) = install_servers() {
        eprintln!("servers of the tests are missing and cannot be installed: {error:#}");
    }
}

fn install_servers() -> Result<()> {
    let postgres = std::fs::read_dir("/usr/lib/postgresql").is_ok_and(|found| {
        let mut versions = found.filter_map(|entry| Some(entry.ok()?.path()));
        versions.any(|version| version.join("bin/initdb").exists())
    });
    let installed = |program: &str| {
        let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin"];
        let mut programs = folders.iter().map(|folder| Path::new(folder).join(program));
        programs.any(|program| program.exists())
    };
    if postgres && installed("nats-server") && installed("docker-registry") {
        return Ok(());
    }
    let root = output(Command::new("id").arg("-u"))? == "0";
    if !root {
        anyhow::bail!("as root: apt-get install {}", PACKAGES.join(" "));
    }
    install(&PACKAGES).with_context(|| format!("apt-get install {}", PACKAGES.join(" ")))
}

/// Runs the tests of several hosts as an operator would use them, and shows what
/// they measure. They start the servers on this machine, on free ports and in
/// temporary folders, and stop them.
pub(crate) fn scale(employers: u32, arguments: &[String]) -> Result<()> {
    install_servers()?;
    components::plugins()?;
    components::guests()?;
    let tests = |target: &[&str], filter: &str| {
        let mut test = cargo();
        test.args(["test", "-p", "koppel-host"])
            .args(target)
            .args(arguments)
            .args([filter, "--", "--nocapture", "--test-threads=1"])
            .env("KOPPEL_REQUIRE_SERVERS", "1")
            .env("KOPPEL_SCALE_EMPLOYERS", employers.to_string())
            .env("KOPPEL_SCALE_COSTS", "5000")
            // As it would be used: what is written is on disk.
            .env("KOPPEL_TEST_FSYNC", "1");
        run(&mut test)
    };
    tests(&["--lib"], "durable::")?;
    tests(&["--test", "it"], "durable::scale::")
}
