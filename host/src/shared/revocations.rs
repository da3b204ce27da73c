//! What was taken back, in a key-value bucket of NATS that every host watches.

use super::nats::{bucket, follow, told};
use crate::authorization::{Revocation, Revocations, Revoked, Revoking};
use crate::config::Nats;
use async_nats::jetstream::Context;
use async_nats::jetstream::kv::{Entry, Operation, Store};
use async_nats::jetstream::stream;
use futures_util::{StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::sync::DropGuard;

/// How often everything is read again, should something have been missed.
const AGAIN: Duration = Duration::from_secs(15);

/// The bucket, as one host sees it.
pub(crate) struct Bucket {
    store: Store,
    revoked: Revoked,
    _following: DropGuard,
}

impl Bucket {
    /// Opens the bucket, or makes it, and reads it before this returns: a host
    /// that does not know what was taken back does not start.
    pub(crate) async fn open(context: &Context, config: &Nats) -> Result<Self, String> {
        let shape = stream::Config {
            max_messages_per_subject: 1,
            num_replicas: config.replicas,
            ..stream::Config::default()
        };
        let store = bucket(context, &format!("{}-revocations", config.name), shape).await?;
        let revoked = Revoked::shared();
        revoked.replace(read(&store).await?.into_values().collect());
        let followed = {
            let (store, revoked) = (store.clone(), revoked.clone());
            move || followed(store.clone(), revoked.clone())
        };
        Ok(Self {
            store,
            revoked,
            _following: follow(followed, |why| {
                tracing::warn!(why, "revocations are not seen");
            }),
        })
    }

    /// What is taken back, at each moment.
    pub(crate) fn revoked(&self) -> Revoked {
        self.revoked.clone()
    }

    /// Takes something back on all hosts.
    pub(crate) async fn revoke(&self, revocation: &Revocation) -> Result<(), String> {
        let value = serde_json::to_vec(revocation).map_err(|error| error.to_string())?;
        let put = self.store.put(key(&revocation.what), value.into()).await;
        put.map(drop).map_err(told)
    }

    /// Gives something back on all hosts; says whether it was taken back.
    pub(crate) async fn restore(&self, what: &Revoking) -> Result<bool, String> {
        let key = key(what);
        let known = self.store.get(key.as_str()).await.map_err(told)?;
        self.store.delete(key).await.map_err(told)?;
        Ok(known.is_some())
    }

    /// Everything that is taken back, as the bucket has it.
    pub(crate) async fn all(&self) -> Result<Vec<Revocation>, String> {
        Ok(read(&self.store).await?.into_values().collect())
    }
}

/// The key of what is taken back: it tells by itself what it is.
fn key(what: &Revoking) -> String {
    match what {
        Revoking::Client(client) => format!("client.{}", hex::encode(client)),
        Revoking::Activity { client, activity } => {
            format!("client.{}.{activity}", hex::encode(client))
        }
        Revoking::User(user) => format!("user.{}", hex::encode(user)),
    }
}

/// What a key is about.
fn what(key: &str) -> Option<Revoking> {
    let text = |name: &str| String::from_utf8(hex::decode(name).ok()?).ok();
    let mut parts = key.split('.');
    let what = match (parts.next()?, text(parts.next()?)?, parts.next()) {
        ("client", client, None) => Revoking::Client(client),
        ("client", client, Some(activity)) => Revoking::Activity {
            client,
            activity: activity.to_owned(),
        },
        ("user", user, None) => Revoking::User(user),
        _ => return None,
    };
    parts.next().is_none().then_some(what)
}

fn revocation(key: &str, value: &[u8]) -> Option<Revocation> {
    let Some(what) = what(key) else {
        tracing::error!(key, "a revocation says nothing that koppel knows");
        return None;
    };
    // What the key says holds, whatever is told about it.
    let told: Option<Revocation> = serde_json::from_slice(value).ok();
    let (by, why, time) = told.map_or_else(Default::default, |told| (told.by, told.why, told.time));
    Some(Revocation {
        what,
        by,
        why,
        time,
    })
}

type Known = BTreeMap<String, Revocation>;

async fn read(store: &Store) -> Result<Known, String> {
    let keys: Vec<String> = async {
        store
            .keys()
            .await
            .map_err(told)?
            .try_collect()
            .await
            .map_err(told)
    }
    .await?;
    let mut known = Known::new();
    for key in keys {
        let value = store.get(key.as_str()).await.map_err(told)?;
        if let Some(revocation) = value.and_then(|value| revocation(&key, &value)) {
            known.insert(key, revocation);
        }
    }
    Ok(known)
}

fn apply(known: &mut Known, entry: Entry) {
    match entry.operation {
        Operation::Put => {
            if let Some(revocation) = revocation(&entry.key, &entry.value) {
                known.insert(entry.key, revocation);
            }
        }
        Operation::Delete | Operation::Purge => {
            known.remove(&entry.key);
        }
    }
}

/// Follows the bucket as long as it can be.
async fn followed(store: Store, revoked: Revoked) -> Result<Infallible, String> {
    // First the watch, then the reading: nothing falls between the two.
    let mut watch = store.watch_all().await.map_err(told)?;
    let mut known = read(&store).await?;
    loop {
        let now: Revocations = known.values().cloned().collect();
        if revoked.now().is_some_and(|before| *before != now) {
            tracing::info!(
                revocations = now.all().len(),
                "the revocations were replaced"
            );
            revoked.replace(now);
        }
        tokio::select! {
            entry = watch.next() => match entry {
                Some(entry) => apply(&mut known, entry.map_err(told)?),
                None => return Err("the watch ended".to_owned()),
            },
            () = tokio::time::sleep(AGAIN) => known = read(&store).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_what_it_is_about() {
        let all = [
            Revoking::Client("journal-exact".to_owned()),
            Revoking::Activity {
                client: "journal-exact".to_owned(),
                activity: "GetEmployerByEmployerId".to_owned(),
            },
            Revoking::User("anna@kantoor.nl *>".to_owned()),
        ];
        for revoking in all {
            assert_eq!(what(&key(&revoking)), Some(revoking));
        }
        for other in [
            "",
            "client",
            "client.zz",
            "user.61.b",
            "group.61",
            "client.61.A.b",
        ] {
            assert_eq!(what(other), None, "{other}");
        }
        let told = revocation("user.61", b"no JSON").unwrap();
        assert_eq!(told.what, Revoking::User("a".to_owned()));
    }
}
