//! What is shown of messages and denials. The shapes are koppel's own.

use super::kinds;
use crate::ledger::{MAX_BODY, Row};
use crate::wire::shared::Moment;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A message: a request to an outside party, its reply, or an export file.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    id: Uuid,
    /// When it was recorded: a request or file before it left, a reply when it
    /// had come.
    time: Moment,
    employer_id: Uuid,
    run_id: Uuid,
    /// The connector.
    client: String,
    /// The user on whose behalf it ran.
    user: String,
    #[schemars(extend("enum" = kinds()))]
    kind: String,
    /// The activity that sending it was.
    activity: Option<String>,
    /// The same for a request and its reply.
    exchange_id: Option<String>,
    /// The method and URL, or the name of the file.
    summary: String,
    /// The HTTP status of a reply.
    status: Option<u16>,
    /// How it ended: of a file, or of a request without a reply.
    outcome: Option<String>,
    /// In bytes.
    content_size: u64,
    /// Lower-case hexadecimal.
    content_sha256: String,
    /// Whether the bytes were kept.
    content_available: bool,
}

/// The same with all that is known of it.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageDetails {
    #[serde(flatten)]
    message: Message,
    /// The HTTP headers, in their order.
    headers: Vec<Header>,
    /// The hash of its row in the ledger, chained to the row before.
    ledger_hash: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Header {
    name: String,
    value: String,
}

/// Something that was denied.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Denied {
    id: Uuid,
    time: Moment,
    employer_id: Uuid,
    run_id: Uuid,
    /// The connector or application.
    client: String,
    user: String,
    activity: Option<String>,
    /// The red check: one of the five, or `egress` or `exports` for what no
    /// rule of the operator allows.
    check: Option<String>,
    reason: String,
}

impl From<Row> for Message {
    fn from(row: Row) -> Self {
        let content_available = row.body_size <= MAX_BODY as u64 && !row.is_erased();
        Self {
            id: row.id,
            time: Moment(row.time),
            employer_id: row.context.employer,
            run_id: row.context.run,
            client: row.context.client,
            user: row.context.user,
            kind: row.kind,
            activity: row.activity,
            exchange_id: row.exchange,
            summary: row.summary,
            status: row.status,
            outcome: row.outcome,
            content_available,
            content_size: row.body_size,
            content_sha256: row.body_sha256,
        }
    }
}

impl From<Row> for MessageDetails {
    fn from(mut row: Row) -> Self {
        let headers = std::mem::take(&mut row.headers);
        Self {
            ledger_hash: row.hash.clone(),
            headers: headers
                .into_iter()
                .map(|(name, value)| Header { name, value })
                .collect(),
            message: row.into(),
        }
    }
}

impl From<Row> for Denied {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            time: Moment(row.time),
            employer_id: row.context.employer,
            run_id: row.context.run,
            client: row.context.client,
            user: row.context.user,
            activity: row.activity,
            check: row.check,
            reason: row.summary,
        }
    }
}
