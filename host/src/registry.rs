//! The registry: components by client, compiled once per content.

mod compiled;
mod signed;
mod stamp;

pub(crate) use compiled::Compiled;

use crate::admission::{self, Inspection, MAX_BYTES, Refusal};
use crate::authorization::ActivitySet;
use crate::compiler::{Compiling, Digested};
use crate::config::{Client, Config};
use crate::distribution::{Cache, CacheError};
use crate::sandbox::{Sandbox, State};
use sha2::{Digest, Sha256};
use signed::Verified;
use stamp::Stamp;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use wasmtime::component::InstancePre;

/// For how long a file is taken to be as it was when somebody looked.
const LOOK: Duration = Duration::from_millis(1);

/// A component that is ready to run for a client.
pub struct Loaded {
    /// What it is and asks for.
    pub inspection: Inspection,
    /// The component, linked with what its client was granted.
    pub pre: InstancePre<State>,
}

/// Why a client cannot run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The configuration has no such client.
    #[error("there is no client \"{0}\"; add `[clients.{0}]` with `component` and `activities`")]
    UnknownClient(String),
    /// The client is an external application, which has no component.
    #[error("client \"{0}\" is an external application: it calls the REST API, and cannot be run")]
    Application(String),
    /// The file of the component cannot be read.
    #[error("client \"{client}\": {path} cannot be read: {error}", path = .path.display())]
    Unreadable {
        /// The client.
        client: String,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// The component cannot be had from its registry, or what is in the cache
    /// is not what was pinned.
    #[error("client \"{client}\": {error}")]
    Distribution {
        /// The client.
        client: String,
        /// What went wrong.
        error: CacheError,
    },
    /// The component is not admitted.
    #[error("client \"{client}\": {refusal}")]
    Refused {
        /// The client.
        client: String,
        /// Why.
        refusal: Refusal,
    },
    /// It takes longer to compile than the run waits.
    #[error(
        "client \"{client}\": its component was not compiled within {milliseconds} ms (limits.compile-ms); compiling goes on, and a later run may find it done"
    )]
    Slow {
        /// The client.
        client: String,
        /// How long the run waited.
        milliseconds: u64,
    },
    /// A fault of koppel, or something that only linking finds.
    #[error("client \"{client}\" cannot be linked: {why}")]
    Link {
        /// The client.
        client: String,
        /// Why.
        why: String,
    },
}

/// Keeps what was read and linked, so that a component that several clients
/// share, or that runs again, is not read or linked again. What was compiled is
/// kept with the engine, and on disk.
#[derive(Default)]
pub struct Registry {
    disk: Option<Arc<Compiled>>,
    files: Mutex<HashMap<PathBuf, Known>>,
    ready: Mutex<HashMap<String, (Key, Arc<Loaded>)>>,
    linked: Mutex<HashMap<Key, Weak<Loaded>>>,
    verified: Verified,
}

/// What a linked component depends on. When one of these changes, it is
/// admitted and linked again.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    digest: [u8; 32],
    granted: ActivitySet,
    http: bool,
    exports: bool,
}

impl Registry {
    /// A registry that keeps what it compiles on disk as well.
    pub(crate) fn on_disk(compiled: Compiled) -> Self {
        Self {
            disk: Some(Arc::new(compiled)),
            ..Self::default()
        }
    }

    /// Loads the component of a client under the given configuration, and
    /// waits while it is compiled, for as long as its limits say.
    ///
    /// # Errors
    ///
    /// See [`LoadError`].
    pub async fn load(
        &self,
        sandbox: &Sandbox,
        config: &Config,
        name: &str,
    ) -> Result<Arc<Loaded>, LoadError> {
        let client = config.client(name).ok_or_else(|| {
            if config.applications.contains_key(name) {
                LoadError::Application(name.to_owned())
            } else {
                LoadError::UnknownClient(name.to_owned())
            }
        })?;
        let granted = config
            .grants
            .clients
            .get(name)
            .map(|grants| grants.activities)
            .unwrap_or_default();
        let content = match self.unchanged(&client.component) {
            Some(known) => Content::Known(known),
            None => tokio::task::block_in_place(|| self.content(&client.component))
                .map_err(|error| LoadError::Unreadable {
                    client: name.to_owned(),
                    path: client.component.clone(),
                    error,
                })?
                .map_err(|refusal| refused(name, refusal))?,
        };
        let key = Key {
            digest: content.digest(),
            granted,
            http: !client.http.is_empty(),
            exports: client.exports.is_some(),
        };
        pinned(client, &key.digest).map_err(|refusal| refused(name, refusal))?;
        if let Some(oci) = &client.oci {
            let cache = Cache::new(config.distribution.cache.clone());
            let checked = cache.check(oci, &hex::encode(key.digest));
            checked.map_err(|error| LoadError::Distribution {
                client: name.to_owned(),
                error,
            })?;
        }
        let policy = &config.distribution.signatures;
        if !self.verified.knows(policy, &content) {
            // Others must not wait for it; but giving them another thread costs
            // more than a run.
            tokio::task::block_in_place(|| self.verified.check(client, policy, &content))
                .map_err(|refusal| refused(name, refusal))?;
        }
        if let Some((known, loaded)) = lock(&self.ready).get(name)
            && *known == key
        {
            return Ok(loaded.clone());
        }
        let compiled = self.compiled(sandbox, client, content).await?;
        let (component, inspection) = match compiled.as_ref() {
            Ok(compiled) => compiled,
            Err(refusal) => return Err(refused(name, refusal.clone())),
        };
        admission::admit(name, inspection, &granted, key.http, key.exports)
            .map_err(|refusal| refused(name, refusal))?;
        let linked = lock(&self.linked).get(&key).and_then(Weak::upgrade);
        let loaded = match linked {
            Some(loaded) => loaded,
            None => {
                // What it does not import it cannot call, granted or not.
                let imported = inspection.activities.iter().copied();
                let imported = imported.filter(|activity| granted.contains(*activity));
                let http = key.http && inspection.http;
                let exports = key.exports && inspection.exports;
                let pre = sandbox
                    .linker(&imported.collect(), http, exports)
                    .and_then(|linker| linker.instantiate_pre(component))
                    .map_err(|error| LoadError::Link {
                        client: name.to_owned(),
                        why: format!("{error:#}"),
                    })?;
                let loaded = Arc::new(Loaded {
                    inspection: inspection.clone(),
                    pre,
                });
                let mut linked = lock(&self.linked);
                linked.retain(|_, loaded| loaded.strong_count() > 0);
                linked.insert(key.clone(), Arc::downgrade(&loaded));
                loaded
            }
        };
        lock(&self.ready).insert(name.to_owned(), (key, loaded.clone()));
        Ok(loaded)
    }

    /// What the component of a client asks for, if it was compiled before: also
    /// that of one which is not admitted.
    pub(crate) fn inspection(&self, sandbox: &Sandbox, client: &Client) -> Option<Inspection> {
        let digest = match self.unchanged(&client.component) {
            Some(known) => known.digest,
            None => {
                let content = tokio::task::block_in_place(|| self.content(&client.component));
                content.ok()?.ok()?.digest()
            }
        };
        let compiled = sandbox.compiler().known(&digest)?.borrow().clone()?;
        let (_, inspection) = compiled.as_ref().as_ref().ok()?;
        Some(inspection.clone())
    }

    /// What was in the file of a component, if it is as it was. That takes one
    /// look at the file, on whatever thread asks; when many ask at a time, one
    /// looks for all.
    fn unchanged(&self, path: &Path) -> Option<Known> {
        if let Some(known) = lock(&self.files).get(path)
            && known.looked.is_some_and(|looked| looked.elapsed() < LOOK)
        {
            return Some(known.clone());
        }
        let looked = Instant::now();
        let stamp = Stamp::of(&std::fs::metadata(path).ok()?);
        let mut files = lock(&self.files);
        let known = files.get_mut(path).filter(|known| known.stamp == stamp)?;
        known.looked = known.looked.max(Some(looked));
        Some(known.clone())
    }

    /// What is in the file of a component.
    fn content(&self, path: &Path) -> std::io::Result<Result<Content, Refusal>> {
        if !std::fs::metadata(path)?.is_file() {
            // Opening a pipe would wait for a writer, a device may have no end.
            return Err(std::io::Error::other("it is not a regular file"));
        }
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        let stamp = Stamp::of(&metadata);
        let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        if size > MAX_BYTES {
            return Ok(Err(Refusal::TooLarge { size }));
        }
        let mut bytes = Vec::with_capacity(size + 1);
        // It may grow while it is read; what is too large then is refused by
        // its length.
        (&mut file)
            .take(MAX_BYTES as u64 + 1)
            .read_to_end(&mut bytes)?;
        // Only if nobody wrote to it meanwhile, and nobody can unseen.
        let after = Stamp::of(&file.metadata()?);
        let stamp = (after == stamp && stamp.settled()).then_some(stamp);
        let digest = Sha256::digest(&bytes).into();
        Ok(Ok(Content::Read {
            digest,
            bytes,
            stamp,
        }))
    }

    /// The compiled component, which is waited for as long as the limits of its
    /// client say.
    async fn compiled(
        &self,
        sandbox: &Sandbox,
        client: &Client,
        content: Content,
    ) -> Result<Digested, LoadError> {
        let (digest, bytes, stamp) = match content {
            Content::Known(known) => return Ok(known.compiled),
            Content::Read {
                digest,
                bytes,
                stamp,
            } => (digest, bytes, stamp),
        };
        let limits = &client.limits;
        let started = || self.start(sandbox, limits.compile_effort, digest, bytes);
        let mut compiling = tokio::task::block_in_place(started)
            .map_err(|refusal| refused(&client.name, refusal))?;
        let patience = Duration::from_millis(limits.compile_ms);
        let done = tokio::time::timeout(patience, compiling.wait_for(Option::is_some)).await;
        let compiled = match done {
            Ok(Ok(compiled)) => compiled.clone(),
            // The compiler panicked.
            Ok(Err(_)) => None,
            Err(_) => {
                return Err(LoadError::Slow {
                    client: client.name.clone(),
                    milliseconds: limits.compile_ms,
                });
            }
        };
        let failed = || Refusal::Invalid("the compiler failed on it".to_owned());
        let compiled = compiled.ok_or_else(|| refused(&client.name, failed()))?;
        if let Some(stamp) = stamp {
            let known = Known {
                stamp,
                looked: None,
                digest,
                compiled: compiled.clone(),
            };
            lock(&self.files).insert(client.component.clone(), known);
        }
        Ok(compiled)
    }

    /// Finds what was compiled before, or starts compiling what may be.
    fn start(
        &self,
        sandbox: &Sandbox,
        compile_effort: u64,
        digest: [u8; 32],
        bytes: Vec<u8>,
    ) -> Result<Compiling, Refusal> {
        let compiler = sandbox.compiler();
        if let Some(known) = compiler.known(&digest) {
            return Ok(known);
        }
        let engine = sandbox.engine();
        if let Some(disk) = &self.disk
            && let Some(component) = disk.load(engine, &digest)
        {
            let inspection = admission::read(engine, &component, &digest, bytes.len());
            let found = inspection.map(|inspection| (component, inspection));
            return Ok(compiler.keep(digest, Arc::new(found)));
        }
        admission::precheck(&bytes, compile_effort)?;
        Ok(compiler.compile(digest, bytes, self.disk.clone()))
    }
}

/// A file that was read and compiled.
#[derive(Clone)]
struct Known {
    stamp: Stamp,
    /// When the file was as it was, if anybody looked since it was read.
    looked: Option<Instant>,
    digest: [u8; 32],
    compiled: Digested,
}

/// What is in a file.
enum Content {
    /// What was in it before.
    Known(Known),
    /// These bytes.
    Read {
        digest: [u8; 32],
        bytes: Vec<u8>,
        /// By which it is known again, if it can be.
        stamp: Option<Stamp>,
    },
}

impl Content {
    fn digest(&self) -> [u8; 32] {
        match self {
            Self::Known(Known { digest, .. }) | Self::Read { digest, .. } => *digest,
        }
    }
}

fn pinned(client: &Client, digest: &[u8; 32]) -> Result<(), Refusal> {
    let Some(pinned) = &client.sha256 else {
        return Ok(());
    };
    let found = hex::encode(digest);
    if *pinned == found {
        return Ok(());
    }
    Err(Refusal::WrongDigest {
        client: client.name.clone(),
        pinned: pinned.clone(),
        found,
    })
}

fn refused(client: &str, refusal: Refusal) -> LoadError {
    LoadError::Refused {
        client: client.to_owned(),
        refusal,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // The maps are whole after every statement, so a panic elsewhere while
    // one was locked has not broken it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
