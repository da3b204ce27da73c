//! Which rows a filter selects, pages of them, and the row of an identifier.

use super::store::{COLUMNS, read, time};
use super::{Filter, Kind, Ledger, LedgerError, Row, chain};
use rusqlite::types::Value;
use uuid::Uuid;

/// The condition of a [`Filter`], whose values are [`Filter::parameters`].
pub(super) const SELECTED: &str = "(:all_kinds OR kind IN (SELECT value FROM json_each(:kinds)))
    AND (:client IS NULL OR client = :client)
    AND (:user IS NULL OR \"user\" = :user)
    AND (:employer IS NULL OR employer = :employer)
    AND (:run IS NULL OR run = :run)
    AND (:since IS NULL OR time >= :since)
    AND (:until IS NULL OR time < :until)
    AND (:after IS NULL OR seq > :after)";

impl Filter {
    /// The values of [`SELECTED`], by name.
    pub(super) fn parameters(&self) -> Vec<(&'static str, Value)> {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.name()).collect();
        vec![
            (":all_kinds", kinds.is_empty().into()),
            (":kinds", serde_json::json!(kinds).to_string().into()),
            (":client", self.client.clone().into()),
            (":user", self.user.clone().into()),
            (":employer", self.employer.map(|id| id.to_string()).into()),
            (":run", self.run.map(|id| id.to_string()).into()),
            (":since", self.since.map(time).into()),
            (":until", self.until.map(time).into()),
            (":after", self.after.map(integer).into()),
        ]
    }
}

impl Ledger {
    /// A part of the rows that a filter selects, oldest first, and how many it
    /// selects in all: `size` rows after the first `skip`. What is appended
    /// comes at the end, so a part does not change once it is full. The limit
    /// of the filter does not count.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn page(
        &self,
        filter: Filter,
        skip: u64,
        size: u32,
    ) -> Result<(Vec<Row>, u64), LedgerError> {
        self.with(move |connection| {
            // Both see the same rows, whatever other processes append.
            let transaction = connection.transaction()?;
            let mut parameters = filter.parameters();
            let total = transaction
                .prepare_cached(&format!("SELECT count(*) FROM ledger WHERE {SELECTED}"))?
                .query_row(&parameters[..], |row| row.get(0))?;
            parameters.push((":size", i64::from(size).into()));
            parameters.push((":skip", integer(skip).into()));
            let mut select = transaction.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM ledger WHERE {SELECTED} ORDER BY seq LIMIT :size OFFSET :skip"
            ))?;
            let rows = select.query_map(&parameters[..], read)?;
            Ok((rows.collect::<rusqlite::Result<_>>()?, total))
        })
        .await
    }

    /// The request, reply or export file of this identifier; none if there is
    /// no such row, or it is about something else.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn message(&self, id: Uuid) -> Result<Option<Row>, LedgerError> {
        self.with(move |connection| {
            let from = chain::beginning(id);
            // Behind all hexadecimal digits.
            let to = format!("{from}g");
            let mut select = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM ledger WHERE hash >= ?1 AND hash < ?2"
            ))?;
            let rows = select.query_map([from, to], read)?;
            for row in rows {
                let row = row?;
                if row.id == id && row.is_message() {
                    return Ok(Some(row));
                }
            }
            Ok(None)
        })
        .await
    }
}

impl Row {
    /// Whether it is about what was exchanged with the outside.
    pub fn is_message(&self) -> bool {
        Kind::MESSAGES.iter().any(|kind| kind.name() == self.kind)
    }
}

/// As SQLite has it. No ledger gets so long.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
