//! Runs: one call of a connector, from its request to its recorded outcome.

mod answers;
mod canonical;
mod claim;
mod declaration;
mod error;
mod job;
mod modules;
mod places;
mod trace;

pub use claim::Release;
pub use error::{NotEmbedded, RunError, StartError};
pub use job::{Job, Output, RunReport, RunRequest};
pub(crate) use modules::known_modules;
pub use modules::{Actor, ModuleListing, SwitchError, Switched};
pub use trace::{Performed, Trace};

use crate::bindings::koppel::connector::types::{ConnectorError, Description, RunContext};
use crate::bindings::koppel::loket::journal_runs::ExportMethod;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::Activity;
use crate::config::{Client, Config, Live};
use crate::desk::Desk;
use crate::egress::{Egress, Resolve};
use crate::exports::ExportDir;
use crate::ledger::{Entry, Filter, Kind, Ledger, Redactor};
use crate::outbound::Hooks;
use crate::platform::{Embedded, Entity, Loket, Owner, Platform, in_words};
use crate::registry::{Compiled, LoadError, Loaded, Registry};
use crate::sandbox::{LimitReached, RunLog, Sandbox, State, memory_used};
use crate::sending::Sending;
use crate::session::{NO_LINE, Session};
use answers::Answers;
use claim::Claim;
use declaration::Step;
pub(crate) use declaration::check_message;
use error::ended;
use job::Answer;
use places::{Place, Places};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;
use wasmtime::Store;

/// The host: everything that runs of connectors need.
pub struct Host {
    live: Live,
    sandbox: Sandbox,
    registry: Registry,
    platform: Arc<dyn Platform>,
    embedded: Result<Embedded, NotEmbedded>,
    ledger: Ledger,
    egress: Arc<Egress>,
    exports: Mutex<HashMap<(PathBuf, u64), ExportDir>>,
    places: Places,
    answers: Answers,
}

/// The most that the ledger keeps of why a run failed, in bytes.
const OUTCOME_BYTES: usize = 8 << 10;

/// What is seen of a run besides its outcome.
#[derive(Default)]
struct Seen {
    /// The most linear memory that it used, in bytes.
    memory: usize,
    /// The run whose answer was given again.
    cached: Option<Uuid>,
}

/// What a call of a connector takes.
struct Call<'a> {
    client: &'a Client,
    session: &'a Arc<Session>,
    loaded: &'a Loaded,
    job: &'a Job,
    log: &'a RunLog,
    exports: Option<ExportDir>,
    /// The most linear memory that it used, in bytes.
    memory: &'a mut usize,
}

impl Call<'_> {
    /// How the connector lets a journal run leave: what it does not import, it
    /// cannot do.
    fn method(&self) -> ExportMethod {
        let inspection = &self.loaded.inspection;
        if inspection.exports && !inspection.http {
            ExportMethod::Download
        } else {
            ExportMethod::Send
        }
    }
}

impl Host {
    /// Starts a host on a configuration.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start(config: Config, resolver: Arc<dyn Resolve>) -> Result<Self, StartError> {
        Self::start_with(config, resolver, Redactor::default())
    }

    /// As [`Host::start`], with a redactor that others use as well. It is told
    /// each secret before it is used.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start_with(
        config: Config,
        resolver: Arc<dyn Resolve>,
        redactor: Redactor,
    ) -> Result<Self, StartError> {
        let ledger = Ledger::open(&config.ledger, redactor.clone())?;
        // As it is in force at each denial.
        let live = Live::new(config);
        let ledger = ledger.with_alarms({
            let live = live.clone();
            move || live.with(|config| config.alarms.denials)
        });
        let config = live.now();
        let (platform, embedded): (Arc<dyn Platform>, _) = match &config.upstream {
            None => {
                let embedded = Embedded::open(&config.data)?;
                (Arc::new(embedded.clone()), Ok(embedded))
            }
            Some(upstream) => {
                let tls = crate::egress::tls::config().map_err(StartError::Engine)?;
                let loket = Loket::new(upstream, tls, redactor).map_err(StartError::Upstream)?;
                let elsewhere = NotEmbedded(upstream.base_url.to_string());
                (Arc::new(loket), Err(elsewhere))
            }
        };
        let sandbox = Sandbox::new().map_err(StartError::Engine)?;
        let compiled =
            Compiled::open(&config.compiled, sandbox.engine()).map_err(StartError::Compiled)?;
        Ok(Self {
            sandbox,
            registry: Registry::on_disk(compiled),
            platform,
            embedded,
            ledger,
            egress: Arc::new(Egress::new(resolver).map_err(StartError::Engine)?),
            exports: Mutex::default(),
            answers: Answers::default(),
            places: Places::new(crate::sandbox::RUNS as usize),
            live,
        })
    }

    /// The configuration in force.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The payroll data, for seeding and importing.
    ///
    /// # Errors
    ///
    /// When it is not koppel's own.
    pub fn embedded(&self) -> Result<&Embedded, NotEmbedded> {
        self.embedded.as_ref().map_err(Clone::clone)
    }

    /// The payroll data, as activities see it.
    pub fn platform(&self) -> &dyn Platform {
        self.platform.as_ref()
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The sandbox.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Loads the component of a client, or says why it may not run.
    ///
    /// # Errors
    ///
    /// See [`LoadError`].
    pub async fn load(&self, client: &str) -> Result<Arc<Loaded>, LoadError> {
        let config = self.live.now();
        self.registry.load(&self.sandbox, &config, client).await
    }

    /// What a connector says it is. It is asked on behalf of nobody, so every
    /// activity that it tried meanwhile would be denied.
    ///
    /// # Errors
    ///
    /// When it cannot be loaded, or does not answer.
    pub async fn describe(&self, client: &str) -> Result<Description, RunError> {
        let config = self.live.now();
        let loaded = self.registry.load(&self.sandbox, &config, client).await?;
        let Some(client) = config.client(client) else {
            return Err(LoadError::UnknownClient(client.to_owned()).into());
        };
        let session = Arc::new(self.session(Uuid::now_v7(), &client.name, "", Owner::default()));
        let mut store = self.store(&session, client, &RunLog::new(0), None, None);
        let described = async {
            let _place = self.place(client).await?;
            let connector = crate::kinds::instantiate(&mut store, &loaded)
                .await
                .map_err(ended)?;
            connector.describe(&mut store).await.map_err(ended)
        };
        let deadline = Duration::from_millis(client.limits.deadline_ms);
        match tokio::time::timeout(deadline, described).await {
            Ok(described) => described,
            Err(_) => Err(RunError::Limit(LimitReached::Deadline(
                client.limits.deadline_ms,
            ))),
        }
    }

    pub(crate) fn session(&self, run: Uuid, client: &str, user: &str, owner: Owner) -> Session {
        Session {
            run,
            client: client.to_owned(),
            user: user.to_owned(),
            employer: owner.employer,
            provider: owner.provider,
            live: self.live.clone(),
            platform: self.platform.clone(),
            ledger: self.ledger.clone(),
            denied: Mutex::default(),
            denials: AtomicUsize::new(0),
            trace: Trace::default(),
        }
    }

    fn store(
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

    /// Runs a connector once, in an instance of its own. What happened is in
    /// the ledger before this returns. Never panics or stalls because of the
    /// connector.
    pub async fn run(&self, request: RunRequest) -> RunReport {
        let started = Instant::now();
        let run = Uuid::now_v7();
        let log = RunLog::new(self.live.with(|config| {
            config
                .client(&request.client)
                .map_or(0, |client| client.limits.log_bytes)
        }));
        let mut seen = Seen::default();
        let outcome = self.attempt(run, &request, &log, &mut seen).await;
        let (mut lines, log_dropped) = log.contents();
        // No secret is given to a connector. What it got hold of all the same
        // goes no further.
        for line in &mut lines {
            let text = std::mem::take(&mut line.text);
            line.text = self.ledger.redactor().text(text);
        }
        RunReport {
            run,
            outcome,
            log: lines,
            log_dropped,
            duration: started.elapsed(),
            memory: seen.memory,
            cached: seen.cached,
        }
    }

    async fn attempt(
        &self,
        run: Uuid,
        request: &RunRequest,
        log: &RunLog,
        seen: &mut Seen,
    ) -> Result<Output, RunError> {
        let config = self.live.now();
        let loaded = self
            .registry
            .load(&self.sandbox, &config, &request.client)
            .await?;
        let client = config
            .client(&request.client)
            .ok_or_else(|| LoadError::UnknownClient(request.client.clone()))?;
        let owner = match self.owner(request.employer).await {
            Ok(owner) => owner,
            Err(error) => return Err(self.refused(run, request, error).await),
        };
        let session = Arc::new(self.session(run, &request.client, &request.user, owner));
        if let Some(wanted) = request.job.kind()
            && !loaded.inspection.kinds.contains(&wanted)
        {
            return Err(RunError::WrongKind {
                client: request.client.clone(),
                wanted: wanted.interface(),
            });
        }
        self.known_order(request).await?;
        // Whatever can fail before the connector is called comes before the
        // run is noted as started, which its end must follow.
        let exports = self.export_dir(client)?;
        self.note(&session, Kind::RunStarted, &request.job.to_string(), None)
            .await?;
        let question = match &request.job {
            Job::Lookup(query) => {
                let employer = owner.employer;
                self.answers.question(client, &loaded, employer, query)
            }
            _ => None,
        };
        if let Some(question) = &question
            && let Some(answer) = question.find(&session).await
        {
            let whence = format!("answered from the cache; run {} looked it up", answer.run);
            self.note(&session, Kind::RunFinished, "succeeded", Some(whence))
                .await?;
            seen.cached = Some(answer.run);
            let answer = answer.value.clone();
            return Ok(Output::Lookup { answer });
        }
        let mut call = Call {
            client,
            session: &session,
            loaded: &loaded,
            job: &request.job,
            log,
            exports,
            memory: &mut seen.memory,
        };
        let called = match request.job {
            Job::ProcessJournalRun(journal_run) => {
                let method = call.method();
                match Claim::take(&session, journal_run, method).await {
                    Ok(claim) => {
                        let called = self.call(&mut call, None).await;
                        claim.settle(called.and_then(Answer::output)).await
                    }
                    Err(error) => Err(error),
                }
            }
            Job::CreateDeclaration(id) | Job::SubmitDeclaration(id) | Job::PollDeclaration(id) => {
                self.declare(&mut call, id).await
            }
            Job::Lookup(_) | Job::Quote(_) | Job::Order { .. } | Job::Cancel(_) | Job::Check => {
                let called = self.call(&mut call, None).await;
                called.and_then(Answer::output)
            }
        };
        let called = match called {
            Ok(output) => Ok(output),
            Err(error) => Err(self.with_line(&session, error).await),
        };
        if let (Some(question), Ok(Output::Lookup { answer })) = (&question, &called) {
            question.keep(&session, answer);
        }
        let (outcome, reason) = match &called {
            Ok(_) => ("succeeded", None),
            // The words may be the connector's own, and it has many.
            Err(error) => (
                error.code(),
                Some(crate::text::clipped(&error.to_string(), OUTCOME_BYTES)),
            ),
        };
        self.note(&session, Kind::RunFinished, outcome, reason)
            .await?;
        called
    }

    async fn note(
        &self,
        session: &Session,
        kind: Kind,
        summary: &str,
        outcome: Option<String>,
    ) -> Result<(), RunError> {
        let entry = Entry {
            outcome,
            ..Entry::new(session.context(), kind, summary.to_owned())
        };
        match self.ledger.append(entry).await {
            Ok(_) => Ok(()),
            Err(error) => Err(RunError::Host(error.to_string())),
        }
    }

    /// Whether an order that is to be placed again or cancelled is one of this
    /// client for this employer: an order-id of someone else opens nothing.
    async fn known_order(&self, request: &RunRequest) -> Result<(), RunError> {
        let Some(order) = request.job.earlier_order() else {
            return Ok(());
        };
        // The order-id is the identifier of the run that placed the order.
        let placed = Filter {
            kinds: vec![Kind::RunStarted],
            client: Some(request.client.clone()),
            employer: Some(request.employer),
            run: Some(order),
            ..Filter::default()
        };
        let rows = self.ledger.rows(placed).await;
        let rows = rows.map_err(|error| RunError::Host(error.to_string()))?;
        if rows.iter().any(|row| row.summary == job::ORDER) {
            Ok(())
        } else {
            Err(RunError::NoOrder {
                order,
                client: request.client.clone(),
                employer: request.employer,
            })
        }
    }

    /// Adds to a denial that ended a run the line that would allow it.
    async fn with_line(&self, session: &Session, error: RunError) -> RunError {
        let denial = match error {
            RunError::Connector(ConnectorError::Denied(denial)) => denial,
            // A denied request reaches a connector as a code, of which it
            // makes an error without a name.
            RunError::Connector(ConnectorError::Other(_)) => {
                let last = session
                    .denied
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                match last.clone() {
                    Some(denial) => denial,
                    None => return error,
                }
            }
            _ => return error,
        };
        let line = session.line_to_add(&denial).await;
        RunError::Denied {
            check: crate::authorization::name(denial.check),
            activity: denial.activity,
            reason: denial.reason,
            line,
        }
    }

    /// Does something with a declaration: what must hold before, the call of
    /// the connector, and what follows from its answer.
    async fn declare(&self, call: &mut Call<'_>, declaration: Uuid) -> Result<Output, RunError> {
        let (session, job) = (call.session.clone(), call.job.clone());
        let deadline_ms = call.client.limits.deadline_ms;
        let step = self.step(&session, &job, declaration, deadline_ms).await?;
        let called = self.call(call, Some(&step)).await;
        self.follow(&session, &step, called).await
    }

    /// A person at work, through an application that is this client, for the
    /// employer that an entity belongs to. None when there is no such entity.
    ///
    /// # Errors
    ///
    /// What the platform says.
    pub async fn desk(
        &self,
        client: &str,
        user: &str,
        of: Entity,
    ) -> Result<Option<Desk>, ActivityError> {
        let owner = self.platform.owner(of).await?;
        Ok(owner
            .map(|owner| Desk::new(Arc::new(self.session(Uuid::now_v7(), client, user, owner)))))
    }

    /// Calls the connector in an instance of its own, within its deadline.
    async fn call(&self, call: &mut Call<'_>, step: Option<&Step>) -> Result<Answer, RunError> {
        let context = RunContext {
            run_id: call.session.run.to_string(),
            employer_id: call.session.employer.to_string(),
            settings: call.client.settings.to_string(),
        };
        let exports = call.exports.take();
        let sending = step.and_then(Step::sending);
        let mut store = self.store(call.session, call.client, call.log, exports, sending);
        let deadline_ms = call.client.limits.deadline_ms;
        let called = {
            let answer = self.answer(&mut store, call, &context, step);
            match tokio::time::timeout(Duration::from_millis(deadline_ms), answer).await {
                Ok(called) => called,
                Err(_) => Err(RunError::Limit(LimitReached::Deadline(deadline_ms))),
            }
        };
        *call.memory = memory_used(&store);
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
        step: Option<&Step>,
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
        let frozen = step.and_then(Step::frozen);
        let answered = job.perform(&connector, store, context, frozen).await?;
        answered.map_err(RunError::Connector)
    }

    /// A place for an instance. More runs than there are places for wait here,
    /// within their deadlines.
    async fn place(&self, client: &Client) -> Result<Place<'_>, RunError> {
        let place = self.places.take(&client.name, client.limits.runs).await;
        place.map_err(|error| RunError::Host(error.to_string()))
    }

    /// Whom an employer belongs to.
    async fn owner(&self, employer: Uuid) -> Result<Owner, RunError> {
        self.platform
            .owner(Entity::Employer(employer))
            .await
            .map_err(|error| match error {
                ActivityError::Denied(denial) => {
                    RunError::Connector(ConnectorError::Denied(denial))
                }
                error => RunError::Host(in_words(&error)),
            })?
            .ok_or(RunError::NoEmployer(employer))
    }

    /// Records a denial of the platform that kept a run from starting.
    async fn refused(&self, run: Uuid, request: &RunRequest, error: RunError) -> RunError {
        let RunError::Connector(ConnectorError::Denied(denial)) = error else {
            return error;
        };
        let owner = Owner {
            employer: request.employer,
            ..Owner::default()
        };
        let session = self.session(run, &request.client, &request.user, owner);
        if let Some(activity) = Activity::find(&denial.activity)
            && session.record_denial(activity, &denial).await.is_err()
        {
            return RunError::Host("the ledger cannot be written".to_owned());
        }
        RunError::Denied {
            check: crate::authorization::name(denial.check),
            activity: denial.activity,
            reason: denial.reason,
            line: NO_LINE.to_owned(),
        }
    }

    fn export_dir(&self, client: &Client) -> Result<Option<ExportDir>, RunError> {
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
