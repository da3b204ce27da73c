//! The claims on declarations in PostgreSQL, of hosts on several machines.

use super::Held;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::durable::StoreError;
use crate::platform::Claim;
use crate::platform::loket::claims::postgres::ask;
use sqlx::Row;
use sqlx::postgres::{PgPool, PgRow};
use std::collections::HashMap;
use uuid::Uuid;

fn read(row: &PgRow) -> Result<Held, StoreError> {
    let run: Option<Uuid> = row.try_get(1)?;
    Ok(Held {
        sha256: row.try_get(0)?,
        run: run.map(|run| run.to_string()),
        left: row.try_get(2)?,
        sent_time: row.try_get(3)?,
    })
}

const FIND: &str = "SELECT sha256, CASE WHEN until > clock_timestamp() THEN run END, has_left, sent_time FROM declaration_claim WHERE declaration = $1";

pub(super) async fn held(pool: &PgPool, declaration: Uuid) -> Result<Option<Held>, ActivityError> {
    ask(async {
        let found = sqlx::query(FIND).bind(declaration).fetch_optional(pool);
        found.await?.as_ref().map(read).transpose()
    })
    .await
}

pub(super) async fn sent(pool: &PgPool) -> Result<HashMap<String, String>, ActivityError> {
    ask(async {
        let rows: Vec<(Uuid, String)> = sqlx::query_as(
            "SELECT declaration, sent_time FROM declaration_claim WHERE sent_time IS NOT NULL",
        )
        .fetch_all(pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(declaration, time)| (declaration.to_string(), time))
            .collect())
    })
    .await
}

pub(super) async fn confirmed(
    pool: &PgPool,
    declaration: Uuid,
    sha256: &str,
) -> Result<(), ActivityError> {
    ask(async {
        sqlx::query(
            "INSERT INTO declaration_claim (declaration, sha256) VALUES ($1, $2)
             ON CONFLICT (declaration) DO UPDATE SET sha256 = $2
             WHERE NOT declaration_claim.has_left AND declaration_claim.sent_time IS NULL",
        )
        .bind(declaration)
        .bind(sha256)
        .execute(pool)
        .await?;
        Ok(())
    })
    .await
}

pub(super) async fn claim(
    pool: &PgPool,
    declaration: Uuid,
    sha256: &str,
    claim: &Claim,
) -> Result<Held, ActivityError> {
    ask(async {
        let mut db = pool.begin().await?;
        // A row to lock, also when there was none.
        let added = sqlx::query(
            "INSERT INTO declaration_claim (declaration, sha256) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(declaration)
        .bind(sha256)
        .execute(&mut *db)
        .await?;
        sqlx::query("SELECT 1 FROM declaration_claim WHERE declaration = $1 FOR UPDATE")
            .bind(declaration)
            .execute(&mut *db)
            .await?;
        let found = sqlx::query(FIND).bind(declaration).fetch_one(&mut *db).await?;
        let held = read(&found)?;
        if held.sent_time.is_none() && held.run.is_none() && held.sha256 == sha256 {
            // Until it is given back, nobody knows whether the message left.
            sqlx::query(
                "UPDATE declaration_claim SET run = $2, has_left = true,
                 until = clock_timestamp() + $3 * interval '1 millisecond' WHERE declaration = $1",
            )
            .bind(declaration)
            .bind(claim.run)
            .bind(claim.milliseconds as f64)
            .execute(&mut *db)
            .await?;
            db.commit().await?;
        } else if added.rows_affected() == 1 {
            db.rollback().await?;
        }
        Ok(held)
    })
    .await
}

pub(super) async fn release(
    pool: &PgPool,
    declaration: Uuid,
    run: Uuid,
    left: bool,
) -> Result<(), ActivityError> {
    ask(async {
        sqlx::query(
            "UPDATE declaration_claim SET run = NULL, until = NULL, has_left = $3 WHERE declaration = $1 AND run = $2",
        )
        .bind(declaration)
        .bind(run)
        .bind(left)
        .execute(pool)
        .await?;
        Ok(())
    })
    .await
}

pub(super) async fn mark_sent(
    pool: &PgPool,
    declaration: Uuid,
    run: Uuid,
    party_reference: &str,
) -> Result<bool, ActivityError> {
    ask(async {
        let sent = sqlx::query(
            "UPDATE declaration_claim SET run = NULL, until = NULL, sent_time = $3, party_reference = $4 WHERE declaration = $1 AND run = $2",
        )
        .bind(declaration)
        .bind(run)
        .bind(jiff::Timestamp::now().to_string())
        .bind(party_reference)
        .execute(pool)
        .await?;
        Ok(sent.rows_affected() == 1)
    })
    .await
}

pub(super) async fn has_response(
    pool: &PgPool,
    declaration: Uuid,
    reference: &str,
) -> Result<bool, ActivityError> {
    ask(async {
        let known = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM declaration_response WHERE declaration = $1 AND reference = $2)",
        )
        .bind(declaration)
        .bind(reference)
        .fetch_one(pool)
        .await?;
        Ok(known)
    })
    .await
}

pub(super) async fn responded(
    pool: &PgPool,
    declaration: Uuid,
    reference: &str,
) -> Result<(), ActivityError> {
    ask(async {
        sqlx::query(
            "INSERT INTO declaration_response (declaration, reference) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(declaration)
        .bind(reference)
        .execute(pool)
        .await?;
        Ok(())
    })
    .await
}
