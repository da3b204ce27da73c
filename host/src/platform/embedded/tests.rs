use super::*;
use crate::bindings::koppel::loket::types::PageRequest;
use proptest::prelude::*;
use rusqlite::types::Value;
use std::collections::BTreeMap;
use tempfile::TempDir;
use uuid::Uuid;

mod ahead;
mod import;
mod journal_exports;
mod journal_runs;
mod lists;
mod modules;
mod open;
mod seeded;
mod watched;

/// Payroll data in a folder of its own.
struct Data {
    folder: TempDir,
    embedded: Embedded,
}

impl Data {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let embedded = Embedded::open(&folder.path().join("koppel.db")).unwrap();
        Self { folder, embedded }
    }

    async fn seeded() -> Self {
        let data = Self::empty();
        data.embedded.seed().await.unwrap();
        data
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("koppel.db")
    }

    /// Runs statements, to make what neither seed nor import does.
    fn execute(&self, sql: &str) {
        let connection = self.embedded.connection.lock().unwrap();
        connection.execute_batch(sql).unwrap();
    }

    /// The rows that a question gives.
    fn rows(&self, sql: &str) -> Vec<Vec<Value>> {
        let connection = self.embedded.connection.lock().unwrap();
        let mut select = connection.prepare(sql).unwrap();
        let columns = select.column_count();
        let read = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        let rows = select.query_map([], read).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    /// The one number that a question gives.
    fn number(&self, sql: &str) -> i64 {
        let rows = self.rows(sql);
        match rows.as_slice() {
            [row] => match row.as_slice() {
                [Value::Integer(number)] => *number,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// Everything in the database.
    fn dump(&self) -> BTreeMap<String, Vec<Vec<Value>>> {
        let tables = self.rows("SELECT name FROM sqlite_schema WHERE type = 'table'");
        let name = |row: Vec<Value>| match row.into_iter().next() {
            Some(Value::Text(name)) => name,
            other => panic!("{other:?}"),
        };
        tables
            .into_iter()
            .map(name)
            .map(|table| {
                let rows = self.rows(&format!("SELECT * FROM {table} ORDER BY 1, 2"));
                (table, rows)
            })
            .collect()
    }
}

fn page(cursor: Option<&str>, size: u32) -> PageRequest {
    PageRequest {
        cursor: cursor.map(str::to_owned),
        size,
    }
}

/// The first page, as large as they come.
fn all() -> PageRequest {
    page(None, 1_000)
}
