//! One run: what it is, its attempts, and what can be done with it.

use super::super::format::Moment;
use super::super::live::{self, Parts};
use super::super::names::{job_name, origin_name, state_badge, state_name};
use super::super::page::{Page, Section, complete};
use super::super::visit::Visit;
use super::{Job, Run};
use crate::api::{Asked, Problem};
use crate::catalogue::id;
use crate::language::Texts;
use crate::oauth::Parameters;
use askama::Template;
use askama::filters::HtmlSafe;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(flatten)]
    run: Run,
    origin: String,
    schedule: Option<String>,
    due: Option<String>,
    key: String,
    cancellation: Option<String>,
    interrupted: bool,
    output: Option<Value>,
    doubts: Vec<Doubt>,
    happened: Vec<String>,
    attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
struct Doubt {
    description: String,
}

#[derive(Deserialize)]
struct Attempt {
    number: u32,
    begun: String,
    ended: Option<String>,
    resumed: u32,
    outcome: Option<String>,
    log: Vec<LogLine>,
}

#[derive(Deserialize)]
struct LogLine {
    source: String,
    text: String,
}

/// An attempt as it is shown.
struct ShownAttempt {
    begun: Moment,
    ended: Option<Moment>,
    attempt: Attempt,
}

/// The part of the page that says how it stands.
#[derive(Template)]
#[template(path = "console/run_state.html")]
struct Standing {
    t: &'static Texts,
    run: Run,
    state: &'static str,
    badge: &'static str,
    job: &'static str,
    about: Vec<(&'static str, String)>,
    origin: String,
    submitted: Moment,
    due: Option<Moment>,
    ended: Option<Moment>,
    key: String,
    employer: String,
    cancellation: Option<String>,
    doubts: Vec<Doubt>,
    happened: Vec<String>,
    request: Option<String>,
    output: Option<String>,
    attempts: Vec<ShownAttempt>,
    /// Where its messages are.
    messages: Option<String>,
}

/// What was filled in before, and is filled in again when it was not right.
#[derive(Default)]
struct Filled {
    reason: String,
    verdict: String,
    status: String,
    media_type: String,
    body: String,
}

/// The part of the page with what can be done.
#[derive(Template)]
#[template(path = "console/run_actions.html")]
struct Actions {
    t: &'static Texts,
    token: String,
    /// Where its forms go.
    path: String,
    cancel: bool,
    retry: bool,
    decide: bool,
    /// Whether a write is in doubt, and what it is.
    doubts: Vec<String>,
    /// Whether the reply can be given.
    reply: bool,
    filled: Filled,
}

/// Both escape what is in them.
impl HtmlSafe for Standing {}
impl HtmlSafe for Actions {}

impl Actions {
    fn none(&self) -> bool {
        !(self.cancel || self.retry || self.decide)
    }
}

#[derive(Template)]
#[template(path = "console/run.html")]
struct One {
    t: &'static Texts,
    page: Page,
    events: String,
    /// Why something was not done.
    problems: Vec<String>,
    standing: Standing,
    actions: Actions,
    all: String,
}

pub(in crate::console) async fn show(visit: Visit) -> Response {
    let page = one(&visit, &[], &Parameters::default()).await;
    visit.respond(page)
}

/// The page of a run with which something was not done, filled in as it was.
pub(super) async fn again(visit: &Visit, problem: &Problem, form: &Parameters) -> Response {
    match one(visit, &problem.texts, form).await {
        Ok(page) => complete(problem.status, &page),
        // Who may not see it is told what came of it.
        Err(_) => visit.problem(problem),
    }
}

async fn one(visit: &Visit, problems: &[String], form: &Parameters) -> Result<One, Problem> {
    let details = details(visit).await?;
    let t = visit.texts();
    let title = job_name(t, &details.run.job.kind);
    let title = format!("{title}: {}", details.run.client);
    let path = visit.path(&format!("/runs/{}", details.run.id));
    let mut page = visit.page(Section::Runs, &title).await;
    // What was filled in is not replaced under the hands of who does it.
    page.live = problems.is_empty();
    let actions = actions(visit, &details, form);
    Ok(One {
        t,
        page,
        events: format!("{path}/events"),
        problems: problems.to_vec(),
        actions,
        standing: standing(visit, details).await,
        all: visit.path("/runs"),
    })
}

async fn details(visit: &Visit) -> Result<Details, Problem> {
    let asked = Asked::of(id::GetConnectorRunByConnectorRunId).about(visit.parameter("id"));
    visit.one(asked).await
}

fn about(t: &'static Texts, job: &Job) -> Vec<(&'static str, String)> {
    [
        (t.journal_run, job.journal_run_id),
        (t.declaration, job.declaration_id),
        (t.order, job.order_id),
    ]
    .into_iter()
    .filter_map(|(name, id)| Some((name, id?.to_string())))
    .collect()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

async fn standing(visit: &Visit, details: Details) -> Standing {
    let t = visit.texts();
    let names = visit.names(true).await;
    let run = details.run;
    let origin = origin_name(t, &details.origin);
    let may = visit.may(id::GetMessagesByEmployerId) || visit.may(id::GetMessagesByUserId);
    Standing {
        t,
        state: state_name(t, &run.state),
        badge: state_badge(&run.state),
        job: job_name(t, &run.job.kind),
        about: about(t, &run.job),
        origin: match details.schedule {
            Some(schedule) => format!("{origin} ({schedule})"),
            None => origin.to_owned(),
        },
        submitted: Moment::new(&run.submitted),
        due: details.due.as_deref().map(Moment::new),
        ended: run.ended.as_deref().map(Moment::new),
        key: details.key,
        employer: names.of(run.employer_id),
        cancellation: details.cancellation,
        doubts: details.doubts,
        happened: details.happened,
        request: run.job.request.as_ref().map(pretty),
        output: details.output.as_ref().map(pretty),
        attempts: details
            .attempts
            .into_iter()
            .map(|attempt| ShownAttempt {
                begun: Moment::new(&attempt.begun),
                ended: attempt.ended.as_deref().map(Moment::new),
                attempt,
            })
            .collect(),
        messages: may.then(|| visit.path(&format!("/messages?runId={}", run.id))),
        run,
    }
}

fn actions(visit: &Visit, details: &Details, form: &Parameters) -> Actions {
    let may = visit.may(id::PatchConnectorRunByConnectorRunId);
    let state = details.run.state.as_str();
    let person = state == "needs-a-person";
    let over = ["failed", "cancelled", "dead"].contains(&state);
    let field = |name| form.get(name).unwrap_or_default().to_owned();
    Actions {
        t: visit.texts(),
        token: visit.session.token.clone(),
        path: visit.path(&format!("/runs/{}", details.run.id)),
        cancel: may && (state == "queued" || state == "running"),
        retry: may && (over || person && details.doubts.is_empty()),
        decide: may && person,
        doubts: details
            .doubts
            .iter()
            .map(|doubt| doubt.description.clone())
            .collect(),
        reply: details.interrupted && !details.doubts.is_empty(),
        filled: Filled {
            reason: field("reason"),
            verdict: field("verdict"),
            status: field("status"),
            media_type: field("mediaType"),
            body: field("body"),
        },
    }
}

/// How it stands, as it changes.
pub(in crate::console) async fn events(visit: Visit, headers: HeaderMap) -> Response {
    live::watch(visit, headers, |visit| {
        Box::pin(async move {
            let details = details(visit).await?;
            let actions = actions(visit, &details, &Parameters::default());
            let over = actions.none() && !["queued", "running"].contains(&&*details.run.state);
            let standing = standing(visit, details).await;
            Ok(Parts {
                parts: vec![
                    ("run", visit.part(&standing)),
                    ("actions", visit.part(&actions)),
                ],
                over,
            })
        })
    })
    .await
}

impl Visit {
    /// A part of a page.
    pub(in crate::console) fn part<T: Template>(&self, part: &T) -> String {
        part.render().unwrap_or_else(|error| {
            tracing::error!(%error, user = self.session.user, "a part of a page cannot be made");
            String::new()
        })
    }
}
