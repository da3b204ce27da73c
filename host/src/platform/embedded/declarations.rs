//! Declarations in SQLite: what is common to payroll tax returns and pension
//! declarations.

mod initiate;
mod payroll_tax_returns;
mod upa_pension_declarations;
mod way;

use super::Failure;
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationEvent, DeclarationStatus};
use crate::platform::DeclarationKind;
use crate::platform::declarations::{STATUSES, not_now};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use sha2::{Digest, Sha256};

const REQUESTED: usize = 1;
const FAILED: usize = 2;
const CREATED: usize = 3;
const CANCELLED: usize = 4;
const CONFIRMED: usize = 5;
const SENT: usize = 6;

/// The number of a kind in the database.
fn number(kind: DeclarationKind) -> i64 {
    match kind {
        DeclarationKind::PayrollTaxReturn => 1,
        DeclarationKind::UpaPensionDeclaration => 2,
    }
}

fn status(row: &Row<'_>, index: usize) -> rusqlite::Result<DeclarationStatus> {
    let key: usize = row.get(index)?;
    let found = key.checked_sub(1).and_then(|index| STATUSES.get(index));
    found
        .map(|(status, _)| *status)
        .ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(index, -1))
}

fn event(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<DeclarationEvent>> {
    let time: Option<String> = row.get(index)?;
    let user: Option<String> = row.get(index + 1)?;
    Ok(time.map(|time| DeclarationEvent {
        time,
        user: user.unwrap_or_default(),
    }))
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

fn conflict(text: String) -> Failure {
    ActivityError::Conflict(text).into()
}

/// Where a declaration stands.
struct Standing {
    id: String,
    kind: DeclarationKind,
    status: usize,
    sent_time: Option<String>,
}

impl Standing {
    fn find(connection: &Connection, id: &str) -> Result<Option<Self>, Failure> {
        let found = connection
            .prepare_cached("SELECT kind, status, sent_time FROM declaration WHERE id = ?1")?
            .query_row([id], |row| {
                Ok(Self {
                    id: id.to_owned(),
                    kind: match row.get(0)? {
                        1 => DeclarationKind::PayrollTaxReturn,
                        _ => DeclarationKind::UpaPensionDeclaration,
                    },
                    status: row.get(1)?,
                    sent_time: row.get(2)?,
                })
            })
            .optional()?;
        Ok(found)
    }

    fn of(connection: &Connection, id: &str) -> Result<Self, Failure> {
        Self::find(connection, id)?.ok_or_else(|| ActivityError::NotFound(id.to_owned()).into())
    }

    /// Its noun and id, such as `payroll tax return 01a2…`.
    fn name(&self) -> String {
        format!("{} {}", self.kind.noun(), self.id)
    }

    fn words(&self) -> String {
        let text = STATUSES.get(self.status.wrapping_sub(1));
        format!(
            "{} ({})",
            self.status,
            text.map_or("unknown", |(_, text)| text)
        )
    }

    /// That the status is one of these, or why it cannot be done.
    fn must_be(&self, allowed: &[usize], done: &str, needs: &str) -> Result<(), Failure> {
        if allowed.contains(&self.status) {
            return Ok(());
        }
        Err(not_now(self.kind, &self.id, self.status, done, needs).into())
    }

    fn awaits_message(&self) -> Result<(), Failure> {
        self.must_be(
            &[REQUESTED, FAILED],
            "given a message",
            "only one that is 1 (requested) or 2 (failed) can",
        )
    }
}

/// The message of a declaration.
fn message(connection: &Connection, kind: DeclarationKind, id: &str) -> Result<Vec<u8>, Failure> {
    let standing = Standing::of(connection, id)?;
    if standing.kind != kind {
        return Err(ActivityError::NotFound(id.to_owned()).into());
    }
    let message: Option<Vec<u8>> = connection
        .prepare_cached("SELECT message FROM declaration WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    message.ok_or_else(|| {
        conflict(format!(
            "{} has no message: its status is {}",
            standing.name(),
            standing.words()
        ))
    })
}

/// What of a response message is stored.
struct Response<'a> {
    reference: &'a str,
    time: &'a str,
    status: String,
    class: Option<u32>,
    description: &'a str,
    lines: String,
}

/// Stores a response message, unless there is one of this reference.
fn add_response(
    connection: &mut Connection,
    kind: DeclarationKind,
    id: &str,
    response: &Response<'_>,
    file: &[u8],
) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let standing = Standing::of(&transaction, id)?;
    if standing.kind != kind {
        return Err(ActivityError::NotFound(id.to_owned()).into());
    }
    standing.must_be(&[SENT], "given a response message", "it was not sent")?;
    transaction.execute(
        "INSERT INTO declaration_response (declaration, ord, reference, time, status, class, description, lines, file)
         SELECT ?1, 1 + ifnull(max(ord), 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM declaration_response WHERE declaration = ?1
         ON CONFLICT (declaration, reference) DO NOTHING",
        params![id, response.reference, response.time, response.status, response.class, response.description, response.lines, file],
    )?;
    transaction.commit()?;
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
