//! Calling a connector: an instance of its own, and its deadline.

use super::declaration::Step;
use super::error::ended;
use super::job::Answer;
use super::path::Seen;
use super::places::Place;
use super::{Host, Job, RunError, Stop, Usage};
use crate::bindings::koppel::connector::types::RunContext;
use crate::bindings::koppel::loket::journal_runs::ExportMethod;
use crate::config::{Client, Config};
use crate::exports::ExportDir;
use crate::outbound::Hooks;
use crate::platform::{Frozen, Owner};
use crate::registry::Loaded;
use crate::sandbox::{RunLog, State, cpu_used, memory_used};
use crate::sending::Sending;
use crate::session::Session;
use std::pin::{Pin, pin};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;
use wasmtime::Store;
use wasmtime::component::Instance;

/// What a call of a connector takes.
pub(super) struct Call<'a> {
    pub(super) client: &'a Client,
    pub(super) session: &'a Arc<Session>,
    pub(super) loaded: &'a Arc<Loaded>,
    pub(super) job: &'a Job,
    pub(super) log: &'a RunLog,
    pub(super) exports: Option<ExportDir>,
    /// What is seen of it besides its answer.
    pub(super) seen: &'a mut Seen,
}

/// What a call of a connector takes place in.
pub(super) struct Guest {
    pub(super) store: Store<State>,
    /// The instance, if it was made ready before.
    pub(super) ready: Option<Instance>,
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
    /// The state of a call, which its guest can reach.
    pub(super) fn state(
        &self,
        session: &Arc<Session>,
        client: &Client,
        log: &RunLog,
        exports: Option<ExportDir>,
        sending: Option<Arc<Sending>>,
    ) -> State {
        let hooks = Hooks::new(
            self.egress.clone(),
            session.clone(),
            log.clone(),
            client.limits,
            sending,
        );
        State::new(session.clone(), client.limits, log.clone(), exports, hooks)
    }

    /// What a call with this state takes place in, for which there is a place. It
    /// is never that of another call.
    pub(super) fn guest(&self, client: &Client, loaded: &Arc<Loaded>, state: State) -> Guest {
        match self.ready.take(client, loaded) {
            Some(prepared) => {
                let (store, instance) = prepared.with(state);
                Guest {
                    store,
                    ready: Some(instance),
                }
            }
            None => Guest {
                store: self.sandbox.store(state, &client.limits),
                ready: None,
            },
        }
    }

    /// Makes instances ready for the next calls of a client, if it is to have
    /// any.
    pub(super) fn make_ready(&self, config: &Config, client: &Client, loaded: &Arc<Loaded>) {
        if client.ready == 0 {
            return;
        }
        let session = self.session(Uuid::nil(), &client.name, "", Owner::default());
        // Whatever it asks for has to wait for a run.
        session.journal.brake().stop(Stop::Leaving);
        let session = Arc::new(session);
        let state = || self.state(&session, client, &RunLog::new(0), None, None);
        self.ready
            .fill(&self.sandbox, config, client, loaded, state);
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
        let state = self.state(call.session, call.client, call.log, exports, sending);
        if let (Some(witness), Some(seed)) = (&self.witness, call.session.journal.seed()) {
            witness.called(call.session.run, seed, frozen);
        }
        let began = Instant::now();
        let mut guest = None;
        let called = {
            let answer = pin!(self.answer(&mut guest, state, call, &context, frozen));
            braked(call.session, call.client.limits.deadline_ms, answer).await
        };
        call.seen.connector = began.elapsed();
        call.seen.memory = guest.as_ref().map_or(0, |guest| memory_used(&guest.store));
        if let Some(witness) = &self.witness {
            let usage = Usage {
                memory_bytes: call.seen.memory,
                cpu: guest
                    .as_ref()
                    .map_or(Duration::ZERO, |guest| cpu_used(&guest.store)),
                elapsed: call.seen.connector,
            };
            let answer = called.as_ref().ok();
            let answer = answer.and_then(|answer| serde_json::to_vec(answer).ok());
            witness.ended(call.session.run, answer.as_deref(), usage);
        }
        // Files that were not finished go with the store, before the outcome
        // is recorded.
        drop(guest);
        called
    }

    async fn answer(
        &self,
        guest: &mut Option<Guest>,
        state: State,
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
        let Guest { store, ready } = guest.insert(self.guest(client, loaded, state));
        let connector = crate::kinds::instance(store, loaded, ready.take())
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
    mut answer: Pin<&mut impl Future<Output = Result<Answer, RunError>>>,
) -> Result<Answer, RunError> {
    let brake = session.journal.brake();
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
