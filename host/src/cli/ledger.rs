//! How the ledger is shown, and `koppel ledger verify`.

use super::Failure;
use super::output::{GREEN, Output, table};
use crate::ledger::{LedgerError, Row};
use crate::runs::Host;
use crate::text::one_line;

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::Failed(error.to_string())
    }
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
pub(super) fn moment(time: &str) -> String {
    time.split('.').next().unwrap_or_default().replace('T', " ")
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
                    "{GREEN}intact{GREEN:#} {} rows{}, the last one has hash {}",
                    verified.rows,
                    match verified.erased {
                        0 => String::new(),
                        erased => format!(" (of {erased} the contents were erased)"),
                    },
                    verified.head
                );
            });
            Ok(())
        }
        Err(broken) => Err(Failure::Failed(broken.to_string())),
    }
}
