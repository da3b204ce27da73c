//! Books a journal run in Exact Online as a general journal entry, reads it
//! back and marks the run as processed.
//!
//! Each line carries a marker with the id of the journal run. Before anything
//! is booked, Exact is asked for entries with that marker: a journal run that
//! was booked before (for example because a reply was lost) is not booked
//! again. The credentials are added by the host, which also sees to it that one
//! run at a time books a journal run.

mod booking;
mod exact;

use booking::Booking;
use exact::Exact;
use koppel_sdk::{
    Connector, ConnectorError, Context, Delivery, JournalConnector, Outcome, journal, log,
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
        let run = journal::run(journal_run_id)?;
        let exact = Exact::new(&context.settings);
        let booking = Booking::read(&run, &context.settings)?;
        let number = book(&exact, &booking)?;
        journal::mark_as_processed(&run, &number)?;
        Ok(booking.survey.outcome(Delivery::Booked, number))
    }
}

koppel_sdk::export!(JournalExact as journal);

/// Books what is not booked yet, and proves that it is there. Returns the
/// number of the entry.
fn book(exact: &Exact<'_>, booking: &Booking<'_>) -> Result<String, ConnectorError> {
    let existing = exact.entries_marked(&booking.marker, booking.year, booking.period)?;
    let (number, lines) = match existing {
        Some((number, lines)) => {
            log::warn(format!(
                "entry {number} was booked for this journal run before; it is not booked again"
            ));
            (number, lines)
        }
        None => {
            let known = exact.accounts(&booking.codes())?;
            let accounts = booking.account_ids(&known)?;
            let id = exact.post(booking, &accounts)?;
            exact
                .lines_of(&id)
                .map_err(|error| journal::booked(&id, error))?
        }
    };
    booking.compare(&number, &lines)?;
    Ok(number)
}
