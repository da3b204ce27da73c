//! Answers of look-ups that are kept, for clients whose configuration says so.
//!
//! An answer is given again only after the five checks on everything that the
//! run performed which found it, for the user and the employer who ask now. It
//! is kept for one employer, unless the operator says that all may share it and
//! the run performed nothing that concerns an employer. It is forgotten when it
//! is too old, and when the component, the settings or the outside rules of its
//! client change.

use super::canonical::canonical;
use super::trace::Performed;
use crate::catalogue::Surface;
use crate::config::{Cache, Client};
use crate::egress::Rule;
use crate::registry::Loaded;
use crate::session::Session;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// The largest answer that is kept, in bytes of JSON: the memory of a cache is
/// bounded by this and its number of entries.
const LARGEST: usize = 64 << 10;

/// The kept answers of all clients.
#[derive(Default)]
pub(super) struct Answers(Mutex<HashMap<String, Arc<OfClient>>>);

struct OfClient {
    made: Made,
    answers: moka::sync::Cache<Key, Arc<Answer>>,
}

/// What answers depend on besides the question.
#[derive(PartialEq)]
struct Made {
    component: String,
    settings: Value,
    http: Vec<Rule>,
    cache: Cache,
}

/// Whose answer, none for all employers, and the hash of the question.
type Key = (Option<Uuid>, [u8; 32]);

/// An answer with what it takes to give it again.
pub(super) struct Answer {
    /// The run that found it.
    pub(super) run: Uuid,
    /// What was answered.
    pub(super) value: Value,
    performed: Vec<Performed>,
}

/// A question to a client that keeps answers.
pub(super) struct Question {
    client: Arc<OfClient>,
    employer: Uuid,
    hash: [u8; 32],
}

impl Answers {
    /// A question whose answer may be kept; none if the client keeps none.
    pub(super) fn question(
        &self,
        client: &Client,
        loaded: &Loaded,
        employer: Uuid,
        query: &str,
    ) -> Option<Question> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(cache) = client.cache else {
            clients.remove(&client.name);
            return None;
        };
        let hash = Sha256::digest(canonical(query)?).into();
        let made = Made {
            component: loaded.inspection.sha256.clone(),
            settings: client.settings.clone(),
            http: client.http.clone(),
            cache,
        };
        let of_client = match clients.get(&client.name) {
            Some(known) if known.made == made => known.clone(),
            _ => {
                let answers = moka::sync::Cache::builder()
                    .max_capacity(cache.entries)
                    .eviction_policy(moka::policy::EvictionPolicy::lru())
                    .time_to_live(Duration::from_secs(cache.ttl_seconds))
                    .build();
                let fresh = Arc::new(OfClient { made, answers });
                clients.insert(client.name.clone(), fresh.clone());
                fresh
            }
        };
        Some(Question {
            client: of_client,
            employer,
            hash,
        })
    }
}

impl Question {
    /// The kept answer, if all five checks are green for everything that it
    /// took. A red one is left to the run, which is then denied as always.
    pub(super) async fn find(&self, session: &Session) -> Option<Arc<Answer>> {
        for employer in [Some(self.employer), None] {
            let Some(answer) = self.client.answers.get(&(employer, self.hash)) else {
                continue;
            };
            let mut permitted = true;
            for (activity, entity) in &answer.performed {
                permitted = permitted && session.permits(*activity, *entity).await;
            }
            if permitted {
                return Some(answer);
            }
        }
        None
    }

    /// Keeps the answer of a run.
    pub(super) fn keep(&self, session: &Session, value: &Value) {
        let Some(performed) = session.trace.of_lasting_answer() else {
            return;
        };
        if value.to_string().len() > LARGEST {
            return;
        }
        let shared = self.client.made.cache.shared && performed.iter().all(concerns_nobody);
        let employer = (!shared).then_some(self.employer);
        let answer = Answer {
            run: session.run,
            value: value.clone(),
            performed,
        };
        let key = (employer, self.hash);
        self.client.answers.insert(key, Arc::new(answer));
        // At once, so that there are never more than there may be.
        self.client.answers.run_pending_tasks();
    }
}

/// Whether an activity tells nothing of an employer: an outside request, in
/// which the question went, or a register that nobody owns.
fn concerns_nobody((activity, entity): &Performed) -> bool {
    let register = match activity.row().surface {
        Surface::Act => true,
        Surface::Function { interface, .. } => {
            matches!(interface, "trade-register" | "vehicles")
        }
        Surface::Rest => false,
    };
    register && entity.is_none()
}
