//! The ledger in PostgreSQL, of hosts on several machines.
//!
//! The chain has one end, so hosts take turns at it (an advisory lock, until the
//! transaction is over). What a host has to append at a moment goes in one turn.

use super::alarm::{self, Alarm, Threshold};
use super::beside::{Beside, Made, Stale, with_body};
use super::chain::{Broken, GENESIS, Verified};
use super::storage::{Appending, Storage};
use super::store::{RESEALED, RESEALED_BYTES, Stored, headers, time};
use super::turns::{self, Appended, Asked, Earlier, Refused, Turns};
use super::verifying::Verifying;
use super::{
    Context, DenialCount, Entry, Filter, Kept, Kind, LedgerError, Resealed, Row, Use, chain,
};
use crate::durable::StoreError;
use crate::encryption::{Key, Vault, is_sealed};
use crate::shared::postgres::{Lock, within};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{AssertSqlSafe, PgExecutor, PgTransaction, Postgres, QueryBuilder, Row as _};
use uuid::Uuid;

/// How many rows are looked at in one go by [`Storage::verify`], and how many
/// bytes of bodies, if there is more than one row.
const VERIFIED: i64 = 500;
const BYTES: usize = 8 << 20;

const COLUMNS: &str = "seq, time, run, client, \"user\", employer, kind, activity, \"check\", exchange, summary, status, outcome, headers, body_size, body_sha256, hash";

/// Rows with what lies beside them.
const WITH_PRIVATE: &str = "ledger LEFT JOIN content USING (seq)";

/// The ledger, as one host appends to it.
pub(super) struct Shared {
    pool: PgPool,
    vault: Vault,
    turns: Turns,
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) | StoreError::Broken(why) => Self(why),
            error => Self(error.to_string()),
        }
    }
}

impl From<LedgerError> for StoreError {
    fn from(error: LedgerError) -> Self {
        Self::Unavailable(error.0)
    }
}

impl From<sqlx::Error> for LedgerError {
    fn from(error: sqlx::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        let row = matches!(error, StoreError::Broken(_));
        let why = LedgerError::from(error).0;
        if row { Self::Row(why) } else { Self::All(why) }
    }
}

impl Shared {
    pub(super) fn new(pool: PgPool, vault: Vault) -> Self {
        let (turns, queue) = turns::queue();
        let append = {
            let (pool, vault) = (pool.clone(), vault.clone());
            move |turn| {
                let (pool, vault) = (pool.clone(), vault.clone());
                async move { Ok(append(&pool, turn, &vault).await?) }
            }
        };
        tokio::spawn(queue.take(append));
        Self { pool, vault, turns }
    }
}

/// PostgreSQL has no text with the character of number 0.
fn storable(entry: Entry) -> Entry {
    let clean = |text: String| match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}"),
        false => text,
    };
    Entry {
        summary: clean(entry.summary),
        outcome: entry.outcome.map(clean),
        context: Context {
            client: clean(entry.context.client),
            user: clean(entry.context.user),
            ..entry.context
        },
        ..entry
    }
}

/// Appends rows in one transaction, in order.
async fn append(pool: &PgPool, turn: Vec<Asked>, vault: &Vault) -> Result<Appended, StoreError> {
    within(async {
        let encrypts = vault.active()?.is_some();
        let mut db = pool.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(Lock::Ledger.key())
            .execute(&mut *db)
            .await?;
        let last = sqlx::query("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")
            .fetch_optional(&mut *db)
            .await?;
        let (mut seq, mut hash) = match last {
            Some(row) => (unsigned(&row, 0)?, row.try_get(1)?),
            None => (0, GENESIS.to_owned()),
        };
        if !encrypts && is_encrypted(&mut db).await? {
            return Err(vault.off().into());
        }
        let (mut rows, mut appended) = (Vec::new(), Appended::new());
        for asked in turn {
            erase(&mut db, &asked.erased).await?;
            let made = Made::new(seq + 1, &hash, asked.at, storable(asked.entry), vault)?;
            let row = made.row.clone();
            (seq, hash) = (row.seq, row.hash.clone());
            rows.push(made);
            let mut alarm = None;
            if let Some(threshold) = asked.threshold {
                insert(&mut db, std::mem::take(&mut rows)).await?;
                alarm = due(&mut db, &row, threshold).await?;
            }
            if let Some(alarm) = &alarm {
                let made = Made::new(
                    seq + 1,
                    &hash,
                    Timestamp::now(),
                    storable(alarm.entry()),
                    vault,
                )?;
                (seq, hash) = (made.row.seq, made.row.hash.clone());
                rows.push(made);
            }
            appended.push((row.seq, alarm));
        }
        insert(&mut db, rows).await?;
        db.commit().await?;
        Ok(appended)
    })
    .await
}

/// Erases what lies beside rows.
async fn erase(db: &mut PgTransaction<'_>, rows: &[u64]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = rows.iter().map(|seq| signed(*seq)).collect();
    for sql in [
        "DELETE FROM content WHERE seq = ANY($1)",
        "UPDATE ledger SET body = NULL WHERE seq = ANY($1) AND body IS NOT NULL",
    ] {
        sqlx::query(sql).bind(&rows).execute(&mut **db).await?;
    }
    Ok(())
}

/// Whether the newest content is encrypted.
async fn is_encrypted(db: &mut PgTransaction<'_>) -> Result<bool, StoreError> {
    let newest: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT private FROM content ORDER BY seq DESC LIMIT 1")
            .fetch_optional(&mut **db)
            .await?;
    Ok(newest.is_some_and(|private| is_sealed(&private)))
}

async fn insert(db: &mut PgTransaction<'_>, rows: Vec<Made>) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut beside = Vec::new();
    // Any other number of rows is a statement of its own, not worth keeping.
    let single = rows.len() == 1;
    let mut insert =
        QueryBuilder::<Postgres>::new(format!("INSERT INTO ledger ({COLUMNS}, body) "));
    insert.push_values(rows, |mut values, made| {
        let Made { row, body, .. } = made;
        beside.extend(made.beside.map(|beside| (row.seq, beside)));
        let headers = headers(&row);
        values
            .push_bind(signed(row.seq))
            .push_bind(row.time)
            .push_bind(row.context.run.to_string())
            .push_bind(row.context.client)
            .push_bind(row.context.user)
            .push_bind(row.context.employer.to_string())
            .push_bind(row.kind)
            .push_bind(row.activity)
            .push_bind(row.check)
            .push_bind(row.exchange)
            .push_bind(row.summary)
            .push_bind(row.status.map(i32::from))
            .push_bind(row.outcome)
            .push_bind(headers)
            .push_bind(signed(row.body_size))
            .push_bind(row.body_sha256)
            .push_bind(row.hash)
            .push_bind(body);
    });
    insert.build().persistent(single).execute(&mut **db).await?;
    if beside.is_empty() {
        return Ok(());
    }
    let single = beside.len() == 1;
    let mut insert = QueryBuilder::<Postgres>::new("INSERT INTO content (seq, private, body) ");
    insert.push_values(beside, |mut values, (seq, beside)| {
        values
            .push_bind(signed(seq))
            .push_bind(beside.private)
            .push_bind(beside.body);
    });
    insert.build().persistent(single).execute(&mut **db).await?;
    Ok(())
}

/// Encrypts with this key what is stored of rows: see [`super::Ledger::reseal`].
async fn reseal(
    db: &mut PgTransaction<'_>,
    after: u64,
    key: &Key,
    vault: &Vault,
) -> Result<Option<(u64, Resealed)>, StoreError> {
    let sql = format!(
        "SELECT seq, body_sha256, private FROM {WITH_PRIVATE}
         WHERE seq > $1 AND (substring(private FROM 1 FOR $2) <> $3 OR (private IS NULL AND octet_length(ledger.body) > 0))
         ORDER BY seq LIMIT $4"
    );
    let stale = sqlx::query(AssertSqlSafe(sql))
        .bind(signed(after))
        .bind(i32::try_from(key.header().len()).unwrap_or(i32::MAX))
        .bind(key.header())
        .bind(i64::from(RESEALED))
        .fetch_all(&mut **db)
        .await?;
    let (mut last, mut resealed, mut bytes) = (None, Resealed::default(), 0);
    for row in &stale {
        let stale = Stale {
            seq: unsigned(row, 0)?,
            body_sha256: row.try_get(1)?,
            private: row.try_get(2)?,
        };
        resealed.add(stale.private.as_deref().unwrap_or_default());
        let (seq, whole) = (stale.seq, stale.is_whole());
        let resealing = stale.read(vault)?;
        let sealed = if resealing.needs_body() {
            let sql = format!(
                "SELECT coalesce(content.body, ledger.body) FROM {WITH_PRIVATE} WHERE seq = $1"
            );
            let body: Option<Vec<u8>> = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(signed(seq))
                .fetch_one(&mut **db)
                .await?;
            bytes += body.as_ref().map_or(0, Vec::len);
            resealing.seal(key, body)?
        } else {
            resealing.seal(key, None)?
        };
        if whole {
            sqlx::query("INSERT INTO content (seq, private, body) VALUES ($1, $2, $3)")
                .bind(signed(seq))
                .bind(sealed.private)
                .bind(sealed.body)
                .execute(&mut **db)
                .await?;
            sqlx::query("UPDATE ledger SET body = NULL WHERE seq = $1")
                .bind(signed(seq))
                .execute(&mut **db)
                .await?;
        } else {
            sqlx::query(
                "UPDATE content SET private = $2, body = coalesce($3, body) WHERE seq = $1",
            )
            .bind(signed(seq))
            .bind(sealed.private)
            .bind(sealed.body)
            .execute(&mut **db)
            .await?;
        }
        last = Some(seq);
        if bytes > RESEALED_BYTES {
            break;
        }
    }
    Ok(last.map(|last| (last, resealed)))
}

/// The alarm that this denial, which was just appended, raises.
async fn due(
    db: &mut PgTransaction<'_>,
    denial: &Row,
    threshold: Threshold,
) -> Result<Option<Alarm>, StoreError> {
    let from = alarm::from(denial, threshold);
    let raised: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM ledger WHERE kind = 'alarm' AND client = $1 AND time > $2)",
    )
    .bind(&denial.context.client)
    .bind(&from)
    .fetch_one(&mut **db)
    .await?;
    if raised {
        return Ok(None);
    }
    let rows = sqlx::query(
        "SELECT coalesce(\"check\", ''), count(*) AS times FROM ledger
         WHERE kind = 'denial' AND client = $1 AND time > $2
         GROUP BY \"check\" ORDER BY times DESC, \"check\"",
    )
    .bind(&denial.context.client)
    .bind(&from)
    .fetch_all(&mut **db)
    .await?;
    let mut by_check = Vec::new();
    for row in &rows {
        by_check.push((row.try_get(0)?, unsigned(row, 1)?));
    }
    Ok(Alarm::of(denial, by_check, threshold))
}

fn signed(number: u64) -> i64 {
    // No ledger gets so long.
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &PgRow, index: usize) -> Result<u64, sqlx::Error> {
    let number: i64 = row.try_get(index)?;
    Ok(u64::try_from(number).unwrap_or_default())
}

fn read(row: &PgRow) -> Result<Row, sqlx::Error> {
    let uuid = |index: usize| -> Result<Uuid, sqlx::Error> {
        let text: &str = row.try_get(index)?;
        // A damaged identifier is for `verify` to report.
        Ok(Uuid::parse_str(text).unwrap_or_default())
    };
    let headers: &str = row.try_get(13)?;
    let hash: String = row.try_get(16)?;
    let status: Option<i32> = row.try_get(11)?;
    Ok(Row {
        seq: unsigned(row, 0)?,
        id: chain::id(&hash),
        time: row.try_get(1)?,
        context: Context {
            run: uuid(2)?,
            client: row.try_get(3)?,
            user: row.try_get(4)?,
            employer: uuid(5)?,
        },
        kind: row.try_get(6)?,
        activity: row.try_get(7)?,
        check: row.try_get(8)?,
        exchange: row.try_get(9)?,
        summary: row.try_get(10)?,
        status: status.and_then(|status| u16::try_from(status).ok()),
        outcome: row.try_get(12)?,
        headers: serde_json::from_str(headers).unwrap_or_default(),
        body_size: unsigned(row, 14)?,
        body_sha256: row.try_get(15)?,
        hash,
    })
}

/// A query with the condition of a filter.
fn selecting(start: &str, filter: &Filter) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(start);
    query.push(" WHERE TRUE");
    if !filter.kinds.is_empty() {
        let kinds: Vec<_> = filter.kinds.iter().map(|kind| kind.name()).collect();
        query.push(" AND kind = ANY(").push_bind(kinds).push(")");
    }
    let equal = [
        ("client", filter.client.clone()),
        ("\"user\"", filter.user.clone()),
        ("employer", filter.employer.map(|id| id.to_string())),
        ("run", filter.run.map(|id| id.to_string())),
        ("\"check\"", filter.check.clone()),
    ];
    for (column, value) in equal {
        if let Some(value) = value {
            query.push(format!(" AND {column} = ")).push_bind(value);
        }
    }
    if let Some(among) = &filter.among {
        let among: Vec<_> = among.iter().map(Uuid::to_string).collect();
        query
            .push(" AND employer = ANY(")
            .push_bind(among)
            .push(")");
    }
    if let Some(since) = filter.since {
        query.push(" AND time >= ").push_bind(time(since));
    }
    if let Some(until) = filter.until {
        query.push(" AND time < ").push_bind(time(until));
    }
    if let Some(after) = filter.after {
        query.push(" AND seq > ").push_bind(signed(after));
    }
    query
}

/// Rows as they are shown, from [`COLUMNS`] and `private`.
fn all(rows: &[PgRow], vault: &Vault) -> Result<Vec<Row>, StoreError> {
    let shown = |row| Ok(read(row)?.shown(row.try_get(17)?, vault)?);
    rows.iter().map(shown).collect()
}

#[async_trait]
impl Storage for Shared {
    fn append(&self, asked: Asked, own: Option<Earlier>) -> Appending {
        self.turns.append(asked, own)
    }

    async fn rows(&self, filter: Filter) -> Result<Vec<Row>, LedgerError> {
        let mut query = selecting(
            &format!("SELECT {COLUMNS}, private FROM {WITH_PRIVATE}"),
            &filter,
        );
        query.push(" ORDER BY seq DESC LIMIT ");
        query.push_bind(filter.limit.map(i64::from));
        let rows = within(async {
            let mut rows = query.build().fetch_all(&self.pool).await?;
            rows.reverse();
            all(&rows, &self.vault)
        });
        Ok(rows.await?)
    }

    async fn page(
        &self,
        filter: Filter,
        skip: u64,
        size: u32,
    ) -> Result<(Vec<Row>, u64), LedgerError> {
        let mut count = selecting("SELECT count(*) FROM ledger", &filter);
        let mut query = selecting(
            &format!("SELECT {COLUMNS}, private FROM {WITH_PRIVATE}"),
            &filter,
        );
        let order = if filter.newest_first { "DESC" } else { "ASC" };
        query
            .push(format!(" ORDER BY seq {order} LIMIT "))
            .push_bind(i64::from(size));
        query.push(" OFFSET ").push_bind(signed(skip));
        let page = within(async {
            // Both see the same rows, whatever other hosts append.
            let mut db = self.pool.begin().await?;
            sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                .execute(&mut *db)
                .await?;
            let total = unsigned(&count.build().fetch_one(&mut *db).await?, 0)?;
            let rows = query.build().fetch_all(&mut *db).await?;
            Ok((all(&rows, &self.vault)?, total))
        });
        Ok(page.await?)
    }

    async fn message(&self, id: Uuid) -> Result<Option<Row>, LedgerError> {
        let from = chain::beginning(id);
        // Behind all hexadecimal digits.
        let to = format!("{from}g");
        let found = within(async {
            let sql = format!(
                "SELECT {COLUMNS}, private FROM {WITH_PRIVATE} WHERE hash >= $1 AND hash < $2"
            );
            let rows = sqlx::query(AssertSqlSafe(sql)).bind(from).bind(to);
            let rows = all(&rows.fetch_all(&self.pool).await?, &self.vault)?;
            Ok(rows
                .into_iter()
                .find(|row| row.id == id && row.is_message()))
        });
        Ok(found.await?)
    }

    async fn row(&self, seq: u64) -> Result<Option<(Row, Option<Vec<u8>>)>, LedgerError> {
        let found = within(async {
            let rows = bodies(&self.pool, seq, seq).await?;
            let whole = |row| Ok(with_body(read(row)?, stored(row)?, &self.vault)?);
            rows.first().map(whole).transpose()
        });
        Ok(found.await?)
    }

    async fn denial_counts(&self, filter: Filter) -> Result<Vec<DenialCount>, LedgerError> {
        let filter = Filter {
            kinds: vec![Kind::Denial],
            ..filter
        };
        let start =
            "SELECT client, coalesce(\"check\", ''), count(*), min(time), max(time) FROM ledger";
        let mut query = selecting(start, &filter);
        query.push(" GROUP BY client, \"check\" ORDER BY client, \"check\" NULLS FIRST");
        let counts = within(async {
            let rows = query.build().fetch_all(&self.pool).await?;
            let mut counts = Vec::new();
            for row in &rows {
                counts.push(DenialCount {
                    client: row.try_get(0)?,
                    check: row.try_get(1)?,
                    count: unsigned(row, 2)?,
                    first: row.try_get(3)?,
                    last: row.try_get(4)?,
                });
            }
            Ok(counts)
        });
        Ok(counts.await?)
    }

    async fn uses(&self, filter: Filter) -> Result<Vec<Use>, LedgerError> {
        let start = "SELECT client, activity, count(*), max(time) FROM ledger";
        let mut query = selecting(start, &filter);
        query.push(" AND activity IS NOT NULL GROUP BY client, activity ORDER BY client, activity");
        let uses = within(async {
            let rows = query.build().fetch_all(&self.pool).await?;
            let mut uses = Vec::new();
            for row in &rows {
                uses.push(Use {
                    client: row.try_get(0)?,
                    activity: row.try_get(1)?,
                    count: unsigned(row, 2)?,
                    last: row.try_get(3)?,
                });
            }
            Ok(uses)
        });
        Ok(uses.await?)
    }

    async fn kept(&self, until: String, after: u64, limit: u32) -> Result<Vec<Kept>, LedgerError> {
        let sql = format!(
            "SELECT seq, time, run, activity FROM {WITH_PRIVATE}
             WHERE seq > $1 AND time < $2 AND kind <> 'erasure' AND (private IS NOT NULL OR octet_length(ledger.body) > 0)
             ORDER BY seq LIMIT $3"
        );
        let kept = within(async {
            let rows = sqlx::query(AssertSqlSafe(sql))
                .bind(signed(after))
                .bind(until)
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
                .await?;
            let mut kept = Vec::new();
            for row in &rows {
                kept.push(Kept {
                    seq: unsigned(row, 0)?,
                    time: row.try_get(1)?,
                    run: Uuid::parse_str(row.try_get(2)?).unwrap_or_default(),
                    activity: row.try_get(3)?,
                });
            }
            Ok(kept)
        });
        Ok(kept.await?)
    }

    async fn reseal(&self, after: u64) -> Result<Option<(u64, Resealed)>, LedgerError> {
        let Some(key) = self.vault.active()? else {
            return Ok(None);
        };
        let resealed = within(async {
            let mut db = self.pool.begin().await?;
            // Nothing is erased meanwhile.
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(Lock::Ledger.key())
                .execute(&mut *db)
                .await?;
            let resealed = reseal(&mut db, after, &key, &self.vault).await?;
            db.commit().await?;
            Ok(resealed)
        });
        Ok(resealed.await?)
    }

    async fn verify(&self) -> Result<Result<Verified, Broken>, LedgerError> {
        let mut verifying = Verifying::new();
        loop {
            let after = verifying.rows();
            let Some(last) = within(part(&self.pool, after)).await? else {
                return Ok(verifying.done());
            };
            let rows = within(bodies(&self.pool, after + 1, last)).await?;
            for row in &rows {
                let held = match read(row).and_then(|read| Ok((read, stored(row)?))) {
                    Ok((row, stored)) => verifying.next(row, stored, &self.vault)?,
                    Err(error) => Err(verifying.unreadable(&error)),
                };
                if let Err(broken) = held {
                    return Ok(Err(broken));
                }
            }
        }
    }
}

/// The last of the rows that come after one, of which no more are taken than
/// fit into memory.
async fn part(pool: &PgPool, after: u64) -> Result<Option<u64>, StoreError> {
    let rows =
        sqlx::query("SELECT seq, body_size FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(signed(after))
            .bind(VERIFIED)
            .fetch_all(pool)
            .await?;
    let (mut last, mut bytes) = (None, 0_usize);
    for row in &rows {
        bytes = bytes.saturating_add(usize::try_from(unsigned(row, 1)?).unwrap_or(usize::MAX));
        if last.is_some() && bytes > BYTES {
            break;
        }
        last = Some(unsigned(row, 0)?);
    }
    Ok(last)
}

/// Rows with their bodies.
async fn bodies(db: impl PgExecutor<'_>, from: u64, to: u64) -> Result<Vec<PgRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, private, content.body, ledger.body FROM {WITH_PRIVATE} WHERE seq BETWEEN $1 AND $2 ORDER BY seq"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(signed(from))
        .bind(signed(to));
    Ok(rows.fetch_all(db).await?)
}

fn stored(row: &PgRow) -> Result<Stored, sqlx::Error> {
    Ok(Stored {
        run: row.try_get(2)?,
        employer: row.try_get(5)?,
        headers: row.try_get(13)?,
        beside: match row.try_get(17)? {
            Some(private) => Some(Beside {
                private,
                body: row.try_get(18)?,
            }),
            None => None,
        },
        body: row.try_get(19)?,
    })
}
