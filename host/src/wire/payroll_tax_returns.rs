//! Payroll tax returns (loonaangiften):
//! `GetPayrollTaxReturnsByPayrollAdministrationId`,
//! `GetPayrollTaxReturnByPayrollTaxReturnId`,
//! `PostSendResponseMessageByPayrollTaxReturnId`.
//!
//! `messageSha256`, `failure`, `correctsPayrollTaxReturnId` and the `reference`
//! and `description` of a response message are members of koppel. A response
//! message without a reference gets its place among them as one, from 1.

use super::declarations::{Done, File, Status};
use super::shared::{Id, KeyValue, Moment, Period, moment_or_day};
use crate::bindings::koppel::loket::payroll_tax_returns as record;
use crate::bindings::koppel::loket::payroll_tax_returns::ResponseType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A payroll tax return. The payroll administration is in the path of the
/// request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PayrollTaxReturn {
    /// Its identifier.
    pub id: Id,
    /// The period that it is about.
    pub period: Period,
    /// Its number.
    pub sequence_number: u32,
    /// Where it stands.
    pub payroll_tax_return_status: Status,
    /// The number of the withholding party (loonheffingennummer).
    pub wage_tax_number: Option<String>,
    /// The withholding party.
    pub withholding_party: Option<String>,
    /// Whether it corrects a period of an earlier year.
    #[serde(default)]
    pub is_correction_message_prior_year: bool,
    /// The reference in the message.
    pub message_reference: Option<String>,
    /// When the message was made.
    pub message_creation_time: Option<Moment>,
    /// What people did with it.
    #[serde(flatten)]
    pub done: Done,
    /// When it was sent.
    pub send_time: Option<Moment>,
    /// What came back, oldest first.
    #[serde(default)]
    pub response_messages: Vec<ResponseMessage>,
    /// The SHA-256 of the message, lower-case hexadecimal.
    #[serde(default)]
    pub message_sha256: Option<String>,
    /// Why the message could not be made.
    #[serde(default)]
    pub failure: Option<String>,
    /// The return that this one corrects.
    #[serde(default)]
    pub corrects_payroll_tax_return_id: Option<Id>,
}

/// A response message of the tax administration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResponseMessage {
    /// When it was received.
    #[serde(deserialize_with = "moment_or_day")]
    pub date_of_receipt: Moment,
    /// What it says: 1 acknowledgement, 2 error.
    pub response_type: KeyValue,
    /// What the error is.
    pub response_class: Option<KeyValue>,
    /// The tax administration's own identifier of it.
    #[serde(default)]
    pub reference: Option<String>,
    /// What it says in words.
    #[serde(default)]
    pub description: Option<String>,
}

/// The body of `POST …/sendresponsemessage`. Loket reads the file; koppel
/// needs what is in it besides.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PayrollTaxReturnResponse")]
pub struct Response {
    /// The file that the response message came in.
    pub response_message_file: File,
    /// What is in it, with a reference. A member of koppel.
    pub response_message: ResponseMessage,
}

impl Response {
    /// The body for a response message and its file.
    pub fn new(response: record::ResponseMessage, file: Vec<u8>) -> Self {
        Self {
            response_message_file: File(file),
            response_message: response.into(),
        }
    }
}

impl ResponseMessage {
    /// The record. `place` is its place among the response messages, from 1.
    pub fn into_record(self, place: usize) -> record::ResponseMessage {
        let (class, text) = match self.response_class {
            Some(class) => (Some(class.key), Some(class.value)),
            None => (None, None),
        };
        record::ResponseMessage {
            reference: self.reference.unwrap_or_else(|| place.to_string()),
            date_of_receipt: self.date_of_receipt.0,
            // What koppel does not know needs a person to look at it.
            response_type: if self.response_type.key == 1 {
                ResponseType::Acknowledgement
            } else {
                ResponseType::Error
            },
            response_class: class,
            description: self.description.or(text).unwrap_or_default(),
        }
    }
}

impl From<record::ResponseMessage> for ResponseMessage {
    fn from(response: record::ResponseMessage) -> Self {
        let (key, value) = match response.response_type {
            ResponseType::Acknowledgement => (1, "Acknowledgement"),
            ResponseType::Error => (2, "Error"),
        };
        Self {
            date_of_receipt: Moment(response.date_of_receipt),
            response_type: KeyValue {
                key,
                value: value.to_owned(),
            },
            response_class: response.response_class.map(|key| KeyValue {
                key,
                value: response.description.clone(),
            }),
            reference: Some(response.reference),
            description: Some(response.description),
        }
    }
}

impl PayrollTaxReturn {
    /// The record, of this payroll administration.
    pub fn into_record(self, payroll_administration_id: String) -> record::PayrollTaxReturn {
        let responses = (1..).zip(self.response_messages);
        record::PayrollTaxReturn {
            id: self.id.0,
            payroll_administration_id,
            payroll_period: self.period.into(),
            sequence_number: self.sequence_number,
            status: self.payroll_tax_return_status.0,
            wage_tax_number: self.wage_tax_number,
            withholding_party: self.withholding_party.unwrap_or_default(),
            corrects_payroll_tax_return_id: self.corrects_payroll_tax_return_id.map(|id| id.0),
            is_correction_message_prior_year: self.is_correction_message_prior_year,
            message_reference: self.message_reference,
            message_sha256: self.message_sha256,
            message_creation_time: self.message_creation_time.map(|time| time.0),
            failure: self.failure,
            requested: self.done.requested(),
            approved: self.done.approved(),
            cancelled: self.done.cancelled(),
            send_time: self.send_time.map(|time| time.0),
            response_messages: responses
                .map(|(place, response)| response.into_record(place))
                .collect(),
        }
    }
}

impl From<record::PayrollTaxReturn> for PayrollTaxReturn {
    fn from(of: record::PayrollTaxReturn) -> Self {
        Self {
            id: Id(of.id),
            period: of.payroll_period.into(),
            sequence_number: of.sequence_number,
            payroll_tax_return_status: Status(of.status),
            wage_tax_number: of.wage_tax_number,
            withholding_party: Some(of.withholding_party),
            is_correction_message_prior_year: of.is_correction_message_prior_year,
            message_reference: of.message_reference,
            message_creation_time: of.message_creation_time.map(Moment),
            done: Done::of(of.requested, of.approved, of.cancelled),
            send_time: of.send_time.map(Moment),
            response_messages: of.response_messages.into_iter().map(Into::into).collect(),
            message_sha256: of.message_sha256,
            failure: of.failure,
            corrects_payroll_tax_return_id: of.corrects_payroll_tax_return_id.map(Id),
        }
    }
}
