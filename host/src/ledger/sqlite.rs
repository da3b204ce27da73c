//! The ledger in an SQLite file.

mod schema;

use super::alarm;
use super::beside::{Beside, Made, Stale, with_body};
use super::chain::{self, Broken, GENESIS, Verified};
use super::select::{integer, selected};
use super::storage::{Appending, Storage};
use super::store::{RESEALED, RESEALED_BYTES, Stored, headers};
use super::turns::{self, Appended, Asked, Earlier, Refused, Turns};
use super::verifying::Verifying;
use super::{Context, DenialCount, Filter, Kept, Kind, LedgerError, Resealed, Row, Use};
use crate::checkpoints::Checkpoints;
use crate::encryption::{Vault, is_sealed};
use crate::joined::Joined;
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

pub(super) use schema::SELDOM;

const COLUMNS: &str = "seq, time, run, client, \"user\", employer, kind, activity, \"check\", exchange, summary, status, outcome, headers, body_size, body_sha256, hash";

/// A row, but for what lies beside it. When it fails, so does the transaction; `OR
/// FAIL` spares SQLite a copy of each page that it changes, to undo it alone. So
/// does that it numbers the row itself, which could fail if it were given.
const INSERT: &str = "INSERT OR FAIL INTO ledger (time, run, client, \"user\", employer, kind, activity, \"check\", exchange, summary, status, outcome, headers, body_size, body_sha256, hash, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

/// Rows with what lies beside them.
const WITH_PRIVATE: &str = "ledger LEFT JOIN content USING (seq)";

/// Rows with all that is stored of them: what [`Stored::read`] reads.
const WHOLE: &str = "SELECT seq, time, run, client, \"user\", employer, kind, activity, \"check\", exchange, summary, status, outcome, headers, body_size, body_sha256, hash, private, content.body, ledger.body FROM ledger LEFT JOIN content USING (seq)";

/// What is known by the beginning of its hash, in the words of its index.
pub(super) const BY_HASH: &str = "ledger INDEXED BY ledger_messages LEFT JOIN content USING (seq)
    WHERE hash >= ?1 AND hash < ?2 AND (kind = 'request' OR kind = 'response' OR kind = 'export-file')";

/// A ledger in a file.
pub(super) struct File {
    /// For reading, which waits for no append.
    connection: Arc<Mutex<Connection>>,
    checkpoints: Arc<Checkpoints>,
    vault: Vault,
    /// The thread that appends.
    writer: Joined<Turns>,
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl File {
    pub(super) fn open(path: &Path, vault: Vault) -> Result<Self, LedgerError> {
        let named =
            |error: &dyn std::fmt::Display| LedgerError(format!("{}: {error}", path.display()));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| named(&error))?;
        }
        let open = || {
            let mut connection = Connection::open(path).map_err(|error| named(&error))?;
            schema::prepare(&mut connection).map_err(|error| named(&error))?;
            Ok::<_, LedgerError>(connection)
        };
        let appends = open()?;
        let checkpoints = Arc::new(Checkpoints::of(path).map_err(|error| named(&error))?);
        checkpoints.take(&appends).map_err(|error| named(&error))?;
        Ok(Self {
            writer: writer(appends, checkpoints.clone(), vault.clone())
                .map_err(|error| named(&error))?,
            connection: Arc::new(Mutex::new(open()?)),
            checkpoints,
            vault,
        })
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Vault) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (connection, vault) = (self.connection.clone(), self.vault.clone());
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection, &vault)
        });
        done.await
            .unwrap_or_else(|error| Err(LedgerError(error.to_string())))
    }
}

/// Starts the thread that appends, through this connection.
fn writer(
    mut connection: Connection,
    checkpoints: Arc<Checkpoints>,
    vault: Vault,
) -> std::io::Result<Joined<Turns>> {
    let (turns, queue) = turns::queue();
    // It has a runtime of its own, so that it goes on for as long as there is a
    // ledger, whatever runtime appends to it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let take = move || {
        runtime.block_on(queue.take(|turn| {
            let appended = append(&mut connection, &checkpoints, turn, &vault);
            checkpoints.committed(&connection);
            ready(appended)
        }));
    };
    Joined::start("koppel-ledger", turns, take)
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure,
        };
        let why = error.to_string();
        match error.sqlite_error_code() {
            Some(
                CannotOpen | DatabaseBusy | DatabaseLocked | DiskFull | ReadOnly | SystemIoFailure,
            ) => Self::All(why),
            _ => Self::Row(why),
        }
    }
}

/// Appends rows in one transaction, in order.
fn append(
    connection: &mut Connection,
    checkpoints: &Checkpoints,
    turn: Vec<Asked>,
    vault: &Vault,
) -> Result<Appended, Refused> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let last: Option<(u64, String)> = transaction
        .prepare_cached("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (mut last, mut hash) = last.unwrap_or((0, GENESIS.to_owned()));
    if vault.active()?.is_none() && is_encrypted(&transaction)? {
        return Err(vault.off().into());
    }
    let (mut appended, mut erasing) = (Appended::new(), false);
    for asked in turn {
        erasing |= !asked.erased.is_empty();
        erase(&transaction, &asked.erased)?;
        let made = Made::new(last + 1, &hash, asked.at, asked.entry, vault)?;
        let new = insert(&transaction, made)?;
        (last, hash) = (new.seq, new.hash.clone());
        let alarm = match asked.threshold {
            Some(threshold) => alarm::due(&transaction, &new, threshold)?,
            None => None,
        };
        if let Some(alarm) = &alarm {
            let made = Made::new(last + 1, &hash, Timestamp::now(), alarm.entry(), vault)?;
            let alarm = insert(&transaction, made)?;
            (last, hash) = (alarm.seq, alarm.hash);
        }
        appended.push((new.seq, alarm));
    }
    transaction.commit()?;
    if erasing {
        checkpoints.truncate(connection)?;
    }
    Ok(appended)
}

/// Erases what lies beside rows.
fn erase(db: &Transaction<'_>, rows: &[u64]) -> rusqlite::Result<()> {
    for seq in rows {
        db.prepare_cached("DELETE FROM content WHERE seq = ?1")?
            .execute([seq])?;
        db.prepare_cached("UPDATE ledger SET body = NULL WHERE seq = ?1 AND body IS NOT NULL")?
            .execute([seq])?;
    }
    Ok(())
}

/// Whether the newest content is encrypted.
fn is_encrypted(db: &Transaction<'_>) -> rusqlite::Result<bool> {
    let newest: Option<Vec<u8>> = db
        .prepare_cached("SELECT private FROM content ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(newest.is_some_and(|private| is_sealed(&private)))
}

#[async_trait]
impl Storage for File {
    fn append(&self, asked: Asked, own: Option<Earlier>) -> Appending {
        match self.writer.way() {
            Some(turns) => turns.append(asked, own),
            // Only while it is dropped, when nobody can ask.
            None => Box::pin(ready(Err(LedgerError("it is closed".to_owned())))),
        }
    }

    async fn rows(&self, filter: Filter) -> Result<Vec<Row>, LedgerError> {
        self.with(move |connection, vault| {
            let (condition, mut values) = selected(&filter);
            let mut select = connection.prepare_cached(&format!(
                "SELECT * FROM (
                    SELECT {COLUMNS}, private FROM {WITH_PRIVATE} WHERE {condition}
                    ORDER BY seq DESC LIMIT :limit
                ) ORDER BY seq"
            ))?;
            // SQLite takes a negative limit for none.
            let limit = filter.limit.map_or(-1, i64::from);
            values.push((":limit", limit.into()));
            shown(select.query_map(&values[..], with_private)?, vault)
        })
        .await
    }

    async fn page(
        &self,
        filter: Filter,
        skip: u64,
        size: u32,
    ) -> Result<(Vec<Row>, u64), LedgerError> {
        self.with(move |connection, vault| {
            // Both see the same rows, whatever other processes append.
            let transaction = connection.transaction()?;
            let (condition, mut values) = selected(&filter);
            let total = transaction
                .prepare_cached(&format!("SELECT count(*) FROM ledger WHERE {condition}"))?
                .query_row(&values[..], |row| row.get(0))?;
            values.push((":size", i64::from(size).into()));
            values.push((":skip", integer(skip).into()));
            let order = if filter.newest_first { "DESC" } else { "ASC" };
            let mut select = transaction.prepare_cached(&format!(
                "SELECT {COLUMNS}, private FROM {WITH_PRIVATE} WHERE {condition} ORDER BY seq {order} LIMIT :size OFFSET :skip"
            ))?;
            let rows = select.query_map(&values[..], with_private)?;
            Ok((shown(rows, vault)?, total))
        })
        .await
    }

    async fn message(&self, id: Uuid) -> Result<Option<Row>, LedgerError> {
        self.with(move |connection, vault| {
            let from = chain::beginning(id);
            // Behind all hexadecimal digits.
            let to = format!("{from}g");
            let mut select =
                connection.prepare_cached(&format!("SELECT {COLUMNS}, private FROM {BY_HASH}"))?;
            for found in select.query_map([from, to], with_private)? {
                let (row, private) = found?;
                if row.id == id && row.is_message() {
                    return row.shown(private, vault).map(Some);
                }
            }
            Ok(None)
        })
        .await
    }

    async fn row(&self, seq: u64) -> Result<Option<(Row, Option<Vec<u8>>)>, LedgerError> {
        self.with(move |connection, vault| {
            let sql = format!("{WHOLE} WHERE seq = ?1");
            let found = connection
                .prepare_cached(&sql)?
                .query_row([seq], |row| Ok((read(row)?, Stored::read(row)?)))
                .optional()?;
            found
                .map(|(row, stored)| with_body(row, stored, vault))
                .transpose()
        })
        .await
    }

    async fn denial_counts(&self, filter: Filter) -> Result<Vec<DenialCount>, LedgerError> {
        self.with(move |connection, _| {
            let filter = Filter {
                kinds: vec![Kind::Denial],
                ..filter
            };
            let (condition, values) = selected(&filter);
            let mut select = connection.prepare_cached(&format!(
                "SELECT client, coalesce(\"check\", ''), count(*), min(time), max(time) FROM ledger
                 WHERE {condition} GROUP BY client, \"check\" ORDER BY client, \"check\""
            ))?;
            let counts = select.query_map(&values[..], |row| {
                Ok(DenialCount {
                    client: row.get(0)?,
                    check: row.get(1)?,
                    count: row.get(2)?,
                    first: row.get(3)?,
                    last: row.get(4)?,
                })
            })?;
            Ok(counts.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn uses(&self, filter: Filter) -> Result<Vec<Use>, LedgerError> {
        self.with(move |connection, _| {
            let (condition, values) = selected(&filter);
            let mut select = connection.prepare_cached(&format!(
                "SELECT client, activity, count(*), max(time) FROM ledger
                 WHERE {condition} AND activity IS NOT NULL
                 GROUP BY client, activity ORDER BY client, activity"
            ))?;
            let uses = select.query_map(&values[..], |row| {
                Ok(Use {
                    client: row.get(0)?,
                    activity: row.get(1)?,
                    count: row.get(2)?,
                    last: row.get(3)?,
                })
            })?;
            Ok(uses.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn kept(&self, until: String, after: u64, limit: u32) -> Result<Vec<Kept>, LedgerError> {
        self.with(move |connection, _| {
            let mut select = connection.prepare_cached(&format!(
                "SELECT seq, time, run, activity FROM {WITH_PRIVATE}
                 WHERE seq > ?1 AND time < ?2 AND kind <> 'erasure' AND (private IS NOT NULL OR length(ledger.body) > 0)
                 ORDER BY seq LIMIT ?3"
            ))?;
            let kept = select.query_map(params![after, until, limit], |row| {
                let run: String = row.get(2)?;
                Ok(Kept {
                    seq: row.get(0)?,
                    time: row.get(1)?,
                    run: Uuid::parse_str(&run).unwrap_or_default(),
                    activity: row.get(3)?,
                })
            })?;
            Ok(kept.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn reseal(&self, after: u64) -> Result<Option<(u64, Resealed)>, LedgerError> {
        let checkpoints = self.checkpoints.clone();
        self.with(move |connection, vault| reseal(connection, &checkpoints, after, vault))
            .await
    }

    async fn verify(&self) -> Result<Result<Verified, Broken>, LedgerError> {
        self.with(|connection, vault| {
            let sql = format!("{WHOLE} ORDER BY seq");
            let mut select = connection.prepare(&sql)?;
            let mut rows = select.query([])?;
            let mut verifying = Verifying::new();
            while let Some(row) = rows.next()? {
                let read = read(row).and_then(|read| Ok((read, Stored::read(row)?)));
                let held = match read {
                    Ok((row, stored)) => verifying.next(row, stored, vault)?,
                    Err(error) => Err(verifying.unreadable(&error)),
                };
                if let Err(broken) = held {
                    return Ok(Err(broken));
                }
            }
            Ok(verifying.done())
        })
        .await
    }
}

fn insert(connection: &Connection, made: Made) -> Result<Row, Refused> {
    let Made { row, beside, body } = made;
    let mut insert = connection.prepare_cached(INSERT)?;
    let seq = insert.insert(params![
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
        headers(&row),
        row.body_size,
        row.body_sha256,
        row.hash,
        body,
    ])?;
    if u64::try_from(seq) != Ok(row.seq) {
        // Its hash is that of another number.
        return Err(Refused::All(format!(
            "the row after {} would be {seq}",
            row.seq - 1
        )));
    }
    if let Some(beside) = beside {
        put(connection, row.seq, &beside)?;
    }
    Ok(row)
}

/// Stores what lies beside a row.
fn put(connection: &Connection, seq: u64, beside: &Beside) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO content (seq, private, body) VALUES (?1, ?2, ?3)")?
        .execute(params![seq, beside.private, beside.body])?;
    Ok(())
}

/// See [`super::Ledger::reseal`].
fn reseal(
    connection: &mut Connection,
    checkpoints: &Checkpoints,
    after: u64,
    vault: &Vault,
) -> Result<Option<(u64, Resealed)>, LedgerError> {
    let Some(key) = vault.active()? else {
        return Ok(None);
    };
    let db = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let stale = db
        .prepare_cached(
            "SELECT seq, body_sha256, private FROM ledger LEFT JOIN content USING (seq)
             WHERE seq > ?1 AND (substr(private, 1, ?2) <> ?3 OR (private IS NULL AND length(ledger.body) > 0))
             ORDER BY seq LIMIT ?4",
        )?
        .query_map(
            params![after, key.header().len(), key.header(), RESEALED],
            |row| {
                Ok(Stale {
                    seq: row.get(0)?,
                    body_sha256: row.get(1)?,
                    private: row.get(2)?,
                })
            },
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let (mut last, mut resealed, mut bytes) = (None, Resealed::default(), 0);
    for stale in stale {
        resealed.add(stale.private.as_deref().unwrap_or_default());
        let (seq, whole) = (stale.seq, stale.is_whole());
        let resealing = stale.read(vault)?;
        if resealing.needs_body() {
            let body: Option<Vec<u8>> = db
                .prepare_cached(
                    "SELECT coalesce(content.body, ledger.body) FROM ledger LEFT JOIN content USING (seq) WHERE seq = ?1",
                )?
                .query_row([seq], |row| row.get(0))?;
            bytes += body.as_ref().map_or(0, Vec::len);
            put(&db, seq, &resealing.seal(&key, body)?)?;
        } else {
            db.prepare_cached("UPDATE content SET private = ?2 WHERE seq = ?1")?
                .execute(params![seq, resealing.seal(&key, None)?.private])?;
        }
        if whole {
            db.prepare_cached("UPDATE ledger SET body = NULL WHERE seq = ?1")?
                .execute([seq])?;
        }
        last = Some(seq);
        if bytes > RESEALED_BYTES {
            break;
        }
    }
    db.commit()?;
    if last.is_none() {
        checkpoints.truncate(connection)?;
    }
    Ok(last.map(|last| (last, resealed)))
}

/// A row as it is stored, with what lies beside it.
fn with_private(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Row, Option<Vec<u8>>)> {
    Ok((read(row)?, row.get(17)?))
}

fn shown(
    rows: impl Iterator<Item = rusqlite::Result<(Row, Option<Vec<u8>>)>>,
    vault: &Vault,
) -> Result<Vec<Row>, LedgerError> {
    rows.map(|row| {
        let (row, private) = row?;
        row.shown(private, vault)
    })
    .collect()
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
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

impl Stored {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            run: row.get(2)?,
            employer: row.get(5)?,
            headers: row.get(13)?,
            beside: match row.get(17)? {
                Some(private) => Some(Beside {
                    private,
                    body: row.get(18)?,
                }),
                None => None,
            },
            body: row.get(19)?,
        })
    }
}
