//! Attempts: beginning, journalling and ending them.

use super::runs::{COLUMNS, count, json, locked, read};
use super::{employer_lock, int, lock, uint};
use crate::durable::rules::{Standing, seed};
use crate::durable::step::{RESEALED, opened, sealed};
use crate::durable::{
    Begin, Begun, End, Fence, Made, Millis, Run, Started, State, Step, StoreError,
};
use crate::encryption::{Key, Resealed, Vault};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{AssertSqlSafe, PgTransaction, Row};
use uuid::Uuid;

pub(super) async fn begin(
    db: &mut PgTransaction<'_>,
    begin: &Begin,
    vault: &Vault,
) -> Result<Begun, StoreError> {
    let run = locked(db, begin.run).await?;
    match run.state {
        State::Queued if !may_begin(db, &run, begin.concurrency).await? => Ok(Begun::NotYet),
        State::Queued | State::Running => {
            let started = start(db, run, begin, seed(), vault).await?;
            Ok(Begun::Started(Box::new(started)))
        }
        state => Ok(Begun::Over(state)),
    }
}

/// Whether it is the turn of a queued run. Nobody else can begin one of the
/// same employer, or of the same client if that is limited, until the
/// transaction ends.
async fn may_begin(
    db: &mut PgTransaction<'_>,
    run: &Run,
    concurrency: u32,
) -> Result<bool, StoreError> {
    lock(db, &employer_lock(run.employer)).await?;
    let blocked: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM run WHERE employer = $1 AND NOT direct AND number <> $2
         AND state IN ('queued', 'running') AND (state = 'running' OR number < $2))",
    )
    .bind(run.employer)
    .bind(int(run.number))
    .fetch_one(&mut **db)
    .await?;
    if blocked || concurrency == u32::MAX {
        return Ok(!blocked);
    }
    lock(db, &format!("client {}", run.client)).await?;
    let under_way: i64 =
        sqlx::query_scalar("SELECT count(*) FROM run WHERE client = $1 AND state = 'running'")
            .bind(&run.client)
            .fetch_one(&mut **db)
            .await?;
    Ok(under_way < i64::from(concurrency))
}

/// Begins an attempt, whose random numbers come from this, or goes on with it;
/// the run is locked, or new.
pub(super) async fn start(
    db: &mut PgTransaction<'_>,
    run: Run,
    begin: &Begin,
    seed: [u8; 32],
    vault: &Vault,
) -> Result<Started, StoreError> {
    let resumed = run.goes_on();
    let kept = if resumed {
        sqlx::query(
            "UPDATE attempt SET resumed = resumed + 1 WHERE run = $1 AND number = $2 RETURNING made, seed, resumed",
        )
        .bind(run.id)
        .bind(int32(run.attempts))
        .fetch_one(&mut **db)
        .await?
    } else {
        // Nothing of an earlier attempt is replayed in this one.
        sqlx::query("DELETE FROM step WHERE run = $1")
            .bind(run.id)
            .execute(&mut **db)
            .await?;
        sqlx::query(
            "INSERT INTO attempt (run, number, begun, made, seed) VALUES ($1, $2, $3, $4, $5) RETURNING made, seed, resumed",
        )
        .bind(run.id)
        .bind(int32(run.attempts + 1))
        .bind(begin.now)
        .bind(&begin.made.0)
        .bind(seed.to_vec())
        .fetch_one(&mut **db)
        .await?
    };
    let sql = format!(
        "UPDATE run SET state = 'running', holder = $2, token = token + 1, attempts = attempts + $3, tries = tries + $3, interrupted = false, error = NULL, doubts = '[]'
         WHERE id = $1 RETURNING {COLUMNS}, token"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(run.id)
        .bind(begin.holder)
        .bind(i32::from(!resumed))
        .fetch_one(&mut **db)
        .await?;
    let run = read(&row)?;
    let steps = if resumed {
        steps(db, run.id, vault).await?
    } else {
        Vec::new()
    };
    let seed: Vec<u8> = kept.try_get(1)?;
    Ok(Started {
        fence: Fence {
            run: run.id,
            attempt: run.attempts,
            token: uint(row.try_get(20)?)?,
        },
        run,
        made: Made(kept.try_get(0)?),
        seed: <[u8; 32]>::try_from(seed)
            .map_err(|_| StoreError::Broken("a seed has 32 bytes".to_owned()))?,
        steps,
        resumed,
        resumptions: count(&kept, 2)?,
    })
}

fn int32(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

async fn steps(
    db: &mut PgTransaction<'_>,
    run: Uuid,
    vault: &Vault,
) -> Result<Vec<Step>, StoreError> {
    let rows = sqlx::query(
        "SELECT seq, what, fingerprint, write, repeatable, exchange, readings, outcome, denied FROM step WHERE run = $1 ORDER BY seq",
    )
    .bind(run)
    .fetch_all(&mut **db)
    .await?;
    let read = |row: &PgRow| {
        let readings: &str = row.try_get(6)?;
        let seq = uint(row.try_get(0)?)?;
        Ok(Step {
            seq,
            what: row.try_get(1)?,
            fingerprint: row.try_get(2)?,
            write: row.try_get(3)?,
            repeatable: row.try_get(4)?,
            exchange: row.try_get(5)?,
            readings: serde_json::from_str(readings)?,
            outcome: opened(run, seq, row.try_get(7)?, vault)?,
            denied: row.try_get(8)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Writes steps in one statement, if the attempt is still that of whoever
/// writes: nobody can take it over until it is done.
pub(super) async fn record(
    pool: &PgPool,
    fence: Fence,
    steps: &[Step],
    vault: &Vault,
) -> Result<(), StoreError> {
    let (mut readings, mut outcomes) = (Vec::new(), Vec::new());
    for step in steps {
        readings.push(json(&step.readings)?);
        let outcome = step.outcome.as_deref();
        outcomes.push(sealed(fence.run, step.seq, outcome, vault)?);
    }
    let of = |f: fn(&Step) -> String| steps.iter().map(f).collect::<Vec<_>>();
    let held: bool = sqlx::query_scalar(
        "WITH held AS (
             SELECT 1 FROM run WHERE id = $1 AND token = $2 AND state = 'running' FOR SHARE
         ), written AS (
             INSERT INTO step (run, seq, what, fingerprint, write, repeatable, exchange, readings, outcome)
             SELECT $1, new.* FROM held, unnest($3::bigint[], $4::text[], $5::text[], $6::boolean[], $7::boolean[], $8::uuid[], $9::text[], $10::bytea[]) AS new
             ON CONFLICT (run, seq) DO UPDATE SET outcome = excluded.outcome, exchange = excluded.exchange, denied = false
         ) SELECT EXISTS (SELECT 1 FROM held)",
    )
    .bind(fence.run)
    .bind(int(fence.token))
    .bind(steps.iter().map(|step| int(step.seq)).collect::<Vec<_>>())
    .bind(of(|step| step.what.replace('\0', "\u{fffd}")))
    .bind(of(|step| step.fingerprint.clone()))
    .bind(steps.iter().map(|step| step.write).collect::<Vec<_>>())
    .bind(steps.iter().map(|step| step.repeatable).collect::<Vec<_>>())
    .bind(steps.iter().map(|step| step.exchange).collect::<Vec<_>>())
    .bind(readings)
    .bind(outcomes)
    .fetch_one(pool)
    .await?;
    if held {
        Ok(())
    } else {
        Err(StoreError::Fenced(fence.run))
    }
}

/// See [`crate::durable::RunStore::remove`].
pub(super) async fn remove(pool: &PgPool, runs: &[Uuid]) -> Result<u64, StoreError> {
    let removed: i64 = sqlx::query_scalar(
        "WITH gone AS (
             DELETE FROM run WHERE id = ANY($1) AND ended IS NOT NULL RETURNING id
         ), attempts AS (
             DELETE FROM attempt WHERE run IN (SELECT id FROM gone)
         ), steps AS (
             DELETE FROM step WHERE run IN (SELECT id FROM gone)
         ) SELECT count(*) FROM gone",
    )
    .bind(runs)
    .fetch_one(pool)
    .await?;
    uint(removed)
}

/// See [`crate::durable::RunStore::reseal`].
pub(super) async fn reseal(
    pool: &PgPool,
    key: &Key,
    vault: &Vault,
) -> Result<Resealed, StoreError> {
    let stale = sqlx::query(
        "SELECT run, seq, outcome FROM step WHERE substring(outcome FROM 1 FOR $1) <> $2 LIMIT $3",
    )
    .bind(i32::try_from(key.header().len()).unwrap_or(i32::MAX))
    .bind(key.header())
    .bind(i64::from(RESEALED))
    .fetch_all(pool)
    .await?;
    let mut resealed = Resealed::default();
    for row in &stale {
        let (run, seq) = (row.try_get(0)?, uint(row.try_get(1)?)?);
        let stored: Vec<u8> = row.try_get(2)?;
        resealed.add(&stored);
        let outcome = opened(run, seq, Some(stored.clone()), vault)?;
        // What the run wrote meanwhile stays.
        sqlx::query("UPDATE step SET outcome = $3 WHERE run = $1 AND seq = $2 AND outcome = $4")
            .bind(run)
            .bind(int(seq))
            .bind(sealed(run, seq, outcome.as_deref(), vault)?)
            .bind(stored)
            .execute(pool)
            .await?;
    }
    Ok(resealed)
}

/// Locks the run, if the attempt is still that of whoever writes.
async fn check(db: &mut PgTransaction<'_>, fence: Fence) -> Result<(), StoreError> {
    let current = sqlx::query(
        "SELECT 1 FROM run WHERE id = $1 AND token = $2 AND state = 'running' FOR UPDATE",
    )
    .bind(fence.run)
    .bind(int(fence.token))
    .fetch_optional(&mut **db)
    .await?;
    current.map(drop).ok_or(StoreError::Fenced(fence.run))
}

pub(super) async fn forget(
    db: &mut PgTransaction<'_>,
    fence: Fence,
    made: &Made,
) -> Result<(), StoreError> {
    check(db, fence).await?;
    sqlx::query("DELETE FROM step WHERE run = $1")
        .bind(fence.run)
        .execute(&mut **db)
        .await?;
    sqlx::query("UPDATE attempt SET made = $3 WHERE run = $1 AND number = $2")
        .bind(fence.run)
        .bind(int32(fence.attempt))
        .bind(&made.0)
        .execute(&mut **db)
        .await?;
    Ok(())
}

pub(super) async fn finish(
    db: &mut PgTransaction<'_>,
    fence: Fence,
    end: &End,
    now: Millis,
) -> Result<Run, StoreError> {
    check(db, fence).await?;
    let Standing { state, due, open } = end.standing();
    sqlx::query(
        "UPDATE attempt SET ended = $3, outcome = $4, log = $5 WHERE run = $1 AND number = $2",
    )
    .bind(fence.run)
    .bind(int32(fence.attempt))
    .bind((!open).then_some(now))
    .bind((!open).then_some(end.outcome()))
    .bind(json(&end.log)?)
    .execute(&mut **db)
    .await?;
    if !open {
        sqlx::query("DELETE FROM step WHERE run = $1")
            .bind(fence.run)
            .execute(&mut **db)
            .await?;
    }
    let over = state.is_over();
    let sql = format!(
        "UPDATE run SET state = $2, due = coalesce($3, due), ended = $4, interrupted = $5, output = $6, error = $7, doubts = $8,
         cancel = CASE WHEN $9 THEN NULL ELSE cancel END, holder = NULL WHERE id = $1 RETURNING {COLUMNS}"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(fence.run)
        .bind(state.name())
        .bind(due)
        .bind(over.then_some(now))
        .bind(open)
        .bind(end.output.as_deref())
        .bind(end.error.as_ref().map(json).transpose()?)
        .bind(json(&end.doubts)?)
        .bind(over)
        .fetch_one(&mut **db)
        .await?;
    read(&row)
}
