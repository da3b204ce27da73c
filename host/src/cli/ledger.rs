//! The commands that read the ledger.

use super::output::{BOLD, DIM, GREEN, Output, table};
use super::{Failure, LedgerFilter};
use crate::ledger::{Filter, Kind, LedgerError, Row};
use crate::runs::Host;
use crate::text::{one_line, printable};
use serde_json::json;

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::Failed(error.to_string())
    }
}

fn filter(args: &LedgerFilter, kinds: &[Kind]) -> Filter {
    Filter {
        kinds: kinds.to_vec(),
        client: args.client.clone(),
        user: args.user.clone(),
        employer: args.employer,
        run: args.run,
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
pub(super) async fn denials(host: &Host, args: &LedgerFilter, out: &Output) -> Result<(), Failure> {
    let rows = host.ledger().rows(filter(args, &[Kind::Denial])).await?;
    out.result(&rows, || print_denials(&rows));
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
