//! The connectors: a matrix of what each asks for, was granted and used, and a
//! page for each.

use super::format::{Moment, bytes, number};
use super::page::{Page, Pages, Section};
use super::visit::Visit;
use crate::api::Problem;
use crate::catalogue::id;
use crate::language::{Texts, fill};
use crate::wire::envelope::List;
use askama::Template;
use axum::response::Response;
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// How many connectors are columns of one page.
const COLUMNS: u64 = 12;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connector {
    name: String,
    component: String,
    loaded: bool,
    refusal: Option<String>,
    inspection: Option<Inspection>,
    pinned_sha256: Option<String>,
    rules: Vec<Rule>,
    exports: Option<Exports>,
    settings: Value,
    limits: Vec<Limit>,
    concurrency: Option<u32>,
    attempts: u32,
    activities: Vec<Activity>,
}

#[derive(Deserialize)]
struct Inspection {
    sha256: String,
    size: u64,
    kinds: Vec<String>,
    versions: Vec<String>,
    http: bool,
    exports: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    allow: String,
    methods: Vec<String>,
    activity: String,
    credential: Option<String>,
    lists_fields: bool,
    allow_private_addresses: bool,
    repeatable: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exports {
    directory: String,
    quota_bytes: u64,
    activity: String,
}

#[derive(Deserialize)]
struct Limit {
    name: String,
    value: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Activity {
    activity: String,
    requested: bool,
    granted: bool,
    used: bool,
    recorded: u64,
    last_recorded: Option<String>,
}

/// What an activity is to a connector.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// A class of the style sheet, and of the legend.
    class: &'static str,
    symbol: &'static str,
}

const NOTHING: Standing = Standing {
    class: "nothing",
    symbol: "",
};
const USED: Standing = Standing {
    class: "used",
    symbol: "●",
};
const GRANTED: Standing = Standing {
    class: "granted",
    symbol: "○",
};
const SPARE: Standing = Standing {
    class: "spare",
    symbol: "◇",
};
const MISSING: Standing = Standing {
    class: "missing",
    symbol: "✕",
};

impl Standing {
    fn of(activity: &Activity) -> Self {
        match (activity.requested, activity.granted, activity.used) {
            (true, false, _) => MISSING,
            (_, true, true) => USED,
            (true, true, false) => GRANTED,
            (false, true, false) => SPARE,
            (false, false, _) => NOTHING,
        }
    }

    fn text(self, t: &Texts) -> &'static str {
        match self.class {
            "used" => t.standing_used,
            "granted" => t.standing_granted,
            "spare" => t.standing_spare,
            "missing" => t.standing_missing,
            _ => t.standing_nothing,
        }
    }
}

/// A cell of the matrix, or an entry of its legend.
struct Cell {
    standing: Standing,
    text: &'static str,
}

impl Cell {
    fn new(standing: Standing, t: &Texts) -> Self {
        Self {
            standing,
            text: standing.text(t),
        }
    }
}

struct Column {
    name: String,
    path: String,
    loaded: bool,
}

struct Row {
    activity: String,
    cells: Vec<Cell>,
}

/// A connector that does not run.
struct Refused {
    name: String,
    path: String,
    why: String,
}

#[derive(Template)]
#[template(path = "console/connectors.html")]
struct Connectors {
    t: &'static Texts,
    page: Page,
    columns: Vec<Column>,
    rows: Vec<Row>,
    legend: Vec<Cell>,
    refused: Vec<Refused>,
    pages: Pages,
}

pub(super) async fn show(visit: Visit) -> Response {
    let page = matrix(&visit).await;
    visit.respond(page)
}

fn path(visit: &Visit, name: &str) -> String {
    visit.path(&format!("/connectors/{}", segment(name)))
}

/// What a part of a path holds as it is (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A name as a part of a path.
fn segment(name: &str) -> String {
    utf8_percent_encode(name, UNRESERVED).to_string()
}

async fn matrix(visit: &Visit) -> Result<Connectors, Problem> {
    let number = visit.page_number();
    let asked = visit
        .within_scope(id::GetConnectorsByUserId)
        .with("pageNumber", number)
        .with("pageSize", COLUMNS);
    let List {
        embedded: all,
        total_size,
        ..
    } = visit.list::<Connector>(asked).await?;
    let t = visit.texts();
    let activities: BTreeSet<&str> = all
        .iter()
        .flat_map(|connector| &connector.activities)
        .map(|activity| activity.activity.as_str())
        .collect();
    let rows = activities.into_iter().map(|activity| Row {
        activity: activity.to_owned(),
        cells: all
            .iter()
            .map(|connector| {
                let mut own = connector.activities.iter();
                let found = own.find(|own| own.activity == activity);
                Cell::new(found.map_or(NOTHING, Standing::of), t)
            })
            .collect(),
    });
    let rows = rows.collect();
    let columns = all.iter().map(|connector| Column {
        path: path(visit, &connector.name),
        name: connector.name.clone(),
        loaded: connector.loaded,
    });
    let columns = columns.collect();
    let refused = all.iter().filter_map(|connector| {
        Some(Refused {
            path: path(visit, &connector.name),
            name: connector.name.clone(),
            why: connector.refusal.clone()?,
        })
    });
    Ok(Connectors {
        t,
        page: visit.page(Section::Connectors, t.connectors).await,
        columns,
        rows,
        legend: [USED, GRANTED, SPARE, MISSING]
            .map(|standing| Cell::new(standing, t))
            .into(),
        refused: refused.collect(),
        pages: Pages::new(
            t,
            number,
            COLUMNS,
            total_size,
            &visit.address("/connectors", &[]),
        ),
    })
}

/// An activity of one connector.
struct OwnActivity {
    name: String,
    cell: Cell,
    recorded: String,
    last: Option<Moment>,
    /// Where the five checks explain it.
    why: Option<String>,
}

#[derive(Template)]
#[template(path = "console/connector.html")]
struct One {
    t: &'static Texts,
    page: Page,
    connector: Connector,
    size: String,
    quota: String,
    activities: Vec<OwnActivity>,
    limits: Vec<(String, String)>,
    settings: String,
}

pub(super) async fn one(visit: Visit) -> Response {
    let page = details(&visit).await;
    visit.respond(page)
}

async fn details(visit: &Visit) -> Result<One, Problem> {
    let name = visit.parameter("name");
    let asked = visit
        .within_scope(id::GetConnectorsByUserId)
        .with("client", name);
    let found = visit.list::<Connector>(asked).await?.embedded;
    let t = visit.texts();
    let Some(connector) = found.into_iter().next() else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            fill(t.no_connector, &[&name]),
        ));
    };
    let language = visit.language;
    let explains = visit.may(id::GetExplanationsByEmployerId);
    let activities = connector.activities.iter().map(|activity| OwnActivity {
        cell: Cell::new(Standing::of(activity), t),
        recorded: number(activity.recorded, language),
        last: activity.last_recorded.as_deref().map(Moment::new),
        why: explains.then(|| {
            let address = visit.address(
                "/why",
                &[("client", name), ("activity", &activity.activity)],
            );
            address.trim_end_matches('&').to_owned()
        }),
        name: activity.activity.clone(),
    });
    let activities = activities.collect();
    let limits = connector
        .limits
        .iter()
        .map(|limit| (limit.name.clone(), number(limit.value, language)));
    let limits = limits.collect();
    let size = connector.inspection.as_ref().map(|found| found.size);
    let quota = connector
        .exports
        .as_ref()
        .map(|exports| exports.quota_bytes);
    Ok(One {
        t,
        page: visit.page(Section::Connectors, &connector.name).await,
        size: bytes(size.unwrap_or_default(), language),
        quota: bytes(quota.unwrap_or_default(), language),
        activities,
        limits,
        settings: serde_json::to_string_pretty(&connector.settings).unwrap_or_default(),
        connector,
    })
}
