//! What is shown of runs. The shapes are koppel's own.

use super::job::ConnectorJob;
use crate::durable::{Attempt, Failing, Millis, Origin, Run, State, moment};
use crate::runs::Job;
use crate::wire::shared::Moment;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// A run of a connector.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectorRun {
    id: Uuid,
    employer_id: Uuid,
    /// The connector.
    client: String,
    /// The user on whose behalf it runs.
    user: String,
    /// What to do. In a list without its `request`.
    job: ConnectorJob,
    /// `submitted`, `direct` or `schedule`.
    origin: &'static str,
    /// The name of the schedule that submitted it.
    schedule: Option<String>,
    #[schemars(extend("enum" = State::ALL.map(State::name)))]
    state: &'static str,
    submitted: Moment,
    /// From when it may be taken up, while it is queued.
    due: Option<Moment>,
    /// When it was over.
    ended: Option<Moment>,
    /// How many attempts were begun.
    attempt_count: u32,
    /// Why the last attempt did not succeed.
    error: Option<RunError>,
}

/// The same with all that is known of it.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectorRunDetails {
    #[serde(flatten)]
    run: ConnectorRun,
    /// The idempotency key. That of an application begins with its name.
    key: String,
    /// Why somebody asked for its cancellation, until it is cancelled.
    cancellation: Option<String>,
    /// Whether its last attempt was interrupted, and goes on by replay. Only
    /// then can a decision have the reply.
    interrupted: bool,
    /// What came of it, if it succeeded; amounts are in cents.
    output: Option<Map<String, Value>>,
    /// The writes that nobody knows of whether they happened.
    doubts: Vec<Doubt>,
    /// The writes that a person said happened: no later attempt makes them.
    happened: Vec<String>,
    /// The attempts, oldest first.
    attempts: Vec<RunAttempt>,
}

/// Why an attempt did not succeed.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ConnectorRunError")]
struct RunError {
    /// A short name, for programs.
    code: String,
    /// A sentence, for people.
    message: String,
}

/// A write of which nobody knows whether it happened.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ConnectorRunDoubt")]
struct Doubt {
    /// The method and URL.
    description: String,
}

/// One attempt at a run.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ConnectorRunAttempt")]
struct RunAttempt {
    /// From 1.
    number: u32,
    begun: Moment,
    /// When it ended; none while it is under way or interrupted.
    ended: Option<Moment>,
    /// How often it was taken up again after it was interrupted.
    resumed: u32,
    /// `succeeded`, or the code of the error.
    outcome: Option<String>,
    log: Vec<LogLine>,
}

/// A line of the log of an attempt.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ConnectorRunLogLine")]
struct LogLine {
    /// Who wrote it: `connector`, `output` (the connector, to its standard
    /// output or error) or `host`.
    source: &'static str,
    text: String,
}

impl From<Run> for ConnectorRun {
    fn from(run: Run) -> Self {
        Self::of(&run)
    }
}

impl ConnectorRun {
    fn of(run: &Run) -> Self {
        let (origin, schedule) = match &run.origin {
            Origin::Submitted => ("submitted", None),
            Origin::Direct => ("direct", None),
            Origin::Schedule(name) => ("schedule", Some(name.clone())),
        };
        Self {
            id: run.id,
            employer_id: run.employer,
            client: run.client.clone(),
            user: run.user.clone(),
            job: ConnectorJob::of(&run.job),
            origin,
            schedule,
            state: run.state.name(),
            submitted: at(run.submitted),
            due: (run.state == State::Queued).then(|| at(run.due)),
            ended: run.ended.map(at),
            attempt_count: run.attempts,
            error: run.error.clone().map(RunError::from),
        }
    }
}

impl ConnectorRunDetails {
    /// A run with the attempts at it.
    pub(super) fn of(run: Run, attempts: Vec<Attempt>) -> Self {
        let mut shown = ConnectorRun::of(&run);
        shown.job.request = match &run.job {
            Job::Lookup(request) | Job::Quote(request) | Job::Order { request, .. } => {
                // What was submitted on the command line may be no object.
                serde_json::from_str(request).ok()
            }
            _ => None,
        };
        Self {
            run: shown,
            key: run.key,
            cancellation: run.cancel,
            interrupted: run.interrupted,
            output: run.output.and_then(camel_case),
            doubts: run
                .doubts
                .into_iter()
                .map(|doubt| Doubt {
                    description: doubt.what,
                })
                .collect(),
            happened: run.happened,
            attempts: attempts.into_iter().map(RunAttempt::from).collect(),
        }
    }
}

/// What came of a run, with its own members named as all others here. What a
/// connector or an outside party said in them stays as it is.
fn camel_case(output: Value) -> Option<Map<String, Value>> {
    let Value::Object(members) = output else {
        return None;
    };
    let named = members.into_iter().map(|(name, value)| {
        let mut words = name.split('-');
        let first = words.next().unwrap_or_default().to_owned();
        let name = words.fold(first, |name, word| {
            let mut letters = word.chars();
            let capital = letters.next().map(|c| c.to_ascii_uppercase());
            name + &capital.into_iter().chain(letters).collect::<String>()
        });
        (name, value)
    });
    Some(named.collect())
}

fn at(millis: Millis) -> Moment {
    Moment(moment(millis))
}

impl From<Failing> for RunError {
    fn from(failing: Failing) -> Self {
        Self {
            code: failing.code,
            message: failing.message,
        }
    }
}

impl From<Attempt> for RunAttempt {
    fn from(attempt: Attempt) -> Self {
        Self {
            number: attempt.number,
            begun: at(attempt.begun),
            ended: attempt.ended.map(at),
            resumed: attempt.resumed,
            outcome: attempt.outcome,
            log: attempt
                .log
                .into_iter()
                .map(|line| LogLine {
                    source: line.source.name(),
                    text: line.text,
                })
                .collect(),
        }
    }
}
