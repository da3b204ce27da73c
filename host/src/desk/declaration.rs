//! A declaration of either kind, as people see it.

use crate::bindings::koppel::loket::payroll_tax_returns::{
    PayrollTaxReturn, ResponseMessage as TaxResponse, ResponseType,
};
use crate::bindings::koppel::loket::types::{DeclarationEvent, DeclarationStatus};
use crate::bindings::koppel::loket::upa_pension_declarations::{
    ResponseMessage as UpaResponse, ResponseStatus, UpaPensionDeclaration,
};
use crate::platform::DeclarationKind;
use serde::Serialize;

/// A declaration of either kind, as it is shown. Without citizen service
/// numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Declaration {
    /// Its identifier.
    pub id: String,
    /// `payroll tax return` or `pension declaration`.
    pub kind: &'static str,
    /// The payroll administration.
    pub payroll_administration: String,
    /// Its number within the payroll administration.
    pub sequence_number: u32,
    /// Its year.
    pub year: u32,
    /// Its period within the year.
    pub period_number: u32,
    /// Loket's key of the status, 1 to 7.
    pub status: u8,
    /// The status in words.
    pub status_text: &'static str,
    /// The declaration that it corrects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrects: Option<String>,
    /// The reference in its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_reference: Option<String>,
    /// The SHA-256 of its message, lower-case hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_sha256: Option<String>,
    /// Why its message could not be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Who asked for it, and when.
    pub requested: Event,
    /// Who confirmed it, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<Event>,
    /// Who cancelled it, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Event>,
    /// When it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// What came back, oldest first.
    pub responses: Vec<Response>,
}

/// Something that somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Who.
    pub user: String,
}

impl From<DeclarationEvent> for Event {
    fn from(event: DeclarationEvent) -> Self {
        Self {
            time: event.time,
            user: event.user,
        }
    }
}

/// A response message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Response {
    /// The outside party's own identifier of it.
    pub reference: String,
    /// When it was made or received.
    pub time: String,
    /// What it says: `acknowledgement`, `error`, `ACK`, `OK` or `NOK`.
    pub status: &'static str,
    /// What it says of the declaration as a whole.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it says in detail.
    pub lines: Vec<Line>,
}

/// What is said of one person, or of nobody in particular.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// `ACK`, `OK` or `NOK`.
    pub status: &'static str,
    /// The code of the outside party.
    pub code: String,
    /// What is wrong or remarkable.
    pub description: String,
    /// The number of the employee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<u32>,
}

/// Loket's key of a status, and the status in words.
fn status(status: DeclarationStatus) -> (u8, &'static str) {
    match status {
        DeclarationStatus::Requested => (1, "requested"),
        DeclarationStatus::Failed => (2, "failed"),
        DeclarationStatus::Created => (3, "created"),
        DeclarationStatus::Cancelled => (4, "cancelled"),
        DeclarationStatus::Confirmed => (5, "confirmed"),
        DeclarationStatus::Sent => (6, "sent"),
        DeclarationStatus::Deleted => (7, "deleted"),
    }
}

impl From<PayrollTaxReturn> for Declaration {
    fn from(of: PayrollTaxReturn) -> Self {
        let (status, status_text) = status(of.status);
        Self {
            id: of.id,
            kind: DeclarationKind::PayrollTaxReturn.noun(),
            payroll_administration: of.payroll_administration_id,
            sequence_number: of.sequence_number,
            year: of.payroll_period.year,
            period_number: of.payroll_period.period_number,
            status,
            status_text,
            corrects: of.corrects_payroll_tax_return_id,
            message_reference: of.message_reference,
            message_sha256: of.message_sha256,
            failure: of.failure,
            requested: of.requested.into(),
            approved: of.approved.map(Into::into),
            cancelled: of.cancelled.map(Into::into),
            sent: of.send_time,
            responses: of.response_messages.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<UpaPensionDeclaration> for Declaration {
    fn from(of: UpaPensionDeclaration) -> Self {
        let (status, status_text) = status(of.status);
        Self {
            id: of.id,
            kind: DeclarationKind::UpaPensionDeclaration.noun(),
            payroll_administration: of.payroll_administration_id,
            sequence_number: of.sequence_number,
            year: of.payroll_period.year,
            period_number: of.payroll_period.period_number,
            status,
            status_text,
            corrects: of.corrects_upa_pension_declaration_id,
            message_reference: of.message_reference,
            message_sha256: of.message_sha256,
            failure: of.failure,
            requested: of.requested.into(),
            approved: of.approved.map(Into::into),
            cancelled: of.cancelled.map(Into::into),
            sent: of.sent_time,
            responses: of.response_messages.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<TaxResponse> for Response {
    fn from(of: TaxResponse) -> Self {
        Self {
            reference: of.reference,
            time: of.date_of_receipt,
            status: match of.response_type {
                ResponseType::Acknowledgement => "acknowledgement",
                ResponseType::Error => "error",
            },
            description: of.description,
            lines: Vec::new(),
        }
    }
}

impl From<UpaResponse> for Response {
    fn from(of: UpaResponse) -> Self {
        let lines = of.lines.into_iter().map(|line| Line {
            status: word(line.response_status),
            code: line.code,
            description: line.description,
            employee_number: line.employee_number,
        });
        Self {
            reference: of.reference,
            time: of.date_of_receipt,
            status: word(of.response_status),
            description: String::new(),
            lines: lines.collect(),
        }
    }
}

/// The word of the UPA for a status.
fn word(status: ResponseStatus) -> &'static str {
    match status {
        ResponseStatus::Received => "ACK",
        ResponseStatus::Accepted => "OK",
        ResponseStatus::Rejected => "NOK",
    }
}
