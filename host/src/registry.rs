//! The registry: components by client, compiled once per content.

use crate::admission::{self, Inspection, Refusal};
use crate::authorization::ActivitySet;
use crate::config::{Client, Config};
use crate::sandbox::{Sandbox, State, link};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::component::{Component, InstancePre};

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
    /// The component is not admitted.
    #[error("client \"{client}\": {refusal}")]
    Refused {
        /// The client.
        client: String,
        /// Why.
        refusal: Refusal,
    },
    /// A fault of koppel.
    #[error("client \"{client}\" cannot be linked: {why}")]
    Link {
        /// The client.
        client: String,
        /// Why.
        why: String,
    },
}

type Digested = Arc<Result<(Component, Inspection), Refusal>>;

/// Keeps what was compiled, so that a component that several clients share, or
/// that runs again, is compiled once.
#[derive(Default)]
pub struct Registry {
    compiled: Mutex<HashMap<[u8; 32], Digested>>,
    ready: Mutex<HashMap<String, (Key, Arc<Loaded>)>>,
}

/// What a linked component depends on. When one of these changes, it is
/// admitted and linked again.
#[derive(PartialEq, Eq)]
struct Key {
    digest: [u8; 32],
    granted: ActivitySet,
    http: bool,
    exports: bool,
}

impl Registry {
    /// Loads the component of a client under the given configuration. Blocks
    /// while it compiles.
    ///
    /// # Errors
    ///
    /// See [`LoadError`].
    pub fn load(
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
        let bytes = std::fs::read(&client.component).map_err(|error| LoadError::Unreadable {
            client: name.to_owned(),
            path: client.component.clone(),
            error,
        })?;
        let key = Key {
            digest: Sha256::digest(&bytes).into(),
            granted,
            http: !client.http.is_empty(),
            exports: client.exports.is_some(),
        };
        pinned(client, &key.digest).map_err(|refusal| refused(name, refusal))?;
        if let Some((known, loaded)) = lock(&self.ready).get(name)
            && *known == key
        {
            return Ok(loaded.clone());
        }
        let compiled = self.compile(sandbox, key.digest, &bytes);
        let (component, inspection) = match compiled.as_ref() {
            Ok(compiled) => compiled,
            Err(refusal) => return Err(refused(name, refusal.clone())),
        };
        admission::admit(name, inspection, &granted, key.http, key.exports)
            .map_err(|refusal| refused(name, refusal))?;
        let pre = link(sandbox.engine(), &granted, key.http, key.exports)
            .and_then(|linker| linker.instantiate_pre(component))
            .map_err(|error| LoadError::Link {
                client: name.to_owned(),
                why: format!("{error:#}"),
            })?;
        let loaded = Arc::new(Loaded {
            inspection: inspection.clone(),
            pre,
        });
        lock(&self.ready).insert(name.to_owned(), (key, loaded.clone()));
        Ok(loaded)
    }

    fn compile(&self, sandbox: &Sandbox, digest: [u8; 32], bytes: &[u8]) -> Digested {
        if let Some(known) = lock(&self.compiled).get(&digest) {
            return known.clone();
        }
        // Not under the lock: compiling one component holds up no other.
        let compiled = admission::inspect(sandbox.engine(), bytes);
        let compiled = Arc::new(compiled);
        lock(&self.compiled).insert(digest, compiled.clone());
        compiled
    }
}

fn pinned(client: &Client, digest: &[u8; 32]) -> Result<(), Refusal> {
    let found = hex::encode(digest);
    match &client.sha256 {
        Some(pinned) if *pinned != found => Err(Refusal::WrongDigest {
            client: client.name.clone(),
            pinned: pinned.clone(),
            found,
        }),
        _ => Ok(()),
    }
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
