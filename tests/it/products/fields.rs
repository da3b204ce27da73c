//! The field lists of the demonstration: nothing else leaves, whatever the
//! connector is.

use super::{ACHMEA, BSN, FLOWERS, demo, flowers, party, turn};
use crate::harness::{TestHost, answer, client};
use serde_json::{Value, json};

/// The rules of a client of the demonstration in the hands of a guest that
/// tries everything.
async fn hostile_under(name: &str, port: u16) -> TestHost {
    let rules = toml::Value::Array(demo(name, port)["http"].as_array().unwrap().clone());
    let more = format!(
        "{}\nhttp = {rules}\nexports = {{ directory = \"exports\", quota-bytes = 1, activity = \"PostDownloadJournalRunExportByJournalRunId\" }}",
        crate::harness::all_activities()
    );
    let host = TestHost::new(&client("hostile", &more)).await;
    for module in ["fleurtjedag", "achmea"] {
        assert_eq!(turn(&host, "on", module, "anna").0, 0);
    }
    host
}

/// Sends `good`, then each of `bad`; only the first may arrive.
async fn only_the_list_leaves(name: &str, path: &str, good: &Value, bad: &[(&str, Value)]) {
    let (party, port) = party().await;
    let host = hostile_under(name, port).await;
    let key = ["idempotency-key", "0190b8c1-2d3e-7f40-8a51-62b3c4d5e6f7"];
    let send = |header: [&str; 2], body: &Value| {
        json!({
            "attack": "request",
            "method": "POST",
            "url": format!("http://party.test:{port}{path}"),
            "header": header,
            "body": body.to_string(),
        })
    };
    let sent = answer(host.lookup("hostile", &send(key, good)).await);
    assert_eq!(sent["status"], 201, "{sent}");
    let refused = json!({"error": "Refused(\"ErrorCode::HttpRequestDenied\")"});
    let mut attempts: Vec<Value> = Vec::new();
    for (pointer, value) in bad {
        let mut body = good.clone();
        match body.pointer_mut(pointer) {
            Some(field) => *field = value.clone(),
            None => {
                let (parent, field) = pointer.rsplit_once('/').unwrap();
                body.pointer_mut(parent).unwrap()[field] = value.clone();
            }
        }
        attempts.push(send(key, &body));
    }
    attempts.push(send(["idempotency-key", BSN], good));
    attempts.push(send(["x-employee", "Sanne Jansen"], good));
    for attempt in &attempts {
        assert_eq!(
            answer(host.lookup("hostile", attempt).await),
            refused,
            "{attempt}"
        );
    }
    assert_eq!(party.lock().unwrap().seen.len(), 1);
    assert_eq!(host.denials().await.len(), attempts.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_for_flowers_cannot_send_another_field() {
    only_the_list_leaves(
        FLOWERS,
        "/v1/orders",
        &flowers(),
        &[
            ("/bsn", json!(BSN)),
            ("/address/phone", json!("0612345678")),
            ("/cardText", json!(format!("uw BSN is {BSN}"))),
            ("/cardText", json!("x".repeat(201))),
            ("/recipientName", json!("x".repeat(81))),
            ("/address", json!(["Molenstraat 12"])),
            ("/wageCents", json!(312_000)),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_for_insurance_cannot_send_another_field() {
    only_the_list_leaves(
        ACHMEA,
        "/v1/absence-insurance/contracts",
        &json!({"quoteId": "Q-1", "startDate": "2026-01-01"}),
        &[
            ("/name", json!("Sanne Jansen")),
            ("/quoteId", json!("Sanne Jansen")),
            ("/quoteId", json!(BSN)),
            ("/wages", json!([312_000, 298_000])),
        ],
    )
    .await;
}
