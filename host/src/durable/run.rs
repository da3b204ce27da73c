//! A run as it is kept.

use super::Millis;
use crate::runs::{Job, RunRequest};
use crate::sandbox::Line;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It waits for its turn, or to be tried again.
    Queued,
    /// A worker has it.
    Running,
    /// It did what it was asked.
    Succeeded,
    /// It cannot be done; trying again would not help.
    Failed,
    /// Nobody knows whether something happened; a person has to find out.
    NeedsAPerson,
    /// A person ended it.
    Cancelled,
    /// It was tried as often as the policy of its client allows.
    Dead,
}

impl State {
    /// All, in the order in which a run goes through them.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::NeedsAPerson,
        Self::Cancelled,
        Self::Dead,
    ];

    /// The states of runs that wait for something.
    pub(crate) const COUNTED: [Self; 3] = [Self::Queued, Self::Running, Self::NeedsAPerson];

    /// The name, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::NeedsAPerson => "needs-a-person",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }

    /// The state of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing but a person changes it any more.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running | Self::NeedsAPerson)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a run comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Submitted: workers do it.
    Submitted,
    /// Made by whoever asked for it, who waits for the outcome.
    Direct,
    /// By the schedule of this name.
    Schedule(String),
}

/// A run to be kept.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The identifier: a UUID of version 7.
    pub id: Uuid,
    /// The idempotency key: unique for a client and an employer.
    pub key: String,
    /// What is asked for.
    pub request: RunRequest,
    /// Where it comes from.
    pub origin: Origin,
    /// When it may begin.
    pub due: Millis,
}

/// What came of submitting a run.
#[derive(Clone, Debug)]
pub enum Submitted {
    /// It is kept from now on.
    New(Run),
    /// The same was submitted before under this key.
    Known(Run),
}

impl Submitted {
    /// The run, new or known.
    pub fn run(&self) -> &Run {
        match self {
            Self::New(run) | Self::Known(run) => run,
        }
    }
}

/// A write of which nobody knows whether it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Doubt {
    /// Its number in the journal of the attempt.
    pub seq: u64,
    /// What it is: `POST https://…`.
    pub what: String,
}

/// Why an attempt did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failing {
    /// A short name, for programs.
    pub code: String,
    /// A sentence, for people.
    pub message: String,
}

/// A run that is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Run {
    /// The identifier.
    pub id: Uuid,
    /// Its number in the order of submission.
    pub number: u64,
    /// The idempotency key.
    pub key: String,
    /// The client.
    pub client: String,
    /// The user on whose behalf it runs.
    pub user: String,
    /// The employer that it is for.
    pub employer: Uuid,
    /// What to do.
    pub job: Job,
    /// Where it comes from.
    pub origin: Origin,
    /// Where it stands.
    pub state: State,
    /// When it was submitted.
    pub submitted: Millis,
    /// From when it may be taken up, while it is queued.
    pub due: Millis,
    /// When it was over.
    pub ended: Option<Millis>,
    /// How many attempts were begun.
    pub attempts: u32,
    /// How many of them since it was submitted, or retried by a person.
    pub tries: u32,
    /// Whether its last attempt was interrupted, and goes on by replay.
    pub interrupted: bool,
    /// Why somebody asked for its cancellation, until it is cancelled.
    pub cancel: Option<String>,
    /// What came of it, if it succeeded.
    pub output: Option<Value>,
    /// Why the last attempt did not succeed.
    pub error: Option<Failing>,
    /// The writes that nobody knows of whether they happened.
    pub doubts: Vec<Doubt>,
    /// The writes that a person said happened: no later attempt makes them.
    pub happened: Vec<String>,
}

impl Run {
    /// What was asked for.
    pub fn request(&self) -> RunRequest {
        RunRequest {
            client: self.client.clone(),
            user: self.user.clone(),
            employer: self.employer,
            job: self.job.clone(),
        }
    }
}

/// One attempt at a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// When it began.
    pub begun: Millis,
    /// When it ended; none while it is under way or interrupted.
    pub ended: Option<Millis>,
    /// How often it was taken up again after it was interrupted.
    pub resumed: u32,
    /// How it ended: `succeeded`, or the code of the error.
    pub outcome: Option<String>,
    /// What the connector and the host had to say.
    pub log: Vec<Line>,
}

/// What an attempt is made of besides its input. Replaying takes the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made(pub String);

/// Which runs are asked for. What is none does not restrict.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Only in these states; all if empty.
    pub states: Vec<State>,
    /// Only of this client.
    pub client: Option<String>,
    /// Only of this employer.
    pub employer: Option<Uuid>,
    /// Only of one of these employers; none of them is none at all.
    pub among: Option<Vec<Uuid>>,
    /// Only submitted from this moment on.
    pub since: Option<Millis>,
    /// Only submitted before this moment.
    pub until: Option<Millis>,
    /// Only before this number.
    pub before: Option<u64>,
    /// At most so many: the newest.
    pub limit: Option<u32>,
}

/// How many runs of a day are in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCount {
    /// The day on which they were submitted, in UTC: days since 1970-01-01.
    pub day: i64,
    /// Where they stand.
    pub state: State,
    /// How many there are.
    pub count: u64,
}

/// How long a day is, in milliseconds.
pub(super) const DAY: Millis = 86_400_000;

/// How an attempt ended.
#[derive(Clone, Debug)]
pub struct End {
    /// Where the run goes from here.
    pub to: Ended,
    /// What came of it, as JSON.
    pub output: Option<String>,
    /// Why it did not succeed.
    pub error: Option<Failing>,
    /// What nobody knows of whether it happened.
    pub doubts: Vec<Doubt>,
    /// The log of the attempt.
    pub log: Vec<Line>,
}

/// Where a run goes from the end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is over.
    Over(State),
    /// To a person. `open` says whether the attempt goes on by replay once the
    /// person decided.
    Person {
        /// Whether the attempt was interrupted rather than ended.
        open: bool,
    },
    /// To another attempt.
    Again {
        /// From when.
        due: Millis,
    },
    /// To the same attempt, by replay.
    Suspended {
        /// From when.
        due: Millis,
    },
}

impl Ended {
    /// The state that the run is in then, unless it is to be cancelled.
    pub(crate) fn state(self) -> State {
        match self {
            Self::Over(state) => state,
            Self::Person { .. } => State::NeedsAPerson,
            Self::Again { .. } | Self::Suspended { .. } => State::Queued,
        }
    }
}
