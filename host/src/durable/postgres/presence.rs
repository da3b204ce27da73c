//! Which hosts are there: each says so again and again. A host that is cut off
//! does not, and what it held is given to others.

use crate::durable::StoreError;
use crate::shared::postgres::within;
use sqlx::postgres::PgPool;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// How often a host says that it is there.
const EVERY: Duration = Duration::from_secs(5);

/// The hosts that are there, as a condition on `presence`.
pub(super) const THERE: &str = "seen > now() - interval '60 seconds'";

/// That this host is there.
pub(super) struct Presence {
    holder: Uuid,
    _stop: DropGuard,
}

impl Presence {
    pub(super) async fn begin(pool: PgPool) -> Result<Self, StoreError> {
        let (holder, stop) = (Uuid::now_v7(), CancellationToken::new());
        within(here(&pool, holder)).await?;
        let stopped = stop.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    () = stopped.cancelled() => break,
                }
                if let Err(error) = within(here(&pool, holder)).await {
                    tracing::warn!(%error, "this host cannot say that it is there");
                }
            }
            // Whatever it still has is for others from here on.
            let _ = within(gone(&pool, holder)).await;
        });
        Ok(Self {
            holder,
            _stop: stop.drop_guard(),
        })
    }

    pub(super) fn holder(&self) -> Uuid {
        self.holder
    }
}

async fn here(pool: &PgPool, holder: Uuid) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO presence (holder, seen) VALUES ($1, now())
         ON CONFLICT (holder) DO UPDATE SET seen = now()",
    )
    .bind(holder)
    .execute(pool)
    .await?;
    sqlx::query("DELETE FROM presence WHERE seen < now() - interval '1 day'")
        .execute(pool)
        .await?;
    Ok(())
}

async fn gone(pool: &PgPool, holder: Uuid) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM place WHERE holder = $1",
        "DELETE FROM presence WHERE holder = $1",
    ] {
        sqlx::query(sql).bind(holder).execute(pool).await?;
    }
    Ok(())
}
