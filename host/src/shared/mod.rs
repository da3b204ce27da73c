//! What hosts on several machines share: a database, a queue, components, what
//! was granted, and what was taken back.

mod components;
mod grants;
mod hosts;
pub(crate) mod nats;
mod objects;
pub(crate) mod postgres;
mod revocations;

use crate::authorization::Revoked;
use crate::config::{self, Granting, Published};
use crate::durable::{JetStream, Postgres};
use crate::ledger::Redactor;
use async_nats::jetstream::Context;
pub(crate) use components::Components;
pub(crate) use grants::{Feed, Unpublished, Version, tell_lacking};
pub use hosts::Follower;
pub(crate) use hosts::Hosts;
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
    pub(crate) grants: Option<Granted>,
}

/// The grants, where they are published.
pub(crate) struct Granted {
    pub(crate) feed: Feed,
    pub(crate) hosts: Hosts,
    /// The newest when they were read.
    pub(crate) first: Published,
}

impl Granted {
    async fn read(context: &Context, config: &config::Nats) -> Result<Self, String> {
        let feed = Feed::find(context, config).await?;
        Ok(Self {
            hosts: Hosts::open(context, config).await?,
            first: feed.first().await?,
            feed,
        })
    }
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
            grants: match config.nats.grants {
                Granting::File => None,
                Granting::Published => Some(Granted::read(&context, &config.nats).await?),
            },
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
