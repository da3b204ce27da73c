//! `koppel serve` on demonstration data, for what tests it from outside.

use crate::command::{cargo, output, run};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The user and the password of the demonstration.
pub(crate) const USER: (&str, &str) = ("anna", "demonstration");

/// A server that runs.
pub(crate) struct Served {
    child: Child,
    /// How it is reached.
    pub(crate) url: String,
}

impl Served {
    /// Builds koppel, makes the demonstration in a folder, and serves it on a
    /// free port.
    ///
    /// # Errors
    ///
    /// When one of these fails.
    pub(crate) fn demonstration(folder: &Path) -> Result<Self> {
        // Everything, as for the tests: for the host alone, cargo would choose
        // other features of shared dependencies.
        run(cargo().args(["build", "--workspace", "--all-targets"]))?;
        let koppel = crate::wasm_target::target_folder().join("debug/koppel");
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
        Self::start(&koppel, &config)
    }

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
    ///
    /// # Errors
    ///
    /// When it did not.
    pub(crate) fn stop(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        run(Command::new("kill").args(["-TERM", &id]))?;
        let status = self.child.wait()?;
        ensure!(status.success(), "koppel serve ended with {status}");
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Already gone, unless something failed before.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A port that nobody listens on now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
