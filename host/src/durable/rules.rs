//! What the state of a run allows, and what becomes of it: the same in every
//! store.

use super::{Decision, End, Ended, Millis, Run, State, StoreError};
use uuid::Uuid;

/// How a run is cancelled.
pub(super) enum Cancelling {
    /// Whoever has it, or takes it up, ends what it has begun.
    Asked,
    /// Nothing of it was begun.
    AtOnce,
    /// It is.
    Already,
}

/// What a decision makes of a run.
pub(super) enum Deciding<'a> {
    /// It is over.
    Over,
    /// Its attempt goes on, with this outcome of the writes in doubt; with none,
    /// they did not happen.
    GoesOn(Option<&'a [u8]>),
    /// It begins anew, and these writes are not made.
    Anew(Vec<String>),
}

/// Where a run stands after an attempt.
pub(super) struct Standing {
    pub(super) state: State,
    /// From when it may be taken up, if that is another moment now.
    pub(super) due: Option<Millis>,
    /// Whether the attempt goes on by replay.
    pub(super) open: bool,
}

impl Run {
    fn refused(&self, done: &'static str, hint: String) -> StoreError {
        StoreError::State {
            run: self.id,
            done,
            state: self.state,
            hint,
        }
    }

    /// Whether its attempt is open, so that it goes on with that.
    pub(super) fn goes_on(&self) -> bool {
        self.state == State::Running || self.interrupted
    }

    /// How it may be cancelled.
    pub(super) fn cancelling(&self) -> Result<Cancelling, StoreError> {
        match self.state {
            // One that was interrupted may have booked something.
            State::Running | State::Queued if self.goes_on() => Ok(Cancelling::Asked),
            State::Queued => Ok(Cancelling::AtOnce),
            State::Cancelled => Ok(Cancelling::Already),
            State::NeedsAPerson => {
                let hint = format!("; `koppel runs decide {} stop` ends it", self.id);
                Err(self.refused("cancelled", hint))
            }
            _ => Err(self.refused("cancelled", String::new())),
        }
    }

    /// Whether it may be queued again, to begin anew.
    pub(super) fn retrying(&self) -> Result<(), StoreError> {
        match self.state {
            State::Failed | State::Cancelled | State::Dead => Ok(()),
            State::NeedsAPerson if self.doubts.is_empty() => Ok(()),
            State::NeedsAPerson => {
                let hint = format!(
                    "; say what became of the write in doubt: `koppel runs decide {} happened|did-not-happen|stop`",
                    self.id
                );
                Err(self.refused("retried", hint))
            }
            _ => Err(self.refused("retried", String::new())),
        }
    }

    /// What a decision of a person makes of it.
    pub(super) fn deciding<'a>(&self, decision: &'a Decision) -> Result<Deciding<'a>, StoreError> {
        if self.state != State::NeedsAPerson {
            return Err(self.refused("decided", String::new()));
        }
        if self.doubts.is_empty() && *decision != Decision::Stop {
            let hint = format!(
                ", and no write is in doubt; `koppel runs retry {0}` begins anew, `koppel runs decide {0} stop` ends it",
                self.id
            );
            return Err(self.refused("decided", hint));
        }
        Ok(match decision {
            Decision::Stop => Deciding::Over,
            Decision::DidNotHappen if self.interrupted => Deciding::GoesOn(None),
            Decision::DidNotHappen => Deciding::Anew(self.happened.clone()),
            Decision::Happened(Some(outcome)) if self.interrupted => {
                Deciding::GoesOn(Some(outcome))
            }
            Decision::Happened(Some(_)) => {
                let hint = ", and its connector has ended; decide without one";
                return Err(self.refused("given a reply", hint.to_owned()));
            }
            Decision::Happened(None) => {
                let doubts = self.doubts.iter().map(|doubt| doubt.what.clone());
                Deciding::Anew(self.happened.iter().cloned().chain(doubts).collect())
            }
        })
    }
}

impl End {
    /// Where the run stands after it.
    pub(super) fn standing(&self) -> Standing {
        let (state, due, open) = match self.to {
            Ended::Over(state) => (state, None, false),
            Ended::Person { open } => (State::NeedsAPerson, None, open),
            Ended::Again { due } => (State::Queued, Some(due), false),
            Ended::Suspended { due } => (State::Queued, Some(due), true),
        };
        Standing { state, due, open }
    }

    /// What the attempt is known to have come to.
    pub(super) fn outcome(&self) -> &str {
        match &self.error {
            Some(error) => &error.code,
            None => State::Succeeded.name(),
        }
    }
}

/// What the random numbers of an attempt are made from.
pub(super) fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    // Two UUIDs of version 4 hold 244 random bits of the generator of the process:
    // ChaCha, which the operating system seeds.
    seed[..16].copy_from_slice(Uuid::new_v4().as_bytes());
    seed[16..].copy_from_slice(Uuid::new_v4().as_bytes());
    seed
}
