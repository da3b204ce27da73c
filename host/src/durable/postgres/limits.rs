//! What outside parties allow of all hosts together, and what schedules did.

use super::presence::THERE;
use super::{Postgres, lock, uint};
use crate::durable::{Millis, SharedLimits, StoreError};
use crate::shared::postgres::within;
use async_trait::async_trait;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Row};
use std::time::Duration;
use uuid::Uuid;

/// How many days of budgets are kept.
const DAYS: i64 = 31;

pub(super) async fn spend(
    pool: &PgPool,
    budget: &str,
    day: &str,
    most: u32,
) -> Result<bool, StoreError> {
    if most == 0 {
        return Ok(false);
    }
    let spent: Option<i64> = sqlx::query_scalar(
        "INSERT INTO budget (name, day, spent) VALUES ($1, $2, 1)
         ON CONFLICT (name, day) DO UPDATE SET spent = budget.spent + 1 WHERE budget.spent < $3
         RETURNING spent",
    )
    .bind(budget)
    .bind(day)
    .bind(i64::from(most))
    .fetch_optional(pool)
    .await?;
    if spent == Some(1) {
        sqlx::query(
            "DELETE FROM budget WHERE name = $1 AND day NOT IN
             (SELECT day FROM budget WHERE name = $1 ORDER BY day DESC LIMIT $2)",
        )
        .bind(budget)
        .bind(DAYS)
        .execute(pool)
        .await?;
    }
    Ok(spent.is_some())
}

pub(super) async fn ticked(pool: &PgPool, schedule: &str) -> Result<Option<Millis>, StoreError> {
    let row = sqlx::query("SELECT ticked FROM schedule WHERE name = $1")
        .bind(schedule)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) async fn tick(pool: &PgPool, schedule: &str, moment: Millis) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO schedule (name, ticked) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET ticked = $2",
    )
    .bind(schedule)
    .bind(moment)
    .execute(pool)
    .await?;
    Ok(())
}

fn budget_lock(budget: &str) -> String {
    format!("budget {budget}")
}

#[async_trait]
impl SharedLimits for Postgres {
    async fn minute(&self, budget: &str, most: u32) -> Result<Option<Duration>, StoreError> {
        within(async {
            let mut db = self.pool.begin().await?;
            lock(&mut db, &budget_lock(budget)).await?;
            // Not now(): that is when the transaction began, before its turn.
            sqlx::query(
                "DELETE FROM sent WHERE budget = $1 AND at <= clock_timestamp() - interval '60 seconds'",
            )
            .bind(budget)
            .execute(&mut *db)
            .await?;
            let leaves: Option<i64> = sqlx::query_scalar(
                "SELECT (extract(epoch FROM at + interval '60 seconds' - clock_timestamp()) * 1000)::bigint
                 FROM sent WHERE budget = $1 ORDER BY at DESC OFFSET $2 LIMIT 1",
            )
            .bind(budget)
            .bind(i64::from(most.saturating_sub(1)))
            .fetch_optional(&mut *db)
            .await?;
            if let Some(millis) = leaves {
                let millis: u64 = uint(millis.max(1))?;
                return Ok(Some(Duration::from_millis(millis)));
            }
            sqlx::query("INSERT INTO sent (budget, at) VALUES ($1, clock_timestamp())")
                .bind(budget)
                .execute(&mut *db)
                .await?;
            db.commit().await?;
            Ok(None)
        })
        .await
    }

    async fn enter(&self, budget: &str, most: u32) -> Result<Option<Uuid>, StoreError> {
        within(async {
            let mut db = self.pool.begin().await?;
            lock(&mut db, &budget_lock(budget)).await?;
            let sql = format!(
                "SELECT count(*) FROM place JOIN presence USING (holder) WHERE budget = $1 AND {THERE}"
            );
            let taken: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(budget)
                .fetch_one(&mut *db)
                .await?;
            if taken >= i64::from(most) {
                return Ok(None);
            }
            let id = Uuid::now_v7();
            sqlx::query("INSERT INTO place (id, budget, holder) VALUES ($1, $2, $3)")
                .bind(id)
                .bind(budget)
                .bind(self.holder())
                .execute(&mut *db)
                .await?;
            db.commit().await?;
            Ok(Some(id))
        })
        .await
    }

    async fn leave(&self, place: Uuid) -> Result<(), StoreError> {
        within(async {
            sqlx::query("DELETE FROM place WHERE id = $1")
                .bind(place)
                .execute(&self.pool)
                .await?;
            Ok(())
        })
        .await
    }
}
