//! Export files: created whole or not at all, in the directory that the
//! operator gave to the connector.

use crate::ConnectorError;
#[cfg(target_family = "wasm")]
use crate::bindings::koppel::connector::exports::ExportFile as HostFile;
#[cfg(not(target_family = "wasm"))]
use crate::testing::MockFile as HostFile;
use std::io::{self, Write};

pub use crate::bindings::koppel::connector::exports::{ExportError, Receipt};

/// How much is gathered before it goes to the host.
const BUFFER: usize = 64 << 10;

/// A file being written, as [`Write`]. Dropping it unfinished leaves nothing.
pub struct ExportFile {
    file: HostFile,
    buffer: Vec<u8>,
}

/// Starts a file. The name is a plain file name: letters, digits, `-`, `_` and
/// `.`, at most 128 bytes, not starting with `.` or `-`.
///
/// # Errors
///
/// See [`ExportError`].
pub fn create(name: &str) -> Result<ExportFile, ExportError> {
    #[cfg(target_family = "wasm")]
    let file = crate::bindings::koppel::connector::exports::create(name)?;
    #[cfg(not(target_family = "wasm"))]
    let file = HostFile::create(name)?;
    Ok(ExportFile {
        file,
        buffer: Vec::with_capacity(BUFFER),
    })
}

impl ExportFile {
    /// Publishes the file under its name.
    ///
    /// # Errors
    ///
    /// See [`ExportError`]. Then nothing was published.
    pub fn finish(mut self) -> Result<Receipt, ExportError> {
        self.send()?;
        self.file.finish()
    }

    fn send(&mut self) -> Result<(), ExportError> {
        if !self.buffer.is_empty() {
            self.file.write(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

impl Write for ExportFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.send().map_err(into_io)?;
        }
        let taken = bytes.len().min(BUFFER);
        self.buffer.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send().map_err(into_io)
    }
}

/// An [`ExportError`] on its way through [`io::Error`], so that it comes out
/// again at the other end of a writer.
#[derive(Debug)]
struct Carried(ExportError);

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Carried {}

fn into_io(error: ExportError) -> io::Error {
    io::Error::other(Carried(error))
}

impl From<ExportError> for ConnectorError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Denied(denial) => Self::Denied(denial),
            ExportError::InvalidName(why) => Self::Other(format!("the name of the file: {why}")),
            ExportError::AlreadyExists => Self::Refused(
                "there is an export file of this name already; nothing was changed".to_owned(),
            ),
            ExportError::QuotaExceeded(quota) => Self::Refused(format!(
                "the export directory may hold {quota} bytes, and this file does not fit"
            )),
            ExportError::Other(why) => Self::Other(why),
        }
    }
}

/// The error of a writer on an [`ExportFile`].
impl From<io::Error> for ConnectorError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Carried>() {
            Ok(Carried(error)) => error.into(),
            Err(error) => Self::Other(error.to_string()),
        }
    }
}
