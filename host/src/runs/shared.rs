//! What a host does with what it shares with others: what was taken back, and
//! components.

use super::{Host, StartError};
use crate::authorization::{Revocation, Revoking};
use crate::catalogue::Activity;
use crate::config::{self, Config};
use crate::distribution::{Cache, signature_file};
use crate::durable::{LocalQueue, RunQueue, RunStore, Sqlite};
use crate::encryption::Vault;
use crate::ledger::Redactor;
use crate::registry::LoadError;
use crate::shared::{Bucket, Components, Granted, Shared};
use std::sync::Arc;
use uuid::Uuid;

/// The longest reason, in bytes.
const TEXT_BYTES: usize = 1_000;

/// Why something shared was not done.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// There is nothing to share with.
    #[error(
        "this host shares nothing with others: without [store] and [queue] url in the configuration, what is taken back is taken out of the file itself"
    )]
    NotShared,
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// A server cannot be reached, or refuses.
    #[error("{0}")]
    Unavailable(String),
    /// A component cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Pulls the component of a client from its registry, if it is in one and not
/// in the cache.
///
/// # Errors
///
/// [`LoadError::Distribution`].
pub(crate) async fn pull(
    config: &Config,
    client: &config::Client,
    redactor: &Redactor,
) -> Result<(), LoadError> {
    let Some(pinned) = &client.oci else {
        return Ok(());
    };
    let distribution = &config.distribution;
    let registry = pinned.reference().registry().to_owned();
    let fetched = Cache::new(distribution.cache.clone())
        .fetch(pinned, || distribution.access(&registry, redactor))
        .await;
    fetched.map_err(|error| LoadError::Distribution {
        client: client.name.clone(),
        error,
    })
}

/// Connects with what is shared. Blocks meanwhile.
pub(super) fn connect(config: &config::Shared, redactor: &Redactor) -> Result<Shared, StartError> {
    let connecting = || {
        let runtime = tokio::runtime::Handle::current();
        runtime.block_on(Shared::connect(config, redactor))
    };
    tokio::task::block_in_place(connecting).map_err(StartError::Shared)
}

/// Where runs are kept and wait.
pub(super) struct Kept {
    pub(super) runs: Arc<dyn RunStore>,
    pub(super) queue: Arc<dyn RunQueue>,
    pub(super) holder: Uuid,
    pub(super) components: Option<Components>,
    pub(super) bucket: Option<Bucket>,
    pub(super) grants: Option<Granted>,
}

impl Kept {
    /// What is shared, or files of this machine.
    pub(super) fn of(
        config: &Config,
        shared: Option<Shared>,
        vault: Vault,
    ) -> Result<Self, StartError> {
        if let Some(shared) = shared {
            return Ok(Self {
                holder: shared.runs.holder(),
                runs: Arc::new(shared.runs.encrypted(vault)),
                queue: Arc::new(shared.queue),
                components: Some(shared.components),
                bucket: Some(shared.bucket),
                grants: shared.grants,
            });
        }
        let runs = Sqlite::open(&config.runs)?.encrypted(vault);
        let queue = LocalQueue::new(runs.clone())?;
        Ok(Self {
            holder: queue.holder(),
            runs: Arc::new(runs),
            queue: Arc::new(queue),
            components: None,
            bucket: None,
            grants: None,
        })
    }
}

/// Checks names and reasons that are kept.
pub(crate) fn words(texts: &[&str]) -> Result<(), SharedError> {
    let is_bad = |text: &&str| {
        text.is_empty() || text.len() > TEXT_BYTES || text.chars().any(char::is_control)
    };
    if texts.iter().any(is_bad) {
        let text = format!("a name or a reason has 1 to {TEXT_BYTES} bytes, in one line");
        return Err(SharedError::Invalid(text));
    }
    Ok(())
}

impl Host {
    /// Takes something back from a client or a user, on all hosts: the next
    /// call is denied, also in the middle of a run.
    ///
    /// # Errors
    ///
    /// When there is no such client, activity or user, or the server cannot be
    /// reached. Then nothing was taken back.
    pub async fn revoke(&self, what: Revoking, by: &str, why: &str) -> Result<(), SharedError> {
        let bucket = self.bucket.as_ref().ok_or(SharedError::NotShared)?;
        self.known(&what)?;
        words(&[by, why])?;
        let revocation = Revocation {
            what,
            by: by.to_owned(),
            why: self.ledger.redactor().text(why.to_owned()),
            time: jiff::Timestamp::now().to_string(),
        };
        let revoked = bucket.revoke(&revocation).await;
        revoked.map_err(SharedError::Unavailable)
    }

    /// Gives back what was taken back, on all hosts.
    ///
    /// # Errors
    ///
    /// When it was not taken back, or the server cannot be reached.
    pub async fn restore(&self, what: &Revoking) -> Result<(), SharedError> {
        let bucket = self.bucket.as_ref().ok_or(SharedError::NotShared)?;
        match bucket.restore(what).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(SharedError::Invalid(format!("{what} was not taken back"))),
            Err(why) => Err(SharedError::Unavailable(why)),
        }
    }

    /// Everything that is taken back.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached.
    pub async fn revocations(&self) -> Result<Vec<Revocation>, SharedError> {
        let bucket = self.bucket.as_ref().ok_or(SharedError::NotShared)?;
        bucket.all().await.map_err(SharedError::Unavailable)
    }

    /// A misspelt name must not look like one that was taken back.
    fn known(&self, what: &Revoking) -> Result<(), SharedError> {
        let (known, text) = self.live.with(|config| match what {
            Revoking::Client(client) => (
                config.grants.clients.contains_key(client),
                format!("there is no client \"{client}\""),
            ),
            Revoking::Activity { client, .. } if !config.grants.clients.contains_key(client) => {
                (false, format!("there is no client \"{client}\""))
            }
            Revoking::Activity { activity, .. } => (
                Activity::find(activity).is_some(),
                format!("there is no activity \"{activity}\"; `koppel activities` lists them"),
            ),
            Revoking::User(user) => (
                config.grants.users.contains_key(user),
                format!("there is no user \"{user}\""),
            ),
        });
        if known {
            Ok(())
        } else {
            Err(SharedError::Invalid(text))
        }
    }

    /// Puts the component of a client where all hosts find it; gives its
    /// SHA-256, which the hosts pin it by.
    ///
    /// # Errors
    ///
    /// When it is not admitted, or the server cannot be reached.
    pub async fn publish_component(&self, client: &str) -> Result<String, SharedError> {
        let components = self.components.as_ref().ok_or(SharedError::NotShared)?;
        // What would not be loaded is not handed out.
        self.load(client).await?;
        let config = self.live.now();
        let Some(client) = config.client(client) else {
            return Err(LoadError::UnknownClient(client.to_owned()).into());
        };
        let bytes = std::fs::read(&client.component).map_err(|error| LoadError::Unreadable {
            client: client.name.clone(),
            path: client.component.clone(),
            error,
        })?;
        let signature = std::fs::read(signature_file(&client.component)).ok();
        let published = components.publish(&bytes, signature.as_deref()).await;
        published.map_err(SharedError::Unavailable)
    }

    /// Gets a pinned component that is not there, from its registry or from
    /// where hosts share them.
    ///
    /// # Errors
    ///
    /// When it cannot be had from its registry. What goes wrong otherwise is
    /// found again when the component is loaded.
    pub(super) async fn fetch_component(
        &self,
        config: &Config,
        client: &str,
    ) -> Result<(), LoadError> {
        let Some(client) = config.client(client) else {
            return Ok(());
        };
        if client.oci.is_some() {
            return Box::pin(pull(config, client, self.ledger.redactor())).await;
        }
        if let Some(components) = &self.components
            && let Err(why) = Box::pin(components.ensure(client)).await
        {
            tracing::warn!(client = client.name, why, "its component was not fetched");
        }
        Ok(())
    }
}
