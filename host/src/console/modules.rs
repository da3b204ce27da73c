//! The modules (products) of an employer, and turning them.

use super::page::{Page, Section};
use super::visit::{Deed, Visit};
use crate::api::{Asked, Problem};
use crate::catalogue::id;
use crate::language::Texts;
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

#[derive(Deserialize)]
struct Module {
    id: Uuid,
    description: String,
    enabled: bool,
}

#[derive(Template)]
#[template(path = "console/modules.html")]
struct Modules {
    t: &'static Texts,
    page: Page,
    modules: Vec<Module>,
    /// Whether the visitor may turn them.
    turns: bool,
    path: String,
}

pub(super) async fn show(visit: Visit) -> Response {
    let page = modules(&visit).await;
    visit.respond(page)
}

async fn modules(visit: &Visit) -> Result<Modules, Problem> {
    let asked = Asked::of(id::GetModulesByEmployerId).about(visit.employer()?);
    let modules = visit.list(asked).await?.embedded;
    let t = visit.texts();
    Ok(Modules {
        t,
        page: visit.page(Section::Modules, t.modules).await,
        modules,
        turns: visit.may(id::PatchModulesByEmployerId),
        path: visit.path("/modules"),
    })
}

/// `POST /console/{scope}/modules`: turns one.
pub(super) async fn turn(deed: Deed) -> Response {
    let Deed { visit, form } = deed;
    let turned = async {
        let change = json!([{
            "id": form.get("id").unwrap_or_default(),
            "enabled": form.get("turn") == Some("on"),
        }]);
        let asked = Asked::of(id::PatchModulesByEmployerId)
            .about(visit.employer()?)
            .json(&change);
        visit.console.api.ask(&visit.principal, asked).await
    };
    match turned.await {
        Ok(_) => Redirect::to(&visit.path("/modules")).into_response(),
        Err(problem) => visit.problem(&problem),
    }
}
