//! Files that hold a secret of koppel itself: made on first use, and read only
//! if nobody but their owner can read them. They are wiped from memory after
//! use.

use secrecy::zeroize::Zeroizing;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// The bytes of the file; if there is none, it is made with those of `make`.
/// Of two processes that make it at once, both get the bytes of the one that
/// came first.
///
/// # Errors
///
/// When the file cannot be read or made, or others can read it. In words for
/// the operator, without the path.
pub(crate) fn read_or_create(
    path: &Path,
    make: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, String>,
) -> Result<Zeroizing<Vec<u8>>, String> {
    match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.to_string()),
        Ok(bytes) => {
            let bytes = Zeroizing::new(bytes);
            return private(path).map(|()| bytes);
        }
    }
    let bytes = make()?;
    match create(path, &bytes) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            private(path)?;
            std::fs::read(path)
                .map(Zeroizing::new)
                .map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Makes the file as a whole, for its owner only, and never over another one.
fn create(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // A temporary file of tempfile has mode 600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

/// Refuses a file that others can read.
fn private(path: &Path) -> Result<(), String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(format!(
                "others can read it (mode {mode:03o}): `chmod 600` it, and replace it if someone may have"
            ));
        }
    }
    Ok(())
}
