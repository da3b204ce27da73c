//! What `koppel messages`, `denials` and `alarms` have in common: which rows,
//! and who looks.

use super::Failure;
use crate::bindings::koppel::loket::types::{ActivityError, Check, Denial};
use crate::catalogue::Activity;
use crate::consulting;
use crate::gate::Gate;
use crate::ledger::{Filter, Kind};
use crate::platform::{Owner, in_words};
use crate::runs::Host;
use crate::session::Fault;
use clap::Args;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use uuid::Uuid;

/// Which rows of the ledger are shown.
#[derive(Debug, Args)]
pub(super) struct LedgerFilter {
    /// Only of this client.
    #[arg(long)]
    client: Option<String>,
    /// Only of runs for this user.
    #[arg(long)]
    user: Option<String>,
    /// Only of this employer.
    #[arg(long)]
    employer: Option<Uuid>,
    /// Only of this run.
    #[arg(long)]
    run: Option<Uuid>,
    /// Only from this moment on: a date (its beginning, in UTC), or date, time
    /// and offset, or so long ago, such as 90m, 12h or 7d.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only before this moment.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    until: Option<Timestamp>,
    /// At most so many, the newest.
    #[arg(long, default_value_t = 50)]
    pub(super) limit: u32,
}

/// Who looks.
#[derive(Debug, Args)]
pub(super) struct View {
    /// Shows what this user may see, behind the five checks. Without it, all is
    /// shown: the view of the operator.
    #[arg(long = "as", value_name = "USER", requires = "application")]
    pub(super) viewer: Option<String>,
    /// The application through which that user looks: a client that has the
    /// activity (check 1).
    #[arg(long, value_name = "CLIENT", requires = "viewer")]
    application: Option<String>,
}

impl LedgerFilter {
    /// What it selects.
    ///
    /// # Errors
    ///
    /// When there can be nothing in its period.
    pub(super) fn of(&self, kinds: &[Kind]) -> Result<Filter, Failure> {
        let period = consulting::period(self.since, self.until);
        period.map_err(|why| Failure::Input(format!("--until {why}")))?;
        Ok(Filter {
            kinds: kinds.to_vec(),
            client: self.client.clone(),
            user: self.user.clone(),
            employer: self.employer,
            run: self.run,
            since: self.since,
            until: self.until,
            limit: Some(self.limit),
            ..Filter::default()
        })
    }
}

impl View {
    /// Lets who looks see rows of the employer that is asked for, or not.
    ///
    /// # Errors
    ///
    /// When one of the five checks is red, or no employer is asked for.
    pub(super) async fn admit(
        &self,
        employer: Option<Uuid>,
        activity: Activity,
        host: &Host,
    ) -> Result<(), Failure> {
        let Some(gate) = self.gate(host, activity) else {
            return Ok(());
        };
        let employer = employer.ok_or_else(|| {
            Failure::Input("give --employer: a user looks at one employer at a time".to_owned())
        })?;
        let owner = Owner {
            employer,
            ..Owner::default()
        };
        let admitted = consulting::employer(&gate, employer).await;
        admitted
            .map(drop)
            .map_err(|fault| failed(&gate, owner, fault))
    }

    /// Where the five checks are run; none for the operator.
    pub(super) fn gate<'a>(&'a self, host: &'a Host, activity: Activity) -> Option<Gate<'a>> {
        Some(Gate {
            host,
            client: self.application.as_deref()?,
            user: self.viewer.as_deref()?,
            activity,
            run: Uuid::now_v7(),
        })
    }
}

/// Reads a moment: as the REST API takes it, or how long ago it was.
fn moment(text: &str) -> Result<Timestamp, String> {
    consulting::moment(text).or_else(|why| {
        let ago = text.parse::<Span>().ok().filter(|span| !span.is_negative());
        let now = Timestamp::now().to_zoned_datetime(TimeZone::UTC);
        ago.and_then(|span| now.checked_sub(span).ok())
            .map(|then| then.timestamp())
            .ok_or_else(|| format!("{why}; or so long ago: 90m, 12h or 7d"))
    })
}

/// Why a user was not let in, for the person at the command line.
pub(super) fn failed(gate: &Gate<'_>, owner: Owner, fault: Fault) -> Failure {
    match fault {
        Fault::Guest(ActivityError::Denied(denial)) => {
            Failure::Denied(format!("{}{}", denied(&denial), line(gate, owner, &denial)))
        }
        Fault::Guest(error) => Failure::Failed(in_words(&error)),
        Fault::Host(error) => Failure::Failed(format!("{error:#}")),
    }
}

fn denied(denial: &Denial) -> String {
    format!(
        "denied by check {}: {}: {}",
        crate::authorization::name(denial.check),
        denial.activity,
        denial.reason
    )
}

/// The line of the configuration that would allow it. For the last check there
/// is none that may be told: it would say that there is something.
fn line(gate: &Gate<'_>, owner: Owner, denial: &Denial) -> String {
    if denial.check == Check::Entity {
        return String::new();
    }
    let question = gate.question(owner, &crate::authorization::NO_MODULES);
    let line = gate
        .host
        .live()
        .with(|config| config.grants.line_to_add(&question));
    line.map_or_else(String::new, |line| {
        format!("\nto allow it, put in the configuration:\n  {line}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_a_time_a_day_or_how_long_ago() {
        let read = |text: &str| moment(text).unwrap().to_string();
        assert_eq!(read("2026-01-31T10:30:00+01:00"), "2026-01-31T09:30:00Z");
        assert_eq!(read("2026-01-31"), "2026-01-31T00:00:00Z");
        for (text, hours) in [("90m", 1.5), ("12h", 12.0), ("7d", 168.0)] {
            let then = moment(text).unwrap();
            let ago = Timestamp::now().duration_since(then);
            let seconds = ago.as_secs_f64() - hours * 3600.0;
            assert!((0.0..60.0).contains(&seconds), "{text}: {ago:?}");
        }
        for text in ["", "yesterday", "-1h", "12", "99999999y"] {
            assert_eq!(
                moment(text).unwrap_err(),
                format!(
                    "must be a date such as 2026-01-31, or date, time and offset such as 2026-01-31T09:30:00Z, not {text:?}; or so long ago: 90m, 12h or 7d"
                ),
                "{text}"
            );
        }
    }
}
