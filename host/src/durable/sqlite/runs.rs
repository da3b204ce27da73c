//! Runs as they are written and read.

use super::super::run::DAY;
use super::super::{
    Attempt, DayCount, Millis, NewRun, Origin, Run, RunFilter, State, StoreError, Submitted,
};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

const COLUMNS: &str = "number, id, key, client, \"user\", employer, job, origin, state, submitted, due, ended, attempts, tries, interrupted, cancel, output, error, doubts, happened";

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    Ok(serde_json::to_string(value)?)
}

fn of_json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into()))
}

fn maybe_json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<T>> {
    match row.get_ref(index)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => of_json(row, index).map(Some),
    }
}

pub(super) fn uuid(row: &Row<'_>, index: usize) -> rusqlite::Result<Uuid> {
    let text: String = row.get(index)?;
    Uuid::try_parse(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into()))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Run> {
    let state: String = row.get(8)?;
    Ok(Run {
        number: row.get(0)?,
        id: uuid(row, 1)?,
        key: row.get(2)?,
        client: row.get(3)?,
        user: row.get(4)?,
        employer: uuid(row, 5)?,
        job: of_json(row, 6)?,
        origin: of_json(row, 7)?,
        state: State::of_name(&state).ok_or(rusqlite::Error::InvalidQuery)?,
        submitted: row.get(9)?,
        due: row.get(10)?,
        ended: row.get(11)?,
        attempts: row.get(12)?,
        tries: row.get(13)?,
        interrupted: row.get(14)?,
        cancel: row.get(15)?,
        output: maybe_json(row, 16)?,
        error: maybe_json(row, 17)?,
        doubts: of_json(row, 18)?,
        happened: of_json(row, 19)?,
    })
}

pub(super) fn find(db: &Connection, id: Uuid) -> Result<Option<Run>, StoreError> {
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE id = ?1"))?
        .query_row([id.to_string()], read)
        .optional()?;
    Ok(found)
}

pub(super) fn one(db: &Connection, id: Uuid) -> Result<Run, StoreError> {
    find(db, id)?.ok_or(StoreError::NoRun(id))
}

pub(super) fn is_direct(db: &Connection, id: Uuid) -> Result<bool, StoreError> {
    Ok(db
        .prepare_cached("SELECT direct FROM run WHERE id = ?1")?
        .query_row([id.to_string()], |row| row.get(0))?)
}

pub(super) fn insert(db: &Transaction<'_>, new: &NewRun, now: Millis) -> Result<Run, StoreError> {
    let request = &new.request;
    db.prepare_cached(
        "INSERT INTO run (id, key, client, \"user\", employer, job, origin, direct, state, submitted, due, due_set)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued', ?9, ?10, ?9)",
    )?
    .execute(params![
        new.id.to_string(),
        new.key,
        request.client,
        request.user,
        request.employer.to_string(),
        json(&request.job)?,
        json(&new.origin)?,
        new.origin == Origin::Direct,
        now,
        new.due,
    ])?;
    one(db, new.id)
}

pub(super) fn submit(
    db: &Transaction<'_>,
    new: &NewRun,
    now: Millis,
) -> Result<Submitted, StoreError> {
    let request = &new.request;
    let known: Option<Run> = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM run WHERE client = ?1 AND employer = ?2 AND key = ?3"
        ))?
        .query_row(
            params![request.client, request.employer.to_string(), new.key],
            read,
        )
        .optional()?;
    match known {
        None => Ok(Submitted::New(insert(db, new, now)?)),
        Some(run) if run.user == request.user && run.job == request.job => {
            Ok(Submitted::Known(run))
        }
        Some(run) => Err(StoreError::KeyTaken {
            key: new.key.clone(),
            run: run.id,
        }),
    }
}

/// What a filter selects, for a statement with its parameters.
const SELECTED: &str = "(:all OR state IN (SELECT value FROM json_each(:states)))
         AND (:client IS NULL OR client = :client)
         AND (:employer IS NULL OR employer = :employer)
         AND (:among IS NULL OR employer IN (SELECT value FROM json_each(:among)))
         AND (:since IS NULL OR submitted >= :since)
         AND (:until IS NULL OR submitted < :until)
         AND (:before IS NULL OR number < :before)";

pub(super) fn list(db: &Connection, filter: &RunFilter) -> Result<Vec<Run>, StoreError> {
    // SQLite takes a negative limit for none.
    select(db, filter, filter.limit.map_or(-1, i64::from), 0)
}

/// A parameter with its name.
type Named = (&'static str, Box<dyn ToSql>);

/// What [`SELECTED`] takes.
fn selected(filter: &RunFilter) -> Result<Vec<Named>, StoreError> {
    let states: Vec<_> = filter.states.iter().map(|state| state.name()).collect();
    Ok(vec![
        (":all", Box::new(states.is_empty())),
        (":states", Box::new(json(&states)?)),
        (":client", Box::new(filter.client.clone())),
        (
            ":employer",
            Box::new(filter.employer.map(|id| id.to_string())),
        ),
        (
            ":among",
            Box::new(filter.among.as_ref().map(json).transpose()?),
        ),
        (":since", Box::new(filter.since)),
        (":until", Box::new(filter.until)),
        (":before", Box::new(filter.before)),
    ])
}

/// As parameters are given.
fn given(values: &[Named]) -> Vec<(&str, &dyn ToSql)> {
    let values = values.iter();
    values
        .map(|(name, value)| (*name, value.as_ref()))
        .collect()
}

fn select(
    db: &Connection,
    filter: &RunFilter,
    limit: i64,
    skip: u64,
) -> Result<Vec<Run>, StoreError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM run WHERE {SELECTED} ORDER BY number DESC LIMIT :limit OFFSET :skip"
    ))?;
    let mut values = selected(filter)?;
    values.push((":limit", Box::new(limit)));
    values.push((":skip", Box::new(i64::try_from(skip).unwrap_or(i64::MAX))));
    let rows = select.query_map(&given(&values)[..], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn page(
    db: &Connection,
    filter: &RunFilter,
    skip: u64,
    size: u32,
) -> Result<(Vec<Run>, u64), StoreError> {
    // One state of the file for both.
    let db = db.unchecked_transaction()?;
    let total = db
        .prepare_cached(&format!("SELECT count(*) FROM run WHERE {SELECTED}"))?
        .query_row(&given(&selected(filter)?)[..], |row| row.get(0))?;
    Ok((select(&db, filter, size.into(), skip)?, total))
}

pub(super) fn days(db: &Connection, filter: &RunFilter) -> Result<Vec<DayCount>, StoreError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT submitted / {DAY} AS day, state, count(*) FROM run WHERE {SELECTED}
         GROUP BY day, state ORDER BY day, state"
    ))?;
    let rows = select.query_map(&given(&selected(filter)?)[..], |row| {
        let state: String = row.get(1)?;
        Ok(DayCount {
            day: row.get(0)?,
            state: State::of_name(&state).ok_or(rusqlite::Error::InvalidQuery)?,
            count: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn counts(db: &Connection) -> Result<Vec<(State, u64)>, StoreError> {
    let mut select = db.prepare_cached("SELECT count(*) FROM run WHERE state = ?1")?;
    let mut count = |state: State| {
        let count = select.query_row([state.name()], |row| row.get(0))?;
        Ok((state, count))
    };
    State::COUNTED.into_iter().map(&mut count).collect()
}

pub(super) fn running(db: &Connection) -> Result<Vec<(String, u64)>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT client, count(*) FROM run WHERE state = 'running' GROUP BY client",
    )?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn attempts(db: &Connection, run: Uuid) -> Result<Vec<Attempt>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT number, begun, ended, resumed, outcome, log FROM attempt WHERE run = ?1 ORDER BY number",
    )?;
    let rows = select.query_map([run.to_string()], |row| {
        Ok(Attempt {
            number: row.get(0)?,
            begun: row.get(1)?,
            ended: row.get(2)?,
            resumed: row.get(3)?,
            outcome: row.get(4)?,
            log: of_json(row, 5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn unfinished(db: &Connection) -> Result<Vec<(Uuid, Millis)>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT id, due FROM run WHERE state IN ('queued', 'running') ORDER BY number",
    )?;
    let rows = select.query_map([], |row| Ok((uuid(row, 0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
