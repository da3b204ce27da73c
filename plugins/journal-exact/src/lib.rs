//! Books a journal run in Exact Online as a general journal entry, reads it
//! back and marks the run as processed.
//!
//! Each line carries a marker with the id of the journal run. Before anything
//! is booked, Exact is asked for entries with that marker: a journal run that
//! was booked before (for example because a reply was lost) is not booked
//! again. The credentials are added by the host.

mod booking;
mod exact;

use booking::Booking;
use exact::Exact;
use koppel_sdk::types::{ActivityError, JournalRun, JournalRunChange, JournalRunStatus};
use koppel_sdk::{
    Connector, ConnectorError, Context, Delivery, JournalConnector, Outcome, activities, log,
};
use std::collections::BTreeMap;

/// The connector.
pub struct JournalExact;

/// The settings in the operator's configuration.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where Exact Online is; differs per country.
    #[serde(default = "default_base_url")]
    pub base_url: String,
    /// The division (administratie) to book in.
    pub division: u32,
    /// The code of the general journal (memoriaal).
    pub journal_code: String,
    /// Ledger accounts that have another code in Exact than in the payroll
    /// platform, by the code in the platform.
    #[serde(default)]
    pub account_map: BTreeMap<String, String>,
}

fn default_base_url() -> String {
    "https://start.exactonline.nl".to_owned()
}

impl Connector for JournalExact {
    const NAME: &'static str = "journal-exact";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Books journal runs in Exact Online";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        let description = Exact::new(&context.settings).journal()?;
        Ok(format!(
            "division {} has journal {} ({description})",
            context.settings.division, context.settings.journal_code
        ))
    }
}

impl JournalConnector for JournalExact {
    fn process_journal_run(
        context: &Context<Settings>,
        journal_run_id: &str,
    ) -> Result<Outcome, ConnectorError> {
        let run = activities::get_journal_run_by_journal_run_id(journal_run_id)?;
        check_status(&run)?;
        let exact = Exact::new(&context.settings);
        let booking = Booking::read(&run, &context.settings)?;
        let number = match book(&exact, &booking) {
            Ok(number) => number,
            Err(error) => {
                mark_as_failed(&run, &error)?;
                return Err(error);
            }
        };
        activities::patch_journal_run_by_journal_run_id(
            journal_run_id,
            &JournalRunChange::MarkAsProcessed(number.clone()),
        )?;
        Ok(Outcome {
            delivery: Delivery::Booked,
            reference: number,
            lines: booking.lines.len() as u32,
            total: booking.total.0,
        })
    }
}

koppel_sdk::export!(JournalExact as journal);

/// Books what is not booked yet, and proves that it is there. Returns the
/// number of the entry.
fn book(exact: &Exact<'_>, booking: &Booking) -> Result<String, ConnectorError> {
    let existing = exact.entries_marked(&booking.marker, booking.year, booking.period)?;
    let (number, lines) = match existing {
        Some((number, lines)) => {
            log::warn(format!(
                "entry {number} was booked for this journal run before; it is not booked again"
            ));
            (number, lines)
        }
        None => {
            let accounts = exact.accounts(&booking.codes())?;
            let id = exact.post(booking, &accounts)?;
            exact.lines_of(&id)?
        }
    };
    booking.compare(&number, &lines)?;
    Ok(number)
}

fn check_status(run: &JournalRun) -> Result<(), ConnectorError> {
    match run.status {
        JournalRunStatus::Ready | JournalRunStatus::ExportFailed => Ok(()),
        status => Err(ConnectorError::Refused(format!(
            "journal run {} is not ready to book: its status is {status:?}",
            run.id
        ))),
    }
}

/// Tells the platform that it failed, when that is final: what Exact or a rule
/// refused. What may work later leaves the run as it is.
fn mark_as_failed(run: &JournalRun, error: &ConnectorError) -> Result<(), ConnectorError> {
    let why = match error {
        ConnectorError::OutsideParty(why) | ConnectorError::Refused(why) => why,
        _ => return Ok(()),
    };
    let why: String = why.chars().take(250).collect();
    let change = JournalRunChange::MarkAsProcessingFailed(why);
    match activities::patch_journal_run_by_journal_run_id(&run.id, &change) {
        // A run that failed before stays failed.
        Ok(_) | Err(ActivityError::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
