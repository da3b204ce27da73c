//! Books a journal run in Moneybird as a general journal document
//! (memoriaalboeking), reads it back and marks the run as processed.
//!
//! The reference of the document is a marker with the id of the journal run.
//! Before anything is booked, Moneybird is asked for documents with that
//! reference: a journal run that was booked before (for example because a reply
//! was lost) is not booked again. The host adds the credential, a bearer token
//! with the scope `documents`, and sees to it that one run at a time books a
//! journal run.
//!
//! Moneybird has no cost centres. A cost centre can be mapped to a project
//! there; otherwise its code is in the description of the line, as that of a
//! cost unit is.

mod api;
mod booking;

use api::Moneybird;
use booking::Booking;
use koppel_sdk::{
    Connector, ConnectorError, Context, Delivery, JournalConnector, Outcome, journal, log,
};
use std::collections::BTreeMap;

/// The connector.
pub struct JournalMoneybird;

/// The settings in the operator's configuration.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where Moneybird is.
    #[serde(default = "default_base_url")]
    pub base_url: String,
    /// The id of the administration to book in: the number in its address.
    pub administration_id: String,
    /// The account in Moneybird for a ledger account of the payroll platform,
    /// by its code there: the number of the account in Moneybird, or its id.
    /// What is not mapped is looked for by its own code.
    #[serde(default)]
    pub account_map: BTreeMap<String, String>,
    /// The id of the project in Moneybird for a cost centre, by its code.
    #[serde(default)]
    pub project_map: BTreeMap<String, String>,
}

fn default_base_url() -> String {
    "https://moneybird.com".to_owned()
}

impl Connector for JournalMoneybird {
    const NAME: &'static str = "journal-moneybird";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Books journal runs in Moneybird";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        check_settings(&context.settings)?;
        let accounts = Moneybird::new(&context.settings).accounts()?;
        let usable = accounts.iter().filter(|account| account.usable()).count();
        Ok(format!(
            "administration {} has {} ledger accounts, of which {usable} can be booked on in a general journal document",
            context.settings.administration_id,
            accounts.len()
        ))
    }
}

impl JournalConnector for JournalMoneybird {
    fn process_journal_run(
        context: &Context<Settings>,
        journal_run_id: &str,
    ) -> Result<Outcome, ConnectorError> {
        check_settings(&context.settings)?;
        let run = journal::run(journal_run_id)?;
        let moneybird = Moneybird::new(&context.settings);
        let booking = Booking::read(&run, &context.settings)?;
        let id = book(&moneybird, &booking)?;
        journal::mark_as_processed(&run, &id)?;
        Ok(booking.survey.outcome(Delivery::Booked, id))
    }
}

koppel_sdk::export!(JournalMoneybird as journal);

/// Both are part of addresses.
fn check_settings(settings: &Settings) -> Result<(), ConnectorError> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(&settings.administration_id) {
        return Err(ConnectorError::InvalidSettings(format!(
            "administration-id must be a number, not {:?}",
            settings.administration_id
        )));
    }
    match settings.project_map.values().find(|id| !digits(id)) {
        None => Ok(()),
        Some(id) => Err(ConnectorError::InvalidSettings(format!(
            "project-map: the id of a project must be a number, not {id:?}"
        ))),
    }
}

/// Books what is not booked yet, and proves that it is there. Returns the id of
/// the document.
fn book(moneybird: &Moneybird<'_>, booking: &Booking<'_>) -> Result<String, ConnectorError> {
    let document = match moneybird.find(&booking.marker, &booking.date)? {
        Some(document) => {
            log::warn(format!(
                "document {} was booked for this journal run before; it is not booked again",
                document.id
            ));
            document
        }
        None => {
            let entries = booking.entries(&moneybird.accounts()?)?;
            let id = moneybird.post(&booking.marker, &booking.date, entries)?;
            moneybird
                .document(&id)
                .map_err(|error| journal::booked(&id, error))?
        }
    };
    booking.compare(&document)?;
    Ok(document.id)
}
