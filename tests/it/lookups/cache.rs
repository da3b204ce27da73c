//! Kept answers: given again only to those who could have asked.

use super::*;
use crate::harness::{ANNA, all_activities, answer, client, configuration, employer, error};
use koppel_host::config::Reload;
use koppel_host::ledger::Kind;
use koppel_host::runs::RunReport;
use serde_json::{Value, json};
use std::time::Duration;

const CLIENT: &str = "geocode-google";
const HOUR: &str = "ttl-seconds = 3600";

/// Google, which says how many requests there were so far.
async fn google(cache: &str) -> (Party, TestHost) {
    let party = Party::start(|uri, number| {
        if uri.contains("Druk") && number == 1 {
            return (429, Vec::new());
        }
        let place = json!({
            "formatted_address": number.to_string(), "place_id": "a",
            "geometry": {"location": {"lat": 1.5, "lng": 2.5}, "location_type": "ROOFTOP"},
        });
        let body = json!({"status": "OK", "results": [place]});
        (200, body.to_string().into_bytes())
    })
    .await;
    let host = host(&plugin(CLIENT, party.port, cache)).await;
    (party, host)
}

fn leiden() -> Value {
    json!({"city": "Leiden", "street": "Voordijk"})
}

/// The number of the request that an answer is of.
fn of_request(report: RunReport) -> String {
    answer(report)["locations"][0]["formattedAddress"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_answer_is_given_again_and_the_ledger_says_so() {
    let (party, host) = google(HOUR).await;
    let first = host.lookup(CLIENT, &leiden()).await;
    let (run, cached) = (first.run, first.cached);
    assert_eq!(cached, None);
    assert_eq!(of_request(first), "1");
    // The same question, spelt differently, of another user.
    let spelt = r#"{ "street": "Voor\u0064ijk", "city": "Leiden" }"#.to_owned();
    let job = koppel_host::runs::Job::Lookup(spelt);
    let second = host.run(CLIENT, "bas", 1, job).await;
    assert_eq!(second.cached, Some(run));
    assert_ne!(second.run, run);
    assert_eq!(of_request(second), "1");
    let other = host.lookup(CLIENT, &json!({"city": "Leiden"})).await;
    assert_eq!(of_request(other), "2");
    assert_eq!(party.seen().len(), 2);

    let rows: Vec<_> = host
        .rows(&[])
        .await
        .into_iter()
        .map(|row| (row.kind, row.outcome))
        .collect();
    let row = |kind: &str| (kind.to_owned(), None);
    let whole = [
        row("run-started"),
        row("request"),
        row("response"),
        row("run-finished"),
    ];
    let again = [
        row("run-started"),
        (
            "run-finished".to_owned(),
            Some(format!("answered from the cache; run {run} looked it up")),
        ),
    ];
    assert_eq!(rows, [&whole[..], &again, &whole].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_unless_the_operator_says_so() {
    let (party, host) = google("").await;
    assert_eq!(of_request(host.lookup(CLIENT, &leiden()).await), "1");
    assert_eq!(of_request(host.lookup(CLIENT, &leiden()).await), "2");
    assert_eq!(party.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_answer_is_forgotten_when_it_is_too_old() {
    let (party, host) = google("ttl-seconds = 1").await;
    assert_eq!(of_request(host.lookup(CLIENT, &leiden()).await), "1");
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let report = host.lookup(CLIENT, &leiden()).await;
    assert_eq!(report.cached, None);
    assert_eq!(of_request(report), "2");
    assert_eq!(party.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_for_the_employer_who_asked() {
    let (party, host) = google(HOUR).await;
    for (of, request) in [(1, "1"), (2, "2"), (1, "1"), (2, "2")] {
        let report = host.lookup_as(CLIENT, ANNA, of, &leiden()).await;
        assert_eq!(of_request(report), request);
    }
    assert_eq!(party.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn employers_share_answers_only_if_the_operator_says_so() {
    let (party, host) = google("ttl-seconds = 3600\nshared = true").await;
    for of in [1, 2, 3] {
        let report = host.lookup_as(CLIENT, ANNA, of, &leiden()).await;
        assert_eq!(of_request(report), "1");
    }
    // Of another provider: the checks are the same for a shared answer.
    let report = host.lookup_as(CLIENT, "els", 4, &leiden()).await;
    assert_eq!(of_request(report), "1");
    assert_eq!(party.seen().len(), 1);
    let denied = host.lookup_as(CLIENT, "els", 1, &leiden()).await;
    assert_eq!(denied.cached, None);
    assert!(denied.outcome.is_err());
    assert_eq!(party.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_data_of_an_employer_is_not_shared_whatever_the_operator_says() {
    let more = format!(
        "{}\ncache = {{ ttl-seconds = 3600, shared = true }}",
        all_activities()
    );
    let host = TestHost::new(&client("probe", &more)).await;
    let own = json!({"activity": "GetEmployersByUserId"});
    let first = answer(host.lookup("probe", &own).await);
    let second = answer(host.lookup_as("probe", ANNA, 2, &own).await);
    assert_ne!(first, second, "each sees its own");
    let again = host.lookup("probe", &own).await;
    assert!(again.cached.is_some());
    assert_eq!(answer(again), first);

    // A register is of nobody.
    let car = json!({"activity": "GetAdditionalTaxliabilityByLicensePlateNumber", "id": "11ZKZ3"});
    assert_eq!(host.lookup("probe", &car).await.cached, None);
    assert!(
        host.lookup_as("probe", ANNA, 2, &car)
            .await
            .cached
            .is_some()
    );

    // And of two employers, one may not see what the other has.
    let theirs = json!({"activity": "GetEmployerByEmployerId", "id": employer(1)});
    answer(host.lookup("probe", &theirs).await);
    let denied = answer(host.lookup_as("probe", ANNA, 2, &theirs).await);
    assert_eq!(denied["denied"], "Check::Entity");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_answer_is_not_given_to_whoever_may_not_ask() {
    let (party, host) = google(HOUR).await;
    assert_eq!(of_request(host.lookup(CLIENT, &leiden()).await), "1");
    // No right, no role for it, blocked, no access to the employer.
    for (user, reason) in [
        (
            "tim",
            "user \"tim\" has no right that gives GetGeocodeByAddress",
        ),
        (
            "rik",
            "role \"reader\" has no right that gives GetGeocodeByAddress",
        ),
        ("weg", "user \"weg\" is blocked"),
        ("els", "user \"els\" belongs to another provider"),
    ] {
        let report = host.lookup_as(CLIENT, user, 1, &leiden()).await;
        assert_eq!(report.cached, None, "{user}");
        error(report);
        assert_eq!(host.denials().await.pop().unwrap(), reason);
    }
    assert_eq!(
        host.denials().await.len(),
        4,
        "each denial is recorded once"
    );
    assert_eq!(party.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_was_revoked_ends_a_kept_answer_and_one_that_is_back_gives_it_again() {
    let (party, host) = google(HOUR).await;
    let path = host.dir.path().join("platform.toml");
    let granted = std::fs::read_to_string(path).unwrap();
    assert_eq!(of_request(host.lookup(CLIENT, &leiden()).await), "1");
    let revoked = granted
        .replacen("\"GetGeocodeByAddress\", ", "", 1)
        .replacen(", \"GetGeocodeByAddress\"", "", 1);
    assert_ne!(revoked, granted);
    host.write_configuration(&revoked);
    assert!(matches!(host.host.live().reload(), Reload::Replaced));
    let report = host.lookup(CLIENT, &leiden()).await;
    assert_eq!(report.cached, None);
    error(report);
    assert_eq!(
        host.denials().await,
        ["user \"anna\" has no right that gives GetGeocodeByAddress"]
    );
    host.write_configuration(&granted);
    assert!(matches!(host.host.live().reload(), Reload::Replaced));
    assert!(host.lookup(CLIENT, &leiden()).await.cached.is_some());
    assert_eq!(party.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_client_starts_with_no_answers() {
    let (party, host) = google(HOUR).await;
    let configuration = |cache: &str, from: &str, to: &str| {
        let client = plugin(CLIENT, party.port, cache).replacen(from, to, 1);
        host.write_configuration(&configuration(&format!("{client}{CREDENTIALS}")));
        assert!(matches!(host.host.live().reload(), Reload::Replaced));
    };
    let asked = async || host.lookup(CLIENT, &leiden()).await;
    assert_eq!(of_request(asked().await), "1");
    for (from, to) in [
        // Another setting, another rule, another cache; then none.
        ("base-url", "language = \"nl\"\nbase-url"),
        ("{2,150}", "{2,151}"),
        ("ttl-seconds = 3600", "ttl-seconds = 3601"),
    ] {
        configuration(HOUR, from, to);
        let report = asked().await;
        assert_eq!(report.cached, None, "{to}");
        assert!(asked().await.cached.is_some(), "{to}");
    }
    configuration("", "", "");
    assert_eq!(asked().await.cached, None);
    configuration(HOUR, "", "");
    assert_eq!(asked().await.cached, None);
    assert_eq!(party.seen().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_answers_of_look_ups_that_succeeded_are_kept() {
    let (party, host) = google(HOUR).await;
    let busy = json!({"city": "Druk"});
    assert_eq!(
        error(host.lookup(CLIENT, &busy).await),
        "not available now; try again in 7 s"
    );
    assert_eq!(of_request(host.lookup(CLIENT, &busy).await), "2");
    assert!(host.lookup(CLIENT, &busy).await.cached.is_some());
    assert_eq!(party.seen().len(), 2);

    // Nor is what a run answers after a denial, or after it changed something.
    let more = format!("{}\ncache = {{ ttl-seconds = 3600 }}", all_activities());
    let host = TestHost::new(&client("probe", &more)).await;
    let journal = json!({"activity": "GetJournalRunByJournalRunId", "id": koppel_host::platform::seed::journal_run_id(1, 6)});
    for _ in 0..2 {
        let denied = host.lookup_as("probe", "tim", 1, &journal).await;
        assert_eq!(denied.cached, None);
        assert_eq!(answer(denied)["denied"], "Check::User");
    }
    assert_eq!(host.rows(&[Kind::Denial]).await.len(), 2);
    let failed = json!({"activity": "PatchJournalRunByJournalRunId", "id": koppel_host::platform::seed::journal_run_id(1, 5), "failed": true});
    assert!(answer(host.lookup("probe", &failed).await)["item"].is_string());
    let again = host.lookup("probe", &failed).await;
    assert_eq!(again.cached, None);
    assert!(answer(again)["conflict"].is_string());
    assert_eq!(host.rows(&[Kind::ActivityWrite]).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_holds_no_more_answers_than_it_may() {
    let (party, host) = google("ttl-seconds = 3600\nentries = 2").await;
    for _ in 0..2 {
        for street in ["Een", "Twee", "Drie", "Vier", "Vijf"] {
            let query = json!({"city": "Leiden", "street": street});
            of_request(host.lookup(CLIENT, &query).await);
        }
    }
    // The last two are there, and none of the others was when it was asked for
    // again.
    assert_eq!(party.seen().len(), 10);
    for (street, kept) in [("Vijf", true), ("Vier", true), ("Drie", false)] {
        let query = json!({"city": "Leiden", "street": street});
        let report = host.lookup(CLIENT, &query).await;
        assert_eq!(report.cached.is_some(), kept, "{street}");
    }
}
