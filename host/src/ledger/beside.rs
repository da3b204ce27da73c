//! What lies beside a row, and not in the chain: what can be about people.
//!
//! Of a message, an export file or a change, that is the summary (URLs have
//! queries), the headers, the body and the SHA-256 of the body, which would
//! tell whoever can guess a short body that they guessed right. In their place
//! the row has a commitment: HMAC-SHA256 over all of these with a random key
//! that lies beside it, too. So the chain proves what lies beside it, and says
//! nothing of it once that is gone.
//!
//! If there is encryption, the body is encrypted with a key of its own, and
//! that key, with the rest, with the key of the configuration. Replacing the
//! latter leaves bodies as they are.
//!
//! Rows of schema 1 have all of this in the chain but the body, which is moved
//! beside them when it is encrypted.

use super::chain;
use super::store::Stored;
use super::{Entry, Large, LedgerError, MAX_BODY, Row};
use crate::encryption::{DataKey, EncryptionError, Key, Vault, random};
use jiff::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a commitment begins with, in the place of the SHA-256 of a body.
const COMMITTED: &str = "hmac-sha256:";

/// The summary of a row beside which nothing lies any more.
const ERASED: &str = "[erased]";

/// What lies beside a row, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beside {
    /// A [`Private`], encrypted if there is encryption.
    pub(super) private: Vec<u8>,
    /// The body, encrypted if [`Private`] has a key; none if it was too large to
    /// keep.
    pub(super) body: Option<Vec<u8>>,
}

/// What lies beside a row, but for the body.
#[derive(Serialize, Deserialize)]
struct Private {
    /// The SHA-256 of the body, lower-case hexadecimal.
    sha256: String,
    /// The key of the body, if it is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// What the chain commits to; none for a row of schema 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    committed: Option<Committed>,
}

#[derive(Serialize, Deserialize)]
struct Committed {
    /// The key of the commitment, hexadecimal.
    salt: String,
    summary: String,
    headers: Vec<(String, String)>,
}

/// A new row as it is stored, with what lies beside it, if something does.
pub(super) struct Made {
    pub(super) row: Row,
    pub(super) beside: Option<Beside>,
    /// The body of a row that has nothing beside it.
    pub(super) body: Option<Vec<u8>>,
}

impl Made {
    /// The row that comes after the one with this hash.
    pub(super) fn new(
        seq: u64,
        previous: &str,
        at: Timestamp,
        entry: Entry,
        vault: &Vault,
    ) -> Result<Self, EncryptionError> {
        let apart = super::Kind::APART.contains(&entry.kind) || !entry.body.is_empty();
        let large = entry.large.unwrap_or_else(|| Large {
            size: entry.body.len() as u64,
            sha256: chain::sha256(&entry.body),
        });
        let body = (large.size <= MAX_BODY as u64).then_some(entry.body);
        let mut row = Row {
            seq,
            id: Uuid::nil(),
            time: super::store::time(at),
            context: entry.context,
            kind: entry.kind.name().to_owned(),
            activity: entry.activity,
            check: entry.check,
            exchange: entry.exchange.map(|id| id.to_string()),
            summary: entry.summary,
            status: entry.status,
            outcome: entry.outcome,
            headers: entry.headers,
            body_size: large.size,
            body_sha256: large.sha256,
            hash: String::new(),
        };
        let private = apart.then(|| row.set_apart()).transpose()?;
        row.hash = chain::hash(previous, &row);
        row.id = chain::id(&row.hash);
        Ok(match private {
            Some(private) => Self {
                beside: Some(private.pack(&row, body, vault)?),
                row,
                body: None,
            },
            None => Self {
                row,
                beside: None,
                body,
            },
        })
    }
}

impl Row {
    /// Takes out what is to lie beside it, and puts the commitment there.
    fn set_apart(&mut self) -> Result<Private, EncryptionError> {
        let private = Private {
            sha256: std::mem::take(&mut self.body_sha256),
            key: None,
            committed: Some(Committed {
                salt: hex::encode(random::<32>()?),
                summary: std::mem::take(&mut self.summary),
                headers: std::mem::take(&mut self.headers),
            }),
        };
        self.body_sha256 = private.commitment().unwrap_or_default();
        Ok(private)
    }

    /// Whether it has a commitment in the place of a hash: something lies beside
    /// it, or was erased.
    pub(super) fn is_committed(&self) -> bool {
        self.body_sha256.starts_with(COMMITTED)
    }

    /// What one part of what lies beside it belongs to.
    fn about(&self, part: &str) -> String {
        about(self.seq, &self.body_sha256, part)
    }

    /// As it is shown: with what lies beside it. What was changed there is for
    /// `verify` to report.
    pub(super) fn shown(
        self,
        private: Option<Vec<u8>>,
        vault: &Vault,
    ) -> Result<Self, LedgerError> {
        let Some(private) = private else {
            return Ok(match self.is_committed() {
                true => Self {
                    summary: ERASED.to_owned(),
                    ..self
                },
                false => self,
            });
        };
        let private = match Private::read(self.seq, &self.body_sha256, private, vault) {
            Ok(private) => private,
            Err(EncryptionError::Changed) => return Ok(self),
            Err(error) => return Err(of_row(self.seq, &error)),
        };
        Ok(self.with(private))
    }

    fn with(self, private: Private) -> Self {
        match private.committed {
            Some(committed) => Self {
                summary: committed.summary,
                headers: committed.headers,
                body_sha256: private.sha256,
                ..self
            },
            None => self,
        }
    }
}

fn about(seq: u64, recorded: &str, part: &str) -> String {
    format!("koppel ledger {seq} {recorded} {part}")
}

fn of_row(seq: u64, error: &EncryptionError) -> LedgerError {
    LedgerError(format!("row {seq}: {error}"))
}

impl Private {
    /// HMAC-SHA256 over each part, preceded by its length.
    fn commitment(&self) -> Option<String> {
        let committed = self.committed.as_ref()?;
        let salt = hex::decode(&committed.salt).ok()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &salt);
        let mut context = hmac::Context::with_key(&key);
        let mut part = |text: &str| {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        };
        part(&self.sha256);
        part(&committed.summary);
        for (name, value) in &committed.headers {
            part(name);
            part(value);
        }
        Some(format!("{COMMITTED}{}", hex::encode(context.sign())))
    }

    /// As it is stored, with the body, which is encrypted anew.
    fn pack(
        mut self,
        row: &Row,
        body: Option<Vec<u8>>,
        vault: &Vault,
    ) -> Result<Beside, EncryptionError> {
        let Some(key) = vault.active()? else {
            let private = self.encoded()?;
            return Ok(Beside { private, body });
        };
        let data = DataKey::random()?;
        self.key = Some(data.encoded());
        let seal = |body: Vec<u8>| data.seal(&row.about("body"), &body);
        Ok(Beside {
            private: self.sealed(row.seq, &row.body_sha256, &key)?,
            body: body.map(seal).transpose()?,
        })
    }

    fn encoded(&self) -> Result<Vec<u8>, EncryptionError> {
        // What is only text is always written.
        serde_json::to_vec(self).map_err(|_| EncryptionError::Changed)
    }

    fn sealed(&self, seq: u64, recorded: &str, key: &Key) -> Result<Vec<u8>, EncryptionError> {
        key.seal(&about(seq, recorded, "private"), &self.encoded()?)
    }

    fn read(
        seq: u64,
        recorded: &str,
        stored: Vec<u8>,
        vault: &Vault,
    ) -> Result<Self, EncryptionError> {
        let json = vault.open(&about(seq, recorded, "private"), stored)?;
        serde_json::from_slice(&json).map_err(|_| EncryptionError::Changed)
    }

    fn body(&self, about: &str, stored: Vec<u8>) -> Result<Vec<u8>, EncryptionError> {
        match &self.key {
            Some(key) => DataKey::decoded(key)?.open(about, &stored),
            None => Ok(stored),
        }
    }
}

/// The row as it is shown, with its body.
pub(super) fn with_body(
    row: Row,
    stored: Stored,
    vault: &Vault,
) -> Result<(Row, Option<Vec<u8>>), LedgerError> {
    let Some(Beside { private, body }) = stored.beside else {
        return Ok((row.shown(None, vault)?, stored.body));
    };
    let private = match Private::read(row.seq, &row.body_sha256, private, vault) {
        Ok(private) => private,
        // What was changed is for `verify` to report.
        Err(EncryptionError::Changed) => return Ok((row, None)),
        Err(error) => return Err(of_row(row.seq, &error)),
    };
    let open = |body| private.body(&row.about("body"), body);
    let body = match body.map(open).transpose() {
        Ok(body) => body,
        Err(EncryptionError::Changed) => None,
        Err(error) => return Err(of_row(row.seq, &error)),
    };
    Ok((row.with(private), body))
}

/// What became of what lies beside a row.
pub(super) enum Held {
    /// It is what was recorded.
    Yes,
    /// It is not there.
    Removed,
    /// It is something else; why that is known.
    Changed(&'static str),
}

/// Whether what lies beside a row is what was recorded.
pub(super) fn holds(row: &Row, stored: &Stored, vault: &Vault) -> Result<Held, LedgerError> {
    const CHANGED: Held = Held::Changed("its body was changed");
    const BESIDE: Held = Held::Changed("what lies beside it was changed");
    let (sha256, body) = match &stored.beside {
        None if row.is_committed() => return Ok(Held::Removed),
        None => (row.body_sha256.clone(), stored.body.clone()),
        Some(beside) => {
            let (seq, recorded) = (row.seq, &row.body_sha256);
            let private = match Private::read(seq, recorded, beside.private.clone(), vault) {
                Ok(private) => private,
                Err(EncryptionError::Changed) => return Ok(BESIDE),
                Err(error) => return Err(of_row(seq, &error)),
            };
            let commitment = private.commitment();
            if commitment.as_ref().unwrap_or(&private.sha256) != recorded {
                return Ok(BESIDE);
            }
            let open = |body: &Vec<u8>| private.body(&row.about("body"), body.clone());
            match beside.body.as_ref().map(open).transpose() {
                Ok(body) => (private.sha256, body),
                Err(_) => return Ok(CHANGED),
            }
        }
    };
    Ok(match body {
        Some(body) if chain::sha256(&body) != sha256 => CHANGED,
        None if row.body_size <= MAX_BODY as u64 => Held::Removed,
        _ => Held::Yes,
    })
}

/// A row whose contents are in clear text, or encrypted with another key.
pub(super) struct Stale {
    pub(super) seq: u64,
    /// As it is in the chain.
    pub(super) body_sha256: String,
    /// What lies beside it; none for a row of schema 1 that has its body still.
    pub(super) private: Option<Vec<u8>>,
}

/// A [`Stale`] row that was read.
pub(super) struct Resealing {
    seq: u64,
    recorded: String,
    private: Private,
}

impl Stale {
    /// Whether its body is in the row itself.
    pub(super) fn is_whole(&self) -> bool {
        self.private.is_none()
    }

    pub(super) fn read(self, vault: &Vault) -> Result<Resealing, LedgerError> {
        let (seq, recorded) = (self.seq, self.body_sha256);
        let private = match self.private {
            Some(private) => Private::read(seq, &recorded, private, vault)
                .map_err(|error| of_row(seq, &error))?,
            None => Private {
                sha256: recorded.clone(),
                key: None,
                committed: None,
            },
        };
        Ok(Resealing {
            seq,
            recorded,
            private,
        })
    }
}

impl Resealing {
    /// Whether the body is in clear text.
    pub(super) fn needs_body(&self) -> bool {
        self.private.key.is_none()
    }

    /// What is to be stored: the body only if it was in clear text.
    pub(super) fn seal(mut self, key: &Key, body: Option<Vec<u8>>) -> Result<Beside, LedgerError> {
        let of_row = |error| of_row(self.seq, &error);
        let mut sealed = None;
        if let Some(body) = body {
            let data = DataKey::random().map_err(of_row)?;
            let about = about(self.seq, &self.recorded, "body");
            sealed = Some(data.seal(&about, &body).map_err(of_row)?);
            self.private.key = Some(data.encoded());
        }
        let private = self.private.sealed(self.seq, &self.recorded, key);
        Ok(Beside {
            private: private.map_err(of_row)?,
            body: sealed,
        })
    }
}
