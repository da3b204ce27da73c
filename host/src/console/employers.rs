//! Choosing the employer that pages are of.

use super::page::{Page, Pages, Section};
use super::visit::{Scope, Visit};
use crate::api::Problem;
use crate::catalogue::id;
use crate::language::Texts;
use askama::Template;
use axum::response::Response;
use uuid::Uuid;

/// How many employers are on a page.
const ON_A_PAGE: usize = 50;

struct Employer {
    name: String,
    id: Uuid,
    path: String,
    here: bool,
}

#[derive(Template)]
#[template(path = "console/employers.html")]
struct Employers {
    t: &'static Texts,
    page: Page,
    /// What is looked for.
    sought: String,
    to: String,
    /// The same page of all employers.
    all: String,
    employers: Vec<Employer>,
    pages: Pages,
}

pub(super) async fn show(visit: Visit) -> Response {
    let page = choice(&visit).await;
    visit.respond(page)
}

async fn choice(visit: &Visit) -> Result<Employers, Problem> {
    let api = &visit.console.api;
    api.admit(&visit.principal, id::GetEmployersByUserId, None)
        .await?;
    // Only a section of the console is gone to.
    let to = visit.chosen("to");
    let section = to.strip_prefix('/').unwrap_or_default();
    let plain = !section.is_empty() && section.bytes().all(|c| c.is_ascii_lowercase());
    let to = if plain { to } else { "" };
    let sought = visit.chosen("name").to_lowercase();
    let mut found = visit.employers().await;
    found.retain(|(_, name)| name.to_lowercase().contains(&sought));
    let number = visit.page_number();
    let before = usize::try_from(number - 1).unwrap_or(usize::MAX);
    let total = found.len() as u64;
    let employers = found
        .into_iter()
        .skip(before.saturating_mul(ON_A_PAGE))
        .take(ON_A_PAGE)
        .map(|(id, name)| Employer {
            path: format!("/console/{}{to}", Scope::One(id)),
            here: visit.scope == Scope::One(id),
            name,
            id,
        });
    let employers = employers.collect();
    let t = visit.texts();
    let choices = [("to", to), ("name", visit.chosen("name"))];
    Ok(Employers {
        t,
        page: visit.page(Section::None, t.choose_employer).await,
        sought: visit.chosen("name").to_owned(),
        to: to.to_owned(),
        all: format!("/console/all{to}"),
        employers,
        pages: Pages::new(
            t,
            number,
            ON_A_PAGE as u64,
            total,
            &visit.address("/employers", &choices),
        ),
    })
}
