//! Daily budgets, and what schedules did.

use super::super::{Millis, StoreError};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// How many days of budgets are kept.
const DAYS: u32 = 31;

pub(super) fn spend(
    db: &Transaction<'_>,
    budget: &str,
    day: &str,
    most: u32,
) -> Result<bool, StoreError> {
    let spent: u32 = db
        .prepare_cached("SELECT spent FROM budget WHERE name = ?1 AND day = ?2")?
        .query_row(params![budget, day], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    if spent >= most {
        return Ok(false);
    }
    db.prepare_cached(
        "INSERT INTO budget (name, day, spent) VALUES (?1, ?2, 1)
         ON CONFLICT (name, day) DO UPDATE SET spent = spent + 1",
    )?
    .execute(params![budget, day])?;
    if spent == 0 {
        db.execute(
            "DELETE FROM budget WHERE name = ?1 AND day NOT IN
             (SELECT day FROM budget WHERE name = ?1 ORDER BY day DESC LIMIT ?2)",
            params![budget, DAYS],
        )?;
    }
    Ok(true)
}

pub(super) fn ticked(db: &Connection, schedule: &str) -> Result<Option<Millis>, StoreError> {
    Ok(db
        .prepare_cached("SELECT ticked FROM schedule WHERE name = ?1")?
        .query_row([schedule], |row| row.get(0))
        .optional()?)
}

pub(super) fn tick(db: &Transaction<'_>, schedule: &str, moment: Millis) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO schedule (name, ticked) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET ticked = ?2",
    )?
    .execute(params![schedule, moment])?;
    Ok(())
}
