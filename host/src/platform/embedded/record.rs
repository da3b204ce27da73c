//! Records: what is read from a row of a table, one at a time or as a list.
//!
//! Lists have keyset cursors: a page starts after the last item of the page
//! before, found by its key, so that a page costs the same wherever it is.

use super::ahead::Listed;
use super::watched::Watched;
use super::{Embedded, Failure};
use crate::bindings::koppel::loket::types::{
    ActivityError, KeyValue, PageRequest, PayrollPeriod, Problem,
};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// How a record of the contract is read from its table.
pub(super) struct Record<T> {
    pub(super) table: &'static str,
    pub(super) columns: &'static str,
    /// Reads the columns; the first one has index 1.
    pub(super) read: fn(&Row<'_>) -> rusqlite::Result<T>,
}

/// The items of a page, the cursor of the next one, and the number of items in
/// the whole list.
pub(super) type Page<T> = (Vec<T>, Option<String>, u64);

/// Makes the pages of the contract from a [`Page`].
macro_rules! pages {
    ($($page:ident of $item:ident),+ $(,)?) => {$(
        impl From<$crate::platform::embedded::record::Page<$item>> for $page {
            fn from((items, next, total_size): $crate::platform::embedded::record::Page<$item>) -> Self {
                Self { items, next, total_size }
            }
        }

        impl $crate::platform::embedded::ahead::Listed for $page {
            fn next(&self) -> Option<&str> {
                self.next.as_deref()
            }
        }
    )+};
}
pub(super) use pages;

/// The order of a list, by its column `ord`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

impl<T> Record<T> {
    /// The record of this id, or `not-found`.
    pub(super) fn one(&self, connection: &Connection, id: &str) -> Result<T, Failure> {
        self.one_where(connection, "id = ?1", id)
    }

    /// The record that a key finds, or `not-found`.
    pub(super) fn one_where(
        &self,
        connection: &Connection,
        filter: &str,
        key: &str,
    ) -> Result<T, Failure> {
        let Self { table, columns, .. } = self;
        // Index 0 is the key of a list; there is none here.
        let sql = format!("SELECT NULL, {columns} FROM {table} WHERE {filter}");
        connection
            .prepare_cached(&sql)?
            .query_row([key], self.read)
            .optional()?
            .ok_or_else(|| ActivityError::NotFound(key.to_owned()).into())
    }

    /// A page of the records that belong to a parent.
    pub(super) fn page(
        &self,
        (connection, watched): (&Connection, &Watched),
        filter: &str,
        parent: &str,
        order: Order,
        page: &PageRequest,
    ) -> Result<Page<T>, Failure> {
        if !(1..=1000).contains(&page.size) {
            let problem = format!("must be 1 to 1000, not {}", page.size);
            return Err(invalid("pageSize", &problem).into());
        }
        let mark = self.mark(parent);
        let after = match (&page.cursor, order) {
            (Some(cursor), _) => read_cursor(&mark, cursor)?,
            (None, Order::Descending) => i64::MAX,
            (None, Order::Ascending) => i64::MIN,
        };
        let (compare, order) = match order {
            Order::Descending => ("<", "DESC"),
            Order::Ascending => (">", "ASC"),
        };
        let Self { table, columns, .. } = self;
        let count = format!("SELECT count(*) FROM {table} WHERE {filter}");
        let total = watched.length(connection, count, parent)?;
        let mut select = connection.prepare_cached(&format!(
            "SELECT ord, {columns} FROM {table} WHERE {filter} AND ord {compare} ?2 ORDER BY ord {order} LIMIT ?3"
        ))?;
        // One more than asked for tells whether there is a next page.
        let rows = select.query_map(params![parent, after, page.size + 1], |row| {
            Ok((row.get::<_, i64>(0)?, (self.read)(row)?))
        })?;
        let mut items = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let more = items.len() > page.size as usize;
        items.truncate(page.size as usize);
        let next = match items.last() {
            Some((ord, _)) if more => Some(format!("{mark}{ord:016x}")),
            _ => None,
        };
        Ok((
            items.into_iter().map(|(_, item)| item).collect(),
            next,
            total,
        ))
    }

    /// Marks a cursor as one of this list, so that one of another list is
    /// refused instead of answered with the wrong items.
    fn mark(&self, parent: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.table);
        hash.update([0]);
        hash.update(parent);
        hex::encode(&hash.finalize()[..4])
    }
}

fn read_cursor(mark: &str, cursor: &str) -> Result<i64, ActivityError> {
    cursor
        .strip_prefix(mark)
        .filter(|ord| ord.len() == 16)
        .and_then(|ord| u64::from_str_radix(ord, 16).ok())
        .map(u64::cast_signed)
        .ok_or_else(|| invalid("cursor", "is not a cursor of this list"))
}

fn invalid(field: &str, problem: &str) -> ActivityError {
    ActivityError::Invalid(vec![Problem {
        code: 400,
        description: format!("{field}: {problem}"),
        properties: vec![field.to_owned()],
    }])
}

impl Embedded {
    /// One record, where nothing else is asked of the database.
    pub(super) async fn one<T: Send + Sync + 'static>(
        &self,
        record: &'static Record<T>,
        id: Uuid,
    ) -> Result<Arc<T>, ActivityError> {
        let read = |connection: &Connection| record.one(connection, &id.to_string());
        let one = self.watched.record((record.table, id), read);
        one.map_err(Failure::into_activity_error)
    }

    /// A page of a list, where nothing else is asked of the database.
    pub(super) async fn list<T, P>(
        &self,
        record: &'static Record<T>,
        filter: &'static str,
        parent: String,
        order: Order,
        page: &PageRequest,
    ) -> Result<P, ActivityError>
    where
        T: Send + 'static,
        P: From<Page<T>> + Listed,
    {
        let of = (record.table, parent.clone());
        self.in_order(of, page, move |connection, watched, page| {
            let from = (connection, watched);
            Ok(record.page(from, filter, &parent, order, page)?.into())
        })
        .await
    }
}

pub(super) fn uuid(row: &Row<'_>, index: usize) -> rusqlite::Result<Uuid> {
    let text: String = row.get(index)?;
    Uuid::parse_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into()))
}

/// A value that is stored as JSON, in the form of the contract's record.
pub(super) fn json<T: serde::de::DeserializeOwned>(
    index: usize,
    text: &str,
) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into()))
}

pub(super) fn key_value(row: &Row<'_>, index: usize) -> rusqlite::Result<KeyValue> {
    Ok(KeyValue {
        key: row.get(index)?,
        value: row.get(index + 1)?,
    })
}

pub(super) fn period(row: &Row<'_>, index: usize) -> rusqlite::Result<PayrollPeriod> {
    Ok(PayrollPeriod {
        year: row.get(index)?,
        period_number: row.get(index + 1)?,
        period_start_date: row.get(index + 2)?,
        period_end_date: row.get(index + 3)?,
    })
}
