//! What was exchanged with the outside and what was denied, for the people of
//! the employer: koppel's own operations, on the ledger. What is redacted there
//! is redacted here.

mod shown;

use super::{Handled, Parameter, Route, Shape, page, schema, single};
use crate::api::call::{Call, invalid};
use crate::api::paging::Wanted;
use crate::api::query::Query;
use crate::api::reply::{ApiError, Reply};
use crate::bindings::koppel::loket::types::{ActivityError, Problem};
use crate::catalogue::id;
use crate::consulting::{self, Which};
use crate::ledger::{ContentError, Filter, Kind, Row};
use crate::platform::Entity;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use shown::{Denied, Message, MessageDetails};

pub(super) const CLIENT: Parameter = Parameter {
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
pub(super) const SINCE: Parameter = Parameter {
    name: "since",
    description: "Only from this moment on. A date is the beginning of that day in UTC.",
    schema: moment,
};
pub(super) const UNTIL: Parameter = Parameter {
    name: "until",
    description: "Only before this moment, which is after `since`. A date is the beginning of that day in UTC.",
    schema: moment,
};

/// The order in which the rows of the ledger are listed.
const ORDER: Parameter = Parameter {
    name: "order",
    description: "`oldest-first`, unless said otherwise: then a page does not change once it is full.",
    schema: || json!({"type": "string", "enum": ORDERS}),
};

const ORDERS: [&str; 2] = ["oldest-first", "newest-first"];

fn kinds() -> [&'static str; 3] {
    Kind::MESSAGES.map(Kind::name)
}

fn moment() -> Value {
    json!({"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]})
}

pub(super) fn of_an_employer() -> Route {
    Route {
        filters: MESSAGES,
        ..Route::new(
            id::GetMessagesByEmployerId,
            Shape::Paged(schema::<Message>),
            |call| Box::pin(list::<Message>(call, &Kind::MESSAGES)),
        )
    }
}

/// What restricts a list of messages, and one of denials.
const MESSAGES: &[Parameter] = &[CLIENT, RUN, KIND, SINCE, UNTIL, ORDER];
const DENIALS: &[Parameter] = &[CLIENT, RUN, SINCE, UNTIL, ORDER];

pub(super) fn of_the_user() -> Route {
    Route {
        filters: MESSAGES,
        ..Route::new(
            id::GetMessagesByUserId,
            Shape::Paged(schema::<Message>),
            |call| Box::pin(list_of_all::<Message>(call, &Kind::MESSAGES)),
        )
    }
}

pub(super) fn denials_of_the_user() -> Route {
    Route {
        filters: DENIALS,
        ..Route::new(
            id::GetDenialsByUserId,
            Shape::Paged(schema::<Denied>),
            |call| Box::pin(list_of_all::<Denied>(call, &[Kind::Denial])),
        )
    }
}

pub(super) fn denials_of_an_employer() -> Route {
    Route {
        filters: DENIALS,
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
    let asked = call
        .uuid("employerId")
        .and_then(|employer| Ok((employer, asked(&call, kinds)?)));
    let employer = asked.as_ref().map_err(Clone::clone);
    let employer = employer.map(|(id, _)| Some(Entity::Employer(*id)));
    let session = call.session(employer).await?;
    let (_, (filter, wanted)) = asked?;
    let filter = Filter {
        // Never of another one.
        employer: Some(session.employer),
        ..filter
    };
    rows::<W>(&call, filter, wanted).await
}

async fn list_of_all<W: From<Row> + Serialize>(
    call: Call,
    kinds: &[Kind],
) -> Result<Reply, ApiError> {
    let among = call.among().await?;
    let (filter, wanted) = asked(&call, kinds)?;
    let filter = Filter {
        // Never of others.
        among: Some(among),
        ..filter
    };
    rows::<W>(&call, filter, wanted).await
}

async fn rows<W: From<Row> + Serialize>(
    call: &Call,
    filter: Filter,
    wanted: Wanted,
) -> Result<Reply, ApiError> {
    let ledger = call.api.host.ledger();
    let rows = ledger.page(filter, wanted.before(), wanted.size).await;
    let (rows, total) = rows.map_err(|error| ApiError::Host(error.into()))?;
    let items: Vec<W> = rows.into_iter().map(W::from).collect();
    page(call, items, wanted, total)
}

/// What a list is asked for: which rows, and which page of them.
fn asked(call: &Call, kinds: &[Kind]) -> Result<(Filter, Wanted), ActivityError> {
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
    let one_of = |name: &str, known: &[&str], given: &str| {
        let known = known.join(", ");
        invalid(name, &format!("must be one of {known}, not {given:?}"))
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
            note(one_of(KIND.name, &self::kinds(), name));
        }
    }
    if let Some(order) = query.get(ORDER.name) {
        filter.newest_first = order == ORDERS[1];
        if !ORDERS.contains(&order) {
            note(one_of(ORDER.name, &ORDERS, order));
        }
    }
    (filter.since, filter.until) = period(query, &mut problems);
    if problems.is_empty() {
        Ok((filter, wanted))
    } else {
        Err(ActivityError::Invalid(problems))
    }
}

/// From which moment on and until which one. What is wrong with them is added to
/// the problems.
pub(super) fn period(
    query: &Query,
    problems: &mut Vec<Problem>,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let mut bounds = [None, None];
    let mut note = |name: &str, why: &str| {
        if let ActivityError::Invalid(more) = invalid(name, why) {
            problems.extend(more);
        }
    };
    for (bound, parameter) in bounds.iter_mut().zip([SINCE, UNTIL]) {
        let text = query.get(parameter.name);
        match text.map(consulting::moment).transpose() {
            Ok(moment) => *bound = moment,
            Err(why) => note(parameter.name, &why),
        }
    }
    let [since, until] = bounds;
    if let Err(why) = consulting::period(since, until) {
        note(UNTIL.name, &why);
    }
    (since, until)
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
            Err(gone @ (ContentError::TooLarge { .. } | ContentError::Erased { .. })) => {
                return Err(ActivityError::Conflict(format!("{}: {gone}", row.id)).into());
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
