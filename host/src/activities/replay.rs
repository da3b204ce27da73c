//! An activity that a connector performs: answered from the journal of its run,
//! if it was performed before the run was interrupted.

use super::Implementation;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::Access;
use crate::platform::in_words;
use crate::runs::replay::{Call, Found, Journal, Slot, is_seen, seen};
use crate::session::{Fault, Session};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Performs an activity for a connector.
///
/// # Errors
///
/// As for [`Implementation::call`].
pub(super) async fn perform<P, R>(
    implementation: &Implementation<P, R>,
    session: Arc<Session>,
    arguments: P,
) -> Result<Arc<R>, Fault>
where
    P: Serialize,
    R: Serialize + DeserializeOwned,
{
    let activity = implementation.activity;
    let write = activity.row().access == Access::Write;
    let journal = &session.journal;
    if !write && !journal.keeps_reads() {
        return read_once(implementation, &session, arguments).await;
    }
    let call = Call {
        write,
        repeatable: session.platform.repeatable(activity),
        again: !write,
        ..Call::new(activity.id().to_owned(), &arguments)
    };
    let slot = journal.slot();
    let mut before = None;
    match journal.find(&slot, &call) {
        Found::Answered(known) if is_seen(&known) => before = Some(known),
        Found::Answered(known) => {
            let known = read(&known)?;
            noted(journal, &slot, &call, &known);
            return known.map_err(Fault::Guest);
        }
        Found::Stopped => return journal.brake().halt().await,
        Found::Unknown {
            repeatable: false, ..
        } => {
            journal.stop_in_doubt(&slot, &call);
            return journal.brake().halt().await;
        }
        Found::Unknown { .. } | Found::New => {}
    }
    if call.write && journal.happened(&call.what) {
        return Err(ActivityError::Conflict(format!(
            "{activity} is not performed again: a person said that it happened in an earlier attempt"
        ))
        .into());
    }
    let busy = if call.write {
        let Some(busy) = journal.brake().begin() else {
            return journal.brake().halt().await;
        };
        if !journal.intend(&slot, &call).await {
            drop(busy);
            return journal.brake().halt().await;
        }
        Some(busy)
    } else {
        None
    };
    let performed = match implementation.call(&session, arguments).await {
        Ok(result) => Ok(result),
        // The payroll data is there later; the connector need not hear of it.
        Err(Fault::Guest(error @ ActivityError::Unavailable(_)))
            if (!call.write || call.repeatable) && journal.put_off(in_words(&error)) =>
        {
            drop(busy);
            return journal.brake().halt().await;
        }
        Err(Fault::Guest(error)) => Err(error),
        Err(Fault::Host(error)) if journal.put_off(format!("{error:#}")) => {
            drop(busy);
            return journal.brake().halt().await;
        }
        Err(host) => return Err(host),
    };
    noted(journal, &slot, &call, &performed);
    let sealed = journal.seal(&record(&performed));
    let performed = if sealed.redacted {
        read(&sealed.answer)?
    } else {
        performed
    };
    let goes_on = match before {
        Some(before) => {
            let same = seen(&sealed.answer) == before;
            if !same {
                journal.diverged(format!("{} reads something else now", call.what));
            }
            same
        }
        None => journal.answered(&slot, &call, sealed).await,
    };
    drop(busy);
    if !goes_on {
        return journal.brake().halt().await;
    }
    performed.map_err(Fault::Guest)
}

/// Reads for a run that is never replayed: nothing of it is kept.
async fn read_once<P, R>(
    implementation: &Implementation<P, R>,
    session: &Arc<Session>,
    arguments: P,
) -> Result<Arc<R>, Fault>
where
    R: Serialize + DeserializeOwned,
{
    let journal = &session.journal;
    if journal.brake().is_on() {
        return journal.brake().halt().await;
    }
    // Writes keep their places in the order of calls.
    journal.slot();
    let performed = match implementation.call(session, arguments).await {
        Ok(result) => Ok(result),
        Err(Fault::Guest(error)) => Err(error),
        Err(host) => return Err(host),
    };
    if journal.knows_secrets() {
        let sealed = journal.seal(&record(&performed));
        if sealed.redacted {
            return read(&sealed.answer)?.map_err(Fault::Guest);
        }
    }
    performed.map_err(Fault::Guest)
}

/// Notes whether a change was made, or nobody knows.
fn noted<R>(journal: &Journal, slot: &Slot, call: &Call, performed: &Result<R, ActivityError>) {
    match performed {
        Ok(_) => journal.made(call),
        // Another platform may have made it, and the reply was lost.
        Err(ActivityError::Other(_) | ActivityError::Unavailable(_)) => journal.doubt(slot, call),
        Err(_) => {}
    }
}

/// As it is kept.
fn record<R>(performed: &Result<Arc<R>, ActivityError>) -> Result<&R, &ActivityError> {
    performed.as_ref().map(Arc::as_ref)
}

fn read<R: DeserializeOwned>(answer: &[u8]) -> Result<Result<Arc<R>, ActivityError>, Fault> {
    let kept: Result<R, _> = serde_json::from_slice(answer)
        .map_err(|error| Fault::Host(anyhow::anyhow!("the journal cannot be read: {error}")))?;
    Ok(kept.map(Arc::new))
}
