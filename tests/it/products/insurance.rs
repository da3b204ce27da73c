//! Absence insurance.

use super::{ACHMEA, start};
use crate::harness::error;
use koppel_host::runs::{Job, Output};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_insurance_is_quoted_with_sums_only_and_concluded_once() {
    let (party, host) = start(ACHMEA).await;
    let request = json!({"numberOfEmployees": 14, "baseWageSumCents": 60_000_000, "sectorCode": "10.71", "startDate": "2026-01-01"});
    let quote = |request: &Value| Job::Quote(request.to_string());
    let report = host.run(ACHMEA, "anna", 1, quote(&request)).await;
    assert_eq!(
        report.outcome.unwrap(),
        Output::Quote {
            reference: "Q-1".to_owned(),
            amount_cents: 1_895_000,
            expires: "2026-03-01T12:00:00Z".to_owned(),
            details: json!({"insuredWageSumCents": 66_300_000, "startDate": "2026-01-01", "presentContract": "0015697843"}),
        }
    );
    assert_eq!(
        party.lock().unwrap().seen,
        [(
            "/v1/absence-insurance/quotes".to_owned(),
            None,
            json!({"numberOfEmployees": 14, "insuredWageSumCents": 66_300_000, "sectorCode": "10.71", "startDate": "2026-01-01"})
        )]
    );
    let mut one = request.clone();
    one["numberOfEmployees"] = json!(1);
    assert_eq!(
        error(host.run(ACHMEA, "anna", 1, quote(&one)).await),
        "refused: with fewer than two employees the wage sum would be the wage of one person, which is not sent"
    );

    party.lock().unwrap().lose_reply = true;
    let conclude = |again| Job::Order {
        request: json!({"quoteId": "Q-1", "startDate": "2026-01-01"}).to_string(),
        again,
    };
    let lost = host.run(ACHMEA, "anna", 1, conclude(None)).await;
    let order = lost.run;
    assert_eq!(error(lost), "not available now; try again later");
    let again = host.run(ACHMEA, "anna", 1, conclude(Some(order))).await;
    assert_eq!(
        again.outcome.unwrap(),
        Output::Order {
            order: order.to_string(),
            reference: "001571".to_owned(),
            amount_cents: 1_895_000,
            repeated: true,
            details: json!({"startDate": "2026-01-01"}),
        }
    );
    assert_eq!(party.lock().unwrap().orders.len(), 1);
    let report = host.run(ACHMEA, "anna", 1, Job::Cancel(order)).await;
    assert!(
        matches!(report.outcome, Ok(Output::Cancel { .. })),
        "{:?}",
        report.outcome
    );
    let check = host.run(ACHMEA, "anna", 1, Job::Check).await;
    assert_eq!(
        check.outcome.unwrap(),
        Output::Check {
            message: "the insurer answers".to_owned()
        }
    );
}
