//! The claim of a run on its journal run, so that it is booked once.
//!
//! Before a connector is called, its journal run goes from status 4 (ready) or
//! 6 (export failed) to 5 (being exported), in the payroll data and atomically:
//! two runs of the same one, in whatever processes, do not both get it. How the
//! connector ends decides where it goes from there. A process that dies leaves
//! it at 5: a worker goes on with the run, which keeps its claim, or a person
//! releases it.

use super::{Host, Output, RunError};
use crate::bindings::koppel::connector::types::ConnectorError;
use crate::bindings::koppel::loket::journal_runs::{ExportMethod, JournalRun, JournalRunStatus};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::id::PatchJournalRunByJournalRunId as PATCH;
use crate::durable::State;
use crate::ledger::{Entry, Kind};
use crate::platform::{Entity, ExportEnd, in_words};
use crate::sandbox::Limits;
use crate::session::{Fault, Session};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The longest reason that goes into the audit trail, in bytes.
const TEXT_BYTES: usize = 1_000;

/// A request to take a journal run from a run whose process died.
#[derive(Clone, Debug)]
pub struct Release {
    /// The journal run.
    pub journal_run: Uuid,
    /// The client; none for the one that has it.
    pub client: Option<String>,
    /// The user who asks for it.
    pub user: String,
    /// The employer that the journal run belongs to.
    pub employer: Uuid,
    /// Why, for the audit trail.
    pub reason: String,
}

/// A journal run that the run of a session has.
pub(super) struct Claim {
    session: Arc<Session>,
    journal_run: Uuid,
    /// Whether it is still to be ended.
    open: bool,
}

impl Claim {
    /// Claims a journal run for the run of a session.
    ///
    /// # Errors
    ///
    /// - [`RunError::Connector`] with a denial when one of the five checks is
    ///   red for changing the journal run;
    /// - [`RunError::NoJournalRun`];
    /// - [`RunError::Conflict`] when its status is none to export from, or
    ///   another run has it.
    pub(super) async fn take(
        session: &Arc<Session>,
        journal_run: Uuid,
        method: ExportMethod,
    ) -> Result<Self, RunError> {
        let resumed = session.journal.is_resumed();
        if let Err(error) = authorize(session, journal_run).await {
            if resumed {
                // It has the journal run already, and may not go on with it.
                let why = shorten(session.ledger.redactor().text(error.to_string()));
                end_claim(session, journal_run, &ExportEnd::Failed(why)).await;
            }
            return Err(error);
        }
        if !resumed {
            note(session, format!("claim journal run {journal_run}")).await?;
        }
        // Before it is taken, so that it is ended also when nobody waits for
        // the answer any more.
        let mut claim = Self {
            session: session.clone(),
            journal_run,
            open: true,
        };
        let by = session.changed_by();
        let taken = session.platform.begin_export(journal_run, &by, method);
        if let Err(error) = taken.await {
            claim.open = false;
            // It marked the journal run, or was about to, before it was
            // interrupted: what became of that is in its journal.
            let marked =
                matches!(error, ActivityError::Conflict(_)) && session.journal.began(PATCH.id());
            if !marked {
                return Err(run_error(error));
            }
        }
        Ok(claim)
    }

    /// Ends the claim, as the connector ended.
    ///
    /// # Errors
    ///
    /// How the connector ended, if it did not succeed; or why a success is
    /// none: the journal run was not marked as processed.
    pub(super) async fn settle(
        mut self,
        called: Result<Output, RunError>,
    ) -> Result<Output, RunError> {
        if let Err(RunError::Stopped(stop)) = &called
            && stop.may_go_on()
        {
            // It keeps what it has.
            self.open = false;
            return called;
        }
        let run = self.session.platform.journal_run(self.journal_run).await;
        let status = run.map(|run| run.status);
        let error = match (called, &status) {
            (Ok(output), Ok(JournalRunStatus::Exported)) => {
                self.open = false;
                return Ok(output);
            }
            (Ok(_), Ok(_)) => RunError::BadAnswer(
                "it reported success without marking the journal run as processed".to_owned(),
            ),
            (Ok(_), Err(error)) => RunError::Host(format!(
                "whether journal run {} was marked as processed cannot be read: {}",
                self.journal_run,
                in_words(error)
            )),
            (Err(error), _) => error,
        };
        if !status.is_ok_and(|status| status != JournalRunStatus::BeingExported) {
            let why = shorten(self.session.ledger.redactor().text(error.to_string()));
            let end = match error {
                RunError::Connector(ConnectorError::Unavailable(_)) => ExportEnd::GivenBack(why),
                _ => ExportEnd::Failed(why),
            };
            end_claim(&self.session, self.journal_run, &end).await;
        }
        self.open = false;
        Err(error)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Nobody waits for this run any more, so that its guest is gone. What
        // it sent may have arrived.
        if self.open
            && !self.session.journal.goes_on()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (session, journal_run) = (self.session.clone(), self.journal_run);
            runtime.spawn(async move {
                let end = ExportEnd::Failed("the run was abandoned".to_owned());
                end_claim(&session, journal_run, &end).await;
            });
        }
    }
}

/// Ends the claim of a run that is given up, if it has one.
pub(super) async fn give_up(session: &Session, journal_run: Uuid, why: &str) {
    let claim = session.platform.export_claim(journal_run).await;
    if claim.is_ok_and(|claim| claim.is_some_and(|claim| claim.by.run == session.run)) {
        let why = shorten(session.ledger.redactor().text(why.to_owned()));
        end_claim(session, journal_run, &ExportEnd::Failed(why)).await;
    }
}

async fn end_claim(session: &Session, journal_run: Uuid, end: &ExportEnd) {
    let what = match end {
        ExportEnd::GivenBack(why) => format!("give back journal run {journal_run}: {why}"),
        ExportEnd::Failed(why) => format!("end the export of journal run {journal_run}: {why}"),
    };
    let ended = async {
        note(session, what).await?;
        let by = session.changed_by();
        let ended = session.platform.end_export(journal_run, &by, end);
        ended.await.map_err(run_error)
    };
    if let Err(failure) = ended.await {
        // It stays at 5, where nobody books it again unseen.
        tracing::error!(%journal_run, %failure, "the journal run stays claimed; `koppel journal-runs release` frees it");
    }
}

impl Host {
    /// Takes a journal run from a run whose process died: from status 5 to 6,
    /// for a user who may change it. Who did it and why is in the ledger and
    /// in the audit trail.
    ///
    /// # Errors
    ///
    /// As for claiming it; and [`RunError::Conflict`] while the run that has it
    /// can still be alive, which its deadline tells.
    pub async fn release_journal_run(&self, release: &Release) -> Result<JournalRun, RunError> {
        let owner = self.owner(release.employer).await?;
        let claim = self.platform.export_claim(release.journal_run).await;
        let claim = claim.map_err(run_error)?;
        let holder = claim.as_ref().map(|claim| claim.by.client.clone());
        let client = release.client.clone().or(holder).ok_or_else(|| {
            RunError::Conflict(format!(
                "no run of koppel has journal run {}; if its status is 5 (being exported) all the same, name the client to act as (--client)",
                release.journal_run
            ))
        })?;
        let session = self.session(Uuid::now_v7(), &client, &release.user, owner);
        let released = async {
            authorize(&session, release.journal_run).await?;
            if let Some(claim) = claim {
                self.check_given_up(claim.by.run).await?;
                self.check_dead(&claim.since, &claim.by.client, release.journal_run)?;
            }
            let reason = shorten(session.ledger.redactor().text(release.reason.clone()));
            let what = format!("release journal run {}: {reason}", release.journal_run);
            note(&session, what).await?;
            let by = session.changed_by();
            let released = self
                .platform
                .release_export(release.journal_run, &by, &reason);
            released.await.map_err(run_error)
        };
        match released.await {
            Ok(released) => Ok(released),
            Err(error) => Err(self.with_line(&session, error).await),
        }
    }

    /// A run that waits goes on with its journal run.
    async fn check_given_up(&self, run: Uuid) -> Result<(), RunError> {
        let kept = self.runs.run(run).await;
        let kept = kept.map_err(|error| RunError::Host(error.to_string()))?;
        let what = match kept.map(|run| run.state) {
            Some(State::Queued) => "cancel",
            Some(State::NeedsAPerson) => "decide",
            _ => return Ok(()),
        };
        Err(RunError::Conflict(format!(
            "run {run} waits, and goes on with it; `koppel runs {what} {run}` comes first"
        )))
    }

    /// No attempt outlives its deadline: before it, this one can still book.
    fn check_dead(&self, since: &str, client: &str, journal_run: Uuid) -> Result<(), RunError> {
        let deadline_ms = self.live.with(|config| {
            let limits = config.client(client).map(|client| client.limits);
            limits.unwrap_or_else(Limits::default).deadline_ms
        });
        let end = since
            .parse::<jiff::Timestamp>()
            .ok()
            .and_then(|since| since.checked_add(Duration::from_millis(deadline_ms)).ok());
        match end {
            Some(end) if jiff::Timestamp::now() < end => Err(RunError::Conflict(format!(
                "journal run {journal_run} can still be booked by the run that has it, until {end} (limits.deadline-ms of client \"{client}\"); release it after that"
            ))),
            _ => Ok(()),
        }
    }
}

/// The five checks for changing a journal run.
async fn authorize(session: &Session, journal_run: Uuid) -> Result<(), RunError> {
    let entity = Entity::JournalRun(journal_run);
    match session.authorize(PATCH, Some(entity)).await {
        Ok(()) => Ok(()),
        Err(Fault::Guest(error)) => Err(run_error(error)),
        Err(Fault::Host(error)) => Err(RunError::Host(format!("{error:#}"))),
    }
}

/// Notes in the ledger that a journal run is about to be changed.
async fn note(session: &Session, what: String) -> Result<(), RunError> {
    let entry = Entry {
        activity: Some(PATCH.id().to_owned()),
        ..Entry::new(session.context(), Kind::ActivityWrite, what)
    };
    match session.record(entry).await {
        Ok(()) => Ok(()),
        Err(Fault::Host(error)) => Err(RunError::Host(format!("{error:#}"))),
        Err(Fault::Guest(error)) => Err(run_error(error)),
    }
}

/// What the payroll data says of a change, in the words of a run.
fn run_error(error: ActivityError) -> RunError {
    match error {
        ActivityError::Denied(denial) => RunError::Connector(ConnectorError::Denied(denial)),
        ActivityError::NotFound(id) => RunError::NoJournalRun(id),
        ActivityError::Conflict(why) => RunError::Conflict(why),
        ActivityError::Unavailable(seconds) => {
            RunError::Connector(ConnectorError::Unavailable(seconds))
        }
        error => RunError::Host(in_words(&error)),
    }
}

fn shorten(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES));
    text
}
