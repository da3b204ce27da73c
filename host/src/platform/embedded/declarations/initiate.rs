//! Asking for a declaration.

use super::{REQUESTED, SENT, Standing, conflict, now, number};
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationRequest};
use crate::platform::DeclarationKind;
use crate::platform::embedded::Failure;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

/// Asks for a declaration and gives its id.
pub(super) fn initiate(
    connection: &mut Connection,
    kind: DeclarationKind,
    administration: &str,
    request: &DeclarationRequest,
    user: &str,
) -> Result<String, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (year, period, corrects) = match request {
        DeclarationRequest::Period(period) => {
            no_other(
                &transaction,
                kind,
                administration,
                period.year,
                period.period_number,
            )?;
            (period.year, period.period_number, None)
        }
        DeclarationRequest::CorrectionOf(id) => {
            let (year, period) = correctable(&transaction, kind, administration, id)?;
            (year, period, Some(id))
        }
    };
    let days: Option<(String, String)> = transaction
        .prepare_cached(
            // 9: Verloning goedgekeurd (approved).
            "SELECT period_start, period_end FROM payroll_run WHERE payroll_administration = ?1 AND year = ?2 AND period_number = ?3 AND status_key = 9 ORDER BY ord DESC LIMIT 1",
        )?
        .query_row(params![administration, year, period], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((start, end)) = days else {
        return Err(conflict(format!(
            "there is no approved payroll run of period {period} of {year}"
        )));
    };
    let id = Uuid::now_v7().to_string();
    transaction.execute(
        "INSERT INTO declaration (id, kind, payroll_administration, ord, year, period_number, period_start, period_end, corrects, status, requested_time, requested_user)
         SELECT ?1, ?2, ?3, 1 + ifnull(max(ord), 0), ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM declaration WHERE payroll_administration = ?3 AND kind = ?2",
        params![id, number(kind), administration, year, period, start, end, corrects, REQUESTED, now(), user],
    )?;
    transaction.commit()?;
    Ok(id)
}

/// That a period has no declaration yet that counts.
fn no_other(
    connection: &Connection,
    kind: DeclarationKind,
    administration: &str,
    year: u32,
    period: u32,
) -> Result<(), Failure> {
    let other: Option<String> = connection
        .prepare_cached(
            "SELECT id FROM declaration WHERE payroll_administration = ?1 AND kind = ?2 AND year = ?3 AND period_number = ?4 AND status NOT IN (4, 7) ORDER BY ord LIMIT 1",
        )?
        .query_row(params![administration, number(kind), year, period], |row| row.get(0))
        .optional()?;
    match other {
        None => Ok(()),
        Some(other) => {
            let other = Standing::of(connection, &other)?;
            let way = if other.status == SENT {
                "ask for a correction of it"
            } else {
                "cancel it first"
            };
            Err(conflict(format!(
                "period {period} of {year} has {} already, whose status is {}; {way}",
                other.name(),
                other.words()
            )))
        }
    }
}

/// The period of a declaration that can be corrected.
fn correctable(
    connection: &Connection,
    kind: DeclarationKind,
    administration: &str,
    id: &str,
) -> Result<(u32, u32), Failure> {
    let found: Option<(u32, u32)> = connection
        .prepare_cached(
            "SELECT year, period_number FROM declaration WHERE id = ?1 AND kind = ?2 AND payroll_administration = ?3",
        )?
        .query_row(params![id, number(kind), administration], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let period = found.ok_or_else(|| Failure::from(ActivityError::NotFound(id.to_owned())))?;
    Standing::of(connection, id)?.must_be(
        &[SENT],
        "corrected",
        "one that was not sent is cancelled and asked for again",
    )?;
    let other: Option<String> = connection
        .prepare_cached("SELECT id FROM declaration WHERE corrects = ?1 AND status NOT IN (4, 7)")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    match other {
        None => Ok(period),
        Some(other) => {
            let other = Standing::of(connection, &other)?;
            Err(conflict(format!(
                "{} {id} has a correction already: {}, whose status is {}",
                kind.noun(),
                other.name(),
                other.words()
            )))
        }
    }
}
