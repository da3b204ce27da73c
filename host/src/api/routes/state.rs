//! What an operator wants to know of the host itself: koppel's own operations.

use super::{Handled, Route, Shape, schema, single};
use crate::api::reply::ApiError;
use crate::catalogue::id;
use crate::ledger::{Filter, Row};
use crate::wire::shared::Moment;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The state of this host.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PlatformState {
    /// The version of koppel.
    version: &'static str,
    /// Whether it can do its work.
    ready: bool,
    /// Why not.
    not_ready: Option<String>,
    configuration: Configuration,
    /// The last row of the ledger; none of an empty one.
    ledger: Option<LastRow>,
    /// How many runs it works on at a time.
    workers: u32,
}

/// The configuration in force.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    /// Its file.
    file: String,
    /// Since when it is in force.
    since: Moment,
    /// What is wrong with a newer file, or with newer published grants, which
    /// therefore are not in force.
    fault: Option<String>,
    /// The version of the published grants, where grants are published.
    grants_version: Option<u64>,
    connectors: usize,
    applications: usize,
    users: usize,
    rights: usize,
    roles: usize,
}

/// The last row of the ledger.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct LastRow {
    /// Its number: how many rows there are.
    row: u64,
    time: Moment,
    /// Its hash, chained to all rows before it.
    hash: String,
}

/// Whether the ledger is what was written.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LedgerVerification {
    /// Whether no row was changed, removed or inserted.
    intact: bool,
    /// How many rows there are, of one that is intact.
    rows: Option<u64>,
    /// The hash of the last row, of one that is intact.
    head: Option<String>,
    /// The first row that is broken.
    broken_row: Option<u64>,
    /// What is wrong with that.
    reason: Option<String>,
    /// When it was checked.
    verified: Moment,
}

pub(super) fn of_the_platform() -> Route {
    Route::new(
        id::GetPlatformStateByUserId,
        Shape::Single(schema::<PlatformState>),
        state,
    )
}

pub(super) fn of_the_ledger() -> Route {
    Route::new(
        id::GetLedgerVerificationByUserId,
        Shape::Single(schema::<LedgerVerification>),
        verify,
    )
}

fn state(call: super::Call) -> Handled {
    Box::pin(async move {
        call.ask().await?;
        call.query()?;
        let host = &call.api.host;
        let newest = Filter {
            limit: Some(1),
            ..Filter::default()
        };
        let newest = host.ledger().rows(newest).await;
        let newest = newest.map_err(|error| ApiError::Host(error.into()))?;
        let ready = host.readiness().await;
        let (config, standing) = (host.live().now(), host.live().standing());
        let state = PlatformState {
            version: env!("CARGO_PKG_VERSION"),
            ready: ready.is_ok(),
            not_ready: ready.err(),
            configuration: Configuration {
                file: config.path.display().to_string(),
                since: Moment(standing.since.to_string()),
                fault: standing
                    .fault
                    .or(host.live().refused().map(|refused| refused.why)),
                grants_version: config.published.as_ref().map(|grants| grants.version),
                connectors: config.clients.len(),
                applications: config.applications.len(),
                users: config.grants.users.len(),
                rights: config.grants.rights.len(),
                roles: config.grants.roles.len(),
            },
            ledger: newest.into_iter().next().map(LastRow::from),
            workers: config.queue.workers,
        };
        single(&call, state)
    })
}

impl From<Row> for LastRow {
    fn from(row: Row) -> Self {
        Self {
            row: row.seq,
            time: Moment(row.time),
            hash: row.hash,
        }
    }
}

fn verify(call: super::Call) -> Handled {
    Box::pin(async move {
        call.ask().await?;
        call.query()?;
        // It reads all of it: whoever asks meanwhile waits.
        let _turn = call.api.verifying.lock().await;
        let verified = call.api.host.ledger().verify().await;
        let verified = verified.map_err(|error| ApiError::Host(error.into()))?;
        let now = Moment(Timestamp::now().to_string());
        let shown = match verified {
            Ok(whole) => LedgerVerification {
                intact: true,
                rows: Some(whole.rows),
                head: Some(whole.head),
                broken_row: None,
                reason: None,
                verified: now,
            },
            Err(broken) => LedgerVerification {
                intact: false,
                rows: None,
                head: None,
                broken_row: Some(broken.seq),
                reason: Some(broken.why),
                verified: now,
            },
        };
        single(&call, shown)
    })
}
