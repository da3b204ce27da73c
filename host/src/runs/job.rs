//! What connectors are asked to do, and what comes of it.

use super::RunError;
use super::error::ended;
use crate::admission::Kind;
use crate::bindings::exports::koppel::connector::journal::{Delivery, Outcome};
use crate::bindings::koppel::connector::types::{ConnectorError, RunContext};
use crate::kinds::Connector;
use crate::sandbox::{Line, State};
use serde::Serialize;
use std::fmt;
use std::time::Duration;
use uuid::Uuid;
use wasmtime::Store;

/// What a connector is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Book or export a journal run (kind journal).
    ProcessJournalRun(Uuid),
    /// Look something up; the query is JSON (kind lookup).
    Lookup(String),
    /// Test the settings and the connection (every kind).
    Check,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProcessJournalRun(id) => write!(f, "process journal run {id}"),
            Self::Lookup(_) => f.write_str("look up"),
            Self::Check => f.write_str("check"),
        }
    }
}

impl Job {
    /// The kind of connector that can do it; none if every one can.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::ProcessJournalRun(_) => Some(Kind::Journal),
            Self::Lookup(_) => Some(Kind::Lookup),
            Self::Check => None,
        }
    }

    /// Calls the export of the connector. The inner error is the connector's
    /// own word, the outer one the end of the guest.
    pub(super) async fn perform(
        &self,
        connector: &Connector<'_>,
        store: &mut Store<State>,
        context: &RunContext,
    ) -> Result<Result<Output, ConnectorError>, RunError> {
        Ok(match self {
            Self::ProcessJournalRun(id) => {
                let id = id.to_string();
                let answer = connector
                    .journal(store, context, &id)
                    .await
                    .map_err(ended)?;
                answer.map(journal_output)
            }
            Self::Lookup(query) => {
                let answer = connector
                    .lookup(store, context, query)
                    .await
                    .map_err(ended)?;
                match answer {
                    Ok(answer) => Ok(lookup_output(&answer)?),
                    Err(error) => Err(error),
                }
            }
            Self::Check => {
                let answer = connector.check(store, context).await.map_err(ended)?;
                answer.map(|message| Output::Check { message })
            }
        })
    }
}

/// A request for a run.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The client.
    pub client: String,
    /// The user on whose behalf it runs.
    pub user: String,
    /// The employer that it is for.
    pub employer: Uuid,
    /// What to do.
    pub job: Job,
}

/// What a connector did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "result")]
pub enum Output {
    /// A journal run left.
    #[serde(rename_all = "kebab-case")]
    JournalRun {
        /// `booked` or `exported`.
        delivery: &'static str,
        /// The reference in the accounting package, or the name of the file.
        reference: String,
        /// How many lines.
        lines: u32,
        /// The sum of the debit amounts, in cents.
        total_cents: i64,
    },
    /// The answer to a query.
    Lookup {
        /// The JSON of the connector.
        answer: serde_json::Value,
    },
    /// The connection works.
    Check {
        /// What the connector says.
        message: String,
    },
}

/// How a run went.
#[derive(Debug)]
pub struct RunReport {
    /// The run.
    pub run: Uuid,
    /// What came of it.
    pub outcome: Result<Output, RunError>,
    /// Its log.
    pub log: Vec<Line>,
    /// How many lines of log did not fit.
    pub log_dropped: u64,
    /// How long it took.
    pub duration: Duration,
    /// The most linear memory that it used, in bytes.
    pub memory: usize,
}

fn journal_output(outcome: Outcome) -> Output {
    Output::JournalRun {
        delivery: match outcome.delivery {
            Delivery::Booked => "booked",
            Delivery::Exported => "exported",
        },
        reference: outcome.reference,
        lines: outcome.lines,
        total_cents: outcome.total,
    }
}

fn lookup_output(answer: &str) -> Result<Output, RunError> {
    match serde_json::from_str(answer) {
        Ok(answer) => Ok(Output::Lookup { answer }),
        Err(error) => Err(RunError::BadAnswer(format!(
            "its answer is not JSON: {error}"
        ))),
    }
}
