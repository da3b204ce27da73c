//! Writes a journal run as an XML Auditfile Financieel 3.2, the Dutch standard
//! for exchanging ledgers, for loading into an accounting package by hand.
//!
//! The lines are read twice, a page at a time: first to count and to check,
//! then to write. So the file of a journal of any size takes little memory,
//! and nothing is written that does not balance.

mod survey;
mod xaf;

use koppel_sdk::types::{JournalRun, JournalRunChange, JournalRunStatus, PayrollAdministration};
use koppel_sdk::{
    Connector, ConnectorError, Context, Delivery, JournalConnector, Outcome, activities, exports,
    log,
};
use survey::Survey;

/// The connector.
pub struct JournalXaf;

/// The settings in the operator's configuration.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// The code of the journal (dagboek) in the accounting package.
    pub journal_id: String,
    /// What the journal is called.
    pub journal_description: String,
    /// How the codes of balance sheet accounts begin; all others are profit
    /// and loss accounts. The default is that of the Dutch reference chart of
    /// accounts (RGS): 0 to 3 are balance sheet, 4 and up are profit and loss.
    pub balance_account_prefixes: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            journal_id: "SAL".to_owned(),
            journal_description: "Salarissen".to_owned(),
            balance_account_prefixes: ["0", "1", "2", "3"].map(ToOwned::to_owned).to_vec(),
        }
    }
}

impl Connector for JournalXaf {
    const NAME: &'static str = "journal-xaf";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Writes journal runs as XML Auditfile Financieel 3.2";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        check_settings(&context.settings)?;
        let employer = activities::get_employer_by_employer_id(&context.employer_id)?;
        Ok(format!(
            "files for {} go to journal {} as XAF32_{}_<year>-<period>_<number>.xaf",
            employer.company_name, context.settings.journal_id, employer.employer_number
        ))
    }
}

impl JournalConnector for JournalXaf {
    fn process_journal_run(
        context: &Context<Settings>,
        journal_run_id: &str,
    ) -> Result<Outcome, ConnectorError> {
        check_settings(&context.settings)?;
        let run = activities::get_journal_run_by_journal_run_id(journal_run_id)?;
        check_status(&run)?;
        let employer = activities::get_employer_by_employer_id(&context.employer_id)?;
        let administration = administration(&context.employer_id, &run)?;
        let survey = Survey::of(journal_run_id)?;

        let period = &run.payroll_period;
        let name = format!(
            "XAF32_{}_{}-{:02}_{}.xaf",
            employer.employer_number, period.year, period.period_number, run.sequence_number
        );
        let mut file = exports::create(&name)?;
        xaf::write(
            &mut file,
            &context.settings,
            &employer,
            &administration,
            &run,
            &survey,
        )?;
        let receipt = file.finish()?;
        log::info(format!(
            "{}: {} lines, {} bytes, SHA-256 {}",
            receipt.name, survey.lines, receipt.size, receipt.sha256
        ));
        activities::patch_journal_run_by_journal_run_id(
            journal_run_id,
            &JournalRunChange::MarkAsProcessed(receipt.name.clone()),
        )?;
        Ok(Outcome {
            delivery: Delivery::Exported,
            reference: receipt.name,
            lines: survey.lines,
            total: survey.debit.0,
        })
    }
}

koppel_sdk::export!(JournalXaf as journal);

fn check_settings(settings: &Settings) -> Result<(), ConnectorError> {
    // XAF 3.2: IdentificationString35.
    if settings.journal_id.is_empty() || settings.journal_id.chars().count() > 35 {
        return Err(ConnectorError::InvalidSettings(
            "journal-id must have 1 to 35 characters".to_owned(),
        ));
    }
    Ok(())
}

/// Only what is ready, or failed before, is exported.
fn check_status(run: &JournalRun) -> Result<(), ConnectorError> {
    match run.status {
        JournalRunStatus::Ready | JournalRunStatus::ExportFailed => Ok(()),
        status => Err(ConnectorError::Refused(format!(
            "journal run {} is not ready to export: its status is {status:?}",
            run.id
        ))),
    }
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
