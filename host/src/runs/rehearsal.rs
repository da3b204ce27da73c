//! Calling a connector once more with what it was answered before, to see
//! whether it does the same: what a run that was interrupted depends on.

use super::call::Call;
use super::path::Seen;
use super::replay::Journal;
use super::{Host, RunError, RunRequest, Stop};
use crate::durable::Step;
use crate::platform::Frozen;
use crate::registry::LoadError;
use crate::sandbox::RunLog;
use std::sync::Arc;
use uuid::Uuid;

/// A run that was made, as a [`super::Witness`] saw it.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The run.
    pub run: Uuid,
    /// What was asked.
    pub request: RunRequest,
    /// What its random numbers came from.
    pub seed: [u8; 32],
    /// What it was answered, in order.
    pub steps: Vec<Step>,
    /// How many of the steps the host made before it called the connector.
    pub before: usize,
    /// The message that it was to send, if it was.
    pub frozen: Option<Frozen>,
}

impl Host {
    /// Calls the connector again and answers every call from what it was
    /// answered before; nothing is done. Gives its answer, JSON; none if a clock
    /// was read after the last call, so that the answer may differ.
    ///
    /// # Errors
    ///
    /// [`Stop::Diverged`] when it called something else, with other arguments,
    /// or less or more of it; otherwise how the connector ended.
    pub async fn rehearse(&self, made: &Rehearsal) -> Result<Option<Vec<u8>>, RunError> {
        let config = self.live.now();
        let name = &made.request.client;
        let loaded = self.load(name).await?;
        let client = config
            .client(name)
            .ok_or_else(|| LoadError::UnknownClient(name.clone()))?;
        let owner = self.owner(made.request.employer).await?;
        let journal = Journal::rehearsing(made.seed, &made.steps);
        for _ in 0..made.before {
            journal.slot();
        }
        let mut session = self.session(made.run, name, &made.request.user, owner);
        session.journal = journal.clone();
        let session = Arc::new(session);
        let log = RunLog::new(client.limits.log_bytes);
        let mut seen = Seen::default();
        let mut call = Call {
            client,
            session: &session,
            loaded: &loaded,
            job: &made.request.job,
            log: &log,
            exports: self.export_dir(client)?,
            seen: &mut seen,
        };
        let answer = self
            .call_with(&mut call, made.frozen.as_ref(), None)
            .await?;
        match journal.unused() {
            Some(step) => {
                let why = format!("call {} was {}, and is not made now", step.seq, step.what);
                Err(Stop::Diverged(why).into())
            }
            None if journal.read_on() => Ok(None),
            None => serde_json::to_vec(&answer)
                .map(Some)
                .map_err(|error| RunError::Host(error.to_string())),
        }
    }
}
