//! What the types of several domains are made of.

use crate::bindings::koppel::loket::journal_runs as record;
use crate::bindings::koppel::loket::types;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use uuid::Uuid;

/// An amount in euros with at most two decimals, held as cents. The same type
/// holds hours in hundredths. It goes from the text of the JSON number to
/// cents and back without a floating-point number in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(pub types::Cents);

impl Amount {
    fn read(text: &str) -> Result<Self, String> {
        let number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let decimal = number
            .then(|| {
                Decimal::from_str_exact(text)
                    .or_else(|_| Decimal::from_scientific(text))
                    .ok()
            })
            .flatten()
            .ok_or_else(|| format!("{text} is not an amount"))?;
        let cents = decimal
            .checked_mul(Decimal::ONE_HUNDRED)
            .ok_or_else(|| format!("{text} is too large an amount"))?;
        if !cents.fract().is_zero() {
            return Err(format!("{text} has more than two decimals"));
        }
        cents
            .to_i64()
            .map(Self)
            .ok_or_else(|| format!("{text} is too large an amount"))
    }
}

impl JsonSchema for Amount {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "description": "Two decimals at most."})
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let decimal = Decimal::from_i128_with_scale(i128::from(self.0), 2).normalize();
        RawValue::from_string(decimal.to_string())
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::read(raw.get()).map_err(D::Error::custom)
    }
}

/// An identifier. Read in any notation of a UUID, held in the contract's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Id(#[schemars(with = "Uuid")] pub types::Id);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Uuid::deserialize(deserializer)?.to_string()))
    }
}

/// A calendar date. Loket writes some dates as moments; of these it is the
/// date as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("format" = "date"))]
pub struct Day(pub types::Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let date = text.split('T').next().unwrap_or_default();
        match date.parse::<jiff::civil::Date>() {
            Ok(date) => Ok(Self(date.to_string())),
            Err(_) => Err(D::Error::custom(format!("{text:?} is not a date"))),
        }
    }
}

/// A moment in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("format" = "date-time"))]
pub struct Moment(pub types::Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse::<jiff::Timestamp>() {
            Ok(moment) => Ok(Self(moment.to_string())),
            Err(_) => Err(D::Error::custom(format!(
                "{text:?} is not a moment with an offset from UTC"
            ))),
        }
    }
}

/// A moment, where Loket gives some as a date: that is its first moment in UTC.
///
/// # Errors
///
/// When it is neither.
pub fn moment_or_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
    let text = String::deserialize(deserializer)?;
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(Moment(moment.to_string()));
    }
    match text.parse::<jiff::civil::Date>() {
        Ok(date) => Ok(Moment(format!("{date}T00:00:00Z"))),
        Err(_) => Err(D::Error::custom(format!(
            "{text:?} is neither a moment with an offset from UTC nor a date"
        ))),
    }
}

/// A user, as Loket names one in what the user did. koppel has no more than
/// the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The name to show.
    pub formatted_name: String,
}

impl Person {
    /// The user with this name.
    pub fn named(formatted_name: String) -> Self {
        Self { formatted_name }
    }
}

/// A stable key with the text to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyValue {
    /// The key.
    pub key: u32,
    /// The text.
    pub value: String,
}

impl From<types::KeyValue> for KeyValue {
    fn from(types::KeyValue { key, value }: types::KeyValue) -> Self {
        Self { key, value }
    }
}

impl From<KeyValue> for types::KeyValue {
    fn from(KeyValue { key, value }: KeyValue) -> Self {
        Self { key, value }
    }
}

/// A stable key whose text Loket calls `description`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyDescription {
    /// The key.
    pub key: u32,
    /// The text.
    pub description: String,
}

impl From<types::KeyValue> for KeyDescription {
    fn from(types::KeyValue { key, value }: types::KeyValue) -> Self {
        Self {
            key,
            description: value,
        }
    }
}

impl From<KeyDescription> for types::KeyValue {
    fn from(KeyDescription { key, description }: KeyDescription) -> Self {
        Self {
            key,
            value: description,
        }
    }
}

/// A code with its description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coded {
    /// The code in the accounting package.
    pub code: String,
    /// What it stands for.
    pub description: String,
}

impl From<record::Coded> for Coded {
    fn from(record::Coded { code, description }: record::Coded) -> Self {
        Self { code, description }
    }
}

impl From<Coded> for record::Coded {
    fn from(Coded { code, description }: Coded) -> Self {
        Self { code, description }
    }
}

/// A pay period. Read without dates, it is a calendar month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", try_from = "PeriodAsWritten")]
pub struct Period {
    /// The year.
    pub year: u32,
    /// The number within the year, from 1.
    pub period_number: u32,
    /// The first day.
    pub period_start_date: Day,
    /// The last day.
    pub period_end_date: Day,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PeriodAsWritten {
    year: u32,
    period_number: u32,
    period_start_date: Option<Day>,
    period_end_date: Option<Day>,
}

impl TryFrom<PeriodAsWritten> for Period {
    type Error = &'static str;

    fn try_from(written: PeriodAsWritten) -> Result<Self, Self::Error> {
        let (start, end) = match (written.period_start_date, written.period_end_date) {
            (Some(start), Some(end)) => (start, end),
            _ => month(written.year, written.period_number)
                .ok_or("needs periodStartDate and periodEndDate: it is no calendar month")?,
        };
        Ok(Self {
            year: written.year,
            period_number: written.period_number,
            period_start_date: start,
            period_end_date: end,
        })
    }
}

fn month(year: u32, number: u32) -> Option<(Day, Day)> {
    let (year, month) = (i16::try_from(year).ok()?, i8::try_from(number).ok()?);
    let start = jiff::civil::Date::new(year, month, 1).ok()?;
    Some((
        Day(start.to_string()),
        Day(start.last_of_month().to_string()),
    ))
}

impl From<types::PayrollPeriod> for Period {
    fn from(period: types::PayrollPeriod) -> Self {
        Self {
            year: period.year,
            period_number: period.period_number,
            period_start_date: Day(period.period_start_date),
            period_end_date: Day(period.period_end_date),
        }
    }
}

impl From<Period> for types::PayrollPeriod {
    fn from(period: Period) -> Self {
        Self {
            year: period.year,
            period_number: period.period_number,
            period_start_date: period.period_start_date.0,
            period_end_date: period.period_end_date.0,
        }
    }
}
