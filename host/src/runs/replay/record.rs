//! Writing the journal: what is about to be done, and what came of it.

use super::Stop;
use super::journal::{ANSWER, Call, Found, Journal, PENDING, READ, Sealed, Slot, seen};
use crate::durable::{Doubt, Step, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;

impl Journal {
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
                let clean = kept.redactor.without(&answer);
                Sealed {
                    redacted: clean.is_some(),
                    answer: clean.unwrap_or(answer),
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
        let mut step = Self::step(slot, call, Some(answer.answer));
        if let Some((run, witness)) = &self.0.witness
            && step.seq != ANSWER
        {
            witness.answered(*run, &step);
        }
        if call.again
            && let Some(outcome) = &mut step.outcome
        {
            let mut state = self.state();
            if state.kept > READ {
                *outcome = seen(outcome);
            } else {
                state.kept += outcome.len();
            }
        }
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
        match kept.keeping.record(kept.fence, steps).await {
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
}
