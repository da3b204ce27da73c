//! Export files: created, never changed, through a directory handle that
//! cannot be escaped.
//!
//! A file is written under a temporary name in `.staging`, made durable, and
//! then linked under its own name, which fails if there is one already. Each
//! process (and each handle in it) stages in a folder of its own, with a lock
//! beside it. A crash leaves at most such a folder, whose lock nobody holds:
//! it is removed when the directory is opened again.

mod name;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};
pub(crate) use name::check_name;
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

const STAGING: &str = ".staging";

/// What the name of a lock ends in, after that of its staging folder.
const LOCK: &str = ".lock";

/// Why a file could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The name breaks a rule.
    #[error("invalid name: {0}")]
    InvalidName(String),
    /// There is a file of this name.
    #[error("a file of this name exists already")]
    AlreadyExists,
    /// The files of the directory would take more than its quota.
    #[error("the quota of {quota} bytes is used up")]
    QuotaExceeded {
        /// The quota in bytes.
        quota: u64,
    },
    /// The operating system refused.
    #[error("{0}")]
    Io(String),
}

impl From<std::io::Error> for ExportError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::AlreadyExists => Self::AlreadyExists,
            _ => Self::Io(error.to_string()),
        }
    }
}

/// A directory for the export files of one client. Cloning gives another
/// handle on the same directory and the same quota.
#[derive(Clone)]
pub struct ExportDir(Arc<Inner>);

struct Inner {
    dir: Dir,
    /// The folder that holds every staging folder.
    stagings: Dir,
    /// The one of this handle, and its name.
    staging: Dir,
    own: String,
    /// Held while this handle lives, so that nobody else clears its staging.
    _lock: std::fs::File,
    quota: u64,
    used: Mutex<Used>,
}

/// What counts against the quota, in bytes.
struct Used {
    /// The files in the directory, as they were when counted last and with
    /// those published since.
    published: u64,
    /// The files being written.
    staged: u64,
}

impl Used {
    fn fits(&self, more: u64, quota: u64) -> bool {
        let total = self.published.saturating_add(self.staged);
        total.saturating_add(more) <= quota
    }
}

impl Inner {
    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let removed = self
            .stagings
            .remove_dir_all(&self.own)
            .and_then(|()| self.stagings.remove_file(format!("{}{LOCK}", self.own)));
        if let Err(error) = removed {
            // It is cleared when the directory is opened next.
            tracing::warn!(%error, folder = self.own, "a staging folder is left behind");
        }
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The name.
    pub name: String,
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256 of the bytes, lower-case hexadecimal.
    pub sha256: String,
}

impl ExportDir {
    /// Opens a directory, making it if need be, and counts what is in it
    /// against the quota.
    ///
    /// # Ambient Authority
    ///
    /// Uses the authority of the process on `path`; everything after that is
    /// confined to the directory.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made or read.
    pub fn open(path: &Path, quota: u64) -> Result<Self, ExportError> {
        let authority = ambient_authority();
        Dir::create_ambient_dir_all(path, authority)?;
        let dir = Dir::open_ambient_dir(path, authority)?;
        match dir.create_dir(STAGING) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        if !dir.symlink_metadata(STAGING)?.is_dir() {
            // A symlink, perhaps to files that are not ours to remove.
            return Err(ExportError::Io(format!("{STAGING} is not a directory")));
        }
        let stagings = dir.open_dir(STAGING)?;
        clear(&stagings)?;
        let own = Uuid::new_v4().to_string();
        let lock = stagings.create(format!("{own}{LOCK}"))?.into_std();
        lock.lock()?;
        stagings.create_dir(&own)?;
        let staging = stagings.open_dir(&own)?;
        let used = Mutex::new(Used {
            published: bytes_in(&dir)?,
            staged: 0,
        });
        Ok(Self(Arc::new(Inner {
            dir,
            stagings,
            staging,
            own,
            _lock: lock,
            quota,
            used,
        })))
    }

    /// Starts a file.
    ///
    /// # Errors
    ///
    /// When the name is not allowed or taken, or the disk refuses.
    pub fn create(&self, name: &str) -> Result<ExportWriter, ExportError> {
        check_name(name).map_err(ExportError::InvalidName)?;
        // Early and without promise; publishing decides.
        if self.0.dir.symlink_metadata(name).is_ok() {
            return Err(ExportError::AlreadyExists);
        }
        self.create_again(name)
    }

    /// Starts a file that a run started before it was interrupted, and may have
    /// published.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn create_again(&self, name: &str) -> Result<ExportWriter, ExportError> {
        let staged = Uuid::new_v4().to_string();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = self.0.staging.open_with(&staged, &options)?;
        Ok(ExportWriter {
            staged: Staged {
                dir: self.clone(),
                name: staged,
                reserved: 0,
            },
            name: name.to_owned(),
            file,
            hash: Sha256::new(),
        })
    }
}

/// Removes what a crash left: the folders whose lock nobody holds.
fn clear(stagings: &Dir) -> Result<(), ExportError> {
    for entry in stagings.entries()? {
        let name = entry?.file_name();
        let Some(folder) = name.to_str().and_then(|name| name.strip_suffix(LOCK)) else {
            continue;
        };
        let lock = match stagings.open(&name) {
            Ok(file) => file.into_std(),
            // Another process was quicker.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        if lock.try_lock().is_err() {
            continue;
        }
        // Here too.
        unless_gone(stagings.remove_dir_all(folder))?;
        unless_gone(stagings.remove_file(&name))?;
    }
    Ok(())
}

fn unless_gone(done: std::io::Result<()>) -> std::io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// The bytes of the files in a directory. What a symlink leads to is none of
/// them.
fn bytes_in(dir: &Dir) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in dir.entries()? {
        match entry?.metadata() {
            Ok(metadata) if metadata.is_file() => bytes += metadata.len(),
            // Taken away meanwhile.
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(bytes)
}

/// The staged file, removed in the end.
struct Staged {
    dir: ExportDir,
    name: String,
    /// What it takes of the quota, in bytes, until it is published.
    reserved: u64,
}

impl Staged {
    /// Takes bytes of the quota.
    fn reserve(&mut self, more: u64) -> Result<(), ExportError> {
        let inner = &self.dir.0;
        let mut used = inner.used();
        if !used.fits(more, inner.quota) {
            // Files that were taken away make room.
            used.published = bytes_in(&inner.dir)?;
        }
        if !used.fits(more, inner.quota) {
            return Err(ExportError::QuotaExceeded { quota: inner.quota });
        }
        used.staged += more;
        self.reserved += more;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let inner = &self.dir.0;
        inner.used().staged -= self.reserved;
        if let Err(error) = inner.staging.remove_file(&self.name) {
            // It is removed when the directory is opened next.
            tracing::warn!(%error, file = self.name, "a staged export file is left behind");
        }
    }
}

/// A file being written.
pub struct ExportWriter {
    staged: Staged,
    name: String,
    file: File,
    hash: Sha256,
}

impl ExportWriter {
    /// The name that it will have.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// When the quota does not allow them, or the disk refuses.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.staged.reserve(bytes.len() as u64)?;
        self.append(bytes)
    }

    /// Appends bytes that fitted before the run was interrupted.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn write_again(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.staged.dir.0.used().staged += bytes.len() as u64;
        self.staged.reserved += bytes.len() as u64;
        self.append(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        Ok(())
    }

    /// Makes the bytes durable. Nothing can be added after.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn seal(self) -> Result<Sealed, ExportError> {
        self.file.sync_all()?;
        Ok(Sealed {
            receipt: Receipt {
                name: self.name,
                size: self.staged.reserved,
                sha256: hex::encode(self.hash.finalize()),
            },
            staged: self.staged,
        })
    }
}

/// A complete file that is not visible yet.
pub struct Sealed {
    staged: Staged,
    receipt: Receipt,
}

impl Sealed {
    /// What will be published.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// The bytes; none if there are more than so many.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn read(&self, most: u64) -> Result<Option<Vec<u8>>, ExportError> {
        if self.receipt.size > most {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.staged
            .dir
            .0
            .staging
            .open(&self.staged.name)?
            .read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Whether this very file was published: a run that was interrupted cannot
    /// tell otherwise.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn is_published(&self) -> Result<bool, ExportError> {
        let mut file = match self.staged.dir.0.dir.open(&self.receipt.name) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let mut hash = Sha256::new();
        let mut bytes = vec![0; 64 << 10];
        loop {
            match file.read(&mut bytes)? {
                0 => break,
                read => hash.update(&bytes[..read]),
            }
        }
        Ok(hex::encode(hash.finalize()) == self.receipt.sha256)
    }

    /// Makes the file appear under its name, whole.
    ///
    /// # Errors
    ///
    /// When there is a file of this name, or the disk refuses.
    pub fn publish(mut self) -> Result<Receipt, ExportError> {
        let dir = self.staged.dir.clone();
        let inner = &dir.0;
        let mut used = inner.used();
        // A hard link fails where a rename would replace.
        inner
            .staging
            .hard_link(&self.staged.name, &inner.dir, &self.receipt.name)?;
        let size = std::mem::take(&mut self.staged.reserved);
        used.staged -= size;
        used.published += size;
        drop(used);
        // The name must survive a crash as well as the bytes.
        inner.dir.open(".")?.sync_all()?;
        Ok(self.receipt.clone())
    }
}

#[cfg(test)]
mod tests;
