//! `koppel dev`: a connector while it is written.

use super::Failure;
use super::output::{BOLD, DIM, GREEN, Output, RED, YELLOW};
use crate::development::{Builder, Event, Options, Show, develop};
use crate::text::{one_line, printable};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// What is developed, and how.
#[derive(Debug, Args)]
pub(super) struct Dev {
    /// The folder of the connector, with its acceptance.toml.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    path: PathBuf,
    /// Lets requests whose URL begins like this leave for real, and records what
    /// is answered in the cassette.
    #[arg(long, value_name = "URL")]
    record: Vec<String>,
    /// Builds with this command of the shell instead of cargo.
    #[arg(long, value_name = "COMMAND", requires = "component")]
    build: Option<String>,
    /// The file that --build makes, relative to the folder.
    #[arg(long, value_name = "FILE", requires = "build")]
    component: Option<PathBuf>,
    /// Builds and runs once, and ends: exit code 1 when something did not
    /// succeed.
    #[arg(long)]
    once: bool,
}

/// `koppel dev`: until Ctrl-C.
pub(super) async fn dev(asked: &Dev, out: &Output) -> Result<(), Failure> {
    let folder = &asked.path;
    if !folder.is_dir() {
        return Err(Failure::Input(format!("{} is no folder", folder.display())));
    }
    let builder = match (&asked.build, &asked.component) {
        (Some(command), Some(component)) => {
            Builder::command(folder.clone(), command.clone(), component.clone())
        }
        _ if !folder.join("Cargo.toml").exists() => {
            return Err(Failure::Input(format!(
                "{} has no Cargo.toml; `koppel new` writes a connector, and --build takes another way to build one",
                folder.display()
            )));
        }
        _ => Builder::cargo(folder.clone()),
    };
    for url in &asked.record {
        check_recorded(url)?;
    }
    let options = Options {
        builder,
        record: asked.record.clone(),
        once: asked.once,
    };
    let show: Arc<dyn Show> = Arc::new(Terminal::new(out.is_json()));
    let developed = develop(&options, show, enters(), stopped()).await;
    match developed.map_err(Failure::Failed)? {
        true => Ok(()),
        false if asked.once => Err(Failure::Failed(
            "it did not do all that it was asked".to_owned(),
        )),
        false => Ok(()),
    }
}

/// What is let through is named up to its path, so that nothing of another
/// party begins like it.
fn check_recorded(url: &str) -> Result<(), Failure> {
    let parsed = url::Url::parse(url).ok();
    let whole = parsed.is_some_and(|parsed| {
        let host = parsed.host_str().is_some_and(|host| !host.is_empty());
        let scheme = ["http", "https"].contains(&parsed.scheme());
        host && scheme && url.matches('/').count() >= 3
    });
    if whole {
        Ok(())
    } else {
        Err(Failure::Input(format!(
            "--record {url}: write the beginning of a URL, up to its path at least: https://api.example.nl/"
        )))
    }
}

/// Says that a person pressed Enter.
fn enters() -> mpsc::UnboundedReceiver<()> {
    let (entered, enters) = mpsc::unbounded_channel();
    // Reading standard input cannot be cancelled; the thread ends with the
    // process, or with the input.
    std::thread::spawn(move || {
        let mut line = String::new();
        while std::io::stdin()
            .read_line(&mut line)
            .is_ok_and(|bytes| bytes > 0)
        {
            line.clear();
            if entered.send(()).is_err() {
                return;
            }
        }
    });
    enters
}

/// Done when the process is told to end.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// Tells what happens on the terminal, or as a line of JSON for each event.
struct Terminal {
    json: bool,
    busy: Mutex<Option<ProgressBar>>,
}

impl Terminal {
    fn new(json: bool) -> Self {
        Self {
            json,
            busy: Mutex::new(None),
        }
    }

    fn building(&self) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::new_spinner().with_message("building");
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        *self.busy() = Some(bar);
    }

    fn busy(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Show for Terminal {
    fn show(&self, event: Event) {
        if let Some(bar) = self.busy().take() {
            bar.finish_and_clear();
        }
        if self.json {
            if let Ok(line) = serde_json::to_string(&event) {
                anstream::println!("{line}");
            }
            return;
        }
        if let Some(text) = line(&event) {
            anstream::println!("{text}");
        }
        if matches!(event, Event::Building { .. }) {
            self.building();
        }
    }
}

/// An event for people; none for what goes without saying.
fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Building { because: None } => format!("{DIM}building{DIM:#}"),
        Event::Building {
            because: Some(path),
        } => format!("\n{DIM}{} changed; building{DIM:#}", name(path)),
        Event::NotBuilt { why, kept } => {
            let stays = if *kept {
                "the component of before stays; Enter runs it again"
            } else {
                "there is no component yet"
            };
            format!("{why}\n{RED}not built{RED:#}: {stays}")
        }
        Event::Loaded { component, sha256 } => {
            let sha256 = sha256.get(..12).unwrap_or_default();
            format!(
                "{GREEN}loaded{GREEN:#} {} {DIM}{sha256}{DIM:#}",
                name(component)
            )
        }
        Event::Asked { act } => format!("\n{BOLD}{act}{BOLD:#}"),
        Event::Called { what, outcome } if outcome == "ok" => {
            format!("  {GREEN}ok{GREEN:#}     {}", one_line(what))
        }
        Event::Called { what, outcome } => {
            format!("  {RED}{outcome}{RED:#} {}", one_line(what))
        }
        Event::Request {
            method,
            url,
            status,
            error,
            recorded,
        } => {
            let note = if *recorded { " (recorded)" } else { "" };
            match (status, error) {
                (Some(status), _) => {
                    let style = if *status < 400 { GREEN } else { YELLOW };
                    format!(
                        "  {style}{status}{style:#}    {method} {}{note}",
                        one_line(url)
                    )
                }
                (None, error) => format!(
                    "  {RED}failed{RED:#} {method} {}: {}",
                    one_line(url),
                    one_line(error.as_deref().unwrap_or_default())
                ),
            }
        }
        Event::Log { level, text } => format!("  {DIM}{level:<6} {}{DIM:#}", one_line(text)),
        Event::Ended {
            result,
            succeeded,
            milliseconds,
            ..
        } => {
            let (style, word) = if *succeeded {
                (GREEN, "succeeded")
            } else {
                (RED, "failed")
            };
            format!(
                "  {style}{word}{style:#} in {milliseconds} ms: {}",
                printable(&result.to_string())
            )
        }
        Event::Trouble { why } => format!("{RED}error:{RED:#} {}", printable(why)),
        Event::Waiting => {
            format!("\n{DIM}waiting for changes; Enter runs it again, Ctrl-C ends{DIM:#}")
        }
    })
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
