//! What was exchanged with the outside and what was denied, for the people of
//! the employer: koppel's own operations, on the ledger. What is redacted there
//! is redacted here.

use super::{Handled, Parameter, Route, Shape, page, schema, single};
use crate::api::call::{Call, invalid};
use crate::api::paging::Wanted;
use crate::api::reply::{ApiError, Reply};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::id;
use crate::consulting::{self, Which};
use crate::ledger::{ContentError, Filter, Kind, MAX_BODY, Row};
use crate::platform::Entity;
use crate::wire::shared::Moment;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// A message: a request to an outside party, its reply, or an export file.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Message {
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
struct MessageDetails {
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
struct Denied {
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
            content_size: row.body_size,
            content_sha256: row.body_sha256,
            content_available: row.body_size <= MAX_BODY as u64,
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

const CLIENT: Parameter = Parameter {
    name: "client",
    description: "Only of this connector or application.",
    schema: || json!({"type": "string"}),
};
const RUN: Parameter = Parameter {
    name: "runId",
    description: "Only of this run.",
    schema: || json!({"type": "string", "format": "uuid"}),
};
const KIND: Parameter = Parameter {
    name: "kind",
    description: "Only of this kind.",
    schema: || json!({"type": "string", "enum": kinds()}),
};
const SINCE: Parameter = Parameter {
    name: "since",
    description: "Only from this moment on. A date is the beginning of that day in UTC.",
    schema: moment,
};
const UNTIL: Parameter = Parameter {
    name: "until",
    description: "Only before this moment, which is after `since`. A date is the beginning of that day in UTC.",
    schema: moment,
};

fn kinds() -> [&'static str; 3] {
    Kind::MESSAGES.map(Kind::name)
}

fn moment() -> Value {
    json!({"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]})
}

pub(super) fn of_an_employer() -> Route {
    Route {
        filters: &[CLIENT, RUN, KIND, SINCE, UNTIL],
        ..Route::new(
            id::GetMessagesByEmployerId,
            Shape::Paged(schema::<Message>),
            |call| Box::pin(list::<Message>(call, &Kind::MESSAGES)),
        )
    }
}

pub(super) fn denials_of_an_employer() -> Route {
    Route {
        filters: &[CLIENT, RUN, SINCE, UNTIL],
        ..Route::new(
            id::GetDenialsByEmployerId,
            Shape::Paged(schema::<Denied>),
            |call| Box::pin(list::<Denied>(call, &[Kind::Denial])),
        )
    }
}

pub(super) fn one() -> Route {
    Route::new(
        id::GetMessageByMessageId,
        Shape::Single(schema::<MessageDetails>),
        details,
    )
}

pub(super) fn content_of_one() -> Route {
    Route::new(id::GetMessageContentByMessageId, Shape::File, content)
}

async fn list<W: From<Row> + Serialize>(call: Call, kinds: &[Kind]) -> Result<Reply, ApiError> {
    let asked = asked(&call, kinds);
    let employer = asked.as_ref().map_err(Clone::clone);
    let employer = employer.map(|(id, ..)| Some(Entity::Employer(*id)));
    let session = call.session(employer).await?;
    let (_, filter, wanted) = asked?;
    let filter = Filter {
        // Never of another one.
        employer: Some(session.employer),
        ..filter
    };
    let ledger = call.api.host.ledger();
    let rows = ledger.page(filter, wanted.before(), wanted.size).await;
    let (rows, total) = rows.map_err(|error| ApiError::Host(error.into()))?;
    let items: Vec<W> = rows.into_iter().map(W::from).collect();
    page(&call, items, wanted, total)
}

/// What a list is asked for: of which employer, which of it, and which page.
fn asked(call: &Call, kinds: &[Kind]) -> Result<(Uuid, Filter, Wanted), ActivityError> {
    let employer = call.uuid("employerId")?;
    let wanted = call.wanted()?;
    let query = call.query()?;
    let mut filter = Filter {
        kinds: kinds.to_vec(),
        client: query.get(CLIENT.name).map(ToOwned::to_owned),
        ..Filter::default()
    };
    let mut problems = Vec::new();
    // All that is wrong with a parameter is of this kind.
    let mut note = |error| {
        if let ActivityError::Invalid(more) = error {
            problems.extend(more);
        }
    };
    if let Some(run) = query.get(RUN.name) {
        match crate::activities::id(RUN.name, run) {
            Ok(run) => filter.run = Some(run),
            Err(error) => note(error),
        }
    }
    if let Some(name) = query.get(KIND.name) {
        filter.kinds.retain(|kind| kind.name() == name);
        if filter.kinds.is_empty() {
            let known = self::kinds().join(", ");
            note(invalid(
                KIND.name,
                &format!("must be one of {known}, not {name:?}"),
            ));
        }
    }
    for (name, bound) in [
        (SINCE.name, &mut filter.since),
        (UNTIL.name, &mut filter.until),
    ] {
        match query.get(name).map(consulting::moment).transpose() {
            Ok(moment) => *bound = moment,
            Err(why) => note(invalid(name, &why)),
        }
    }
    if let Err(why) = consulting::period(filter.since, filter.until) {
        note(invalid(UNTIL.name, &why));
    }
    if problems.is_empty() {
        Ok((employer, filter, wanted))
    } else {
        Err(ActivityError::Invalid(problems))
    }
}

fn details(call: Call) -> Handled {
    Box::pin(async move {
        let row = message(&call).await?;
        single(&call, MessageDetails::from(row))
    })
}

fn content(call: Call) -> Handled {
    Box::pin(async move {
        let row = message(&call).await?;
        let content = match call.api.host.ledger().content(&row).await {
            Ok(content) => content,
            Err(too_large @ ContentError::TooLarge { .. }) => {
                return Err(ActivityError::Conflict(format!("{}: {too_large}", row.id)).into());
            }
            Err(error) => return Err(ApiError::Host(error.into())),
        };
        Ok(Reply::file(name(row), content))
    })
}

/// What the bytes of a message are called as a file.
fn name(row: Row) -> String {
    if row.kind == Kind::ExportFile.name() {
        row.summary
    } else {
        format!("{}-{}.bin", row.kind, row.id)
    }
}

/// The message that a call is about.
async fn message(call: &Call) -> Result<Row, ApiError> {
    match call.uuid("messageId") {
        Ok(id) => Ok(consulting::message(&call.gate(), Which::Id(id)).await?),
        // Told only to who may ask.
        Err(malformed) => {
            call.ask().await?;
            Err(malformed.into())
        }
    }
}
