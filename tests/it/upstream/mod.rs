//! `source = "loket"`: the same activities on the data of another platform,
//! over HTTP.

mod both_authorize;
mod data;
mod declarations;
mod entities;
mod exports;
mod on_a_host;
mod pair;
mod tokens;
mod transport;

use crate::harness::{ANNA, TestHost, all_activities, answer, client};
use crate::loket::Loket;
use koppel_host::platform::seed;
use serde_json::{Value, json};

/// A host whose probe works on the data of a platform, and the platform.
async fn probe(more: &str) -> (Loket, TestHost) {
    let loket = Loket::start().await;
    let host = TestHost::on(&loket, &client("probe", &all_activities()), more);
    (loket, host)
}

/// Performs an activity as Anna for employer 1.
async fn perform(host: &TestHost, activity: &str, id: impl ToString) -> Value {
    let query = json!({"activity": activity, "id": id.to_string()});
    answer(host.lookup_as("probe", ANNA, 1, &query).await)
}

/// The journal run of employer 1 for June.
async fn journal_run(host: &TestHost) -> Value {
    perform(
        host,
        "GetJournalRunByJournalRunId",
        seed::journal_run_id(1, 6),
    )
    .await
}
