//! The runs of connectors that are kept: seen, submitted, cancelled, retried
//! and decided through an application. koppel's own operations.

mod asked;
mod job;
mod shown;

use super::{Handled, Parameter, Route, Shape, page, schema, single};
use crate::api::call::{Call, invalid};
use crate::api::paging::Wanted;
use crate::api::reply::{ApiError, Reply};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::id;
use crate::consulting;
use crate::durable::{Run, RunFilter, State, StoreError};
use crate::platform::Entity;
use crate::runs::{RunRequest, RunsError};
use asked::{Action, Change, Submission};
use jiff::Timestamp;
use serde_json::json;
use shown::{ConnectorRun, ConnectorRunDetails};

/// The header field of the key under which a run is submitted once.
const KEY: &str = "Idempotency-Key";

/// The largest body that holds a reply of 10 MiB in base64.
const REPLY_BODY_BYTES: usize = 16 << 20;

const STATE: Parameter = Parameter {
    name: "state",
    description: "Only in this state.",
    schema: || json!({"type": "string", "enum": State::ALL.map(State::name)}),
};

const KEY_FIELD: Parameter = Parameter {
    name: KEY,
    description: "1 to 200 visible ASCII characters. The same request with the same key, through the same application, is the same run, however often it is sent.",
    schema: || json!({"type": "string", "minLength": 1, "maxLength": 200}),
};

/// What restricts a list.
const FILTERS: &[Parameter] = &[
    super::messages::CLIENT,
    STATE,
    super::messages::SINCE,
    super::messages::UNTIL,
];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route {
            filters: FILTERS,
            ..Route::new(
                id::GetConnectorRunsByEmployerId,
                Shape::Paged(schema::<ConnectorRun>),
                list,
            )
        },
        Route {
            filters: FILTERS,
            ..Route::new(
                id::GetConnectorRunsByUserId,
                Shape::Paged(schema::<ConnectorRun>),
                list_of_all,
            )
        },
        Route::new(
            id::GetConnectorRunByConnectorRunId,
            Shape::Single(schema::<ConnectorRunDetails>),
            one,
        ),
        Route {
            header_fields: &[KEY_FIELD],
            body: Some(schema::<Submission>),
            success: 202,
            ..Route::new(
                id::PostConnectorRunByEmployerId,
                Shape::Single(schema::<ConnectorRunDetails>),
                submit,
            )
        },
        Route {
            body: Some(schema::<Change>),
            body_bytes: REPLY_BODY_BYTES,
            ..Route::new(
                id::PatchConnectorRunByConnectorRunId,
                Shape::Single(schema::<ConnectorRunDetails>),
                change,
            )
        },
    ]
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            // Of another request, which the caller may not have made.
            StoreError::KeyTaken { key, .. } => Self::Activity(ActivityError::Conflict(format!(
                "{KEY} {key:?} is that of another request; another request takes another key"
            ))),
            StoreError::State {
                run,
                done,
                state,
                hint,
            } => {
                let hint = match (done, state) {
                    ("cancelled", State::NeedsAPerson) => "; decide \"stop\" to end it",
                    ("retried", State::NeedsAPerson) => {
                        "; decide what became of the write in doubt"
                    }
                    ("decided", State::NeedsAPerson) => {
                        ", and no write is in doubt; retry it, or decide \"stop\" to end it"
                    }
                    ("given a reply", _) => hint.as_str(),
                    _ => "",
                };
                Self::Activity(ActivityError::Conflict(format!(
                    "run {run} cannot be {done}: it is {state}{hint}"
                )))
            }
            StoreError::NoRun(id) => Self::Activity(ActivityError::NotFound(id.to_string())),
            StoreError::Unavailable(_) => Self::Activity(ActivityError::Unavailable(None)),
            StoreError::Fenced(_) | StoreError::Broken(_) => Self::Host(error.into()),
        }
    }
}

impl From<RunsError> for ApiError {
    fn from(error: RunsError) -> Self {
        match error {
            RunsError::Store(error) => error.into(),
            RunsError::Invalid(why) => Self::Activity(invalid(".", &why)),
            RunsError::Ledger(_) => Self::Host(error.into()),
        }
    }
}

fn list(call: Call) -> Handled {
    Box::pin(async move {
        let asked = call
            .uuid("employerId")
            .and_then(|employer| Ok((employer, asked(&call)?)));
        let employer = asked.as_ref().map_err(Clone::clone);
        let employer = employer.map(|(id, _)| Some(Entity::Employer(*id)));
        let session = call.session(employer).await?;
        let (_, (filter, wanted)) = asked?;
        let filter = RunFilter {
            // Never of another one.
            employer: Some(session.employer),
            ..filter
        };
        runs(&call, filter, wanted).await
    })
}

fn list_of_all(call: Call) -> Handled {
    Box::pin(async move {
        let among = call.among().await?;
        let (filter, wanted) = asked(&call)?;
        let filter = RunFilter {
            // Never of others.
            among: Some(among),
            ..filter
        };
        runs(&call, filter, wanted).await
    })
}

async fn runs(call: &Call, filter: RunFilter, wanted: Wanted) -> Result<Reply, ApiError> {
    let host = &call.api.host;
    let (runs, total) = host
        .page_of_runs(filter, wanted.before(), wanted.size)
        .await?;
    let runs: Vec<_> = runs.into_iter().map(ConnectorRun::from).collect();
    page(call, runs, wanted, total)
}

/// What a list is asked for: which runs, and which page of them.
fn asked(call: &Call) -> Result<(RunFilter, Wanted), ActivityError> {
    let wanted = call.wanted()?;
    let query = call.query()?;
    let mut problems = Vec::new();
    let period = super::messages::period(query, &mut problems);
    let mut filter = RunFilter {
        client: query
            .get(super::messages::CLIENT.name)
            .map(ToOwned::to_owned),
        since: period.0.map(millis),
        until: period.1.map(millis),
        ..RunFilter::default()
    };
    if let Some(name) = query.get(STATE.name) {
        match State::of_name(name) {
            Some(state) => filter.states.push(state),
            None => {
                let known = State::ALL.map(State::name).join(", ");
                let problem = format!("must be one of {known}, not {name:?}");
                if let ActivityError::Invalid(more) = invalid(STATE.name, &problem) {
                    problems.extend(more);
                }
            }
        }
    }
    if problems.is_empty() {
        Ok((filter, wanted))
    } else {
        Err(ActivityError::Invalid(problems))
    }
}

/// The first whole millisecond from a moment on: runs are submitted at one.
pub(super) fn millis(moment: Timestamp) -> i64 {
    let begun = moment.as_millisecond();
    let whole = Timestamp::from_millisecond(begun);
    begun + i64::from(whole.is_ok_and(|whole| whole < moment))
}

fn one(call: Call) -> Handled {
    Box::pin(async move {
        let id = match call.uuid("connectorRunId") {
            Ok(id) => id,
            Err(malformed) => {
                // Told only to who may ask.
                call.ask().await?;
                return Err(malformed.into());
            }
        };
        let (_, run) = consulting::run(&call.gate(), id).await?;
        details(&call, run).await
    })
}

async fn details(call: &Call, run: Run) -> Result<Reply, ApiError> {
    let attempts = call.api.host.attempts_at(run.id).await?;
    single(call, ConnectorRunDetails::of(run, attempts))
}

fn submit(call: Call) -> Handled {
    Box::pin(async move {
        let asked = call.uuid("employerId").and_then(|employer| {
            let key = key(&call)?;
            let (client, job) = call.json::<Submission>()?.read()?;
            Ok((employer, key, client, job))
        });
        let entity = asked.as_ref().map_err(Clone::clone);
        let session = call
            .session(entity.map(|(employer, ..)| Some(Entity::Employer(*employer))))
            .await?;
        let (employer, key, client, job) = asked?;
        let request = RunRequest {
            client,
            user: call.principal.user.clone(),
            employer,
            job,
        };
        let host = &call.api.host;
        host.admit_run(&call.gate(), &session, &request).await?;
        let application = Some(call.principal.client.as_str());
        let submitted = host.submit_through(application, request, Some(key)).await?;
        details(&call, submitted.run().clone()).await
    })
}

/// The idempotency key. The draft of the IETF has it in quotation marks; they
/// are no part of it.
fn key(call: &Call) -> Result<String, ActivityError> {
    let mut fields = call.headers.get_all(KEY).iter();
    let wrong = |problem: &str| Err(invalid(KEY, problem));
    let (field, more) = (fields.next(), fields.next());
    let Some(field) = field else {
        return wrong(
            "is missing; give each submission a key of its own, and send it again with the same one",
        );
    };
    if more.is_some() {
        return wrong("is there more than once");
    }
    let text = field.to_str().unwrap_or_default();
    let bare = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let key = bare.unwrap_or(text);
    let visible = key.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if !visible || !(1..=200).contains(&key.len()) {
        return wrong("must be 1 to 200 visible ASCII characters");
    }
    Ok(key.to_owned())
}

fn change(call: Call) -> Handled {
    Box::pin(async move {
        let asked = call
            .uuid("connectorRunId")
            .and_then(|id| Ok((id, call.json::<Change>()?.read()?)));
        let (id, action) = match asked {
            Ok(asked) => asked,
            Err(malformed) => {
                call.ask().await?;
                return Err(malformed.into());
            }
        };
        let gate = call.gate();
        let (session, _) = consulting::run(&gate, id).await?;
        gate.record(&session, format!("run {id}: {action}")).await?;
        let (host, by) = (&call.api.host, call.principal.user.as_str());
        let run = match action {
            Action::Cancel(reason) => host.cancel_run(id, by, &reason).await?,
            Action::Retry => host.retry_run(id, by).await?,
            Action::Decide(verdict) => host.decide_run(id, by, verdict).await?,
        };
        details(&call, run).await
    })
}
