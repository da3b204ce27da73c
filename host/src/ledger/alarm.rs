//! Alarms: a client that is denied again and again. It is either configured
//! wrongly or tries what it may not; both are for the operator to know.
//!
//! Denials are counted in the ledger itself, in the transaction that appends
//! one, so that they count across processes and restarts, and an alarm is
//! raised once.

use super::{Entry, Kind, Row, store::time};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use serde::Deserialize;
use std::sync::Arc;

/// How many denials of one client raise an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Threshold {
    /// So many denials…
    pub count: u32,
    /// …within so many seconds. An alarm is not repeated within that time.
    pub within_seconds: u32,
}

impl Default for Threshold {
    fn default() -> Self {
        Self {
            count: 10,
            within_seconds: 60,
        }
    }
}

impl Threshold {
    /// The highest count.
    pub const MOST: u32 = 10_000;
    /// The longest time, in seconds: a week.
    pub const LONGEST: u32 = 7 * 24 * 60 * 60;

    /// Checks that these are numbers to work with.
    ///
    /// # Errors
    ///
    /// Names the key and its range.
    pub fn validate(&self) -> Result<(), String> {
        let ranges = [
            ("count", self.count, Self::MOST),
            ("within-seconds", self.within_seconds, Self::LONGEST),
        ];
        match ranges
            .iter()
            .find(|(_, value, most)| !(1..=*most).contains(value))
        {
            Some((key, value, most)) => Err(format!("{key} = {value} must be 1 to {most}")),
            None => Ok(()),
        }
    }
}

/// Says which threshold is in force now.
pub(super) type InForce = Arc<dyn Fn() -> Threshold + Send + Sync>;

/// What makes both questions below cheap, however large the ledger is.
pub(super) const INDEXES: &str = "
    CREATE INDEX IF NOT EXISTS ledger_denials ON ledger (client, time, \"check\") WHERE kind = 'denial';
    CREATE INDEX IF NOT EXISTS ledger_alarms ON ledger (client, time) WHERE kind = 'alarm';";

/// An alarm that is due.
pub(super) struct Alarm {
    /// The denial that raised it.
    denial: Row,
    /// How many there were, by check; the most frequent first.
    by_check: Vec<(String, u64)>,
    within_seconds: u32,
}

/// The alarm that this denial, which was just appended, raises.
pub(super) fn due(
    connection: &Connection,
    denial: &Row,
    threshold: Threshold,
) -> rusqlite::Result<Option<Alarm>> {
    let from = from(denial, threshold);
    let raised: bool = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM ledger WHERE kind = 'alarm' AND client = ?1 AND time > ?2)",
        )?
        .query_row(params![denial.context.client, from], |row| row.get(0))?;
    if raised {
        return Ok(None);
    }
    let mut select = connection.prepare_cached(
        "SELECT coalesce(\"check\", ''), count(*) AS times FROM ledger
         WHERE kind = 'denial' AND client = ?1 AND time > ?2
         GROUP BY \"check\" ORDER BY times DESC, \"check\"",
    )?;
    let by_check = select
        .query_map(params![denial.context.client, from], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<Vec<(String, u64)>>>()?;
    Ok(Alarm::of(denial, by_check, threshold))
}

/// From when on denials count, as it is stored.
pub(super) fn from(denial: &Row, threshold: Threshold) -> String {
    let within = SignedDuration::from_secs(i64::from(threshold.within_seconds));
    // The time is our own; it is never anything else than a time.
    let now: Timestamp = denial.time.parse().unwrap_or_default();
    time(now.saturating_sub(within).unwrap_or(Timestamp::MIN))
}

impl Alarm {
    /// The alarm of so many denials, if they are enough for one.
    pub(super) fn of(
        denial: &Row,
        by_check: Vec<(String, u64)>,
        threshold: Threshold,
    ) -> Option<Self> {
        let alarm = Self {
            denial: denial.clone(),
            by_check,
            within_seconds: threshold.within_seconds,
        };
        (alarm.denials() >= u64::from(threshold.count)).then_some(alarm)
    }

    fn denials(&self) -> u64 {
        self.by_check.iter().map(|(_, times)| times).sum()
    }

    fn by_check(&self) -> String {
        let checks = self.by_check.iter();
        let checks: Vec<_> = checks
            .map(|(check, times)| format!("{check} {times}"))
            .collect();
        checks.join(", ")
    }

    /// As it is recorded, with whom and what the last denial was about.
    pub(super) fn entry(&self) -> Entry {
        let summary = format!(
            "{} denials within {} s: {}",
            self.denials(),
            self.within_seconds,
            self.by_check()
        );
        Entry::new(self.denial.context.clone(), Kind::Alarm, summary)
    }

    /// Tells whoever watches the log of the process.
    pub(super) fn raise(&self) {
        let Row {
            context,
            check,
            activity,
            ..
        } = &self.denial;
        tracing::warn!(
            client = context.client,
            user = context.user,
            employer = %context.employer,
            run = %context.run,
            check = check.as_deref().unwrap_or_default(),
            activity = activity.as_deref().unwrap_or_default(),
            denials = self.denials(),
            within_seconds = self.within_seconds,
            by_check = self.by_check(),
            "a client is denied again and again"
        );
    }
}
