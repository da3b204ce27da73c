//! Consulting what was exchanged with the outside and what was denied, as
//! people do it: one employer at a time, through an application and the five
//! checks. A message belongs to the employer of its run.

use crate::gate::Gate;
use crate::ledger::Row;
use crate::platform::Entity;
use crate::session::{Fault, Session};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use uuid::Uuid;

/// Which message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one with this identifier.
    Id(Uuid),
    /// The row with this number, as the operator counts.
    Number(u64),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Number(number) => write!(f, "row {number}"),
        }
    }
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.bytes().all(|c| c.is_ascii_digit());
        let which = if number {
            text.parse().ok().map(Self::Number)
        } else {
            text.parse().ok().map(Self::Id)
        };
        which.ok_or_else(|| "must be the number or the id of a message".to_owned())
    }
}

/// Lets someone in to what was exchanged, or denied, for an employer.
///
/// # Errors
///
/// `denied`, after it was recorded.
pub(crate) async fn employer(gate: &Gate<'_>, id: Uuid) -> Result<Arc<Session>, Fault> {
    let entity = Entity::Employer(id);
    let owner = gate.host.platform().owner(entity).await?;
    gate.admit(owner, &id.to_string(), Some(entity)).await
}

/// One message, for whom the five checks are green on the employer of its run.
///
/// # Errors
///
/// `denied`, after it was recorded: in the same words for a message of an
/// employer that the user may not access, for another row of the ledger, and
/// for what is not there.
pub(crate) async fn message(gate: &Gate<'_>, which: Which) -> Result<Row, Fault> {
    let ledger = gate.host.ledger();
    let found = match which {
        Which::Id(id) => ledger.message(id).await,
        Which::Number(number) => ledger.row(number).await.map(|row| row.map(|(row, _)| row)),
    };
    let found = found.map_err(|error| Fault::Host(error.into()))?;
    let message = found.filter(Row::is_message);
    let owner = match &message {
        Some(row) => {
            let employer = Entity::Employer(row.context.employer);
            gate.host.platform().owner(employer).await?
        }
        None => None,
    };
    gate.admit(owner, &which.to_string(), None).await?;
    // Whoever was let in was let in to something.
    message.ok_or_else(|| Fault::Host(anyhow::anyhow!("{which} is not in the ledger")))
}

/// A moment as people and programs write it: RFC 3339, or a date, which is the
/// beginning of that day in UTC.
///
/// # Errors
///
/// What it must be instead.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    // Date and time without an offset would read as a date, too.
    let date = text.parse().ok();
    if let Some(date) = date.filter(|date: &Date| date.to_string() == text) {
        let midnight = TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight()));
        // 9999-12-31, which is written for "always", is beyond the last moment.
        return Ok(midnight.unwrap_or(Timestamp::MAX));
    }
    text.parse().map_err(|_| {
        // In the query of a URL a plus is a space.
        let hint = if text.contains(' ') {
            " (in a URL, write + as %2B)"
        } else {
            ""
        };
        format!(
            "must be a date such as 2026-01-31, or date, time and offset such as 2026-01-31T09:30:00Z, not {text:?}{hint}"
        )
    })
}

/// Refuses a period that ends before it begins, in which there can be nothing.
///
/// # Errors
///
/// What is wrong.
pub(crate) fn period(since: Option<Timestamp>, until: Option<Timestamp>) -> Result<(), String> {
    match (since, until) {
        (Some(since), Some(until)) if until <= since => {
            Err(format!("must be after {since}, where the period begins"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_or_has_an_offset() {
        for (text, expected) in [
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z"),
            ("2026-01-31T09:30:00.25+01:00", "2026-01-31T08:30:00.25Z"),
            ("2026-01-31t09:30:00z", "2026-01-31T09:30:00Z"),
            ("0001-01-01", "0001-01-01T00:00:00Z"),
            ("9999-12-31", &Timestamp::MAX.to_string()),
        ] {
            assert_eq!(moment(text).unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026",
            "2026-02-30",
            "20260131",
            "31-01-2026",
            "2026-01-31T09:30:00",
            "2026-01-31T25:00:00Z",
            "99999-01-01",
            "1769851800",
        ] {
            assert_eq!(
                moment(text),
                Err(format!(
                    "must be a date such as 2026-01-31, or date, time and offset such as 2026-01-31T09:30:00Z, not {text:?}"
                )),
            );
        }
        let hint = moment("2026-01-31T09:30:00 01:00").unwrap_err();
        assert!(hint.ends_with(" (in a URL, write + as %2B)"), "{hint}");
    }

    #[test]
    fn a_period_ends_after_it_begins() {
        let moment = |text| Some(moment(text).unwrap());
        let (first, second) = (moment("2026-01-31"), moment("2026-02-01"));
        for (since, until) in [(None, None), (first, None), (None, first), (first, second)] {
            assert_eq!(period(since, until), Ok(()));
        }
        for (since, until) in [(first, first), (second, first)] {
            let since_text = since.unwrap();
            assert_eq!(
                period(since, until),
                Err(format!(
                    "must be after {since_text}, where the period begins"
                ))
            );
        }
    }

    #[test]
    fn a_message_is_meant_by_its_number_or_its_id() {
        let id = "0195f0a1-4c5e-8a2b-9c3d-0123456789ab";
        assert_eq!(id.parse(), Ok(Which::Id(id.parse().unwrap())));
        assert_eq!("42".parse(), Ok(Which::Number(42)));
        for text in ["", "-1", "4 2", "99999999999999999999999", "latest"] {
            let refused = Err("must be the number or the id of a message".to_owned());
            assert_eq!(text.parse::<Which>(), refused, "{text}");
        }
    }
}
