//! What was taken back at run time, on any host: it is denied whatever the
//! configuration grants, until it is given back.

use super::{ActivitySet, Map, Set};
use crate::catalogue::Activity;
use arc_swap::{ArcSwap, Guard};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revoking {
    /// Everything of a client.
    Client(String),
    /// One activity of a client.
    Activity {
        /// The client.
        client: String,
        /// The id of the activity.
        activity: String,
    },
    /// Everything of a user.
    User(String),
}

impl fmt::Display for Revoking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(client) => write!(f, "client \"{client}\""),
            Self::Activity { client, activity } => {
                write!(f, "{activity} of client \"{client}\"")
            }
            Self::User(user) => write!(f, "user \"{user}\""),
        }
    }
}

/// That something was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Revocation {
    /// What.
    pub what: Revoking,
    /// Who did it.
    pub by: String,
    /// Why.
    pub why: String,
    /// When, RFC 3339 in UTC.
    pub time: String,
}

/// Everything that is taken back now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    all: Vec<Revocation>,
    clients: Set<String>,
    activities: Map<String, ActivitySet>,
    users: Set<String>,
}

impl FromIterator<Revocation> for Revocations {
    fn from_iter<T: IntoIterator<Item = Revocation>>(all: T) -> Self {
        let mut revoked = Self::default();
        for revocation in all {
            match &revocation.what {
                Revoking::Client(client) => {
                    revoked.clients.insert(client.clone());
                }
                Revoking::Activity { client, activity } => {
                    // What this version does not know, it does not grant.
                    if let Some(activity) = Activity::find(activity) {
                        let of = revoked.activities.entry(client.clone()).or_default();
                        of.insert_all(&[activity].into_iter().collect());
                    }
                }
                Revoking::User(user) => {
                    revoked.users.insert(user.clone());
                }
            }
            revoked.all.push(revocation);
        }
        revoked
    }
}

impl Revocations {
    /// All of them.
    pub fn all(&self) -> &[Revocation] {
        &self.all
    }

    fn client(&self, client: &str, activity: Activity) -> bool {
        let of = || self.activities.get(client);
        self.clients.contains(client) || of().is_some_and(|of| of.contains(activity))
    }
}

/// What is taken back, as it is at each moment. Where hosts share nothing, there
/// is none, and asking costs nothing. Cloning gives another handle.
#[derive(Clone, Debug, Default)]
pub struct Revoked(Option<Arc<ArcSwap<Revocations>>>);

impl Revoked {
    /// One that others write.
    pub(crate) fn shared() -> Self {
        Self(Some(Arc::default()))
    }

    /// Puts what is taken back in the place of what was.
    pub(crate) fn replace(&self, revocations: Revocations) {
        if let Some(shared) = &self.0 {
            shared.store(Arc::new(revocations));
        }
    }

    /// What is taken back now.
    pub fn now(&self) -> Option<Arc<Revocations>> {
        self.0.as_ref().map(|shared| shared.load_full())
    }

    /// Whether this is still what is taken back.
    pub(crate) fn is(&self, then: Option<&Arc<Revocations>>) -> bool {
        match (self.at_once(), then) {
            (Some(now), Some(then)) => Arc::ptr_eq(&now, then),
            (now, then) => now.is_none() && then.is_none(),
        }
    }

    /// The same, for a moment.
    fn at_once(&self) -> Option<Guard<Arc<Revocations>>> {
        self.0.as_ref().map(|shared| shared.load())
    }

    pub(super) fn client(&self, client: &str, activity: Activity) -> bool {
        let now = self.at_once();
        now.is_some_and(|now| now.client(client, activity))
    }

    pub(super) fn user(&self, user: &str) -> bool {
        let now = self.at_once();
        now.is_some_and(|now| now.users.contains(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::id;

    fn revocation(what: Revoking) -> Revocation {
        Revocation {
            what,
            by: "anna".to_owned(),
            why: "it leaked".to_owned(),
            time: "2026-01-31T09:30:00Z".to_owned(),
        }
    }

    #[test]
    fn what_is_taken_back_is_what_was_named() {
        let revoked = Revoked::shared();
        let (one, other) = (
            id::GetJournalRunByJournalRunId,
            id::PatchJournalRunByJournalRunId,
        );
        assert!(!revoked.client("a", one) && !revoked.user("anna"));
        let all = [
            Revoking::Client("a".to_owned()),
            Revoking::Activity {
                client: "b".to_owned(),
                activity: one.id().to_owned(),
            },
            Revoking::User("anna".to_owned()),
        ];
        let handle = revoked.clone();
        handle.replace(all.into_iter().map(revocation).collect());
        assert!(revoked.client("a", one) && revoked.client("a", other));
        assert!(revoked.client("b", one) && !revoked.client("b", other));
        assert!(revoked.user("anna") && !revoked.user("tim"));
        handle.replace(Revocations::default());
        assert!(!revoked.client("a", one) && !revoked.user("anna"));
        assert!(Revoked::default().now().is_none());
    }
}
