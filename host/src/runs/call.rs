//! Calling a connector: an instance of its own, and its deadline.

use super::declaration::Step;
use super::error::ended;
use super::job::Answer;
use super::places::Place;
use super::{Host, Job, RunError, Stop, Usage};
use crate::bindings::koppel::connector::types::RunContext;
use crate::bindings::koppel::loket::journal_runs::ExportMethod;
use crate::config::Client;
use crate::exports::ExportDir;
use crate::outbound::Hooks;
use crate::platform::Frozen;
use crate::registry::Loaded;
use crate::sandbox::{RunLog, State, cpu_used, memory_used};
use crate::sending::Sending;
use crate::session::Session;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use wasmtime::Store;

/// What a call of a connector takes.
pub(super) struct Call<'a> {
    pub(super) client: &'a Client,
    pub(super) session: &'a Arc<Session>,
    pub(super) loaded: &'a Loaded,
    pub(super) job: &'a Job,
    pub(super) log: &'a RunLog,
    pub(super) exports: Option<ExportDir>,
    /// The most linear memory that it used, in bytes.
    pub(super) memory: &'a mut usize,
}

impl Call<'_> {
    /// How the connector lets a journal run leave: what it does not import, it
    /// cannot do.
    pub(super) fn method(&self) -> ExportMethod {
        let inspection = &self.loaded.inspection;
        if inspection.exports && !inspection.http {
            ExportMethod::Download
        } else {
            ExportMethod::Send
        }
    }
}

impl Host {
    pub(super) fn store(
        &self,
        session: &Arc<Session>,
        client: &Client,
        log: &RunLog,
        exports: Option<ExportDir>,
        sending: Option<Arc<Sending>>,
    ) -> Store<State> {
        let hooks = Hooks::new(
            self.egress.clone(),
            session.clone(),
            log.clone(),
            client.limits,
            sending,
        );
        let state = State::new(session.clone(), client.limits, log.clone(), exports, hooks);
        self.sandbox.store(state, &client.limits)
    }

    /// Calls the connector in an instance of its own, within its deadline.
    pub(super) async fn call(
        &self,
        call: &mut Call<'_>,
        step: Option<&Step>,
    ) -> Result<Answer, RunError> {
        let frozen = step.and_then(Step::frozen);
        let sending = step.and_then(Step::sending);
        self.call_with(call, frozen, sending).await
    }

    /// As [`Self::call`]: `frozen` is the message that the connector is to send,
    /// and `sending` lets it leave.
    pub(super) async fn call_with(
        &self,
        call: &mut Call<'_>,
        frozen: Option<&Frozen>,
        sending: Option<Arc<Sending>>,
    ) -> Result<Answer, RunError> {
        let context = RunContext {
            run_id: call.session.run.to_string(),
            employer_id: call.session.employer.to_string(),
            settings: call.client.settings.to_string(),
        };
        let exports = call.exports.take();
        let began = Instant::now();
        if let (Some(witness), Some(seed)) = (&self.witness, call.session.journal.seed()) {
            witness.called(call.session.run, seed, frozen);
        }
        let mut store = self.store(call.session, call.client, call.log, exports, sending);
        let called = {
            let answer = self.answer(&mut store, call, &context, frozen);
            braked(call.session, call.client.limits.deadline_ms, answer).await
        };
        *call.memory = memory_used(&store);
        if let Some(witness) = &self.witness {
            let usage = Usage {
                memory_bytes: *call.memory,
                cpu: cpu_used(&store),
                elapsed: began.elapsed(),
            };
            let answer = called.as_ref().ok();
            let answer = answer.and_then(|answer| serde_json::to_vec(answer).ok());
            witness.ended(call.session.run, answer.as_deref(), usage);
        }
        // Files that were not finished go with the store, before the outcome
        // is recorded.
        drop(store);
        called
    }

    async fn answer(
        &self,
        store: &mut Store<State>,
        call: &Call<'_>,
        context: &RunContext,
        frozen: Option<&Frozen>,
    ) -> Result<Answer, RunError> {
        let Call {
            client,
            loaded,
            job,
            ..
        } = *call;
        let _place = self.place(client).await?;
        let connector = crate::kinds::instantiate(store, loaded)
            .await
            .map_err(ended)?;
        let answered = job.perform(&connector, store, context, frozen).await?;
        answered.map_err(RunError::Connector)
    }

    /// A place for an instance. More runs than there are places for wait here,
    /// within their deadlines.
    pub(super) async fn place(&self, client: &Client) -> Result<Place<'_>, RunError> {
        let place = self.places.take(&client.name, client.limits.runs).await;
        place.map_err(|error| RunError::Host(error.to_string()))
    }

    pub(super) fn export_dir(&self, client: &Client) -> Result<Option<ExportDir>, RunError> {
        let Some(exports) = &client.exports else {
            return Ok(None);
        };
        let key = (exports.directory.clone(), exports.quota_bytes);
        let mut open = self.exports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dir) = open.get(&key) {
            return Ok(Some(dir.clone()));
        }
        let dir = ExportDir::open(&exports.directory, exports.quota_bytes)
            .map_err(|error| RunError::Host(format!("{}: {error}", exports.directory.display())))?;
        open.insert(key, dir.clone());
        Ok(Some(dir))
    }
}

/// The answer of a connector, unless it is stopped before: by its deadline, or
/// from outside. A write that is under way then comes to its end first.
async fn braked(
    session: &Session,
    deadline_ms: u64,
    answer: impl Future<Output = Result<Answer, RunError>>,
) -> Result<Answer, RunError> {
    let brake = session.journal.brake();
    let mut answer = std::pin::pin!(answer);
    let deadline = Duration::from_millis(deadline_ms);
    let called = tokio::select! {
        called = &mut answer => called,
        stop = brake.stopped() => Err(stop.into()),
        () = tokio::time::sleep(deadline) => {
            brake.stop(Stop::Deadline(deadline_ms));
            tokio::select! {
                called = &mut answer => called,
                stop = brake.stopped() => Err(stop.into()),
            }
        }
    };
    match brake.why() {
        // What it answered after that is worth nothing.
        Some(
            stop @ (Stop::Diverged(_)
            | Stop::Doubt(_)
            | Stop::Fenced
            | Stop::Unrecorded(_)
            | Stop::Excess(_)),
        ) => Err(stop.into()),
        _ => called,
    }
}
