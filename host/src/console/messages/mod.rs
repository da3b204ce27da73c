//! What connectors exchanged with the outside: the list, one message, and its
//! exact bytes.

mod one;
mod pretty;

pub(super) use one::{download, show as one};

use super::format::{Moment, bytes};
use super::names::{KINDS, kind_name};
use super::page::{Page, Pages, Section};
use super::visit::Visit;
use crate::api::Problem;
use crate::catalogue::id;
use crate::language::Texts;
use askama::Template;
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

/// How many messages are on a page.
const ON_A_PAGE: u64 = 25;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: Uuid,
    time: String,
    employer_id: Uuid,
    run_id: Uuid,
    client: String,
    user: String,
    kind: String,
    activity: Option<String>,
    exchange_id: Option<String>,
    summary: String,
    status: Option<u16>,
    outcome: Option<String>,
    content_size: u64,
    content_sha256: String,
    content_available: bool,
}

/// A message as a row of the list.
struct Row {
    path: String,
    time: Moment,
    kind: &'static str,
    size: String,
    employer: String,
    message: Message,
}

/// A kind to choose.
struct Choice {
    value: &'static str,
    name: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "console/messages.html")]
struct Messages {
    t: &'static Texts,
    page: Page,
    kinds: Vec<Choice>,
    client: String,
    run: String,
    since: String,
    until: String,
    rows: Vec<Row>,
    pages: Pages,
}

const FILTERS: [&str; 5] = ["kind", "client", "runId", "since", "until"];

pub(super) async fn show(visit: Visit) -> Response {
    let page = messages(&visit).await;
    visit.respond(page)
}

async fn messages(visit: &Visit) -> Result<Messages, Problem> {
    let number = visit.page_number();
    let mut asked = visit
        .of_scope(id::GetMessagesByUserId, id::GetMessagesByEmployerId)
        .with("order", "newest-first")
        .with("pageNumber", number)
        .with("pageSize", ON_A_PAGE);
    for name in FILTERS {
        asked = asked.with(name, visit.chosen(name));
    }
    let list = visit.list::<Message>(asked).await?;
    let names = visit.names(!list.embedded.is_empty()).await;
    let t = visit.texts();
    let rows = list.embedded.into_iter().map(|message| Row {
        path: visit.path(&format!("/messages/{}", message.id)),
        time: Moment::new(&message.time),
        kind: kind_name(t, &message.kind),
        size: bytes(message.content_size, visit.language),
        employer: names.of(message.employer_id),
        message,
    });
    let chosen = FILTERS.map(|name| (name, visit.chosen(name)));
    Ok(Messages {
        t,
        page: visit.page(Section::Messages, t.messages).await,
        kinds: KINDS
            .map(|kind| Choice {
                value: kind,
                name: kind_name(t, kind),
                chosen: visit.chosen("kind") == kind,
            })
            .into(),
        client: visit.chosen("client").to_owned(),
        run: visit.chosen("runId").to_owned(),
        since: visit.chosen("since").to_owned(),
        until: visit.chosen("until").to_owned(),
        rows: rows.collect(),
        pages: Pages::new(
            t,
            number,
            ON_A_PAGE,
            list.total_size,
            &visit.address("/messages", &chosen),
        ),
    })
}
