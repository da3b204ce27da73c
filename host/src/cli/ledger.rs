//! The commands that read the ledger.

use super::output::{BOLD, DIM, GREEN, Output, table};
use super::{Failure, LedgerFilter};
use crate::ledger::{DenialCount, Filter, Kind, LedgerError, Row};
use crate::runs::Host;
use crate::text::{one_line, printable};
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, civil};
use serde_json::json;

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What `koppel denials` shows.
#[derive(Debug, Args)]
pub(super) struct Denials {
    #[command(flatten)]
    filter: LedgerFilter,
    /// Only by this check.
    #[arg(long)]
    check: Option<Check>,
    /// Counts them, by client and check.
    #[arg(long, conflicts_with = "limit")]
    count: bool,
}

/// What can deny.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Check {
    /// The client was not granted the activity.
    Client,
    /// The user has no right for it.
    User,
    /// The role of the user has none.
    Role,
    /// The module is off.
    Module,
    /// It belongs to another employer, or one that the user may not access.
    Entity,
    /// The policy for outside requests.
    Egress,
    /// The export directory is gone from the configuration.
    Exports,
}

/// Reads `--since`.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    if let Ok(day) = text.parse::<civil::Date>() {
        let midnight = day
            .to_zoned_datetime(TimeZone::UTC)
            .map_err(|error| error.to_string())?;
        return Ok(midnight.timestamp());
    }
    let ago = text.parse::<Span>().ok().filter(|span| !span.is_negative());
    let now = Timestamp::now().to_zoned_datetime(TimeZone::UTC);
    ago.and_then(|span| now.checked_sub(span).ok())
        .map(|then| then.timestamp())
        .ok_or_else(|| "write 2026-01-31T09:30:00Z, 2026-01-31, or 90m, 12h or 7d".to_owned())
}

fn filter(args: &LedgerFilter, kinds: &[Kind]) -> Filter {
    Filter {
        kinds: kinds.to_vec(),
        client: args.client.clone(),
        user: args.user.clone(),
        employer: args.employer,
        run: args.run,
        since: args.since,
        limit: Some(args.limit),
        ..Filter::default()
    }
}

/// `koppel messages`.
pub(super) async fn messages(
    host: &Host,
    args: &LedgerFilter,
    out: &Output,
) -> Result<(), Failure> {
    let rows = host.ledger().rows(filter(args, &Kind::MESSAGES)).await?;
    out.result(&rows, || print_messages(&rows));
    Ok(())
}

/// Prints messages as a table.
pub(super) fn print_messages(rows: &[Row]) {
    if rows.is_empty() {
        anstream::println!("nothing was sent or received");
        return;
    }
    let mut table = table(&["Nr", "Time", "Client", "Kind", "What", "Status", "Bytes"]);
    for row in rows {
        let status = match (&row.status, &row.outcome) {
            (Some(status), _) => status.to_string(),
            (None, Some(outcome)) => one_line(outcome),
            (None, None) => String::new(),
        };
        table.add_row([
            row.seq.to_string(),
            moment(&row.time),
            row.context.client.clone(),
            row.kind.clone(),
            one_line(&row.summary),
            status,
            row.body_size.to_string(),
        ]);
    }
    anstream::println!("{table}");
}

/// A moment without its fraction of a second.
fn moment(time: &str) -> String {
    time.split('.').next().unwrap_or_default().replace('T', " ")
}

/// `koppel messages NUMBER`.
pub(super) async fn message(host: &Host, number: u64, out: &Output) -> Result<(), Failure> {
    let found = host.ledger().row(number).await?;
    let (row, body) =
        found.ok_or_else(|| Failure::Input(format!("the ledger has no row {number}")))?;
    let text = body.as_deref().map(String::from_utf8_lossy);
    out.result(&json!({"message": row, "body": text}), || {
        anstream::println!("{BOLD}{} {}{BOLD:#}", row.kind, one_line(&row.summary));
        anstream::println!(
            "{DIM}{} run {} client {} user {} employer {}{DIM:#}",
            row.time,
            row.context.run,
            row.context.client,
            row.context.user,
            row.context.employer
        );
        if let Some(activity) = &row.activity {
            anstream::println!("activity {activity}");
        }
        if let Some(status) = row.status {
            anstream::println!("status {status}");
        }
        if let Some(outcome) = &row.outcome {
            anstream::println!("outcome {}", printable(outcome));
        }
        for (name, value) in &row.headers {
            anstream::println!("{name}: {}", one_line(value));
        }
        anstream::println!("{} bytes, SHA-256 {}", row.body_size, row.body_sha256);
        match text {
            Some(text) => anstream::println!("\n{}", printable(&text)),
            None => anstream::println!("\nthe bytes were too many to keep"),
        }
    });
    Ok(())
}

/// `koppel denials`.
pub(super) async fn denials(host: &Host, args: &Denials, out: &Output) -> Result<(), Failure> {
    let check = args.check.and_then(|check| check.to_possible_value());
    let filter = Filter {
        check: check.map(|check| check.get_name().to_owned()),
        ..filter(&args.filter, &[Kind::Denial])
    };
    if args.count {
        let counts = host.ledger().denial_counts(filter).await?;
        out.result(&counts, || print_counts(&counts));
    } else {
        let rows = host.ledger().rows(filter).await?;
        out.result(&rows, || print_denials(&rows));
    }
    Ok(())
}

fn print_counts(counts: &[DenialCount]) {
    if counts.is_empty() {
        anstream::println!("nothing was denied");
        return;
    }
    let mut table = table(&["Client", "Check", "Denials", "First", "Last"]);
    for count in counts {
        table.add_row([
            count.client.clone(),
            count.check.clone(),
            count.count.to_string(),
            moment(&count.first),
            moment(&count.last),
        ]);
    }
    anstream::println!("{table}");
}

/// `koppel alarms`.
pub(super) async fn alarms(host: &Host, args: &LedgerFilter, out: &Output) -> Result<(), Failure> {
    let rows = host.ledger().rows(filter(args, &[Kind::Alarm])).await?;
    out.result(&rows, || {
        if rows.is_empty() {
            anstream::println!("there was no alarm");
            return;
        }
        let mut table = table(&["Nr", "Time", "Client", "User", "What"]);
        for row in &rows {
            table.add_row([
                row.seq.to_string(),
                moment(&row.time),
                row.context.client.clone(),
                row.context.user.clone(),
                one_line(&row.summary),
            ]);
        }
        anstream::println!("{table}");
    });
    Ok(())
}

/// Prints denials as a table.
pub(super) fn print_denials(rows: &[Row]) {
    if rows.is_empty() {
        anstream::println!("nothing was denied");
        return;
    }
    let mut table = table(&["Nr", "Time", "Client", "User", "Check", "Activity", "Why"]);
    for row in rows {
        table.add_row([
            row.seq.to_string(),
            moment(&row.time),
            row.context.client.clone(),
            row.context.user.clone(),
            row.check.clone().unwrap_or_default(),
            row.activity.clone().unwrap_or_default(),
            one_line(&row.summary),
        ]);
    }
    anstream::println!("{table}");
}

/// `koppel ledger verify`.
pub(super) async fn verify(host: &Host, out: &Output) -> Result<(), Failure> {
    match host.ledger().verify().await? {
        Ok(verified) => {
            out.result(&verified, || {
                anstream::println!(
                    "{GREEN}intact{GREEN:#} {} rows, the last one has hash {}",
                    verified.rows,
                    verified.head
                );
            });
            Ok(())
        }
        Err(broken) => Err(Failure::Failed(broken.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_a_time_a_day_or_how_long_ago() {
        let read = |text: &str| since(text).unwrap().to_string();
        assert_eq!(read("2026-01-31T10:30:00+01:00"), "2026-01-31T09:30:00Z");
        assert_eq!(read("2026-01-31"), "2026-01-31T00:00:00Z");
        for (text, hours) in [("90m", 1.5), ("12h", 12.0), ("7d", 168.0)] {
            let then = since(text).unwrap();
            let ago = Timestamp::now().duration_since(then);
            let seconds = ago.as_secs_f64() - hours * 3600.0;
            assert!((0.0..60.0).contains(&seconds), "{text}: {ago:?}");
        }
        for text in ["", "yesterday", "-1h", "12", "99999999y"] {
            assert_eq!(
                since(text).unwrap_err(),
                "write 2026-01-31T09:30:00Z, 2026-01-31, or 90m, 12h or 7d",
                "{text}"
            );
        }
    }
}
