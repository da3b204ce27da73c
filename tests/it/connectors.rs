//! The connectors as components, from the payroll data to the outside party.

use crate::harness::{ANNA, TestHost, error, formats, plugin};
use crate::journal::XAF;
use axum::extract::Query;
use axum::routing::get;
use axum::{Json, Router};
use koppel_host::platform::seed;
use koppel_host::runs::{Job, Output};
use serde_json::{Value, json};
use std::collections::HashMap;

#[tokio::test(flavor = "multi_thread")]
async fn vehicle_rdw_answers_from_the_recorded_reply() {
    let Some(formats) = formats() else { return };
    let recorded = std::fs::read_to_string(formats.join("rdw/m9d7-ebf2_11ZKZ3.json")).unwrap();
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    let rows = if recorded.is_array() {
        recorded
    } else {
        json!([recorded])
    };
    let answer = move |Query(query): Query<HashMap<String, String>>| async move {
        assert_eq!(query.len(), 1, "only the plate leaves");
        if query["kenteken"] == "11ZKZ3" {
            Json(rows)
        } else {
            Json(json!([]))
        }
    };
    let router = Router::new().route("/resource/m9d7-ebf2.json", get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let more = format!(
        r#"activities = ["GetAdditionalTaxliabilityByLicensePlateNumber"]
http = [{{ allow = "http://party.test:{port}/resource/m9d7-ebf2.json", methods = ["GET"], activity = "GetAdditionalTaxliabilityByLicensePlateNumber", allow-private-addresses = true }}]
settings = {{ base-url = "http://party.test:{port}" }}"#
    );
    let host = TestHost::new(&plugin("vehicle-rdw", &more)).await;
    let query = json!({"licensePlateNumber": "11-zkz-3"});
    let found = crate::harness::answer(host.lookup("vehicle-rdw", &query).await);
    assert_eq!(found["vehicle"]["make"], "SKODA");
    assert_eq!(found["vehicle"]["dateOfFirstAdmission"], "2013-01-04");
    assert_eq!(
        found["registered"],
        json!({"valueForTaxPurposes": 10697.0, "matchesCataloguePrice": true})
    );
    let unknown = crate::harness::answer(
        host.lookup("vehicle-rdw", &json!({"licensePlateNumber": "ZZ99ZZ"}))
            .await,
    );
    assert_eq!(
        unknown,
        json!({"licensePlateNumber": "ZZ99ZZ", "vehicle": null, "registered": null})
    );
    let works = host
        .run("vehicle-rdw", ANNA, 1, Job::Check)
        .await
        .outcome
        .unwrap();
    assert_eq!(
        works,
        Output::Check {
            message: "the RDW answers (0 rows for a plate that does not exist)".to_owned()
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_of_another_kind_is_not_run() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    assert_eq!(
        error(host.lookup("journal-xaf", &json!({})).await),
        "client \"journal-xaf\" is no connector of kind lookup"
    );
    let id = seed::employer_id(1);
    for job in [
        Job::CreateDeclaration(id),
        Job::SubmitDeclaration(id),
        Job::PollDeclaration(id),
    ] {
        assert_eq!(
            error(host.run("journal-xaf", ANNA, 1, job).await),
            "client \"journal-xaf\" is no connector of kind declaration"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_denied_names_the_line_that_would_allow_it() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    let job = Job::ProcessJournalRun(seed::journal_run_id(1, 6));
    assert_eq!(
        error(host.run("journal-xaf", "tim", 1, job).await),
        "denied by check user: PatchJournalRunByJournalRunId: user \"tim\" has no right that gives PatchJournalRunByJournalRunId\n\
         to allow it, put in the configuration:\n  [[users]] id = \"tim\" rights = [\"employers\", \"everything\"]"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_says_what_it_is_without_being_able_to_do_anything() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    let description = host.host.describe("journal-xaf").await.unwrap();
    assert_eq!(description.name, "journal-xaf");
    let schema: Value = serde_json::from_str(&description.settings_schema).unwrap();
    assert_eq!(schema["properties"]["journal-id"]["type"], "string");
    assert_eq!(host.rows(&[]).await.len(), 0);
}
