//! Which run of koppel sends which declaration of the platform, and which were
//! sent: in the file of the claims on journal runs, for the same reason.

mod postgres;

use crate::bindings::koppel::loket::types::ActivityError;
use crate::platform::Claim;
use crate::platform::loket::claims::Claims;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::collections::HashMap;
use uuid::Uuid;

/// The tables, for [`Claims`] to make.
pub(in crate::platform::loket) const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS declaration_claim (
    declaration TEXT PRIMARY KEY,
    -- Of the message that was confirmed, or that was first to be sent.
    sha256 TEXT NOT NULL,
    run TEXT,
    -- In milliseconds since 1970.
    until INTEGER,
    has_left INTEGER NOT NULL DEFAULT 0 CHECK (has_left IN (0, 1)),
    sent_time TEXT,
    party_reference TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS declaration_response (
    declaration TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (declaration, reference)
) STRICT, WITHOUT ROWID";

/// What koppel knows of the sending of a declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// The message that was confirmed.
    pub(super) sha256: String,
    /// The run that sends it at this moment.
    pub(super) run: Option<String>,
    /// Whether it may have reached the outside party.
    pub(super) left: bool,
    /// When it was sent.
    pub(super) sent_time: Option<String>,
}

fn find(connection: &Connection, declaration: Uuid) -> rusqlite::Result<Option<Held>> {
    let now = jiff::Timestamp::now().as_millisecond();
    connection
        .prepare_cached(
            "SELECT sha256, CASE WHEN until > ?2 THEN run END, has_left, sent_time FROM declaration_claim WHERE declaration = ?1",
        )?
        .query_row(params![declaration.to_string(), now], |row| {
            Ok(Held {
                sha256: row.get(0)?,
                run: row.get(1)?,
                left: row.get(2)?,
                sent_time: row.get(3)?,
            })
        })
        .optional()
}

impl Claims {
    /// What is known of the sending of a declaration.
    pub(super) async fn held(&self, declaration: Uuid) -> Result<Option<Held>, ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::held(pool, declaration).await;
        }
        self.with(move |connection| find(connection, declaration))
            .await
    }

    /// When the declarations were sent that koppel sent.
    pub(super) async fn sent(&self) -> Result<HashMap<String, String>, ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::sent(pool).await;
        }
        self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT declaration, sent_time FROM declaration_claim WHERE sent_time IS NOT NULL",
            )?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .await
    }

    /// Notes which message was confirmed through koppel, unless one was claimed
    /// already.
    pub(super) async fn confirmed(
        &self,
        declaration: Uuid,
        sha256: String,
    ) -> Result<(), ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::confirmed(pool, declaration, &sha256).await;
        }
        self.with(move |connection| {
            connection.execute(
                "INSERT INTO declaration_claim (declaration, sha256) VALUES (?1, ?2)
                 ON CONFLICT (declaration) DO UPDATE SET sha256 = ?2 WHERE has_left = 0 AND sent_time IS NULL",
                params![declaration.to_string(), sha256],
            )
        })
        .await
        .map(|_| ())
    }

    /// Claims a declaration for sending this message, unless it was sent, is
    /// being sent, or has another message. Gives what was known before; it is
    /// claimed if that allowed it.
    pub(super) async fn claim(
        &self,
        declaration: Uuid,
        sha256: String,
        claim: Claim,
    ) -> Result<Held, ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::claim(pool, declaration, &sha256, &claim).await;
        }
        self.with(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let held = find(&transaction, declaration)?.unwrap_or_else(|| Held {
                sha256: sha256.clone(),
                ..Held::default()
            });
            if held.sent_time.is_none() && held.run.is_none() && held.sha256 == sha256 {
                let until = jiff::Timestamp::now()
                    .as_millisecond()
                    .saturating_add_unsigned(claim.milliseconds);
                // Until it is given back, nobody knows whether the message left.
                transaction.execute(
                    "INSERT INTO declaration_claim (declaration, sha256, run, until, has_left) VALUES (?1, ?2, ?3, ?4, 1)
                     ON CONFLICT (declaration) DO UPDATE SET run = ?3, until = ?4, has_left = 1",
                    params![declaration.to_string(), sha256, claim.run.to_string(), until],
                )?;
                transaction.commit()?;
            }
            Ok(held)
        })
        .await
    }

    /// Gives the claim of a run back, if it still has it.
    pub(super) async fn release(
        &self,
        declaration: Uuid,
        run: Uuid,
        left: bool,
    ) -> Result<(), ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::release(pool, declaration, run, left).await;
        }
        self.with(move |connection| {
            connection.execute(
                "UPDATE declaration_claim SET run = NULL, until = NULL, has_left = ?3 WHERE declaration = ?1 AND run = ?2",
                params![declaration.to_string(), run.to_string(), left],
            )
        })
        .await
        .map(|_| ())
    }

    /// Notes that a run sent a declaration that it claimed; whether it had.
    pub(super) async fn mark_sent(
        &self,
        declaration: Uuid,
        run: Uuid,
        party_reference: String,
    ) -> Result<bool, ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::mark_sent(pool, declaration, run, &party_reference).await;
        }
        let now = jiff::Timestamp::now().to_string();
        self.with(move |connection| {
            connection.execute(
                "UPDATE declaration_claim SET run = NULL, until = NULL, sent_time = ?3, party_reference = ?4 WHERE declaration = ?1 AND run = ?2",
                params![declaration.to_string(), run.to_string(), now, party_reference],
            )
        })
        .await
        .map(|changed| changed == 1)
    }

    /// Whether the platform was given this response message.
    pub(super) async fn has_response(
        &self,
        declaration: Uuid,
        reference: String,
    ) -> Result<bool, ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::has_response(pool, declaration, &reference).await;
        }
        self.with(move |connection| {
            connection
                .prepare_cached(
                    "SELECT 1 FROM declaration_response WHERE declaration = ?1 AND reference = ?2",
                )?
                .exists(params![declaration.to_string(), reference])
        })
        .await
    }

    /// Notes that the platform was given a response message.
    pub(super) async fn responded(
        &self,
        declaration: Uuid,
        reference: String,
    ) -> Result<(), ActivityError> {
        if let Some(pool) = self.pool() {
            return postgres::responded(pool, declaration, &reference).await;
        }
        self.with(move |connection| {
            connection.execute(
                "INSERT OR IGNORE INTO declaration_response (declaration, reference) VALUES (?1, ?2)",
                params![declaration.to_string(), reference],
            )
        })
        .await
        .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::loket::claims::tests::{Pair, pairs};

    const HOUR: u64 = 3_600_000;

    fn claim(run: u128, milliseconds: u64) -> Claim {
        Claim {
            run: Uuid::from_u128(run),
            milliseconds,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_of_two_processes_sends_a_declaration_and_what_was_sent_stays_sent() {
        for Pair { first, second, .. } in pairs().await {
            one_sends_it(&first, &second).await;
        }
    }

    async fn one_sends_it(first: &Claims, second: &Claims) {
        let (id, sha256) = (Uuid::from_u128(7), || "aa".to_owned());
        let free = Held {
            sha256: sha256(),
            ..Held::default()
        };
        let got = first.claim(id, sha256(), claim(1, HOUR)).await;
        assert_eq!(got, Ok(free.clone()));
        let taken = second.claim(id, sha256(), claim(2, HOUR)).await.unwrap();
        assert_eq!(taken.run, Some(Uuid::from_u128(1).to_string()));
        // Another run does not end it.
        second.release(id, Uuid::from_u128(2), false).await.unwrap();
        assert!(first.held(id).await.unwrap().unwrap().run.is_some());
        first.release(id, Uuid::from_u128(1), false).await.unwrap();
        assert_eq!(second.claim(id, sha256(), claim(2, HOUR)).await, Ok(free));
        let marked = second.mark_sent(id, Uuid::from_u128(2), "party-1".to_owned());
        assert_eq!(marked.await, Ok(true));
        let sent = first.claim(id, sha256(), claim(3, HOUR)).await.unwrap();
        assert!(sent.sent_time.is_some(), "{sent:?}");
        let marked = first.mark_sent(id, Uuid::from_u128(3), "party-2".to_owned());
        assert_eq!(marked.await, Ok(false));
        assert_eq!(
            first.sent().await.unwrap()[&id.to_string()],
            sent.sent_time.unwrap()
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_run_that_vanished_holds_no_claim_but_its_message_may_have_left() {
        for Pair { first, .. } in pairs().await {
            nothing_holds_it(&first).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_many_that_want_to_send_a_declaration_at_once_one_may() {
        for Pair { first, second, .. } in pairs().await {
            let id = Uuid::from_u128(9);
            let asked = (1..=16).map(|run| {
                let claims = if run % 2 == 0 { &first } else { &second };
                claims.claim(id, "aa".to_owned(), claim(run, HOUR))
            });
            let held = futures_util::future::join_all(asked).await;
            let free = held.iter().flatten().filter(|held| held.run.is_none());
            assert_eq!(free.count(), 1, "{held:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_response_message_that_one_process_passed_on_is_known_to_the_other() {
        for Pair { first, second, .. } in pairs().await {
            let id = Uuid::from_u128(7);
            let known = || second.has_response(id, "r-1".to_owned());
            assert_eq!(known().await, Ok(false));
            first.responded(id, "r-1".to_owned()).await.unwrap();
            second.responded(id, "r-1".to_owned()).await.unwrap();
            assert_eq!(known().await, Ok(true));
        }
    }

    async fn nothing_holds_it(claims: &Claims) {
        let (id, sha256) = (Uuid::from_u128(7), || "aa".to_owned());
        claims.claim(id, sha256(), claim(1, 0)).await.unwrap();
        let held = claims.claim(id, sha256(), claim(2, HOUR)).await.unwrap();
        assert_eq!((held.run, held.left), (None, true));
        // What may have left is not exchanged for another message.
        claims.release(id, Uuid::from_u128(2), true).await.unwrap();
        claims.confirmed(id, "bb".to_owned()).await.unwrap();
        assert_eq!(claims.held(id).await.unwrap().unwrap().sha256, "aa");
        let other = claims.claim(id, "bb".to_owned(), claim(3, HOUR)).await;
        assert_eq!(other.unwrap().sha256, "aa");
        assert_eq!(claims.held(id).await.unwrap().unwrap().run, None);
    }
}
