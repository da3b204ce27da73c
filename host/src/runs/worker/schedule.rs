//! Schedules: they submit runs at the moments that the operator wrote down.

use crate::bindings::koppel::loket::journal_runs::JournalRunStatus;
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationStatus, PageRequest};
use crate::config::{Schedule, Task};
use crate::durable::{Millis, NewRun, Origin, StoreError, moment};
use crate::platform::{Platform, in_words};
use crate::runs::{Host, Job, RunRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often it is looked whether something is due.
const LOOK: Duration = Duration::from_secs(1);

/// How far the last moment of a schedule may lie ahead before the clock counts
/// as moved back, in milliseconds.
const AHEAD: Millis = 60_000;

/// All items of a list, page after page.
macro_rules! all {
    ($platform:ident.$list:ident($of:expr)) => {{
        let mut page = PageRequest {
            cursor: None,
            size: 1000,
        };
        let mut all = Vec::new();
        loop {
            let listed = $platform.$list($of, &page).await?;
            all.extend(listed.items);
            if listed.next.is_none() {
                break all;
            }
            page.cursor = listed.next;
        }
    }};
}

pub(in crate::runs) use all;

/// Carries out the schedules until it is stopped.
pub(super) async fn run(host: Arc<Host>, stop: CancellationToken) {
    loop {
        let schedules = host.live.with(|config| config.schedules.clone());
        for schedule in &schedules {
            for employer in &schedule.employers {
                if let Err(why) = host.tick(schedule, *employer).await {
                    tracing::warn!(schedule = schedule.name, %employer, why, "a schedule is put off");
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

impl Host {
    /// Submits what a schedule has due for an employer. Of moments that passed
    /// while nobody looked, the last one counts.
    pub(super) async fn tick(&self, schedule: &Schedule, employer: Uuid) -> Result<(), String> {
        let name = format!("{} {employer}", schedule.name);
        let now = self.clock.now();
        let words = |error: StoreError| error.to_string();
        let known = self.runs.ticked(&name).await.map_err(words)?;
        let Some(mut last) = known.filter(|last| *last <= now + AHEAD) else {
            // New, or the clock was moved back: from now on.
            return self.runs.tick(&name, now).await.map_err(words);
        };
        let mut due = None;
        while let Some(next) = schedule.next_after(last).filter(|next| *next <= now) {
            (due, last) = (Some(next), next);
        }
        let Some(due) = due else {
            return Ok(());
        };
        let jobs = jobs(self.platform.as_ref(), &schedule.task, employer).await;
        for job in jobs.map_err(|error| in_words(&error))? {
            let new = NewRun {
                id: Uuid::now_v7(),
                // Two processes submit it once.
                key: format!("schedule {} {} {job}", schedule.name, moment(due)),
                request: RunRequest {
                    client: schedule.client.clone(),
                    user: schedule.user.clone(),
                    employer,
                    job,
                },
                origin: Origin::Schedule(schedule.name.clone()),
                due: now,
            };
            self.enqueue(new).await.map_err(|error| error.to_string())?;
        }
        self.runs.tick(&name, due).await.map_err(words)
    }
}

/// What a schedule has to do for an employer now.
async fn jobs(
    platform: &dyn Platform,
    task: &Task,
    employer: Uuid,
) -> Result<Vec<Job>, ActivityError> {
    if *task == Task::Check {
        return Ok(vec![Job::Check]);
    }
    let mut jobs = Vec::new();
    for administration in all!(platform.payroll_administrations(employer)) {
        let administration = id(&administration.id)?;
        match task {
            Task::JournalRuns => {
                let mut runs = all!(platform.journal_runs(administration));
                // They come newest first; the oldest is booked first.
                runs.reverse();
                for run in runs {
                    if run.status == JournalRunStatus::Ready {
                        jobs.push(Job::ProcessJournalRun(id(&run.id)?));
                    }
                }
            }
            Task::DeclarationResponses => {
                for sent in all!(platform.payroll_tax_returns(administration)) {
                    if sent.status == DeclarationStatus::Sent {
                        jobs.push(Job::PollDeclaration(id(&sent.id)?));
                    }
                }
            }
            Task::Check => {}
        }
    }
    Ok(jobs)
}

fn id(text: &str) -> Result<Uuid, ActivityError> {
    Uuid::try_parse(text).map_err(|error| ActivityError::Other(format!("{text}: {error}")))
}
