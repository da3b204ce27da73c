//! Runs: one call of a connector, from its request to its recorded outcome.

mod answers;
mod call;
mod canonical;
mod checks;
mod claim;
mod declaration;
mod direct;
mod error;
mod job;
mod modules;
mod outcome;
mod path;
mod people;
pub(crate) mod replay;
pub(crate) mod throttle;
mod trace;
mod worker;

pub use claim::Release;
pub use error::{NotEmbedded, RunError, StartError};
pub use job::{Job, Output, RunReport, RunRequest};
pub use modules::{Actor, ModuleListing, SwitchError, Switched};
pub use people::{OutsideReply, RunsError, Verdict};
pub use replay::Stop;
pub use trace::{Performed, Trace};
pub use worker::Working;

use crate::bindings::koppel::connector::types::Description;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::config::{Config, Live};
use crate::desk::Desk;
use crate::durable::{Clock, LocalQueue, RunQueue, RunStore, Sqlite, SystemClock};
use crate::egress::{Egress, Resolve};
use crate::exports::ExportDir;
use crate::ledger::{Ledger, Redactor};
use crate::platform::{Embedded, Entity, Loket, Owner, Platform};
use crate::registry::{LoadError, Loaded, Registry};
use crate::sandbox::{LimitReached, RunLog, Sandbox};
use crate::session::Session;
use answers::Answers;
use error::ended;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use throttle::Throttle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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
    slots: Semaphore,
    answers: Answers,
    runs: Arc<dyn RunStore>,
    queue: Arc<dyn RunQueue>,
    /// What runs of this process are held by.
    holder: Uuid,
    clock: Arc<dyn Clock>,
    throttle: Arc<Throttle>,
    /// Cancelled when runs are to be interrupted because the process ends.
    leaving: CancellationToken,
}

impl Host {
    /// Starts a host on a configuration.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start(config: Config, resolver: Arc<dyn Resolve>) -> Result<Self, StartError> {
        Self::start_at(config, resolver, Arc::new(SystemClock))
    }

    /// As [`Host::start`], by another clock.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start_at(
        config: Config,
        resolver: Arc<dyn Resolve>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let redactor = Redactor::default();
        let ledger = Ledger::open(&config.ledger, redactor.clone())?;
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
        let kept = Sqlite::open(&config.runs)?;
        let queue = LocalQueue::new(kept.clone())?;
        let holder = queue.holder();
        let runs: Arc<dyn RunStore> = Arc::new(kept);
        Ok(Self {
            throttle: Arc::new(Throttle::new(runs.clone(), clock.clone())),
            runs,
            queue: Arc::new(queue),
            holder,
            clock,
            leaving: CancellationToken::new(),
            sandbox: Sandbox::new().map_err(StartError::Engine)?,
            registry: Registry::default(),
            platform,
            embedded,
            ledger,
            egress: Arc::new(Egress::new(resolver).map_err(StartError::Engine)?),
            exports: Mutex::default(),
            answers: Answers::default(),
            slots: Semaphore::new(crate::sandbox::POOL as usize / 2),
            live: Live::new(config),
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
        let mut store = self.store(&session, client, &RunLog::new(0), None, None);
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
            trace: Trace::default(),
            journal: replay::Journal::off(),
            throttle: self.throttle.clone(),
        }
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
        Ok(owner.map(|owner| Desk::new(self.session(Uuid::now_v7(), client, user, owner))))
    }
}
