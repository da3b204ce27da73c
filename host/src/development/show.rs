//! What happens while a connector is developed, as it is told to whoever looks
//! on.

use crate::acceptance::{Cassette, Onlooker};
use crate::catalogue::Activity;
use crate::durable::Step;
use crate::egress::{EgressError, Hop, Reply};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Something that happens.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// It is being built.
    Building {
        /// The file that changed, if one did.
        because: Option<PathBuf>,
    },
    /// It cannot be built; the component of before stays.
    NotBuilt {
        /// What the compiler says.
        why: String,
        /// Whether there is one of before.
        kept: bool,
    },
    /// It was built, and is in force from now on.
    Loaded {
        /// Its file.
        component: PathBuf,
        /// Its SHA-256, lower-case hexadecimal.
        sha256: String,
    },
    /// It is asked something.
    Asked {
        /// What.
        act: String,
    },
    /// It performed an activity, or called something else of the host.
    Called {
        /// What.
        what: String,
        /// What came of it, in a word.
        outcome: String,
    },
    /// It sent a request.
    Request {
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// The status of the reply, if there was one.
        status: Option<u16>,
        /// Why there was none.
        error: Option<String>,
        /// Whether it left for real, and was recorded.
        recorded: bool,
    },
    /// It logged something.
    Log {
        /// How important it is.
        level: String,
        /// The text.
        text: String,
    },
    /// It did what it was asked, or not.
    Ended {
        /// What it was asked.
        act: String,
        /// What came of it.
        result: serde_json::Value,
        /// Whether it did it.
        succeeded: bool,
        /// How long it took, in milliseconds.
        milliseconds: u64,
    },
    /// Something went wrong beside the connector.
    Trouble {
        /// What.
        why: String,
    },
    /// It waits for a change.
    Waiting,
}

/// To whom it is told.
pub trait Show: Send + Sync {
    /// Tells it.
    fn show(&self, event: Event);
}

/// Looks on at runs, tells what it sees, and records what is let through.
pub(super) struct Teller {
    pub(super) show: Arc<dyn Show>,
    /// The beginnings of the URLs that leave for real.
    pub(super) record: Vec<String>,
    pub(super) cassette: Mutex<Option<Cassette>>,
}

impl Onlooker for Teller {
    fn lets_leave(&self, hop: &Hop) -> bool {
        let url = hop.url.as_str();
        self.record
            .iter()
            .any(|prefix| url.starts_with(prefix.as_str()))
    }

    fn request(&self, hop: &Hop, outcome: Result<&Reply, &EgressError>) {
        let left = self.lets_leave(hop);
        let mut recorded = false;
        if let (true, Ok(reply)) = (left, outcome) {
            let mut cassette = self.cassette.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(cassette) = cassette.as_mut() {
                cassette.record(hop, reply);
                match cassette.write() {
                    Ok(()) => recorded = true,
                    Err(error) => self.show.show(Event::Trouble {
                        why: format!("the cassette cannot be written: {error}"),
                    }),
                }
            }
        }
        self.show.show(Event::Request {
            method: hop.method.to_string(),
            url: hop.url.to_string(),
            status: outcome.ok().map(|reply| reply.status.as_u16()),
            error: outcome.err().map(ToString::to_string),
            recorded,
        });
    }

    fn step(&self, step: &Step) {
        // Requests are told as they are answered.
        let request = step.what.contains("://");
        if request {
            return;
        }
        self.show.show(Event::Called {
            what: step.what.clone(),
            outcome: outcome(step),
        });
    }
}

/// What came of a call, in a word: `ok`, or the kind of error.
fn outcome(step: &Step) -> String {
    let answer = step.outcome.as_deref().unwrap_or_default();
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    let Some(error) = answer.get("Err") else {
        return "ok".to_owned();
    };
    let named = error.as_object().and_then(|error| error.keys().next());
    let word = named.map(String::as_str).or(error.as_str());
    let word = word.unwrap_or("error").to_owned();
    if Activity::find(&step.what).is_some() {
        word.to_lowercase()
    } else {
        word
    }
}
