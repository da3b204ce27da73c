//! `koppel retention`.

use super::Failure;
use super::output::{GREEN, Output, YELLOW};
use crate::runs::{Host, RetentionError};
use clap::Subcommand;
use serde_json::json;

/// What is done with `[retention]`.
#[derive(Debug, Subcommand)]
pub(super) enum Retention {
    /// Erases what was kept for longer than `[retention]` says. `koppel serve`
    /// does so once a day.
    Apply {
        /// Only counts it.
        #[arg(long)]
        dry_run: bool,
    },
}

impl From<RetentionError> for Failure {
    fn from(error: RetentionError) -> Self {
        match error {
            RetentionError::None => Self::Input(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// `koppel retention`.
pub(super) async fn retention(
    command: &Retention,
    host: &Host,
    out: &Output,
) -> Result<(), Failure> {
    let Retention::Apply { dry_run } = *command;
    let applied = host.apply_retention(dry_run).await?;
    let for_ever = host.live().with(|config| config.retention.without_period());
    out.result(
        &json!({
            "dry-run": dry_run,
            "contents": applied.contents,
            "runs": applied.runs,
            "kept-for-ever": for_ever,
        }),
        || {
            let word = if dry_run { "would erase" } else { "erased" };
            let total: u64 = applied.contents.values().sum();
            let by: Vec<_> = applied
                .contents
                .iter()
                .map(|(subject, rows)| format!("{} {rows}", subject.name()))
                .collect();
            let by = match &by[..] {
                [] => String::new(),
                by => format!(" ({})", by.join(", ")),
            };
            anstream::println!(
                "{GREEN}{word}{GREEN:#} the contents of {total} rows{by}, and {} runs",
                applied.runs
            );
            if !for_ever.is_empty() {
                let for_ever = for_ever.join(", ");
                anstream::println!(
                    "{YELLOW}kept for ever{YELLOW:#}: {for_ever}; [retention] has no period for it"
                );
            }
        },
    );
    Ok(())
}
