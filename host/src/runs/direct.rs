//! Runs that are made at once, for whoever waits for the outcome. They are kept
//! like all others; see [`Keeping`] for when.

use super::keeping::Keeping;
use super::path::{Attempt, Seen};
use super::replay::Journal;
use super::{Host, RunError, RunReport, RunRequest, Stop};
use crate::config::Config;
use crate::durable::{
    Begin, Direct, End, Ended, Failing, Fence, Lease, Made, NewRun, Origin, Run, Started, State,
};
use crate::registry::{LoadError, Loaded};
use crate::sandbox::RunLog;
use crate::telemetry;
use sha2::{Digest, Sha256};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Instrument;
use uuid::Uuid;

/// What a client is called in metrics and traces that is not configured.
const UNKNOWN: &str = "unknown";

/// How often a run without a lease looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(500);

/// Who makes an attempt.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// A worker, for as long as it has this lease.
    Worker(&'a Lease),
    /// Whoever asked for it, and waits.
    Asker(&'a Arc<Keeping>),
}

/// A connector that is ready, or why it is not.
pub(super) struct Ready {
    pub(super) config: Arc<Config>,
    pub(super) loaded: Result<Arc<Loaded>, LoadError>,
    pub(super) made: Made,
}

/// What an attempt came to.
pub(super) struct Came {
    pub(super) report: RunReport,
    pub(super) journal: Journal,
}

impl Host {
    /// The connector of a client as it is now, and what an attempt with it is
    /// made of.
    pub(super) async fn ready(&self, client: &str) -> Ready {
        let config = self.live.now();
        let loaded = match self.fetch_component(&config, client).await {
            Ok(()) => self.registry.load(&self.sandbox, &config, client).await,
            Err(error) => Err(error),
        };
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION"));
        if let (Ok(loaded), Some(client)) = (&loaded, config.client(client)) {
            hash.update(&loaded.inspection.sha256);
            hash.update(client.settings.to_string());
        }
        Ready {
            made: Made(hex::encode(hash.finalize())),
            loaded,
            config,
        }
    }

    /// Runs a connector once, in an instance of its own, and waits for the
    /// outcome. What happened is in the ledger before this returns. Never
    /// panics or stalls because of the connector.
    pub async fn run(&self, request: RunRequest) -> RunReport {
        // Boxed, so that whoever waits for it need not move all of it.
        Box::pin(self.run_directly(request)).await
    }

    async fn run_directly(&self, request: RunRequest) -> RunReport {
        let id = Uuid::now_v7();
        let began = Instant::now();
        let ready = self.ready(&request.client).await;
        let now = self.clock.now();
        let new = NewRun {
            id,
            key: id.to_string(),
            request,
            origin: Origin::Direct,
            due: now,
        };
        let begin = Begin {
            run: id,
            holder: self.holder,
            now,
            made: ready.made.clone(),
            concurrency: u32::MAX,
        };
        let only_reads = new.request.job.only_reads();
        let direct = Direct::new(new, begin);
        let (keeping, started) = Keeping::direct(self.runs.clone(), direct);
        let keeping = Arc::new(keeping);
        if !only_reads && let Err(error) = keeping.keep().await {
            return RunReport {
                run: id,
                outcome: Err(RunError::Host(error.to_string())),
                log: Vec::new(),
                log_dropped: 0,
                duration: began.elapsed(),
                connector: Duration::ZERO,
                memory: 0,
                cached: None,
            };
        }
        let mut abandoned = Abandoned {
            keeping: keeping.clone(),
            fence: Some(started.fence),
            now,
        };
        let came = self.attended(&started, ready, By::Asker(&keeping)).await;
        abandoned.fence = None;
        let end = self.end(&started, &came);
        if let Some(end) = end {
            let to = end.to;
            let finished = keeping.finish(started.fence, end, self.clock.now());
            match finished.await {
                Ok(()) => self.counted(&started.run, to.state()),
                Err(error) => error.tell_end_not_kept(id),
            }
        }
        came.report
    }

    /// Makes an attempt, and stops it when its lease is lost, when somebody
    /// cancels it, or when the process ends.
    pub(super) async fn attended(&self, started: &Started, ready: Ready, by: By<'_>) -> Came {
        let began = Instant::now();
        let Ready { config, loaded, .. } = ready;
        let request = started.run.request();
        let kind = request.job.kind_name();
        // One that the configuration does not have could be called anything.
        let client = config.client(&request.client);
        let client = client.map_or(UNKNOWN, |client| client.name.as_str());
        let span = telemetry::run(started.run.id, client, request.employer, kind);
        let under_way = self.metrics.begins(client);
        let log = RunLog::new(
            config
                .client(&request.client)
                .map_or(0, |client| client.limits.log_bytes),
        );
        let keeping = match by {
            By::Worker(_) => Arc::new(Keeping::kept(self.runs.clone())),
            By::Asker(keeping) => keeping.clone(),
        };
        let redactor = self.ledger.redactor().clone();
        let journal = Journal::of(keeping, redactor, started, self.witness.clone());
        let mut seen = Seen::default();
        let outcome = {
            let attempt = Attempt {
                started,
                request: &request,
                config: &config,
                journal: &journal,
                log: &log,
            };
            let work = pin!(self.attempt(&attempt, loaded, &mut seen));
            let mut work = pin!(work.instrument(span.clone()));
            let (every, is_worker) = match by {
                By::Worker(_) => (self.queue.heartbeat_every(), true),
                By::Asker(_) => (LOOK, false),
            };
            loop {
                tokio::select! {
                    outcome = &mut work => break outcome,
                    () = tokio::time::sleep(every) => self.look(started, by, &journal).await,
                    () = self.leaving.cancelled(), if is_worker && journal.brake().why().is_none() => {
                        journal.brake().stop(Stop::Leaving);
                    }
                }
            }
        };
        if let Err(RunError::Stopped(Stop::Wait { .. } | Stop::Leaving)) = &outcome {
            // What was asked before is not asked again.
            journal.flush().await;
        }
        drop(under_way);
        let came_to = outcome.as_ref().err().map_or("succeeded", RunError::code);
        span.record("outcome", came_to);
        let took = began.elapsed();
        self.metrics
            .attempt(client, kind, came_to, took, seen.memory);
        if let Some(limit) = outcome.as_ref().err().and_then(RunError::limit) {
            self.metrics.limit(client, limit);
        }
        tracing::info!(
            run = %started.run.id,
            client,
            kind,
            outcome = came_to,
            milliseconds = took.as_millis() as u64,
            "an attempt ended"
        );
        let (mut lines, log_dropped) = log.contents();
        // No secret is given to a connector. What it got hold of all the same
        // goes no further.
        for line in &mut lines {
            let text = std::mem::take(&mut line.text);
            line.text = self.ledger.redactor().text(text);
        }
        Came {
            report: RunReport {
                run: started.run.id,
                outcome,
                log: lines,
                log_dropped,
                duration: took,
                connector: seen.connector,
                memory: seen.memory,
                cached: seen.cached,
            },
            journal,
        }
    }

    /// Counts a run that came to a state, if no attempt follows by itself.
    pub(super) fn counted(&self, run: &Run, state: State) {
        if !state.is_over() && state != State::NeedsAPerson {
            return;
        }
        self.live.with(|config| {
            let client = config.client(&run.client);
            let client = client.map_or(UNKNOWN, |client| client.name.as_str());
            self.metrics.run(client, run.job.kind_name(), state.name());
        });
    }

    async fn look(&self, started: &Started, by: By<'_>, journal: &Journal) {
        let run = started.run.id;
        let cancelled = match by {
            By::Worker(lease) => {
                if let Err(crate::durable::QueueError::Lost(_)) = self.queue.heartbeat(lease).await
                {
                    journal.brake().stop(Stop::Fenced);
                }
                self.runs.cancelled(run).await
            }
            By::Asker(keeping) => keeping.cancelled(run).await,
        };
        // When it cannot be read, the next look tells.
        if let Ok(Some(why)) = cancelled {
            journal.brake().stop(Stop::Cancelled(why));
        }
    }
}

/// A run that nobody waits for any more is over.
struct Abandoned {
    keeping: Arc<Keeping>,
    fence: Option<Fence>,
    now: i64,
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        let (Some(fence), Ok(runtime)) = (self.fence, tokio::runtime::Handle::try_current()) else {
            return;
        };
        let (keeping, now) = (self.keeping.clone(), self.now);
        runtime.spawn(async move {
            let end = End {
                to: Ended::Over(State::Failed),
                output: None,
                error: Some(Failing {
                    code: "abandoned".to_owned(),
                    message: "the run was abandoned: nobody waited for it any more".to_owned(),
                }),
                doubts: Vec::new(),
                log: Vec::new(),
            };
            if let Err(error) = keeping.finish(fence, end, now).await {
                tracing::error!(run = %fence.run, %error, "an abandoned run stays as running");
            }
        });
    }
}
