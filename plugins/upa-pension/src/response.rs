//! Response messages: `Retourbericht` of `upa-like.xsd` beside this crate.

use koppel_sdk::ConnectorError;
use koppel_sdk::types::{UpaResponse, UpaResponseLine, UpaResponseStatus};
use serde::Deserialize;

/// The longest description that is kept, in characters.
const TEXT: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Returned {
    id_ber: String,
    dat_td_ontv: String,
    status: Status,
    #[serde(default)]
    melding: Vec<Notice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notice {
    status: Status,
    code: String,
    omschrijving: String,
    pers_nr: Option<u32>,
    #[serde(rename = "NumIV")]
    num_iv: Option<u32>,
    sofi_nr: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Ack,
    Ok,
    Nok,
}

impl From<Status> for UpaResponseStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Ack => Self::Received,
            Status::Ok => Self::Accepted,
            Status::Nok => Self::Rejected,
        }
    }
}

/// Reads a response message to the message with this reference.
///
/// # Errors
///
/// `outside-party` when it is none, or one to another message.
pub(crate) fn read(
    name: &str,
    bytes: &[u8],
    message_reference: &str,
) -> Result<UpaResponse, ConnectorError> {
    let wrong =
        |what: String| ConnectorError::OutsideParty(format!("response message {name}: {what}"));
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    let returned: Returned = quick_xml::de::from_str(text)
        .map_err(|error| wrong(format!("it is no Retourbericht: {error}")))?;
    if returned.id_ber != message_reference {
        return Err(wrong(format!("it refers to message {}", returned.id_ber)));
    }
    let time: jiff::Timestamp = returned
        .dat_td_ontv
        .parse()
        .map_err(|_| wrong("DatTdOntv is no moment".to_owned()))?;
    let lines = returned.melding.into_iter().map(|notice| UpaResponseLine {
        response_status: notice.status.into(),
        code: notice.code,
        description: notice.omschrijving.chars().take(TEXT).collect(),
        employee_number: notice.pers_nr,
        income_relationship_number: notice.num_iv,
        citizen_service_number: notice.sofi_nr,
    });
    Ok(UpaResponse {
        reference: name.to_owned(),
        date_of_receipt: time.to_string(),
        response_status: returned.status.into(),
        lines: lines.collect(),
    })
}
