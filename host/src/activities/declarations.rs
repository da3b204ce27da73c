//! What the activities of both kinds of declaration have in common.

use super::{id, invalid};
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationRequest};

/// The longest reference of a response message, in bytes.
const REFERENCE_BYTES: usize = 200;

/// The longest text in a response message, in bytes.
const TEXT_BYTES: usize = 4_000;

/// The most lines of a response message.
const LINES: usize = 100_000;

/// The largest file of a response message, in bytes.
const FILE_BYTES: usize = 10 << 20;

/// What is asked for, in words for the ledger; refuses what is no identifier.
pub(super) fn request(request: &DeclarationRequest) -> Result<String, ActivityError> {
    match request {
        DeclarationRequest::Period(period) => Ok(format!(
            "period {} of {}",
            period.period_number, period.year
        )),
        DeclarationRequest::CorrectionOf(of) => {
            Ok(format!("correction of {}", id("correctionOf", of)?))
        }
    }
}

/// Refuses a response message that is malformed or too large.
pub(super) fn response<'a>(
    reference: &str,
    time: &str,
    texts: impl ExactSizeIterator<Item = &'a str>,
    file: &[u8],
) -> Result<(), ActivityError> {
    let clean = !reference.is_empty() && reference.bytes().all(|b| b.is_ascii_graphic());
    if !clean || reference.len() > REFERENCE_BYTES {
        return Err(invalid(
            "reference",
            format!("must be 1 to {REFERENCE_BYTES} visible ASCII characters"),
        ));
    }
    if time.parse::<jiff::Timestamp>().is_err() {
        return Err(invalid(
            "dateOfReceipt",
            "must be a moment such as 2026-01-31T09:30:00Z".to_owned(),
        ));
    }
    if texts.len() > LINES {
        return Err(invalid(
            "lines",
            format!("are {}; at most {LINES}", texts.len()),
        ));
    }
    for text in texts {
        if text.len() > TEXT_BYTES {
            return Err(invalid(
                "description",
                format!("is {} bytes; at most {TEXT_BYTES}", text.len()),
            ));
        }
    }
    if file.len() > FILE_BYTES {
        return Err(invalid(
            "responseMessageFile",
            format!("is {} bytes; at most {FILE_BYTES}", file.len()),
        ));
    }
    Ok(())
}
