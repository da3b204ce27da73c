//! Writes a journal run as an XML Auditfile Financieel, version 3.2 or 4.0, the
//! Dutch standard for exchanging ledgers, for loading into an accounting
//! package by hand.
//!
//! The lines are read twice, a page at a time: first to count and to check,
//! then to write. So the file of a journal of any size takes little memory,
//! and nothing is written that does not balance.

mod xaf;

use koppel_sdk::types::{JournalLine, JournalRun, PayrollAdministration};
use koppel_sdk::{
    Connector, ConnectorError, Context, JournalConnector, Outcome, activities, journal,
};
use std::fmt;

/// The connector.
pub struct JournalXaf;

/// The settings in the operator's configuration.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// The version of the format.
    pub version: Version,
    /// The code of the journal (dagboek) in the accounting package.
    pub journal_id: String,
    /// What the journal is called.
    pub journal_description: String,
    /// How the codes of balance sheet accounts begin; all others are profit
    /// and loss accounts. The default is that of the Dutch reference chart of
    /// accounts (RGS): 0 to 3 are balance sheet, 4 and up are profit and loss.
    pub balance_account_prefixes: Vec<String>,
}

/// A version of XML Auditfile Financieel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
pub enum Version {
    /// 3.2, of 2014.
    #[serde(rename = "3.2")]
    V32,
    /// 4.0, of 2025.
    #[serde(rename = "4.0")]
    V40,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V32 => "XAF32",
            Self::V40 => "XAF40",
        })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: Version::V32,
            journal_id: "SAL".to_owned(),
            journal_description: "Salarissen".to_owned(),
            balance_account_prefixes: ["0", "1", "2", "3"].map(ToOwned::to_owned).to_vec(),
        }
    }
}

impl Connector for JournalXaf {
    const NAME: &'static str = "journal-xaf";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Writes journal runs as XML Auditfile Financieel 3.2 or 4.0";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        check_settings(&context.settings)?;
        let employer = activities::get_employer_by_employer_id(&context.employer_id)?;
        Ok(format!(
            "files for {} go to journal {} as {}_{}_<year>-<period>_<number>_<id>.xaf",
            employer.company_name,
            context.settings.journal_id,
            context.settings.version,
            employer.employer_number
        ))
    }
}

impl JournalConnector for JournalXaf {
    fn process_journal_run(
        context: &Context<Settings>,
        journal_run_id: &str,
    ) -> Result<Outcome, ConnectorError> {
        check_settings(&context.settings)?;
        let run = journal::run(journal_run_id)?;
        let employer = activities::get_employer_by_employer_id(&context.employer_id)?;
        let administration = administration(&context.employer_id, &run)?;
        let survey = journal::survey(&run, too_long)?;
        let period = &run.payroll_period;
        let name = format!(
            "{}_{}_{}-{:02}_{}_{}.xaf",
            context.settings.version,
            employer.employer_number,
            period.year,
            period.period_number,
            run.sequence_number,
            journal::short_id(&run)
        );
        journal::export(&run, &name, &survey, |file| {
            xaf::write(
                file,
                &context.settings,
                &employer,
                &administration,
                &run,
                &survey,
            )
        })
    }
}

koppel_sdk::export!(JournalXaf as journal);

fn check_settings(settings: &Settings) -> Result<(), ConnectorError> {
    // Both versions: IdentificationString35.
    if settings.journal_id.is_empty() || settings.journal_id.chars().count() > 35 {
        return Err(ConnectorError::InvalidSettings(
            "journal-id must have 1 to 35 characters".to_owned(),
        ));
    }
    Ok(())
}

/// Both versions: IdentificationString35.
fn too_long(line: &JournalLine) -> Option<String> {
    let code = &line.general_ledger_account.code;
    (code.chars().count() > 35)
        .then(|| format!("has ledger account {code}, which is longer than 35 characters"))
}

/// The payroll administration of a run, for the tax number in the header.
fn administration(
    employer: &str,
    run: &JournalRun,
) -> Result<PayrollAdministration, ConnectorError> {
    let pages = activities::pages(|page| {
        activities::get_payroll_administrations_by_employer_id(employer, page)
    });
    for page in pages {
        let wanted = |a: &PayrollAdministration| a.id == run.payroll_administration_id;
        if let Some(found) = page?.into_iter().find(wanted) {
            return Ok(found);
        }
    }
    Err(ConnectorError::Other(format!(
        "the employer has no payroll administration {}",
        run.payroll_administration_id
    )))
}
