//! The configuration in force, and its replacement without a restart.

use super::{Config, ConfigError, Published};
use crate::telemetry::Metrics;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use notify::{RecursiveMode, Watcher};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::Duration;

/// How long the file must be quiet before it is read: editors write in steps.
const SETTLE: Duration = Duration::from_millis(50);

/// The configuration in force. Cheap to read on every call; a replacement is
/// seen by the very next one, also in the middle of a run.
#[derive(Clone)]
pub struct Live(Arc<InForce>);

/// How the configuration in force came to be.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Since when it is in force.
    pub since: Timestamp,
    /// What is wrong with the file as it is now, if it is another one.
    pub fault: Option<String>,
}

struct InForce {
    config: ArcSwap<Config>,
    /// Held by whoever replaces it: the file and what is published change at
    /// any time, and neither may bring back what the other replaced.
    refused: Mutex<Option<Refused>>,
    standing: Mutex<Standing>,
    /// Counts what becomes of changes.
    metrics: OnceLock<Arc<Metrics>>,
}

/// What became of a changed configuration file, or of published grants.
#[derive(Debug)]
pub enum Reload {
    /// The new one is in force.
    Replaced,
    /// The new one is broken. The old one stays in force.
    Kept(ConfigError),
}

/// Published grants that are not in force because something is wrong with them,
/// or because they are of a kind that this host does not know.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Their version.
    pub version: u64,
    /// What is wrong and what to do.
    pub why: String,
    /// What they are, if that can be read: a change of the file may mend it.
    published: Option<Arc<Published>>,
}

impl Live {
    /// Puts a first configuration in force.
    pub fn new(config: Config) -> Self {
        Self(Arc::new(InForce {
            config: ArcSwap::from_pointee(config),
            refused: Mutex::default(),
            standing: Mutex::new(Standing {
                since: Timestamp::now(),
                fault: None,
            }),
            metrics: OnceLock::new(),
        }))
    }

    /// Counts what becomes of changes from now on.
    pub(crate) fn count(&self, metrics: Arc<Metrics>) {
        // Only the first: there is one host.
        let _ = self.0.metrics.set(metrics);
    }

    fn counted(&self, source: &'static str, reload: Reload) -> Reload {
        if let Some(metrics) = self.0.metrics.get() {
            let outcome = match &reload {
                Reload::Replaced => "replaced",
                Reload::Kept(_) => "kept",
            };
            metrics.reload(source, outcome);
        }
        reload
    }

    /// The configuration in force now.
    pub fn now(&self) -> Arc<Config> {
        self.0.config.load_full()
    }

    /// Whether this one is still in force.
    pub(crate) fn is(&self, config: &Arc<Config>) -> bool {
        Arc::ptr_eq(&self.0.config.load(), config)
    }

    /// How it came to be.
    pub fn standing(&self) -> Standing {
        self.stands().clone()
    }

    fn stands(&self) -> MutexGuard<'_, Standing> {
        let standing = self.0.standing.lock();
        standing.unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` on the configuration in force now, without keeping it.
    pub fn with<R>(&self, f: impl FnOnce(&Config) -> R) -> R {
        f(&self.0.config.load())
    }

    fn refused_now(&self) -> MutexGuard<'_, Option<Refused>> {
        // Each statement leaves it whole.
        let refused = self.0.refused.lock();
        refused.unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest published grants, if they are not in force.
    pub fn refused(&self) -> Option<Refused> {
        self.refused_now().clone()
    }

    /// The version of the newest published grants that this host knows, in
    /// force or not; 0 if there are none.
    pub fn newest(&self) -> u64 {
        newest(&self.now(), &self.refused_now())
    }

    fn put(&self, before: &Config, mut config: Config) {
        // What was taken back stays so, whatever is granted.
        config.grants.revoked = before.grants.revoked.clone();
        self.0.config.store(Arc::new(config));
        self.stands().since = Timestamp::now();
    }

    /// Reads the file again and puts it in force if it has no faults.
    pub fn reload(&self) -> Reload {
        let reload = self.read_again();
        self.counted("file", reload)
    }

    fn read_again(&self) -> Reload {
        let mut refused = self.refused_now();
        let before = self.now();
        let load = |published: Option<&Arc<Published>>| Config::load_with(&before.path, published);
        // With grants that were refused, if they fit the changed file.
        let newer = refused
            .as_ref()
            .and_then(|refused| refused.published.clone());
        let mended = newer.and_then(|newer| load(Some(&newer)).ok());
        let fits = mended.is_some();
        let loaded = mended.map_or_else(|| load(before.published.as_ref()), Ok);
        let loaded = loaded.and_then(|config| {
            if config.granting() == before.granting() {
                return Ok(config);
            }
            let text = "`grants` under [queue] says now that the grants are elsewhere, which takes a restart";
            Err(ConfigError::whole(&before.path, text.to_owned()))
        });
        match loaded {
            Ok(config) => {
                self.put(&before, config);
                self.stands().fault = None;
                if fits {
                    *refused = None;
                }
                Reload::Replaced
            }
            Err(error) => {
                self.stands().fault = Some(error.to_string());
                Reload::Kept(error)
            }
        }
    }

    /// Puts published grants in force, with the file as it was when it was put
    /// in force. None if they are not newer than what is known: then nothing
    /// changes.
    pub fn publish(&self, published: &Arc<Published>) -> Option<Reload> {
        let mut refused = self.refused_now();
        let before = self.now();
        if published.version <= newest(&before, &refused) {
            return None;
        }
        let reload = match before.with_grants(published) {
            Ok(config) => {
                self.put(&before, config);
                *refused = None;
                Reload::Replaced
            }
            Err(error) => {
                *refused = Some(Refused {
                    version: published.version,
                    why: error.to_string(),
                    published: Some(published.clone()),
                });
                Reload::Kept(error)
            }
        };
        Some(self.counted("published", reload))
    }

    /// Notes that published grants cannot be read. Says whether that is news.
    pub fn refuse(&self, version: u64, why: String) -> bool {
        let mut refused = self.refused_now();
        if version <= newest(&self.now(), &refused) {
            return false;
        }
        *refused = Some(Refused {
            version,
            why,
            published: None,
        });
        if let Some(metrics) = self.0.metrics.get() {
            metrics.reload("published", "kept");
        }
        true
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

fn newest(config: &Config, refused: &Option<Refused>) -> u64 {
    let published = config.published.as_ref();
    let in_force = published.map_or(0, |published| published.version);
    let refused = refused.as_ref().map_or(0, |refused| refused.version);
    in_force.max(refused)
}
