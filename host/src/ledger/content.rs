//! The exact bytes of a row, as they were recorded.

use super::{Ledger, LedgerError, MAX_BODY, Row};
use sha2::{Digest, Sha256};

/// The bytes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// As they were recorded.
    pub bytes: Vec<u8>,
    /// Their SHA-256, which is the one that was recorded with them.
    pub sha256: [u8; 32],
}

/// Why the bytes of a row cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// There were too many to keep.
    #[error("its {size} bytes were too many to keep; their SHA-256 is {sha256}")]
    TooLarge {
        /// How many there were.
        size: u64,
        /// Their SHA-256, lower-case hexadecimal.
        sha256: String,
    },
    /// They were erased.
    #[error("its contents were erased on {on} by {by}: {why}", on = .time.split('T').next().unwrap_or_default())]
    Erased {
        /// When, RFC 3339 in UTC.
        time: String,
        /// Who had them erased.
        by: String,
        /// Why.
        why: String,
    },
    /// What is stored is not what was recorded.
    #[error(
        "row {0} of the ledger: its bytes are not those that were recorded; `koppel ledger verify` names the first row that was changed"
    )]
    Damaged(u64),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Ledger {
    /// The exact bytes of a row, after they were compared with the SHA-256
    /// that was recorded with them. Whether that one was changed too is for
    /// [`Ledger::verify`] to find.
    ///
    /// # Errors
    ///
    /// See [`ContentError`].
    pub async fn content(&self, row: &Row) -> Result<Content, ContentError> {
        if row.body_size > MAX_BODY as u64 {
            return Err(ContentError::TooLarge {
                size: row.body_size,
                sha256: row.body_sha256.clone(),
            });
        }
        let damaged = ContentError::Damaged(row.seq);
        let Some((_, Some(bytes))) = self.row(row.seq).await? else {
            return Err(match self.erasure_of(row.seq).await? {
                Some((row, erasure)) => ContentError::Erased {
                    time: row.time,
                    by: erasure.by,
                    why: erasure.why,
                },
                None => damaged,
            });
        };
        let hashed = tokio::task::spawn_blocking(move || {
            let sha256: [u8; 32] = Sha256::digest(&bytes).into();
            Content { bytes, sha256 }
        });
        match hashed.await {
            Ok(content) if hex::encode(content.sha256) == row.body_sha256 => Ok(content),
            _ => Err(damaged),
        }
    }
}
