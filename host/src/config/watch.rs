//! The configuration in force, and its replacement without a restart.

use super::{Config, ConfigError};
use arc_swap::ArcSwap;
use jiff::Timestamp;
use notify::{RecursiveMode, Watcher};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// How long the file must be quiet before it is read: editors write in steps.
const SETTLE: Duration = Duration::from_millis(50);

/// The configuration in force. Cheap to read on every call; a replacement is
/// seen by the very next one, also in the middle of a run.
#[derive(Clone)]
pub struct Live {
    config: Arc<ArcSwap<Config>>,
    standing: Arc<Mutex<Standing>>,
}

/// How the configuration in force came to be.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Since when it is in force.
    pub since: Timestamp,
    /// What is wrong with the file as it is now, if it is another one.
    pub fault: Option<String>,
}

/// What became of a changed configuration file.
#[derive(Debug)]
pub enum Reload {
    /// The new one is in force.
    Replaced,
    /// The new one is broken. The old one stays in force.
    Kept(ConfigError),
}

impl Live {
    /// Puts a first configuration in force.
    pub fn new(config: Config) -> Self {
        Self {
            config: Arc::new(ArcSwap::from_pointee(config)),
            standing: Arc::new(Mutex::new(Standing {
                since: Timestamp::now(),
                fault: None,
            })),
        }
    }

    /// The configuration in force now.
    pub fn now(&self) -> Arc<Config> {
        self.config.load_full()
    }

    /// How it came to be.
    pub fn standing(&self) -> Standing {
        self.stands().clone()
    }

    fn stands(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` on the configuration in force now, without keeping it.
    pub fn with<R>(&self, f: impl FnOnce(&Config) -> R) -> R {
        f(&self.config.load())
    }

    /// Reads the file again and puts it in force if it has no faults.
    pub fn reload(&self) -> Reload {
        match Config::load(&self.now().path) {
            Ok(mut config) => {
                // What was taken back stays so, whatever the file grants.
                config.grants.revoked = self.with(|config| config.grants.revoked.clone());
                self.config.store(Arc::new(config));
                *self.stands() = Standing {
                    since: Timestamp::now(),
                    fault: None,
                };
                Reload::Replaced
            }
            Err(error) => {
                self.stands().fault = Some(error.to_string());
                Reload::Kept(error)
            }
        }
    }

    /// Reloads whenever the file changes, and tells `report` what came of it.
    /// Stops when the returned guard is dropped.
    ///
    /// # Errors
    ///
    /// When the operating system cannot watch the directory of the file.
    pub fn watch(&self, report: impl Fn(Reload) + Send + 'static) -> notify::Result<Watching> {
        let path = self.now().path.clone();
        let (changed, changes) = mpsc::channel();
        let name = path.file_name().map(ToOwned::to_owned);
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                // The directory is watched, not the file: editors and deployments
                // replace a file by renaming another one over it.
                let concerns_us = event.is_ok_and(|event| {
                    !event.kind.is_access()
                        && event
                            .paths
                            .iter()
                            .any(|path| path.file_name() == name.as_deref())
                });
                if concerns_us {
                    // Fails only when the reader is gone, and the watch with it.
                    let _ = changed.send(());
                }
            })?;
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        watcher.watch(directory, RecursiveMode::NonRecursive)?;
        let live = self.clone();
        std::thread::spawn(move || {
            while changes.recv().is_ok() {
                while changes.recv_timeout(SETTLE).is_ok() {}
                report(live.reload());
            }
        });
        Ok(Watching { _watcher: watcher })
    }
}

/// Keeps a configuration file watched while it lives.
pub struct Watching {
    _watcher: notify::RecommendedWatcher,
}
