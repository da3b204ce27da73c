//! Delivery of messages over HTTPS, at most once.
//!
//! A small protocol for an endpoint of the outside party, or of an
//! intermediary, that the operator names in the settings:
//!
//! - `PUT {endpoint}/{reference}` delivers a message, XML, under its reference.
//!   Putting the same bytes again changes nothing and succeeds, so a message
//!   whose reply was lost is put again. Other bytes under a reference that is
//!   taken are refused with 409. The reply may be JSON with the party's own
//!   reference: `{"reference": "…"}`.
//! - `GET {endpoint}/{reference}/responses` lists the names of the response
//!   messages, a JSON array of texts, oldest first.
//! - `GET {endpoint}/{reference}/responses/{name}` gives one, as it is.

use crate::http::{self, Response};
use crate::{ConnectorError, Message, Submission};
use serde::Deserialize;
use std::fmt::Write;

/// How much of an answer is shown, in characters.
const SHOWN: usize = 300;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Receipt {
    reference: Option<String>,
}

/// Refuses what is no endpoint, for the settings of a connector.
///
/// # Errors
///
/// `invalid-settings`.
pub fn check_endpoint(endpoint: &str) -> Result<(), ConnectorError> {
    let rest = endpoint
        .strip_prefix("https://")
        .or_else(|| endpoint.strip_prefix("http://"));
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.ends_with('/') && !rest.contains('?')) {
        return Ok(());
    }
    Err(ConnectorError::InvalidSettings(
        "endpoint must be a URL such as https://gateway.example.nl/messages, without a slash at its end".to_owned(),
    ))
}

/// Delivers a message.
///
/// # Errors
///
/// `outside-party` when it is refused, `unavailable` when nobody knows whether
/// it arrived: then it can be delivered again.
pub fn deliver(endpoint: &str, message: &Message) -> Result<Submission, ConnectorError> {
    let reply = http::put(url(endpoint, &[&message.reference]))
        .body("application/xml", message.bytes.clone())
        .send()?;
    match reply.status() {
        200..=299 => {
            // Nothing, or something else than JSON, is no reason to deliver again.
            let receipt: Receipt = reply.json().unwrap_or_default();
            Ok(Submission {
                reference: receipt
                    .reference
                    .unwrap_or_else(|| message.reference.clone()),
            })
        }
        409 => Err(ConnectorError::OutsideParty(format!(
            "it has another message under reference {}",
            message.reference
        ))),
        _ => Err(failed(&reply)),
    }
}

/// The names of the response messages to a message, oldest first.
///
/// # Errors
///
/// `outside-party` when it does not know the message.
pub fn responses(endpoint: &str, reference: &str) -> Result<Vec<String>, ConnectorError> {
    let reply = http::get(url(endpoint, &[reference, "responses"])).send()?;
    match reply.status() {
        200 => Ok(reply.json()?),
        404 => Err(ConnectorError::OutsideParty(format!(
            "it knows no message {reference}"
        ))),
        _ => Err(failed(&reply)),
    }
}

/// One response message, as it is.
///
/// # Errors
///
/// As for [`responses`].
pub fn response(endpoint: &str, reference: &str, name: &str) -> Result<Vec<u8>, ConnectorError> {
    let reply = http::get(url(endpoint, &[reference, "responses", name])).send()?;
    match reply.status() {
        200 => Ok(reply.bytes().to_vec()),
        _ => Err(failed(&reply)),
    }
}

fn failed(reply: &Response) -> ConnectorError {
    match reply.status() {
        429 | 500.. => ConnectorError::Unavailable(reply.retry_after()),
        status => {
            let shown: String = reply.text().chars().take(SHOWN).collect();
            ConnectorError::OutsideParty(format!("status {status}: {shown}"))
        }
    }
}

fn url(endpoint: &str, parts: &[&str]) -> String {
    let mut url = endpoint.to_owned();
    for part in parts {
        url.push('/');
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                // Writing to a String does not fail.
                let _ = write!(url, "%{byte:02X}");
            }
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_one_segment_of_the_path() {
        assert_eq!(
            url("https://a.nl/m", &["A 1/..", "responses"]),
            "https://a.nl/m/A%201%2F%2E%2E/responses"
        );
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        assert!(check_endpoint("https://a.nl/m").is_ok());
        for wrong in [
            "",
            "a.nl",
            "https://",
            "https://a.nl/",
            "ftp://a.nl",
            "https://a.nl/?a=b",
        ] {
            assert!(check_endpoint(wrong).is_err(), "{wrong}");
        }
    }
}
