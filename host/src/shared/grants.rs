//! Published grants: their versions in a key-value bucket of NATS that every
//! host watches, and their texts in an object store, because they may be longer
//! than a message.

use super::nats::{self, bucket, told};
use super::objects::Objects;
use crate::config::{Live, Nats, Published, Reload};
use async_nats::jetstream::Context;
use async_nats::jetstream::kv::{Entry, Operation, Store, UpdateErrorKind};
use async_nats::jetstream::stream;
use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::DropGuard;

/// The only key of the bucket. Its revisions are the versions.
const KEY: &str = "grants";

/// What this version of koppel writes and reads.
const FORMAT: u32 = 1;

/// How many versions are kept.
const KEPT: i64 = 10_000;

/// The longest text that is taken, in bytes.
const MOST: usize = 16 << 20;

/// How often the newest version is asked for, should something have been missed.
const AGAIN: Duration = Duration::from_secs(15);

/// What is kept of a version.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    format: u32,
    /// Of the text.
    sha256: String,
    by: String,
    why: String,
    time: String,
    /// The version of koppel that published it.
    koppel: String,
}

/// A version of the published grants, without their text.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Version {
    /// Its number.
    pub(crate) version: u64,
    /// When it was published, RFC 3339 in UTC.
    pub(crate) time: String,
    /// Who published it.
    pub(crate) by: String,
    /// Why.
    pub(crate) why: String,
    /// The SHA-256 of its text, hexadecimal.
    pub(crate) sha256: String,
}

/// Why grants were not published.
#[derive(Debug)]
pub(crate) enum Unpublished {
    /// Others were published meanwhile: these, if they can be read.
    Overtaken(Option<Version>),
    /// The server cannot be reached, or refuses.
    Unavailable(String),
}

/// The published grants, as one host sees them.
#[derive(Clone)]
pub(crate) struct Feed {
    store: Store,
    texts: Objects,
    /// Why they are not followed now, if so.
    problem: Arc<Mutex<Option<String>>>,
}

impl Feed {
    fn new(store: Store, texts: Objects) -> Self {
        let problem = Arc::default();
        Self {
            store,
            texts,
            problem,
        }
    }

    /// Opens the bucket; it is not made: who publishes does that.
    pub(crate) async fn find(context: &Context, config: &Nats) -> Result<Self, String> {
        let name = name(config);
        let store = context.get_key_value(&name).await;
        let store = store.map_err(|error| {
            format!("the published grants cannot be read: {error}; `koppel grants publish` puts the first there")
        })?;
        Ok(Self::new(store, Objects::find(context, &name, MOST).await?))
    }

    /// Opens the bucket, or makes it.
    pub(crate) async fn open(context: &Context, config: &Nats) -> Result<Self, String> {
        let (name, replicas) = (name(config), config.replicas);
        let shape = stream::Config {
            max_messages_per_subject: KEPT,
            num_replicas: replicas,
            ..stream::Config::default()
        };
        let store = bucket(context, &name, shape).await?;
        let texts = Objects::open(context, &name, replicas, MOST).await?;
        Ok(Self::new(store, texts))
    }

    /// The newest version; none if there is none.
    pub(crate) async fn newest(&self) -> Result<Option<Published>, String> {
        match self.store.entry(KEY).await.map_err(told)? {
            Some(entry) => self.published(&entry).await.map(Some),
            None => Ok(None),
        }
    }

    /// The newest version, which a host needs to start.
    pub(crate) async fn first(&self) -> Result<Published, String> {
        self.newest().await?.ok_or_else(|| {
            "no grants were published yet: `koppel grants publish` does that".to_owned()
        })
    }

    /// A version, if it was published and is still kept.
    pub(crate) async fn version(&self, version: u64) -> Result<Option<Published>, String> {
        match self.store.entry_for_revision(KEY, version).await {
            Ok(Some(entry)) => self.published(&entry).await.map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(told(error)),
        }
    }

    /// All versions that are kept, oldest first.
    pub(crate) async fn history(&self) -> Result<Vec<Version>, String> {
        let entries = self.store.history(KEY).await.map_err(told)?;
        let entries: Vec<Entry> = entries.try_collect().await.map_err(told)?;
        Ok(entries.iter().map(listed).collect())
    }

    async fn published(&self, entry: &Entry) -> Result<Published, String> {
        let written = written(entry)?;
        let text = self.texts.fetch(&written.sha256).await?;
        let version = entry.revision;
        let text = String::from_utf8(text)
            .map_err(|_| format!("version {version} of the published grants is no text"))?;
        Ok(Published {
            name: format!("published grants, version {version}"),
            version,
            by: written.by,
            why: written.why,
            time: written.time,
            text: text.into(),
        })
    }

    /// Publishes grants in the place of a version, if that is still the newest;
    /// 0 is none. Gives their version.
    pub(crate) async fn publish(
        &self,
        text: &str,
        on: u64,
        (by, why): (&str, &str),
    ) -> Result<u64, Unpublished> {
        let put = self.texts.put(text.as_bytes()).await;
        let written = Written {
            format: FORMAT,
            sha256: put.map_err(Unpublished::Unavailable)?,
            by: by.to_owned(),
            why: why.to_owned(),
            time: jiff::Timestamp::now().to_string(),
            koppel: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let unavailable = Unpublished::Unavailable;
        let value = serde_json::to_vec(&written).map_err(|error| unavailable(error.to_string()))?;
        match self.store.update(KEY, value.into(), on).await {
            Ok(version) => Ok(version),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {
                let newest = self.store.entry(KEY).await;
                let newest = newest.map_err(|error| unavailable(told(error)))?;
                Err(Unpublished::Overtaken(newest.as_ref().map(listed)))
            }
            Err(error) => Err(unavailable(told(error))),
        }
    }

    /// Why the published grants are not followed now, if so.
    pub(crate) fn problem(&self) -> Option<String> {
        let problem = self.problem.lock();
        problem.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, problem: Option<String>) {
        let noted = self.problem.lock();
        *noted.unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Puts every version that is published from now on in force, until the
    /// guard is dropped.
    pub(crate) fn follow(&self, live: Live) -> DropGuard {
        let (feed, noting) = (self.clone(), self.clone());
        let followed = move || feed.clone().followed(live.clone());
        nats::follow(followed, move |why| {
            tracing::warn!(
                why,
                "the published grants are not followed; the last stay in force"
            );
            noting.note(Some(why));
        })
    }

    async fn followed(self, live: Live) -> Result<Infallible, String> {
        // First the watch, then the reading: nothing falls between the two.
        let mut watch = self.store.watch(KEY).await.map_err(told)?;
        let mut entry = self.store.entry(KEY).await.map_err(told)?;
        let mut seen = 0;
        loop {
            if let Some(entry) = entry.filter(|entry| entry.revision != seen) {
                self.take(&live, &entry).await?;
                seen = entry.revision;
            }
            self.note(None);
            entry = tokio::select! {
                entry = watch.next() => match entry {
                    Some(entry) => Some(entry.map_err(told)?),
                    None => return Err("the watch ended".to_owned()),
                },
                () = tokio::time::sleep(AGAIN) => self.store.entry(KEY).await.map_err(told)?,
            };
        }
    }

    /// Puts a version in force, if it is newer than what is known.
    async fn take(&self, live: &Live, entry: &Entry) -> Result<(), String> {
        let (version, known) = (entry.revision, live.newest());
        if version <= known {
            if version < known {
                tracing::warn!(
                    version,
                    known,
                    "published grants are older than those that are known, and are not used: was the bucket made anew?"
                );
            }
            return Ok(());
        }
        if let Err(why) = written(entry) {
            if live.refuse(version, why.clone()) {
                tracing::warn!(
                    version,
                    why,
                    "published grants are not used, the old ones stay in force"
                );
            }
            return Ok(());
        }
        let published = Arc::new(self.published(entry).await?);
        match live.publish(&published) {
            Some(Reload::Replaced) => {
                tracing::info!(
                    version,
                    by = published.by,
                    "the published grants were replaced"
                );
                tell_lacking(live);
            }
            Some(Reload::Kept(error)) => {
                tracing::warn!(
                    version,
                    "published grants are not used, the old ones stay in force:\n{error}"
                );
            }
            None => {}
        }
        Ok(())
    }
}

/// Tells of what was published and is not in force on this host.
pub(crate) fn tell_lacking(live: &Live) {
    live.with(|config| {
        for what in config.lacking() {
            tracing::warn!("not in force on this host: {what}");
        }
    });
}

/// What the bucket and the object store are called.
fn name(config: &Nats) -> String {
    format!("{}-grants", config.name)
}

/// What is kept of a version, if this version of koppel can read it.
fn written(entry: &Entry) -> Result<Written, String> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let version = entry.revision;
    if entry.operation != Operation::Put {
        return Err(format!(
            "version {version} of the published grants is that they were removed: publish some again"
        ));
    }
    let unknown = |error: serde_json::Error| {
        format!(
            "version {version} of the published grants was not written by `koppel grants publish`: {error}"
        )
    };
    let format: Format = serde_json::from_slice(&entry.value).map_err(unknown)?;
    if format.format != FORMAT {
        return Err(format!(
            "version {version} of the published grants is in format {}, and this version of koppel reads {FORMAT}: a newer koppel published it",
            format.format
        ));
    }
    serde_json::from_slice(&entry.value).map_err(unknown)
}

fn listed(entry: &Entry) -> Version {
    let version = entry.revision;
    match written(entry) {
        Ok(written) => Version {
            version,
            time: written.time,
            by: written.by,
            why: written.why,
            sha256: written.sha256,
        },
        Err(why) => Version {
            version,
            time: String::new(),
            by: String::new(),
            why,
            sha256: String::new(),
        },
    }
}

#[cfg(test)]
mod tests;
