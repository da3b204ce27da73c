//! Erasing what lies beside rows. The rows stay, and with them the chain; a row
//! of its own says of which rows what lay beside them was erased, by whom and
//! why. It is appended in the transaction that erases, and it is what tells
//! erased from removed when the ledger is verified.

use super::{Context, Entry, Filter, Kind, Ledger, LedgerError, Row};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What was erased, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Who had it erased.
    pub by: String,
    /// Why.
    pub why: String,
    /// The numbers of the rows: from and to, both included.
    pub rows: Vec<(u64, u64)>,
}

/// A row that something lies beside: what says whether it is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) seq: u64,
    /// RFC 3339 in UTC.
    pub(crate) time: String,
    pub(crate) run: Uuid,
    pub(crate) activity: Option<String>,
}

impl Erasure {
    fn new(by: &str, why: &str, rows: &[u64]) -> Self {
        let mut sorted = rows.to_vec();
        sorted.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for row in sorted {
            match ranges.last_mut() {
                Some((_, last)) if row <= *last + 1 => *last = row,
                _ => ranges.push((row, row)),
            }
        }
        Self {
            by: by.to_owned(),
            why: why.to_owned(),
            rows: ranges,
        }
    }

    /// Whether it is about this row.
    pub fn covers(&self, seq: u64) -> bool {
        self.rows
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&seq))
    }

    /// What the body of a row says was erased.
    pub(super) fn read(body: Option<&[u8]>) -> Option<Self> {
        serde_json::from_slice(body?).ok()
    }
}

impl Row {
    /// Whether what it says of people was erased. Of one that a version before
    /// recorded only [`Ledger::erasure_of`] tells.
    pub fn is_erased(&self) -> bool {
        self.is_committed()
    }
}

impl Ledger {
    /// Erases what lies beside these rows: summary, headers, body and the hash
    /// of the body. Gives the number of the row that says so.
    ///
    /// # Errors
    ///
    /// When it could not be written. Then nothing was erased.
    pub(crate) async fn erase(
        &self,
        by: &str,
        why: &str,
        rows: Vec<u64>,
    ) -> Result<u64, LedgerError> {
        let erasure = Erasure::new(by, why, &rows);
        let context = Context::of_operator(by);
        let summary = format!("{} rows: {why}", rows.len());
        let entry = Entry {
            body: serde_json::to_vec(&erasure).map_err(|error| LedgerError(error.to_string()))?,
            ..Entry::new(context, Kind::Erasure, summary)
        };
        self.append_with(entry, None, rows).await
    }

    /// The rows before a moment and after a row that something lies beside,
    /// at most so many; erasures are kept for as long as the ledger is.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) async fn kept(
        &self,
        until: Timestamp,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Kept>, LedgerError> {
        let until = super::store::time(until);
        self.storage().kept(until, after, limit).await
    }

    /// What says that what lay beside a row was erased, and when, if it was.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn erasure_of(&self, seq: u64) -> Result<Option<(Row, Erasure)>, LedgerError> {
        let erasures = Filter {
            kinds: vec![Kind::Erasure],
            after: Some(seq),
            ..Filter::default()
        };
        for row in self.rows(erasures).await? {
            let body = self.row(row.seq).await?.and_then(|(_, body)| body);
            if let Some(erasure) = Erasure::read(body.as_deref()).filter(|one| one.covers(seq)) {
                return Ok(Some((row, erasure)));
            }
        }
        Ok(None)
    }
}
