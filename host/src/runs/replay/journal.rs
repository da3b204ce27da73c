//! The journal of one attempt.
//!
//! What only reads is kept in memory until something is written: whatever the
//! connector saw before that is then on disk before the write begins, and the
//! outcome of the write before the connector sees it.

use super::super::keeping::Keeping;
use super::{Brake, Stop};
use crate::durable::{Doubt, Fence, Origin, Reading, Started, Step};
use crate::ledger::Redactor;
use crate::runs::Witness;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use uuid::Uuid;

/// How much is kept in memory before it is written all the same, in bytes.
pub(super) const PENDING: usize = 1 << 20;

/// How much of what was read is kept as it was, in bytes. Of what is read
/// after that, the SHA-256 of the answer is: on replay it is read again, and
/// must be the same.
pub(super) const READ: usize = 16 << 20;

/// What the SHA-256 of an answer begins with where it stands for the answer. No
/// JSON begins so.
const SEEN: &[u8] = b"#";

/// How many readings of clocks there may be between two calls.
const READINGS: usize = 100_000;

/// The number of the step that holds the answer of the connector.
pub(super) const ANSWER: u64 = i64::MAX as u64;

/// The journal of one attempt; or none, for what is no run. Cloning gives
/// another handle on it.
#[derive(Clone)]
pub(crate) struct Journal(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) kept: Option<Kept>,
    /// The seed of a run that is rehearsed: nothing is done that is not known.
    rehearsed: Option<[u8; 32]>,
    /// Whoever looks on at this run.
    pub(super) witness: Option<(Uuid, Arc<dyn Witness>)>,
    pub(super) brake: Brake,
    state: Mutex<State>,
    started: Instant,
}

pub(super) struct Kept {
    pub(super) keeping: Arc<Keeping>,
    pub(super) redactor: Redactor,
    pub(super) fence: Fence,
    seed: [u8; 32],
    /// The writes that a person said happened.
    happened: Vec<String>,
    resumed: bool,
    /// Whether a worker goes on with the run when nobody waits for it any more.
    goes_on: bool,
    /// Whether what it reads is for a replay.
    reads: bool,
}

#[derive(Default)]
pub(super) struct State {
    /// The number of the next call.
    next: u64,
    /// What was answered before.
    pub(super) known: BTreeMap<u64, Step>,
    /// How many readings of the next known step were given.
    read: usize,
    /// Readings since the last call.
    readings: Vec<Reading>,
    /// What is to be written with the next write.
    pub(super) pending: Vec<Step>,
    pub(super) bytes: usize,
    /// How many bytes of what can be read again were kept.
    pub(super) kept: usize,
    /// Writes that were begun and have no outcome.
    pub(super) open: BTreeMap<u64, Call>,
    /// Writes whose outcome leaves a doubt.
    pub(super) shaky: Vec<Doubt>,
    /// Whether there was one that may be made again.
    pub(super) repeatable: bool,
    /// Whether a write was made that may not be made again.
    pub(super) wrote: bool,
    /// How often each kind of write was made.
    counts: HashMap<String, u32>,
    /// What is added to the monotonic clock, so that it goes on from where it
    /// was.
    offset: u64,
}

/// The place of a call in the order of calls.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(super) seq: u64,
    pub(super) readings: Vec<Reading>,
}

/// A call of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// What it is, in words for a person, without data.
    pub(crate) what: String,
    /// The SHA-256 of it with its arguments, lower-case hexadecimal.
    pub(crate) fingerprint: String,
    /// Whether it changes something.
    pub(crate) write: bool,
    /// Whether it may be made again when its outcome is unknown.
    pub(crate) repeatable: bool,
    /// Whether it can be read again on replay.
    pub(crate) again: bool,
    /// The exchange in the ledger, for an outside request.
    pub(crate) exchange: Option<Uuid>,
}

impl Call {
    /// A call with these arguments, that reads.
    pub(crate) fn new(what: String, arguments: &impl Serialize) -> Self {
        let mut hash = Sha256::new();
        hash.update(&what);
        hash.update([0]);
        // The arguments are records of the contract: they have a JSON form.
        hash.update(serde_json::to_vec(arguments).unwrap_or_default());
        Self {
            what,
            fingerprint: hex::encode(hash.finalize()),
            write: false,
            repeatable: false,
            again: false,
            exchange: None,
        }
    }
}

/// What stands for an answer that is too much to be kept.
pub(crate) fn seen(answer: &[u8]) -> Vec<u8> {
    [SEEN, hex::encode(Sha256::digest(answer)).as_bytes()].concat()
}

/// Whether this stands for an answer.
pub(crate) fn is_seen(known: &[u8]) -> bool {
    known.starts_with(SEEN)
}

/// An answer as it is kept.
#[derive(Default)]
pub(crate) struct Sealed {
    /// JSON.
    pub(crate) answer: Vec<u8>,
    /// Whether a secret was taken out of it.
    pub(crate) redacted: bool,
}

/// What the journal knows of a call.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing: it is to be made.
    New,
    /// What was answered, or what stands for it: see [`is_seen`].
    Answered(Vec<u8>),
    /// It was begun, and what came of it is unknown.
    Unknown {
        /// Whether it may be made again.
        repeatable: bool,
        /// The exchange in the ledger.
        exchange: Option<Uuid>,
    },
    /// The connector is being stopped.
    Stopped,
}

impl Journal {
    /// No journal: for what is no run.
    pub(crate) fn off() -> Self {
        Self::with(None, BTreeMap::new(), None, None)
    }

    /// The journal of a run that was made, to be made again without doing
    /// anything: what it does not know is not done, but ends the attempt.
    pub(crate) fn rehearsing(seed: [u8; 32], steps: &[Step]) -> Self {
        let known = steps.iter().map(|step| (step.seq, step.clone()));
        Self::with(None, known.collect(), Some(seed), None)
    }

    /// The journal of an attempt.
    pub(crate) fn of(
        keeping: Arc<Keeping>,
        redactor: Redactor,
        started: &Started,
        witness: Option<Arc<dyn Witness>>,
    ) -> Self {
        let known = started.steps.iter().map(|step| (step.seq, step.clone()));
        let kept = Kept {
            keeping,
            redactor,
            fence: started.fence,
            seed: started.seed,
            happened: started.run.happened.clone(),
            resumed: started.resumed,
            goes_on: started.run.origin != Origin::Direct,
            reads: started.run.origin != Origin::Direct || !started.run.job.only_reads(),
        };
        let witness = witness.map(|witness| (started.run.id, witness));
        Self::with(Some(kept), known.collect(), None, witness)
    }

    fn with(
        kept: Option<Kept>,
        known: BTreeMap<u64, Step>,
        rehearsed: Option<[u8; 32]>,
        witness: Option<(Uuid, Arc<dyn Witness>)>,
    ) -> Self {
        Self(Arc::new(Inner {
            kept,
            rehearsed,
            witness,
            brake: Brake::default(),
            state: Mutex::new(State {
                known,
                ..State::default()
            }),
            started: Instant::now(),
        }))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stops the connector.
    pub(crate) fn brake(&self) -> &Brake {
        &self.0.brake
    }

    /// Whether there is one.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.kept.is_some()
    }

    /// Whether the attempt was interrupted before.
    pub(crate) fn is_resumed(&self) -> bool {
        self.0.kept.as_ref().is_some_and(|kept| kept.resumed)
    }

    /// Whether a worker goes on with the run when nobody waits for it any more.
    pub(crate) fn goes_on(&self) -> bool {
        self.0.kept.as_ref().is_some_and(|kept| kept.goes_on)
    }

    /// Whether what the connector reads is kept, to be replayed: not for what is
    /// no run, nor for a run that is given up when nobody waits for it any more.
    /// Whoever looks on sees all of it, and a rehearsal replays it.
    pub(crate) fn keeps_reads(&self) -> bool {
        let kept = self.0.kept.as_ref().is_some_and(|kept| kept.reads);
        kept || self.0.witness.is_some() || self.0.rehearsed.is_some()
    }

    /// Whether there is anything to take out of an answer.
    pub(crate) fn knows_secrets(&self) -> bool {
        let kept = self.0.kept.as_ref();
        kept.is_some_and(|kept| !kept.redactor.is_empty())
    }

    /// What the random numbers of the connector come from.
    pub(crate) fn seed(&self) -> Option<[u8; 32]> {
        let kept = self.0.kept.as_ref().map(|kept| kept.seed);
        kept.or(self.0.rehearsed)
    }

    /// Whether a person said that this write happened in an earlier attempt.
    pub(crate) fn happened(&self, what: &str) -> bool {
        let kept = self.0.kept.as_ref();
        kept.is_some_and(|kept| kept.happened.iter().any(|known| known == what))
    }

    /// Which time it is that a write of this kind is made, from 1.
    pub(crate) fn count(&self, what: &str) -> u32 {
        let mut state = self.state();
        let count = state.counts.entry(what.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// Notes that the connector, or what it reads, is not as it was.
    pub(crate) fn diverged(&self, why: String) {
        self.0.brake.stop(Stop::Diverged(why));
    }

    /// Takes the next place. To be called in the order in which the connector
    /// makes its calls.
    pub(crate) fn slot(&self) -> Slot {
        let mut state = self.state();
        let seq = state.next;
        state.next += 1;
        let read = std::mem::take(&mut state.read);
        let readings = match state.known.get(&seq) {
            Some(step) if step.readings.len() == read => step.readings.clone(),
            Some(step) => {
                let why = format!(
                    "call {seq} came after {read} readings of the clocks, and before after {}",
                    step.readings.len()
                );
                self.diverged(why);
                Vec::new()
            }
            None => std::mem::take(&mut state.readings),
        };
        Slot { seq, readings }
    }

    /// What is known of a call.
    pub(crate) fn find(&self, slot: &Slot, call: &Call) -> Found {
        if self.0.brake.why().is_some() {
            return Found::Stopped;
        }
        let state = self.state();
        let Some(step) = state.known.get(&slot.seq) else {
            drop(state);
            if self.0.rehearsed.is_some() {
                let why = format!(
                    "call {} is {}, and was not made before",
                    slot.seq, call.what
                );
                self.diverged(why);
                return Found::Stopped;
            }
            // Everything that was written is followed by what is on disk, so a
            // gap is a call that was not answered.
            return Found::New;
        };
        if step.fingerprint != call.fingerprint {
            let why = format!(
                "call {} is now {}, and was {}{}",
                slot.seq,
                call.what,
                step.what,
                if call.what == step.what {
                    " with other arguments"
                } else {
                    ""
                }
            );
            self.diverged(why);
            return Found::Stopped;
        }
        match &step.outcome {
            Some(outcome) => Found::Answered(outcome.clone()),
            None if step.denied => Found::New,
            None => Found::Unknown {
                repeatable: step.repeatable,
                exchange: step.exchange,
            },
        }
    }

    /// The first step that was known and not asked for.
    pub(crate) fn unused(&self) -> Option<Step> {
        let state = self.state();
        let left = state.known.range(state.next..).next();
        left.map(|(_, step)| step.clone())
    }

    /// Whether a clock was read after the last step that was known.
    pub(crate) fn read_on(&self) -> bool {
        self.state().read > 0
    }

    /// A reading of a clock: the one of before, or `live`.
    pub(super) fn reading(&self, live: impl FnOnce() -> Reading) -> Reading {
        let mut state = self.state();
        if let Some(step) = state.known.get(&state.next) {
            if let Some(reading) = step.readings.get(state.read).copied() {
                state.read += 1;
                if let Reading::Monotonic(nanoseconds) = reading {
                    let elapsed = self.0.started.elapsed().as_nanos() as u64;
                    let ahead = nanoseconds.saturating_sub(elapsed);
                    state.offset = state.offset.max(ahead);
                }
                return reading;
            }
            // Noticed at the next call.
            state.read += 1;
            return live();
        }
        let reading = live();
        if self.0.rehearsed.is_some() {
            state.read += 1;
        }
        if self.0.kept.is_some() {
            if state.readings.len() == READINGS {
                let why =
                    format!("it read the clocks {READINGS} times without doing anything else");
                self.0.brake.stop(Stop::Excess(why));
            } else {
                state.readings.push(reading);
            }
        }
        reading
    }

    /// What the monotonic clock shows now, in nanoseconds.
    pub(super) fn monotonic(&self) -> u64 {
        let offset = self.state().offset;
        self.0.started.elapsed().as_nanos() as u64 + offset
    }
}
