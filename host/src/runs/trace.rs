//! What a run did so far, for whoever wants to give its answer again, and for
//! who wants to know which of its grants a client uses.

use crate::authorization::ActivitySet;
use crate::catalogue::{Access, Activity};
use crate::platform::Entity;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What a run performed: an activity, and on what (none: the employer of the
/// run).
pub type Performed = (Activity, Option<Entity>);

/// How many different things are kept. A look-up does a few.
const MOST: usize = 100;

/// Keeps what a run performs.
#[derive(Debug, Default)]
pub struct Trace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    performed: Vec<Performed>,
    spoiled: bool,
    used: ActivitySet,
}

/// What the runs of this process performed, by client. Reading is not in the
/// ledger, so this is all that is known of it.
#[derive(Debug, Default)]
pub(super) struct Used(Mutex<BTreeMap<String, ActivitySet>>);

impl Used {
    /// Notes what a run performed.
    pub(super) fn note(&self, client: &str, trace: &Trace) {
        let used = trace.used();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(client) {
            Some(known) => known.insert_all(&used),
            None => {
                all.insert(client.to_owned(), used);
            }
        }
    }

    /// What the runs of a client performed so far.
    pub(super) fn of(&self, client: &str) -> ActivitySet {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(client).copied().unwrap_or_default()
    }
}

impl Trace {
    /// Notes something that all five checks allowed.
    pub fn performed(&self, activity: Activity, entity: Option<Entity>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.used.insert(activity);
        if state.performed.contains(&(activity, entity)) {
            return;
        }
        // A run that changes something must happen each time that it is asked.
        if activity.row().access == Access::Write || state.performed.len() == MOST {
            state.spoiled = true;
        } else {
            state.performed.push((activity, entity));
        }
    }

    /// The activities that were performed.
    fn used(&self) -> ActivitySet {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.used
    }

    /// Notes that something was denied, refused or failed: what the run answers
    /// then holds for now only.
    pub fn spoil(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.spoiled = true;
    }

    /// All that was performed; none if the answer is not for keeping.
    pub(super) fn of_lasting_answer(&self) -> Option<Vec<Performed>> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!state.spoiled).then(|| state.performed.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::id;
    use uuid::Uuid;

    #[test]
    fn what_was_performed_is_kept_once() {
        let trace = Trace::default();
        assert_eq!(trace.of_lasting_answer(), Some(Vec::new()));
        let employer = Some(Entity::Employer(Uuid::from_u128(1)));
        for _ in 0..200 {
            trace.performed(id::GetEmployerByEmployerId, employer);
            trace.performed(id::GetGeocodeByAddress, None);
        }
        assert_eq!(
            trace.of_lasting_answer(),
            Some(vec![
                (id::GetEmployerByEmployerId, employer),
                (id::GetGeocodeByAddress, None)
            ])
        );
    }

    #[test]
    fn what_the_runs_of_a_client_performed_is_known_of_that_client() {
        let used = Used::default();
        let trace = Trace::default();
        trace.performed(id::GetEmployerByEmployerId, None);
        trace.performed(id::PatchJournalRunByJournalRunId, None);
        used.note("journal", &trace);
        let more = Trace::default();
        more.performed(id::GetGeocodeByAddress, None);
        used.note("journal", &more);
        let of_journal: Vec<_> = used.of("journal").iter().collect();
        assert_eq!(
            of_journal,
            [
                id::GetEmployerByEmployerId,
                id::PatchJournalRunByJournalRunId,
                id::GetGeocodeByAddress
            ]
        );
        assert_eq!(used.of("other"), ActivitySet::default());
    }

    #[test]
    fn an_answer_after_a_write_a_refusal_or_too_much_is_not_for_keeping() {
        let write = Trace::default();
        write.performed(id::PatchJournalRunByJournalRunId, None);
        assert_eq!(write.of_lasting_answer(), None);
        let refused = Trace::default();
        refused.spoil();
        refused.performed(id::GetGeocodeByAddress, None);
        assert_eq!(refused.of_lasting_answer(), None);
        let much = Trace::default();
        for number in 0..=MOST as u128 {
            assert!(much.of_lasting_answer().is_some());
            let employer = Entity::Employer(Uuid::from_u128(number));
            much.performed(id::GetEmployerByEmployerId, Some(employer));
        }
        assert_eq!(much.of_lasting_answer(), None);
    }
}
