//! Jobs, as they are read and written.

use crate::api::call::invalid;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::runs::Job;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// What a connector is asked to do.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ConnectorJob {
    kind: JobKind,
    /// The journal run that is processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    journal_run_id: Option<Uuid>,
    /// The declaration that is created, submitted or polled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    declaration_id: Option<Uuid>,
    /// The order that is cancelled, or placed again because its reply was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_id: Option<Uuid>,
    /// What is looked up, quoted or ordered, as the connector wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<Map<String, Value>>,
}

/// The kinds of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ConnectorJobKind")]
enum JobKind {
    /// Books or exports a journal run.
    ProcessJournalRun,
    /// Looks something up.
    Lookup,
    /// Asks a price.
    Quote,
    /// Orders something.
    Order,
    /// Cancels an order.
    Cancel,
    /// Makes the message of a declaration.
    CreateDeclaration,
    /// Sends the message of a declaration that was confirmed.
    SubmitDeclaration,
    /// Fetches what the outside party says of a declaration.
    PollDeclaration,
    /// Tests the settings and the connection.
    Check,
}

impl ConnectorJob {
    /// A job, without its request.
    pub(super) fn of(job: &Job) -> Self {
        let empty = |kind| Self {
            kind,
            journal_run_id: None,
            declaration_id: None,
            order_id: None,
            request: None,
        };
        let declaration = |kind, id: &Uuid| Self {
            declaration_id: Some(*id),
            ..empty(kind)
        };
        match job {
            Job::ProcessJournalRun(id) => Self {
                journal_run_id: Some(*id),
                ..empty(JobKind::ProcessJournalRun)
            },
            Job::Lookup(_) => empty(JobKind::Lookup),
            Job::Quote(_) => empty(JobKind::Quote),
            Job::Order { again, .. } => Self {
                order_id: *again,
                ..empty(JobKind::Order)
            },
            Job::Cancel(order) => Self {
                order_id: Some(*order),
                ..empty(JobKind::Cancel)
            },
            Job::CreateDeclaration(id) => declaration(JobKind::CreateDeclaration, id),
            Job::SubmitDeclaration(id) => declaration(JobKind::SubmitDeclaration, id),
            Job::PollDeclaration(id) => declaration(JobKind::PollDeclaration, id),
            Job::Check => empty(JobKind::Check),
        }
    }

    /// The job.
    ///
    /// # Errors
    ///
    /// `invalid` when something is missing, or would be passed over.
    pub(super) fn read(self) -> Result<Job, ActivityError> {
        use JobKind as K;
        let Self {
            kind,
            journal_run_id,
            declaration_id,
            order_id,
            request,
        } = self;
        // Which kinds may have which member.
        for (field, given, may) in [
            (
                "journalRunId",
                journal_run_id.is_some(),
                kind == K::ProcessJournalRun,
            ),
            (
                "declarationId",
                declaration_id.is_some(),
                matches!(
                    kind,
                    K::CreateDeclaration | K::SubmitDeclaration | K::PollDeclaration
                ),
            ),
            (
                "orderId",
                order_id.is_some(),
                matches!(kind, K::Order | K::Cancel),
            ),
            (
                "request",
                request.is_some(),
                matches!(kind, K::Lookup | K::Quote | K::Order),
            ),
        ] {
            if given && !may {
                let problem = "is not for a job of this kind";
                return Err(invalid(&format!("job.{field}"), problem));
            }
        }
        let needed = |field: &str, id: Option<Uuid>| {
            id.ok_or_else(|| invalid(&format!("job.{field}"), "is missing"))
        };
        let declaration = || needed("declarationId", declaration_id);
        let request = || match &request {
            Some(request) => Ok(Value::Object(request.clone()).to_string()),
            None => Err(invalid("job.request", "is missing")),
        };
        Ok(match kind {
            K::ProcessJournalRun => Job::ProcessJournalRun(needed("journalRunId", journal_run_id)?),
            K::Lookup => Job::Lookup(request()?),
            K::Quote => Job::Quote(request()?),
            K::Order => Job::Order {
                request: request()?,
                again: order_id,
            },
            K::Cancel => Job::Cancel(needed("orderId", order_id)?),
            K::CreateDeclaration => Job::CreateDeclaration(declaration()?),
            K::SubmitDeclaration => Job::SubmitDeclaration(declaration()?),
            K::PollDeclaration => Job::PollDeclaration(declaration()?),
            K::Check => Job::Check,
        })
    }
}
