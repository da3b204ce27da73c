//! Schedules: they submit runs at the moments that the operator wrote down.

use crate::bindings::koppel::loket::journal_runs::JournalRunStatus;
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationStatus, PageRequest};
use crate::config::{Schedule, Task};
use crate::durable::{Millis, NewRun, Origin, StoreError, moment};
use crate::platform::{Platform, in_words};
use crate::runs::{Host, Job, RunRequest};
use std::collections::HashMap;
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

/// From one moment until another, a schedule has nothing due for an employer.
/// What other hosts do meanwhile does not change that, so the store is asked
/// when it is over, and not each time that it is looked.
#[derive(Debug, PartialEq, Eq)]
struct Quiet {
    /// The schedule may be changed.
    cron: String,
    /// The clock may be moved back to before this.
    from: Millis,
    until: Option<Millis>,
}

impl Quiet {
    fn of(schedule: &Schedule, from: Millis) -> Self {
        Self {
            cron: schedule.cron.clone(),
            from,
            until: schedule.next_after(from),
        }
    }

    fn holds(&self, cron: &str, now: Millis) -> bool {
        let begun = self.cron == cron && self.from <= now;
        begun && self.until.is_none_or(|until| now < until)
    }
}

/// Carries out the schedules until it is stopped.
pub(super) async fn run(host: Arc<Host>, stop: CancellationToken) {
    let mut quiet = HashMap::new();
    loop {
        quiet = host.carry_out(quiet).await;
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

impl Host {
    /// Carries out what is due, and says what is not.
    async fn carry_out(&self, mut before: HashMap<String, Quiet>) -> HashMap<String, Quiet> {
        let schedules = self.live.with(|config| config.schedules.clone());
        let now = self.clock.now();
        let mut quiet = HashMap::with_capacity(before.len());
        for schedule in &schedules {
            for employer in &schedule.employers {
                let name = format!("{} {employer}", schedule.name);
                let known = before.remove(&name);
                let known = match known.filter(|known| known.holds(&schedule.cron, now)) {
                    Some(known) => Ok(known),
                    None => self.tick(schedule, *employer, &name).await,
                };
                match known {
                    Ok(known) => drop(quiet.insert(name, known)),
                    Err(why) => {
                        tracing::warn!(schedule = schedule.name, %employer, why, "a schedule is put off");
                    }
                }
            }
        }
        quiet
    }

    /// Submits what a schedule has due for an employer, under this name in the
    /// store. Of moments that passed while nobody looked, the last one counts.
    async fn tick(&self, schedule: &Schedule, employer: Uuid, name: &str) -> Result<Quiet, String> {
        let now = self.clock.now();
        let words = |error: StoreError| error.to_string();
        let known = self.runs.ticked(name).await.map_err(words)?;
        let Some(mut last) = known.filter(|last| *last <= now + AHEAD) else {
            // New, or the clock was moved back: from now on.
            self.runs.tick(name, now).await.map_err(words)?;
            return Ok(Quiet::of(schedule, now));
        };
        let mut due = None;
        while let Some(next) = schedule.next_after(last).filter(|next| *next <= now) {
            (due, last) = (Some(next), next);
        }
        let Some(due) = due else {
            return Ok(Quiet::of(schedule, last));
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
        self.runs.tick(name, due).await.map_err(words)?;
        Ok(Quiet::of(schedule, due))
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

#[cfg(test)]
mod tests {
    use super::Quiet;

    #[test]
    fn the_store_is_asked_when_something_may_be_due_or_the_clock_or_the_schedule_changed() {
        let quiet = Quiet {
            cron: "0 6 * * * Europe/Amsterdam".to_owned(),
            from: 1_000,
            until: Some(2_000),
        };
        for (cron, now, holds) in [
            ("0 6 * * * Europe/Amsterdam", 1_000, true),
            ("0 6 * * * Europe/Amsterdam", 1_999, true),
            ("0 6 * * * Europe/Amsterdam", 2_000, false),
            ("0 6 * * * Europe/Amsterdam", 999, false),
            ("0 7 * * * Europe/Amsterdam", 1_500, false),
        ] {
            assert_eq!(quiet.holds(cron, now), holds, "{cron} at {now}");
        }
        let never = Quiet {
            until: None,
            ..quiet
        };
        assert!(never.holds("0 6 * * * Europe/Amsterdam", i64::MAX));
    }
}
