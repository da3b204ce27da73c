//! When runs are tried again, how many may be under way, and when schedules
//! submit some.

use crate::egress::Party;
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::Deserialize;
use uuid::Uuid;

/// In milliseconds.
const MINUTE: i64 = 60_000;

/// How often the runs of a client are tried, and how long after each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Retry {
    /// How often in all. 5.
    pub attempts: u32,
    /// How long after the first attempt the second follows at least, in
    /// milliseconds; twice as long after each. 1,000.
    pub backoff_ms: u64,
    /// The longest that it grows to, in milliseconds. 300,000: 5 minutes.
    pub max_backoff_ms: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            backoff_ms: 1_000,
            max_backoff_ms: 300_000,
        }
    }
}

impl Retry {
    /// Checks that it makes sense.
    ///
    /// # Errors
    ///
    /// Names the key and its range.
    pub fn validate(&self) -> Result<(), String> {
        if !(1..=100).contains(&self.attempts) {
            return Err("attempts must be 1 to 100".to_owned());
        }
        if self.backoff_ms == 0 || self.backoff_ms > self.max_backoff_ms {
            return Err(format!(
                "backoff-ms must be 1 to max-backoff-ms, which is {}",
                self.max_backoff_ms
            ));
        }
        Ok(())
    }
}

/// How a process works on the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// How many runs `koppel serve` makes at a time. 4.
    pub workers: u32,
    /// How long runs and calls that are under way have to end after the process
    /// was told to stop, in seconds. 30.
    pub drain_seconds: u32,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            workers: 4,
            drain_seconds: 30,
        }
    }
}

impl Queue {
    /// Checks that it makes sense.
    ///
    /// # Errors
    ///
    /// Names the key and its range.
    pub fn validate(&self) -> Result<(), String> {
        // The sandbox holds no more at a time.
        if !(1..=64).contains(&self.workers) {
            return Err("workers must be 1 to 64".to_owned());
        }
        if self.drain_seconds > 3_600 {
            return Err("drain-seconds must be 0 to 3600".to_owned());
        }
        Ok(())
    }
}

/// The limits of an outside party.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenParty {
    /// Scheme, host and port of the party, and possibly the beginning of a path.
    url: String,
    /// How many requests may be under way.
    concurrency: Option<u32>,
    /// How many requests may leave in any 60 seconds.
    per_minute: Option<u32>,
    /// How many requests may leave in a calendar day, Europe/Amsterdam.
    per_day: Option<u32>,
}

impl WrittenParty {
    pub(super) fn resolve(self) -> Result<Party, String> {
        Party::new(&self.url, self.concurrency, self.per_minute, self.per_day)
    }
}

/// What a schedule submits for an employer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A run for each journal run that is ready (status 4).
    JournalRuns,
    /// A run for each declaration that was sent, which fetches what the outside
    /// party says of it.
    DeclarationResponses,
    /// A test of the settings and the connection.
    Check,
}

/// When a client does something for employers.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The client.
    pub client: String,
    /// The user on whose behalf it runs.
    pub user: String,
    /// The employers.
    pub employers: Vec<Uuid>,
    /// What is submitted.
    pub task: Task,
    /// As it is written, for a person.
    pub cron: String,
    pub(super) crontab: cronexpr::Crontab,
    pub(super) time_zone: TimeZone,
}

/// When a client does something for employers.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenSchedule {
    /// One of its own.
    pub(super) name: String,
    /// The connector.
    #[schemars(with = "String")]
    pub(super) client: toml::Spanned<String>,
    /// The user on whose behalf it runs.
    #[schemars(with = "String")]
    pub(super) user: toml::Spanned<String>,
    /// For whom.
    pub(super) employers: Vec<Uuid>,
    /// What is submitted.
    pub(super) task: Task,
    /// Minute, hour, day of the month, month, day of the week.
    cron: String,
    /// Whose time that is, an IANA name.
    #[serde(default = "default_time_zone")]
    time_zone: String,
}

fn default_time_zone() -> String {
    "Europe/Amsterdam".to_owned()
}

impl WrittenSchedule {
    pub(super) fn resolve(self) -> Result<Schedule, String> {
        let time_zone = TimeZone::get(&self.time_zone).map_err(|_| {
            format!(
                "there is no time zone \"{}\"; write time-zone = \"Europe/Amsterdam\"",
                self.time_zone
            )
        })?;
        if self.cron.split_whitespace().count() != 5 {
            return Err(format!(
                "cron = \"{}\" must have five fields: minute, hour, day of the month, month, day of the week",
                self.cron
            ));
        }
        let crontab = cronexpr::parse_crontab(&format!("{} {}", self.cron, self.time_zone))
            .map_err(|error| format!("cron = \"{}\": {error}", self.cron))?;
        Ok(Schedule {
            name: self.name,
            client: self.client.into_inner(),
            user: self.user.into_inner(),
            employers: self.employers,
            task: self.task,
            cron: format!("{} {}", self.cron, self.time_zone),
            crontab,
            time_zone,
        })
    }
}

impl Schedule {
    /// The first moment after another one at which it is carried out, in
    /// milliseconds since 1970-01-01T00:00:00Z; none if there is none in the
    /// years that can be told.
    ///
    /// When summer time ends, an hour comes twice. A time in it is carried out
    /// once, the first time, unless the schedule has more than one in an hour:
    /// then it is about how often, not about when.
    pub fn next_after(&self, millis: i64) -> Option<i64> {
        let next = self.find(millis)?;
        if self.shown_before(next) == Some(millis) && !self.is_frequent(next) {
            return self.find(next);
        }
        Some(next)
    }

    /// The first moment after another one that fits the pattern.
    fn find(&self, millis: i64) -> Option<i64> {
        // Its types are those of another version of jiff.
        let after = cronexpr::MakeTimestamp::from_millisecond(millis).ok()?;
        let next = self.crontab.find_next(after).ok()?;
        Some(next.timestamp().as_millisecond())
    }

    /// The moment at which the clock showed the time of this one before, if
    /// this is the second of two.
    fn shown_before(&self, millis: i64) -> Option<i64> {
        let moment = Timestamp::from_millisecond(millis).ok()?;
        let moment = moment.to_zoned_datetime(self.time_zone.clone());
        let shown = moment.datetime();
        match self.time_zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Fold { before, after } if moment.offset() == after => {
                Some(before.to_timestamp(shown).ok()?.as_millisecond())
            }
            _ => None,
        }
    }

    /// Whether more than one moment in the hour of this one fits the pattern.
    fn is_frequent(&self, millis: i64) -> bool {
        let Ok(moment) = Timestamp::from_millisecond(millis) else {
            return false;
        };
        let minute = self.time_zone.to_datetime(moment).minute();
        let hour = millis - i64::from(minute) * MINUTE;
        let first = self.find(hour - 1);
        let second = first.and_then(|first| self.find(first));
        second.is_some_and(|second| second < hour + 60 * MINUTE)
    }
}
