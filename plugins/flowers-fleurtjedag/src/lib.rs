//! Orders flowers for an employee at a flower shop: asks the price, orders and
//! cancels.
//!
//! What leaves is what whoever runs it gives: for a price the bouquet and the
//! date; for an order also the name and address to deliver to and the text of
//! the card. Nothing is read from payroll data.
//!
//! # The contract with the shop
//!
//! Fleurtjedag publishes no API. The one below is ours, made to be small; it
//! must be replaced by the shop's own before anything is really ordered.
//! Bodies are JSON, amounts whole cents, moments RFC 3339.
//!
//! | Request | Body | Reply |
//! |---|---|---|
//! | `GET /v1/status` | | 200 |
//! | `POST /v1/quotes` | `bouquetCode`, `deliveryDate` | 200 `quoteId`, `amountCents`, `expires` |
//! | `POST /v1/orders` with header `Idempotency-Key: ORDER-ID` | `recipientName`, `address` (`street`, `houseNumber`, `postalCode`, `city`), `deliveryDate`, `bouquetCode`, `cardText` | 201 `orderNumber`, `amountCents`; 200 with the same when it has this order already |
//! | `POST /v1/orders/ORDER-ID/cancel` | | 200 `orderNumber`; 409 when it is too late |
//!
//! `ORDER-ID` is the order-id of koppel, a UUID. A key that comes with another
//! body is refused with 422. Errors hold `{"message": "…"}`; 429 and 503 may
//! have `Retry-After` in seconds.

use koppel_sdk::http::{self, Response};
use koppel_sdk::{
    Cancellation, Confirmation, Connector, ConnectorError, Context, ProductConnector, Quotation,
    input,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The longest text of a card, in characters.
pub const MAX_CARD: usize = 200;

/// The connector.
pub struct FlowersFleurtjedag;

/// The settings in the operator's configuration.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where the shop's API is, without `/v1`.
    pub base_url: String,
}

/// What a price is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct QuoteRequest {
    /// The code of the bouquet in the shop: letters, digits and hyphens.
    pub bouquet_code: String,
    /// When it is to be delivered.
    pub delivery_date: String,
}

/// What is ordered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OrderRequest {
    /// Who gets it.
    pub recipient_name: String,
    /// Where.
    pub address: Address,
    /// When it is to be delivered.
    pub delivery_date: String,
    /// The code of the bouquet in the shop.
    pub bouquet_code: String,
    /// What is on the card, at most [`MAX_CARD`] characters.
    pub card_text: String,
}

/// Where flowers are delivered, in the Netherlands.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Address {
    /// The street.
    pub street: String,
    /// The house number with its addition: `12`, `12 A`.
    pub house_number: String,
    /// The postal code.
    pub postal_code: String,
    /// The city.
    pub city: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Quoted {
    quote_id: String,
    amount_cents: i64,
    expires: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ordered {
    order_number: String,
    amount_cents: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cancelled {
    order_number: String,
}

#[derive(Deserialize)]
struct Problem {
    message: String,
}

impl Connector for FlowersFleurtjedag {
    const NAME: &'static str = "flowers-fleurtjedag";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Orders flowers for an employee at a flower shop";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        let reply = http::get(url(&context.settings, "status")).send()?;
        understood(reply)?;
        Ok("the flower shop answers".to_owned())
    }
}

impl ProductConnector for FlowersFleurtjedag {
    type QuoteRequest = QuoteRequest;
    type OrderRequest = OrderRequest;

    fn quote(
        context: &Context<Settings>,
        request: QuoteRequest,
    ) -> Result<Quotation, ConnectorError> {
        let body = json!({
            "bouquetCode": code(&request.bouquet_code)?,
            "deliveryDate": input::date("deliveryDate", &request.delivery_date)?,
        });
        let reply = http::post(url(&context.settings, "quotes")).json(&body)?;
        let quoted: Quoted = understood(reply.send()?)?.json()?;
        Ok(Quotation {
            reference: quoted.quote_id,
            amount: quoted.amount_cents,
            expires: quoted.expires,
            details: body.to_string(),
        })
    }

    fn order(
        context: &Context<Settings>,
        order_id: &str,
        request: OrderRequest,
    ) -> Result<Confirmation, ConnectorError> {
        let address = Address {
            street: input::text("address.street", &request.address.street, 80)?,
            house_number: input::text("address.houseNumber", &request.address.house_number, 10)?,
            postal_code: input::postal_code("address.postalCode", &request.address.postal_code)?,
            city: input::text("address.city", &request.address.city, 80)?,
        };
        let body = json!({
            "recipientName": input::text("recipientName", &request.recipient_name, 80)?,
            "address": address,
            "deliveryDate": input::date("deliveryDate", &request.delivery_date)?,
            "bouquetCode": code(&request.bouquet_code)?,
            "cardText": input::text("cardText", &request.card_text, MAX_CARD)?,
        });
        let reply = http::post(url(&context.settings, "orders"))
            .header("idempotency-key", order_id)
            .json(&body)?
            .send()?;
        let reply = understood(reply)?;
        let repeated = reply.status() == 200;
        let ordered: Ordered = reply.json()?;
        Ok(Confirmation {
            reference: ordered.order_number,
            amount: ordered.amount_cents,
            repeated,
            details:
                json!({"deliveryDate": body["deliveryDate"], "bouquetCode": body["bouquetCode"]})
                    .to_string(),
        })
    }

    fn cancel(context: &Context<Settings>, order_id: &str) -> Result<Cancellation, ConnectorError> {
        let path = format!("orders/{order_id}/cancel");
        let reply = http::post(url(&context.settings, &path)).send()?;
        let cancelled: Cancelled = understood(reply)?.json()?;
        Ok(Cancellation {
            reference: cancelled.order_number,
            details: "{}".to_owned(),
        })
    }
}

koppel_sdk::export!(FlowersFleurtjedag as product);

fn url(settings: &Settings, path: &str) -> String {
    format!("{}/v1/{path}", settings.base_url.trim_end_matches('/'))
}

/// A code of a bouquet.
fn code(text: &str) -> Result<&str, ConnectorError> {
    let right = (1..=20).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if right {
        Ok(text)
    } else {
        Err(ConnectorError::InvalidInput(
            "bouquetCode must be 1 to 20 letters, digits and hyphens".to_owned(),
        ))
    }
}

/// A reply of success.
fn understood(reply: Response) -> Result<Response, ConnectorError> {
    let said = |reply: &Response| match reply.json::<Problem>() {
        Ok(problem) => problem.message,
        Err(_) => reply.text(),
    };
    match reply.status() {
        200..=299 => Ok(reply),
        409 => Err(ConnectorError::Refused(format!(
            "the flower shop says: {}",
            said(&reply)
        ))),
        429 | 500.. => Err(ConnectorError::Unavailable(reply.retry_after())),
        status => Err(ConnectorError::OutsideParty(format!(
            "flower shop: status {status}: {}",
            said(&reply)
        ))),
    }
}
