//! What a ledger in a file is made of.

use super::alarm;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::time::Duration;

/// The version of `schema.sql` with `schema-2.sql`, kept in the file as
/// `user_version`.
const SCHEMA: i64 = 2;

/// The version of `schema.sql` alone, which is changed to the other one when the
/// file is opened.
const FIRST_SCHEMA: i64 = 1;

/// A message is found by the beginning of its hash. An index of all hashes, which
/// a file of a version before has, would be most of what an append writes: each
/// is in a place of its own. Not `kind IN (…)`: SQLite would make a table of the
/// list for every row.
const HASHES: &str = "
    DROP INDEX IF EXISTS ledger_hash;
    DROP INDEX IF EXISTS ledger_message;
    CREATE INDEX IF NOT EXISTS ledger_messages ON ledger (hash) WHERE kind = 'request' OR kind = 'response' OR kind = 'export-file';";

/// What is not among the rows that are found by their kind: each run has one of
/// both, so that going through all rows finds them as fast. A file of a version
/// before has an index of all, which was a quarter of what an append writes.
pub(in crate::ledger) const SELDOM: &str = "kind <> 'run-started' AND kind <> 'run-finished'";

/// SQLite fires no DELETE trigger for a row that a REPLACE pushes out. The trigger
/// that a file of a version before has raises ABORT, for which SQLite copies each
/// page before a row is appended.
const REPLACES: &str = "
    DROP TRIGGER IF EXISTS ledger_never_replaces;
    CREATE TRIGGER IF NOT EXISTS ledger_replaces_nothing BEFORE INSERT ON ledger
    WHEN EXISTS (SELECT 1 FROM ledger WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(FAIL, 'the ledger is append only'); END;";

/// How much of the file is kept in memory by each connection, in KiB.
const CACHE_KIB: i64 = 16 << 10;

/// Makes an empty file a ledger.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), Box<dyn std::error::Error>> {
    connection.busy_timeout(Duration::from_secs(5))?;
    // Before anything is changed: it may be a file of something else.
    made(&connection.transaction()?)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A row is on disk before the host goes on.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is erased, or encrypted, is overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = made(&transaction)?;
    if found == 0 {
        transaction.execute_batch(include_str!("../schema.sql"))?;
    }
    if found < SCHEMA {
        transaction.execute_batch(include_str!("../schema-2.sql"))?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    transaction.execute_batch(alarm::INDEXES)?;
    transaction.execute_batch(HASHES)?;
    transaction.execute_batch(&format!(
        "DROP INDEX IF EXISTS ledger_kind;
         CREATE INDEX IF NOT EXISTS ledger_kinds ON ledger (kind, seq) WHERE {SELDOM};"
    ))?;
    transaction.execute_batch(REPLACES)?;
    transaction.commit()?;
    // A negative size is one in KiB.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(())
}

/// The schema of a ledger, or 0 for an empty file.
fn made(connection: &Transaction<'_>) -> Result<i64, Box<dyn std::error::Error>> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let objects: u64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (version, connection.table_exists(None, "ledger")?) {
        (0, false) if objects == 0 => Ok(0),
        (FIRST_SCHEMA | SCHEMA, true) => Ok(version),
        (0 | FIRST_SCHEMA | SCHEMA, _) => Err("it is a database of something else".into()),
        (_, false) if objects > 0 => Err("it is a database of something else".into()),
        (found, _) => Err(format!(
            "it has schema {found}; this version of koppel reads schema {SCHEMA}"
        )
        .into()),
    }
}
