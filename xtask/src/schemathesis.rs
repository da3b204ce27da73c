//! Testing the REST API by its own OpenAPI document, with schemathesis.

use crate::command::{cargo, output, run};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The version that is run: another one may find other things.
const VERSION: &str = "4.32.5";

/// The user and the password of the demonstration.
const USER: (&str, &str) = ("anna", "demonstration");

/// The id of the application of the demonstration.
const APPLICATION: &str = "9f3c0b8e-2f54-4bd1-9a58-5d5a2f7f3f10";

/// Starts `koppel serve` on demonstration data and runs schemathesis on it.
/// Both are stopped at the end.
pub(crate) fn schemathesis(arguments: &[String]) -> Result<()> {
    let target = crate::wasm_target::target_folder();
    let folder = target.join("schemathesis");
    fs::create_dir_all(&folder)?;
    let program = install(&folder)?;
    // Everything, as for the tests: for the host alone, cargo would choose
    // other features of shared dependencies.
    run(cargo().args(["build", "--workspace", "--all-targets"]))?;
    let koppel = target.join("debug/koppel");
    let demo = folder.join("demo");
    let mut prepare = Command::new(&koppel);
    prepare
        .current_dir(crate::root())
        .args(["--json", "demo", "--directory"])
        .arg(&demo);
    output(&mut prepare)?;
    let config = demo.join("platform.toml");
    let text = fs::read_to_string(&config)?;
    let listen = "listen = \"127.0.0.1:8080\"";
    ensure!(
        text.contains(listen),
        "{} has no {listen}",
        config.display()
    );
    fs::write(
        &config,
        text.replace(listen, &format!("listen = \"127.0.0.1:{}\"", free_port()?)),
    )?;
    let server = Server::start(&koppel, &config)?;
    let hooks = crate::root().join("xtask/schemathesis/hooks.py");
    let mut test = Command::new(program);
    test.current_dir(&folder)
        .env("SCHEMATHESIS_HOOKS", hooks)
        .env("KOPPEL_URL", &server.url)
        .env("KOPPEL_USER", USER.0)
        .env("KOPPEL_PASSWORD", USER.1)
        .env("KOPPEL_APPLICATION", APPLICATION)
        .args(["run", &format!("{}/openapi.json", server.url)])
        .args(["--checks", "all", "--max-examples", "50"])
        .args(arguments);
    let tested = run(&mut test);
    server.stop()?;
    tested
}

/// Installs schemathesis into a folder of its own.
fn install(folder: &Path) -> Result<PathBuf> {
    let venv = folder.join(format!("venv-{VERSION}"));
    let program = venv.join("bin/schemathesis");
    if !program.exists() {
        let mut make = Command::new("python3");
        run(make.args(["-m", "venv"]).arg(&venv))
            .context("schemathesis takes python3 with venv (Debian: python3-venv)")?;
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        run(pip.arg(format!("schemathesis=={VERSION}")))?;
    }
    Ok(program)
}

/// A port that nobody listens on now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// `koppel serve`.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(koppel: &Path, config: &Path) -> Result<Self> {
        let mut child = Command::new(koppel)
            .arg("--config")
            .arg(config)
            .args(["--json", "serve"])
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("koppel has no output")?;
        let mut server = Self {
            child,
            url: String::new(),
        };
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            let url = line
                .trim()
                .strip_prefix("\"url\": \"")
                .and_then(|rest| rest.split('"').next());
            if let Some(url) = url {
                server.url = url.to_owned();
                return Ok(server);
            }
        }
        bail!(
            "koppel serve ended before it listened: {}",
            server.child.wait()?
        )
    }

    /// Stops it as an operator does, and says whether it ended well.
    fn stop(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        run(Command::new("kill").args(["-TERM", &id]))?;
        let status = self.child.wait()?;
        ensure!(status.success(), "koppel serve ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone, unless something failed before.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
