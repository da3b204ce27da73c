//! Whether the ledger is what was written.

use super::format::{Moment, number};
use super::page::{Page, Section};
use super::visit::Visit;
use crate::api::{Asked, Problem};
use crate::catalogue::id;
use crate::language::{Texts, fill};
use askama::Template;
use axum::response::Response;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    intact: bool,
    rows: Option<u64>,
    head: Option<String>,
    broken_row: Option<u64>,
    reason: Option<String>,
    verified: String,
}

/// What came of a verification.
struct Outcome {
    verification: Verification,
    rows: String,
    broken: String,
    at: Moment,
}

#[derive(Template)]
#[template(path = "console/ledger.html")]
struct Ledger {
    t: &'static Texts,
    page: Page,
    path: String,
    result: Option<Outcome>,
}

pub(super) async fn show(visit: Visit) -> Response {
    let page = ledger(&visit).await;
    visit.respond(page)
}

async fn ledger(visit: &Visit) -> Result<Ledger, Problem> {
    let t = visit.texts();
    let result = if visit.chosen("verify").is_empty() {
        let api = &visit.console.api;
        let activity = id::GetLedgerVerificationByUserId;
        api.admit(&visit.principal, activity, None).await?;
        None
    } else {
        let asked = Asked::of(id::GetLedgerVerificationByUserId);
        let verification: Verification = visit.one(asked).await?;
        let shown = |value: Option<u64>| number(value.unwrap_or_default(), visit.language);
        Some(Outcome {
            rows: fill(t.rows_verified, &[&shown(verification.rows)]),
            broken: fill(t.broken_at, &[&shown(verification.broken_row)]),
            at: Moment::new(&verification.verified),
            verification,
        })
    };
    Ok(Ledger {
        t,
        page: visit.page(Section::Ledger, t.ledger).await,
        path: visit.path("/ledger"),
        result,
    })
}
