//! What people do with runs.

use super::super::rules::{Cancelling, Deciding};
use super::super::{Decision, Doubt, Millis, Run, State, StoreError};
use super::runs::{json, one};
use crate::durable::step::sealed;
use crate::encryption::Vault;
use rusqlite::{Transaction, params};
use uuid::Uuid;

pub(super) fn cancel(
    db: &Transaction<'_>,
    id: Uuid,
    why: &str,
    now: Millis,
) -> Result<Run, StoreError> {
    match one(db, id)?.cancelling()? {
        Cancelling::Asked => {
            db.execute(
                "UPDATE run SET cancel = ?2, due = min(due, ?3), due_set = ?3 WHERE id = ?1",
                params![id.to_string(), why, now],
            )?;
        }
        Cancelling::AtOnce => over(db, id, State::Cancelled, now)?,
        Cancelling::Already => {}
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
    one(db, id)?.retrying()?;
    queue(db, id, false, now)?;
    one(db, id)
}

pub(super) fn decide(
    db: &Transaction<'_>,
    id: Uuid,
    decision: &Decision,
    now: Millis,
    vault: &Vault,
) -> Result<(Run, Vec<Doubt>), StoreError> {
    let run = one(db, id)?;
    match run.deciding(decision)? {
        Deciding::Over => over(db, id, State::Cancelled, now)?,
        Deciding::GoesOn(outcome) => {
            for doubt in &run.doubts {
                db.execute(
                    "UPDATE step SET denied = denied OR ?4, outcome = ?3 WHERE run = ?1 AND seq = ?2",
                    params![
                        id.to_string(),
                        doubt.seq,
                        sealed(id, doubt.seq, outcome, vault)?,
                        outcome.is_none()
                    ],
                )?;
            }
            queue(db, id, true, now)?;
        }
        Deciding::Anew(happened) => {
            db.execute(
                "UPDATE run SET happened = ?2 WHERE id = ?1",
                params![id.to_string(), json(&happened)?],
            )?;
            queue(db, id, false, now)?;
        }
    }
    Ok((one(db, id)?, run.doubts))
}
