//! What payroll tax returns and pension declarations have in common.

use super::shared::{Id, KeyValue, Moment, Person};
use crate::bindings::koppel::loket::types::{
    ActivityError, DeclarationEvent, DeclarationRequest, DeclarationStatus, PeriodOfYear, Problem,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The statuses in the order of Loket's keys, from 1, with what Loket's
/// description of the API says of them. Who reads should look at the key.
const STATUSES: [(DeclarationStatus, &str); 7] = [
    (DeclarationStatus::Requested, "Verzoek tot aanmaak"),
    (DeclarationStatus::Failed, "Fout bij aanmaken"),
    (DeclarationStatus::Created, "Aangemaakt"),
    (DeclarationStatus::Cancelled, "Geannuleerd"),
    (DeclarationStatus::Confirmed, "Bevestigd"),
    (DeclarationStatus::Sent, "Verstuurd"),
    (DeclarationStatus::Deleted, "Verwijderd"),
];

/// The status of a declaration: in JSON Loket's key 1 to 7 with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "KeyValue", try_from = "Key")]
#[schemars(rename = "DeclarationStatus")]
pub struct Status(pub DeclarationStatus);

#[derive(Deserialize, JsonSchema)]
struct Key {
    key: u32,
}

impl TryFrom<Key> for Status {
    type Error = String;

    fn try_from(Key { key }: Key) -> Result<Self, Self::Error> {
        let known = (1..).zip(STATUSES).find(|(known, _)| *known == key);
        known
            .map(|(_, (status, _))| Self(status))
            .ok_or_else(|| format!("{key} is not a status of a declaration (1 to 7)"))
    }
}

impl From<Status> for KeyValue {
    fn from(Status(status): Status) -> Self {
        let known = (1..).zip(STATUSES).find(|(_, (known, _))| *known == status);
        let (key, text) = known.map_or((0, ""), |(key, (_, text))| (key, text));
        Self {
            key,
            value: text.to_owned(),
        }
    }
}

/// What people did with a declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// When it was asked for.
    pub request_time: Moment,
    /// Who asked for it.
    pub requested_by: Option<Person>,
    /// When it was confirmed.
    pub approval_time: Option<Moment>,
    /// Who confirmed it.
    pub approved_by: Option<Person>,
    /// When it was cancelled.
    pub cancelled_time: Option<Moment>,
    /// Who cancelled it.
    pub cancelled_by: Option<Person>,
}

impl Done {
    /// From asking for it, confirming and cancelling it.
    pub(super) fn of(
        requested: DeclarationEvent,
        approved: Option<DeclarationEvent>,
        cancelled: Option<DeclarationEvent>,
    ) -> Self {
        let parts = |event: DeclarationEvent| (Moment(event.time), Person::named(event.user));
        let (request_time, requested_by) = parts(requested);
        let (approval_time, approved_by) = approved.map(parts).unzip();
        let (cancelled_time, cancelled_by) = cancelled.map(parts).unzip();
        Self {
            request_time,
            requested_by: Some(requested_by),
            approval_time,
            approved_by,
            cancelled_time,
            cancelled_by,
        }
    }

    /// Asking for it.
    pub(super) fn requested(&self) -> DeclarationEvent {
        event(&self.request_time, self.requested_by.as_ref())
    }

    /// Confirming it.
    pub(super) fn approved(&self) -> Option<DeclarationEvent> {
        let time = self.approval_time.as_ref();
        time.map(|time| event(time, self.approved_by.as_ref()))
    }

    /// Cancelling it.
    pub(super) fn cancelled(&self) -> Option<DeclarationEvent> {
        let time = self.cancelled_time.as_ref();
        time.map(|time| event(time, self.cancelled_by.as_ref()))
    }
}

fn event(time: &Moment, by: Option<&Person>) -> DeclarationEvent {
    DeclarationEvent {
        time: time.0.clone(),
        user: by.map_or_else(String::new, |person| person.formatted_name.clone()),
    }
}

/// The body of a request for a declaration. Its members are koppel's own:
/// Loket's API takes the next period that there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Initiate {
    /// The year of the period, with `periodNumber`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u32>,
    /// The number of the period within the year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_number: Option<u32>,
    /// Instead of a period: the declaration to correct.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction_of: Option<Id>,
}

impl From<&DeclarationRequest> for Initiate {
    fn from(request: &DeclarationRequest) -> Self {
        match request {
            DeclarationRequest::Period(period) => Self {
                year: Some(period.year),
                period_number: Some(period.period_number),
                correction_of: None,
            },
            DeclarationRequest::CorrectionOf(of) => Self {
                correction_of: Some(Id(of.clone())),
                ..Self::default()
            },
        }
    }
}

impl TryFrom<Initiate> for DeclarationRequest {
    type Error = ActivityError;

    fn try_from(asked: Initiate) -> Result<Self, Self::Error> {
        match (asked.year, asked.period_number, asked.correction_of) {
            (Some(year), Some(period_number), None) => Ok(Self::Period(PeriodOfYear {
                year,
                period_number,
            })),
            (None, None, Some(of)) => Ok(Self::CorrectionOf(of.0)),
            _ => {
                let fields = ["year", "periodNumber", "correctionOf"];
                Err(ActivityError::Invalid(vec![Problem {
                    code: 400,
                    description:
                        "give year and periodNumber, or correctionOf: koppel takes no period by itself"
                            .to_owned(),
                    properties: fields.map(ToOwned::to_owned).to_vec(),
                }]))
            }
        }
    }
}

/// What a person does with a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Confirms it.
    Confirm,
    /// Cancels it.
    Cancel,
}

/// The body of `PATCH …/upapensiondeclarations/{upaPensionDeclarationId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DeclarationChange")]
pub struct Change {
    /// What to do.
    pub action: Action,
}

/// An item of the body of `PATCH …/payrolltaxreturns`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeOf {
    /// Which payroll tax return.
    pub id: Id,
    /// What to do with it.
    pub action: Action,
}

/// What Loket answers to a change: nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

/// The body with which the message of a declaration is stored. Loket's API does
/// not have it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "DeclarationMessage")]
pub struct Message {
    /// The reference in the message.
    pub message_reference: String,
    /// The message.
    pub message_file: File,
}

/// The bytes of a file: in JSON its text in base64 (RFC 4648, section 4).
#[derive(Clone, PartialEq, Eq)]
pub struct File(pub Vec<u8>);

impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Without the text: it may hold wages.
        let bytes = STANDARD.decode(text);
        bytes
            .map(Self)
            .map_err(|_| D::Error::custom("is not base64"))
    }
}

impl JsonSchema for File {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "File".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "contentEncoding": "base64"})
    }
}
