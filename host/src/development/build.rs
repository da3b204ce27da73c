//! Building a connector with cargo, or as its developer says.

use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The target of components.
const TARGET: &str = "wasm32-wasip2";

/// How a connector is built.
#[derive(Clone, Debug)]
pub struct Builder {
    folder: PathBuf,
    /// Another way than cargo: a command of the shell, and the component that it
    /// makes.
    own: Option<(String, PathBuf)>,
    running: Arc<Mutex<Option<Child>>>,
}

/// Why there is no new component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The compiler says so.
    #[error("{0}")]
    Compiler(String),
    /// The command cannot be started, or made no component.
    #[error("{0}")]
    Command(String),
}

/// What cargo says, as far as it matters (`--message-format=json`).
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Said {
    CompilerMessage {
        message: Diagnostic,
    },
    CompilerArtifact {
        manifest_path: PathBuf,
        filenames: Vec<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    rendered: Option<String>,
}

impl Builder {
    /// Builds the connector in a folder with cargo.
    pub fn cargo(folder: PathBuf) -> Self {
        Self {
            folder,
            own: None,
            running: Arc::default(),
        }
    }

    /// Builds the connector in a folder with a command of the shell, which makes
    /// this file.
    pub fn command(folder: PathBuf, command: String, component: PathBuf) -> Self {
        Self {
            own: Some((command, component)),
            ..Self::cargo(folder)
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn running(&self) -> MutexGuard<'_, Option<Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a build that is under way.
    pub fn stop(&self) {
        if let Some(child) = self.running().as_mut() {
            // It is gone already, or goes now.
            let _ = child.kill();
        }
    }

    /// Builds; gives the file of the component. Blocks meanwhile.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub fn build(&self) -> Result<PathBuf, BuildError> {
        match &self.own {
            Some((command, component)) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", command]);
                let (ended, said) = self.run(shell)?;
                if !ended {
                    return Err(BuildError::Compiler(said.join("\n")));
                }
                let path = self.folder.join(component);
                if path.exists() {
                    Ok(path)
                } else {
                    let why = format!("`{command}` made no {}", path.display());
                    Err(BuildError::Command(why))
                }
            }
            None => self.with_cargo(),
        }
    }

    fn with_cargo(&self) -> Result<PathBuf, BuildError> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--release", "--quiet", "--target", TARGET]);
        build.arg("--message-format=json-diagnostic-rendered-ansi");
        let (ended, said) = self.run(build)?;
        let (mut component, mut errors, mut other) = (None, Vec::new(), Vec::new());
        // Of the packages that are built, one is in this folder.
        let manifest = self.folder.join("Cargo.toml").canonicalize().ok();
        for line in said {
            match serde_json::from_str(&line) {
                Ok(Said::CompilerMessage { message }) if message.level == "error" => {
                    errors.extend(message.rendered);
                }
                Ok(Said::CompilerArtifact {
                    manifest_path,
                    filenames,
                }) if manifest_path.canonicalize().ok() == manifest => {
                    let mut made = filenames.into_iter();
                    let made = made.find(|file| file.extension().is_some_and(|e| e == "wasm"));
                    component = made.or(component);
                }
                Ok(_) => {}
                Err(_) => other.push(line),
            }
        }
        if !ended {
            let said = if errors.is_empty() { other } else { errors };
            return Err(BuildError::Compiler(said.join("\n")));
        }
        component.ok_or_else(|| {
            let why = "cargo made no component: Cargo.toml needs [lib] crate-type = [\"cdylib\", \"rlib\"]";
            BuildError::Command(why.to_owned())
        })
    }

    /// Runs a command to its end; gives whether it succeeded, and its lines.
    fn run(&self, mut command: Command) -> Result<(bool, Vec<String>), BuildError> {
        let program = command.get_program().to_owned();
        let failed = |error: std::io::Error| {
            BuildError::Command(format!("{:?} cannot be started: {error}", program))
        };
        let (reader, writer) = std::io::pipe().map_err(failed)?;
        let second = writer.try_clone().map_err(failed)?;
        command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(second);
        let child = command.spawn().map_err(failed)?;
        *self.running() = Some(child);
        // The command holds the other ends of the pipe.
        drop(command);
        let lines = BufReader::new(reader).lines();
        let lines: Vec<String> = lines.map_while(Result::ok).collect();
        let child = self.running().take();
        let status = child.and_then(|mut child| child.wait().ok());
        Ok((status.is_some_and(|status| status.success()), lines))
    }
}
