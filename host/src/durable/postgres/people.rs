//! What people do with runs.

use super::runs::{find, json, locked};
use crate::durable::rules::{Cancelling, Deciding};
use crate::durable::step::sealed;
use crate::durable::{Decision, Doubt, Millis, Run, State, StoreError};
use crate::encryption::Vault;
use sqlx::PgTransaction;
use uuid::Uuid;

async fn one(db: &mut PgTransaction<'_>, id: Uuid) -> Result<Run, StoreError> {
    find(&mut **db, id).await?.ok_or(StoreError::NoRun(id))
}

pub(super) async fn cancel(
    db: &mut PgTransaction<'_>,
    id: Uuid,
    why: &str,
    now: Millis,
) -> Result<Run, StoreError> {
    match locked(db, id).await?.cancelling()? {
        Cancelling::Asked => {
            sqlx::query("UPDATE run SET cancel = $2, due = least(due, $3) WHERE id = $1")
                .bind(id)
                .bind(why)
                .bind(now)
                .execute(&mut **db)
                .await?;
        }
        Cancelling::AtOnce => over(db, id, State::Cancelled, now).await?,
        Cancelling::Already => {}
    }
    one(db, id).await
}

async fn end_attempts(
    db: &mut PgTransaction<'_>,
    id: Uuid,
    outcome: &str,
    now: Millis,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE attempt SET ended = $2, outcome = $3 WHERE run = $1 AND ended IS NULL")
        .bind(id)
        .bind(now)
        .bind(outcome)
        .execute(&mut **db)
        .await?;
    sqlx::query("DELETE FROM step WHERE run = $1")
        .bind(id)
        .execute(&mut **db)
        .await?;
    Ok(())
}

async fn over(
    db: &mut PgTransaction<'_>,
    id: Uuid,
    state: State,
    now: Millis,
) -> Result<(), StoreError> {
    end_attempts(db, id, state.name(), now).await?;
    sqlx::query(
        "UPDATE run SET state = $2, ended = $3, interrupted = false, cancel = NULL, holder = NULL, token = token + 1 WHERE id = $1",
    )
    .bind(id)
    .bind(state.name())
    .bind(now)
    .execute(&mut **db)
    .await?;
    Ok(())
}

/// Queues it for an attempt from the start, or for its open one to go on.
async fn queue(
    db: &mut PgTransaction<'_>,
    id: Uuid,
    going_on: bool,
    now: Millis,
) -> Result<(), StoreError> {
    if !going_on {
        end_attempts(db, id, "decided", now).await?;
    }
    sqlx::query(
        "UPDATE run SET state = 'queued', due = $2, ended = NULL, tries = 0, interrupted = $3, cancel = NULL, holder = NULL, token = token + 1, direct = false, doubts = '[]' WHERE id = $1",
    )
    .bind(id)
    .bind(now)
    .bind(going_on)
    .execute(&mut **db)
    .await?;
    Ok(())
}

pub(super) async fn retry(
    db: &mut PgTransaction<'_>,
    id: Uuid,
    now: Millis,
) -> Result<Run, StoreError> {
    locked(db, id).await?.retrying()?;
    queue(db, id, false, now).await?;
    one(db, id).await
}

pub(super) async fn decide(
    db: &mut PgTransaction<'_>,
    id: Uuid,
    decision: &Decision,
    now: Millis,
    vault: &Vault,
) -> Result<(Run, Vec<Doubt>), StoreError> {
    let run = locked(db, id).await?;
    match run.deciding(decision)? {
        Deciding::Over => over(db, id, State::Cancelled, now).await?,
        Deciding::GoesOn(outcome) => {
            settle(db, id, &run.doubts, outcome, vault).await?;
            queue(db, id, true, now).await?;
        }
        Deciding::Anew(happened) => {
            sqlx::query("UPDATE run SET happened = $2 WHERE id = $1")
                .bind(id)
                .bind(json(&happened)?)
                .execute(&mut **db)
                .await?;
            queue(db, id, false, now).await?;
        }
    }
    Ok((one(db, id).await?, run.doubts))
}

/// Writes into the journal what a person knows of writes: the outcome, or that
/// they did not happen.
async fn settle(
    db: &mut PgTransaction<'_>,
    id: Uuid,
    doubts: &[Doubt],
    outcome: Option<&[u8]>,
    vault: &Vault,
) -> Result<(), StoreError> {
    for doubt in doubts {
        sqlx::query(
            "UPDATE step SET denied = denied OR $3, outcome = $4 WHERE run = $1 AND seq = $2",
        )
        .bind(id)
        .bind(super::int(doubt.seq))
        .bind(outcome.is_none())
        .bind(sealed(id, doubt.seq, outcome, vault)?)
        .execute(&mut **db)
        .await?;
    }
    Ok(())
}
