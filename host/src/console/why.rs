//! Why something is denied: what the five checks say of any question, and what
//! was denied lately.

use super::format::Moment;
use super::names::check_name;
use super::page::{Page, Pages, Section};
use super::visit::{Names, Scope, Visit};
use crate::api::{Asked, Problem};
use crate::catalogue::{Activity, id};
use crate::language::Texts;
use askama::Template;
use axum::response::Response;
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many denials are on a page.
const ON_A_PAGE: u64 = 25;

#[derive(Deserialize)]
struct Explanation {
    allowed: bool,
    checks: Vec<Verdict>,
}

#[derive(Deserialize)]
struct Verdict {
    check: String,
    green: bool,
    reason: String,
    line: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Denied {
    time: String,
    employer_id: Uuid,
    client: String,
    user: String,
    activity: Option<String>,
    check: Option<String>,
    reason: String,
}

/// Something to choose.
struct Choice {
    value: String,
    name: String,
    chosen: bool,
}

/// What one check says.
struct Check {
    name: &'static str,
    verdict: Verdict,
}

/// The answer to a question.
struct Answer {
    allowed: bool,
    checks: Vec<Check>,
}

/// Something that was denied.
struct Row {
    time: Moment,
    denied: Denied,
    employer: String,
    check: &'static str,
    /// Where it is explained.
    why: Option<String>,
}

/// What was denied lately.
struct Lately {
    rows: Vec<Row>,
    pages: Pages,
}

#[derive(Template)]
#[template(path = "console/why.html")]
struct Why {
    t: &'static Texts,
    page: Page,
    employers: Vec<Choice>,
    /// The employer, where they cannot be listed.
    employer: String,
    clients: Vec<Choice>,
    users: Vec<Choice>,
    activities: Vec<Choice>,
    answer: Option<Answer>,
    lately: Option<Lately>,
}

pub(super) async fn show(visit: Visit) -> Response {
    let page = why(&visit).await;
    visit.respond(page)
}

async fn why(visit: &Visit) -> Result<Why, Problem> {
    // The employer of the question: the one that was chosen, or of the page.
    let employer = match (visit.chosen("employer"), visit.scope) {
        ("", Scope::One(id)) => id.to_string(),
        (chosen, _) => chosen.to_owned(),
    };
    let (client, user) = (visit.chosen("client"), visit.chosen("user"));
    let activity = visit.chosen("activity");
    let asks = ![&employer, client, user, activity].contains(&"");
    let answer = if asks {
        let asked = Asked::of(id::GetExplanationsByEmployerId)
            .about(&employer)
            .with("client", client)
            .with("user", user)
            .with("activity", activity);
        let found = visit.list::<Explanation>(asked).await?.embedded;
        found.into_iter().next()
    } else {
        let of_one = match visit.scope {
            Scope::One(id) => Some(id),
            Scope::All => None,
        };
        let api = &visit.console.api;
        let explains = id::GetExplanationsByEmployerId;
        api.admit(&visit.principal, explains, of_one).await?;
        None
    };
    let t = visit.texts();
    let names = visit.names(true).await;
    let lately = match visit.may(id::GetDenialsByUserId) {
        true => Some(lately(visit, &names).await?),
        false => None,
    };
    let (clients, users) = who(visit);
    Ok(Why {
        t,
        page: visit.page(Section::Why, t.why_denied).await,
        employers: names
            .all()
            .iter()
            .map(|(id, name)| choice(&id.to_string(), name, &employer))
            .collect(),
        employer,
        clients,
        users,
        activities: activities(activity),
        answer: answer.map(|found| Answer {
            allowed: found.allowed,
            checks: found
                .checks
                .into_iter()
                .map(|verdict| Check {
                    name: check_name(t, &verdict.check),
                    verdict,
                })
                .collect(),
        }),
        lately,
    })
}

fn choice(value: &str, name: &str, chosen: &str) -> Choice {
    Choice {
        value: value.to_owned(),
        name: name.to_owned(),
        chosen: value == chosen,
    }
}

/// The clients and the users that can be asked about: those of the
/// configuration in force.
fn who(visit: &Visit) -> (Vec<Choice>, Vec<Choice>) {
    let config = visit.console.api.host().live().now();
    let clients: BTreeMap<_, _> = config.grants.clients.iter().collect();
    let clients = clients.into_keys();
    let clients = clients.map(|name| choice(name, name, visit.chosen("client")));
    let users: BTreeMap<_, _> = config.grants.users.iter().collect();
    let users = users.into_keys().map(|id| {
        let name = config.user_names.get(id).filter(|name| !name.is_empty());
        let name = name.map_or_else(|| id.clone(), |name| format!("{id} ({name})"));
        choice(id, &name, visit.chosen("user"))
    });
    (clients.collect(), users.collect())
}

fn activities(chosen: &str) -> Vec<Choice> {
    let mut all: Vec<&str> = Activity::all().map(Activity::id).collect();
    all.sort_unstable();
    let all = all.into_iter();
    all.map(|activity| choice(activity, activity, chosen))
        .collect()
}

async fn lately(visit: &Visit, names: &Names) -> Result<Lately, Problem> {
    let number = visit.page_number();
    let asked = visit
        .of_scope(id::GetDenialsByUserId, id::GetDenialsByEmployerId)
        .with("order", "newest-first")
        .with("pageNumber", number)
        .with("pageSize", ON_A_PAGE);
    let list = visit.list::<Denied>(asked).await?;
    let t = visit.texts();
    let kept = ["employer", "client", "user", "activity"].map(|name| (name, visit.chosen(name)));
    Ok(Lately {
        pages: Pages::new(
            t,
            number,
            ON_A_PAGE,
            list.total_size,
            &visit.address("/why", &kept),
        ),
        rows: list
            .embedded
            .into_iter()
            .map(|denied| row(visit, denied, names))
            .collect(),
    })
}

fn row(visit: &Visit, denied: Denied, names: &Names) -> Row {
    let check = denied.check.as_deref().unwrap_or_default();
    // The other two are about a rule of the connector.
    let of_five = crate::authorization::CHECKS
        .iter()
        .any(|five| crate::authorization::name(*five) == check);
    let why = denied
        .activity
        .as_ref()
        .filter(|_| of_five)
        .map(|activity| {
            let question = [
                ("employer", denied.employer_id.to_string()),
                ("client", denied.client.clone()),
                ("user", denied.user.clone()),
                ("activity", activity.clone()),
            ];
            let question = question
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            let address = visit.address("/why", &question);
            address.trim_end_matches('&').to_owned()
        });
    Row {
        time: Moment::new(&denied.time),
        employer: names.of(denied.employer_id),
        check: check_name(visit.texts(), check),
        why,
        denied,
    }
}
