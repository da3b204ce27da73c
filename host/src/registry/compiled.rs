//! Compiled components on disk, so that a new process need not compile.
//!
//! A file of machine code is as good as koppel itself to whoever can write it.
//! So each is authenticated with a key that only koppel can read, together
//! with what it was compiled from and for; one that does not match is never
//! loaded.

use crate::private_file;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::zeroize::Zeroizing;
use std::hash::{Hash, Hasher};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Comes before all else that is authenticated, so that a tag of this cache is
/// one of nothing else. A change of the format takes another one.
const PURPOSE: &[u8] = b"koppel compiled component 2\0";

/// BLAKE3 with a key (section 2.1 of its specification): machine code is much
/// to read, and this reads it several times as fast as HMAC-SHA-256.
const TAG_BYTES: usize = blake3::OUT_LEN;

/// The name of the file with the key.
const KEY: &str = "key";

/// A folder of compiled components.
pub(crate) struct Compiled {
    folder: PathBuf,
    key: Zeroizing<[u8; blake3::KEY_LEN]>,
    /// SHA-256 of version and settings of the engine, and of the machine it
    /// compiles for.
    engine: [u8; 32],
    /// Whether more is put into the folder.
    writes: bool,
}

impl Compiled {
    /// Opens the folder for this engine. It is made if there is none, with a
    /// key of its own.
    ///
    /// # Errors
    ///
    /// When the folder or the key cannot be made or read, or others can read
    /// the key. In words for the operator.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> Result<Self, String> {
        let path = folder.join(KEY);
        let secret = private_file::read_or_create(&path, || {
            let mut secret = Zeroizing::new(vec![0; blake3::KEY_LEN]);
            SystemRandom::new()
                .fill(&mut secret)
                .map_err(|error| error.to_string())?;
            Ok(secret)
        })
        .and_then(
            |secret| match <[u8; blake3::KEY_LEN]>::try_from(&secret[..]) {
                Ok(secret) => Ok(Zeroizing::new(secret)),
                Err(_) => Err(format!(
                    "it holds {} bytes; {} are needed",
                    secret.len(),
                    blake3::KEY_LEN
                )),
            },
        )
        .map_err(|why| format!("{}: {why}", path.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            key: secret,
            engine: fingerprint(engine),
            writes: true,
        })
    }

    /// The folder, if koppel made it before, to be read only: for who looks at a
    /// configuration, and may be another user than koppel's.
    pub(crate) fn existing(folder: &Path, engine: &Engine) -> Option<Self> {
        if !folder.join(KEY).exists() {
            return None;
        }
        let opened = Self::open(folder, engine).ok()?;
        Some(Self {
            writes: false,
            ..opened
        })
    }

    /// The compiled form of the component with this SHA-256, if the folder has
    /// it, authentic and for this engine.
    pub(crate) fn load(&self, engine: &Engine, digest: &[u8; 32]) -> Option<Component> {
        let path = self.path(digest);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!("{} cannot be read: {error}", path.display());
                return None;
            }
        };
        let Some(code) = self.authentic(digest, &bytes) else {
            tracing::warn!(
                "{} was not written by koppel, or was changed: it is not used",
                path.display()
            );
            return None;
        };
        match deserialize(engine, code) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!("{} cannot be used: {error:#}", path.display());
                None
            }
        }
    }

    /// Keeps the compiled form. That it cannot be kept costs time later, and
    /// nothing else: it is in the log.
    pub(crate) fn store(&self, digest: &[u8; 32], component: &Component) {
        if !self.writes {
            return;
        }
        let path = self.path(digest);
        let stored = component
            .serialize()
            .map_err(|error| format!("{error:#}"))
            .and_then(|code| {
                self.write(&path, digest, &code)
                    .map_err(|error| error.to_string())
            });
        if let Err(error) = stored {
            tracing::warn!("{} cannot be written: {error}", path.display());
        }
    }

    fn write(&self, path: &Path, digest: &[u8; 32], code: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(self.tag(digest, code).as_bytes())?;
        file.write_all(code)?;
        // Not synced: a file that a crash cut off is not authentic.
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// The machine code in the file, if its tag is right.
    fn authentic<'a>(&self, digest: &[u8; 32], bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (tag, code) = bytes.split_first_chunk::<TAG_BYTES>()?;
        // Hashes are compared in constant time, so that a tag cannot be found
        // byte by byte.
        (self.tag(digest, code) == *tag).then_some(code)
    }

    fn tag(&self, digest: &[u8; 32], code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [PURPOSE, digest, &self.engine, code] {
            hasher.update(part);
        }
        hasher.finalize()
    }

    fn path(&self, digest: &[u8; 32]) -> PathBuf {
        let (component, engine) = (hex::encode(digest), hex::encode(&self.engine[..8]));
        self.folder.join(format!("{component}-{engine}.cwasm"))
    }
}

/// What machine code depends on, as the engine sees it.
fn fingerprint(engine: &Engine) -> [u8; 32] {
    use sha2::{Digest, Sha256};

    /// The standard hashers are not the same in each version of Rust.
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut hasher = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}

/// Makes a component of machine code that was authenticated.
#[expect(
    unsafe_code,
    reason = "machine code cannot be checked; that koppel made it is what the tag shows"
)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are in memory, where nobody changes them, and their
    // tag was found to be right: `store` wrote them, as `Component::serialize`
    // of an engine with the same fingerprint gave them.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(test)]
mod tests;
