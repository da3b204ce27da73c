//! `koppel denials` and `koppel alarms`.

use super::Failure;
use super::ledger::{moment, print_denials};
use super::output::{Output, table};
use super::select::{LedgerFilter, View};
use crate::catalogue::id;
use crate::ledger::{DenialCount, Filter, Kind};
use crate::runs::Host;
use crate::text::one_line;
use clap::{Args, ValueEnum};

/// Which denials are shown.
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
    #[command(flatten)]
    view: View,
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

/// `koppel denials`.
pub(super) async fn denials(args: &Denials, host: &Host, out: &Output) -> Result<(), Failure> {
    let check = args.check.and_then(|check| check.to_possible_value());
    let filter = Filter {
        check: check.map(|check| check.get_name().to_owned()),
        ..args.filter.of(&[Kind::Denial])?
    };
    let activity = id::GetDenialsByEmployerId;
    args.view.admit(filter.employer, activity, host).await?;
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
    let rows = host.ledger().rows(args.of(&[Kind::Alarm])?).await?;
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
