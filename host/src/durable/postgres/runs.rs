//! Runs as they are written and read.

use super::presence::THERE;
use super::{int, uint};
use crate::durable::run::DAY;
use crate::durable::{
    Attempt, DayCount, Millis, NewRun, Origin, Run, RunFilter, State, StoreError, Submitted,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{AssertSqlSafe, PgExecutor, PgTransaction, Row};
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;

pub(super) const COLUMNS: &str = "number, id, key, client, \"user\", employer, job, origin, state, submitted, due, ended, attempts, tries, interrupted, cancel, output, error, doubts, happened";

/// How many runs are looked at in one go for whether the queue lost them: the
/// next look goes on from there.
const LOOK: i64 = 1_000;

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    Ok(serde_json::to_string(value)?)
}

fn of_json<T: DeserializeOwned>(row: &PgRow, index: usize) -> Result<T, StoreError> {
    let text: &str = row.try_get(index)?;
    Ok(serde_json::from_str(text)?)
}

fn maybe_json<T: DeserializeOwned>(row: &PgRow, index: usize) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = row.try_get(index)?;
    Ok(text.map(serde_json::from_str).transpose()?)
}

/// A number that is never negative.
pub(super) fn count(row: &PgRow, index: usize) -> Result<u32, StoreError> {
    let number: i32 = row.try_get(index)?;
    uint(i64::from(number))
}

fn state(name: &str) -> Result<State, StoreError> {
    State::of_name(name).ok_or_else(|| StoreError::Broken(format!("there is no state \"{name}\"")))
}

pub(super) fn read(row: &PgRow) -> Result<Run, StoreError> {
    Ok(Run {
        number: uint(row.try_get(0)?)?,
        id: row.try_get(1)?,
        key: row.try_get(2)?,
        client: row.try_get(3)?,
        user: row.try_get(4)?,
        employer: row.try_get(5)?,
        job: of_json(row, 6)?,
        origin: of_json(row, 7)?,
        state: state(row.try_get(8)?)?,
        submitted: row.try_get(9)?,
        due: row.try_get(10)?,
        ended: row.try_get(11)?,
        attempts: count(row, 12)?,
        tries: count(row, 13)?,
        interrupted: row.try_get(14)?,
        cancel: row.try_get(15)?,
        output: maybe_json(row, 16)?,
        error: maybe_json(row, 17)?,
        doubts: of_json(row, 18)?,
        happened: of_json(row, 19)?,
    })
}

pub(super) async fn find(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Run>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE id = $1");
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(id)
        .fetch_optional(db)
        .await?;
    found.as_ref().map(read).transpose()
}

/// A run that is about to be changed.
pub(super) async fn locked(db: &mut PgTransaction<'_>, id: Uuid) -> Result<Run, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE id = $1 FOR UPDATE");
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(id)
        .fetch_optional(&mut **db)
        .await?;
    read(&found.ok_or(StoreError::NoRun(id))?)
}

pub(super) async fn insert(
    db: &mut PgTransaction<'_>,
    new: &NewRun,
    now: Millis,
) -> Result<Run, StoreError> {
    let request = &new.request;
    let sql = format!(
        "INSERT INTO run (id, key, client, \"user\", employer, job, origin, direct, state, submitted, due)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $10) RETURNING {COLUMNS}"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(new.id)
        .bind(&new.key)
        .bind(&request.client)
        .bind(&request.user)
        .bind(request.employer)
        .bind(json(&request.job)?)
        .bind(json(&new.origin)?)
        .bind(new.origin == Origin::Direct)
        .bind(now)
        .bind(new.due)
        .fetch_one(&mut **db)
        .await?;
    read(&row)
}

/// Keeps a run or finds it; its employer is locked.
pub(super) async fn submit(
    db: &mut PgTransaction<'_>,
    new: &NewRun,
    now: Millis,
) -> Result<Submitted, StoreError> {
    let request = &new.request;
    let sql = format!("SELECT {COLUMNS} FROM run WHERE client = $1 AND employer = $2 AND key = $3");
    let known = sqlx::query(AssertSqlSafe(sql))
        .bind(&request.client)
        .bind(request.employer)
        .bind(&new.key)
        .fetch_optional(&mut **db)
        .await?;
    match known.as_ref().map(read).transpose()? {
        None => Ok(Submitted::New(insert(db, new, now).await?)),
        Some(run) if run.user == request.user && run.job == request.job => {
            Ok(Submitted::Known(run))
        }
        Some(run) => Err(StoreError::KeyTaken {
            key: new.key.clone(),
            run: run.id,
        }),
    }
}

/// What a filter selects; binds $1 to $7.
const SELECTED: &str = "(cardinality($1::text[]) = 0 OR state = ANY($1))
         AND ($2::text IS NULL OR client = $2)
         AND ($3::uuid IS NULL OR employer = $3)
         AND ($4::bigint IS NULL OR submitted >= $4)
         AND ($5::bigint IS NULL OR submitted < $5)
         AND ($6::bigint IS NULL OR number < $6)
         AND ($7::uuid[] IS NULL OR employer = ANY($7))";

macro_rules! selected {
    ($sql:expr, $filter:expr) => {{
        let filter: &RunFilter = $filter;
        let states: Vec<_> = filter.states.iter().map(|state| state.name()).collect();
        sqlx::query(AssertSqlSafe($sql))
            .bind(states)
            .bind(&filter.client)
            .bind(filter.employer)
            .bind(filter.since)
            .bind(filter.until)
            .bind(filter.before.map(int))
            .bind(&filter.among)
    }};
}

pub(super) async fn list(pool: &PgPool, filter: &RunFilter) -> Result<Vec<Run>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE {SELECTED} ORDER BY number DESC LIMIT $8");
    let rows = selected!(sql, filter)
        // PostgreSQL takes NULL for no limit.
        .bind(filter.limit.map(i64::from))
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn page(
    pool: &PgPool,
    filter: &RunFilter,
    skip: u64,
    size: u32,
) -> Result<(Vec<Run>, u64), StoreError> {
    // One state of the table for both.
    let mut db = pool
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let sql = format!("SELECT count(*) FROM run WHERE {SELECTED}");
    let total = selected!(sql, filter).fetch_one(&mut *db).await?;
    let total: i64 = total.try_get(0)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM run WHERE {SELECTED} ORDER BY number DESC LIMIT $8 OFFSET $9"
    );
    let rows = selected!(sql, filter)
        .bind(i64::from(size))
        .bind(int(skip))
        .fetch_all(&mut *db)
        .await?;
    Ok((
        rows.iter().map(read).collect::<Result<_, _>>()?,
        uint(total)?,
    ))
}

pub(super) async fn days(pool: &PgPool, filter: &RunFilter) -> Result<Vec<DayCount>, StoreError> {
    let sql = format!(
        "SELECT submitted / {DAY} AS day, state, count(*) FROM run WHERE {SELECTED}
         GROUP BY day, state ORDER BY day, state"
    );
    let rows = selected!(sql, filter).fetch_all(pool).await?;
    let read = |row: &PgRow| {
        Ok(DayCount {
            day: row.try_get(0)?,
            state: state(row.try_get(1)?)?,
            count: uint(row.try_get(2)?)?,
        })
    };
    rows.iter().map(read).collect()
}

pub(super) async fn counts(pool: &PgPool) -> Result<Vec<(State, u64)>, StoreError> {
    let mut counts = Vec::new();
    for state in State::COUNTED {
        // Written out, so that the index of this state is used.
        let sql = format!("SELECT count(*) FROM run WHERE state = '{}'", state.name());
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(pool).await?;
        counts.push((state, uint(row.try_get(0)?)?));
    }
    Ok(counts)
}

pub(super) async fn running(pool: &PgPool) -> Result<Vec<(String, u64)>, StoreError> {
    let rows =
        sqlx::query("SELECT client, count(*) FROM run WHERE state = 'running' GROUP BY client")
            .fetch_all(pool)
            .await?;
    let read = |row: &PgRow| Ok((row.try_get(0)?, uint(row.try_get(1)?)?));
    rows.iter().map(read).collect()
}

pub(super) async fn attempts(pool: &PgPool, run: Uuid) -> Result<Vec<Attempt>, StoreError> {
    let rows = sqlx::query(
        "SELECT number, begun, ended, resumed, outcome, log FROM attempt WHERE run = $1 ORDER BY number",
    )
    .bind(run)
    .fetch_all(pool)
    .await?;
    let read = |row: &PgRow| {
        Ok(Attempt {
            number: count(row, 0)?,
            begun: row.try_get(1)?,
            ended: row.try_get(2)?,
            resumed: count(row, 3)?,
            outcome: row.try_get(4)?,
            log: of_json(row, 5)?,
        })
    };
    rows.iter().map(read).collect()
}

/// The next part of the runs that wait, and of those whose host is gone.
pub(super) async fn unfinished(
    pool: &PgPool,
    looked: &AtomicI64,
) -> Result<Vec<(Uuid, Millis)>, StoreError> {
    let sql = format!(
        "SELECT id, due, number FROM run
         WHERE state IN ('queued', 'running') AND number > $1
         AND (state = 'queued' OR NOT EXISTS (
             SELECT 1 FROM presence WHERE presence.holder = run.holder AND {THERE}))
         ORDER BY number LIMIT $2"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(looked.load(Ordering::Relaxed))
        .bind(LOOK)
        .fetch_all(pool)
        .await?;
    let full = int(rows.len()) == LOOK;
    let last = rows.last().filter(|_| full);
    let next = last.map(|row| row.try_get(2)).transpose()?.unwrap_or(0);
    looked.store(next, Ordering::Relaxed);
    let read = |row: &PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.iter().map(read).collect()
}
