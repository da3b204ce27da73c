//! Runs: one call of a connector, from its request to its recorded outcome.

use crate::bindings::exports::koppel::connector::journal::{Delivery, Outcome};
use crate::bindings::koppel::connector::types::{ConnectorError, Description, RunContext};
use crate::config::{Client, Config, Live};
use crate::egress::{Egress, Resolve};
use crate::exports::ExportDir;
use crate::ledger::{Entry, Kind, Ledger, LedgerError, Redactor};
use crate::outbound::Hooks;
use crate::platform::{Embedded, Entity, OpenError, Owner, Platform};
use crate::registry::{LoadError, Loaded, Registry};
use crate::sandbox::{LimitReached, Line, RunLog, Sandbox, State, memory_used};
use crate::session::Session;
use serde::Serialize;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use uuid::Uuid;
use wasmtime::Store;

/// What a connector is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Book or export a journal run (kind journal).
    ProcessJournalRun(Uuid),
    /// Look something up; the query is JSON (kind lookup).
    Lookup(String),
    /// Test the settings and the connection (every kind).
    Check,
}

/// A request for a run.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The client.
    pub client: String,
    /// The user on whose behalf it runs.
    pub user: String,
    /// The employer that it is for.
    pub employer: Uuid,
    /// What to do.
    pub job: Job,
}

/// What a connector did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "result")]
pub enum Output {
    /// A journal run left.
    #[serde(rename_all = "kebab-case")]
    JournalRun {
        /// `booked` or `exported`.
        delivery: &'static str,
        /// The reference in the accounting package, or the name of the file.
        reference: String,
        /// How many lines.
        lines: u32,
        /// The sum of the debit amounts, in cents.
        total_cents: i64,
    },
    /// The answer to a query.
    Lookup {
        /// The JSON of the connector.
        answer: serde_json::Value,
    },
    /// The connection works.
    Check {
        /// What the connector says.
        message: String,
    },
}

/// Why a run did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It could not start: the client cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It could not start: the employer does not exist.
    #[error("there is no employer {0}")]
    NoEmployer(Uuid),
    /// It could not start: the connector is of another kind.
    #[error("client \"{client}\" is no connector of kind {wanted}")]
    WrongKind {
        /// The client.
        client: String,
        /// The kind that the job needs.
        wanted: &'static str,
    },
    /// One of the five checks was red, and the connector could not go on.
    #[error(
        "denied by check {check}: {activity}: {reason}\nto allow it, put in the configuration:\n  {line}"
    )]
    Denied {
        /// The red check.
        check: &'static str,
        /// The activity.
        activity: String,
        /// Why.
        reason: String,
        /// The line of the configuration that would allow it.
        line: String,
    },
    /// The connector says that it cannot be done.
    #[error("{}", connector_error(.0))]
    Connector(ConnectorError),
    /// A limit was reached; the connector was ended.
    #[error("the connector was ended: {0}")]
    Limit(LimitReached),
    /// The connector crashed; it was ended.
    #[error("the connector crashed: {0}")]
    Crash(String),
    /// The connector answered something that its kind does not allow.
    #[error("the connector answered what it may not: {0}")]
    BadAnswer(String),
    /// The host cannot do its part.
    #[error("the host failed: {0}")]
    Host(String),
}

fn connector_error(error: &ConnectorError) -> String {
    match error {
        ConnectorError::Denied(denial) => format!("denied {}: {}", denial.activity, denial.reason),
        ConnectorError::InvalidSettings(why) => format!("invalid settings: {why}"),
        ConnectorError::InvalidInput(why) => format!("invalid input: {why}"),
        ConnectorError::Refused(why) => format!("refused: {why}"),
        ConnectorError::OutsideParty(why) => format!("the outside party says: {why}"),
        ConnectorError::Unavailable(Some(seconds)) => {
            format!("not available now; try again in {seconds} s")
        }
        ConnectorError::Unavailable(None) => "not available now; try again later".to_owned(),
        ConnectorError::Other(why) => why.clone(),
    }
}

impl RunError {
    /// A short name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Load(_) => "not-loaded",
            Self::NoEmployer(_) => "no-employer",
            Self::WrongKind { .. } => "wrong-kind",
            Self::Denied { .. } => "denied",
            Self::Connector(_) => "connector",
            Self::Limit(_) => "limit",
            Self::Crash(_) => "crash",
            Self::BadAnswer(_) => "bad-answer",
            Self::Host(_) => "host",
        }
    }
}

/// How a run went.
#[derive(Debug)]
pub struct RunReport {
    /// The run.
    pub run: Uuid,
    /// What came of it.
    pub outcome: Result<Output, RunError>,
    /// Its log.
    pub log: Vec<Line>,
    /// How many lines of log did not fit.
    pub log_dropped: u64,
    /// How long it took.
    pub duration: Duration,
    /// The most linear memory that it used, in bytes.
    pub memory: usize,
}

/// Why the host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The payroll data cannot be opened.
    #[error("payroll data: {0}")]
    Platform(#[from] OpenError),
    /// The ledger cannot be opened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The engine or TLS cannot be set up.
    #[error("{0:#}")]
    Engine(anyhow::Error),
}

/// The host: everything that runs of connectors need.
pub struct Host {
    live: Live,
    sandbox: Sandbox,
    registry: Registry,
    platform: Arc<dyn Platform>,
    embedded: Embedded,
    ledger: Ledger,
    egress: Arc<Egress>,
    exports: Mutex<HashMap<(PathBuf, u64), ExportDir>>,
    slots: Semaphore,
}

impl Host {
    /// Starts a host on a configuration.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start(config: Config, resolver: Arc<dyn Resolve>) -> Result<Self, StartError> {
        let embedded = Embedded::open(&config.data)?;
        let ledger = Ledger::open(&config.ledger, Redactor::default())?;
        Ok(Self {
            sandbox: Sandbox::new().map_err(StartError::Engine)?,
            registry: Registry::default(),
            platform: Arc::new(embedded.clone()),
            embedded,
            ledger,
            egress: Arc::new(Egress::new(resolver).map_err(StartError::Engine)?),
            exports: Mutex::default(),
            slots: Semaphore::new(crate::sandbox::POOL as usize / 2),
            live: Live::new(config),
        })
    }

    /// The configuration in force.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The payroll data, for seeding and importing.
    pub fn embedded(&self) -> &Embedded {
        &self.embedded
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
    pub fn load(&self, client: &str) -> Result<Arc<Loaded>, LoadError> {
        self.registry.load(&self.sandbox, &self.live.now(), client)
    }

    /// What a connector says it is. It is asked on behalf of nobody, so every
    /// activity that it tried meanwhile would be denied.
    ///
    /// # Errors
    ///
    /// When it cannot be loaded, or does not answer.
    pub async fn describe(&self, client: &str) -> Result<Description, RunError> {
        let config = self.live.now();
        let loaded =
            tokio::task::block_in_place(|| self.registry.load(&self.sandbox, &config, client))?;
        let Some(client) = config.client(client) else {
            return Err(LoadError::UnknownClient(client.to_owned()).into());
        };
        let session = Arc::new(self.session(Uuid::now_v7(), &client.name, "", Owner::default()));
        let mut store = self.store(&session, client, &RunLog::new(0), None);
        let described = async {
            let connector = crate::kinds::instantiate(&mut store, &loaded).await?;
            connector.describe(&mut store).await
        };
        let deadline = Duration::from_millis(client.limits.deadline_ms);
        match tokio::time::timeout(deadline, described).await {
            Ok(described) => described.map_err(ended),
            Err(_) => Err(RunError::Limit(LimitReached::Deadline(
                client.limits.deadline_ms,
            ))),
        }
    }

    fn session(&self, run: Uuid, client: &str, user: &str, owner: Owner) -> Session {
        Session {
            run,
            client: client.to_owned(),
            user: user.to_owned(),
            employer: owner.employer,
            provider: owner.provider,
            live: self.live.clone(),
            platform: self.platform.clone(),
            ledger: self.ledger.clone(),
        }
    }

    fn store(
        &self,
        session: &Arc<Session>,
        client: &Client,
        log: &RunLog,
        exports: Option<ExportDir>,
    ) -> Store<State> {
        let hooks = Hooks::new(
            self.egress.clone(),
            session.clone(),
            log.clone(),
            client.limits,
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
        let mut memory = 0;
        let outcome = self.attempt(run, &request, &log, &mut memory).await;
        let (lines, log_dropped) = log.contents();
        RunReport {
            run,
            outcome,
            log: lines,
            log_dropped,
            duration: started.elapsed(),
            memory,
        }
    }

    async fn attempt(
        &self,
        run: Uuid,
        request: &RunRequest,
        log: &RunLog,
        memory: &mut usize,
    ) -> Result<Output, RunError> {
        let config = self.live.now();
        let loaded = tokio::task::block_in_place(|| {
            self.registry.load(&self.sandbox, &config, &request.client)
        })?;
        let client = config
            .client(&request.client)
            .ok_or_else(|| LoadError::UnknownClient(request.client.clone()))?;
        let owner = self
            .platform
            .owner(Entity::Employer(request.employer))
            .await
            .map_err(|error| RunError::Host(format!("{error:?}")))?
            .ok_or(RunError::NoEmployer(request.employer))?;
        let session = Arc::new(self.session(run, &request.client, &request.user, owner));
        let (what, wanted) = match &request.job {
            Job::ProcessJournalRun(id) => (
                format!("process journal run {id}"),
                Some(crate::admission::Kind::Journal),
            ),
            Job::Lookup(_) => ("look up".to_owned(), Some(crate::admission::Kind::Lookup)),
            Job::Check => ("check".to_owned(), None),
        };
        if let Some(wanted) = wanted
            && !loaded.inspection.kinds.contains(&wanted)
        {
            return Err(RunError::WrongKind {
                client: request.client.clone(),
                wanted: wanted.interface(),
            });
        }
        self.note(&session, Kind::RunStarted, &what, None).await?;
        let exports = self.export_dir(client)?;
        let context = RunContext {
            run_id: run.to_string(),
            employer_id: owner.employer.to_string(),
            settings: client.settings.to_string(),
        };
        let mut store = self.store(&session, client, log, exports);
        let called = {
            let deadline = Duration::from_millis(client.limits.deadline_ms);
            let called = self.call(&mut store, &loaded, &context, &request.job);
            match tokio::time::timeout(deadline, called).await {
                Ok(called) => called,
                Err(_) => Err(RunError::Limit(LimitReached::Deadline(
                    client.limits.deadline_ms,
                ))),
            }
        };
        *memory = memory_used(&store);
        // Files that were not finished go with the store, before the outcome
        // is recorded.
        drop(store);
        let called = called.map_err(|error| self.with_line(&session, error));
        let (outcome, reason) = match &called {
            Ok(_) => ("succeeded", None),
            Err(error) => (error.code(), Some(error.to_string())),
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

    /// Adds to a denial that ended a run the line that would allow it.
    fn with_line(&self, session: &Session, error: RunError) -> RunError {
        let RunError::Connector(ConnectorError::Denied(denial)) = error else {
            return error;
        };
        // The guest passes the denial on, so its word is not taken for it.
        let question = crate::catalogue::Activity::find(&denial.activity).map(|activity| {
            crate::authorization::Question {
                client: &session.client,
                user: &session.user,
                activity,
                scope: session.employer,
                employer: session.employer,
                provider: session.provider,
            }
        });
        let line = question.and_then(|question| {
            self.live
                .with(|config| config.grants.line_to_add(&question))
        });
        RunError::Denied {
            check: crate::authorization::name(denial.check),
            activity: denial.activity,
            reason: denial.reason,
            line: line.unwrap_or_else(|| "none: it is not about the configuration".to_owned()),
        }
    }

    async fn call(
        &self,
        store: &mut Store<State>,
        loaded: &Loaded,
        context: &RunContext,
        job: &Job,
    ) -> Result<Output, RunError> {
        // More runs than the pool holds wait here, within their deadline.
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|error| RunError::Host(error.to_string()))?;
        let world = crate::kinds::instantiate(store, loaded)
            .await
            .map_err(ended)?;
        let answered = match job {
            Job::ProcessJournalRun(id) => {
                let id = id.to_string();
                let answer = world.journal(store, context, &id).await.map_err(ended)?;
                answer.map(journal_output)
            }
            Job::Lookup(query) => {
                let answer = world.lookup(store, context, query).await.map_err(ended)?;
                match answer {
                    Ok(answer) => Ok(lookup_output(&answer)?),
                    Err(error) => Err(error),
                }
            }
            Job::Check => {
                let answer = world.check(store, context).await.map_err(ended)?;
                answer.map(|message| Output::Check { message })
            }
        };
        answered.map_err(RunError::Connector)
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

fn journal_output(outcome: Outcome) -> Output {
    Output::JournalRun {
        delivery: match outcome.delivery {
            Delivery::Booked => "booked",
            Delivery::Exported => "exported",
        },
        reference: outcome.reference,
        lines: outcome.lines,
        total_cents: outcome.total,
    }
}

fn lookup_output(answer: &str) -> Result<Output, RunError> {
    match serde_json::from_str(answer) {
        Ok(answer) => Ok(Output::Lookup { answer }),
        Err(error) => Err(RunError::BadAnswer(format!(
            "its answer is not JSON: {error}"
        ))),
    }
}

/// Sorts out why a guest ended.
fn ended(error: wasmtime::Error) -> RunError {
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        return RunError::Limit(*limit);
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => RunError::Crash(trap.to_string()),
        None => RunError::Crash(
            error
                .chain()
                .map(ToString::to_string)
                // The backtrace is of use to the connector's developer only
                // with symbols; the causes are of use to all.
                .filter(|text| !text.starts_with("error while executing"))
                .collect::<Vec<_>>()
                .join(": "),
        ),
    }
}
