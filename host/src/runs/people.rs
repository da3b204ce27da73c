//! What people do with runs that are kept: submit, cancel, retry and decide.

use super::{Host, Job, RunRequest};
use crate::durable::{
    Attempt, DayCount, Decision, Millis, NewRun, Origin, Run, RunFilter, StoreError, Submitted,
};
use crate::ledger::{Context, Entry, Kind};
use uuid::Uuid;

/// Why something was not done with a run.
#[derive(Debug, thiserror::Error)]
pub enum RunsError {
    /// The store does not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The request is not right.
    #[error("{0}")]
    Invalid(String),
    /// It cannot be recorded.
    #[error("{0}")]
    Ledger(String),
}

/// The longest idempotency key, in bytes.
const KEY_BYTES: usize = 200;

/// The longest reason or name of a person, in bytes.
const TEXT_BYTES: usize = 1_000;

impl Host {
    /// Submits a run: workers make it, in the order of submission for its
    /// employer. The same request with the same key is the same run.
    ///
    /// # Errors
    ///
    /// When the key is that of another request, or the client is none that
    /// could run.
    pub async fn submit(
        &self,
        request: RunRequest,
        key: Option<String>,
    ) -> Result<Submitted, RunsError> {
        let id = Uuid::now_v7();
        let key = key.unwrap_or_else(|| id.to_string());
        is_key(&key)?;
        self.submit_as(id, request, key).await
    }

    /// As [`Host::submit`], under a key that is taken as it is.
    pub(super) async fn submit_as(
        &self,
        id: Uuid,
        request: RunRequest,
        key: String,
    ) -> Result<Submitted, RunsError> {
        let known = self
            .live
            .with(|config| config.client(&request.client).is_some());
        if !known {
            return Err(RunsError::Invalid(format!(
                "there is no client \"{0}\"; add `[clients.{0}]` with `component` and `activities`",
                request.client
            )));
        }
        let new = NewRun {
            id,
            key,
            request,
            origin: Origin::Submitted,
            due: self.clock.now(),
        };
        Ok(self.enqueue(new).await?)
    }

    pub(super) async fn enqueue(&self, new: NewRun) -> Result<Submitted, StoreError> {
        let submitted = self.runs.submit(new, self.clock.now()).await?;
        if let Submitted::New(run) = &submitted
            && let Err(error) = self.queue.push(run.id, run.due).await
        {
            // It is kept; the workers look for what the queue does not know.
            tracing::warn!(run = %run.id, %error, "the queue was not told of a run");
        }
        Ok(submitted)
    }

    /// One run; none if there is none.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn kept_run(&self, id: Uuid) -> Result<Option<Run>, StoreError> {
        self.runs.run(id).await
    }

    /// The runs that a filter selects, newest first.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn kept_runs(&self, filter: RunFilter) -> Result<Vec<Run>, StoreError> {
        self.runs.runs(filter).await
    }

    /// A page of them, past the first `skip`, and how many there are in all.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn page_of_runs(
        &self,
        filter: RunFilter,
        skip: u64,
        size: u32,
    ) -> Result<(Vec<Run>, u64), StoreError> {
        self.runs.page(filter, skip, size).await
    }

    /// How many runs there are of each day and state.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn days_of_runs(&self, filter: RunFilter) -> Result<Vec<DayCount>, StoreError> {
        self.runs.days(filter).await
    }

    /// The attempts at a run, oldest first.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn attempts_at(&self, run: Uuid) -> Result<Vec<Attempt>, StoreError> {
        self.runs.attempts(run).await
    }

    /// Cancels a run, or asks for it if it is under way.
    ///
    /// # Errors
    ///
    /// When it is over.
    pub async fn cancel_run(&self, id: Uuid, by: &str, why: &str) -> Result<Run, RunsError> {
        let (by, why) = (text(by)?, text(why)?);
        let run = self.find(id).await?;
        self.decided(&run, &format!("cancel: {why}"), by).await?;
        let why = format!("{why} ({by})");
        Ok(self.runs.cancel(id, &why, self.clock.now()).await?)
    }

    /// Queues a run again that is over without success, from the start.
    ///
    /// # Errors
    ///
    /// When it is not over, or succeeded.
    pub async fn retry_run(&self, id: Uuid, by: &str) -> Result<Run, RunsError> {
        let by = text(by)?;
        let run = self.find(id).await?;
        self.decided(&run, "retry", by).await?;
        let run = self.runs.retry(id, self.clock.now()).await?;
        self.tell_queue(&run).await;
        Ok(run)
    }

    /// Does with a run that needs a person what the person decided. `reply` is
    /// what the outside party replied, if it is known.
    ///
    /// # Errors
    ///
    /// When it needs no person.
    pub async fn decide_run(&self, id: Uuid, by: &str, verdict: Verdict) -> Result<Run, RunsError> {
        let by = text(by)?;
        let run = self.find(id).await?;
        let doubts: Vec<_> = run.doubts.iter().map(|doubt| doubt.what.as_str()).collect();
        let doubts = doubts.join(", ");
        let (what, decision) = match verdict {
            Verdict::Happened(reply) => {
                let outcome = reply.map(|reply| reply.outcome()).transpose();
                let outcome = outcome.map_err(RunsError::Invalid)?;
                let told = if outcome.is_some() {
                    ", with a reply"
                } else {
                    ""
                };
                (
                    format!("it happened{told}: {doubts}"),
                    Decision::Happened(outcome),
                )
            }
            Verdict::DidNotHappen => (
                format!("it did not happen: {doubts}"),
                Decision::DidNotHappen,
            ),
            Verdict::Stop => ("stop".to_owned(), Decision::Stop),
        };
        let stop = decision == Decision::Stop;
        self.decided(&run, &what, by).await?;
        let (run, _) = self.runs.decide(id, decision, self.clock.now()).await?;
        if stop {
            self.give_up(&run, &format!("stopped by {by}")).await;
        } else {
            self.tell_queue(&run).await;
        }
        Ok(run)
    }

    /// The last moment for which a schedule was carried out for an employer.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn last_tick(
        &self,
        schedule: &str,
        employer: Uuid,
    ) -> Result<Option<Millis>, StoreError> {
        self.runs.ticked(&format!("{schedule} {employer}")).await
    }

    async fn find(&self, id: Uuid) -> Result<Run, StoreError> {
        self.runs.run(id).await?.ok_or(StoreError::NoRun(id))
    }

    async fn tell_queue(&self, run: &Run) {
        if let Err(error) = self.queue.push(run.id, run.due).await {
            tracing::warn!(run = %run.id, %error, "the queue was not told of a run");
        }
    }

    /// Records what a person is about to do with a run.
    async fn decided(&self, run: &Run, what: &str, by: &str) -> Result<(), RunsError> {
        let context = Context {
            run: run.id,
            client: run.client.clone(),
            user: by.to_owned(),
            employer: run.employer,
        };
        let entry = Entry::new(context, Kind::RunDecided, what.to_owned());
        match self.ledger.append(entry).await {
            Ok(_) => Ok(()),
            Err(error) => Err(RunsError::Ledger(error.to_string())),
        }
    }
}

/// Whether an idempotency key can be one.
///
/// # Errors
///
/// What it must be instead.
pub(super) fn is_key(key: &str) -> Result<(), RunsError> {
    let clean = !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if clean && key.len() <= KEY_BYTES {
        return Ok(());
    }
    Err(RunsError::Invalid(format!(
        "an idempotency key has 1 to {KEY_BYTES} visible ASCII characters"
    )))
}

fn text(text: &str) -> Result<&str, RunsError> {
    if text.is_empty() || text.len() > TEXT_BYTES || text.chars().any(char::is_control) {
        return Err(RunsError::Invalid(format!(
            "a name or a reason has 1 to {TEXT_BYTES} bytes, in one line"
        )));
    }
    Ok(text)
}

/// What a person says of a write in doubt.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It happened.
    Happened(Option<OutsideReply>),
    /// It did not happen: it is made again.
    DidNotHappen,
    /// The run ends here.
    Stop,
}

/// What an outside party replied, as a person found out.
#[derive(Clone, Debug)]
pub struct OutsideReply {
    /// The HTTP status.
    pub status: u16,
    /// The media type of the body, if it has one.
    pub media_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl OutsideReply {
    fn outcome(&self) -> Result<Vec<u8>, String> {
        crate::outbound::found_out(self.status, self.media_type.as_deref(), &self.body)
    }
}

impl Job {
    /// The job in a few words, without what it is about: for lists.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ProcessJournalRun(_) => "process-journal-run",
            Self::Lookup(_) => "lookup",
            Self::Quote(_) => "quote",
            Self::Order { .. } => "order",
            Self::Cancel(_) => "cancel",
            Self::CreateDeclaration(_) => "create-declaration",
            Self::SubmitDeclaration(_) => "submit-declaration",
            Self::PollDeclaration(_) => "poll-declaration",
            Self::Check => "check",
        }
    }
}
