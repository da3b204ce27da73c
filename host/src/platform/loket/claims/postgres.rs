//! The claims in PostgreSQL, of hosts on several machines.

use super::{method_key, status_key, unreadable};
use crate::bindings::koppel::loket::journal_runs::{ExportMethod, JournalRunStatus};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::durable::StoreError;
use crate::platform::{ChangedBy, ExportClaim, status_of_key};
use crate::shared::postgres::within;
use sqlx::Row;
use sqlx::postgres::{PgPool, PgRow};
use std::collections::HashSet;
use uuid::Uuid;

/// Does something with the database; what is wrong with it is for the operator.
pub(in crate::platform::loket) async fn ask<T>(
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, ActivityError> {
    within(work).await.map_err(|error| match error {
        StoreError::Unavailable(why) => {
            tracing::error!(why, "the claims cannot be read or written now");
            ActivityError::Unavailable(Some(1))
        }
        error => unreadable(error.to_string()),
    })
}

const FIND: &str =
    "SELECT run, client, \"user\", method, since, status FROM claim WHERE journal_run = $1";

fn read(row: &PgRow) -> Result<ExportClaim, StoreError> {
    let (method, status): (i16, i16) = (row.try_get(3)?, row.try_get(5)?);
    let status = usize::try_from(status).ok().and_then(status_of_key);
    Ok(ExportClaim {
        by: ChangedBy {
            run: row.try_get(0)?,
            client: row.try_get(1)?,
            user: row.try_get(2)?,
        },
        method: if method == i16::from(method_key(ExportMethod::Download)) {
            ExportMethod::Download
        } else {
            ExportMethod::Send
        },
        since: row.try_get(4)?,
        from: status.ok_or_else(|| StoreError::Broken("a claim has no status".to_owned()))?,
    })
}

fn status(status: JournalRunStatus) -> i16 {
    i16::try_from(status_key(status)).unwrap_or_default()
}

pub(super) async fn get(
    pool: &PgPool,
    journal_run: Uuid,
) -> Result<Option<ExportClaim>, ActivityError> {
    ask(async {
        let found = sqlx::query(FIND).bind(journal_run).fetch_optional(pool);
        found.await?.as_ref().map(read).transpose()
    })
    .await
}

pub(super) async fn all(pool: &PgPool) -> Result<HashSet<String>, ActivityError> {
    ask(async {
        let claimed: Vec<Uuid> = sqlx::query_scalar("SELECT journal_run FROM claim")
            .fetch_all(pool)
            .await?;
        Ok(claimed.iter().map(Uuid::to_string).collect())
    })
    .await
}

pub(super) async fn take(
    pool: &PgPool,
    journal_run: Uuid,
    claim: ExportClaim,
) -> Result<Option<ExportClaim>, ActivityError> {
    ask(async {
        // One that is given back between the two statements is tried for again.
        loop {
            let taken = sqlx::query(
                "INSERT INTO claim (journal_run, run, client, \"user\", method, since, status)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (journal_run) DO NOTHING",
            )
            .bind(journal_run)
            .bind(claim.by.run)
            .bind(&claim.by.client)
            .bind(&claim.by.user)
            .bind(i16::from(method_key(claim.method)))
            .bind(&claim.since)
            .bind(status(claim.from))
            .execute(pool)
            .await?;
            if taken.rows_affected() == 1 {
                return Ok(None);
            }
            let found = sqlx::query(FIND).bind(journal_run).fetch_optional(pool);
            if let Some(row) = found.await? {
                return Ok(Some(read(&row)?));
            }
        }
    })
    .await
}

pub(super) async fn came_from(
    pool: &PgPool,
    journal_run: Uuid,
    from: JournalRunStatus,
) -> Result<(), ActivityError> {
    ask(async {
        sqlx::query("UPDATE claim SET status = $2 WHERE journal_run = $1")
            .bind(journal_run)
            .bind(status(from))
            .execute(pool)
            .await?;
        Ok(())
    })
    .await
}

pub(super) async fn end(pool: &PgPool, journal_run: Uuid, run: Uuid) -> Result<(), ActivityError> {
    ask(async {
        sqlx::query("DELETE FROM claim WHERE journal_run = $1 AND run = $2")
            .bind(journal_run)
            .bind(run)
            .execute(pool)
            .await?;
        Ok(())
    })
    .await
}
