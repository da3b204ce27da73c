//! `koppel declarations`: what people do with payroll tax returns and pension
//! declarations.

use super::Failure;
use super::output::{BOLD, DIM, GREEN, Output, RED, table};
use crate::bindings::koppel::loket::types::{
    ActivityError, DeclarationRequest, PageRequest, PeriodOfYear,
};
use crate::desk::{Declaration, Desk};
use crate::platform::{DeclarationKind, Entity};
use crate::runs::Host;
use crate::session::Fault;
use crate::text::{one_line, printable};
use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

/// Who acts, and through what.
#[derive(Debug, Args)]
pub(super) struct Who {
    /// The user who acts.
    #[arg(long)]
    user: String,
    /// The application through which the user acts: a client that has the
    /// activity (check 1).
    #[arg(long)]
    client: String,
}

/// A kind of declaration.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum KindArg {
    /// Payroll tax returns (loonaangiften).
    Tax,
    /// Pension declarations (uniforme pensioenaangifte).
    Upa,
}

impl From<KindArg> for DeclarationKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Tax => Self::PayrollTaxReturn,
            KindArg::Upa => Self::UpaPensionDeclaration,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the declarations of an employer.
    List {
        #[command(flatten)]
        who: Who,
        /// The employer.
        #[arg(long)]
        employer: Uuid,
        /// Only of this kind.
        #[arg(long)]
        kind: Option<KindArg>,
    },
    /// Shows a declaration and what came back.
    Show {
        #[command(flatten)]
        who: Who,
        /// The declaration.
        declaration: Uuid,
        /// Shows its message, XML, instead.
        #[arg(long)]
        message: bool,
    },
    /// Asks for a declaration of a period, or for a correction.
    Initiate {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        what: What,
    },
    /// Confirms a declaration: its message never changes after this, and may
    /// be sent.
    Confirm {
        #[command(flatten)]
        who: Who,
        /// The declaration.
        declaration: Uuid,
    },
    /// Cancels a declaration that was not sent.
    Cancel {
        #[command(flatten)]
        who: Who,
        /// The declaration.
        declaration: Uuid,
    },
}

#[derive(Debug, Args)]
pub(super) struct What {
    /// The kind of declaration.
    #[arg(long, requires = "period", required_unless_present = "corrects")]
    kind: Option<KindArg>,
    /// The payroll administration; may be left out where the employer has one.
    #[arg(long)]
    payroll_administration: Option<Uuid>,
    /// The employer.
    #[arg(long, required_unless_present_any = ["payroll_administration", "corrects"])]
    employer: Option<Uuid>,
    /// The period, such as `2022-01`: the year and the number of the period.
    #[arg(long, value_parser = period, conflicts_with = "corrects")]
    period: Option<(u32, u32)>,
    /// The declaration to correct, which was sent.
    #[arg(long)]
    corrects: Option<Uuid>,
}

fn period(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("{text:?} is not a period such as 2022-01");
    let (year, number) = text.split_once('-').ok_or_else(wrong)?;
    match (year.parse(), number.parse()) {
        (Ok(year), Ok(number)) if number > 0 => Ok((year, number)),
        _ => Err(wrong()),
    }
}

/// `koppel declarations`.
pub(super) async fn run(command: &Command, host: &Host, out: &Output) -> Result<(), Failure> {
    match command {
        Command::List {
            who,
            employer,
            kind,
        } => list(host, who, *employer, *kind, out).await,
        Command::Show {
            who,
            declaration,
            message,
        } => {
            let (desk, kind) = desk_of(host, who, *declaration).await?;
            if *message {
                let message = desk.message(kind, *declaration).await;
                let message = told(&desk, message).await?;
                let text = String::from_utf8_lossy(&message);
                out.result(&text, || anstream::println!("{}", printable(&text)));
                return Ok(());
            }
            let shown = desk.show(kind, *declaration).await;
            let shown = told(&desk, shown).await?;
            out.result(&shown, || print(&shown));
            Ok(())
        }
        Command::Initiate { who, what } => initiate(host, who, what, out).await,
        Command::Confirm { who, declaration } => {
            let (desk, kind) = desk_of(host, who, *declaration).await?;
            let confirmed = desk.confirm(kind, *declaration).await;
            let confirmed = told(&desk, confirmed).await?;
            done("confirmed", &confirmed, out);
            Ok(())
        }
        Command::Cancel { who, declaration } => {
            let (desk, kind) = desk_of(host, who, *declaration).await?;
            let cancelled = desk.cancel(kind, *declaration).await;
            let cancelled = told(&desk, cancelled).await?;
            done("cancelled", &cancelled, out);
            Ok(())
        }
    }
}

async fn list(
    host: &Host,
    who: &Who,
    employer: Uuid,
    kind: Option<KindArg>,
    out: &Output,
) -> Result<(), Failure> {
    let desk = desk(host, who, Entity::Employer(employer)).await?;
    let administrations = administrations(host, employer).await?;
    let kinds = match kind {
        Some(kind) => vec![kind.into()],
        None => DeclarationKind::ALL.to_vec(),
    };
    let mut all = Vec::new();
    for administration in administrations {
        for kind in &kinds {
            let found = desk.list(*kind, administration).await;
            all.extend(told(&desk, found).await?);
        }
    }
    out.result(&all, || print_all(&all));
    Ok(())
}

async fn initiate(host: &Host, who: &Who, what: &What, out: &Output) -> Result<(), Failure> {
    let (desk, kind, administration, request) = if let Some(corrects) = what.corrects {
        let (desk, kind) = desk_of(host, who, corrects).await?;
        let shown = desk.show(kind, corrects).await;
        let shown = told(&desk, shown).await?;
        let request = DeclarationRequest::CorrectionOf(corrects.to_string());
        let administration = shown.payroll_administration.parse();
        let administration = administration.map_err(|error| Failure::Failed(format!("{error}")))?;
        (desk, kind, administration, request)
    } else {
        let (Some(kind), Some((year, period_number))) = (what.kind, what.period) else {
            return Err(Failure::Input(
                "give --kind and --period, or --corrects".to_owned(),
            ));
        };
        let administration = match (what.payroll_administration, what.employer) {
            (Some(administration), _) => administration,
            (None, Some(employer)) => match administrations(host, employer).await?.as_slice() {
                [only] => *only,
                many => {
                    return Err(Failure::Input(format!(
                        "the employer has {} payroll administrations; name one with --payroll-administration",
                        many.len()
                    )));
                }
            },
            (None, None) => {
                return Err(Failure::Input(
                    "give --employer or --payroll-administration".to_owned(),
                ));
            }
        };
        let of = Entity::PayrollAdministration(administration);
        let request = DeclarationRequest::Period(PeriodOfYear {
            year,
            period_number,
        });
        (
            desk(host, who, of).await?,
            kind.into(),
            administration,
            request,
        )
    };
    let asked = desk.initiate(kind, administration, &request).await;
    let asked = told(&desk, asked).await?;
    done("asked for", &asked, out);
    Ok(())
}

async fn administrations(host: &Host, employer: Uuid) -> Result<Vec<Uuid>, Failure> {
    let page = PageRequest {
        cursor: None,
        size: 1000,
    };
    let found = host.platform().payroll_administrations(employer, &page);
    let found = found.await.map_err(platform)?;
    let ids = found.items.iter().map(|item| item.id.parse());
    ids.collect::<Result<_, _>>()
        .map_err(|error| Failure::Failed(format!("{error}")))
}

/// The desk of the person for whoever something belongs to.
async fn desk(host: &Host, who: &Who, of: Entity) -> Result<Desk, Failure> {
    let found = host.desk(&who.client, &who.user, of).await;
    found
        .map_err(platform)?
        .ok_or_else(|| Failure::Input(format!("there is no {}", of.id())))
}

async fn desk_of(
    host: &Host,
    who: &Who,
    declaration: Uuid,
) -> Result<(Desk, DeclarationKind), Failure> {
    let found = host.platform().declaration_kind(declaration).await;
    let kind = found
        .map_err(platform)?
        .ok_or_else(|| Failure::Input(format!("there is no declaration {declaration}")))?;
    Ok((desk(host, who, kind.entity(declaration)).await?, kind))
}

/// Why the platform did not answer.
fn platform(error: ActivityError) -> Failure {
    match error {
        ActivityError::Other(why) => Failure::Failed(why),
        error => Failure::Failed(format!("{error:?}")),
    }
}

/// What came of it, or why nothing did.
async fn told<T>(desk: &Desk, result: Result<T, Fault>) -> Result<T, Failure> {
    match result {
        Ok(done) => Ok(done),
        Err(fault) => Err(failed(desk, fault).await),
    }
}

/// Why something was not done, for the person at the command line.
async fn failed(desk: &Desk, fault: Fault) -> Failure {
    match fault {
        Fault::Guest(ActivityError::Denied(denial)) => Failure::Denied(format!(
            "denied by check {}: {}: {}\nto allow it, put in the configuration:\n  {}",
            crate::authorization::name(denial.check),
            denial.activity,
            denial.reason,
            desk.line_to_add(&denial).await
        )),
        Fault::Guest(ActivityError::NotFound(id)) => Failure::Input(format!("there is no {id}")),
        Fault::Guest(ActivityError::Conflict(why)) => Failure::Failed(why),
        Fault::Guest(error) => platform(error),
        Fault::Host(error) => Failure::Failed(format!("{error:#}")),
    }
}

fn done(what: &str, declaration: &Declaration, out: &Output) {
    out.result(declaration, || {
        anstream::println!(
            "{GREEN}{what}{GREEN:#} {} {}",
            declaration.kind,
            declaration.id
        );
        if let Some(sha256) = &declaration.message_sha256 {
            anstream::println!("its message has SHA-256 {sha256}");
        }
    });
}

fn print_all(all: &[Declaration]) {
    if all.is_empty() {
        anstream::println!("there are no declarations");
        return;
    }
    let mut table = table(&["Declaration", "Kind", "Period", "Nr", "Status", "Reference"]);
    for one in all {
        table.add_row([
            one.id.clone(),
            one.kind.to_owned(),
            format!("{}-{:02}", one.year, one.period_number),
            one.sequence_number.to_string(),
            format!("{} {}", one.status, one.status_text),
            one.message_reference.clone().unwrap_or_default(),
        ]);
    }
    anstream::println!("{table}");
}

fn print(one: &Declaration) {
    anstream::println!("{BOLD}{} {}{BOLD:#}", one.kind, one.id);
    let line = |name: &str, value: String| anstream::println!("  {name:<11} {}", one_line(&value));
    line("period", format!("{}-{:02}", one.year, one.period_number));
    line("number", one.sequence_number.to_string());
    line("status", format!("{} {}", one.status, one.status_text));
    if let Some(corrects) = &one.corrects {
        line("corrects", corrects.clone());
    }
    if let Some(why) = &one.failure {
        line("failure", why.clone());
    }
    if let (Some(reference), Some(sha256)) = (&one.message_reference, &one.message_sha256) {
        line("message", format!("{reference}, SHA-256 {sha256}"));
    }
    for (name, event) in [
        ("requested", Some(&one.requested)),
        ("confirmed", one.approved.as_ref()),
        ("cancelled", one.cancelled.as_ref()),
    ] {
        if let Some(event) = event {
            line(name, format!("{} by {}", event.time, event.user));
        }
    }
    if let Some(sent) = &one.sent {
        line("sent", sent.clone());
    }
    for response in &one.responses {
        let style = match response.status {
            "error" | "NOK" => RED,
            _ => GREEN,
        };
        anstream::println!(
            "  {style}{}{style:#} {} {} {}",
            response.status,
            one_line(&response.time),
            one_line(&response.reference),
            one_line(&response.description)
        );
        for line in &response.lines {
            let who = match line.employee_number {
                Some(number) => format!("employee {number}"),
                None => "all".to_owned(),
            };
            anstream::println!(
                "    {} {who}: {} {DIM}({}){DIM:#}",
                line.status,
                one_line(&line.description),
                one_line(&line.code)
            );
        }
    }
}
