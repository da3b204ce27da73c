//! The hash chain.

use super::Row;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// What the first row is chained to.
pub(super) const GENESIS: &str = "koppel ledger 1";

/// A ledger that holds together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verified {
    /// The number of rows.
    pub rows: u64,
    /// Of how many of them what they say of people was erased.
    pub erased: u64,
    /// The hash of the last row. Kept elsewhere, it also proves that no rows
    /// were removed from the end.
    pub head: String,
}

/// The first row that does not hold together with those before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("row {seq} of the ledger: {why}")]
pub struct Broken {
    /// Its number.
    pub seq: u64,
    /// What is wrong.
    pub why: String,
}

/// The hash of a row: SHA-256 over the hash of the row before and every field,
/// each preceded by its length so that no two rows read the same.
pub(super) fn hash(previous: &str, row: &Row) -> String {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    field(previous.as_bytes());
    field(&row.seq.to_be_bytes());
    for text in [
        &row.time,
        &row.context.client,
        &row.context.user,
        &row.kind,
        &row.summary,
        &row.body_sha256,
    ] {
        field(text.as_bytes());
    }
    field(row.context.run.as_bytes());
    field(row.context.employer.as_bytes());
    for optional in [&row.activity, &row.check, &row.exchange, &row.outcome] {
        // Absent and empty differ.
        field(&[u8::from(optional.is_some())]);
        field(optional.as_deref().unwrap_or_default().as_bytes());
    }
    match row.status {
        Some(status) => field(&status.to_be_bytes()),
        None => field(&[]),
    }
    field(&row.body_size.to_be_bytes());
    for (name, value) in &row.headers {
        field(name.as_bytes());
        field(value.as_bytes());
    }
    hex::encode(hash.finalize())
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// How many bytes of an identifier are those of the hash, whatever its version
/// and variant (RFC 9562, section 4).
const KEPT: usize = 6;

/// What a row is called where its number may not be known, because numbers
/// tell how much else there is: a UUID of version 8 (RFC 9562, section 5.8)
/// from the beginning of its hash. Nil for what is no hash.
pub(super) fn id(hash: &str) -> Uuid {
    let mut bytes = [0; 16];
    match hash
        .get(..32)
        .map(|head| hex::decode_to_slice(head, &mut bytes))
    {
        Some(Ok(())) => Builder::from_custom_bytes(bytes).into_uuid(),
        _ => Uuid::nil(),
    }
}

/// How the hashes of all rows that may have this [`id`] begin.
pub(super) fn beginning(id: Uuid) -> String {
    hex::encode(&id.as_bytes()[..KEPT])
}
