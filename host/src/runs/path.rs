//! The path of an attempt at a run: from what is asked to what is recorded of
//! it.

use super::call::Call;
use super::claim::Claim;
use super::declaration::{later, stopped};
use super::job::Answer;
use super::replay::Journal;
use super::{Host, Job, Output, RunError, RunRequest, Stop};
use crate::config::Config;
use crate::durable::Started;
use crate::ledger::{Entry, Filter, Kind, LedgerError};
use crate::registry::{LoadError, Loaded};
use crate::sandbox::RunLog;
use crate::session::Session;
use crate::text::clipped;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The most that the ledger keeps of why a run failed, in bytes.
const OUTCOME_BYTES: usize = 8 << 10;

/// What is seen of an attempt besides its outcome.
#[derive(Default)]
pub(super) struct Seen {
    /// The most linear memory that it used, in bytes.
    pub(super) memory: usize,
    /// How long its connector took.
    pub(super) connector: Duration,
    /// The run whose answer was given again.
    pub(super) cached: Option<Uuid>,
}

/// What an attempt takes.
pub(super) struct Attempt<'a> {
    /// The run, and which attempt it is.
    pub(super) started: &'a Started,
    pub(super) request: &'a RunRequest,
    pub(super) config: &'a Config,
    pub(super) journal: &'a Journal,
    pub(super) log: &'a RunLog,
}

impl Host {
    /// Makes an attempt at a run, in an instance of its own. What happened is
    /// in the ledger before this returns. Never panics or stalls because of the
    /// connector.
    pub(super) async fn attempt(
        &self,
        attempt: &Attempt<'_>,
        loaded: Result<Arc<Loaded>, LoadError>,
        seen: &mut Seen,
    ) -> Result<Output, RunError> {
        let Attempt {
            started,
            request,
            config,
            journal,
            log,
        } = *attempt;
        let run = started.run.id;
        let loaded = loaded?;
        let client = config
            .client(&request.client)
            .ok_or_else(|| LoadError::UnknownClient(request.client.clone()))?;
        let owner = match self.owner(request.employer).await {
            Ok(owner) => owner,
            Err(error) => return Err(self.refused(run, request, error).await),
        };
        let mut session = self.session(run, &request.client, &request.user, owner);
        session.journal = journal.clone();
        let session = Arc::new(session);
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
        let number = started.fence.attempt;
        if started.resumed && !self.is_noted(run).await? {
            // The process died between the two.
            let started = entry(&session, Kind::RunStarted, &request.job.to_string(), None);
            self.ledger.append(started).await.map_err(unrecorded)?;
        }
        let (kind, which) = match (started.resumed, number) {
            (true, _) => (Kind::RunResumed, Some(format!("attempt {number}"))),
            (false, 1) => (Kind::RunStarted, None),
            (false, _) => (Kind::RunStarted, Some(format!("attempt {number}"))),
        };
        let opened = entry(&session, kind, &request.job.to_string(), which);
        let opening = session.opening.get_or_init(|| self.ledger.open_run(opened));
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
            let finished = entry(&session, Kind::RunFinished, "succeeded", Some(whence));
            let closed = self.ledger.close_run(opening, finished).await;
            closed.map_err(unrecorded)?;
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
            seen: &mut *seen,
        };
        let called = match request.job {
            Job::ProcessJournalRun(journal_run) => {
                let method = call.method();
                match Claim::take(&session, journal_run, method).await {
                    Ok(claim) => {
                        let called = self.process(&mut call).await;
                        let answered = called.is_ok();
                        let settled = claim.settle(called.and_then(Answer::output)).await;
                        settled.map_err(|error| match error {
                            error if answered => later(&session, error),
                            error => error,
                        })
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
        self.make_ready(config, client, &loaded);
        self.used.note(&request.client, &session.trace);
        let called = match called {
            Ok(output) => Ok(output),
            Err(error) => Err(self.with_line(&session, error).await),
        };
        if let (Some(question), Ok(Output::Lookup { answer })) = (&question, &called) {
            question.keep(&session, answer);
        }
        let (kind, outcome, reason) = match &called {
            Ok(_) => (Kind::RunFinished, "succeeded", None),
            // Another worker records what becomes of it.
            Err(RunError::Stopped(Stop::Fenced)) => return called,
            Err(error @ RunError::Stopped(stop)) if stop.may_go_on() => {
                let why = clipped(&error.to_string(), OUTCOME_BYTES);
                (Kind::RunInterrupted, error.code(), Some(why))
            }
            // The words may be the connector's own, and it has many.
            Err(error) => (
                Kind::RunFinished,
                error.code(),
                Some(clipped(&error.to_string(), OUTCOME_BYTES)),
            ),
        };
        let closed = entry(&session, kind, outcome, reason);
        let closed = self.ledger.close_run(opening, closed).await;
        closed.map_err(unrecorded)?;
        called
    }

    /// Whether the ledger has that a run began.
    async fn is_noted(&self, run: Uuid) -> Result<bool, RunError> {
        let filter = Filter {
            kinds: vec![Kind::RunStarted],
            run: Some(run),
            ..Filter::default()
        };
        let rows = self.ledger.rows(filter).await;
        let rows = rows.map_err(unrecorded)?;
        Ok(!rows.is_empty())
    }

    /// Calls the connector on a journal run; not again if it answered before
    /// the run was interrupted.
    async fn process(&self, call: &mut Call<'_>) -> Result<Answer, RunError> {
        let journal = call.session.journal.clone();
        if let Some(answer) = journal.answer::<Answer>() {
            return Ok(answer);
        }
        let answer = self.call(call, None).await?;
        if journal.keep_answer(&answer).await {
            Ok(answer)
        } else {
            Err(stopped(call.session))
        }
    }
}

fn entry(session: &Session, kind: Kind, summary: &str, outcome: Option<String>) -> Entry {
    Entry {
        outcome,
        ..Entry::new(session.context(), kind, summary.to_owned())
    }
}

fn unrecorded(error: LedgerError) -> RunError {
    RunError::Host(error.to_string())
}
