//! Attempts: beginning, journalling and ending them.

use super::super::rules::{Standing, seed};
use super::super::{
    Begin, Begun, Direct, End, Fence, Made, Millis, Run, Started, State, Step, StoreError,
};
use super::runs::{insert, json, one, uuid};
use crate::durable::step::{RESEALED, opened, sealed};
use crate::encryption::{Key, Resealed, Vault};
use rusqlite::{Row, Transaction, params};
use uuid::Uuid;

pub(super) fn begin(
    db: &Transaction<'_>,
    begin: &Begin,
    vault: &Vault,
) -> Result<Begun, StoreError> {
    let run = one(db, begin.run)?;
    match run.state {
        State::Queued if !may_begin(db, &run, begin.concurrency)? => Ok(Begun::NotYet),
        State::Queued | State::Running => {
            let started = start(db, run, begin, seed(), vault)?;
            Ok(Begun::Started(Box::new(started)))
        }
        state => Ok(Begun::Over(state)),
    }
}

/// Whether it is the turn of a queued run.
fn may_begin(db: &Transaction<'_>, run: &Run, concurrency: u32) -> Result<bool, StoreError> {
    let blocked: bool = db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM run WHERE employer = ?1 AND state = 'running' AND NOT direct AND number <> ?2)
             OR EXISTS (SELECT 1 FROM run WHERE employer = ?1 AND state = 'queued' AND NOT direct AND number < ?2)",
        )?
        .query_row(params![run.employer.to_string(), run.number], |row| {
            row.get(0)
        })?;
    if blocked {
        return Ok(false);
    }
    let under_way: u32 = db
        .prepare_cached("SELECT count(*) FROM run WHERE client = ?1 AND state = 'running'")?
        .query_row([&run.client], |row| row.get(0))?;
    Ok(under_way < concurrency)
}

pub(super) fn direct(
    db: &Transaction<'_>,
    direct: &Direct,
    vault: &Vault,
) -> Result<(), StoreError> {
    let run = insert(db, &direct.new, direct.begin.now)?;
    start(db, run, &direct.begin, direct.seed, vault)?;
    Ok(())
}

/// Keeps a run that is over, with its attempt.
pub(super) fn made(
    db: &Transaction<'_>,
    direct: &Direct,
    end: &End,
    now: Millis,
) -> Result<(), StoreError> {
    let Standing { state, .. } = end.standing();
    let Direct { new, begin, seed } = direct;
    let (run, request) = (new.id.to_string(), &new.request);
    db.prepare_cached(
        "INSERT INTO run (id, key, client, \"user\", employer, job, origin, direct, state, submitted, due, due_set, ended, attempts, tries, token, output, error, doubts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9, ?10, ?11, ?11, 1, 1, 1, ?12, ?13, ?14)",
    )?
    .execute(params![
        run,
        new.key,
        request.client,
        request.user,
        request.employer.to_string(),
        json(&request.job)?,
        json(&new.origin)?,
        state.name(),
        begin.now,
        new.due,
        now,
        end.output,
        end.error.as_ref().map(json).transpose()?,
        json(&end.doubts)?,
    ])?;
    db.prepare_cached(
        "INSERT INTO attempt (run, number, begun, ended, made, seed, outcome, log) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        run,
        begin.now,
        now,
        begin.made.0,
        seed,
        end.outcome(),
        json(&end.log)?,
    ])?;
    Ok(())
}

/// Begins an attempt, whose random numbers come from this, or goes on with one.
fn start(
    db: &Transaction<'_>,
    run: Run,
    begin: &Begin,
    seed: [u8; 32],
    vault: &Vault,
) -> Result<Started, StoreError> {
    let id = run.id.to_string();
    let resumed = run.goes_on();
    if resumed {
        db.prepare_cached(
            "UPDATE attempt SET resumed = resumed + 1 WHERE run = ?1 AND number = ?2",
        )?
        .execute(params![id, run.attempts])?;
    } else {
        db.prepare_cached(
            "INSERT INTO attempt (run, number, begun, made, seed) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![id, run.attempts + 1, begin.now, begin.made.0, seed])?;
        // Nothing of an earlier attempt is replayed in this one.
        db.prepare_cached("DELETE FROM step WHERE run = ?1")?
            .execute([&id])?;
    }
    let more = u32::from(!resumed);
    db.prepare_cached(
        "UPDATE run SET state = 'running', holder = ?2, token = token + 1, attempts = attempts + ?3, tries = tries + ?3, interrupted = 0, error = NULL, doubts = '[]' WHERE id = ?1",
    )?
    .execute(params![id, begin.holder.to_string(), more])?;
    let run = one(db, run.id)?;
    let (token, made, seed, resumptions) = db
        .prepare_cached(
            "SELECT token, made, seed, resumed FROM run JOIN attempt ON attempt.run = run.id AND attempt.number = run.attempts WHERE id = ?1",
        )?
        .query_row([&id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    let steps = if resumed {
        steps(db, run.id, vault)?
    } else {
        Vec::new()
    };
    Ok(Started {
        fence: Fence {
            run: run.id,
            attempt: run.attempts,
            token,
        },
        run,
        made: Made(made),
        seed,
        steps,
        resumed,
        resumptions,
    })
}

fn steps(db: &Transaction<'_>, run: Uuid, vault: &Vault) -> Result<Vec<Step>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT seq, what, fingerprint, write, repeatable, exchange, readings, outcome, denied FROM step WHERE run = ?1 ORDER BY seq",
    )?;
    let read = |row: &Row<'_>| {
        let exchange: Option<String> = row.get(5)?;
        let readings: String = row.get(6)?;
        Ok((
            Step {
                seq: row.get(0)?,
                what: row.get(1)?,
                fingerprint: row.get(2)?,
                write: row.get(3)?,
                repeatable: row.get(4)?,
                exchange: exchange.and_then(|text| Uuid::try_parse(&text).ok()),
                readings: Vec::new(),
                outcome: row.get(7)?,
                denied: row.get(8)?,
            },
            readings,
        ))
    };
    let mut steps = Vec::new();
    for row in select.query_map([run.to_string()], read)? {
        let (step, readings) = row?;
        steps.push(Step {
            readings: serde_json::from_str(&readings)?,
            outcome: opened(run, step.seq, step.outcome, vault)?,
            ..step
        });
    }
    Ok(steps)
}

/// That the attempt is still that of whoever writes.
fn check(db: &Transaction<'_>, fence: Fence) -> Result<(), StoreError> {
    let current: bool = db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM run WHERE id = ?1 AND token = ?2 AND state = 'running')",
        )?
        .query_row(params![fence.run.to_string(), fence.token], |row| {
            row.get(0)
        })?;
    if current {
        Ok(())
    } else {
        Err(StoreError::Fenced(fence.run))
    }
}

pub(super) fn record(
    db: &Transaction<'_>,
    fence: Fence,
    steps: &[Step],
    vault: &Vault,
) -> Result<(), StoreError> {
    check(db, fence)?;
    let mut upsert = db.prepare_cached(
        "INSERT INTO step (run, seq, what, fingerprint, write, repeatable, exchange, readings, outcome)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (run, seq) DO UPDATE SET outcome = excluded.outcome, exchange = excluded.exchange, denied = 0",
    )?;
    for step in steps {
        upsert.execute(params![
            fence.run.to_string(),
            step.seq,
            step.what,
            step.fingerprint,
            step.write,
            step.repeatable,
            step.exchange.map(|id| id.to_string()),
            json(&step.readings)?,
            sealed(fence.run, step.seq, step.outcome.as_deref(), vault)?,
        ])?;
    }
    Ok(())
}

/// See [`crate::durable::RunStore::remove`].
pub(super) fn remove(db: &Transaction<'_>, runs: &[Uuid]) -> Result<u64, StoreError> {
    let mut removed = 0;
    for run in runs {
        let run = run.to_string();
        let gone = db
            .prepare_cached("DELETE FROM run WHERE id = ?1 AND ended IS NOT NULL")?
            .execute([&run])?;
        if gone > 0 {
            for sql in [
                "DELETE FROM attempt WHERE run = ?1",
                "DELETE FROM step WHERE run = ?1",
            ] {
                db.prepare_cached(sql)?.execute([&run])?;
            }
            removed += 1;
        }
    }
    Ok(removed)
}

/// See [`crate::durable::RunStore::reseal`].
pub(super) fn reseal(
    db: &Transaction<'_>,
    key: &Key,
    vault: &Vault,
) -> Result<Resealed, StoreError> {
    let stale = db
        .prepare_cached(
            "SELECT run, seq, outcome FROM step WHERE outcome IS NOT NULL AND substr(outcome, 1, ?1) <> ?2 LIMIT ?3",
        )?
        .query_map(params![key.header().len(), key.header(), RESEALED], |row| {
            Ok((uuid(row, 0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<rusqlite::Result<Vec<(Uuid, u64, Option<Vec<u8>>)>>>()?;
    let mut resealed = Resealed::default();
    for (run, seq, stored) in stale {
        resealed.add(stored.as_deref().unwrap_or_default());
        let outcome = opened(run, seq, stored, vault)?;
        let sealed = sealed(run, seq, outcome.as_deref(), vault)?;
        db.prepare_cached("UPDATE step SET outcome = ?3 WHERE run = ?1 AND seq = ?2")?
            .execute(params![run.to_string(), seq, sealed])?;
    }
    Ok(resealed)
}

pub(super) fn forget(db: &Transaction<'_>, fence: Fence, made: &Made) -> Result<(), StoreError> {
    check(db, fence)?;
    let run = fence.run.to_string();
    db.execute("DELETE FROM step WHERE run = ?1", [&run])?;
    db.execute(
        "UPDATE attempt SET made = ?3 WHERE run = ?1 AND number = ?2",
        params![run, fence.attempt, made.0],
    )?;
    Ok(())
}

pub(super) fn finish(
    db: &Transaction<'_>,
    fence: Fence,
    end: &End,
    now: Millis,
) -> Result<Run, StoreError> {
    check(db, fence)?;
    let run = fence.run.to_string();
    let Standing { state, due, open } = end.standing();
    db.prepare_cached(
        "UPDATE attempt SET ended = ?3, outcome = ?4, log = ?5 WHERE run = ?1 AND number = ?2",
    )?
    .execute(params![
        run,
        fence.attempt,
        (!open).then_some(now),
        (!open).then_some(end.outcome()),
        json(&end.log)?,
    ])?;
    if !open {
        db.prepare_cached("DELETE FROM step WHERE run = ?1")?
            .execute([&run])?;
    }
    let ended = state.is_over().then_some(now);
    db.prepare_cached(
        "UPDATE run SET state = ?2, due = coalesce(?3, due), due_set = ?4, ended = ?5, interrupted = ?6, output = ?7, error = ?8, doubts = ?9,
         cancel = CASE WHEN ?5 IS NULL THEN cancel END, holder = CASE WHEN ?5 IS NULL THEN holder END WHERE id = ?1",
    )?
    .execute(params![
        run,
        state.name(),
        due,
        now,
        ended,
        open,
        end.output,
        end.error.as_ref().map(json).transpose()?,
        json(&end.doubts)?,
    ])?;
    one(db, fence.run)
}
