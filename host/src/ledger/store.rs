//! The ledger in an SQLite file.

use super::alarm::{self, InForce, Threshold};
use super::chain::{self, Broken, GENESIS, Verified};
use super::select::selected;
use super::{Context, DenialCounters, Entry, Kind, MAX_BODY, Redactor, Row};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// The ledger. Cloning gives another handle on it.
#[derive(Clone)]
pub struct Ledger {
    connection: Arc<Mutex<Connection>>,
    redactor: Redactor,
    denials: DenialCounters,
    threshold: InForce,
}

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("ledger: {0}")]
pub struct LedgerError(String);

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

/// Which rows are asked for. What is `None` or empty does not restrict.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these kinds.
    pub kinds: Vec<Kind>,
    /// Only of this client.
    pub client: Option<String>,
    /// Only of this user.
    pub user: Option<String>,
    /// Only of this employer.
    pub employer: Option<Uuid>,
    /// Only of this run.
    pub run: Option<Uuid>,
    /// Only denials by this check.
    pub check: Option<String>,
    /// Only from this moment, to the microsecond.
    pub since: Option<Timestamp>,
    /// Only before this moment, to the microsecond.
    pub until: Option<Timestamp>,
    /// Only rows after this one.
    pub after: Option<u64>,
    /// At most so many: the newest.
    pub limit: Option<u32>,
}

/// The version of `schema.sql`, kept in the file as `user_version`.
const SCHEMA: i64 = 1;

pub(super) const COLUMNS: &str = "seq, time, run, client, \"user\", employer, kind, activity, \"check\", exchange, summary, status, outcome, headers, body_size, body_sha256, hash";

impl Ledger {
    /// Opens the file, or makes an empty one, with its directory. What the
    /// redactor knows, now or later, is never stored.
    ///
    /// # Errors
    ///
    /// When the file cannot be made or is no ledger.
    pub fn open(path: &Path, redactor: Redactor) -> Result<Self, LedgerError> {
        let named =
            |error: &dyn std::fmt::Display| LedgerError(format!("{}: {error}", path.display()));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| named(&error))?;
        }
        let mut connection = Connection::open(path).map_err(|error| named(&error))?;
        prepare(&mut connection).map_err(|error| named(&error))?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            redactor,
            denials: DenialCounters::default(),
            threshold: Arc::new(Threshold::default),
        })
    }

    /// With the number of denials that raises an alarm, which is asked for at
    /// each denial. Otherwise it is the default one.
    pub fn with_alarms(self, threshold: impl Fn() -> Threshold + Send + Sync + 'static) -> Self {
        Self {
            threshold: Arc::new(threshold),
            ..self
        }
    }

    /// Counts what was denied through this handle and its clones.
    pub fn denials(&self) -> &DenialCounters {
        &self.denials
    }

    /// What keeps secrets out of the ledger.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Appends a row and returns its number once it is on disk. A denial that
    /// is one too many is followed by an alarm.
    ///
    /// # Errors
    ///
    /// When it could not be written. Then nothing was.
    pub async fn append(&self, entry: Entry) -> Result<u64, LedgerError> {
        let redactor = self.redactor.clone();
        let denial = (entry.kind == Kind::Denial).then(|| {
            let check = entry.check.clone().unwrap_or_default();
            (entry.context.client.clone(), check)
        });
        let threshold = denial.is_some().then(|| (self.threshold)());
        let appended = self.with(move |connection| {
            let entry = redact(&redactor, entry);
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let last: Option<(u64, String)> = transaction
                .prepare_cached("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let (last, previous) = last.unwrap_or((0, GENESIS.to_owned()));
            let (new, body) = row(last + 1, &previous, entry);
            insert(&transaction, &new, body)?;
            let alarm = match threshold {
                Some(threshold) => alarm::due(&transaction, &new, threshold)?,
                None => None,
            };
            if let Some(alarm) = &alarm {
                let (alarm, body) = row(new.seq + 1, &new.hash, alarm.entry());
                insert(&transaction, &alarm, body)?;
            }
            transaction.commit()?;
            Ok((new.seq, alarm))
        });
        let (seq, alarm) = appended.await?;
        if let Some((client, check)) = denial {
            self.denials.count(client, check);
        }
        if let Some(alarm) = alarm {
            alarm.raise();
        }
        Ok(seq)
    }

    /// The rows that a filter selects, oldest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn rows(&self, filter: Filter) -> Result<Vec<Row>, LedgerError> {
        self.with(move |connection| {
            let (condition, mut values) = selected(&filter);
            let mut select = connection.prepare_cached(&format!(
                "SELECT * FROM (
                    SELECT {COLUMNS} FROM ledger WHERE {condition}
                    ORDER BY seq DESC LIMIT :limit
                ) ORDER BY seq"
            ))?;
            // SQLite takes a negative limit for none.
            let limit = filter.limit.map_or(-1, i64::from);
            values.push((":limit", limit.into()));
            let rows = select.query_map(&values[..], read)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// One row with its body. The body is none when it was too large to keep.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn row(&self, seq: u64) -> Result<Option<(Row, Option<Vec<u8>>)>, LedgerError> {
        self.with(move |connection| {
            let sql = format!("SELECT {COLUMNS}, body FROM ledger WHERE seq = ?1");
            let found = connection
                .prepare_cached(&sql)?
                .query_row([seq], |row| Ok((read(row)?, row.get(17)?)))
                .optional()?;
            Ok(found)
        })
        .await
    }

    /// Checks that no row was changed, removed or inserted.
    ///
    /// # Errors
    ///
    /// The outer error when the ledger cannot be read; the inner one names the
    /// first row that is broken.
    pub async fn verify(&self) -> Result<Result<Verified, Broken>, LedgerError> {
        self.with(|connection| {
            let sql = format!("SELECT {COLUMNS}, body FROM ledger ORDER BY seq");
            let mut select = connection.prepare(&sql)?;
            let mut rows = select.query([])?;
            let mut verified = Verified {
                rows: 0,
                head: GENESIS.to_owned(),
            };
            while let Some(row) = rows.next()? {
                let (row, stored) = match read(row).and_then(|read| Ok((read, Stored::read(row)?)))
                {
                    Ok(read) => read,
                    Err(error) => {
                        let (seq, why) = (verified.rows + 1, format!("it cannot be read: {error}"));
                        return Ok(Err(Broken { seq, why }));
                    }
                };
                if let Err(why) = holds(&verified, &row, &stored) {
                    return Ok(Err(Broken { seq: row.seq, why }));
                }
                verified = Verified {
                    rows: row.seq,
                    head: row.hash,
                };
            }
            Ok(Ok(verified))
        })
        .await
    }

    pub(super) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let connection = self.connection.clone();
        let done = tokio::task::spawn_blocking(move || {
            work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await
            .unwrap_or_else(|error| Err(LedgerError(error.to_string())))
    }
}

/// Makes an empty file a ledger.
fn prepare(connection: &mut Connection) -> Result<(), Box<dyn std::error::Error>> {
    connection.busy_timeout(Duration::from_secs(5))?;
    // Before anything is changed: it may be a file of something else.
    is_made(&connection.transaction()?)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A row is on disk before the host goes on.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !is_made(&transaction)? {
        transaction.execute_batch(include_str!("schema.sql"))?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    transaction.execute_batch(alarm::INDEXES)?;
    transaction.commit()?;
    Ok(())
}

/// Whether this is a ledger (true) or an empty file (false).
fn is_made(connection: &Transaction<'_>) -> Result<bool, Box<dyn std::error::Error>> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let objects: u64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (version, connection.table_exists(None, "ledger")?) {
        (0, false) if objects == 0 => Ok(false),
        (SCHEMA, true) => Ok(true),
        (0 | SCHEMA, _) => Err("it is a database of something else".into()),
        (_, false) if objects > 0 => Err("it is a database of something else".into()),
        (found, _) => Err(format!(
            "it has schema {found}; this version of koppel reads schema {SCHEMA}"
        )
        .into()),
    }
}

fn redact(redactor: &Redactor, entry: Entry) -> Entry {
    Entry {
        summary: redactor.text(entry.summary),
        outcome: entry.outcome.map(|outcome| redactor.text(outcome)),
        headers: redactor.headers(entry.headers),
        body: redactor.bytes(entry.body),
        ..entry
    }
}

fn row(seq: u64, previous: &str, entry: Entry) -> (Row, Option<Vec<u8>>) {
    let mut row = Row {
        seq,
        id: Uuid::nil(),
        time: time(Timestamp::now()),
        context: entry.context,
        kind: entry.kind.name().to_owned(),
        activity: entry.activity,
        check: entry.check,
        exchange: entry.exchange.map(|id| id.to_string()),
        summary: entry.summary,
        status: entry.status,
        outcome: entry.outcome,
        headers: entry.headers,
        body_size: entry.body.len() as u64,
        body_sha256: chain::sha256(&entry.body),
        hash: String::new(),
    };
    row.hash = chain::hash(previous, &row);
    row.id = chain::id(&row.hash);
    let body = (entry.body.len() <= MAX_BODY).then_some(entry.body);
    (row, body)
}

/// A moment as it is stored: always six decimals, so that times sort as text.
pub(super) fn time(moment: Timestamp) -> String {
    format!("{moment:.6}")
}

/// Headers as they are stored.
fn headers(row: &Row) -> String {
    serde_json::json!(row.headers).to_string()
}

fn insert(connection: &Connection, row: &Row, body: Option<Vec<u8>>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!(
            "INSERT INTO ledger ({COLUMNS}, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
        ))?
        .execute(params![
            row.seq,
            row.time,
            row.context.run.to_string(),
            row.context.client,
            row.context.user,
            row.context.employer.to_string(),
            row.kind,
            row.activity,
            row.check,
            row.exchange,
            row.summary,
            row.status,
            row.outcome,
            headers(row),
            row.body_size,
            row.body_sha256,
            row.hash,
            body,
        ])?;
    Ok(())
}

pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let uuid = |index: usize| -> rusqlite::Result<Uuid> {
        let text: String = row.get(index)?;
        // A damaged identifier is for `verify` to report.
        Ok(Uuid::parse_str(&text).unwrap_or_default())
    };
    let headers: String = row.get(13)?;
    let hash: String = row.get(16)?;
    Ok(Row {
        seq: row.get(0)?,
        id: chain::id(&hash),
        time: row.get(1)?,
        context: Context {
            run: uuid(2)?,
            client: row.get(3)?,
            user: row.get(4)?,
            employer: uuid(5)?,
        },
        kind: row.get(6)?,
        activity: row.get(7)?,
        check: row.get(8)?,
        exchange: row.get(9)?,
        summary: row.get(10)?,
        status: row.get(11)?,
        outcome: row.get(12)?,
        headers: serde_json::from_str(&headers).unwrap_or_default(),
        body_size: row.get(14)?,
        body_sha256: row.get(15)?,
        hash,
    })
}

/// What a [`Row`] does not tell of how it is stored.
struct Stored {
    run: String,
    employer: String,
    headers: String,
    body: Option<Vec<u8>>,
}

impl Stored {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            run: row.get(2)?,
            employer: row.get(5)?,
            headers: row.get(13)?,
            body: row.get(17)?,
        })
    }
}

fn holds(before: &Verified, row: &Row, stored: &Stored) -> Result<(), String> {
    if row.seq != before.rows + 1 {
        return Err(format!("row {} is missing", before.rows + 1));
    }
    match &stored.body {
        Some(body) if chain::sha256(body) != row.body_sha256 => {
            return Err("its body was changed".to_owned());
        }
        None if row.body_size <= MAX_BODY as u64 => {
            return Err("its body was removed".to_owned());
        }
        _ => {}
    }
    // What reads the same but is written in another way was changed as well;
    // filters would miss it.
    let same = stored.run == row.context.run.to_string()
        && stored.employer == row.context.employer.to_string()
        && stored.headers == headers(row);
    if !same || chain::hash(&before.head, row) != row.hash {
        return Err("it was changed, or the row before it was replaced".to_owned());
    }
    Ok(())
}
