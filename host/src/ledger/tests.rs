use super::*;
use rusqlite::Connection;
use std::path::PathBuf;
use tempfile::TempDir;

mod alarms;
mod chain;
mod encryption;
mod erasure;
mod redaction;
mod rows;
mod select;

/// A ledger in a folder of its own.
struct TestLedger {
    folder: TempDir,
    ledger: Ledger,
}

impl TestLedger {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db"), Redactor::default()).unwrap();
        Self { folder, ledger }
    }

    /// A ledger of so many rows.
    async fn of(rows: u32) -> Self {
        let ledger = Self::new();
        for number in 1..=rows {
            ledger.append(full(number)).await;
        }
        ledger
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// Opens the file once more, as another process does.
    fn again(&self) -> Ledger {
        Ledger::open(&self.path(), Redactor::default()).unwrap()
    }

    async fn append(&self, entry: Entry) -> u64 {
        self.ledger.append(entry).await.unwrap()
    }

    async fn rows(&self, filter: Filter) -> Vec<Row> {
        self.ledger.rows(filter).await.unwrap()
    }

    /// The numbers of the rows that a filter selects.
    async fn numbers(&self, filter: Filter) -> Vec<u64> {
        self.rows(filter).await.iter().map(|row| row.seq).collect()
    }

    /// A row that must be there, with its body.
    async fn row(&self, seq: u64) -> (Row, Option<Vec<u8>>) {
        self.ledger.row(seq).await.unwrap().unwrap()
    }

    /// A row as it is in the chain, without what lies beside it.
    fn in_chain(&self, row: Row) -> Row {
        let connection = Connection::open(self.path()).unwrap();
        let select = "SELECT summary, headers, body_sha256 FROM ledger WHERE seq = ?1";
        let read = |found: &rusqlite::Row<'_>| {
            let headers: String = found.get(1)?;
            Ok(Row {
                summary: found.get(0)?,
                headers: serde_json::from_str(&headers).unwrap(),
                body_sha256: found.get(2)?,
                ..row.clone()
            })
        };
        connection.query_row(select, [row.seq], read).unwrap()
    }

    async fn verify(&self) -> Result<Verified, Broken> {
        self.ledger.verify().await.unwrap()
    }

    /// What someone with access to the file could do to it.
    fn tamper(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        connection
            .execute_batch("DROP TRIGGER IF EXISTS ledger_never_changes; DROP TRIGGER IF EXISTS ledger_never_forgets; DROP TRIGGER IF EXISTS ledger_bodies_only_leave;")
            .unwrap();
        connection.execute_batch(sql).unwrap();
    }
}

fn context(number: u32) -> Context {
    Context {
        run: Uuid::from_u128(u128::from(number)),
        client: format!("client-{number}"),
        user: format!("user-{number}"),
        employer: Uuid::from_u128(1_000 + u128::from(number)),
    }
}

/// An entry with every field filled.
fn full(number: u32) -> Entry {
    Entry {
        activity: Some("GetJournalRunByJournalRunId".to_owned()),
        check: Some("module".to_owned()),
        exchange: Some(Uuid::from_u128(2_000 + u128::from(number))),
        status: Some(201),
        outcome: Some("processed".to_owned()),
        headers: headers(&[("accept", "*/*"), ("x-note", "één"), ("x-note", "")]),
        body: format!("body {number} \u{20ac}").into_bytes(),
        ..Entry::new(
            context(number),
            Kind::Response,
            format!("POST https://party.test/{number}"),
        )
    }
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
