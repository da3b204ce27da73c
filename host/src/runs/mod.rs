//! Runs: one call of a connector, from its request to its recorded outcome.

mod answers;
mod call;
mod canonical;
mod checks;
mod claim;
mod declaration;
mod direct;
mod error;
mod grants;
mod job;
mod keeping;
mod modules;
mod outcome;
mod path;
mod people;
mod person;
mod places;
mod rehearsal;
pub(crate) mod replay;
mod retention;
mod rotation;
mod shared;
mod submission;
pub(crate) mod throttle;
mod trace;
mod witness;
mod worker;

pub use crate::shared::Follower;
pub use claim::Release;
pub use error::{NotEmbedded, RunError, StartError};
pub use grants::GrantsState;
pub use job::{Job, Output, RunReport, RunRequest};
pub use modules::{Actor, ModuleListing, SwitchError, Switched};
pub use people::{OutsideReply, RunsError, Verdict};
pub use person::{Asking, Elsewhere, Found, FoundRun, Message, PersonError, Recipient};
pub use rehearsal::Rehearsal;
pub use replay::Stop;
pub use retention::{Applied, RetentionError};
pub use rotation::{Rotated, RotationError};
pub use shared::SharedError;
pub(crate) use shared::pull;
pub(crate) use shared::words;
pub use trace::{Performed, Trace};
pub use witness::{Usage, Witness};
pub use worker::Working;

use crate::admission::Inspection;
use crate::authorization::ActivitySet;
use crate::bindings::koppel::connector::types::Description;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::config::{Client, Config, Live};
use crate::desk::Desk;
use crate::durable::{Clock, RunQueue, RunStore, State, StoreError, SystemClock};
use crate::egress::{Egress, Resolve};
use crate::encryption::Vault;
use crate::exports::ExportDir;
use crate::ledger::{Ledger, Redactor};
use crate::platform::{Embedded, Entity, Loket, Owner, Platform};
use crate::registry::{Compiled, LoadError, Loaded, Registry};
use crate::sandbox::{LimitReached, Ready, RunLog, Sandbox};
use crate::session::Session;
use crate::shared::{Bucket, Components};
use crate::telemetry::Metrics;
use answers::Answers;
pub(crate) use declaration::check_message;
use error::ended;
use grants::Following;
use places::Places;
use shared::{Kept, connect};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use throttle::Throttle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The host: everything that runs of connectors need.
pub struct Host {
    live: Live,
    sandbox: Sandbox,
    ready: Ready,
    registry: Registry,
    platform: Arc<dyn Platform>,
    embedded: Result<Embedded, NotEmbedded>,
    ledger: Ledger,
    egress: Arc<Egress>,
    exports: Mutex<HashMap<(PathBuf, u64), ExportDir>>,
    places: Places,
    answers: Answers,
    runs: Arc<dyn RunStore>,
    queue: Arc<dyn RunQueue>,
    /// What runs of this process are held by.
    holder: Uuid,
    /// Where hosts share components, if they do.
    components: Option<Components>,
    /// Where hosts share what was taken back, if they do.
    bucket: Option<Bucket>,
    /// The grants, if they are published.
    grants: Option<Following>,
    clock: Arc<dyn Clock>,
    throttle: Arc<Throttle>,
    /// Whoever looks on.
    witness: Option<Arc<dyn Witness>>,
    used: trace::Used,
    /// Cancelled when runs are to be interrupted because the process ends.
    leaving: CancellationToken,
    /// Cancelled when no more work is to begin because the process ends.
    draining: CancellationToken,
    metrics: Arc<Metrics>,
}

impl Host {
    /// Starts a host on a configuration.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start(config: Config, resolver: Arc<dyn Resolve>) -> Result<Self, StartError> {
        Self::start_with(config, resolver, Redactor::default(), Arc::new(SystemClock))
    }

    /// As [`Host::start`], by another clock, and with a redactor that others
    /// use as well. It is told each secret before it is used.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start_with(
        config: Config,
        resolver: Arc<dyn Resolve>,
        redactor: Redactor,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let shared = match &config.shared {
            Some(shared) => Some(connect(shared, &redactor)?),
            None => None,
        };
        let vault = Vault::new(config.encryption.clone(), redactor.clone());
        let active = vault.active();
        active.map_err(|error| StartError::Encryption(error.to_string()))?;
        let ledger = match &shared {
            Some(shared) => Ledger::shared(shared.pool.clone(), redactor.clone(), vault.clone()),
            None => Ledger::encrypted(&config.ledger, redactor.clone(), vault.clone())?,
        };
        let published = shared.as_ref().and_then(|shared| shared.grants.as_ref());
        let mut config = grants::granted(config, published)?;
        if let Some(shared) = &shared {
            config.grants.revoked = shared.revoked();
        }
        // As it is in force at each denial.
        let live = Live::new(config);
        vault.follow(&live);
        let metrics = Arc::new(Metrics::default());
        let ledger = ledger.with_metrics(metrics.clone());
        live.count(metrics.clone());
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
                let pool = shared.as_ref().map(|shared| shared.pool.clone());
                let loket =
                    Loket::new(upstream, tls, redactor, pool).map_err(StartError::Upstream)?;
                let elsewhere = NotEmbedded(upstream.base_url.to_string());
                (Arc::new(loket), Err(elsewhere))
            }
        };
        let sandbox = Sandbox::new().map_err(StartError::Engine)?;
        let compiled =
            Compiled::open(&config.compiled, sandbox.engine()).map_err(StartError::Compiled)?;
        let Kept {
            runs,
            queue,
            holder,
            components,
            bucket,
            grants,
        } = Kept::of(&config, shared, vault)?;
        Ok(Self {
            grants: grants.map(|granted| Following::start(granted, &live)),
            throttle: Arc::new(Throttle::new(runs.clone(), clock.clone())),
            runs,
            queue,
            holder,
            components,
            bucket,
            clock,
            witness: None,
            leaving: CancellationToken::new(),
            used: trace::Used::default(),
            draining: CancellationToken::new(),
            metrics,
            registry: Registry::on_disk(compiled),
            sandbox,
            ready: Ready::default(),
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

    /// Says why no work is to be sent here now: the process ends, or what it
    /// keeps cannot be read.
    ///
    /// # Errors
    ///
    /// The reason, for the operator.
    pub async fn readiness(&self) -> Result<(), String> {
        if self.is_draining() {
            return Err("it is stopping".to_owned());
        }
        // There are no such rows; it is found out whether they can be asked for.
        let ledger = self.ledger.row(0).await;
        ledger.map_err(|error| error.to_string())?;
        let runs = self.runs.run(Uuid::nil()).await;
        runs.map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Says that the process ends: it is not ready any more.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Whether the process ends.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled() || self.leaving.is_cancelled()
    }

    /// What is counted and measured.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How many runs are in each state, in the store.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn kept_counts(&self) -> Result<Vec<(State, u64)>, StoreError> {
        self.runs.counts().await
    }

    /// The sandbox.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// How many instances wait for the next calls of a client (`ready`).
    pub fn instances_ready(&self, client: &str) -> usize {
        self.ready.count(client)
    }

    /// Loads the component of a client, or says why it may not run.
    ///
    /// # Errors
    ///
    /// See [`LoadError`].
    pub async fn load(&self, client: &str) -> Result<Arc<Loaded>, LoadError> {
        let config = self.live.now();
        self.fetch_component(&config, client).await?;
        self.registry.load(&self.sandbox, &config, client).await
    }

    /// What the component of a connector asks for, if it was compiled before:
    /// also of one that is not admitted.
    pub(crate) fn inspection(&self, client: &Client) -> Option<Inspection> {
        self.registry.inspection(&self.sandbox, client)
    }

    /// The activities that runs of a client performed since this process began,
    /// reading included.
    pub(crate) fn used(&self, client: &str) -> ActivitySet {
        self.used.of(client)
    }

    /// What a connector says it is. It is asked on behalf of nobody, so every
    /// activity that it tried meanwhile would be denied.
    ///
    /// # Errors
    ///
    /// When it cannot be loaded, or does not answer.
    pub async fn describe(&self, client: &str) -> Result<Description, RunError> {
        let config = self.live.now();
        let loaded = self.load(client).await?;
        let Some(client) = config.client(client) else {
            return Err(LoadError::UnknownClient(client.to_owned()).into());
        };
        let session = Arc::new(self.session(Uuid::now_v7(), &client.name, "", Owner::default()));
        let state = self.state(&session, client, &RunLog::new(0), None, None);
        let described = async {
            let _place = self.place(client).await?;
            let call::Guest { mut store, ready } = self.guest(client, &loaded, state);
            let connector = crate::kinds::instance(&mut store, &loaded, ready)
                .await
                .map_err(ended)?;
            connector.describe(&mut store).await.map_err(ended)
        };
        let deadline = Duration::from_millis(client.limits.deadline_ms);
        let described = tokio::time::timeout(deadline, described).await;
        self.make_ready(&config, client, &loaded);
        match described {
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
            journal: replay::Journal::off(),
            metrics: self.metrics.clone(),
            throttle: self.throttle.clone(),
            opening: OnceLock::new(),
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
        Ok(owner
            .map(|owner| Desk::new(Arc::new(self.session(Uuid::now_v7(), client, user, owner)))))
    }
}
