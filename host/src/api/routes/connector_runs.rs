//! Activities that a connector performs for an application: sending a journal
//! run to an accounting package, and making a file of it.
//!
//! The operator says which connector does it for which employer
//! (`[connectors]`). The five checks are made twice: here for the application,
//! which asks, and then in the run of the connector, on all that it does for
//! the same user and employer.

use super::{Handled, Route, Shape, schema, single};
use crate::api::call::{Call, invalid};
use crate::api::reply::{ApiError, Reply};
use crate::authorization::{CHECKS, name};
use crate::bindings::koppel::connector::types::ConnectorError;
use crate::bindings::koppel::loket::types::{ActivityError, Check, Denial};
use crate::catalogue::{Activity, id};
use crate::ledger::{ContentError, Entry, Filter, Kind};
use crate::platform::{Entity, Owner};
use crate::runs::{Host, Job, Output, RunError, RunRequest};
use crate::wire::shared::Amount;
use http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// What came of sending a journal run.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Sent {
    /// The run of the connector, in the ledger.
    run_id: Uuid,
    /// The reference in the accounting package.
    reference: String,
    /// How many lines.
    lines: u32,
    /// The sum of the debit amounts, in euros.
    debet_amount: Amount,
}

pub(super) fn send() -> Route {
    Route {
        body: Some(empty),
        ..Route::new(
            id::PostSendJournalRunExportByJournalRunId,
            Shape::Single(schema::<Sent>),
            send_journal_run,
        )
    }
}

pub(super) fn download() -> Route {
    Route {
        body: Some(empty),
        ..Route::new(
            id::PostDownloadJournalRunExportByJournalRunId,
            Shape::File,
            download_journal_run,
        )
    }
}

fn send_journal_run(call: Call) -> Handled {
    Box::pin(async move {
        let done = run(&call).await?;
        let content = Sent {
            run_id: done.run,
            reference: done.reference,
            lines: done.lines,
            debet_amount: Amount(done.total_cents),
        };
        single(&call, content)
    })
}

fn download_journal_run(call: Call) -> Handled {
    Box::pin(async move {
        let done = run(&call).await?;
        file(&call.api.host, done).await
    })
}

/// The settings of Loket's accounting packages have no meaning here: the
/// operator's settings of the connector have. So a request holds nothing.
fn empty(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 0,
        "description": "Empty: the operator's settings of the connector hold. A member that is not null is refused.",
    })
}

/// What the run of a connector came to.
struct Done {
    run: Uuid,
    reference: String,
    lines: u32,
    total_cents: i64,
}

/// Runs the connector of the employer on the journal run.
async fn run(call: &Call) -> Result<Done, ApiError> {
    let asked = nothing_asked(call).and_then(|()| call.uuid("journalrunId"));
    let session = call
        .session(asked.clone().map(|id| Some(Entity::JournalRun(id))))
        .await?;
    let journal_run = asked?;
    let owner = Owner {
        employer: session.employer,
        provider: session.provider,
    };
    let host = &call.api.host;
    let connector = connector(host, call.activity, owner)?;
    session
        .record(Entry {
            activity: Some(call.activity.id().to_owned()),
            ..Entry::new(
                session.context(),
                Kind::ActivityWrite,
                format!("journal run {journal_run} through connector {connector}"),
            )
        })
        .await?;
    let report = host
        .run(RunRequest {
            client: connector.clone(),
            user: call.principal.user.clone(),
            employer: owner.employer,
            job: Job::ProcessJournalRun(journal_run),
        })
        .await;
    match report.outcome {
        Ok(Output::JournalRun {
            reference,
            lines,
            total_cents,
            ..
        }) => Ok(Done {
            run: report.run,
            reference,
            lines,
            total_cents,
        }),
        Ok(other) => Err(ApiError::Host(anyhow::anyhow!(
            "connector {connector} answered {other:?} for a journal run"
        ))),
        Err(error) => Err(failed(&connector, report.run, error)),
    }
}

/// A body may be missing, or an object of nothing but nulls.
fn nothing_asked(call: &Call) -> Result<(), ActivityError> {
    if call.body.is_empty() {
        return Ok(());
    }
    let body: Map<String, Value> = call.json()?;
    match body.into_iter().find(|(_, value)| !value.is_null()) {
        None => Ok(()),
        Some((field, _)) => Err(invalid(
            &field,
            "cannot be chosen here: the settings of the connector hold",
        )),
    }
}

fn connector(host: &Host, activity: Activity, owner: Owner) -> Result<String, ActivityError> {
    let found = host
        .live()
        .with(|config| config.connectors.of(activity, owner).map(ToOwned::to_owned));
    found.ok_or_else(|| {
        tracing::warn!(
            "no connector performs {activity} for employer {employer}; add [connectors.employer.\"{employer}\"] {activity} = \"<connector>\"",
            employer = owner.employer
        );
        ActivityError::Conflict(format!(
            "no connector was set up that performs {activity} for this employer"
        ))
    })
}

/// The file that a run published: its bytes are in the ledger.
async fn file(host: &Host, done: Done) -> Result<Reply, ApiError> {
    let filter = Filter {
        kinds: vec![Kind::ExportFile],
        run: Some(done.run),
        ..Filter::default()
    };
    let rows = host.ledger().rows(filter).await;
    let rows = rows.map_err(|error| ApiError::Host(error.into()))?;
    // After a file that could not be published there is a second row.
    let row = rows
        .into_iter()
        .rfind(|row| row.summary == done.reference)
        .filter(|row| row.outcome.as_deref() == Some("written"));
    let Some(row) = row else {
        return Err(ActivityError::Conflict(format!(
            "the connector of this employer made no file: it says {:?}",
            done.reference
        ))
        .into());
    };
    match host.ledger().content(&row).await {
        Ok(content) => Ok(Reply::file(row.summary, content)),
        Err(ContentError::TooLarge { size, .. }) => Err(ActivityError::Other(format!(
            "{} was made, and is too large to be sent: {size} bytes",
            row.summary
        ))
        .into()),
        Err(erased @ ContentError::Erased { .. }) => {
            Err(ActivityError::Conflict(erased.to_string()).into())
        }
        Err(error) => Err(ApiError::Host(error.into())),
    }
}

/// What a run that failed means to the application. What is the operator's to
/// mend is in the log, and told in general words.
fn failed(connector: &str, run: Uuid, error: RunError) -> ApiError {
    let of_operator = match &error {
        RunError::Denied {
            check,
            activity,
            reason,
            ..
        } => {
            let red = CHECKS.into_iter().find(|one| name(*one) == *check);
            return ActivityError::Denied(Denial {
                check: red.unwrap_or(Check::Client),
                activity: activity.clone(),
                reason: reason.clone(),
            })
            .into();
        }
        RunError::Conflict(why) => return ActivityError::Conflict(why.clone()).into(),
        RunError::NoJournalRun(id) => return ActivityError::NotFound(id.clone()).into(),
        RunError::Connector(ConnectorError::Refused(why) | ConnectorError::InvalidInput(why)) => {
            return ActivityError::Conflict(why.clone()).into();
        }
        RunError::Connector(ConnectorError::Unavailable(seconds)) => {
            return ActivityError::Unavailable(*seconds).into();
        }
        RunError::Connector(ConnectorError::OutsideParty(why)) => {
            let text = format!("the outside party says: {why}");
            return ApiError::Status(StatusCode::BAD_GATEWAY, text);
        }
        _ => error.to_string(),
    };
    tracing::error!(connector, %run, error = of_operator, "a run for an application failed");
    ActivityError::Other(format!(
        "the connector failed; the log of run {run} says why"
    ))
    .into()
}
