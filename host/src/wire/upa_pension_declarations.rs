//! Pension declarations (uniforme pensioenaangifte):
//! `GetUpaPensionDeclarationsByPayrollAdministrationId`,
//! `GetUpaPensionDeclarationByUpaPensionDeclarationId`,
//! `PostSendResponseMessageByUpaPensionDeclarationId`.
//!
//! What came back is one flat list in Loket's JSON, of what is said of each
//! person; the contract has messages with lines. koppel writes the `reference`
//! of the message and its status (`messageStatus`) as members of its own with
//! each line. Without them, the lines that were received at one moment are one
//! message, and that moment is its reference. `messageSha256`, `failure` and
//! `correctsUpaPensionDeclarationId` are members of koppel too.

use super::declarations::{Done, File, Status};
use super::shared::{Id, KeyValue, Moment, Period, moment_or_day};
use crate::bindings::koppel::loket::upa_pension_declarations as record;
use crate::bindings::koppel::loket::upa_pension_declarations::ResponseStatus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pension declaration. The payroll administration is in the path of the
/// request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpaPensionDeclaration {
    /// Its identifier.
    pub id: Id,
    /// The period that it is about.
    pub period: Period,
    /// Its number. A member of koppel.
    #[serde(default)]
    pub sequence_number: u32,
    /// Where it stands.
    pub upa_pension_declaration_status: Status,
    /// The number of the withholding agent (loonheffingennummer).
    pub payroll_taxes_number: Option<String>,
    /// The withholding agent.
    pub withholding_agent_name: String,
    /// The reference in the message.
    pub message_reference: Option<String>,
    /// When the message was made.
    pub creation_time: Option<Moment>,
    /// What people did with it.
    #[serde(flatten)]
    pub done: Done,
    /// When it was sent.
    pub sent_time: Option<Moment>,
    /// What came back, oldest first.
    #[serde(default)]
    pub response_messages: Vec<ResponseLine>,
    /// The SHA-256 of the message, lower-case hexadecimal.
    #[serde(default)]
    pub message_sha256: Option<String>,
    /// Why the message could not be made.
    #[serde(default)]
    pub failure: Option<String>,
    /// The declaration that this one corrects.
    #[serde(default)]
    pub corrects_upa_pension_declaration_id: Option<Id>,
}

/// What is said of one person in a declaration, or of all of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResponseLine {
    /// When the message that it is in was received.
    #[serde(deserialize_with = "moment_or_day")]
    pub datetime_of_message_receipt: Moment,
    /// What kind of message it is in: 1 a confirmation of receipt (ACK).
    pub response_type: KeyValue,
    /// Whether it is in order: 1 OK, 2 not (NOK).
    pub response_status: KeyValue,
    /// The code of the pension administrator.
    pub code: String,
    /// What is wrong or remarkable.
    pub description: String,
    /// The number of the employee.
    pub employee_number: Option<u32>,
    /// The number of the income relationship.
    pub income_relationship_number: Option<u32>,
    /// The citizen service number.
    pub citizen_service_number: Option<String>,
    /// The pension administrator's own identifier of the message.
    #[serde(default)]
    pub reference: Option<String>,
    /// What the message says of the declaration as a whole: `ACK`, `OK` or
    /// `NOK`.
    #[serde(default)]
    pub message_status: Option<MessageStatus>,
    /// That this is no line: the message has none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_lines: bool,
}

impl std::fmt::Debug for ResponseLine {
    /// Without the person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseLine")
            .field("reference", &self.reference)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// What a message says of a declaration as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageStatus {
    /// Received.
    Ack,
    /// In order.
    Ok,
    /// Not in order.
    Nok,
}

/// The body of `POST …/sendresponsemessage`, which is koppel's own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "UpaPensionDeclarationResponse")]
pub struct Response {
    /// The file that the response message came in.
    pub response_message_file: File,
    /// What is in it: the lines of one message, with a reference.
    pub response_messages: Vec<ResponseLine>,
}

impl Response {
    /// The body for a response message and its file.
    pub fn new(response: record::ResponseMessage, file: Vec<u8>) -> Self {
        Self {
            response_message_file: File(file),
            response_messages: flatten(response),
        }
    }
}

impl From<MessageStatus> for ResponseStatus {
    fn from(status: MessageStatus) -> Self {
        match status {
            MessageStatus::Ack => Self::Received,
            MessageStatus::Ok => Self::Accepted,
            MessageStatus::Nok => Self::Rejected,
        }
    }
}

impl From<ResponseStatus> for MessageStatus {
    fn from(status: ResponseStatus) -> Self {
        match status {
            ResponseStatus::Received => Self::Ack,
            ResponseStatus::Accepted => Self::Ok,
            ResponseStatus::Rejected => Self::Nok,
        }
    }
}

impl ResponseLine {
    /// What it says, by Loket's two keys.
    fn status(&self) -> ResponseStatus {
        match (self.response_type.key, self.response_status.key) {
            (1, 1) => ResponseStatus::Received,
            (_, 1) => ResponseStatus::Accepted,
            // What koppel does not know needs a person to look at it.
            _ => ResponseStatus::Rejected,
        }
    }

    fn belongs_with(&self, message: &record::ResponseMessage) -> bool {
        match &self.reference {
            Some(reference) => *reference == message.reference,
            None => self.datetime_of_message_receipt.0 == message.reference,
        }
    }
}

/// The messages that lines are of.
pub fn nest(lines: Vec<ResponseLine>) -> Vec<record::ResponseMessage> {
    let mut messages: Vec<record::ResponseMessage> = Vec::new();
    for line in lines {
        let status = line.status();
        if messages
            .last()
            .is_none_or(|message| !line.belongs_with(message))
        {
            let moment = &line.datetime_of_message_receipt.0;
            messages.push(record::ResponseMessage {
                reference: line.reference.clone().unwrap_or_else(|| moment.clone()),
                date_of_receipt: moment.clone(),
                response_status: line.message_status.map_or(status, Into::into),
                lines: Vec::new(),
            });
        }
        let Some(message) = messages.last_mut() else {
            continue;
        };
        if line.message_status.is_none() && status == ResponseStatus::Rejected {
            message.response_status = ResponseStatus::Rejected;
        }
        if !line.no_lines {
            message.lines.push(record::ResponseLine {
                response_status: status,
                code: line.code,
                description: line.description,
                employee_number: line.employee_number,
                income_relationship_number: line.income_relationship_number,
                citizen_service_number: line.citizen_service_number,
            });
        }
    }
    messages
}

/// The lines of a message; one that says so if it has none.
pub fn flatten(message: record::ResponseMessage) -> Vec<ResponseLine> {
    let of_message = message.response_status;
    let no_lines = message.lines.is_empty();
    let mut lines = message.lines;
    if no_lines {
        lines.push(record::ResponseLine {
            response_status: of_message,
            code: String::new(),
            description: String::new(),
            employee_number: None,
            income_relationship_number: None,
            citizen_service_number: None,
        });
    }
    let line = |line: record::ResponseLine| {
        let (kind, status) = match line.response_status {
            ResponseStatus::Received => ((1, "Ontvangstbevestiging (ACK)"), (1, "Bericht OK")),
            ResponseStatus::Accepted => ((2, "Terugkoppeling"), (1, "Bericht OK")),
            ResponseStatus::Rejected => ((2, "Terugkoppeling"), (2, "Bericht niet OK (NOK)")),
        };
        let key_value = |(key, value): (u32, &str)| KeyValue {
            key,
            value: value.to_owned(),
        };
        ResponseLine {
            datetime_of_message_receipt: Moment(message.date_of_receipt.clone()),
            response_type: key_value(kind),
            response_status: key_value(status),
            code: line.code,
            description: line.description,
            employee_number: line.employee_number,
            income_relationship_number: line.income_relationship_number,
            citizen_service_number: line.citizen_service_number,
            reference: Some(message.reference.clone()),
            message_status: Some(of_message.into()),
            no_lines,
        }
    };
    lines.into_iter().map(line).collect()
}

impl UpaPensionDeclaration {
    /// The record, of this payroll administration.
    pub fn into_record(self, payroll_administration_id: String) -> record::UpaPensionDeclaration {
        record::UpaPensionDeclaration {
            id: self.id.0,
            payroll_administration_id,
            payroll_period: self.period.into(),
            sequence_number: self.sequence_number,
            status: self.upa_pension_declaration_status.0,
            payroll_taxes_number: self.payroll_taxes_number,
            withholding_agent_name: self.withholding_agent_name,
            corrects_upa_pension_declaration_id: self
                .corrects_upa_pension_declaration_id
                .map(|id| id.0),
            message_reference: self.message_reference,
            message_sha256: self.message_sha256,
            creation_time: self.creation_time.map(|time| time.0),
            failure: self.failure,
            requested: self.done.requested(),
            approved: self.done.approved(),
            cancelled: self.done.cancelled(),
            sent_time: self.sent_time.map(|time| time.0),
            response_messages: nest(self.response_messages),
        }
    }
}

impl From<record::UpaPensionDeclaration> for UpaPensionDeclaration {
    fn from(of: record::UpaPensionDeclaration) -> Self {
        Self {
            id: Id(of.id),
            period: of.payroll_period.into(),
            sequence_number: of.sequence_number,
            upa_pension_declaration_status: Status(of.status),
            payroll_taxes_number: of.payroll_taxes_number,
            withholding_agent_name: of.withholding_agent_name,
            message_reference: of.message_reference,
            creation_time: of.creation_time.map(Moment),
            done: Done::of(of.requested, of.approved, of.cancelled),
            sent_time: of.sent_time.map(Moment),
            response_messages: of.response_messages.into_iter().flat_map(flatten).collect(),
            message_sha256: of.message_sha256,
            failure: of.failure,
            corrects_upa_pension_declaration_id: of.corrects_upa_pension_declaration_id.map(Id),
        }
    }
}
