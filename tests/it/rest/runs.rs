//! Activities that a connector performs for the application.

use super::{Answer, Rest, forbidden, issuing};
use crate::harness::{employer, plugin};
use crate::journal::XAF;
use crate::journal::exact::{Shared, exact_client};
use http::Method;
use koppel_host::ledger::{Filter, Kind};
use koppel_host::platform::seed;
use serde_json::{Value, json};

const SEND: &str = "PostSendJournalRunExportByJournalRunId";
const DOWNLOAD: &str = "PostDownloadJournalRunExportByJournalRunId";

/// A server with both connectors, for all employers of provider 1.
async fn rest() -> (Shared, Rest) {
    let (exact, client) = exact_client().await;
    let rest = Rest::with(&issuing(&configured(&client))).await;
    std::fs::write(rest.dir.path().join("token"), "exact-token-1\n").unwrap();
    (exact, rest)
}

fn configured(exact: &str) -> String {
    format!(
        "{exact}\n{}\n[connectors.provider.\"{}\"]\n{SEND} = \"journal-exact\"\n{DOWNLOAD} = \"journal-xaf\"\n",
        plugin("journal-xaf", XAF),
        seed::provider_id(1)
    )
}

async fn post(rest: &Rest, token: &str, of: usize, period: i8, what: &str, body: &Value) -> Answer {
    let path = format!(
        "/providers/employers/payrolladministrations/journalruns/{}/{what}",
        seed::journal_run_id(of, period)
    );
    rest.json(token, Method::POST, &path, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn send_books_the_journal_run_through_the_connector_of_the_employer() {
    let (exact, rest) = rest().await;
    let token = rest.token("anna").await;
    let body = post(&rest, &token, 1, 6, "send", &json!({}))
        .await
        .with(200);
    let content = &body["content"];
    assert_eq!(content["reference"], "25900001");
    assert_eq!(content["lines"], 14);
    assert!(content["debetAmount"].as_f64().unwrap() > 0.0);
    assert_eq!(exact.lock().unwrap().entries.len(), 1);
    // Whose idea it was, and whose doing.
    let rows = rest.host.ledger().rows(Filter::default()).await.unwrap();
    let asked = rows
        .iter()
        .find(|row| row.kind == Kind::ActivityWrite.name())
        .unwrap();
    assert_eq!(asked.context.client, "hr-portal");
    assert_eq!(asked.activity.as_deref(), Some(SEND));
    assert_eq!(
        asked.summary,
        format!(
            "journal run {} through connector journal-exact",
            seed::journal_run_id(1, 6)
        )
    );
    let run: Vec<_> = rows
        .iter()
        .filter(|row| content["runId"] == row.context.run.to_string())
        .collect();
    assert!(run.iter().all(|row| row.context.client == "journal-exact"));
    assert!(
        run.iter()
            .all(|row| row.context.user == "anna" && row.context.employer == employer(1))
    );
    assert_eq!(run.first().unwrap().kind, Kind::RunStarted.name());
    assert_eq!(run.last().unwrap().kind, Kind::RunFinished.name());
    // Booked once.
    let again = post(&rest, &token, 1, 6, "send", &json!({})).await;
    let problem = again.problems(409).pop().unwrap();
    assert!(problem.starts_with("journal run "), "{problem}");
    assert_eq!(exact.lock().unwrap().entries.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn download_gives_the_bytes_of_the_file() {
    let (_exact, rest) = rest().await;
    let token = rest.token("anna").await;
    // Without a body at all.
    let path = format!(
        "/v2/providers/employers/payrolladministrations/journalruns/{}/download",
        seed::journal_run_id(1, 6)
    );
    let request = rest
        .request(Method::POST, &path)
        .bearer_auth(&token)
        .header("accept", super::ACCEPT);
    let answer = rest.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    let name = format!(
        "XAF32_1001_2025-06_6_{}.xaf",
        &seed::journal_run_id(1, 6).to_string()[..8]
    );
    assert_eq!(
        answer.header("content-disposition"),
        format!("attachment; filename=\"{name}\"")
    );
    let file = std::fs::read(rest.dir.path().join("exports").join(name)).unwrap();
    assert_eq!(answer.body, file);
    let again = post(&rest, &token, 1, 6, "download", &json!({})).await;
    assert_eq!(again.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_asks_of_the_accounting_package_is_refused_rather_than_passed_over() {
    let (exact, rest) = rest().await;
    let token = rest.token("anna").await;
    let body = json!({"description": null, "journalCode": "2"});
    assert_eq!(
        post(&rest, &token, 1, 6, "send", &body).await.problems(400),
        ["journalCode: cannot be chosen here: the settings of the connector hold"]
    );
    assert_eq!(
        post(&rest, &token, 1, 6, "send", &json!([])).await.status,
        400
    );
    assert_eq!(exact.lock().unwrap().entries.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connector_passes_the_five_checks_as_well() {
    let (exact, rest) = rest().await;
    let token = rest.token("anna").await;
    let (_, client) = exact_client().await;
    let less = client.replace("\"PatchJournalRunByJournalRunId\", ", "");
    assert_ne!(client, less);
    rest.reconfigure(&issuing(&configured(&less)));
    // It is not even loaded: that is for the operator to know.
    let answer = post(&rest, &token, 1, 6, "send", &json!({})).await;
    let problem = answer.problems(500).pop().unwrap();
    assert!(
        problem.starts_with("the connector failed; the log of run "),
        "{problem}"
    );
    assert_eq!(exact.lock().unwrap().entries.len(), 0);
    // The user lacks what the connector does, though not what was asked for.
    let rights = "rights = [\"sending\"]\n".to_owned();
    let changed = issuing(&configured(&client))
        .replacen("rights = [\"everything\"]\n", &rights, 1)
        .replace("[rights]\n", &format!("[rights]\nsending = [\"{SEND}\"]\n"));
    rest.reconfigure(&changed);
    assert_eq!(
        post(&rest, &token, 1, 6, "send", &json!({}))
            .await
            .with(403),
        forbidden("user \"anna\" has no right that gives PatchJournalRunByJournalRunId")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_outside_party_says_is_told_apart_from_what_koppel_says() {
    let (exact, rest) = rest().await;
    let token = rest.token("anna").await;
    exact.lock().unwrap().instead = vec![
        (
            400,
            json!({"error": {"code": "", "message": {"lang": "", "value": "Onbekende filter"}}}),
        ),
        (429, json!({})),
    ];
    let busy = post(&rest, &token, 1, 6, "send", &json!({})).await;
    assert_eq!(busy.header("retry-after"), "9");
    assert_eq!(busy.problems(503), ["not available now; try again later"]);
    let refused = post(&rest, &token, 1, 6, "send", &json!({})).await;
    assert_eq!(
        refused.with(502),
        json!({"message": "the outside party says: Exact Online: status 400: Onbekende filter"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employer_without_a_connector_is_told_so() {
    let (_exact, rest) = rest().await;
    let text = std::fs::read_to_string(rest.dir.path().join("platform.toml")).unwrap();
    // The other provider, with the module, and no connector.
    let modules = format!("\"{}\" = [\"journal\"", seed::provider_id(1));
    let both = format!("\"{}\" = [\"journal\"]\n{modules}", seed::provider_id(2));
    rest.reconfigure(&text.replacen(&modules, &both, 1));
    let els = rest.token("els").await;
    let answer = post(&rest, &els, 4, 6, "send", &json!({})).await;
    assert_eq!(
        answer.problems(409),
        [format!(
            "no connector was set up that performs {SEND} for this employer"
        )]
    );
}
