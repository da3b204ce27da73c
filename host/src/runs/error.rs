//! Why runs fail, in words for the operator.

use super::Stop;
use crate::bindings::koppel::connector::types::ConnectorError;
use crate::config::ConfigError;
use crate::durable::StoreError;
use crate::ledger::LedgerError;
use crate::platform::OpenError;
use crate::registry::LoadError;
use crate::sandbox::LimitReached;
use uuid::Uuid;

/// Why a run did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It could not start: the client cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It could not start: the employer does not exist.
    #[error("there is no employer {0}")]
    NoEmployer(Uuid),
    /// It could not start: the journal run does not exist.
    #[error("there is no journal run {0}")]
    NoJournalRun(String),
    /// It could not start: the declaration does not exist.
    #[error("there is no declaration {0}")]
    NoDeclaration(String),
    /// It could not start: the status of what it is about does not allow it, or
    /// another run has it.
    #[error("{0}")]
    Conflict(String),
    /// It could not start: the order to repeat or cancel was never placed.
    #[error("client \"{client}\" placed no order {order} for employer {employer}")]
    NoOrder {
        /// The order-id.
        order: Uuid,
        /// The client.
        client: String,
        /// The employer.
        employer: Uuid,
    },
    /// It could not start: the connector is of another kind.
    #[error("client \"{client}\" is no connector of kind {wanted}")]
    WrongKind {
        /// The client.
        client: String,
        /// The kind that the job needs.
        wanted: &'static str,
    },
    /// One of the five checks was red, and the connector could not go on.
    #[error(
        "denied by check {check}: {activity}: {reason}\nto allow it, put in the configuration:\n  {line}"
    )]
    Denied {
        /// The red check.
        check: &'static str,
        /// The activity.
        activity: String,
        /// Why.
        reason: String,
        /// The line of the configuration that would allow it.
        line: String,
    },
    /// The connector says that it cannot be done.
    #[error("{}", connector_error(.0))]
    Connector(ConnectorError),
    /// A limit was reached; the connector was ended.
    #[error("the connector was ended: {0}")]
    Limit(LimitReached),
    /// The connector crashed; it was ended.
    #[error("the connector crashed: {0}")]
    Crash(String),
    /// The connector answered something that its kind does not allow.
    #[error("the connector answered what it may not: {0}")]
    BadAnswer(String),
    /// The host cannot do its part.
    #[error("the host failed: {0}")]
    Host(String),
    /// It was stopped before it ended.
    #[error("the run was stopped: {0}")]
    Stopped(Stop),
}

fn connector_error(error: &ConnectorError) -> String {
    match error {
        ConnectorError::Denied(denial) => format!("denied {}: {}", denial.activity, denial.reason),
        ConnectorError::InvalidSettings(why) => format!("invalid settings: {why}"),
        ConnectorError::InvalidInput(why) => format!("invalid input: {why}"),
        ConnectorError::Refused(why) => format!("refused: {why}"),
        ConnectorError::OutsideParty(why) => format!("the outside party says: {why}"),
        ConnectorError::Unavailable(Some(seconds)) => {
            format!("not available now; try again in {seconds} s")
        }
        ConnectorError::Unavailable(None) => "not available now; try again later".to_owned(),
        ConnectorError::Other(why) => why.clone(),
    }
}

impl RunError {
    /// A short name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Load(_) => "not-loaded",
            Self::NoEmployer(_) => "no-employer",
            Self::NoJournalRun(_) => "no-journal-run",
            Self::NoDeclaration(_) => "no-declaration",
            Self::Conflict(_) => "conflict",
            Self::NoOrder { .. } => "no-order",
            Self::WrongKind { .. } => "wrong-kind",
            Self::Denied { .. } => "denied",
            Self::Connector(_) => "connector",
            Self::Limit(_) => "limit",
            Self::Crash(_) => "crash",
            Self::BadAnswer(_) => "bad-answer",
            Self::Host(_) => "host",
            Self::Stopped(stop) => match stop {
                Stop::Diverged(_) => "diverged",
                Stop::Doubt(_) => "in-doubt",
                Stop::Cancelled(_) => "cancelled",
                Stop::Fenced => "taken-over",
                Stop::Unrecorded(_) => "host",
                Stop::Excess(_) => "limit",
                Stop::Wait { .. } => "waits",
                Stop::Deadline(_) => "limit",
                Stop::Leaving => "interrupted",
            },
        }
    }
}

impl RunError {
    /// The key in `limits` of what ended it, if a limit did.
    pub(crate) fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Limit(limit) => Some(match limit {
                LimitReached::Memory(_) => "memory-bytes",
                LimitReached::Table(_) => "table-elements",
                LimitReached::Cpu(_) => "cpu-ms",
                LimitReached::Deadline(_) => "deadline-ms",
                LimitReached::Denials(_) => "denials",
            }),
            Self::Stopped(Stop::Excess(_)) => Some("journal"),
            _ => None,
        }
    }
}

impl From<Stop> for RunError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Deadline(deadline) => Self::Limit(LimitReached::Deadline(deadline)),
            stop => Self::Stopped(stop),
        }
    }
}

/// Why the host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The payroll data cannot be opened.
    #[error("payroll data: {0}")]
    Platform(#[from] OpenError),
    /// The platform that payroll data comes from cannot be prepared.
    #[error("[platform.loket]: {0:#}")]
    Upstream(anyhow::Error),
    /// The ledger cannot be opened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The key that encrypts what is stored cannot be read.
    #[error("{0}")]
    Encryption(String),
    /// The folder of compiled components cannot be used.
    #[error("compiled components: {0}")]
    Compiled(String),
    /// The runs cannot be opened.
    #[error(transparent)]
    Runs(#[from] StoreError),
    /// What hosts share cannot be reached.
    #[error("{0}")]
    Shared(String),
    /// The published grants cannot be used.
    #[error("{0}")]
    Grants(ConfigError),
    /// The engine or TLS cannot be set up.
    #[error("{0:#}")]
    Engine(anyhow::Error),
}

/// Why payroll data cannot be written here: it is that of another platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the payroll data is that of {0}; to have data of koppel's own, put `source = \"embedded\"` under [platform] and remove [platform.loket]"
)]
pub struct NotEmbedded(pub String);

/// Sorts out why a guest ended.
pub(super) fn ended(error: wasmtime::Error) -> RunError {
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        return RunError::Limit(*limit);
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => RunError::Crash(trap.to_string()),
        None => RunError::Crash(
            error
                .chain()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(": "),
        ),
    }
}
