//! What connectors did, as the host tells it.

use super::super::RunError;
use crate::bindings::exports::koppel::connector::journal::{Delivery, Outcome};
use crate::bindings::exports::koppel::connector::product::{Cancellation, Confirmation, Quotation};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// One of a few words. By a name of its own, since `serde` would borrow a
/// reference from what it reads.
pub(crate) type Word = &'static str;

const BOOKED: &str = "booked";
const EXPORTED: &str = "exported";

/// What a connector did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "result")]
pub enum Output {
    /// A journal run left.
    #[serde(rename_all = "kebab-case")]
    JournalRun {
        /// `booked` or `exported`.
        #[serde(deserialize_with = "delivery")]
        delivery: Word,
        /// The reference in the accounting package, or the name of the file.
        reference: String,
        /// How many lines.
        lines: u32,
        /// The sum of the debit amounts, in cents.
        total_cents: i64,
    },
    /// The answer to a query.
    Lookup {
        /// The JSON of the connector.
        answer: serde_json::Value,
    },
    /// A price.
    #[serde(rename_all = "kebab-case")]
    Quote {
        /// The reference of the outside party.
        reference: String,
        /// The price, in cents.
        amount_cents: i64,
        /// Until when it holds, RFC 3339.
        expires: String,
        /// What else the outside party says of it.
        details: serde_json::Value,
    },
    /// An order.
    #[serde(rename_all = "kebab-case")]
    Order {
        /// The order-id.
        order: String,
        /// The reference of the outside party.
        reference: String,
        /// The price, in cents.
        amount_cents: i64,
        /// Whether the outside party had the order already.
        repeated: bool,
        /// What else the outside party says of it.
        details: serde_json::Value,
    },
    /// An order that was cancelled.
    #[serde(rename_all = "kebab-case")]
    Cancel {
        /// The order-id.
        order: String,
        /// The reference of the outside party.
        reference: String,
        /// What else the outside party says of it.
        details: serde_json::Value,
    },
    /// The message of a declaration was made and stored.
    #[serde(rename_all = "kebab-case")]
    DeclarationMessage {
        /// The declaration.
        declaration: Uuid,
        /// The reference in the message.
        reference: String,
        /// The size of the message in bytes.
        bytes: usize,
        /// The SHA-256 of the message, lower-case hexadecimal.
        sha256: String,
    },
    /// A declaration was sent.
    #[serde(rename_all = "kebab-case")]
    Submission {
        /// The declaration.
        declaration: Uuid,
        /// The reference of the outside party.
        reference: String,
        /// The SHA-256 of what was sent, lower-case hexadecimal.
        sha256: String,
    },
    /// The responses to a declaration were fetched.
    #[serde(rename_all = "kebab-case")]
    Responses {
        /// The declaration.
        declaration: Uuid,
        /// How many are new.
        new: u64,
        /// How many there are now.
        total: u64,
    },
    /// The connection works.
    Check {
        /// What the connector says.
        message: String,
    },
}

/// One of the two words for how a journal run left.
fn delivery<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    let word = String::deserialize(deserializer)?;
    let known = [BOOKED, EXPORTED].into_iter().find(|known| *known == word);
    known.ok_or_else(|| serde::de::Error::custom(format!("no delivery: {word}")))
}

pub(super) fn journal_output(outcome: Outcome) -> Output {
    Output::JournalRun {
        delivery: match outcome.delivery {
            Delivery::Booked => BOOKED,
            Delivery::Exported => EXPORTED,
        },
        reference: outcome.reference,
        lines: outcome.lines,
        total_cents: outcome.total,
    }
}

pub(super) fn lookup_output(answer: &str) -> Result<Output, RunError> {
    Ok(Output::Lookup {
        answer: json("answer", answer)?,
    })
}

pub(super) fn quote_output(quotation: Quotation) -> Result<Output, RunError> {
    // Shown as it was given, if it is a moment at all.
    if quotation.expires.parse::<jiff::Timestamp>().is_err() {
        return Err(RunError::BadAnswer(
            "the price holds until what is no moment".to_owned(),
        ));
    }
    Ok(Output::Quote {
        reference: reference(quotation.reference)?,
        amount_cents: price(quotation.amount)?,
        expires: quotation.expires,
        details: json("details", &quotation.details)?,
    })
}

pub(super) fn order_output(order: String, confirmation: Confirmation) -> Result<Output, RunError> {
    Ok(Output::Order {
        order,
        reference: reference(confirmation.reference)?,
        amount_cents: price(confirmation.amount)?,
        repeated: confirmation.repeated,
        details: json("details", &confirmation.details)?,
    })
}

pub(super) fn cancel_output(order: String, cancellation: Cancellation) -> Result<Output, RunError> {
    Ok(Output::Cancel {
        order,
        reference: reference(cancellation.reference)?,
        details: json("details", &cancellation.details)?,
    })
}

fn json(what: &str, text: &str) -> Result<serde_json::Value, RunError> {
    serde_json::from_str(text)
        .map_err(|error| RunError::BadAnswer(format!("its {what} is not JSON: {error}")))
}

fn price(cents: i64) -> Result<i64, RunError> {
    if cents < 0 {
        return Err(RunError::BadAnswer(format!("the price is {cents} cents")));
    }
    Ok(cents)
}

fn reference(text: String) -> Result<String, RunError> {
    if text.is_empty() || text.len() > 200 {
        return Err(RunError::BadAnswer(format!(
            "the reference has {} bytes; it has 1 to 200",
            text.len()
        )));
    }
    Ok(text)
}
