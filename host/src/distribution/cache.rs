//! Components that were pulled, by the digest of their manifest: what is there
//! is what was pinned, or it is not used.

use super::artifact::{self, Artifact};
use super::provenance::{Origin, write_origin};
use super::signature::signature_file;
use super::{Access, OciReference, Pinned, Registry, RegistryError};
use std::io::Write;
use std::path::{Path, PathBuf};

const COMPONENT: &str = "component.wasm";
const MANIFEST: &str = "manifest.json";

/// A folder of components.
#[derive(Clone, Debug)]
pub struct Cache(PathBuf);

/// Why a component of the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be pulled.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The folder cannot be written.
    #[error("{path}: {error}", path = .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// Something else is in it than was pulled.
    #[error("{path}: {why}; remove the folder, and it is pulled again", path = .path.display())]
    Changed {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Cache {
    /// The cache in this folder, which is made when something is put there.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn folder(&self, pinned: &Pinned) -> PathBuf {
        self.0.join("sha256").join(pinned.sha256())
    }

    /// Where the component of a reference is, or will be.
    pub fn component(&self, pinned: &Pinned) -> PathBuf {
        self.folder(pinned).join(COMPONENT)
    }

    /// Pulls a component if it is not there.
    ///
    /// # Errors
    ///
    /// See [`CacheError`].
    pub async fn fetch(
        &self,
        pinned: &Pinned,
        access: impl FnOnce() -> Result<Access, String>,
    ) -> Result<(), CacheError> {
        if self.component(pinned).exists() {
            return Ok(());
        }
        let reference: OciReference = pinned.reference();
        let access = access().map_err(|why| RegistryError {
            reference: pinned.to_string(),
            why,
        })?;
        let pulled = Registry::new(&reference, &access).pull(&reference).await?;
        let folder = self.folder(pinned);
        self.put(&folder, &pulled)
            .map_err(|error| CacheError::Folder {
                path: folder.clone(),
                error,
            })?;
        tracing::info!(reference = %pinned, "a component was pulled");
        Ok(())
    }

    /// Puts it there as a whole or not at all.
    fn put(&self, folder: &Path, pulled: &super::Pulled) -> std::io::Result<()> {
        std::fs::create_dir_all(self.0.join("sha256"))?;
        let made = tempfile::tempdir_in(&self.0)?;
        let write = |name: &Path, bytes: &[u8]| {
            let mut file = std::fs::File::create_new(name)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        let component = made.path().join(COMPONENT);
        write(&component, &pulled.component)?;
        write(&made.path().join(MANIFEST), &pulled.manifest)?;
        if let Some(signature) = &pulled.artifact.signature {
            write(&signature_file(&component), signature.as_bytes())?;
        }
        write_origin(&component, &Origin::of(pulled))?;
        match std::fs::rename(made.path(), folder) {
            // Another process was faster; what it put there is checked as well.
            Err(_) if folder.exists() => Ok(()),
            renamed => renamed,
        }
    }

    /// Whether the component in the cache is the one that was pinned.
    ///
    /// # Errors
    ///
    /// [`CacheError::Changed`].
    pub fn check(&self, pinned: &Pinned, sha256: &str) -> Result<(), CacheError> {
        let folder = self.folder(pinned);
        let changed = |why: String| CacheError::Changed {
            path: folder.clone(),
            why,
        };
        let manifest = std::fs::read(folder.join(MANIFEST))
            .map_err(|error| changed(format!("{MANIFEST}: {error}")))?;
        let digest = artifact::digest(&manifest);
        if digest.strip_prefix("sha256:") != Some(pinned.sha256()) {
            return Err(changed(format!("its manifest has the digest {digest}")));
        }
        let artifact = Artifact::read(&manifest).map_err(changed)?;
        if artifact.sha256 != sha256 {
            return Err(changed(format!(
                "its component has SHA-256 {sha256}, and the manifest says {}",
                artifact.sha256
            )));
        }
        Ok(())
    }
}
