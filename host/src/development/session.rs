//! The loop: build, run, wait for a change.

use super::build::{BuildError, Builder};
use super::show::{Event, Show, Teller};
use super::watch::Sources;
use crate::acceptance::{Act, Cassette, Course, FILE, Maker, Nowhere, Scenario, SuiteError};
use crate::egress::{Resolve, SystemResolver};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// The cassette, if the scenario names none.
const CASSETTE: &str = "cassette.toml";

/// How a connector is developed.
pub struct Options {
    /// How it is built.
    pub builder: Builder,
    /// The beginnings of the URLs of the outside party that are recorded: these
    /// requests leave for real.
    pub record: Vec<String>,
    /// Ends after the first run.
    pub once: bool,
}

/// Builds and runs a connector whenever it changes, or when `again` says so,
/// until `stop` is done. Gives whether all that was asked last succeeded.
///
/// # Errors
///
/// When the folder cannot be watched, or there is no place for what is built.
pub async fn develop(
    options: &Options,
    show: Arc<dyn Show>,
    mut again: mpsc::UnboundedReceiver<()>,
    stop: impl Future<Output = ()>,
) -> Result<bool, String> {
    let folder = options.builder.folder().to_owned();
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    let mut sources =
        Sources::watch(&folder, Some(&folder.join(CASSETTE))).map_err(|error| failed(&error))?;
    let mut session = Session {
        options,
        show,
        kept: tempfile::tempdir().map_err(|error| failed(&error))?,
        loaded: false,
    };
    let mut stop = std::pin::pin!(stop);
    let mut because = None;
    let mut rebuild = true;
    loop {
        let turn = async {
            if rebuild && !session.build(because.take()).await {
                return false;
            }
            session.run().await
        };
        let succeeded = tokio::select! {
            succeeded = turn => succeeded,
            () = &mut stop => {
                options.builder.stop();
                return Ok(true);
            }
        };
        if options.once {
            return Ok(succeeded);
        }
        session.show.show(Event::Waiting);
        tokio::select! {
            changed = sources.changed() => {
                rebuild = true;
                because = changed;
            }
            Some(()) = again.recv() => rebuild = false,
            () = &mut stop => return Ok(succeeded),
        }
    }
}

struct Session<'a> {
    options: &'a Options,
    show: Arc<dyn Show>,
    /// Where the component in force is: a build that fails does not touch it.
    kept: TempDir,
    loaded: bool,
}

impl Session<'_> {
    fn component(&self) -> PathBuf {
        self.kept.path().join("component.wasm")
    }

    /// Builds; false when the component of before stays.
    async fn build(&mut self, because: Option<PathBuf>) -> bool {
        self.show.show(Event::Building { because });
        let builder = self.options.builder.clone();
        let built = tokio::task::spawn_blocking(move || builder.build()).await;
        let built = built.unwrap_or_else(|error| Err(BuildError::Command(error.to_string())));
        let kept = built.and_then(|path| {
            let copied = std::fs::copy(&path, self.component());
            copied
                .map(|_| path)
                .map_err(|error| BuildError::Command(error.to_string()))
        });
        match kept {
            Ok(path) => {
                self.loaded = true;
                let sha256 = std::fs::read(&path).map(|bytes| {
                    use sha2::{Digest, Sha256};
                    hex::encode(Sha256::digest(bytes))
                });
                self.show.show(Event::Loaded {
                    component: path,
                    sha256: sha256.unwrap_or_default(),
                });
                true
            }
            Err(error) => {
                self.show.show(Event::NotBuilt {
                    why: error.to_string(),
                    kept: self.loaded,
                });
                false
            }
        }
    }

    /// Asks the component for all that it is there for; gives whether it did all
    /// of it.
    async fn run(&self) -> bool {
        if !self.loaded {
            return false;
        }
        match self.ask().await {
            Ok(succeeded) => succeeded,
            Err(why) => {
                self.show.show(Event::Trouble { why });
                false
            }
        }
    }

    async fn ask(&self) -> Result<bool, String> {
        let folder = self.options.builder.folder();
        let scenario = scenario(folder)?;
        let record = self.options.record.clone();
        let cassette = match (&scenario.cassette, record.is_empty()) {
            (_, true) => None,
            (Some(path), false) => Some(path.clone()),
            (None, false) => Some(folder.join(CASSETTE)),
        };
        let cassette = cassette.map(|path| Cassette::load(&path)).transpose();
        let teller = Arc::new(Teller {
            show: self.show.clone(),
            record,
            cassette: Mutex::new(cassette.map_err(|error| error.to_string())?),
        });
        let resolver: Arc<dyn Resolve> = if self.options.record.is_empty() {
            Arc::new(Nowhere)
        } else {
            Arc::new(SystemResolver)
        };
        let words = |error: SuiteError| error.to_string();
        let maker = Maker::new(&self.component(), scenario)
            .await
            .map_err(words)?
            .map_err(|refusal| refusal.to_string())?;
        maker
            .check()
            .map_err(|error| format!("{FILE}: [grant] {error}"))?;
        let mut all = true;
        for act in Act::all(&maker) {
            self.show.show(Event::Asked {
                act: act.to_string(),
            });
            let world = maker
                .world_seen(teller.clone(), resolver.clone())
                .map_err(words)?;
            let Some(job) = act.prepare(&maker, &world).await.map_err(words)? else {
                all = false;
                continue;
            };
            let course = world.run(job).await.map_err(words)?;
            all &= course.succeeded();
            self.ended(act, &course);
        }
        Ok(all)
    }

    fn ended(&self, act: Act, course: &Course) {
        for line in &course.report.log {
            self.show.show(Event::Log {
                level: format!("{:?}", line.level).to_lowercase(),
                text: line.text.clone(),
            });
        }
        let result = match &course.report.outcome {
            Ok(output) => serde_json::to_value(output).unwrap_or_default(),
            Err(error) => serde_json::json!({"error": error.code(), "message": error.to_string()}),
        };
        self.show.show(Event::Ended {
            act: act.to_string(),
            result,
            succeeded: course.succeeded(),
            milliseconds: course.report.duration.as_millis() as u64,
        });
    }
}

/// The scenario beside the sources, if there is one.
fn scenario(folder: &Path) -> Result<Scenario, String> {
    let path = folder.join(FILE);
    if path.exists() {
        Scenario::load(&path).map_err(|error| error.to_string())
    } else {
        Ok(Scenario::default())
    }
}
