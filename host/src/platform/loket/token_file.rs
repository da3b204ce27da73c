//! The newest refresh token, in a file: a platform that rotates them accepts
//! the one before no more.

use secrecy::SecretString;
use secrecy::zeroize::{Zeroize, Zeroizing};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file. Only its owner may read it.
#[derive(Clone, Debug)]
pub(super) struct TokenFile(PathBuf);

/// What is in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Contents {
    refresh_token: String,
    /// The SHA-256 of the token in the configuration that it descends from.
    /// When the operator puts another one there, the file is out of date.
    descends_from: String,
}

impl Drop for Contents {
    fn drop(&mut self) {
        self.refresh_token.zeroize();
    }
}

/// Held while a refresh token is used, so that no other process uses the same
/// one meanwhile.
pub(super) struct Lock {
    file: TokenFile,
    // Unlocks when it is closed.
    _lock: File,
}

impl TokenFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Waits until no other process holds the lock. May block.
    ///
    /// # Errors
    ///
    /// When the lock file beside it cannot be made, with its path.
    pub(super) fn lock(&self) -> Result<Lock, String> {
        let mut path = self.0.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let locked = || {
            if let Some(directory) = path.parent() {
                std::fs::create_dir_all(directory)?;
            }
            let file = options().create(true).truncate(false).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        let lock =
            locked().map_err(|error: std::io::Error| format!("{}: {error}", path.display()))?;
        Ok(Lock {
            file: self.clone(),
            _lock: lock,
        })
    }
}

impl Lock {
    /// The token in the file, if it descends from this one of the
    /// configuration; any token if the configuration has none now.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read.
    pub(super) fn read(&self, configured: Option<&str>) -> Result<Option<SecretString>, String> {
        let Some(contents) = self.contents()? else {
            return Ok(None);
        };
        let current = configured.is_none_or(|token| digest(token) == contents.descends_from);
        Ok(current.then(|| contents.refresh_token.as_str().into()))
    }

    fn contents(&self) -> Result<Option<Contents>, String> {
        let path = self.file.path();
        let wrong = |why: String| format!("{}: {why}", path.display());
        let text = match std::fs::read(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(error.to_string())),
        };
        // The cause is not passed on: it could quote what is in the file.
        serde_json::from_slice(&text).map(Some).map_err(|_| {
            wrong("is not a token file of koppel; remove it to start from refresh-token".to_owned())
        })
    }

    /// Replaces the token, durably and at once.
    ///
    /// # Errors
    ///
    /// When the file cannot be written; what was there stays.
    pub(super) fn write(&self, configured: Option<&str>, token: &str) -> Result<(), String> {
        let path = self.file.path();
        let descends_from = match configured {
            Some(configured) => digest(configured),
            None => self
                .contents()?
                .map_or_else(String::new, |c| c.descends_from.clone()),
        };
        let contents = Contents {
            refresh_token: token.to_owned(),
            descends_from,
        };
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let written = || {
            // Made with mode 0600.
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            file.write_all(&Zeroizing::new(serde_json::to_vec(&contents)?))?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)?;
            File::open(directory)?.sync_all()
        };
        written().map_err(|error: std::io::Error| format!("{}: {error}", path.display()))
    }
}

fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

fn options() -> std::fs::OpenOptions {
    let mut options = File::options();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn read(lock: &Lock, configured: Option<&str>) -> Option<String> {
        let token = lock.read(configured).unwrap();
        token.map(|token| token.expose_secret().to_owned())
    }

    fn file() -> (tempfile::TempDir, TokenFile) {
        let dir = tempfile::tempdir().unwrap();
        let file = TokenFile::new(dir.path().join("state/token.json"));
        (dir, file)
    }

    #[test]
    fn the_newest_token_is_kept_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, file) = file();
        let lock = file.lock().unwrap();
        assert_eq!(read(&lock, Some("first")), None);
        lock.write(Some("first"), "second").unwrap();
        lock.write(Some("first"), "third").unwrap();
        assert_eq!(read(&lock, Some("first")).as_deref(), Some("third"));
        let mode = std::fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left: Vec<_> = std::fs::read_dir(file.path().parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left.len(), 2, "the token and its lock: {left:?}");
    }

    #[test]
    fn a_new_token_in_the_configuration_wins_over_the_file() {
        let (_dir, file) = file();
        let lock = file.lock().unwrap();
        lock.write(Some("first"), "second").unwrap();
        assert_eq!(read(&lock, Some("another")), None);
        // The one of the configuration may be gone after the first use.
        assert_eq!(read(&lock, None).as_deref(), Some("second"));
        lock.write(None, "third").unwrap();
        assert_eq!(read(&lock, Some("first")).as_deref(), Some("third"));
    }

    #[test]
    fn a_broken_file_is_an_error_that_does_not_quote_it() {
        let (_dir, file) = file();
        let lock = file.lock().unwrap();
        std::fs::write(file.path(), "hunter2").unwrap();
        assert_eq!(
            lock.read(None).unwrap_err(),
            format!(
                "{}: is not a token file of koppel; remove it to start from refresh-token",
                file.path().display()
            )
        );
    }

    #[test]
    fn two_cannot_use_the_token_at_a_time() {
        let (_dir, file) = file();
        let lock = file.lock().unwrap();
        let (locked, second) = std::sync::mpsc::channel();
        let other = file.clone();
        let waiting = std::thread::spawn(move || {
            let lock = other.lock();
            locked.send(()).unwrap();
            drop(lock);
        });
        let early = second.recv_timeout(std::time::Duration::from_millis(200));
        assert!(early.is_err(), "the second did not wait");
        drop(lock);
        second.recv().unwrap();
        waiting.join().unwrap();
    }
}
