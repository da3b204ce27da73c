//! Reading XML back: an earlier message, and response messages.

use koppel_sdk::ConnectorError;
use koppel_sdk::types::{PayrollTaxReturnResponse, ResponseType};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::BTreeSet;

/// The longest text that is taken from a response message, in characters.
const TEXT: usize = 500;

/// The text of a file. The tax administration writes ISO 8859-1, in which each
/// byte is the character of its number.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Calls `found` with the path of each element (local names) and its text.
fn walk(xml: &str, mut found: impl FnMut(&[String], &str)) -> Result<(), ConnectorError> {
    let wrong = |why: String| ConnectorError::OutsideParty(format!("it is not XML: {why}"));
    let mut reader = Reader::from_str(xml);
    let (mut path, mut content) = (Vec::new(), String::new());
    loop {
        let event = reader.read_event();
        match event.map_err(|error| wrong(error.to_string()))? {
            Event::Start(start) => {
                let name = start.local_name();
                path.push(name.as_ref().to_owned());
                content.clear();
            }
            Event::Text(text) => content.push_str(&text),
            Event::GeneralRef(reference) => {
                let name = &*reference;
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(c)) => Some(c.to_string()),
                    _ => quick_xml::escape::resolve_predefined_entity(name).map(ToOwned::to_owned),
                };
                content.push_str(&resolved.ok_or_else(|| wrong(format!("&{name};")))?);
            }
            Event::End(_) => {
                found(&path, content.trim());
                path.pop();
                content.clear();
            }
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err(wrong("it ends too soon".to_owned())),
            _ => {}
        }
    }
}

/// The income relationships in a message: citizen service number and number.
pub(crate) fn identities(message: &[u8]) -> Result<BTreeSet<(String, String)>, ConnectorError> {
    let mut identities = BTreeSet::new();
    let (mut number, mut citizen) = (String::new(), String::new());
    walk(&text(message), |path, text| {
        let is = |name: &str| path.last().is_some_and(|last| last == name);
        if is("NumIV") {
            text.clone_into(&mut number);
        } else if is("SofiNr") {
            text.clone_into(&mut citizen);
        } else if is("InkomstenverhoudingInitieel") {
            identities.insert((std::mem::take(&mut citizen), std::mem::take(&mut number)));
        }
    })?;
    Ok(identities)
}

/// Reads a response message of the tax administration (`Responsemessage`
/// version 2006.1). Of an error, the words are those of all elements but the
/// identification; the file is kept whole.
///
/// # Errors
///
/// `outside-party` when it is none, or one to another message.
pub(crate) fn response(
    name: &str,
    bytes: &[u8],
    message_reference: &str,
) -> Result<PayrollTaxReturnResponse, ConnectorError> {
    let wrong =
        |what: String| ConnectorError::OutsideParty(format!("response message {name}: {what}"));
    let (mut refers_to, mut received, mut kind) = (None, None, None);
    let mut words = Vec::new();
    let mut root = None;
    walk(&text(bytes), |path, text| {
        if path.len() == 1 {
            root = path.first().cloned();
        }
        let identification = path.get(1).is_some_and(|part| part == "Identification");
        match path.last().map(String::as_str) {
            Some("RefersToMessageId") if identification => refers_to = Some(text.to_owned()),
            Some("DatumTijdOntvangst") if identification => received = Some(text.to_owned()),
            Some("ResponseType") if identification => kind = Some(text.to_owned()),
            Some(_) if !identification && !text.is_empty() => words.push(text.to_owned()),
            _ => {}
        }
    })
    .map_err(|error| match error {
        ConnectorError::OutsideParty(why) => wrong(why),
        other => other,
    })?;
    if root.as_deref() != Some("Responsemessage") {
        return Err(wrong("it is no Responsemessage".to_owned()));
    }
    match refers_to {
        Some(reference) if reference == message_reference => {}
        Some(other) => return Err(wrong(format!("it refers to message {other}"))),
        None => return Err(wrong("it refers to no message".to_owned())),
    }
    let received = received
        .and_then(|text| text.parse::<jiff::Timestamp>().ok())
        .ok_or_else(|| wrong("DatumTijdOntvangst is no moment".to_owned()))?;
    let (response_type, default) = match kind.as_deref() {
        Some("acknowledgement") => (ResponseType::Acknowledgement, "received"),
        Some("error") => (ResponseType::Error, "refused"),
        _ => {
            return Err(wrong(
                "ResponseType is neither acknowledgement nor error".to_owned(),
            ));
        }
    };
    let mut description: String = words.join(" ").chars().take(TEXT).collect();
    if description.is_empty() {
        default.clone_into(&mut description);
    }
    Ok(PayrollTaxReturnResponse {
        reference: name.to_owned(),
        date_of_receipt: received.to_string(),
        response_type,
        response_class: None,
        description,
    })
}
