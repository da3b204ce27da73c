//! `[retention]`: how long what is stored of people is kept.

use crate::catalogue::{Access, Activity};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;

/// What a message or a change is about, for how long it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Journals of payroll runs.
    Journal,
    /// Payroll tax returns and pension declarations.
    Declaration,
    /// Products: insurance, flowers.
    Product,
    /// What was asked of registers.
    Lookup,
    /// All else.
    Other,
}

impl Subject {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Journal,
        Self::Declaration,
        Self::Product,
        Self::Lookup,
        Self::Other,
    ];

    /// What a row with this activity is about.
    pub fn of(activity: Option<&str>) -> Self {
        let Some(activity) = activity.and_then(Activity::find) else {
            return Self::Other;
        };
        let row = activity.row();
        match row.module {
            Some("journal") => Self::Journal,
            Some("payroll-tax-return" | "upa") => Self::Declaration,
            Some(_) => Self::Product,
            None if row.access == Access::Read => Self::Lookup,
            None => Self::Other,
        }
    }

    /// Whether it belongs to the payroll administration, which an employer in
    /// the Netherlands keeps for seven years (art. 52 AWR).
    pub fn is_kept_by_law(self) -> bool {
        matches!(self, Self::Journal | Self::Declaration)
    }

    /// The key in `[retention]`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Declaration => "declaration",
            Self::Product => "product",
            Self::Lookup => "lookup",
            Self::Other => "other",
        }
    }
}

/// How long something is kept, in whole days, months or years.
#[derive(Clone, Copy, Debug)]
pub struct Period(Span);

impl Period {
    /// What art. 52 of the General Act on State Taxes (Algemene wet inzake
    /// rijksbelastingen) asks of a payroll administration.
    pub fn by_law() -> Self {
        Self(7.years())
    }

    /// The moment before which it is over; the first one there is, if it would
    /// be earlier.
    pub fn before(self, now: Timestamp) -> Timestamp {
        let now = now.to_zoned_datetime(TimeZone::UTC);
        let then = now.checked_sub(self.0);
        then.map_or(Timestamp::MIN, |then| then.timestamp())
    }

    /// The moment at which it is over for what is of this one.
    pub fn end(self, of: Timestamp) -> Timestamp {
        let end = of.to_zoned_datetime(TimeZone::UTC).checked_add(self.0);
        end.map_or(Timestamp::MAX, |end| end.timestamp())
    }

    /// Whether it is shorter than another.
    pub fn is_shorter_than(self, other: Self) -> bool {
        let now = Timestamp::now();
        self.before(now) > other.before(now)
    }

    /// # Errors
    ///
    /// What it must be instead.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let now = Timestamp::now();
        let period = text.parse().map(Self).ok().filter(|period| {
            let span = period.0;
            let whole = span.get_hours() == 0
                && span.get_minutes() == 0
                && span.get_seconds() == 0
                && span.get_milliseconds() == 0
                && span.get_microseconds() == 0
                && span.get_nanoseconds() == 0;
            whole && period.before(now) < now
        });
        period.ok_or_else(|| {
            format!("\"{text}\" is no period: write days, months or years, such as \"P90D\", \"P18M\" or \"P7Y\" (ISO 8601)")
        })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How long what is stored of people is kept. What has no period is kept for as
/// long as there is koppel.
#[derive(Clone, Debug, Default)]
pub struct Retention {
    /// By what it is about: what lies beside rows of the ledger.
    pub contents: BTreeMap<Subject, Period>,
    /// Runs, from when they were over.
    pub runs: Option<Period>,
}

impl Retention {
    /// What has no period, and so is kept for ever: keys of `[retention]`.
    pub fn without_period(&self) -> Vec<&'static str> {
        let contents = Subject::ALL.iter();
        let contents = contents.filter(|subject| !self.contents.contains_key(subject));
        let runs = self.runs.is_none().then_some("runs");
        contents.map(|subject| subject.name()).chain(runs).collect()
    }

    /// Whether nothing is ever erased.
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty() && self.runs.is_none()
    }
}

/// How long what is stored of people is kept: days, months or years, such as
/// `P90D`, `P18M` or `P7Y` (ISO 8601). What is not named is kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenRetention {
    /// Journals of payroll runs.
    #[schemars(with = "Option<String>")]
    pub(super) journal: Option<Spanned<String>>,
    /// Payroll tax returns and pension declarations.
    #[schemars(with = "Option<String>")]
    pub(super) declaration: Option<Spanned<String>>,
    /// Products: insurance, flowers.
    #[schemars(with = "Option<String>")]
    pub(super) product: Option<Spanned<String>>,
    /// What was asked of registers.
    #[schemars(with = "Option<String>")]
    pub(super) lookup: Option<Spanned<String>>,
    /// All else.
    #[schemars(with = "Option<String>")]
    pub(super) other: Option<Spanned<String>>,
    /// Runs, from when they were over.
    #[schemars(with = "Option<String>")]
    pub(super) runs: Option<Spanned<String>>,
}
