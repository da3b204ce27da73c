//! Which processes are alive: each holds a lock on a file of its own, which the
//! operating system releases when it dies, however it dies. So no clock says
//! whether a run is still under way.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// That this process is alive.
pub(super) struct Holder {
    /// What runs are held by.
    pub(super) id: Uuid,
    runs: PathBuf,
    _lock: File,
}

impl Holder {
    /// Takes a lock beside the file of runs.
    pub(super) fn new(runs: &Path) -> std::io::Result<Self> {
        let id = Uuid::now_v7();
        let lock = OpenOptions::new()
            .create_new(true)
            .write(true)
            .open(file(runs, id))?;
        lock.lock()?;
        Ok(Self {
            id,
            runs: runs.to_owned(),
            _lock: lock,
        })
    }

    /// Whether the process that held something is gone.
    pub(super) fn is_gone(&self, other: Uuid) -> bool {
        if other == self.id {
            return false;
        }
        let path = file(&self.runs, other);
        match File::open(&path) {
            Ok(lock) if lock.try_lock().is_ok() => {
                // Nobody takes its place: identifiers are not used again.
                if let Err(error) = std::fs::remove_file(&path) {
                    tracing::debug!(%error, "a lock is left behind");
                }
                true
            }
            // Alive, or the operating system does not say.
            Ok(_) => false,
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Whatever it still has is for others from here on.
        if let Err(error) = std::fs::remove_file(file(&self.runs, self.id)) {
            tracing::debug!(%error, "a lock is left behind");
        }
    }
}

fn file(runs: &Path, id: Uuid) -> PathBuf {
    let mut name = runs.as_os_str().to_owned();
    name.push(format!(".{id}.lock"));
    name.into()
}
