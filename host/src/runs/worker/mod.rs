//! Workers: they take runs from the queue, one at a time for each employer, and
//! make attempts at them until they are over.

pub(super) mod schedule;

use super::direct::{By, Ready};
use super::{Host, claim};
use crate::durable::{
    Begin, Begun, End, Ended, Failing, Lease, Millis, Origin, Run, Started, State, StoreError,
};
use crate::platform::Owner;
use crate::runs::Job;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// How long a run waits whose turn it is not, in milliseconds.
const NOT_YET: Millis = 500;

/// How long a worker waits when the queue or the store cannot be reached.
const UNREACHABLE: Duration = Duration::from_secs(1);

/// How often runs are looked for that the queue does not know.
const SWEEP: Duration = Duration::from_secs(30);

/// Workers that run.
pub struct Working {
    host: Arc<Host>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Working {
    /// Takes no more runs, waits for those that are under way, at most `grace`,
    /// and then interrupts them where that is safe. They go on when there are
    /// workers again.
    pub async fn stop(self, grace: Duration) {
        self.host.drain();
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            self.host.leaving.cancel();
            self.tasks.wait().await;
        }
    }
}

impl Host {
    /// Starts the workers of this process, and its schedules.
    pub fn work(self: &Arc<Self>) -> Working {
        let working = Working {
            host: self.clone(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let workers = self.live.with(|config| config.queue.workers);
        let dispatcher = dispatch(
            self.clone(),
            workers,
            working.stop.clone(),
            working.tasks.clone(),
        );
        working.tasks.spawn(dispatcher);
        let schedules = schedule::run(self.clone(), working.stop.clone());
        working.tasks.spawn(schedules);
        let retention = self.clone().retain(working.stop.clone());
        working.tasks.spawn(retention);
        let report = self.clone().report(working.stop.clone());
        working.tasks.spawn(report);
        working
    }

    /// The clients of which as many runs are under way as may be.
    async fn full(&self) -> Result<Vec<String>, StoreError> {
        let limits: HashMap<String, u32> = self.live.with(|config| {
            let clients = config.clients.values();
            clients
                .filter_map(|client| Some((client.name.clone(), client.concurrency?)))
                .collect()
        });
        if limits.is_empty() {
            return Ok(Vec::new());
        }
        let under_way: HashMap<String, u64> = self.runs.running().await?.into_iter().collect();
        let is_full = |(client, limit): (String, u32)| {
            let count = under_way.get(&client).copied().unwrap_or_default();
            (count >= u64::from(limit)).then_some(client)
        };
        Ok(limits.into_iter().filter_map(is_full).collect())
    }

    /// Tells the queue of all runs that are not over: it may have lost some.
    async fn sweep(&self) -> Result<(), crate::durable::QueueError> {
        for (run, due) in self.runs.unfinished().await? {
            self.queue.push(run, due).await?;
        }
        Ok(())
    }

    /// Does with a run that was leased what is to be done.
    async fn take_up(&self, lease: &Lease) -> Result<(), crate::durable::QueueError> {
        let Some(run) = self.runs.run(lease.run).await? else {
            return self.queue.ack(lease).await;
        };
        if run.state.is_over() {
            return self.queue.ack(lease).await;
        }
        if self.is_elsewhere(&run.client) {
            // A host that has the client makes it.
            let due = self.clock.now() + NOT_YET;
            return self.queue.retry_at(lease, due).await;
        }
        let ready = self.ready(&run.client).await;
        let concurrency = ready.config.client(&run.client);
        let begin = Begin {
            run: run.id,
            holder: self.holder,
            now: self.clock.now(),
            made: ready.made.clone(),
            concurrency: concurrency
                .and_then(|client| client.concurrency)
                .unwrap_or(u32::MAX),
        };
        match self.runs.begin(begin).await? {
            Begun::NotYet => {
                let due = self.clock.now() + NOT_YET;
                self.queue.retry_at(lease, due).await
            }
            Begun::Over(_) => self.queue.ack(lease).await,
            Begun::Started(started) => {
                if let Some(end) = self.make(&started, ready, lease).await {
                    self.over(&started, end, lease).await?;
                }
                Ok(())
            }
        }
    }

    /// Makes an attempt, if there is to be one.
    async fn make(&self, started: &Started, ready: Ready, lease: &Lease) -> Option<End> {
        let run = &started.run;
        if lease.worn {
            let why = "host after host fell silent while it made this run, so it is not made again";
            let error = ("worn", why.to_owned());
            let wrote = started.steps.iter().any(|step| step.write);
            let to = if wrote {
                Ended::Person { open: false }
            } else {
                Ended::Over(State::Dead)
            };
            return Some(ended(to, error));
        }
        if let Some(why) = &run.cancel {
            let error = ("cancelled", format!("it was cancelled: {why}"));
            return Some(ended(Ended::Over(State::Cancelled), error));
        }
        if run.origin == Origin::Direct && run.job.only_reads() {
            let why = "the process that ran it ended, and nobody waits for the answer";
            let error = ("interrupted", why.to_owned());
            return Some(ended(Ended::Over(State::Failed), error));
        }
        if started.resumed && started.made != ready.made {
            if started.steps.iter().any(|step| step.write) {
                let why = "it was interrupted, and cannot be replayed: its component, its settings or koppel changed meanwhile. `koppel messages` shows what it did";
                let error = ("diverged", why.to_owned());
                return Some(ended(Ended::Person { open: false }, error));
            }
            // Nothing was changed: it begins anew.
            let mut anew = started.clone();
            anew.steps.clear();
            anew.made = ready.made.clone();
            let forgotten = self.runs.forget(started.fence, ready.made.clone()).await;
            if let Err(error) = forgotten {
                tracing::warn!(run = %run.id, %error, "the attempt is put off");
                return None;
            }
            let came = self.attended(&anew, ready, By::Worker(lease)).await;
            return self.end(&anew, &came);
        }
        let came = self.attended(started, ready, By::Worker(lease)).await;
        self.end(started, &came)
    }

    /// Keeps the end of an attempt, and tells the queue.
    async fn over(
        &self,
        started: &Started,
        end: End,
        lease: &Lease,
    ) -> Result<(), crate::durable::QueueError> {
        let run = &started.run;
        let why = end.error.as_ref().map(|error| error.message.clone());
        let why = why.unwrap_or_default();
        if matches!(
            end.to,
            Ended::Over(State::Failed | State::Cancelled | State::Dead)
        ) {
            self.give_up(run, &why).await;
        }
        let kept = loop {
            match self
                .runs
                .finish(started.fence, end.clone(), self.clock.now())
                .await
            {
                Ok(run) => break run,
                Err(StoreError::Fenced(_)) => return Ok(()),
                Err(error) => {
                    tracing::error!(run = %run.id, %error, "the end of an attempt cannot be kept yet");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(UNREACHABLE) => {}
                // Whoever takes it up next finds the end in the journal.
                () = self.leaving.cancelled() => return Ok(()),
            }
        };
        self.counted(run, kept.state);
        match kept.state {
            State::Queued => self.queue.retry_at(lease, kept.due).await,
            State::Dead => self.queue.dead_letter(lease, &why).await,
            _ => self.queue.ack(lease).await,
        }
    }

    /// Gives back what a run that is given up has claimed.
    pub(super) async fn give_up(&self, run: &Run, why: &str) {
        let owner = Owner {
            employer: run.employer,
            provider: Uuid::nil(),
        };
        let session = self.session(run.id, &run.client, &run.user, owner);
        match run.job {
            Job::ProcessJournalRun(id) => claim::give_up(&session, id, why).await,
            Job::SubmitDeclaration(id) => self.give_up_declaration(&session, id).await,
            _ => {}
        }
    }
}

fn ended(to: Ended, (code, message): (&str, String)) -> End {
    End {
        to,
        output: None,
        error: Some(Failing {
            code: code.to_owned(),
            message,
        }),
        doubts: Vec::new(),
        log: Vec::new(),
    }
}

/// Leases runs as long as there are free workers.
async fn dispatch(host: Arc<Host>, workers: u32, stop: CancellationToken, tasks: TaskTracker) {
    let places = Arc::new(Semaphore::new(workers as usize));
    let mut swept: Option<tokio::time::Instant> = None;
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            () = stop.cancelled() => return,
        };
        let Ok(place) = place else { return };
        if swept.is_none_or(|at| at.elapsed() > SWEEP) {
            swept = Some(tokio::time::Instant::now());
            if let Err(error) = host.sweep().await {
                tracing::warn!(%error, "the queue was not told of all runs");
            }
        }
        let leased = async {
            let full = host.full().await?;
            host.queue.lease(host.clock.now(), &full).await
        };
        match leased.await {
            Ok(Some(lease)) => {
                tasks.spawn(one(host.clone(), lease, place));
            }
            Ok(None) => {
                drop(place);
                tokio::select! {
                    () = host.queue.wait() => {}
                    () = stop.cancelled() => return,
                }
            }
            Err(error) => {
                drop(place);
                tracing::warn!(%error, "no run can be taken from the queue");
                tokio::select! {
                    () = tokio::time::sleep(UNREACHABLE) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }
}

async fn one(host: Arc<Host>, lease: Lease, _place: OwnedSemaphorePermit) {
    if let Err(error) = host.take_up(&lease).await {
        tracing::warn!(run = %lease.run, %error, "a run is put off");
        let due = host.clock.now() + UNREACHABLE.as_millis() as Millis;
        if let Err(error) = host.queue.retry_at(&lease, due).await {
            tracing::error!(run = %lease.run, %error, "a run stays leased");
        }
    }
}
