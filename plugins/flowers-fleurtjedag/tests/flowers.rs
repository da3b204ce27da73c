//! The flower shop as the contract in the crate describes it.

use flowers_fleurtjedag::FlowersFleurtjedag;
use koppel_sdk::testing::MockHost;
use koppel_sdk::{Cancellation, Confirmation, ConnectorError, Quotation};
use serde_json::{Value, json};

const SETTINGS: &str = r#"{"base-url": "https://shop.example/"}"#;
const ORDER: &str = "0190b8c1-2d3e-7f40-8a51-62b3c4d5e6f7";

fn order() -> Value {
    json!({
        "recipientName": " Sanne Jansen ",
        "address": {"street": "Molenstraat", "houseNumber": "12 A", "postalCode": "1234 ab", "city": "Leiden"},
        "deliveryDate": "2026-03-02",
        "bouquetCode": "LENTE-M",
        "cardText": "Van harte beterschap!"
    })
}

fn placed(host: &mut MockHost, order: &Value) -> Result<Confirmation, ConnectorError> {
    host.order::<FlowersFleurtjedag>(SETTINGS, ORDER, &order.to_string())
}

#[test]
fn a_price_is_asked_with_bouquet_and_date_only() {
    let mut host = MockHost::new();
    let reply = r#"{"quoteId": "Q-1", "amountCents": 2995, "expires": "2026-03-01T12:00:00Z"}"#;
    host.reply("POST", "https://shop.example/v1/quotes", 200, reply);
    let request = json!({"bouquetCode": "LENTE-M", "deliveryDate": "2026-03-02"});
    assert_eq!(
        host.quote::<FlowersFleurtjedag>(SETTINGS, &request.to_string()),
        Ok(Quotation {
            reference: "Q-1".to_owned(),
            amount: 2995,
            expires: "2026-03-01T12:00:00Z".to_owned(),
            details: r#"{"bouquetCode":"LENTE-M","deliveryDate":"2026-03-02"}"#.to_owned(),
        })
    );
    let sent: Value = serde_json::from_slice(&host.requests()[0].body).unwrap();
    assert_eq!(sent, request);
}

#[test]
fn an_order_has_the_order_id_as_its_idempotency_key() {
    let mut host = MockHost::new();
    let reply = r#"{"orderNumber": "F-7", "amountCents": 2995}"#;
    for status in [201, 200] {
        host.reply("POST", "https://shop.example/v1/orders", status, reply);
    }
    let first = placed(&mut host, &order()).unwrap();
    assert_eq!(
        (first.reference.as_str(), first.amount, first.repeated),
        ("F-7", 2995, false)
    );
    assert!(placed(&mut host, &order()).unwrap().repeated);
    let request = &host.requests()[0];
    assert!(
        request
            .headers
            .contains(&("idempotency-key".to_owned(), ORDER.to_owned()))
    );
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    let mut expected = order();
    expected["recipientName"] = json!("Sanne Jansen");
    expected["address"]["postalCode"] = json!("1234AB");
    assert_eq!(sent, expected);
}

#[test]
fn what_is_not_right_is_named_and_nothing_leaves() {
    let mut host = MockHost::new();
    for (pointer, value, error) in [
        (
            "/recipientName",
            json!(" "),
            "recipientName must be one line of 1 to 80 characters",
        ),
        (
            "/address/street",
            json!("a\nb"),
            "address.street must be one line of 1 to 80 characters",
        ),
        (
            "/address/postalCode",
            json!("12345"),
            "address.postalCode must be a postal code such as 1234 AB",
        ),
        (
            "/deliveryDate",
            json!("2026-02-30"),
            "deliveryDate must be a date such as 2026-01-31",
        ),
        (
            "/bouquetCode",
            json!("../x"),
            "bouquetCode must be 1 to 20 letters, digits and hyphens",
        ),
        (
            "/cardText",
            json!("x".repeat(201)),
            "cardText must be one line of 1 to 200 characters",
        ),
    ] {
        let mut wrong = order();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let answer = placed(&mut host, &wrong);
        assert_eq!(answer, Err(ConnectorError::InvalidInput(error.to_owned())));
    }
    let mut more = order();
    more["bsn"] = json!("123456782");
    assert!(matches!(
        placed(&mut host, &more),
        Err(ConnectorError::InvalidInput(_))
    ));
    assert!(host.requests().is_empty());
}

#[test]
fn the_errors_of_the_shop_are_told_apart() {
    let too_late = r#"{"message": "it is on its way"}"#;
    for (status, headers, body, error) in [
        (
            409,
            None,
            too_late,
            ConnectorError::Refused("the flower shop says: it is on its way".to_owned()),
        ),
        (
            422,
            None,
            too_late,
            ConnectorError::OutsideParty("flower shop: status 422: it is on its way".to_owned()),
        ),
        (
            404,
            None,
            "nothing here",
            ConnectorError::OutsideParty("flower shop: status 404: nothing here".to_owned()),
        ),
        (
            429,
            Some(("Retry-After", "30")),
            "",
            ConnectorError::Unavailable(Some(30)),
        ),
        (503, None, "", ConnectorError::Unavailable(None)),
    ] {
        let mut host = MockHost::new();
        let headers: Vec<_> = headers.into_iter().collect();
        host.reply_with(
            "POST",
            "https://shop.example/v1/orders",
            status,
            &headers,
            body,
        );
        assert_eq!(placed(&mut host, &order()), Err(error));
    }
}

#[test]
fn an_order_is_cancelled_by_its_order_id() {
    let mut host = MockHost::new();
    let url = format!("https://shop.example/v1/orders/{ORDER}/cancel");
    host.reply("POST", &url, 200, r#"{"orderNumber": "F-7"}"#);
    assert_eq!(
        host.cancel::<FlowersFleurtjedag>(SETTINGS, ORDER),
        Ok(Cancellation {
            reference: "F-7".to_owned(),
            details: "{}".to_owned(),
        })
    );
    assert!(host.requests()[0].body.is_empty());
}

#[test]
fn check_asks_the_shop_for_nothing_but_its_state() {
    let mut host = MockHost::new();
    host.reply("GET", "https://shop.example/v1/status", 200, "{}");
    assert_eq!(
        host.check::<FlowersFleurtjedag>(SETTINGS),
        Ok("the flower shop answers".to_owned())
    );
}
