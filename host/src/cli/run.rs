//! `koppel run` and `koppel import`.

use super::Failure;
use super::output::{DIM, GREEN, Output as Out, euros};
use crate::bindings::koppel::connector::types::ConnectorError;
use crate::config::{Reload, Watching};
use crate::runs::{Host, Job, Output, RunError, RunReport, RunRequest};
use crate::text::{one_line, printable};
use clap::Args;
use serde_json::json;
use std::path::Path;
use uuid::Uuid;

/// What to run.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The client.
    client: String,
    /// The user on whose behalf it runs.
    #[arg(long)]
    user: String,
    /// The employer that it is for.
    #[arg(long)]
    employer: Uuid,
    #[command(flatten)]
    job: JobArgs,
    /// Places --order again under this order-id, because its reply was lost.
    #[arg(long, value_name = "ORDER", requires = "order")]
    again: Option<Uuid>,
}

/// What a connector is asked to do.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct JobArgs {
    /// Books or exports this journal run.
    #[arg(long)]
    journal_run: Option<Uuid>,
    /// Looks this up, JSON.
    #[arg(long)]
    lookup: Option<String>,
    /// Asks a price for this, JSON.
    #[arg(long, value_name = "JSON")]
    quote: Option<String>,
    /// Orders this, JSON.
    #[arg(long, value_name = "JSON")]
    order: Option<String>,
    /// Cancels the order of this order-id.
    #[arg(long, value_name = "ORDER")]
    cancel: Option<Uuid>,
    /// Makes the message of this declaration, for a person to confirm.
    #[arg(long, value_name = "DECLARATION")]
    create_declaration: Option<Uuid>,
    /// Sends this declaration, which a person confirmed.
    #[arg(long, value_name = "DECLARATION")]
    submit_declaration: Option<Uuid>,
    /// Fetches what the outside party says of this declaration.
    #[arg(long, value_name = "DECLARATION")]
    poll_declaration: Option<Uuid>,
    /// Tests the settings and the connection.
    #[arg(long)]
    check: bool,
}

impl Run {
    fn request(&self) -> RunRequest {
        RunRequest {
            client: self.client.clone(),
            user: self.user.clone(),
            employer: self.employer,
            job: self.job.job(self.again),
        }
    }
}

impl JobArgs {
    /// The job that was asked for.
    pub(super) fn job(&self, again: Option<Uuid>) -> Job {
        let given = self;
        // The group sees to it that one is given, so what remains is the check.
        if let Some(id) = given.journal_run {
            Job::ProcessJournalRun(id)
        } else if let Some(query) = &given.lookup {
            Job::Lookup(query.clone())
        } else if let Some(request) = &given.quote {
            Job::Quote(request.clone())
        } else if let Some(request) = &given.order {
            let request = request.clone();
            Job::Order { request, again }
        } else if let Some(order) = given.cancel {
            Job::Cancel(order)
        } else if let Some(id) = given.create_declaration {
            Job::CreateDeclaration(id)
        } else if let Some(id) = given.submit_declaration {
            Job::SubmitDeclaration(id)
        } else if let Some(id) = given.poll_declaration {
            Job::PollDeclaration(id)
        } else {
            Job::Check
        }
    }
}

/// Watches the configuration: what the operator revokes meanwhile is denied
/// from the next call on.
pub(super) fn watch(host: &Host) -> Option<Watching> {
    let watching = host.live().watch(|reload| match reload {
        Reload::Replaced => tracing::info!("the configuration was replaced"),
        Reload::Kept(error) => {
            tracing::warn!(
                "the changed configuration is not used, the old one stays in force:\n{error}"
            );
        }
    });
    watching
        .inspect_err(|error| {
            tracing::warn!("changes of the configuration are not seen: {error}");
        })
        .ok()
}

/// `koppel run`.
pub(super) async fn run(run: &Run, host: &Host, out: &Out) -> Result<(), Failure> {
    let _watching = watch(host);
    let busy = out.busy(format!("{} is running", run.client));
    let report = host.run(run.request()).await;
    busy.finish_and_clear();
    show(&report, out);
    if run.job.order.is_some() && report.outcome.as_ref().is_err_and(may_be_placed) {
        let order = run.again.unwrap_or(report.run);
        out.line(&format!(
            "whether it was ordered is not known; the same --order with --again {order} orders it once at most"
        ));
    }
    report.outcome.map(|_| ()).map_err(Failure::Run)
}

/// Whether an order can have been placed although its run failed.
fn may_be_placed(error: &RunError) -> bool {
    matches!(
        error,
        RunError::Connector(
            ConnectorError::Unavailable(_)
                | ConnectorError::OutsideParty(_)
                | ConnectorError::Other(_)
        ) | RunError::Limit(_)
            | RunError::Crash(_)
            | RunError::BadAnswer(_)
            | RunError::Host(_)
    )
}

/// Shows how a run went; the error of a failed one is left to the caller.
pub(super) fn show(report: &RunReport, out: &Out) {
    let summary = json!({
        "run": report.run,
        "outcome": report.outcome.as_ref().ok(),
        "error": report.outcome.as_ref().err().map(|error| json!({"code": error.code(), "message": error.to_string()})),
        "log": report.log,
        "log-dropped": report.log_dropped,
        "duration-ms": report.duration.as_millis() as u64,
        "memory-bytes": report.memory,
        "cached": report.cached,
    });
    out.result(&summary, || print(report));
}

/// As [`show`], without JSON: for a command that has a result of its own.
pub(super) fn show_text(report: &RunReport, out: &Out) {
    out.text(|| print(report));
}

fn print(report: &RunReport) {
    for line in &report.log {
        anstream::println!("{DIM}{:>9}{DIM:#} {}", line.source.name(), line.text);
    }
    if report.log_dropped > 0 {
        anstream::println!(
            "{DIM}          {} lines did not fit{DIM:#}",
            report.log_dropped
        );
    }
    match &report.outcome {
        Ok(Output::JournalRun {
            delivery,
            reference,
            lines,
            total_cents,
        }) => anstream::println!(
            "{GREEN}{delivery}{GREEN:#} {}: {lines} lines, {} debit and credit",
            one_line(reference),
            euros(*total_cents)
        ),
        Ok(Output::Lookup { answer }) => {
            anstream::println!("{}", printable(&format!("{answer:#}")));
        }
        Ok(Output::Quote {
            reference,
            amount_cents,
            expires,
            details,
        }) => {
            anstream::println!(
                "{GREEN}quote{GREEN:#} {}: {} until {}",
                one_line(reference),
                euros(*amount_cents),
                one_line(expires)
            );
            anstream::println!("{}", printable(&format!("{details:#}")));
        }
        Ok(Output::Order {
            order,
            reference,
            amount_cents,
            repeated,
            details,
        }) => {
            let ordered = if *repeated {
                "ordered before"
            } else {
                "ordered"
            };
            anstream::println!(
                "{GREEN}{ordered}{GREEN:#} {}: {}, order-id {order}",
                one_line(reference),
                euros(*amount_cents)
            );
            anstream::println!("{}", printable(&format!("{details:#}")));
        }
        Ok(Output::Cancel {
            order,
            reference,
            details,
        }) => {
            anstream::println!(
                "{GREEN}cancelled{GREEN:#} {}, order-id {order}",
                one_line(reference)
            );
            anstream::println!("{}", printable(&format!("{details:#}")));
        }
        Ok(Output::DeclarationMessage {
            declaration,
            reference,
            bytes,
            sha256,
        }) => anstream::println!(
            "{GREEN}made{GREEN:#} message {reference} of declaration {declaration}: {bytes} bytes, SHA-256 {sha256}\na person confirms it with: koppel declarations confirm {declaration}"
        ),
        Ok(Output::Submission {
            declaration,
            reference,
            sha256,
        }) => anstream::println!(
            "{GREEN}sent{GREEN:#} declaration {declaration}, SHA-256 {sha256}; the outside party calls it {}",
            one_line(reference)
        ),
        Ok(Output::Responses {
            declaration,
            new,
            total,
        }) => anstream::println!(
            "{GREEN}fetched{GREEN:#} {new} new responses to declaration {declaration}, {total} in all"
        ),
        Ok(Output::Check { message }) => {
            anstream::println!("{GREEN}works{GREEN:#} {}", one_line(message));
        }
        Err(_) => {}
    }
    if let Some(run) = report.cached {
        anstream::println!("{DIM}from the cache: run {run} looked it up{DIM:#}");
    }
    anstream::println!(
        "{DIM}run {} took {} ms and {} KiB of memory{DIM:#}",
        report.run,
        report.duration.as_millis(),
        report.memory / 1024
    );
}

/// `koppel import`.
pub(super) async fn import(
    host: &Host,
    file: &Path,
    provider: Uuid,
    out: &Out,
) -> Result<(), Failure> {
    let read = std::fs::read(file);
    let json = read.map_err(|error| Failure::Input(format!("{}: {error}", file.display())))?;
    let embedded = host.embedded();
    let embedded = embedded.map_err(|error| Failure::Input(error.to_string()))?;
    let busy = out.busy(format!("importing {}", file.display()));
    let imported = embedded.import_json(&json, provider).await;
    busy.finish_and_clear();
    let summary = imported.map_err(|error| {
        Failure::Input(format!("{}: {error}\nnothing was imported", file.display()))
    })?;
    out.result(&summary, || {
        let counts = [
            (summary.employers, "employers"),
            (summary.payroll_administrations, "payroll administrations"),
            (summary.employees, "employees"),
            (summary.employments, "employments"),
            (summary.payroll_runs, "payroll runs"),
            (summary.payroll_run_results, "payroll run results"),
            (summary.journal_runs, "journal runs"),
            (summary.journal_lines, "journal lines"),
            (summary.journal_run_errors, "journal run errors"),
            (summary.vehicles, "vehicles"),
            (summary.companies, "companies"),
            (summary.insurance_contracts, "insurance contracts"),
            (summary.insured_wage_percentages, "insured wage percentages"),
        ];
        for (count, what) in counts {
            anstream::println!("{count:>8} {what}");
        }
        if summary.ignored_operations > 0 {
            anstream::println!(
                "{DIM}{:>8} operations of the file hold nothing that koppel keeps{DIM:#}",
                summary.ignored_operations
            );
        }
    });
    Ok(())
}
