//! `koppel journal-runs`: what is exported, what is being exported, and what a
//! process that died left behind.

use super::Failure;
use super::output::{BOLD, DIM, GREEN, Output, table};
use crate::bindings::koppel::loket::journal_runs::{ExportAuditRecord, ExportMethod, JournalRun};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::platform::{
    Attribution, Entity, ExportClaim, Platform, in_words, status_key, status_words,
};
use crate::runs::{Host, Release};
use crate::text::one_line;
use clap::Subcommand;
use serde_json::{Value, json};
use uuid::Uuid;

/// What to do with journal runs.
#[derive(Debug, Subcommand)]
pub(super) enum JournalRuns {
    /// Lists the journal runs of an employer, and which run has one.
    List {
        /// The employer.
        #[arg(long)]
        employer: Uuid,
    },
    /// Shows a journal run with its audit trail.
    Show {
        /// The journal run.
        id: Uuid,
        /// The employer that it belongs to: needed when the data is that of
        /// another platform, which does not say whose it is.
        #[arg(long)]
        employer: Option<Uuid>,
    },
    /// Frees a journal run that is being exported by a run whose process died:
    /// from status 5 to 6. First see what became of the booking.
    Release {
        /// The journal run.
        id: Uuid,
        /// The user who asks for it; must be allowed to change it.
        #[arg(long)]
        user: String,
        /// The employer that it belongs to.
        #[arg(long)]
        employer: Uuid,
        /// Why, for the audit trail.
        #[arg(long)]
        reason: String,
        /// The client to act as; by default the one whose run has it.
        #[arg(long)]
        client: Option<String>,
    },
}

/// `koppel journal-runs`.
pub(super) async fn journal_runs(
    command: &JournalRuns,
    host: &Host,
    out: &Output,
) -> Result<(), Failure> {
    match command {
        JournalRuns::List { employer } => list(*employer, host.platform(), out).await,
        JournalRuns::Show { id, employer } => show(*id, *employer, host.platform(), out).await,
        JournalRuns::Release {
            id,
            user,
            employer,
            reason,
            client,
        } => {
            let release = Release {
                journal_run: *id,
                client: client.clone(),
                user: user.clone(),
                employer: *employer,
                reason: reason.clone(),
            };
            let released = host.release_journal_run(&release).await;
            let run = released.map_err(Failure::Run)?;
            out.result(&run_json(&run, None), || {
                let status = status_words(run.status);
                anstream::println!(
                    "{GREEN}released{GREEN:#} {}: its status is {status}",
                    run.id
                );
            });
            Ok(())
        }
    }
}

async fn list(employer: Uuid, platform: &dyn Platform, out: &Output) -> Result<(), Failure> {
    platform.employer(employer).await.map_err(failure)?;
    let administrations = all(async |page| {
        let listed = platform.payroll_administrations(employer, page).await?;
        Ok((listed.items, listed.next))
    });
    let mut rows = Vec::new();
    for administration in administrations.await? {
        let id = uuid(&administration.id)?;
        let runs = all(async |page| {
            let listed = platform.journal_runs(id, page).await?;
            Ok((listed.items, listed.next))
        });
        for run in runs.await? {
            let claim = platform.export_claim(uuid(&run.id)?).await;
            rows.push((administration.name.clone(), run, claim.map_err(failure)?));
        }
    }
    let shown: Vec<_> = rows
        .iter()
        .map(|(_, run, claim)| run_json(run, claim.as_ref()))
        .collect();
    out.result(&shown, || {
        let mut table = table(&["Journal run", "Administration", "Period", "Nr", "Status"]);
        for (administration, run, claim) in &rows {
            let since = claim
                .as_ref()
                .map_or_else(String::new, |claim| format!(" since {}", claim.since));
            let period = &run.payroll_period;
            table.add_row([
                run.id.clone(),
                one_line(administration),
                format!("{}-{:02}", period.year, period.period_number),
                run.sequence_number.to_string(),
                format!("{}{since}", status_words(run.status)),
            ]);
        }
        anstream::println!("{table}");
    });
    Ok(())
}

async fn show(
    id: Uuid,
    employer: Option<Uuid>,
    platform: &dyn Platform,
    out: &Output,
) -> Result<(), Failure> {
    if !platform.finds_owners() {
        let employer = employer.ok_or_else(|| {
            Failure::Input(format!(
                "the platform does not say whose {id} is; add --employer"
            ))
        })?;
        let found = platform
            .owner_within(Entity::JournalRun(id), employer)
            .await;
        if !matches!(found.map_err(failure)?, Attribution::Owned(_)) {
            return Err(Failure::Input(format!(
                "the platform lists no journal run {id} under employer {employer}"
            )));
        }
    }
    let run = platform.journal_run(id).await.map_err(failure)?;
    let claim = platform.export_claim(id).await.map_err(failure)?;
    let trail = all(async |page| {
        let listed = platform.journal_run_export_audit_trail(id, page).await?;
        Ok((listed.items, listed.next))
    });
    let trail = trail.await?;
    let mut shown = run_json(&run, claim.as_ref());
    shown["audit-trail"] = trail.iter().map(record_json).collect();
    out.result(&shown, || {
        print(&run, claim.as_ref(), &trail, platform.finds_owners())
    });
    Ok(())
}

/// All items of a list, page after page.
async fn all<T>(
    mut get: impl AsyncFnMut(&PageRequest) -> Result<(Vec<T>, Option<String>), ActivityError>,
) -> Result<Vec<T>, Failure> {
    let mut page = PageRequest {
        cursor: None,
        size: 1000,
    };
    let mut all = Vec::new();
    loop {
        let (items, next) = get(&page).await.map_err(failure)?;
        all.extend(items);
        if next.is_none() {
            return Ok(all);
        }
        page.cursor = next;
    }
}

/// The payroll data gives identifiers as the contract does: as text.
fn uuid(id: &str) -> Result<Uuid, Failure> {
    id.parse()
        .map_err(|error| Failure::Failed(format!("{id}: {error}")))
}

fn failure(error: ActivityError) -> Failure {
    match error {
        ActivityError::NotFound(id) => Failure::Input(format!("there is no {id}")),
        error => Failure::Failed(in_words(&error)),
    }
}

fn method(method: ExportMethod) -> &'static str {
    match method {
        ExportMethod::Send => "send",
        ExportMethod::Download => "download",
    }
}

fn run_json(run: &JournalRun, claim: Option<&ExportClaim>) -> Value {
    json!({
        "id": run.id,
        "payroll-administration-id": run.payroll_administration_id,
        "payroll-run-id": run.payroll_run_id,
        "year": run.payroll_period.year,
        "period-number": run.payroll_period.period_number,
        "sequence-number": run.sequence_number,
        "status": status_key(run.status),
        "claim": claim.map(|claim| json!({
            "run": claim.by.run,
            "client": claim.by.client,
            "user": claim.by.user,
            "method": method(claim.method),
            "since": claim.since,
        })),
    })
}

fn record_json(record: &ExportAuditRecord) -> Value {
    json!({
        "id": record.id,
        "sequence-number": record.sequence_number,
        "export-status": status_key(record.export_status),
        "exported-by": record.exported_by,
        "exported-on": record.exported_on,
        "exported-to": record.exported_to,
        "method-of-exporting": record.method_of_exporting.map(method),
        "run": record.run_id,
        "reference": record.reference,
        "returned-error-message": record.returned_error_message,
    })
}

/// `own` says that the runs of the trail are those of this koppel.
fn print(run: &JournalRun, claim: Option<&ExportClaim>, trail: &[ExportAuditRecord], own: bool) {
    let period = &run.payroll_period;
    anstream::println!("{BOLD}journal run {}{BOLD:#}", run.id);
    anstream::println!(
        "  period   {}-{:02}, number {} of payroll administration {}",
        period.year,
        period.period_number,
        run.sequence_number,
        run.payroll_administration_id
    );
    anstream::println!("  status   {}", status_words(run.status));
    if let Some(claim) = claim {
        anstream::println!(
            "  claimed  by run {} (client {}, user {}) since {}",
            claim.by.run,
            claim.by.client,
            claim.by.user,
            claim.since
        );
    }
    if trail.is_empty() {
        anstream::println!("it was never exported through koppel");
        return;
    }
    let mut table = table(&["Nr", "Time", "Status", "User", "Client", "Method", "Says"]);
    for record in trail {
        let says = record
            .reference
            .as_ref()
            .or(record.returned_error_message.as_ref());
        table.add_row([
            record.sequence_number.to_string(),
            record.exported_on.clone(),
            status_words(record.export_status),
            one_line(&record.exported_by),
            one_line(&record.exported_to),
            record.method_of_exporting.map_or("", method).to_owned(),
            says.map_or_else(String::new, |says| one_line(says)),
        ]);
    }
    anstream::println!("{table}");
    if let Some(last) = trail.last().filter(|_| own) {
        anstream::println!(
            "{DIM}what left in the last run: koppel messages --run {}{DIM:#}",
            last.run_id
        );
    }
}
