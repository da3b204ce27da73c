//! The path of a run: from what is asked to what is recorded of it.

use super::call::Call;
use super::claim::Claim;
use super::job::Answer;
use super::{Host, Job, Output, RunError, RunReport, RunRequest};
use crate::ledger::{Entry, Kind};
use crate::registry::LoadError;
use crate::sandbox::RunLog;
use crate::session::Session;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// What is seen of a run besides its outcome.
#[derive(Default)]
struct Seen {
    /// The most linear memory that it used, in bytes.
    memory: usize,
    /// The run whose answer was given again.
    cached: Option<Uuid>,
}

impl Host {
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
        let mut seen = Seen::default();
        let outcome = self.attempt(run, &request, &log, &mut seen).await;
        let (lines, log_dropped) = log.contents();
        RunReport {
            run,
            outcome,
            log: lines,
            log_dropped,
            duration: started.elapsed(),
            memory: seen.memory,
            cached: seen.cached,
        }
    }

    async fn attempt(
        &self,
        run: Uuid,
        request: &RunRequest,
        log: &RunLog,
        seen: &mut Seen,
    ) -> Result<Output, RunError> {
        let config = self.live.now();
        let loaded = tokio::task::block_in_place(|| {
            self.registry.load(&self.sandbox, &config, &request.client)
        })?;
        let client = config
            .client(&request.client)
            .ok_or_else(|| LoadError::UnknownClient(request.client.clone()))?;
        let owner = match self.owner(request.employer).await {
            Ok(owner) => owner,
            Err(error) => return Err(self.refused(run, request, error).await),
        };
        let session = Arc::new(self.session(run, &request.client, &request.user, owner));
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
        self.note(&session, Kind::RunStarted, &request.job.to_string(), None)
            .await?;
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
            self.note(&session, Kind::RunFinished, "succeeded", Some(whence))
                .await?;
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
            memory: &mut seen.memory,
        };
        let called = match request.job {
            Job::ProcessJournalRun(journal_run) => {
                let method = call.method();
                match Claim::take(&session, journal_run, method).await {
                    Ok(claim) => {
                        let called = self.call(&mut call, None).await;
                        claim.settle(called.and_then(Answer::output)).await
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
        let called = match called {
            Ok(output) => Ok(output),
            Err(error) => Err(self.with_line(&session, error).await),
        };
        if let (Some(question), Ok(Output::Lookup { answer })) = (&question, &called) {
            question.keep(&session, answer);
        }
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

    /// Does something with a declaration: what must hold before, the call of
    /// the connector, and what follows from its answer.
    async fn declare(&self, call: &mut Call<'_>, declaration: Uuid) -> Result<Output, RunError> {
        let (session, job) = (call.session.clone(), call.job.clone());
        let deadline_ms = call.client.limits.deadline_ms;
        let step = self.step(&session, &job, declaration, deadline_ms).await?;
        let called = self.call(call, Some(&step)).await;
        self.follow(&session, &step, called).await
    }
}
