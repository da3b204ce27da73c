//! Publishing grants, and looking at what was published. It takes the
//! configuration of a host and its NATS server, and no host.

use crate::config::{Config, ConfigError, Granting, Published};
use crate::ledger::Redactor;
use crate::runs::SharedError;
use crate::secrets;
use crate::shared::{Feed, Follower, Hosts, Unpublished, Version, nats};
use std::path::Path;
use std::sync::Arc;

/// Why grants were not published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// They are not right.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// They cannot be published, or not so.
    #[error(transparent)]
    Shared(#[from] SharedError),
}

/// The published grants of an installation.
pub(crate) struct Office {
    /// The configuration of this host, without grants.
    config: Config,
    feed: Feed,
    hosts: Hosts,
    redactor: Redactor,
}

/// Grants that are right, as far as this host can tell.
pub(crate) struct Candidate {
    text: String,
    /// The configuration of this host with them.
    pub(crate) config: Config,
}

impl Office {
    /// Connects with the NATS server of a host. `first` makes what is missing
    /// there.
    pub(crate) async fn connect(
        config: Config,
        redactor: &Redactor,
        first: bool,
    ) -> Result<Self, SharedError> {
        are_published(&config)?;
        let Some(shared) = &config.shared else {
            return Err(SharedError::NotShared);
        };
        let connected = async {
            let context = nats::connect(&shared.nats, redactor).await?;
            let feed = if first {
                Feed::open(&context, &shared.nats).await?
            } else {
                Feed::find(&context, &shared.nats).await?
            };
            let hosts = Hosts::open(&context, &shared.nats).await?;
            Ok((feed, hosts))
        };
        let (feed, hosts) = connected.await.map_err(SharedError::Unavailable)?;
        Ok(Self {
            config,
            feed,
            hosts,
            redactor: redactor.clone(),
        })
    }

    /// The configuration of this host with the newest grants.
    pub(crate) async fn configuration(self) -> Result<Config, PublishError> {
        let first = self.feed.first().await;
        let first = first.map_err(SharedError::Unavailable)?;
        Ok(self.config.with_grants(&Arc::new(first))?)
    }

    /// A version, or the newest; none if there is no such version.
    pub(crate) async fn version(
        &self,
        version: Option<u64>,
    ) -> Result<Option<Published>, SharedError> {
        let found = match version {
            Some(version) => self.feed.version(version).await,
            None => self.feed.newest().await,
        };
        found.map_err(SharedError::Unavailable)
    }

    /// All versions that are kept, oldest first.
    pub(crate) async fn history(&self) -> Result<Vec<Version>, SharedError> {
        self.feed.history().await.map_err(SharedError::Unavailable)
    }

    /// How each host that works follows them.
    pub(crate) async fn hosts(&self) -> Result<Vec<Follower>, SharedError> {
        self.hosts.all().await.map_err(SharedError::Unavailable)
    }

    /// Reads grants that are to be published, as this host would when they are.
    pub(crate) fn candidate(&self, file: &Path, text: String) -> Result<Candidate, PublishError> {
        let config = with_file(&self.config, file, &text)?;
        for credential in config.credentials.values() {
            // What cannot be read here cannot be in it by mistake either.
            let _ = secrets::read(&credential.value, &self.redactor);
        }
        if self.redactor.text(text.clone()) != text {
            return Err(SharedError::Invalid(format!(
                "{} holds a secret of this host, and was not published: write the name of a credential in its place",
                file.display()
            ))
            .into());
        }
        Ok(Candidate { text, config })
    }

    /// Publishes grants in the place of a version, if that is still the newest;
    /// none is 0. Gives their version.
    pub(crate) async fn publish(
        &self,
        candidate: &Candidate,
        on: u64,
        by: &str,
        why: &str,
    ) -> Result<u64, SharedError> {
        let why = self.redactor.text(why.to_owned());
        let published = self.feed.publish(&candidate.text, on, (by, &why)).await;
        published.map_err(|error| match error {
            Unpublished::Overtaken(newest) => overtaken(newest.as_ref(), on),
            Unpublished::Unavailable(why) => SharedError::Unavailable(why),
        })
    }
}

/// The configuration of a host with grants from a file, as if these were
/// published.
pub(crate) fn with_file(config: &Config, file: &Path, text: &str) -> Result<Config, PublishError> {
    are_published(config)?;
    let published = Published {
        name: file.display().to_string(),
        version: 0,
        by: String::new(),
        why: String::new(),
        time: String::new(),
        text: text.into(),
    };
    Ok(config.with_grants(&Arc::new(published))?)
}

fn are_published(config: &Config) -> Result<(), SharedError> {
    match config.granting() {
        Granting::Published => Ok(()),
        Granting::File => Err(SharedError::Invalid(format!(
            "the grants of this host are those of {}: for published ones, put `grants = \"published\"` under [queue], and take out what `koppel grants extract` prints",
            config.path.display()
        ))),
    }
}

/// That somebody else was faster, or that it was not said what is replaced.
pub(crate) fn overtaken(newest: Option<&Version>, on: u64) -> SharedError {
    let text = match newest {
        None => format!("version {on} is not there: nothing was published yet; say --on 0"),
        Some(Version {
            version,
            by,
            why,
            time,
            ..
        }) => format!(
            "the newest grants are version {version}, published by {by} at {time}: {why}\nnothing was published; look at what you would change with `koppel grants diff {version} FILE`, and say --on {version}"
        ),
    };
    SharedError::Invalid(text)
}
