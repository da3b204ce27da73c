//! What survives of runs.

use super::rules::seed;
use super::{
    Attempt, DayCount, Doubt, End, Made, Millis, NewRun, Run, RunFilter, State, Step, Submitted,
};
use crate::encryption::{EncryptionError, Resealed};
use async_trait::async_trait;
use std::time::Duration;
use uuid::Uuid;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The key is that of another run.
    #[error(
        "key \"{key}\" is that of run {run}, which was asked for something else; another request takes another key"
    )]
    KeyTaken {
        /// The key.
        key: String,
        /// The run that has it.
        run: Uuid,
    },
    /// There is no such run.
    #[error("there is no run {0}")]
    NoRun(Uuid),
    /// Its state does not allow it.
    #[error("run {run} cannot be {done}: it is {state}{hint}")]
    State {
        /// The run.
        run: Uuid,
        /// What was to be done.
        done: &'static str,
        /// Its state.
        state: State,
        /// What can be done instead, if something can.
        hint: String,
    },
    /// Another worker took over.
    #[error("run {0} was taken over by another worker")]
    Fenced(Uuid),
    /// It cannot be read or written now; later it may.
    #[error("runs: {0}")]
    Unavailable(String),
    /// It cannot be read or written.
    #[error("runs: {0}")]
    Broken(String),
}

impl StoreError {
    /// Tells the operator that how a run ended could not be kept.
    pub(crate) fn tell_end_not_kept(&self, run: Uuid) {
        tracing::error!(%run, error = %self, "how a run ended is not kept; the ledger has it");
    }
}

impl From<EncryptionError> for StoreError {
    /// Later the key may be there.
    fn from(error: EncryptionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// What a worker must show with everything that it writes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The run.
    pub run: Uuid,
    /// The attempt.
    pub attempt: u32,
    /// Grows each time that the run is taken up.
    pub token: u64,
}

/// A request to take up a run.
#[derive(Clone, Debug)]
pub struct Begin {
    /// The run.
    pub run: Uuid,
    /// The process that takes it up.
    pub holder: Uuid,
    /// Now.
    pub now: Millis,
    /// What the attempt is made of.
    pub made: Made,
    /// How many runs of the client may be under way.
    pub concurrency: u32,
}

/// An attempt that was begun, or goes on.
#[derive(Clone, Debug)]
pub struct Started {
    /// The run.
    pub run: Run,
    /// What to show with everything that is written of it.
    pub fence: Fence,
    /// What the attempt was made of when it began.
    pub made: Made,
    /// What its random numbers come from.
    pub seed: [u8; 32],
    /// Its journal so far, in order.
    pub steps: Vec<Step>,
    /// Whether it was interrupted before.
    pub resumed: bool,
    /// How often it was taken up again.
    pub resumptions: u32,
}

/// A run that is made at once, by whoever asked for it, in its only attempt.
#[derive(Clone, Debug)]
pub struct Direct {
    /// The run.
    pub new: NewRun,
    /// Who makes it, when, and what of.
    pub begin: Begin,
    /// What the random numbers of the attempt come from.
    pub seed: [u8; 32],
}

impl Direct {
    /// A run that begins now. Nothing of it is kept yet.
    pub fn new(new: NewRun, begin: Begin) -> Self {
        Self {
            new,
            begin,
            seed: seed(),
        }
    }

    /// What to show with what is written of it once it is kept: nobody takes
    /// it up before.
    pub fn fence(&self) -> Fence {
        Fence {
            run: self.new.id,
            attempt: 1,
            token: 1,
        }
    }

    /// The attempt. The run has no number before it is kept: 0 stands for it.
    pub fn started(&self) -> Started {
        let NewRun {
            id,
            key,
            request,
            origin,
            due,
        } = self.new.clone();
        Started {
            run: Run {
                id,
                number: 0,
                key,
                client: request.client,
                user: request.user,
                employer: request.employer,
                job: request.job,
                origin,
                state: State::Running,
                submitted: self.begin.now,
                due,
                ended: None,
                attempts: 1,
                tries: 1,
                interrupted: false,
                cancel: None,
                output: None,
                error: None,
                doubts: Vec::new(),
                happened: Vec::new(),
            },
            fence: self.fence(),
            made: self.begin.made.clone(),
            seed: self.seed,
            steps: Vec::new(),
            resumed: false,
            resumptions: 0,
        }
    }
}

/// What came of taking up a run.
#[derive(Clone, Debug)]
pub enum Begun {
    /// It begins.
    Started(Box<Started>),
    /// Not now: an earlier run of the employer is not over, or as many of the
    /// client are under way as may be.
    NotYet,
    /// It is not to be taken up: this is where it stands.
    Over(State),
}

/// What a person says of a write in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It happened, with this outcome for the connector if it is known.
    Happened(Option<Vec<u8>>),
    /// It did not happen: it is made again.
    DidNotHappen,
    /// The run ends here.
    Stop,
}

/// Runs, their attempts, and the journal of each attempt.
///
/// Whoever calls this may be one of several processes: each call is made as a
/// whole or not at all, and is on disk when it returns (what is only
/// informative may be lost when the machine loses power).
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Keeps a run, or gives the one that was submitted under this key.
    ///
    /// # Errors
    ///
    /// [`StoreError::KeyTaken`] when that one was asked for something else.
    async fn submit(&self, new: NewRun, now: Millis) -> Result<Submitted, StoreError>;

    /// One run.
    async fn run(&self, id: Uuid) -> Result<Option<Run>, StoreError>;

    /// The runs that a filter selects, newest first.
    async fn runs(&self, filter: RunFilter) -> Result<Vec<Run>, StoreError>;

    /// A page of them: at most `size`, past the first `skip`, whatever limit
    /// the filter has; and how many there are in all.
    async fn page(
        &self,
        filter: RunFilter,
        skip: u64,
        size: u32,
    ) -> Result<(Vec<Run>, u64), StoreError>;

    /// How many there are of each day and state, in that order. The limit of
    /// the filter does not count.
    async fn days(&self, filter: RunFilter) -> Result<Vec<DayCount>, StoreError>;

    /// How many runs are queued, running, and with a person. Those that are
    /// over are too many to be counted again and again.
    async fn counts(&self) -> Result<Vec<(State, u64)>, StoreError>;

    /// How many runs of each client are running, if any.
    async fn running(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// The attempts at a run, oldest first.
    async fn attempts(&self, run: Uuid) -> Result<Vec<Attempt>, StoreError>;

    /// Takes up a run, for a worker that leased it: begins an attempt, or goes
    /// on with one that was interrupted.
    async fn begin(&self, begin: Begin) -> Result<Begun, StoreError>;

    /// Keeps a run that is made at once, as under way.
    async fn direct(&self, direct: Direct) -> Result<(), StoreError>;

    /// Keeps a run that was made at once, as it ended. It may be on disk a little
    /// later; whoever asks this store sees it at once.
    async fn made(&self, direct: Direct, end: End, now: Millis) -> Result<(), StoreError> {
        let fence = direct.fence();
        self.direct(direct).await?;
        self.finish(fence, end, now).await?;
        Ok(())
    }

    /// Writes steps of the journal: new ones, or the outcome of known ones.
    ///
    /// # Errors
    ///
    /// [`StoreError::Fenced`] when another worker took over.
    async fn record(&self, fence: Fence, steps: Vec<Step>) -> Result<(), StoreError>;

    /// Forgets the journal of an attempt that begins anew.
    async fn forget(&self, fence: Fence, made: Made) -> Result<(), StoreError>;

    /// Ends or suspends an attempt, and gives the run as it is then.
    async fn finish(&self, fence: Fence, end: End, now: Millis) -> Result<Run, StoreError>;

    /// Cancels a run that is queued or needs a person; asks for the
    /// cancellation of one that is running.
    async fn cancel(&self, run: Uuid, why: &str, now: Millis) -> Result<Run, StoreError>;

    /// Whether the cancellation of a run was asked for, and why.
    async fn cancelled(&self, run: Uuid) -> Result<Option<String>, StoreError>;

    /// Queues a run that is over without success for attempts from 1 on. One
    /// with writes in doubt is for [`RunStore::decide`].
    async fn retry(&self, run: Uuid, now: Millis) -> Result<Run, StoreError>;

    /// Does with a run that needs a person what the person says. Gives the run
    /// as it is then, and what was in doubt.
    async fn decide(
        &self,
        run: Uuid,
        decision: Decision,
        now: Millis,
    ) -> Result<(Run, Vec<Doubt>), StoreError>;

    /// The runs that are not over and not with a person, for a queue that lost
    /// them: identifier and due time.
    async fn unfinished(&self) -> Result<Vec<(Uuid, Millis)>, StoreError>;

    /// Takes one of a budget for a day; false when it is used up.
    async fn spend(&self, budget: &str, day: &str, most: u32) -> Result<bool, StoreError>;

    /// The last moment for which a schedule was carried out.
    async fn ticked(&self, schedule: &str) -> Result<Option<Millis>, StoreError>;

    /// Notes the moment for which a schedule was carried out.
    async fn tick(&self, schedule: &str, moment: Millis) -> Result<(), StoreError>;

    /// Forgets those of these runs that are over, with their attempts and their
    /// keys. Gives how many there were.
    async fn remove(&self, runs: Vec<Uuid>) -> Result<u64, StoreError>;

    /// Encrypts what is in clear text, or encrypted with another key than the
    /// active one, in some steps of journals. Gives what they were; none when
    /// nothing is left to do.
    async fn reseal(&self) -> Result<Resealed, StoreError>;

    /// The limits that hold for all hosts together, where there are several.
    fn shared_limits(&self) -> Option<&dyn SharedLimits> {
        None
    }
}

/// What outside parties allow of all hosts together.
#[async_trait]
pub trait SharedLimits: Send + Sync {
    /// Takes one of a budget for the last minute; or how long until there is
    /// one.
    async fn minute(&self, budget: &str, most: u32) -> Result<Option<Duration>, StoreError>;

    /// Takes a place among the requests that are under way, if there is one.
    /// The places of a host that is gone are free again.
    async fn enter(&self, budget: &str, most: u32) -> Result<Option<Uuid>, StoreError>;

    /// Gives a place back.
    async fn leave(&self, place: Uuid) -> Result<(), StoreError>;
}
