//! What hosts on several machines share: a database, a queue, components, and
//! what was taken back.

mod components;
pub(crate) mod nats;
pub(crate) mod postgres;
mod revocations;

use crate::authorization::Revoked;
use crate::config;
use crate::durable::{JetStream, Postgres};
use crate::ledger::Redactor;
pub(crate) use components::Components;
pub(crate) use revocations::Bucket;
use sqlx::postgres::PgPool;

/// Everything that is shared, ready to be used.
pub(crate) struct Shared {
    /// Where the ledger and the claims are, too.
    pub(crate) pool: PgPool,
    pub(crate) runs: Postgres,
    pub(crate) queue: JetStream,
    pub(crate) components: Components,
    pub(crate) bucket: Bucket,
}

impl Shared {
    /// Connects with both servers, and makes there what is missing.
    ///
    /// # Errors
    ///
    /// In words for the operator; never a secret.
    pub(crate) async fn connect(
        config: &config::Shared,
        redactor: &Redactor,
    ) -> Result<Self, String> {
        let pool = postgres::connect(&config.store, redactor).await?;
        let runs = Postgres::new(pool.clone()).await.map_err(told)?;
        let context = nats::connect(&config.nats, redactor).await?;
        Ok(Self {
            queue: JetStream::new(context.clone(), &config.nats)
                .await
                .map_err(told)?,
            components: Components::open(&context, &config.nats).await?,
            bucket: Bucket::open(&context, &config.nats).await?,
            runs,
            pool,
        })
    }

    /// What is taken back, at each moment.
    pub(crate) fn revoked(&self) -> Revoked {
        self.bucket.revoked()
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
