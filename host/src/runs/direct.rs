//! Runs that are made at once, for whoever waits for the outcome. They are kept
//! like all others.

use super::path::{Attempt, Seen};
use super::replay::Journal;
use super::{Host, RunError, RunReport, RunRequest, Stop};
use crate::config::Config;
use crate::durable::{
    Begin, End, Ended, Failing, Fence, Lease, Made, NewRun, Origin, RunStore, Started, State,
};
use crate::registry::{LoadError, Loaded};
use crate::sandbox::RunLog;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How often a run without a lease looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(500);

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
        let started = match self.runs.direct(new, begin).await {
            Ok(started) => started,
            Err(error) => {
                return RunReport {
                    run: id,
                    outcome: Err(RunError::Host(error.to_string())),
                    log: Vec::new(),
                    log_dropped: 0,
                    duration: began.elapsed(),
                    memory: 0,
                    cached: None,
                };
            }
        };
        let mut abandoned = Abandoned {
            runs: self.runs.clone(),
            fence: Some(started.fence),
            now,
        };
        let came = self.attended(&started, ready, None).await;
        abandoned.fence = None;
        let end = self.end(&started, &came);
        if let Some(end) = end {
            let finished = self.runs.finish(started.fence, end, self.clock.now());
            if let Err(error) = finished.await {
                tracing::error!(run = %id, %error, "how a run ended is not kept; the ledger has it");
            }
        }
        came.report
    }

    /// Makes an attempt, and stops it when its lease is lost, when somebody
    /// cancels it, or when the process ends.
    pub(super) async fn attended(
        &self,
        started: &Started,
        ready: Ready,
        lease: Option<&Lease>,
    ) -> Came {
        let began = Instant::now();
        let Ready { config, loaded, .. } = ready;
        let request = started.run.request();
        let log = RunLog::new(
            config
                .client(&request.client)
                .map_or(0, |client| client.limits.log_bytes),
        );
        let journal = Journal::of(
            self.runs.clone(),
            self.ledger.redactor().clone(),
            started,
            self.witness.clone(),
        );
        let mut seen = Seen::default();
        let outcome = {
            let attempt = Attempt {
                started,
                request: &request,
                config: &config,
                journal: &journal,
                log: &log,
            };
            let mut work = std::pin::pin!(self.attempt(&attempt, loaded, &mut seen));
            let every = lease.map_or(LOOK, |_| self.queue.heartbeat_every());
            loop {
                tokio::select! {
                    outcome = &mut work => break outcome,
                    () = tokio::time::sleep(every) => self.look(started, lease, &journal).await,
                    () = self.leaving.cancelled(), if lease.is_some() && journal.brake().why().is_none() => {
                        journal.brake().stop(Stop::Leaving);
                    }
                }
            }
        };
        if let Err(RunError::Stopped(Stop::Wait { .. } | Stop::Leaving)) = &outcome {
            // What was asked before is not asked again.
            journal.flush().await;
        }
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
                duration: began.elapsed(),
                memory: seen.memory,
                cached: seen.cached,
            },
            journal,
        }
    }

    async fn look(&self, started: &Started, lease: Option<&Lease>, journal: &Journal) {
        if let Some(lease) = lease
            && let Err(crate::durable::QueueError::Lost(_)) = self.queue.heartbeat(lease).await
        {
            journal.brake().stop(Stop::Fenced);
        }
        // When it cannot be read, the next look tells.
        if let Ok(Some(why)) = self.runs.cancelled(started.run.id).await {
            journal.brake().stop(Stop::Cancelled(why));
        }
    }
}

/// A run that nobody waits for any more is over.
struct Abandoned {
    runs: Arc<dyn RunStore>,
    fence: Option<Fence>,
    now: i64,
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        let (Some(fence), Ok(runtime)) = (self.fence, tokio::runtime::Handle::try_current()) else {
            return;
        };
        let (runs, now) = (self.runs.clone(), self.now);
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
            if let Err(error) = runs.finish(fence, end, now).await {
                tracing::error!(run = %fence.run, %error, "an abandoned run stays as running");
            }
        });
    }
}
