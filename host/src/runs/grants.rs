//! The published grants, as this host follows them.

use super::{Host, StartError};
use crate::config::{Config, Granting, Live};
use crate::shared::{Feed, Follower, Granted, Hosts, tell_lacking};
use serde::Serialize;
use std::sync::Arc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The published grants, while they are followed.
pub(super) struct Following {
    feed: Feed,
    hosts: Hosts,
    _following: DropGuard,
}

/// How this host stands with the published grants, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GrantsState {
    /// The version that is in force.
    pub version: u64,
    /// The newest, if something is wrong with it and it is not in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<u64>,
    /// Whether it hears of new ones.
    pub followed: bool,
}

/// Puts the published grants into the configuration of a host that starts.
pub(super) fn granted(config: Config, granted: Option<&Granted>) -> Result<Config, StartError> {
    match granted {
        Some(granted) => config
            .with_grants(&Arc::new(granted.first.clone()))
            .map_err(StartError::Grants),
        None => Ok(config),
    }
}

impl Following {
    /// Follows what is published from now on.
    pub(super) fn start(granted: Granted, live: &Live) -> Self {
        tell_lacking(live);
        let Granted { feed, hosts, .. } = granted;
        Self {
            _following: feed.follow(live.clone()),
            feed,
            hosts,
        }
    }
}

impl Host {
    /// How this host follows the published grants; none where they are in its
    /// file.
    pub fn follower(&self) -> Option<Follower> {
        let following = self.grants.as_ref()?;
        Some(Follower::now(&self.live, &following.feed))
    }

    /// The same in numbers, which tell nothing of the grants.
    pub fn grants_state(&self) -> Option<GrantsState> {
        let following = self.grants.as_ref()?;
        let published = self.live.now().published.clone();
        Some(GrantsState {
            version: published.map_or(0, |published| published.version),
            refused: self.live.refused().map(|refused| refused.version),
            followed: following.feed.problem().is_none(),
        })
    }

    /// Tells the others how this host follows, until it stops.
    pub(super) async fn report(self: Arc<Self>, stop: CancellationToken) {
        if let Some(following) = &self.grants {
            let (hosts, feed) = (following.hosts.clone(), following.feed.clone());
            hosts
                .report(self.holder, self.live.clone(), feed, stop)
                .await;
        }
    }

    /// Whether a client is one that other hosts have and this one does not.
    pub(super) fn is_elsewhere(&self, client: &str) -> bool {
        self.live.with(|config| {
            config.granting() == Granting::Published && config.elsewhere.contains(client)
        })
    }
}
