//! Submitting a run.

use super::super::names::{JOBS, job_name};
use super::super::page::{Page, Section, complete};
use super::super::visit::{Deed, Visit};
use crate::api::{Asked, Problem};
use crate::catalogue::id;
use crate::language::Texts;
use crate::oauth::{Parameters, random};
use crate::platform::Entity;
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Something to choose.
struct Choice {
    value: String,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "console/run_new.html")]
struct New {
    t: &'static Texts,
    page: Page,
    problems: Vec<String>,
    clients: Vec<Choice>,
    jobs: Vec<Choice>,
    /// Under which it is submitted once, however often the form is sent.
    key: String,
    journal_run: String,
    declaration: String,
    order: String,
    request: String,
    /// The journal runs that there are, with what they are called.
    journal_runs: Vec<(Uuid, String)>,
}

pub(in crate::console) async fn show(visit: Visit) -> Response {
    let page = form(&visit, &[], &Parameters::default()).await;
    visit.respond(page)
}

async fn form(visit: &Visit, problems: &[String], filled: &Parameters) -> Result<New, Problem> {
    let employer = visit.employer()?;
    // Who may not submit gets no form either.
    let api = &visit.console.api;
    let submits = id::PostConnectorRunByEmployerId;
    api.admit(&visit.principal, submits, Some(employer)).await?;
    let t = visit.texts();
    let field = |name: &str| filled.get(name).unwrap_or(visit.chosen(name)).to_owned();
    let choice = |value: &str, name: &str, of: &str| Choice {
        value: value.to_owned(),
        name: name.to_owned(),
        chosen: field(of) == value,
    };
    Ok(New {
        t,
        page: visit.page(Section::Runs, t.new_run).await,
        problems: problems.to_vec(),
        clients: set_up(visit, employer)
            .await
            .iter()
            .map(|client| choice(client, client, "client"))
            .collect(),
        jobs: JOBS.map(|job| choice(job, job_name(t, job), "kind")).into(),
        key: match filled.get("key") {
            Some(key) => key.to_owned(),
            None => random::<16>().unwrap_or_default(),
        },
        journal_run: field("journalRunId"),
        declaration: field("declarationId"),
        order: field("orderId"),
        request: field("request"),
        journal_runs: journal_runs(visit, employer).await,
    })
}

/// The connectors that the operator set up for an employer.
async fn set_up(visit: &Visit, employer: Uuid) -> BTreeSet<String> {
    let host = visit.console.api.host();
    let owner = host.platform().owner(Entity::Employer(employer)).await;
    let Ok(Some(owner)) = owner else {
        return BTreeSet::new();
    };
    let config = host.live().now();
    let connectors = &config.connectors;
    let of_employer = connectors.employer.get(&owner.employer);
    let of_provider = connectors.provider.get(&owner.provider);
    let both = of_employer.into_iter().chain(of_provider);
    both.flat_map(|by_activity| by_activity.values().cloned())
        .collect()
}

#[derive(Deserialize)]
struct Administration {
    id: Uuid,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JournalRun {
    id: Uuid,
    sequence_number: u64,
}

/// The newest journal runs of an employer, if the visitor may see them.
async fn journal_runs(visit: &Visit, employer: Uuid) -> Vec<(Uuid, String)> {
    let mut all = Vec::new();
    let (administrations, runs) = (
        id::GetPayrollAdministrationsByEmployerId,
        id::GetJournalRunsByPayrollAdministrationId,
    );
    if !(visit.may(administrations) && visit.may(runs)) {
        return all;
    }
    let asked = Asked::of(administrations)
        .about(employer)
        .with("pageSize", 5);
    let Ok(found) = visit.list::<Administration>(asked).await else {
        return all;
    };
    for administration in found.embedded {
        let asked = Asked::of(runs)
            .about(administration.id)
            .with("pageSize", 24);
        let Ok(runs) = visit.list::<JournalRun>(asked).await else {
            break;
        };
        all.extend(runs.embedded.into_iter().map(|run| {
            let name = format!("{}: {}", administration.name, run.sequence_number);
            (run.id, name)
        }));
    }
    all
}

#[derive(Deserialize)]
struct Made {
    id: Uuid,
}

/// `POST /console/{scope}/runs/new`.
pub(in crate::console) async fn send(deed: Deed) -> Response {
    let Deed {
        visit,
        form: filled,
    } = deed;
    let submitted = async {
        let employer = visit.employer()?;
        let body = submission(&filled).map_err(|why| Problem::new(StatusCode::BAD_REQUEST, why))?;
        let asked = Asked::of(id::PostConnectorRunByEmployerId)
            .about(employer)
            .header("idempotency-key", filled.get("key").unwrap_or_default())
            .json(&body);
        visit.one::<Made>(asked).await
    };
    match submitted.await {
        Ok(made) => Redirect::to(&visit.path(&format!("/runs/{}", made.id))).into_response(),
        Err(problem) if problem.denied.is_some() => visit.problem(&problem),
        Err(problem) => match form(&visit, &problem.texts, &filled).await {
            Ok(page) => complete(problem.status, &page),
            Err(_) => visit.problem(&problem),
        },
    }
}

/// What the REST API takes.
///
/// # Errors
///
/// When the request is no JSON object; the rest it says itself.
fn submission(form: &Parameters) -> Result<Value, String> {
    let mut job = Map::new();
    for name in ["kind", "journalRunId", "declarationId", "orderId"] {
        if let Some(value) = form.get(name) {
            job.insert(name.to_owned(), value.trim().into());
        }
    }
    if let Some(request) = form.get("request").filter(|text| !text.trim().is_empty()) {
        let read: Result<Map<String, Value>, _> = serde_json::from_str(request);
        let read = read.map_err(|error| format!("request: {error}"))?;
        job.insert("request".to_owned(), read.into());
    }
    Ok(json!({"client": form.get("client").unwrap_or_default(), "job": job}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_submission() {
        let form = |text: &str| submission(&Parameters::read(text.as_bytes()).unwrap());
        assert_eq!(
            form("client=a&kind=check&journalRunId=&request=+"),
            Ok(json!({"client": "a", "job": {"kind": "check"}}))
        );
        assert_eq!(
            form("client=a&kind=lookup&request=%7B%22b%22:1%7D"),
            Ok(json!({"client": "a", "job": {"kind": "lookup", "request": {"b": 1}}}))
        );
        assert_eq!(
            form("client=a&kind=lookup&request=[1]").unwrap_err(),
            "request: invalid type: sequence, expected a map at line 1 column 0"
        );
    }
}
