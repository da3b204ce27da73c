//! What people do with runs.

use super::super::{Decision, Doubt, Millis, Run, State, StoreError};
use super::runs::{json, one};
use rusqlite::{Transaction, params};
use uuid::Uuid;

fn refused(run: &Run, done: &'static str, hint: &str) -> StoreError {
    StoreError::State {
        run: run.id,
        done,
        state: run.state,
        hint: hint.to_owned(),
    }
}

pub(super) fn cancel(
    db: &Transaction<'_>,
    id: Uuid,
    why: &str,
    now: Millis,
) -> Result<Run, StoreError> {
    let run = one(db, id)?;
    match run.state {
        // One that was interrupted may have booked something; the process that
        // takes it up ends what it has begun.
        State::Running | State::Queued if run.state == State::Running || run.interrupted => {
            db.execute(
                "UPDATE run SET cancel = ?2, due = min(due, ?3), due_set = ?3 WHERE id = ?1",
                params![id.to_string(), why, now],
            )?;
        }
        State::Queued => over(db, id, State::Cancelled, now)?,
        State::NeedsAPerson => {
            let hint = format!("; `koppel runs decide {id} stop` ends it");
            return Err(refused(&run, "cancelled", &hint));
        }
        State::Cancelled => {}
        _ => return Err(refused(&run, "cancelled", "")),
    }
    one(db, id)
}

fn over(db: &Transaction<'_>, id: Uuid, state: State, now: Millis) -> Result<(), StoreError> {
    let id = id.to_string();
    db.execute(
        "UPDATE attempt SET ended = ?2, outcome = ?3 WHERE run = ?1 AND ended IS NULL",
        params![id, now, state.name()],
    )?;
    db.execute("DELETE FROM step WHERE run = ?1", [&id])?;
    db.execute(
        "UPDATE run SET state = ?2, ended = ?3, interrupted = 0, cancel = NULL, holder = NULL, token = token + 1 WHERE id = ?1",
        params![id, state.name(), now],
    )?;
    Ok(())
}

/// Queues it for an attempt from the start, or for its open one to go on.
fn queue(db: &Transaction<'_>, id: Uuid, going_on: bool, now: Millis) -> Result<(), StoreError> {
    let text = id.to_string();
    if !going_on {
        db.execute(
            "UPDATE attempt SET ended = ?2, outcome = 'decided' WHERE run = ?1 AND ended IS NULL",
            params![text, now],
        )?;
        db.execute("DELETE FROM step WHERE run = ?1", [&text])?;
    }
    db.execute(
        "UPDATE run SET state = 'queued', due = ?2, due_set = ?2, ended = NULL, tries = 0, interrupted = ?3, cancel = NULL, holder = NULL, token = token + 1, direct = 0, doubts = '[]' WHERE id = ?1",
        params![text, now, going_on],
    )?;
    Ok(())
}

pub(super) fn retry(db: &Transaction<'_>, id: Uuid, now: Millis) -> Result<Run, StoreError> {
    let run = one(db, id)?;
    match run.state {
        State::Failed | State::Cancelled | State::Dead => queue(db, id, false, now)?,
        State::NeedsAPerson if run.doubts.is_empty() => queue(db, id, false, now)?,
        State::NeedsAPerson => {
            let hint = format!(
                "; say what became of the write in doubt: `koppel runs decide {id} happened|did-not-happen|stop`"
            );
            return Err(refused(&run, "retried", &hint));
        }
        _ => return Err(refused(&run, "retried", "")),
    }
    one(db, id)
}

pub(super) fn decide(
    db: &Transaction<'_>,
    id: Uuid,
    decision: &Decision,
    now: Millis,
) -> Result<(Run, Vec<Doubt>), StoreError> {
    let run = one(db, id)?;
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
    let of_step = |sql: &str, outcome: Option<&Vec<u8>>| -> Result<(), StoreError> {
        for doubt in &doubts {
            db.execute(sql, params![id.to_string(), doubt.seq, outcome])?;
        }
        Ok(())
    };
    match decision {
        Decision::Stop => over(db, id, State::Cancelled, now)?,
        Decision::DidNotHappen if run.interrupted => {
            of_step(
                "UPDATE step SET denied = 1, outcome = ?3 WHERE run = ?1 AND seq = ?2",
                None,
            )?;
            queue(db, id, true, now)?;
        }
        Decision::DidNotHappen => queue(db, id, false, now)?,
        Decision::Happened(Some(outcome)) if run.interrupted => {
            of_step(
                "UPDATE step SET outcome = ?3 WHERE run = ?1 AND seq = ?2",
                Some(outcome),
            )?;
            queue(db, id, true, now)?;
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
            db.execute(
                "UPDATE run SET happened = ?2 WHERE id = ?1",
                params![id.to_string(), json(&happened)?],
            )?;
            queue(db, id, false, now)?;
        }
    }
    Ok((one(db, id)?, doubts))
}
