//! Encryption of what is stored: contents of messages in the ledger, and what
//! journals of runs hold.
//!
//! Keys have names and are read from where the configuration says
//! ([`Encryption`]). What is stored begins with the name of the key that it was
//! encrypted with, so that keys can be replaced one after another. What was
//! stored before there were keys is read as it is.

mod key;
#[cfg(test)]
mod tests;

pub(crate) use key::{DataKey, Key, LONGEST_NAME, random};

use crate::config::{Encryption, Live, SecretReference};
use crate::ledger::Redactor;
use crate::secrets::{self, ExposeSecret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Why something cannot be encrypted, or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncryptionError {
    /// The key is in no configuration.
    #[error(
        "it is encrypted with key \"{id}\", which is not in the configuration: add `\"{id}\" = {{ env = \"…\" }}` under [encryption.keys] ({place})"
    )]
    Unknown { id: String, place: String },
    /// The key cannot be read.
    #[error("{place}: [encryption.keys] \"{id}\": {why}")]
    Unreadable {
        id: String,
        place: String,
        why: String,
    },
    /// Another key of that name was used.
    #[error(
        "{place}: [encryption.keys] \"{id}\" is not the key of this name that it was encrypted with: give each key a name of its own"
    )]
    Another { id: String, place: String },
    /// It was changed, or belongs elsewhere.
    #[error("what is stored was changed")]
    Changed,
    /// Encryption was switched off, and what is stored was to be encrypted.
    #[error(
        "{place}: [encryption] is missing, and what was stored until now is encrypted: put it back, so that nothing more is stored in clear text"
    )]
    Off { place: String },
    /// The operating system gives no random numbers.
    #[error("there are no random numbers")]
    Random,
}

/// The keys. Cloning gives another handle on the same ones.
#[derive(Clone, Default)]
pub(crate) struct Vault(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// As it was at the start.
    first: Arc<Encryption>,
    /// As it is now, once that can be told.
    live: OnceLock<Live>,
    redactor: Redactor,
    /// What was read, by name.
    read: Mutex<HashMap<String, (SecretReference, Arc<Key>)>>,
}

impl Vault {
    /// The keys of a configuration. The redactor is told each that is read.
    pub(crate) fn new(encryption: Arc<Encryption>, redactor: Redactor) -> Self {
        Self(Arc::new(Inner {
            first: encryption,
            redactor,
            ..Inner::default()
        }))
    }

    /// From now on the keys of the configuration in force.
    pub(crate) fn follow(&self, live: &Live) {
        // Once is enough: it is the same at all times.
        let _ = self.0.live.set(live.clone());
    }

    fn encryption(&self) -> Arc<Encryption> {
        let live = self.0.live.get();
        live.map_or_else(
            || self.0.first.clone(),
            |live| live.with(|config| config.encryption.clone()),
        )
    }

    /// The key that encrypts, if there is encryption.
    pub(crate) fn active(&self) -> Result<Option<Arc<Key>>, EncryptionError> {
        let encryption = self.encryption();
        match &encryption.active {
            Some(id) => self.key(&encryption, id).map(Some),
            None if self.0.first.active.is_some() => Err(self.off()),
            None => Ok(None),
        }
    }

    /// That encryption is missing where it was.
    pub(crate) fn off(&self) -> EncryptionError {
        let place = self.encryption().place.clone();
        EncryptionError::Off { place }
    }

    fn key(&self, encryption: &Encryption, id: &str) -> Result<Arc<Key>, EncryptionError> {
        let Some(configured) = encryption.keys.get(id) else {
            let (id, place) = (id.to_owned(), encryption.place.clone());
            return Err(EncryptionError::Unknown { id, place });
        };
        let mut read = self.0.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((from, key)) = read.get(id)
            && *from == configured.value
        {
            return Ok(key.clone());
        }
        let key = secrets::read(&configured.value, &self.0.redactor)
            .and_then(|secret| Key::new(id, secret.expose_secret()));
        let key = Arc::new(key.map_err(|why| EncryptionError::Unreadable {
            id: id.to_owned(),
            place: configured.place.clone(),
            why,
        })?);
        read.insert(id.to_owned(), (configured.value.clone(), key.clone()));
        Ok(key)
    }

    /// Encrypted, if there is encryption. `about` says what it belongs to, and
    /// must be told again to read it.
    pub(crate) fn seal(&self, about: &str, plain: Vec<u8>) -> Result<Vec<u8>, EncryptionError> {
        match self.active()? {
            Some(key) => key.seal(about, &plain),
            None => Ok(plain),
        }
    }

    /// As it was before it was encrypted, if it was.
    pub(crate) fn open(&self, about: &str, stored: Vec<u8>) -> Result<Vec<u8>, EncryptionError> {
        let Some(id) = key::id_of(&stored) else {
            return Ok(stored);
        };
        let encryption = self.encryption();
        let key = self.key(&encryption, id)?;
        if !key.sealed(&stored) {
            let configured = encryption.keys.get(id);
            return Err(EncryptionError::Another {
                id: id.to_owned(),
                place: configured.map_or_else(String::new, |key| key.place.clone()),
            });
        }
        key.open(about, &stored)
    }
}

/// What was encrypted with the active key that was not before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Resealed {
    /// How many rows or steps.
    pub count: u64,
    /// The names of the keys that they were encrypted with; none stands for
    /// clear text.
    pub from: BTreeSet<Option<String>>,
}

impl Resealed {
    /// Counts one that was stored like this.
    pub(crate) fn add(&mut self, stored: &[u8]) {
        self.count += 1;
        self.from.insert(key::id_of(stored).map(str::to_owned));
    }

    /// Counts these, too.
    pub(crate) fn extend(&mut self, more: Self) {
        self.count += more.count;
        self.from.extend(more.from);
    }
}

/// Whether it is encrypted.
pub(crate) fn is_sealed(stored: &[u8]) -> bool {
    key::id_of(stored).is_some()
}

/// A new key, as a secret holds it.
pub(crate) fn new_key() -> Result<Zeroizing<String>, EncryptionError> {
    let key = Zeroizing::new(random::<32>()?);
    Ok(Zeroizing::new(STANDARD.encode(*key)))
}
