//! The overview: figures, health, the configuration and the ledger.

use super::chart::{Bar, Columns, Series, bars};
use super::format::{Moment, number, short};
use super::names::{check_name, kind_name};
use super::page::{Page, Section};
use super::visit::Visit;
use crate::api::{Asked, Problem};
use crate::authorization::{CHECKS, name};
use crate::catalogue::id;
use crate::language::{Texts, fill};
use askama::Template;
use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    since: String,
    until: String,
    runs: Vec<RunsOfADay>,
    open_runs: Vec<RunsInAState>,
    denials: Vec<Denials>,
    messages: Vec<Messages>,
}

#[derive(Deserialize)]
struct RunsOfADay {
    date: String,
    state: String,
    count: u64,
}

#[derive(Deserialize)]
struct RunsInAState {
    state: String,
    count: u64,
}

#[derive(Deserialize)]
struct Denials {
    check: String,
    count: u64,
}

#[derive(Deserialize)]
struct Messages {
    kind: String,
    count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    version: String,
    ready: bool,
    not_ready: Option<String>,
    configuration: Configuration,
    ledger: Option<LastRow>,
    workers: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    file: String,
    since: String,
    fault: Option<String>,
    grants_version: Option<u64>,
    connectors: u64,
    applications: u64,
    users: u64,
    rights: u64,
    roles: u64,
}

#[derive(Deserialize)]
struct LastRow {
    row: u64,
    time: String,
    hash: String,
}

/// A figure that stands by itself.
struct Figure {
    name: &'static str,
    value: String,
    path: Option<String>,
    /// Whether somebody has to do something.
    urgent: bool,
}

/// A row of the table that says what the chart does.
struct Day {
    date: String,
    counts: Vec<String>,
}

/// What is known of the host.
struct HostState {
    state: State,
    since: Moment,
    ledger: Option<(String, Moment, String)>,
    configuration: String,
}

#[derive(Template)]
#[template(path = "console/overview.html")]
struct Overview {
    t: &'static Texts,
    page: Page,
    period: String,
    figures: Vec<Figure>,
    chart: Columns,
    days: Vec<Day>,
    denials: Vec<Bar>,
    messages: Vec<Bar>,
    host: Option<HostState>,
}

pub(super) async fn show(visit: Visit) -> Response {
    let page = overview(&visit).await;
    visit.respond(page)
}

async fn overview(visit: &Visit) -> Result<Overview, Problem> {
    let asked = visit.within_scope(id::GetFiguresByUserId);
    let figures: Figures = visit.one(asked).await?;
    let host = match visit.may(id::GetPlatformStateByUserId) {
        true => Some(visit.one(Asked::of(id::GetPlatformStateByUserId)).await?),
        false => None,
    };
    let t = visit.texts();
    let (chart, days) = by_day(visit, &figures);
    let dates = [&figures.since, &figures.until];
    let [since, until] = dates.map(|moment| moment.chars().take(10).collect::<String>());
    Ok(Overview {
        t,
        page: visit.page(Section::Overview, t.overview).await,
        period: fill(t.period, &[&since, &until]),
        figures: single(visit, &figures),
        chart,
        days,
        denials: denials(visit, &figures),
        messages: messages(visit, &figures),
        host: host.map(|state| host_state(visit, state)),
    })
}

fn single(visit: &Visit, figures: &Figures) -> Vec<Figure> {
    let t = visit.texts();
    let open = |state: &str| {
        let found = figures.open_runs.iter().find(|open| open.state == state);
        found.map_or(0, |open| open.count)
    };
    let shown = |value| number(value, visit.language);
    let of_state = |state: &'static str, name| {
        let count = open(state);
        let path = visit.path(&format!("/runs?state={state}"));
        Figure {
            name,
            value: shown(count),
            path: visit.may_see_runs().then_some(path),
            urgent: state == "needs-a-person" && count > 0,
        }
    };
    let denied: u64 = figures.denials.iter().map(|denials| denials.count).sum();
    let may = visit.may(id::GetExplanationsByEmployerId);
    vec![
        of_state("needs-a-person", t.need_a_person),
        of_state("running", t.running),
        of_state("queued", t.queued),
        Figure {
            name: t.denials,
            value: shown(denied),
            path: may.then(|| visit.path("/why")),
            urgent: false,
        },
    ]
}

/// The runs of each day of the period, as a chart and as a table.
fn by_day(visit: &Visit, figures: &Figures) -> (Columns, Vec<Day>) {
    let t = visit.texts();
    // What it came to, in the order in which it is drawn from below.
    let outcomes: [(&str, &'static str, &[&str]); 5] = [
        ("succeeded", t.succeeded, &["succeeded"]),
        ("open", t.under_way, &["queued", "running"]),
        ("person", t.need_a_person, &["needs-a-person"]),
        ("failed", t.failed_runs, &["failed", "dead"]),
        ("cancelled", t.cancelled, &["cancelled"]),
    ];
    let dates = dates(figures);
    let count = |date: &str, states: &[&str]| -> u64 {
        let of_day = figures.runs.iter().filter(|runs| runs.date == date);
        let fitting = of_day.filter(|runs| states.contains(&runs.state.as_str()));
        fitting.map(|runs| runs.count).sum()
    };
    let series = outcomes.map(|(class, name, states)| Series {
        class,
        name,
        values: dates.iter().map(|date| count(date, states)).collect(),
    });
    let days = dates.iter().map(|date| Day {
        date: date.clone(),
        counts: outcomes
            .iter()
            .map(|(_, _, states)| number(count(date, states), visit.language))
            .collect(),
    });
    let days = days.collect();
    // Day and month; the year is in the heading.
    let labels: Vec<_> = dates.iter().map(|date| date[5..].to_owned()).collect();
    (Columns::new(&labels, series.into(), visit.language), days)
}

/// The days of the period, 31 at most.
fn dates(figures: &Figures) -> Vec<String> {
    let day = |moment: &str| moment.get(..10).and_then(|day| day.parse::<Date>().ok());
    let (Some(first), Some(last)) = (day(&figures.since), day(&figures.until)) else {
        return Vec::new();
    };
    let days = first
        .series(1.day())
        .take_while(|day| *day <= last)
        .take(31);
    days.map(|day| day.to_string()).collect()
}

fn denials(visit: &Visit, figures: &Figures) -> Vec<Bar> {
    let t = visit.texts();
    let of = |check: &str| -> u64 {
        let of_check = figures
            .denials
            .iter()
            .filter(|denials| denials.check == check);
        of_check.map(|denials| denials.count).sum()
    };
    let five = CHECKS.map(name);
    let checks = five.into_iter().chain(["egress", "exports"]);
    let values = checks.map(|check| (check_name(t, check).to_owned(), of(check), None));
    bars(values, visit.language)
}

fn messages(visit: &Visit, figures: &Figures) -> Vec<Bar> {
    let t = visit.texts();
    let values = figures.messages.iter().map(|messages| {
        let name = kind_name(t, &messages.kind).to_owned();
        (name, messages.count, None)
    });
    bars(values, visit.language)
}

fn host_state(visit: &Visit, state: State) -> HostState {
    let t = visit.texts();
    let configuration = &state.configuration;
    HostState {
        since: Moment::new(&configuration.since),
        ledger: state.ledger.as_ref().map(|last| {
            let rows = number(last.row, visit.language);
            (
                fill(t.ledger_rows, &[&rows]),
                Moment::new(&last.time),
                short(&last.hash),
            )
        }),
        configuration: fill(
            t.configuration_holds,
            &[
                &configuration.connectors,
                &configuration.applications,
                &configuration.users,
                &configuration.rights,
                &configuration.roles,
            ],
        ),
        state,
    }
}

impl Visit {
    /// Whether the list of runs is for the visitor.
    pub(super) fn may_see_runs(&self) -> bool {
        self.may(id::GetConnectorRunsByUserId) || self.may(id::GetConnectorRunsByEmployerId)
    }
}
