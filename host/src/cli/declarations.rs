//! `koppel declarations`: what people do with payroll tax returns and pension
//! declarations.

mod print;

use super::Failure;
use super::output::Output;
use crate::bindings::koppel::loket::types::{
    ActivityError, DeclarationRequest, PageRequest, PeriodOfYear,
};
use crate::desk::Desk;
use crate::platform::{DeclarationKind, Entity};
use crate::runs::Host;
use crate::session::Fault;
use crate::text::printable;
use clap::{Args, Subcommand, ValueEnum};
use print::{done, print, print_all};
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

/// Which declaration.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The declaration.
    declaration: Uuid,
    /// Its employer: needed when the data is that of another platform, which
    /// does not say whose it is.
    #[arg(long)]
    employer: Option<Uuid>,
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
        #[command(flatten)]
        which: Which,
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
        #[command(flatten)]
        which: Which,
    },
    /// Cancels a declaration that was not sent.
    Cancel {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        which: Which,
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
            which,
            message,
        } => {
            let of = which.declaration;
            let (desk, kind) = desk_of(host, who, of, which.employer, false).await?;
            if *message {
                let message = desk.message(kind, of).await;
                let message = told(&desk, message).await?;
                let text = String::from_utf8_lossy(&message);
                out.result(&text, || anstream::println!("{}", printable(&text)));
                return Ok(());
            }
            let shown = desk.show(kind, of).await;
            let shown = told(&desk, shown).await?;
            out.result(&shown, || print(&shown));
            Ok(())
        }
        Command::Initiate { who, what } => initiate(host, who, what, out).await,
        Command::Confirm { who, which } => {
            let of = which.declaration;
            let (desk, kind) = desk_of(host, who, of, which.employer, true).await?;
            let confirmed = desk.confirm(kind, of).await;
            let confirmed = told(&desk, confirmed).await?;
            done("confirmed", &confirmed, out);
            Ok(())
        }
        Command::Cancel { who, which } => {
            let of = which.declaration;
            let (desk, kind) = desk_of(host, who, of, which.employer, true).await?;
            let cancelled = desk.cancel(kind, of).await;
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
    let desk = desk(host, who, Entity::Employer(employer), None).await?;
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
        let (desk, kind) = desk_of(host, who, corrects, what.employer, false).await?;
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
            desk(host, who, of, what.employer).await?,
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

/// The desk of the person for whoever something belongs to, or for the employer
/// that it is said to belong to.
async fn desk(host: &Host, who: &Who, of: Entity, employer: Option<Uuid>) -> Result<Desk, Failure> {
    let known = host.platform().finds_owners() || matches!(of, Entity::Employer(_));
    let of = match employer {
        Some(employer) => Entity::Employer(employer),
        None if known => of,
        None => {
            return Err(Failure::Input(format!(
                "the platform does not say whose {} is; add --employer",
                of.id()
            )));
        }
    };
    let found = host.desk(&who.client, &who.user, of).await;
    found
        .map_err(platform)?
        .ok_or_else(|| Failure::Input(format!("there is no {}", of.id())))
}

/// The desk of the person who wants to see a declaration or to `change` it, and
/// its kind.
async fn desk_of(
    host: &Host,
    who: &Who,
    declaration: Uuid,
    employer: Option<Uuid>,
    change: bool,
) -> Result<(Desk, DeclarationKind), Failure> {
    if !host.platform().finds_owners() {
        let any = DeclarationKind::PayrollTaxReturn.entity(declaration);
        let desk = desk(host, who, any, employer).await?;
        let kind = desk.kind(declaration, change).await;
        let kind = told(&desk, kind).await?;
        return Ok((desk, kind));
    }
    let found = host.platform().declaration_kind(declaration).await;
    let kind = found
        .map_err(platform)?
        .ok_or_else(|| Failure::Input(format!("there is no declaration {declaration}")))?;
    let desk = desk(host, who, kind.entity(declaration), employer).await?;
    Ok((desk, kind))
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
