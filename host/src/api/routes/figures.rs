//! How much there was of everything: koppel's own operation, on the runs and the
//! ledger.

use super::kept_runs::millis;
use super::messages::{SINCE, UNTIL, period};
use super::{Handled, Parameter, Route, Shape, schema, single};
use crate::api::call::{Call, EMPLOYER};
use crate::api::reply::ApiError;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::id;
use crate::durable::{DayCount, RunFilter, State};
use crate::ledger::{DenialCount, Filter, Kind};
use crate::wire::shared::Moment;
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many days there are figures of, unless the caller says otherwise: today
/// and those before.
const DAYS: i64 = 14;

/// How much there was, in a period.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Figures {
    since: Moment,
    until: Moment,
    /// The runs that were submitted in the period, by day (in UTC) and state.
    runs: Vec<RunsOfADay>,
    /// The runs that are not over, whenever they were submitted, by state.
    open_runs: Vec<RunsInAState>,
    /// What was denied in the period, by connector or application and check.
    denials: Vec<Denials>,
    /// The messages of the period, by kind.
    messages: Vec<Messages>,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct RunsOfADay {
    #[schemars(extend("format" = "date"))]
    date: String,
    #[schemars(extend("enum" = State::ALL.map(State::name)))]
    state: &'static str,
    count: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct RunsInAState {
    #[schemars(extend("enum" = OPEN.map(State::name)))]
    state: &'static str,
    count: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "DenialFigure")]
struct Denials {
    client: String,
    /// The red check: one of the five, `egress` or `exports`.
    check: String,
    count: u64,
    first: Moment,
    last: Moment,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "MessageFigure")]
struct Messages {
    #[schemars(extend("enum" = Kind::MESSAGES.map(Kind::name)))]
    kind: &'static str,
    count: u64,
}

/// The states of runs that are not over.
const OPEN: [State; 3] = [State::Queued, State::Running, State::NeedsAPerson];

impl From<DayCount> for RunsOfADay {
    fn from(count: DayCount) -> Self {
        let day = date(1970, 1, 1).checked_add(count.day.days());
        Self {
            date: day.unwrap_or_default().to_string(),
            state: count.state.name(),
            count: count.count,
        }
    }
}

impl From<DenialCount> for Denials {
    fn from(count: DenialCount) -> Self {
        Self {
            client: count.client,
            check: count.check,
            count: count.count,
            first: Moment(count.first),
            last: Moment(count.last),
        }
    }
}

/// The parameter that restricts a call to one employer.
pub(super) const OF_ONE: Parameter = Parameter {
    name: EMPLOYER,
    description: "Only of this employer.",
    schema: || json!({"type": "string", "format": "uuid"}),
};

pub(super) fn of_the_user() -> Route {
    Route {
        filters: &[OF_ONE, SINCE, UNTIL],
        ..Route::new(
            id::GetFiguresByUserId,
            Shape::Single(schema::<Figures>),
            figures,
        )
    }
}

fn figures(call: Call) -> Handled {
    Box::pin(async move {
        let among = call.among_or_one().await?;
        let query = call.query()?;
        let mut problems = Vec::new();
        let (since, until) = period(query, &mut problems);
        if !problems.is_empty() {
            return Err(ActivityError::Invalid(problems).into());
        }
        let until = until.unwrap_or_else(Timestamp::now);
        let since = since.unwrap_or_else(|| days_before(until));
        single(&call, of(&call, among, since, until).await?)
    })
}

/// The beginning of the first of the days that end with this moment.
fn days_before(until: Timestamp) -> Timestamp {
    let day = until.to_zoned_datetime(TimeZone::UTC).date();
    let first = day.saturating_sub((DAYS - 1).days());
    let begins = first.to_zoned_datetime(TimeZone::UTC);
    begins.map_or(Timestamp::MIN, |begins| begins.timestamp())
}

async fn of(
    call: &Call,
    among: Vec<Uuid>,
    since: Timestamp,
    until: Timestamp,
) -> Result<Figures, ApiError> {
    let host = &call.api.host;
    let runs = RunFilter {
        among: Some(among.clone()),
        ..RunFilter::default()
    };
    let open = RunFilter {
        states: OPEN.to_vec(),
        ..runs.clone()
    };
    let mut open_runs = BTreeMap::from(OPEN.map(|state| (state.name(), 0)));
    for day in host.days_of_runs(open).await? {
        *open_runs.entry(day.state.name()).or_default() += day.count;
    }
    let runs = RunFilter {
        since: Some(millis(since)),
        until: Some(millis(until)),
        ..runs
    };
    let runs = host.days_of_runs(runs).await?;
    let of = |kinds: Vec<Kind>| Filter {
        kinds,
        among: Some(among.clone()),
        since: Some(since),
        until: Some(until),
        ..Filter::default()
    };
    let failed = |error| ApiError::Host(anyhow::Error::from(error));
    let ledger = host.ledger();
    let denials = ledger.denial_counts(of(Vec::new())).await.map_err(failed)?;
    let mut messages = Vec::new();
    for kind in Kind::MESSAGES {
        let (_, count) = ledger.page(of(vec![kind]), 0, 0).await.map_err(failed)?;
        messages.push(Messages {
            kind: kind.name(),
            count,
        });
    }
    Ok(Figures {
        since: Moment(since.to_string()),
        until: Moment(until.to_string()),
        runs: runs.into_iter().map(RunsOfADay::from).collect(),
        open_runs: OPEN
            .map(|state| RunsInAState {
                state: state.name(),
                count: open_runs[state.name()],
            })
            .into(),
        denials: denials.into_iter().map(Denials::from).collect(),
        messages,
    })
}
