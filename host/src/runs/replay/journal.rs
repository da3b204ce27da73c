//! The journal of one attempt.
//!
//! What only reads is kept in memory until something is written: whatever the
//! connector saw before that is then on disk before the write begins, and the
//! outcome of the write before the connector sees it.

use super::{Brake, Stop};
use crate::durable::{Doubt, Fence, Origin, Reading, RunStore, Started, Step, StoreError};
use crate::ledger::Redactor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use uuid::Uuid;

/// How much is kept in memory before it is written all the same, in bytes.
const PENDING: usize = 1 << 20;

/// How many readings of clocks there may be between two calls.
const READINGS: usize = 100_000;

/// The number of the step that holds the answer of the connector.
const ANSWER: u64 = i64::MAX as u64;

/// The journal of one attempt; or none, for what is no run. Cloning gives
/// another handle on it.
#[derive(Clone)]
pub(crate) struct Journal(Arc<Inner>);

struct Inner {
    kept: Option<Kept>,
    brake: Brake,
    state: Mutex<State>,
    started: Instant,
}

struct Kept {
    store: Arc<dyn RunStore>,
    redactor: Redactor,
    fence: Fence,
    seed: [u8; 32],
    /// The writes that a person said happened.
    happened: Vec<String>,
    resumed: bool,
    /// Whether a worker goes on with the run when nobody waits for it any more.
    goes_on: bool,
}

#[derive(Default)]
struct State {
    /// The number of the next call.
    next: u64,
    /// What was answered before.
    known: BTreeMap<u64, Step>,
    /// How many readings of the next known step were given.
    read: usize,
    /// Readings since the last call.
    readings: Vec<Reading>,
    /// What is to be written with the next write.
    pending: Vec<Step>,
    bytes: usize,
    /// Writes that were begun and have no outcome.
    open: BTreeMap<u64, Call>,
    /// Writes whose outcome leaves a doubt.
    shaky: Vec<Doubt>,
    /// Whether there was one that may be made again.
    repeatable: bool,
    /// Whether a write was made that may not be made again.
    wrote: bool,
    /// How often each kind of write was made.
    counts: HashMap<String, u32>,
    /// What is added to the monotonic clock, so that it goes on from where it
    /// was.
    offset: u64,
}

/// The place of a call in the order of calls.
#[derive(Debug)]
pub(crate) struct Slot {
    seq: u64,
    readings: Vec<Reading>,
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
            exchange: None,
        }
    }
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
    /// What was answered.
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
        Self::with(None, BTreeMap::new())
    }

    /// The journal of an attempt.
    pub(crate) fn of(store: Arc<dyn RunStore>, redactor: Redactor, started: &Started) -> Self {
        let known = started.steps.iter().map(|step| (step.seq, step.clone()));
        let kept = Kept {
            store,
            redactor,
            fence: started.fence,
            seed: started.seed,
            happened: started.run.happened.clone(),
            resumed: started.resumed,
            goes_on: started.run.origin != Origin::Direct,
        };
        Self::with(Some(kept), known.collect())
    }

    fn with(kept: Option<Kept>, known: BTreeMap<u64, Step>) -> Self {
        Self(Arc::new(Inner {
            kept,
            brake: Brake::default(),
            state: Mutex::new(State {
                known,
                ..State::default()
            }),
            started: Instant::now(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
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

    /// What the random numbers of the connector come from.
    pub(crate) fn seed(&self) -> Option<[u8; 32]> {
        self.0.kept.as_ref().map(|kept| kept.seed)
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

    fn diverged(&self, why: String) {
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

    fn step(slot: &Slot, call: &Call, outcome: Option<Vec<u8>>) -> Step {
        Step {
            seq: slot.seq,
            what: call.what.clone(),
            fingerprint: call.fingerprint.clone(),
            write: call.write,
            repeatable: call.repeatable,
            exchange: call.exchange,
            readings: slot.readings.clone(),
            outcome,
            denied: false,
        }
    }

    /// Notes that a write is about to be made; it may be once this returned
    /// true. False when the connector is being stopped.
    pub(crate) async fn intend(&self, slot: &Slot, call: &Call) -> bool {
        self.state().open.insert(slot.seq, call.clone());
        let noted = self.write(Some(Self::step(slot, call, None))).await;
        if !noted {
            self.state().open.remove(&slot.seq);
        }
        noted
    }

    /// An answer as it is kept: without the secrets that the host knows. The
    /// connector must see the same.
    pub(crate) fn seal<T: Serialize>(&self, answer: &T) -> Sealed {
        let Some(kept) = &self.0.kept else {
            return Sealed::default();
        };
        match serde_json::to_vec(answer) {
            Ok(answer) => {
                let clean = kept.redactor.bytes(answer.clone());
                Sealed {
                    redacted: clean != answer,
                    answer: clean,
                }
            }
            Err(error) => {
                self.0.brake.stop(Stop::Unrecorded(error.to_string()));
                Sealed::default()
            }
        }
    }

    /// Notes what came of a call; the connector may see it once this returned
    /// true. False when the connector is being stopped.
    pub(crate) async fn answered(&self, slot: &Slot, call: &Call, answer: Sealed) -> bool {
        if !self.is_kept() {
            return true;
        }
        if matches!(self.0.brake.why(), Some(Stop::Unrecorded(_) | Stop::Fenced)) {
            return false;
        }
        let step = Self::step(slot, call, Some(answer.answer));
        let now = call.write && !call.repeatable;
        let noted = if now {
            self.write(Some(step)).await
        } else {
            let full = {
                let mut state = self.state();
                state.bytes += step.outcome.as_ref().map_or(0, Vec::len);
                state.pending.push(step);
                state.bytes > PENDING
            };
            !full || self.write(None).await
        };
        if noted {
            self.state().open.remove(&slot.seq);
        }
        noted
    }

    /// Writes what is pending, for an attempt that goes on later.
    pub(crate) async fn flush(&self) {
        self.write(None).await;
    }

    /// Writes what is pending, and one step more.
    async fn write(&self, step: Option<Step>) -> bool {
        let Some(kept) = &self.0.kept else {
            return true;
        };
        let mut steps = {
            let mut state = self.state();
            state.bytes = 0;
            std::mem::take(&mut state.pending)
        };
        steps.extend(step);
        if steps.is_empty() {
            return true;
        }
        match kept.store.record(kept.fence, steps).await {
            Ok(()) => true,
            Err(StoreError::Fenced(_)) => {
                self.0.brake.stop(Stop::Fenced);
                false
            }
            Err(error) => {
                self.0.brake.stop(Stop::Unrecorded(error.to_string()));
                false
            }
        }
    }

    /// Notes that nobody knows whether a write happened, although there was a
    /// reply.
    pub(crate) fn doubt(&self, slot: &Slot, call: &Call) {
        if !call.write {
            return;
        }
        let mut state = self.state();
        if call.repeatable {
            state.repeatable = true;
        } else {
            state.shaky.push(Doubt {
                seq: slot.seq,
                what: call.what.clone(),
            });
        }
    }

    /// Notes that a write was made.
    pub(crate) fn made(&self, call: &Call) {
        if call.write && !call.repeatable {
            self.state().wrote = true;
        }
    }

    /// Whether a write was made that may not be made again: another attempt
    /// from the start would make it twice.
    pub(crate) fn wrote(&self) -> bool {
        self.state().wrote
    }

    /// Whether nobody knows of a write whether it happened that may be made
    /// again.
    pub(crate) fn may_be_repeated(&self) -> bool {
        let state = self.state();
        state.repeatable || state.open.values().any(|call| call.repeatable)
    }

    /// Stops an attempt that goes on later, because the host cannot do its part
    /// now; false when it is not one that does.
    pub(crate) fn put_off(&self, why: String) -> bool {
        let goes_on = self.goes_on();
        if goes_on {
            self.0.brake.stop(Stop::Unrecorded(why));
        }
        goes_on
    }

    /// Stops the connector at a write whose outcome nobody knows.
    pub(crate) fn stop_in_doubt(&self, slot: &Slot, call: &Call) {
        self.0.brake.stop(Stop::Doubt(Doubt {
            seq: slot.seq,
            what: call.what.clone(),
        }));
    }

    /// The writes of which nobody knows whether they happened, and which may
    /// not be made again.
    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        let state = self.state();
        let open = state.open.iter().filter(|(_, call)| !call.repeatable);
        let open = open.map(|(seq, call)| Doubt {
            seq: *seq,
            what: call.what.clone(),
        });
        let mut doubts: Vec<_> = open.chain(state.shaky.iter().cloned()).collect();
        doubts.sort_by_key(|doubt| doubt.seq);
        doubts.dedup();
        doubts
    }

    /// Something that the host finds out once for an attempt, before it calls
    /// the connector: the same again on replay. None when the attempt is being
    /// stopped.
    pub(crate) async fn once<T: Serialize + DeserializeOwned, E>(
        &self,
        what: &str,
        find_out: impl Future<Output = Result<T, E>>,
    ) -> Result<Option<T>, E> {
        let slot = self.slot();
        let call = Call::new(what.to_owned(), &());
        if let Found::Answered(known) = self.find(&slot, &call) {
            match serde_json::from_slice(&known) {
                Ok(known) => return Ok(Some(known)),
                Err(error) => self.diverged(format!("{what}: {error}")),
            }
        }
        if self.0.brake.why().is_some() {
            return Ok(None);
        }
        let found = find_out.await?;
        let sealed = self.seal(&found);
        Ok(self.answered(&slot, &call, sealed).await.then_some(found))
    }

    /// The answer of the connector, if it gave one before the attempt was
    /// interrupted: then it is not called again.
    pub(crate) fn answer<T: DeserializeOwned>(&self) -> Option<T> {
        let state = self.state();
        let outcome = state.known.get(&ANSWER)?.outcome.as_ref()?;
        match serde_json::from_slice(outcome) {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.diverged(format!("the answer of the connector: {error}"));
                None
            }
        }
    }

    /// Keeps the answer of the connector, before the host does what follows
    /// from it.
    pub(crate) async fn keep_answer(&self, answer: &impl Serialize) -> bool {
        let slot = Slot {
            seq: ANSWER,
            readings: Vec::new(),
        };
        let call = Call {
            write: true,
            ..Call::new("the answer".to_owned(), &())
        };
        self.answered(&slot, &call, self.seal(answer)).await
    }

    /// Whether a write of this kind was begun before the attempt was
    /// interrupted.
    pub(crate) fn began(&self, what: &str) -> bool {
        let state = self.state();
        let mut steps = state.known.values();
        steps.any(|step| step.write && step.what == what)
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
