//! What connectors are asked to do, and what comes of it.

mod output;

pub use output::Output;

use super::RunError;
use super::error::ended;
use crate::admission::Kind;
use crate::bindings::exports::koppel::connector::declaration::Message;
use crate::bindings::koppel::connector::types::{ConnectorError, RunContext};
use crate::kinds::Connector;
use crate::platform::Frozen;
use crate::sandbox::{Line, State};
use output::{cancel_output, journal_output, lookup_output, order_output, quote_output};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use uuid::Uuid;
use wasmtime::Store;

/// What a connector is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Job {
    /// Book or export a journal run (kind journal).
    ProcessJournalRun(Uuid),
    /// Look something up; the query is JSON (kind lookup).
    Lookup(String),
    /// Ask a price; the request is JSON (kind product).
    Quote(String),
    /// Order something (kind product).
    Order {
        /// What to order, JSON.
        request: String,
        /// The order-id of an order that is placed again because its reply was
        /// lost; a new order gets the identifier of its run.
        again: Option<Uuid>,
    },
    /// Cancel the order of this order-id (kind product).
    Cancel(Uuid),
    /// Make the message of a declaration (kind declaration).
    CreateDeclaration(Uuid),
    /// Send the message of a declaration that was confirmed (kind declaration).
    SubmitDeclaration(Uuid),
    /// Fetch what the outside party says of a declaration (kind declaration).
    PollDeclaration(Uuid),
    /// Test the settings and the connection (every kind).
    Check,
}

/// The words for a new order; the ledger is searched for them.
pub(super) const ORDER: &str = "order";

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProcessJournalRun(id) => write!(f, "process journal run {id}"),
            Self::Lookup(_) => f.write_str("look up"),
            Self::Quote(_) => f.write_str("quote"),
            Self::Order { again: None, .. } => f.write_str(ORDER),
            Self::Order {
                again: Some(order), ..
            } => write!(f, "place order {order} again"),
            Self::Cancel(order) => write!(f, "cancel order {order}"),
            Self::CreateDeclaration(id) => write!(f, "make the message of declaration {id}"),
            Self::SubmitDeclaration(id) => write!(f, "send declaration {id}"),
            Self::PollDeclaration(id) => write!(f, "fetch responses to declaration {id}"),
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
            Self::Quote(_) | Self::Order { .. } | Self::Cancel(_) => Some(Kind::Product),
            Self::CreateDeclaration(_) | Self::SubmitDeclaration(_) | Self::PollDeclaration(_) => {
                Some(Kind::Declaration)
            }
            Self::Check => None,
        }
    }

    /// The kind, as metrics and traces call it.
    pub(crate) fn kind_name(&self) -> &'static str {
        self.kind().map_or("check", Kind::interface)
    }

    /// Whether it only reads, so that nothing is left of it when the process of
    /// whoever waits for the answer dies.
    pub fn only_reads(&self) -> bool {
        matches!(self, Self::Lookup(_) | Self::Quote(_) | Self::Check)
    }

    /// The order-id of an order that must have been placed before.
    pub(super) fn earlier_order(&self) -> Option<Uuid> {
        match self {
            Self::Order { again, .. } => *again,
            Self::Cancel(order) => Some(*order),
            _ => None,
        }
    }

    /// Calls the export of the connector; `frozen` is the message to be sent,
    /// if one is. The inner error is the connector's own word, the outer one
    /// the end of the guest.
    pub(super) async fn perform(
        &self,
        connector: &Connector<'_>,
        store: &mut Store<State>,
        context: &RunContext,
        frozen: Option<&Frozen>,
    ) -> Result<Result<Answer, ConnectorError>, RunError> {
        Ok(match self {
            Self::ProcessJournalRun(id) => {
                let id = id.to_string();
                let answer = connector
                    .journal(store, context, &id)
                    .await
                    .map_err(ended)?;
                answer.map(|outcome| Answer::Output(journal_output(outcome)))
            }
            Self::Lookup(query) => {
                let answer = connector
                    .lookup(store, context, query)
                    .await
                    .map_err(ended)?;
                match answer {
                    Ok(answer) => Ok(Answer::Output(lookup_output(&answer)?)),
                    Err(error) => Err(error),
                }
            }
            Self::Quote(request) => {
                let answer = connector
                    .quote(store, context, request)
                    .await
                    .map_err(ended)?;
                match answer {
                    Ok(quotation) => Ok(Answer::Output(quote_output(quotation)?)),
                    Err(error) => Err(error),
                }
            }
            Self::Order { request, again } => {
                let order = again.map_or_else(|| context.run_id.clone(), |id| id.to_string());
                let answer = connector
                    .order(store, context, &order, request)
                    .await
                    .map_err(ended)?;
                match answer {
                    Ok(confirmation) => Ok(Answer::Output(order_output(order, confirmation)?)),
                    Err(error) => Err(error),
                }
            }
            Self::Cancel(order) => {
                let order = order.to_string();
                let answer = connector
                    .cancel(store, context, &order)
                    .await
                    .map_err(ended)?;
                match answer {
                    Ok(cancellation) => Ok(Answer::Output(cancel_output(order, cancellation)?)),
                    Err(error) => Err(error),
                }
            }
            Self::CreateDeclaration(id) => {
                let id = id.to_string();
                let answer = connector.create(store, context, &id).await;
                answer.map_err(ended)?.map(Answer::Message)
            }
            Self::SubmitDeclaration(id) => {
                let Some(frozen) = frozen else {
                    return Err(RunError::Host("there is no message to send".to_owned()));
                };
                let message = Message {
                    reference: frozen.reference.clone(),
                    bytes: frozen.message.clone(),
                };
                let id = id.to_string();
                let answer = connector.submit(store, context, &id, &message).await;
                answer
                    .map_err(ended)?
                    .map(|submission| Answer::Submitted(submission.reference))
            }
            Self::PollDeclaration(id) => {
                let id = id.to_string();
                let answer = connector.poll_response(store, context, &id).await;
                answer.map_err(ended)?.map(|()| Answer::Polled)
            }
            Self::Check => {
                let answer = connector.check(store, context).await.map_err(ended)?;
                answer.map(|message| Answer::Output(Output::Check { message }))
            }
        })
    }
}

/// What a connector answered, before the host does what follows from it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Answer {
    /// Nothing follows.
    Output(Output),
    /// The message of a declaration.
    Message(Message),
    /// The reference of the outside party to which a declaration was sent.
    Submitted(String),
    /// Responses were stored, if there were any.
    Polled,
}

impl Answer {
    /// What came of a job from which nothing follows.
    pub(super) fn output(self) -> Result<Output, RunError> {
        match self {
            Self::Output(output) => Ok(output),
            _ => Err(RunError::Host("it was asked for something else".to_owned())),
        }
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
    /// How long its connector took of that, from when an instance was wanted
    /// until it answered.
    pub connector: Duration,
    /// The most linear memory that it used, in bytes.
    pub memory: usize,
    /// The run that found the answer, if it was kept and the connector was not
    /// asked again.
    pub cached: Option<Uuid>,
}
