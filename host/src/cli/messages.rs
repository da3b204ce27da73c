//! `koppel messages`.
//!
//! Without more they are the view of the operator, who can read the ledger
//! anyway. With `--as` they show what a user may see, behind the five checks.

use super::Failure;
use super::ledger::print_messages;
use super::output::{BOLD, DIM, GREEN, Output, RED};
use super::select::{LedgerFilter, View, failed};
use crate::catalogue::{Activity, id};
use crate::consulting::{self, Which};
use crate::ledger::{Content, ContentError, Kind, Row};
use crate::platform::Owner;
use crate::runs::Host;
use crate::text::{one_line, printable};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Which messages are shown.
#[derive(Debug, Args)]
pub(super) struct Messages {
    #[command(flatten)]
    filter: LedgerFilter,
    /// Only of this kind; may be given more than once.
    #[arg(long)]
    kind: Vec<KindArg>,
    #[command(flatten)]
    view: View,
    /// Shows this message: its number, or its id.
    #[arg(conflicts_with_all = ["kind", "client", "user", "employer", "run", "since", "until"])]
    number: Option<Which>,
    /// Writes the exact bytes of the message to this file, which may not exist
    /// yet; `-` is standard output.
    #[arg(long, value_name = "FILE", requires = "number")]
    output: Option<PathBuf>,
    /// Replaces the file of --output.
    #[arg(long, requires = "output")]
    force: bool,
}

/// A kind of message.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindArg {
    /// A request to an outside party.
    Request,
    /// The reply to a request, or why there is none.
    Response,
    /// An export file.
    ExportFile,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Request => Self::Request,
            KindArg::Response => Self::Response,
            KindArg::ExportFile => Self::ExportFile,
        }
    }
}

/// `koppel messages`.
pub(super) async fn messages(args: &Messages, host: &Host, out: &Output) -> Result<(), Failure> {
    match (args.number, &args.output) {
        (Some(number), Some(file)) => save(args, number, file, host, out).await,
        (Some(number), None) => show(&args.view, number, host, out).await,
        (None, _) => {
            let kinds = match &args.kind[..] {
                [] => Kind::MESSAGES.to_vec(),
                some => some.iter().map(|kind| (*kind).into()).collect(),
            };
            let filter = args.filter.of(&kinds)?;
            let activity = id::GetMessagesByEmployerId;
            args.view.admit(filter.employer, activity, host).await?;
            let rows = host.ledger().rows(filter).await?;
            out.result(&rows, || print_messages(&rows));
            Ok(())
        }
    }
}

/// The message that is meant, for who may see it.
async fn found(view: &View, which: Which, activity: Activity, host: &Host) -> Result<Row, Failure> {
    if let Some(gate) = view.gate(host, activity) {
        let message = consulting::message(&gate, which).await;
        return message.map_err(|fault| failed(&gate, Owner::default(), fault));
    }
    let ledger = host.ledger();
    let found = match which {
        Which::Id(id) => ledger.message(id).await?,
        // The operator may see any row.
        Which::Number(number) => ledger.row(number).await?.map(|(row, _)| row),
    };
    found.ok_or_else(|| {
        Failure::Input(match which {
            Which::Id(id) => format!("the ledger has no message {id}"),
            Which::Number(number) => format!("the ledger has no row {number}"),
        })
    })
}

/// `koppel messages NUMBER`. A user sees what is known of the message; the
/// bytes are another activity.
async fn show(view: &View, which: Which, host: &Host, out: &Output) -> Result<(), Failure> {
    let row = found(view, which, id::GetMessageByMessageId, host).await?;
    if view.viewer.is_some() {
        out.result(&json!({"message": row}), || print(&row));
        return Ok(());
    }
    let found = host.ledger().row(row.seq).await?;
    let body = found.and_then(|(_, body)| body);
    let text = body.as_deref().map(String::from_utf8_lossy);
    let damaged = host.ledger().content(&row).await.err();
    let damaged = damaged.filter(|error| {
        matches!(
            error,
            ContentError::Damaged(_) | ContentError::Erased { .. }
        )
    });
    let problem = damaged.as_ref().map(ToString::to_string);
    let mut shown = json!({"message": row, "body": text});
    if let Some(problem) = &problem {
        shown["damaged"] = json!(problem);
    }
    out.result(&shown, || {
        print(&row);
        if let Some(problem) = &problem {
            anstream::println!("{RED}{problem}{RED:#}");
        }
        match &text {
            Some(text) => anstream::println!("\n{}", printable(text)),
            None if problem.is_some() => {}
            None => anstream::println!("\nthe bytes were too many to keep"),
        }
    });
    Ok(())
}

fn print(row: &Row) {
    anstream::println!("{BOLD}{} {}{BOLD:#}", row.kind, one_line(&row.summary));
    anstream::println!(
        "{DIM}{} run {} client {} user {} employer {}{DIM:#}",
        row.time,
        row.context.run,
        row.context.client,
        row.context.user,
        row.context.employer
    );
    if row.is_message() {
        anstream::println!("id {}", row.id);
    }
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
}

/// `koppel messages NUMBER --output FILE`.
async fn save(
    args: &Messages,
    which: Which,
    file: &Path,
    host: &Host,
    out: &Output,
) -> Result<(), Failure> {
    let activity = id::GetMessageContentByMessageId;
    let row = found(&args.view, which, activity, host).await?;
    let content = host.ledger().content(&row).await;
    let Content { bytes, sha256 } =
        content.map_err(|error| Failure::Failed(format!("{which}: {error}")))?;
    if file == Path::new("-") {
        let mut stdout = std::io::stdout().lock();
        return stdout
            .write_all(&bytes)
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::Failed(format!("standard output: {error}")));
    }
    write(file, &bytes, args.force)?;
    let sha256 = hex::encode(sha256);
    out.result(
        &json!({"file": file, "bytes": bytes.len(), "sha256": sha256}),
        || {
            anstream::println!(
                "{GREEN}wrote{GREEN:#} {}: {} bytes, SHA-256 {sha256}",
                file.display(),
                bytes.len()
            );
        },
    );
    Ok(())
}

/// Writes a file that appears whole, for its owner only, because it holds
/// payroll data. One that exists is replaced only if that is asked for.
pub(super) fn write(file: &Path, bytes: &[u8], replace: bool) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", file.display()));
    match std::fs::symlink_metadata(file) {
        // Never a device, or what a link leads to.
        Ok(found) if !found.is_file() => {
            return Err(Failure::Input(format!("{} is no file", file.display())));
        }
        Ok(_) if !replace => return Err(exists(file)),
        _ => {}
    }
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut made =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    made.write_all(bytes)
        .and_then(|()| made.as_file().sync_all())
        .map_err(failed)?;
    let kept = if replace {
        made.persist(file)
    } else {
        made.persist_noclobber(file)
    };
    match kept {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(exists(file)),
        Err(error) => Err(failed(error.error)),
    }
}

fn exists(file: &Path) -> Failure {
    Failure::Input(format!(
        "{} exists already; --force replaces it",
        file.display()
    ))
}
