//! Orders at the flower shop.

use super::{BSN, FLOWERS, flowers, place, quote_request, run, shop};
use crate::harness::{employer, error};
use koppel_host::ledger::Kind;
use koppel_host::runs::{Job, Output};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn flowers_are_ordered_and_cancelled_under_the_order_id_of_the_run() {
    let (party, host) = shop().await;
    let report = run(&host, place(None)).await;
    let order = report.run;
    assert_eq!(
        report.outcome.unwrap(),
        Output::Order {
            order: order.to_string(),
            reference: "F-1".to_owned(),
            amount_cents: 2995,
            repeated: false,
            details: json!({"deliveryDate": "2026-03-02", "bouquetCode": "LENTE-M"}),
        }
    );
    assert_eq!(
        party.lock().unwrap().seen,
        [("/v1/orders".to_owned(), Some(order.to_string()), flowers())]
    );
    let requests = host.rows(&[Kind::Request]).await;
    assert_eq!(
        requests[0].activity.as_deref(),
        Some("PostFleurtjedagOrderByEmployerId")
    );
    assert!(
        requests[0]
            .headers
            .contains(&("idempotency-key".to_owned(), order.to_string()))
    );

    let report = run(&host, Job::Cancel(order)).await;
    assert_eq!(
        report.outcome.unwrap(),
        Output::Cancel {
            order: order.to_string(),
            reference: "F-1".to_owned(),
            details: json!({}),
        }
    );
    assert!(party.lock().unwrap().orders[0].2);
    assert_eq!(
        error(run(&host, Job::Cancel(order)).await),
        "refused: the flower shop says: it is cancelled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_reply_was_lost_is_placed_once() {
    let (party, host) = shop().await;
    party.lock().unwrap().lose_reply = true;
    let lost = run(&host, place(None)).await;
    let order = lost.run;
    assert_eq!(error(lost), "not available now; try again later");
    let again = run(&host, place(Some(order))).await;
    let Ok(Output::Order {
        order: placed,
        reference,
        repeated,
        ..
    }) = again.outcome
    else {
        panic!("{:?}", again.outcome);
    };
    assert_eq!(
        (placed, reference.as_str(), repeated),
        (order.to_string(), "F-1", true)
    );
    let party = party.lock().unwrap();
    assert_eq!(party.orders.len(), 1, "it was ordered once");
    assert_eq!(party.seen.len(), 2);
    assert!(
        party
            .seen
            .iter()
            .all(|(_, key, _)| *key == Some(order.to_string()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_another_employer_is_neither_repeated_nor_cancelled() {
    let (party, host) = shop().await;
    let order = run(&host, place(None)).await.run;
    let seen = party.lock().unwrap().seen.len();
    let unknown = Uuid::from_u128(7);
    // A run that placed no order has an identifier as well.
    let quote = run(&host, quote_request()).await.run;
    for (of, job, id) in [
        (2, Job::Cancel(order), order),
        (2, place(Some(order)), order),
        (1, Job::Cancel(unknown), unknown),
        (1, place(Some(quote)), quote),
    ] {
        assert_eq!(
            error(host.run(FLOWERS, "anna", of, job).await),
            format!(
                "client \"{FLOWERS}\" placed no order {id} for employer {}",
                employer(of)
            )
        );
    }
    assert_eq!(party.lock().unwrap().seen.len(), seen + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_shop_answers_instead_is_told_apart() {
    let (party, host) = shop().await;
    let message = json!({"message": "sold out"});
    for (status, after, expected) in [
        (
            400,
            "",
            "the outside party says: flower shop: status 400: sold out",
        ),
        (
            404,
            "",
            "the outside party says: flower shop: status 404: sold out",
        ),
        (409, "", "refused: the flower shop says: sold out"),
        (429, "30", "not available now; try again in 30 s"),
        (500, "", "not available now; try again later"),
        (503, "7", "not available now; try again in 7 s"),
    ] {
        party.lock().unwrap().instead = Some((status, after, message.clone()));
        assert_eq!(error(run(&host, place(None)).await), expected, "{status}");
    }
    // A reply of success that is not what was agreed.
    party.lock().unwrap().instead = Some((201, "", json!({"orderNumber": "F-1"})));
    let text = error(run(&host, place(None)).await);
    assert!(text.contains("missing field `amountCents`"), "{text}");
    for (body, expected) in [
        (
            json!({"orderNumber": "F-1", "amountCents": -1}),
            "the connector answered what it may not: the price is -1 cents",
        ),
        (
            json!({"orderNumber": "", "amountCents": 1}),
            "the connector answered what it may not: the reference has 0 bytes; it has 1 to 200",
        ),
    ] {
        party.lock().unwrap().instead = Some((201, "", body));
        assert_eq!(error(run(&host, place(None)).await), expected);
    }
    let no_moment = json!({"quoteId": "Q", "amountCents": 1, "expires": "tomorrow"});
    party.lock().unwrap().instead = Some((200, "", no_moment));
    assert_eq!(
        error(run(&host, quote_request()).await),
        "the connector answered what it may not: the price holds until what is no moment"
    );
    assert_eq!(party.lock().unwrap().orders.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn input_that_is_not_right_never_reaches_the_shop() {
    let (party, host) = shop().await;
    let mut bad = flowers();
    bad["cardText"] = json!("x".repeat(201));
    let job = |order: &Value| Job::Order {
        request: order.to_string(),
        again: None,
    };
    assert_eq!(
        error(run(&host, job(&bad)).await),
        "invalid input: cardText must be one line of 1 to 200 characters"
    );
    bad = flowers();
    bad["bsn"] = json!(BSN);
    let text = error(run(&host, job(&bad)).await);
    assert!(
        text.starts_with("invalid input: unknown field `bsn`"),
        "{text}"
    );
    // The connector lets a card say anything; the rule does not.
    bad = flowers();
    bad["cardText"] = json!(format!("Beterschap, {BSN}"));
    let text = error(run(&host, job(&bad)).await);
    assert!(text.contains("does not allow"), "{text}");
    assert_eq!(party.lock().unwrap().seen, []);
    let denials = host.denials().await;
    assert!(denials.last().unwrap().contains("/cardText"), "{denials:?}");
    assert!(!format!("{denials:?}").contains(BSN));
}
