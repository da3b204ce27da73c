//! The runs of connectors: the list, which changes while it is looked at.

mod act;
mod one;
mod submit;

pub(super) use act::act;
pub(super) use one::{events as events_of_one, show as one};
pub(super) use submit::{send as submit, show as new};

use super::format::{Moment, short};
use super::live::{self, Parts};
use super::names::{STATES, job_name, state_badge, state_name};
use super::page::{Page, Pages, Section};
use super::visit::{Scope, Visit};
use crate::api::Problem;
use crate::catalogue::id;
use crate::language::Texts;
use askama::Template;
use askama::filters::HtmlSafe;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use uuid::Uuid;

/// How many runs are on a page.
const ON_A_PAGE: u64 = 25;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    id: Uuid,
    employer_id: Uuid,
    client: String,
    user: String,
    job: Job,
    state: String,
    submitted: String,
    ended: Option<String>,
    attempt_count: u32,
    error: Option<RunError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    kind: String,
    journal_run_id: Option<Uuid>,
    declaration_id: Option<Uuid>,
    order_id: Option<Uuid>,
    request: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct RunError {
    code: String,
    message: String,
}

/// A run as a row of the list.
struct Row {
    path: String,
    id: String,
    submitted: Moment,
    state: &'static str,
    badge: &'static str,
    job: &'static str,
    employer: String,
    run: Run,
}

/// The part of the page that changes.
#[derive(Template)]
#[template(path = "console/runs_rows.html")]
struct Rows {
    t: &'static Texts,
    rows: Vec<Row>,
    pages: Pages,
}

/// It escapes what is in it.
impl HtmlSafe for Rows {}

/// A state to choose.
struct Choice {
    value: &'static str,
    name: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "console/runs.html")]
struct Runs {
    t: &'static Texts,
    page: Page,
    states: Vec<Choice>,
    client: String,
    since: String,
    until: String,
    /// Where the changes come from.
    events: String,
    /// Where a run is submitted.
    new: Option<String>,
    list: Rows,
}

const FILTERS: [&str; 4] = ["state", "client", "since", "until"];

pub(super) async fn show(visit: Visit) -> Response {
    let page = runs(&visit).await;
    visit.respond(page)
}

async fn runs(visit: &Visit) -> Result<Runs, Problem> {
    let list = rows(visit).await?;
    let t = visit.texts();
    let number = visit.page_number();
    let mut page = visit.page(Section::Runs, t.runs).await;
    page.live = true;
    let chosen = FILTERS.map(|name| (name, visit.chosen(name)));
    let submits = visit.may(id::PostConnectorRunByEmployerId);
    Ok(Runs {
        t,
        page,
        states: STATES
            .map(|state| Choice {
                value: state,
                name: state_name(t, state),
                chosen: visit.chosen("state") == state,
            })
            .into(),
        client: visit.chosen("client").to_owned(),
        since: visit.chosen("since").to_owned(),
        until: visit.chosen("until").to_owned(),
        events: format!("{}page={number}", visit.address("/runs/events", &chosen)),
        new: submits.then(|| visit.path("/runs/new")),
        list,
    })
}

async fn rows(visit: &Visit) -> Result<Rows, Problem> {
    let number = visit.page_number();
    let mut asked = visit
        .of_scope(
            id::GetConnectorRunsByUserId,
            id::GetConnectorRunsByEmployerId,
        )
        .with("pageNumber", number)
        .with("pageSize", ON_A_PAGE);
    for name in FILTERS {
        asked = asked.with(name, visit.chosen(name));
    }
    let list = visit.list::<Run>(asked).await?;
    let names = visit.names(!list.embedded.is_empty()).await;
    let t = visit.texts();
    let rows = list.embedded.into_iter().map(|run| Row {
        path: visit.path(&format!("/runs/{}", run.id)),
        id: short(&run.id),
        submitted: Moment::new(&run.submitted),
        state: state_name(t, &run.state),
        badge: state_badge(&run.state),
        job: job_name(t, &run.job.kind),
        employer: names.of(run.employer_id),
        run,
    });
    let chosen = FILTERS.map(|name| (name, visit.chosen(name)));
    let address = visit.address("/runs", &chosen);
    Ok(Rows {
        t,
        rows: rows.collect(),
        pages: Pages::new(t, number, ON_A_PAGE, list.total_size, &address),
    })
}

/// The list as it changes.
pub(super) async fn events(visit: Visit, headers: HeaderMap) -> Response {
    live::watch(visit, headers, |visit| {
        Box::pin(async move {
            let rows = rows(visit).await?;
            Ok(Parts {
                parts: vec![("runs", visit.part(&rows))],
                over: false,
            })
        })
    })
    .await
}

impl Visit {
    /// The employer that the page is of; a problem if it is of all.
    pub(super) fn employer(&self) -> Result<Uuid, Problem> {
        match self.scope {
            Scope::One(employer) => Ok(employer),
            Scope::All => Err(Problem::new(
                http::StatusCode::BAD_REQUEST,
                self.texts().of_one_employer.to_owned(),
            )),
        }
    }
}
