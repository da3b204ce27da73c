//! The configuration in force, and its replacement without a restart.

use super::{Config, ConfigError};
use arc_swap::ArcSwap;
use notify::{RecursiveMode, Watcher};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// How long the file must be quiet before it is read: editors write in steps.
const SETTLE: Duration = Duration::from_millis(50);

/// The configuration in force. Cheap to read on every call; a replacement is
/// seen by the very next one, also in the middle of a run.
#[derive(Clone)]
pub struct Live(Arc<ArcSwap<Config>>);

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
        Self(Arc::new(ArcSwap::from_pointee(config)))
    }

    /// The configuration in force now.
    pub fn now(&self) -> Arc<Config> {
        self.0.load_full()
    }

    /// Runs `f` on the configuration in force now, without keeping it.
    pub fn with<R>(&self, f: impl FnOnce(&Config) -> R) -> R {
        f(&self.0.load())
    }

    /// Reads the file again and puts it in force if it has no faults.
    pub fn reload(&self) -> Reload {
        match Config::load(&self.now().path) {
            Ok(mut config) => {
                // What was taken back stays so, whatever the file grants.
                config.grants.revoked = self.with(|config| config.grants.revoked.clone());
                self.0.store(Arc::new(config));
                Reload::Replaced
            }
            Err(error) => Reload::Kept(error),
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
