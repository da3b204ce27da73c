//! The way of a declaration from its message to the outside party.

use super::{
    CANCELLED, CONFIRMED, CREATED, FAILED, REQUESTED, SENT, Standing, conflict, message, now,
    number, sha256,
};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::platform::embedded::{Embedded, Failure};
use crate::platform::{Claim, DeclarationKind, Declarations, Frozen};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

#[async_trait]
impl Declarations for Embedded {
    async fn declaration_kind(&self, id: Uuid) -> Result<Option<DeclarationKind>, ActivityError> {
        self.ask(move |connection| {
            Ok(Standing::find(connection, &id.to_string())?.map(|standing| standing.kind))
        })
        .await
    }

    async fn store_message(
        &self,
        id: Uuid,
        reference: &str,
        message: &[u8],
    ) -> Result<String, ActivityError> {
        let (reference, message) = (reference.to_owned(), message.to_owned());
        self.ask(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let standing = Standing::of(&transaction, &id.to_string())?;
            let sha256 = sha256(&message);
            if standing.status == CREATED && standing.has(&transaction, &reference, &sha256)? {
                return Ok(sha256);
            }
            standing.awaits_message()?;
            let other: Option<String> = transaction
                .prepare_cached(
                    "SELECT id FROM declaration WHERE kind = ?1 AND message_reference = ?2 AND id <> ?3",
                )?
                .query_row(params![number(standing.kind), reference, standing.id], |row| row.get(0))
                .optional()?;
            if let Some(other) = other {
                return Err(conflict(format!(
                    "the message reference \"{reference}\" is that of {} {other} already; each message has one of its own",
                    standing.kind.noun()
                )));
            }
            transaction.execute(
                "UPDATE declaration SET status = ?2, message_reference = ?3, message = ?4, message_sha256 = ?5, message_time = ?6, failure = NULL WHERE id = ?1",
                params![standing.id, CREATED, reference, message, sha256, now()],
            )?;
            transaction.commit()?;
            Ok(sha256)
        })
        .await
    }

    async fn fail_declaration(&self, id: Uuid, why: &str) -> Result<(), ActivityError> {
        let why = why.to_owned();
        self.ask(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let standing = Standing::of(&transaction, &id.to_string())?;
            standing.awaits_message()?;
            transaction.execute(
                "UPDATE declaration SET status = ?2, failure = ?3 WHERE id = ?1",
                params![standing.id, FAILED, why],
            )?;
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn awaits_message(&self, id: Uuid) -> Result<(), ActivityError> {
        self.ask(move |connection| Standing::of(connection, &id.to_string())?.awaits_message())
            .await
    }

    async fn confirm_declaration(&self, id: Uuid, user: &str) -> Result<String, ActivityError> {
        let user = user.to_owned();
        self.ask(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let standing = Standing::of(&transaction, &id.to_string())?;
            standing.must_be(
                &[CREATED],
                "confirmed",
                "only one that is 3 (created) can",
            )?;
            let sha256 = sha256(&message(&transaction, standing.kind, &standing.id)?);
            transaction.execute(
                "UPDATE declaration SET status = ?2, approved_time = ?3, approved_user = ?4, approved_sha256 = ?5, message_sha256 = ?5 WHERE id = ?1",
                params![standing.id, CONFIRMED, now(), user, sha256],
            )?;
            transaction.commit()?;
            Ok(sha256)
        })
        .await
    }

    async fn cancel_declaration(&self, id: Uuid, user: &str) -> Result<(), ActivityError> {
        let user = user.to_owned();
        self.ask(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let standing = Standing::of(&transaction, &id.to_string())?;
            standing.must_be(
                &[REQUESTED, FAILED, CREATED, CONFIRMED],
                "cancelled",
                if standing.status == SENT {
                    "ask for a correction of it"
                } else {
                    "it is final"
                },
            )?;
            not_being_sent(&transaction, &standing, None)?;
            let left: bool = transaction
                .prepare_cached("SELECT has_left FROM declaration WHERE id = ?1")?
                .query_row([&standing.id], |row| row.get(0))?;
            if left {
                return Err(conflict(format!(
                    "{} cannot be cancelled: its message may have reached the outside party, whose reply was lost; submit it again to find out",
                    standing.name()
                )));
            }
            transaction.execute(
                "UPDATE declaration SET status = ?2, cancelled_time = ?3, cancelled_user = ?4 WHERE id = ?1",
                params![standing.id, CANCELLED, now(), user],
            )?;
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn claim_declaration(&self, id: Uuid, claim: Claim) -> Result<Frozen, ActivityError> {
        self.ask(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let standing = Standing::of(&transaction, &id.to_string())?;
            if standing.status == SENT {
                return Err(conflict(format!(
                    "{} was sent at {} already; a correction is a new one",
                    standing.name(),
                    standing.sent_time.as_deref().unwrap_or("an unknown time")
                )));
            }
            standing.must_be(
                &[CONFIRMED],
                "sent",
                if standing.status == CREATED {
                    "a person must confirm it first"
                } else {
                    "only one that a person confirmed can"
                },
            )?;
            not_being_sent(&transaction, &standing, Some(claim.run))?;
            let (frozen, confirmed) = transaction
                .prepare_cached("SELECT message_reference, message, approved_sha256, has_left FROM declaration WHERE id = ?1")?
                .query_row([&standing.id], |row| {
                    let message: Vec<u8> = row.get(1)?;
                    let sha256 = sha256(&message);
                    let frozen = Frozen {
                        reference: row.get(0)?,
                        message,
                        sha256,
                        left: row.get(3)?,
                    };
                    Ok((frozen, row.get::<_, String>(2)?))
                })?;
            if frozen.sha256 != confirmed {
                return Err(conflict(format!(
                    "the message of {} is not the one that was confirmed: it has SHA-256 {}, the confirmed one {confirmed}; it is not sent",
                    standing.name(),
                    frozen.sha256
                )));
            }
            // Until it is given back, nobody knows whether the message left.
            let until = jiff::Timestamp::now()
                .as_millisecond()
                .saturating_add_unsigned(claim.milliseconds);
            transaction.execute(
                "UPDATE declaration SET sending_run = ?2, sending_until = ?3, has_left = 1 WHERE id = ?1",
                params![standing.id, claim.run.to_string(), until],
            )?;
            transaction.commit()?;
            Ok(frozen)
        })
        .await
    }

    async fn release_declaration(
        &self,
        id: Uuid,
        run: Uuid,
        left: bool,
    ) -> Result<(), ActivityError> {
        self.ask(move |connection| {
            connection.execute(
                "UPDATE declaration SET sending_run = NULL, sending_until = NULL, has_left = ?3 WHERE id = ?1 AND sending_run = ?2",
                params![id.to_string(), run.to_string(), left],
            )?;
            Ok(())
        })
        .await
    }

    async fn mark_declaration_sent(
        &self,
        id: Uuid,
        run: Uuid,
        party_reference: &str,
    ) -> Result<(), ActivityError> {
        let party_reference = party_reference.to_owned();
        self.ask(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let standing = Standing::of(&transaction, &id.to_string())?;
            if standing.status == SENT && standing.is_known_as(&transaction, &party_reference)? {
                return Ok(());
            }
            standing.must_be(&[CONFIRMED], "marked as sent", "only a confirmed one can")?;
            let marked = transaction.execute(
                "UPDATE declaration SET status = ?3, sent_time = ?4, party_reference = ?5, has_left = 1, sending_run = NULL, sending_until = NULL WHERE id = ?1 AND sending_run = ?2",
                params![standing.id, run.to_string(), SENT, now(), party_reference],
            )?;
            if marked == 0 {
                return Err(conflict(format!(
                    "{} is being sent by another run",
                    standing.name()
                )));
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn response_count(&self, id: Uuid) -> Result<u64, ActivityError> {
        self.ask(move |connection| {
            let count = connection
                .prepare_cached("SELECT count(*) FROM declaration_response WHERE declaration = ?1")?
                .query_row([id.to_string()], |row| row.get(0))?;
            Ok(count)
        })
        .await
    }

    async fn response_file(&self, id: Uuid, reference: &str) -> Result<Vec<u8>, ActivityError> {
        let reference = reference.to_owned();
        self.ask(move |connection| {
            let file: Option<Vec<u8>> = connection
                .prepare_cached(
                    "SELECT file FROM declaration_response WHERE declaration = ?1 AND reference = ?2",
                )?
                .query_row(params![id.to_string(), reference], |row| row.get(0))
                .optional()?;
            file.ok_or_else(|| ActivityError::NotFound(reference).into())
        })
        .await
    }
}

impl Standing {
    /// Whether its message is the one with this reference and SHA-256.
    fn has(&self, db: &Connection, reference: &str, sha256: &str) -> Result<bool, Failure> {
        Ok(db
            .prepare_cached(
                "SELECT message_reference = ?2 AND message_sha256 = ?3 FROM declaration WHERE id = ?1",
            )?
            .query_row(params![self.id, reference, sha256], |row| {
                row.get::<_, Option<bool>>(0)
            })?
            .unwrap_or(false))
    }

    /// Whether the outside party calls it so.
    fn is_known_as(&self, db: &Connection, reference: &str) -> Result<bool, Failure> {
        Ok(db
            .prepare_cached("SELECT party_reference = ?2 FROM declaration WHERE id = ?1")?
            .query_row(params![self.id, reference], |row| {
                row.get::<_, Option<bool>>(0)
            })?
            .unwrap_or(false))
    }
}

/// That no other run than this one is sending a declaration at this moment.
fn not_being_sent(
    connection: &Connection,
    standing: &Standing,
    ours: Option<Uuid>,
) -> Result<(), Failure> {
    let sending: Option<String> = connection
        .prepare_cached("SELECT sending_run FROM declaration WHERE id = ?1 AND sending_until > ?2")?
        .query_row(
            params![standing.id, jiff::Timestamp::now().as_millisecond()],
            |row| row.get(0),
        )
        .optional()?;
    match sending {
        None => Ok(()),
        // It was interrupted, and goes on.
        Some(run) if ours.is_some_and(|ours| ours.to_string() == run) => Ok(()),
        Some(run) => Err(conflict(format!(
            "{} is being sent by run {run}",
            standing.name()
        ))),
    }
}
