//! Lists with keyset cursors: a page starts after the last item of the page
//! before, found by its key, so that a page costs the same wherever it is.

use super::Failure;
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest, Problem};
use rusqlite::{Connection, Row, params};
use sha2::{Digest, Sha256};

/// A list of the items of one parent, in the order of `ord`.
pub(super) struct List {
    columns: &'static str,
    table: &'static str,
    filter: &'static str,
    parent: String,
    descending: bool,
}

impl List {
    pub(super) fn new(
        columns: &'static str,
        table: &'static str,
        filter: &'static str,
        parent: String,
    ) -> Self {
        Self {
            columns,
            table,
            filter,
            parent,
            descending: false,
        }
    }

    pub(super) fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// A page, the cursor of the next one, and the number of items in all.
    /// `map` reads the columns from index 1; index 0 is `ord`.
    pub(super) fn page<T>(
        &self,
        connection: &Connection,
        page: &PageRequest,
        map: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<(Vec<T>, Option<String>, u64), Failure> {
        if !(1..=1000).contains(&page.size) {
            let problem = format!("must be 1 to 1000, not {}", page.size);
            return Err(invalid("pageSize", &problem).into());
        }
        let after = match &page.cursor {
            Some(cursor) => self.read_cursor(cursor)?,
            None if self.descending => i64::MAX,
            None => i64::MIN,
        };
        let (compare, order) = if self.descending {
            ("<", "DESC")
        } else {
            (">", "ASC")
        };
        let Self {
            columns,
            table,
            filter,
            ..
        } = self;
        let total: u64 = connection
            .prepare_cached(&format!("SELECT count(*) FROM {table} WHERE {filter}"))?
            .query_row([&self.parent], |row| row.get(0))?;
        let mut select = connection.prepare_cached(&format!(
            "SELECT ord, {columns} FROM {table} WHERE {filter} AND ord {compare} ?2 ORDER BY ord {order} LIMIT ?3"
        ))?;
        // One more than asked for tells whether there is a next page.
        let rows = select.query_map(params![self.parent, after, page.size + 1], |row| {
            Ok((row.get::<_, i64>(0)?, map(row)?))
        })?;
        let mut items = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let more = items.len() > page.size as usize;
        items.truncate(page.size as usize);
        let next = match items.last() {
            Some((ord, _)) if more => Some(self.cursor(*ord)),
            _ => None,
        };
        Ok((
            items.into_iter().map(|(_, item)| item).collect(),
            next,
            total,
        ))
    }

    fn cursor(&self, ord: i64) -> String {
        format!("{}{ord:016x}", self.mark())
    }

    fn read_cursor(&self, cursor: &str) -> Result<i64, ActivityError> {
        cursor
            .strip_prefix(&self.mark())
            .filter(|ord| ord.len() == 16)
            .and_then(|ord| u64::from_str_radix(ord, 16).ok())
            .map(u64::cast_signed)
            .ok_or_else(|| invalid("cursor", "is not a cursor of this list"))
    }

    /// Marks a cursor as one of this list, so that one of another list is
    /// refused instead of answered with the wrong items.
    fn mark(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.table);
        hash.update([0]);
        hash.update(&self.parent);
        hex::encode(&hash.finalize()[..4])
    }
}

fn invalid(field: &str, problem: &str) -> ActivityError {
    ActivityError::Invalid(vec![Problem {
        code: 400,
        description: format!("{field}: {problem}"),
        properties: vec![field.to_owned()],
    }])
}
