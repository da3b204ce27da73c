//! What each host says of the published grants, in a key-value bucket of NATS
//! that forgets a host that is silent.

use super::grants::Feed;
use super::nats::{bucket, told};
use crate::config::{Live, Nats};
use async_nats::jetstream::Context;
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::stream;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a host that is silent is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How often a host says how it is.
const AGAIN: Duration = Duration::from_secs(15);

/// How often it looks whether something changed.
const LOOK: Duration = Duration::from_millis(250);

/// How a host follows the published grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Follower {
    /// The machine.
    pub host: String,
    /// The process on it.
    pub process: u32,
    /// The version that is in force.
    pub version: u64,
    /// The newest version, if it is not in force.
    pub refused: Option<u64>,
    /// Why the newest version is not in force, or is not known.
    pub why: Option<String>,
    /// What was published and is not in force there, because the host lacks
    /// what it takes.
    pub lacking: Vec<String>,
}

impl Follower {
    /// This process.
    pub(crate) fn now(live: &Live, feed: &Feed) -> Self {
        let refused = live.refused();
        let config = live.now();
        let published = config.published.as_ref();
        Self {
            host: machine(),
            process: std::process::id(),
            version: published.map_or(0, |published| published.version),
            refused: refused.as_ref().map(|refused| refused.version),
            why: refused
                .map(|refused| refused.why)
                .or_else(|| feed.problem()),
            lacking: config.lacking().collect(),
        }
    }
}

/// The bucket of what hosts say.
#[derive(Clone)]
pub(crate) struct Hosts(Store);

impl Hosts {
    /// Opens the bucket, or makes it.
    pub(crate) async fn open(context: &Context, config: &Nats) -> Result<Self, String> {
        let shape = stream::Config {
            max_messages_per_subject: 1,
            max_age: REMEMBERED,
            num_replicas: config.replicas,
            ..stream::Config::default()
        };
        let store = bucket(context, &format!("{}-hosts", config.name), shape).await?;
        Ok(Self(store))
    }

    /// What all hosts say that are there.
    pub(crate) async fn all(&self) -> Result<Vec<Follower>, String> {
        let keys = self.0.keys().await.map_err(told)?;
        let keys: Vec<String> = keys.try_collect().await.map_err(told)?;
        let mut all = Vec::new();
        for key in keys {
            let value = self.0.get(key).await.map_err(told)?;
            // One that a newer koppel wrote is left out.
            all.extend(value.and_then(|value| serde_json::from_slice(&value).ok()));
        }
        all.sort_by(|a: &Follower, b| (&a.host, a.process).cmp(&(&b.host, b.process)));
        Ok(all)
    }

    /// Says how this host is, until it stops.
    pub(crate) async fn report(
        self,
        holder: Uuid,
        live: Live,
        feed: Feed,
        stop: CancellationToken,
    ) {
        let mut said: Option<(Follower, tokio::time::Instant)> = None;
        while !stop.is_cancelled() {
            let now = Follower::now(&live, &feed);
            let known = |(before, at): &(Follower, tokio::time::Instant)| {
                *before == now && at.elapsed() < AGAIN
            };
            if !said.as_ref().is_some_and(known)
                && let Ok(value) = serde_json::to_vec(&now)
            {
                match self.0.put(holder.to_string(), value.into()).await {
                    Ok(_) => said = Some((now, tokio::time::Instant::now())),
                    Err(error) => tracing::debug!(%error, "how this host is cannot be said"),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => {}
            }
        }
        // When it cannot be taken away, it is forgotten soon.
        let _ = self.0.delete(holder.to_string()).await;
    }
}

/// What this machine is called, where the system tells it.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.unwrap_or_default().trim().to_owned()
}
