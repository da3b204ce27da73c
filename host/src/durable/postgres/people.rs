//! What people do with runs.

use super::runs::{find, json, locked};
use crate::durable::{Decision, Doubt, Millis, Run, State, StoreError};
use sqlx::PgTransaction;
use uuid::Uuid;

fn refused(run: &Run, done: &'static str, hint: &str) -> StoreError {
    StoreError::State {
        run: run.id,
        done,
        state: run.state,
        hint: hint.to_owned(),
    }
}

async fn one(db: &mut PgTransaction<'_>, id: Uuid) -> Result<Run, StoreError> {
    find(&mut **db, id).await?.ok_or(StoreError::NoRun(id))
}

pub(super) async fn cancel(
    db: &mut PgTransaction<'_>,
    id: Uuid,
    why: &str,
    now: Millis,
) -> Result<Run, StoreError> {
    let run = locked(db, id).await?;
    match run.state {
        // One that was interrupted may have booked something; the host that
        // takes it up ends what it has begun.
        State::Running | State::Queued if run.state == State::Running || run.interrupted => {
            sqlx::query("UPDATE run SET cancel = $2, due = least(due, $3) WHERE id = $1")
                .bind(id)
                .bind(why)
                .bind(now)
                .execute(&mut **db)
                .await?;
        }
        State::Queued => over(db, id, State::Cancelled, now).await?,
        State::NeedsAPerson => {
            let hint = format!("; `koppel runs decide {id} stop` ends it");
            return Err(refused(&run, "cancelled", &hint));
        }
        State::Cancelled => {}
        _ => return Err(refused(&run, "cancelled", "")),
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
    let run = locked(db, id).await?;
    match run.state {
        State::Failed | State::Cancelled | State::Dead => queue(db, id, false, now).await?,
        State::NeedsAPerson if run.doubts.is_empty() => queue(db, id, false, now).await?,
        State::NeedsAPerson => {
            let hint = format!(
                "; say what became of the write in doubt: `koppel runs decide {id} happened|did-not-happen|stop`"
            );
            return Err(refused(&run, "retried", &hint));
        }
        _ => return Err(refused(&run, "retried", "")),
    }
    one(db, id).await
}

pub(super) async fn decide(
    db: &mut PgTransaction<'_>,
    id: Uuid,
    decision: &Decision,
    now: Millis,
) -> Result<(Run, Vec<Doubt>), StoreError> {
    let run = locked(db, id).await?;
    if run.state != State::NeedsAPerson {
        return Err(refused(&run, "decided", ""));
    }
    let doubts = run.doubts.clone();
    if doubts.is_empty() && *decision != Decision::Stop {
        let hint = format!(
            ", and no write is in doubt; `koppel runs retry {id}` begins anew, `koppel runs decide {id} stop` ends it"
        );
        return Err(refused(&run, "decided", &hint));
    }
    match decision {
        Decision::Stop => over(db, id, State::Cancelled, now).await?,
        Decision::DidNotHappen if run.interrupted => {
            settle(db, id, &doubts, None).await?;
            queue(db, id, true, now).await?;
        }
        Decision::DidNotHappen => queue(db, id, false, now).await?,
        Decision::Happened(Some(outcome)) if run.interrupted => {
            settle(db, id, &doubts, Some(outcome)).await?;
            queue(db, id, true, now).await?;
        }
        Decision::Happened(Some(_)) => {
            return Err(refused(
                &run,
                "given a reply",
                ", and its connector has ended; decide without one",
            ));
        }
        Decision::Happened(None) => {
            let mut happened = run.happened.clone();
            happened.extend(doubts.iter().map(|doubt| doubt.what.clone()));
            sqlx::query("UPDATE run SET happened = $2 WHERE id = $1")
                .bind(id)
                .bind(json(&happened)?)
                .execute(&mut **db)
                .await?;
            queue(db, id, false, now).await?;
        }
    }
    Ok((one(db, id).await?, doubts))
}

/// Writes into the journal what a person knows of writes: the outcome, or that
/// they did not happen.
async fn settle(
    db: &mut PgTransaction<'_>,
    id: Uuid,
    doubts: &[Doubt],
    outcome: Option<&Vec<u8>>,
) -> Result<(), StoreError> {
    for doubt in doubts {
        sqlx::query(
            "UPDATE step SET denied = denied OR $3, outcome = $4 WHERE run = $1 AND seq = $2",
        )
        .bind(id)
        .bind(super::int(doubt.seq))
        .bind(outcome.is_none())
        .bind(outcome)
        .execute(&mut **db)
        .await?;
    }
    Ok(())
}
