//! The image: built by podman, and used as a server.

use super::{DATA, is_root, tried};
use crate::command::{if_possible, output};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What the image is called that is tried.
const IMAGE: &str = "localhost/koppel-try";

/// How long a container may take until it is ready.
const READY: Duration = Duration::from_secs(30);

/// Builds the image and has a container of it check a configuration, serve, make
/// a run, and stop.
pub(super) fn image(release: &Path) -> Result<()> {
    let mut build = podman(&["build", "--quiet", "--tag", IMAGE, "--file"]);
    build
        .arg(release.join("packaging/container/Containerfile"))
        .arg(release);
    output(&mut build)?;
    let size = output(&mut podman(&[
        "image",
        "inspect",
        "--format={{.Size}}",
        IMAGE,
    ]))?;
    println!("image: built, {} MB", size.parse::<u64>()? / 1_000_000);
    // A container in a container is not to be had everywhere.
    let version = || output(run(&["--rm"]).args([IMAGE, "--version"]));
    let Some(version) = if_possible("a container of the image", version)? else {
        return Ok(());
    };
    let checked = output(run(&["--rm"]).args([IMAGE, "--json", "validate"]))?;
    let checked: Value = serde_json::from_str(&checked)?;
    ensure!(checked["valid"] == true, "in the image: {checked}");
    println!("image: {version} runs in it, and finds its configuration valid");
    serve()
}

/// A container as an operator would start one, whose state is in a volume.
fn serve() -> Result<()> {
    let container = Container(output(run(&["--detach"]).arg(IMAGE))?);
    container.ready()?;
    let data = container.koppel(&["import", "/data.json", "--provider", PROVIDER])?;
    ensure!(data["journal-runs"] == 1, "imported: {data}");
    let mut submit = vec!["runs", "submit", "journal-csv", "--user", "anna", "--wait"];
    submit.extend(["--employer", ONE, "--journal-run", ONE]);
    let run = container.koppel(&submit)?;
    let outcome = &run["attempts"][0]["outcome"];
    ensure!(outcome == "succeeded", "a run in the image: {run}");
    output(&mut podman(&["stop", "--time=45", &container.0]))?;
    let code = container.inspect("{{.State.ExitCode}}")?;
    ensure!(code == "0", "the image ended with {code}");
    println!("image: served, exported a journal run, and stopped when told to");
    Ok(())
}

/// The provider of [`tried`].
const PROVIDER: &str = "920e36f5-b58e-578b-9c22-df4a4d0b7f36";

/// The employer and the journal run of [`DATA`].
const ONE: &str = "b14acd0d-75d7-4fc8-8b22-4a3924585cab";

fn podman(arguments: &[&str]) -> Command {
    let mut podman = Command::new("podman");
    podman.args(arguments);
    podman
}

/// `podman run` with nothing that koppel does not take.
fn run(how: &[&str]) -> Command {
    // A machine that is a container itself may raise no limits, and may have
    // control groups of two versions, which crun does not know.
    let mut run = podman(&["--runtime", "runc", "run", "--network", "none"]);
    run.args(how)
        .args(["--read-only", "--cap-drop", "all"])
        .args(["--security-opt", "no-new-privileges"])
        .args(["--ulimit", "nofile=1024:1024"])
        .args(["--ulimit", "nproc=1024:1024"]);
    let data = crate::root().join(DATA);
    for (from, to) in [(tried(), "/etc/koppel"), (data, "/data.json")] {
        run.arg("--volume")
            .arg(format!("{}:{to}:ro", from.display()));
    }
    run
}

/// A container that runs, until it is dropped.
struct Container(String);

impl Container {
    fn inspect(&self, format: &str) -> Result<String> {
        let format = format!("--format={format}");
        output(&mut podman(&["container", "inspect", &format, &self.0]))
    }

    /// Waits until it says that it is ready, which is asked in its network.
    fn ready(&self) -> Result<()> {
        if !is_root()? {
            println!("image: not asked whether it is ready, which takes root (nsenter)");
            return Ok(());
        }
        let began = Instant::now();
        let process = self.inspect("{{.State.Pid}}")?;
        loop {
            let mut ask = Command::new("nsenter");
            ask.args(["--net", "--target", &process, "curl", "--silent"])
                .args(["--show-error", "--fail"])
                .arg("http://127.0.0.1:8080/health/ready");
            match output(&mut ask) {
                Ok(said) => {
                    println!("image: ready: {said}");
                    return Ok(());
                }
                Err(error) if began.elapsed() > READY => {
                    let mut logs = podman(&["logs", &self.0]);
                    let said = logs.output().map(|logs| logs.stderr).unwrap_or_default();
                    return Err(error).context(String::from_utf8_lossy(&said).into_owned());
                }
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// What a command says in it.
    fn koppel(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = podman(&["--runtime", "runc", "exec", &self.0]);
        let said = output(command.args(["/usr/bin/koppel", "--json"]).args(arguments))?;
        serde_json::from_str(&said).with_context(|| said.clone())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // With its volume.
        let _ = output(&mut podman(&["rm", "--force", "--volumes", &self.0]));
    }
}
