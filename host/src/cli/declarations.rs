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
use crate::text::clean;
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
enum KindArg {
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

/// Why something was not done, for the person at the command line.
fn failed(host: &Host, who: &Who, fault: Fault) -> Failure {
    match fault {
        Fault::Guest(ActivityError::Denied(denial)) => {
            let _ = (host, who);
            Failure::Denied(format!(
                "denied by check {}: {}: {}",
                crate::authorization::name(denial.check),
                denial.activity,
                denial.reason
            ))
        }
        Fault::Guest(ActivityError::NotFound(id)) => Failure::Input(format!("there is no {id}")),
        Fault::Guest(ActivityError::Conflict(why)) => Failure::Failed(why),
        Fault::Guest(error) => Failure::Failed(format!("{error:?}")),
        Fault::Host(error) => Failure::Failed(format!("{error:#}")),
    }
}
