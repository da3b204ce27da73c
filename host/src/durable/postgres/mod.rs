//! Runs in PostgreSQL, for hosts on several machines.
//!
//! What SQLite serializes by its one writer takes locks here: a run is locked
//! while it is changed, and so is its employer while a run of it is submitted
//! or begun. Who is alive is told by the clock of the database, which all hosts
//! see alike.

mod attempts;
mod limits;
mod people;
mod presence;
mod runs;

use super::{
    Attempt, Begin, Begun, DayCount, Decision, Direct, Doubt, End, Fence, Made, Millis, NewRun,
    Run, RunFilter, RunStore, SharedLimits, Step, StoreError, Submitted,
};
use crate::encryption::{Resealed, Vault};
use crate::shared::postgres::within;
use async_trait::async_trait;
use presence::Presence;
use sqlx::postgres::PgPool;
use sqlx::{PgTransaction, Row};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use uuid::Uuid;

/// Runs in PostgreSQL, as one host sees them. Cloning gives another handle.
#[derive(Clone)]
pub struct Postgres {
    pool: PgPool,
    vault: Vault,
    presence: Arc<Presence>,
    /// The number of the last run that was looked at for whether the queue lost
    /// it.
    looked: Arc<AtomicI64>,
}

impl Postgres {
    /// The runs in a database, for a host that tells the others from now on
    /// that it is there.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn new(pool: PgPool) -> Result<Self, StoreError> {
        Ok(Self {
            presence: Arc::new(Presence::begin(pool.clone()).await?),
            pool,
            vault: Vault::default(),
            looked: Arc::default(),
        })
    }

    /// With the keys of what is stored.
    pub(crate) fn encrypted(self, vault: Vault) -> Self {
        Self { vault, ..self }
    }

    /// What runs of this host are held by.
    pub fn holder(&self) -> Uuid {
        self.presence.holder()
    }

    /// What only informs need not be on disk before the host goes on.
    async fn begin_lightly(&self, light: bool) -> Result<PgTransaction<'static>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if light {
            sqlx::query("SET LOCAL synchronous_commit = off")
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction)
    }
}

/// Takes turns for what has this name, until the transaction ends.
async fn lock(db: &mut PgTransaction<'_>, name: &str) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(name)
        .execute(&mut **db)
        .await?;
    Ok(())
}

fn employer_lock(employer: Uuid) -> String {
    format!("employer {employer}")
}

fn uint<T: TryFrom<i64>>(number: i64) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_| StoreError::Broken(format!("{number} is out of range")))
}

fn int<T: TryInto<i64>>(number: T) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

#[async_trait]
impl RunStore for Postgres {
    async fn submit(&self, new: NewRun, now: Millis) -> Result<Submitted, StoreError> {
        within(async {
            let mut db = self.pool.begin().await?;
            lock(&mut db, &employer_lock(new.request.employer)).await?;
            let submitted = runs::submit(&mut db, &new, now).await?;
            db.commit().await?;
            Ok(submitted)
        })
        .await
    }

    async fn run(&self, id: Uuid) -> Result<Option<Run>, StoreError> {
        within(runs::find(&self.pool, id)).await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<Run>, StoreError> {
        within(runs::list(&self.pool, &filter)).await
    }

    async fn page(
        &self,
        filter: RunFilter,
        skip: u64,
        size: u32,
    ) -> Result<(Vec<Run>, u64), StoreError> {
        within(runs::page(&self.pool, &filter, skip, size)).await
    }

    async fn days(&self, filter: RunFilter) -> Result<Vec<DayCount>, StoreError> {
        within(runs::days(&self.pool, &filter)).await
    }

    async fn counts(&self) -> Result<Vec<(super::State, u64)>, StoreError> {
        within(runs::counts(&self.pool)).await
    }

    async fn running(&self) -> Result<Vec<(String, u64)>, StoreError> {
        within(runs::running(&self.pool)).await
    }

    async fn attempts(&self, run: Uuid) -> Result<Vec<Attempt>, StoreError> {
        within(runs::attempts(&self.pool, run)).await
    }

    async fn begin(&self, begin: Begin) -> Result<Begun, StoreError> {
        within(async {
            let mut db = self.pool.begin().await?;
            let begun = attempts::begin(&mut db, &begin, &self.vault).await?;
            db.commit().await?;
            Ok(begun)
        })
        .await
    }

    async fn direct(&self, direct: Direct) -> Result<(), StoreError> {
        within(async {
            let mut db = self.begin_lightly(true).await?;
            let run = runs::insert(&mut db, &direct.new, direct.begin.now).await?;
            attempts::start(&mut db, run, &direct.begin, direct.seed, &self.vault).await?;
            db.commit().await?;
            Ok(())
        })
        .await
    }

    async fn record(&self, fence: Fence, steps: Vec<Step>) -> Result<(), StoreError> {
        within(attempts::record(&self.pool, fence, &steps, &self.vault)).await
    }

    async fn forget(&self, fence: Fence, made: Made) -> Result<(), StoreError> {
        within(async {
            let mut db = self.pool.begin().await?;
            attempts::forget(&mut db, fence, &made).await?;
            db.commit().await?;
            Ok(())
        })
        .await
    }

    async fn finish(&self, fence: Fence, end: End, now: Millis) -> Result<Run, StoreError> {
        within(async {
            let direct = sqlx::query("SELECT direct FROM run WHERE id = $1")
                .bind(fence.run)
                .fetch_optional(&self.pool)
                .await?;
            let direct = direct.map(|row| row.try_get(0)).transpose()?;
            let mut db = self.begin_lightly(direct.unwrap_or(false)).await?;
            let run = attempts::finish(&mut db, fence, &end, now).await?;
            db.commit().await?;
            Ok(run)
        })
        .await
    }

    async fn cancel(&self, run: Uuid, why: &str, now: Millis) -> Result<Run, StoreError> {
        within(async {
            let mut db = self.pool.begin().await?;
            let run = people::cancel(&mut db, run, why, now).await?;
            db.commit().await?;
            Ok(run)
        })
        .await
    }

    async fn cancelled(&self, run: Uuid) -> Result<Option<String>, StoreError> {
        within(async {
            let found = sqlx::query("SELECT cancel FROM run WHERE id = $1")
                .bind(run)
                .fetch_optional(&self.pool)
                .await?;
            Ok(found.map(|row| row.try_get(0)).transpose()?.flatten())
        })
        .await
    }

    async fn retry(&self, run: Uuid, now: Millis) -> Result<Run, StoreError> {
        within(async {
            let mut db = self.pool.begin().await?;
            let run = people::retry(&mut db, run, now).await?;
            db.commit().await?;
            Ok(run)
        })
        .await
    }

    async fn decide(
        &self,
        run: Uuid,
        decision: Decision,
        now: Millis,
    ) -> Result<(Run, Vec<Doubt>), StoreError> {
        within(async {
            let mut db = self.pool.begin().await?;
            let decided = people::decide(&mut db, run, &decision, now, &self.vault).await?;
            db.commit().await?;
            Ok(decided)
        })
        .await
    }

    async fn unfinished(&self) -> Result<Vec<(Uuid, Millis)>, StoreError> {
        within(runs::unfinished(&self.pool, &self.looked)).await
    }

    async fn spend(&self, budget: &str, day: &str, most: u32) -> Result<bool, StoreError> {
        within(limits::spend(&self.pool, budget, day, most)).await
    }

    async fn ticked(&self, schedule: &str) -> Result<Option<Millis>, StoreError> {
        within(limits::ticked(&self.pool, schedule)).await
    }

    async fn tick(&self, schedule: &str, moment: Millis) -> Result<(), StoreError> {
        within(limits::tick(&self.pool, schedule, moment)).await
    }

    async fn remove(&self, runs: Vec<Uuid>) -> Result<u64, StoreError> {
        within(attempts::remove(&self.pool, &runs)).await
    }

    async fn reseal(&self) -> Result<Resealed, StoreError> {
        let Some(key) = self.vault.active()? else {
            return Ok(Resealed::default());
        };
        within(attempts::reseal(&self.pool, &key, &self.vault)).await
    }

    fn shared_limits(&self) -> Option<&dyn SharedLimits> {
        Some(self)
    }
}
