//! Runs of connectors, through an application.

mod checks;
mod deciding;
mod submitting;

use super::{Answer, Rest, issuing};
use crate::durable::party::Party;
use crate::durable::{EXACT, TAX, XAF, clients};
use crate::harness::employer;
use http::Method;
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunRequest};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const LIST: &str = "GetConnectorRunsByEmployerId";
const ONE: &str = "GetConnectorRunByConnectorRunId";
const SUBMIT: &str = "PostConnectorRunByEmployerId";
const CHANGE: &str = "PatchConnectorRunByConnectorRunId";
const SEND: &str = "PostSendJournalRunExportByJournalRunId";

/// A server with connectors that are set up for the employers of provider 1,
/// and no worker.
struct Kept {
    rest: Rest,
    party: Party,
}

fn configured(party: &Party) -> String {
    issuing(&format!(
        "{}\n[connectors.provider.\"{}\"]\n{SEND} = \"{EXACT}\"\nPostDownloadJournalRunExportByJournalRunId = \"{XAF}\"\nPostSendPayrollTaxReturnByPayrollTaxReturnId = \"{TAX}\"\n",
        clients(party.port, "", ""),
        seed::provider_id(1)
    ))
}

fn of_employer(of: usize) -> String {
    format!("/providers/employers/{}/connectorruns", employer(of))
}

fn one(id: &str) -> String {
    format!("/providers/employers/connectorruns/{id}")
}

/// A submission of the journal run of employer 1 for a period.
fn booking(period: i8) -> Value {
    json!({"client": EXACT, "job": {
        "kind": "process-journal-run",
        "journalRunId": seed::journal_run_id(1, period),
    }})
}

fn id(answer: &Value) -> String {
    answer["content"]["id"].as_str().unwrap().to_owned()
}

impl Kept {
    async fn new() -> Self {
        let party = Party::start().await;
        let rest = Rest::with(&configured(&party)).await;
        Self { rest, party }
    }

    /// Submits for an employer, under a key.
    async fn submit(&self, token: &str, of: usize, key: &str, body: &Value) -> Answer {
        let request = self
            .rest
            .request(Method::POST, &format!("/v2{}", of_employer(of)))
            .bearer_auth(token)
            .header("accept", super::ACCEPT)
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(body.to_string());
        self.rest.send(request).await
    }

    async fn change(&self, token: &str, id: &str, body: &Value) -> Answer {
        let path = one(id);
        self.rest.json(token, Method::PATCH, &path, body).await
    }

    /// One run, as it is now.
    async fn run(&self, token: &str, id: &str) -> Value {
        self.rest.get(token, &one(id)).await.with(200)["content"].clone()
    }

    /// Waits until a run is in this state.
    async fn until(&self, token: &str, id: &str, state: &str) -> Value {
        for _ in 0..1_200 {
            let run = self.run(token, id).await;
            if run["state"] == state {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{state} did not come: {}", self.run(token, id).await);
    }

    /// A run of the operator's.
    async fn operators(&self, client: &str, of: usize, job: Job, key: &str) -> Uuid {
        let request = RunRequest {
            client: client.to_owned(),
            user: "anna".to_owned(),
            employer: employer(of),
            job,
        };
        let submitted = self.rest.host.submit(request, Some(key.to_owned())).await;
        submitted.unwrap().run().id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_holds_the_runs_of_an_employer_newest_first_and_can_be_restricted() {
    let kept = Kept::new().await;
    let token = kept.rest.token("anna").await;
    let journal_run = |period| Job::ProcessJournalRun(seed::journal_run_id(1, period));
    let mut runs = Vec::new();
    for (client, job) in [
        (EXACT, journal_run(6)),
        (XAF, journal_run(7)),
        (EXACT, Job::Check),
    ] {
        let key = runs.len().to_string();
        let run = kept.operators(client, 1, job, &key).await;
        runs.push(run.to_string());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    kept.operators(EXACT, 2, Job::Check, "0").await;
    kept.rest
        .host
        .cancel_run(runs[1].parse().unwrap(), "anna", "a mistake")
        .await
        .unwrap();
    let list = async |query: &str| {
        let path = format!("{}{query}", of_employer(1));
        let body = kept.rest.get(&token, &path).await.with(200);
        let items = body["_embedded"].as_array().unwrap().iter();
        let ids: Vec<_> = items
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect();
        (ids, body["totalSize"].as_u64().unwrap())
    };
    let some = |of: &[usize], total| {
        let ids: Vec<_> = of.iter().map(|at| runs[*at].clone()).collect();
        (ids, total)
    };
    let submitted = kept.run(&token, &runs[1]).await["submitted"].clone();
    let submitted = submitted.as_str().unwrap();
    for (query, expected) in [
        (String::new(), some(&[2, 1, 0], 3)),
        ("?pageSize=2".to_owned(), some(&[2, 1], 3)),
        ("?pageSize=2&pageNumber=2".to_owned(), some(&[0], 3)),
        ("?state=queued".to_owned(), some(&[2, 0], 2)),
        ("?state=cancelled".to_owned(), some(&[1], 1)),
        (format!("?client={EXACT}"), some(&[2, 0], 2)),
        (format!("?since={submitted}"), some(&[2, 1], 2)),
        (format!("?until={submitted}"), some(&[0], 1)),
    ] {
        assert_eq!(list(&query).await, expected, "{query}");
    }
    let path = format!("{}?state=gone&since=x", of_employer(1));
    assert_eq!(
        kept.rest.get(&token, &path).await.problems(400),
        [
            "since: must be a date such as 2026-01-31, or date, time and offset such as 2026-01-31T09:30:00Z, not \"x\"",
            "state: must be one of queued, running, succeeded, failed, needs-a-person, cancelled, dead, not \"gone\"",
        ]
    );
    let body = kept.rest.get(&token, &of_employer(1)).await.with(200);
    let item = &body["_embedded"][1];
    assert_eq!(
        (&item["client"], &item["user"], &item["origin"]),
        (&json!(XAF), &json!("anna"), &json!("submitted"))
    );
    assert_eq!(
        item["job"],
        json!({"kind": "process-journal-run", "journalRunId": seed::journal_run_id(1, 7)})
    );
    assert_eq!(
        (&item["due"], &item["attemptCount"]),
        (&Value::Null, &json!(0))
    );
}
