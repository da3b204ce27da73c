//! Writes a journal run as CSV (RFC 4180), for accounting packages and
//! spreadsheets that read nothing better: UTF-8, lines that end in CR LF, one
//! header line with Dutch names, then one line for each journal line.
//!
//! | Column | Holds |
//! |---|---|
//! | `Dagboek` | the journal in the accounting package (setting `journal-id`) |
//! | `Boekstuk` | the entry: year, period and number of the journal run |
//! | `Datum` | the last day of the period, ISO 8601 |
//! | `Boekjaar`, `Periode` | year and period |
//! | `Regel` | the number of the line, from 1 |
//! | `Grootboekrekening`, `Omschrijving grootboekrekening` | the ledger account: code and description |
//! | `Looncomponent` | the payroll component |
//! | `Kostenplaats`, `Kostendrager` | the codes of cost centre and cost unit |
//! | `Debet`, `Credit` | the amounts in euros, two decimals, both always there |
//!
//! A spreadsheet takes a cell that starts with `=`, `+`, `-`, `@`, a tab or a
//! carriage return for a formula, and a formula can send data elsewhere. Such a
//! cell gets an apostrophe in front, unless it is a plain number: a sign, digits,
//! and one decimal comma or point at most.

mod cell;

use cell::{amount, safe};
use koppel_sdk::types::{JournalLine, JournalRun};
use koppel_sdk::{Connector, ConnectorError, Context, JournalConnector, Outcome, journal};

/// The connector.
pub struct JournalCsv;

/// The settings in the operator's configuration. The defaults are what Dutch
/// spreadsheets expect.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// What stands between two columns.
    pub separator: Separator,
    /// What stands before the cents.
    pub decimal: Decimal,
    /// The code of the journal (dagboek) in the accounting package.
    pub journal_id: String,
}

/// What stands between two columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
pub enum Separator {
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// `,`
    #[serde(rename = ",")]
    Comma,
}

/// What stands before the cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
pub enum Decimal {
    /// `,`
    #[serde(rename = ",")]
    Comma,
    /// `.`
    #[serde(rename = ".")]
    Point,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            separator: Separator::Semicolon,
            decimal: Decimal::Comma,
            journal_id: "SAL".to_owned(),
        }
    }
}

/// The header line.
const COLUMNS: [&str; 13] = [
    "Dagboek",
    "Boekstuk",
    "Datum",
    "Boekjaar",
    "Periode",
    "Regel",
    "Grootboekrekening",
    "Omschrijving grootboekrekening",
    "Looncomponent",
    "Kostenplaats",
    "Kostendrager",
    "Debet",
    "Credit",
];

impl Connector for JournalCsv {
    const NAME: &'static str = "journal-csv";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Writes journal runs as CSV";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        Ok(format!(
            "files go to journal {} as journaal_<year>-<period>_<number>_<id>.csv",
            context.settings.journal_id
        ))
    }
}

impl JournalConnector for JournalCsv {
    fn process_journal_run(
        context: &Context<Settings>,
        journal_run_id: &str,
    ) -> Result<Outcome, ConnectorError> {
        let run = journal::run(journal_run_id)?;
        let survey = journal::survey(&run, |_| None)?;
        let name = format!("journaal_{}_{}.csv", entry(&run), journal::short_id(&run));
        journal::export(&run, &name, &survey, |file| {
            let mut csv = csv::WriterBuilder::new()
                .delimiter(match context.settings.separator {
                    Separator::Semicolon => b';',
                    Separator::Comma => b',',
                })
                .terminator(csv::Terminator::CRLF)
                .from_writer(file);
            csv.write_record(COLUMNS).map_err(failed)?;
            journal::revisit(&run, &survey, |number, line| {
                let row = row(&context.settings, &run, number, &line);
                csv.write_record(row).map_err(failed)
            })?;
            csv.flush()?;
            Ok(())
        })
    }
}

koppel_sdk::export!(JournalCsv as journal);

/// What the entry is called: `2025-06_6`.
fn entry(run: &JournalRun) -> String {
    let period = &run.payroll_period;
    format!(
        "{}-{:02}_{}",
        period.year, period.period_number, run.sequence_number
    )
}

fn row(settings: &Settings, run: &JournalRun, number: u32, line: &JournalLine) -> [String; 13] {
    let period = &run.payroll_period;
    let code = |coded: &Option<koppel_sdk::types::Coded>| {
        safe(coded.as_ref().map_or("", |coded| coded.code.as_str()))
    };
    [
        safe(&settings.journal_id),
        entry(run),
        period.period_end_date.clone(),
        period.year.to_string(),
        period.period_number.to_string(),
        number.to_string(),
        safe(line.general_ledger_account.code.trim()),
        safe(&line.general_ledger_account.description),
        safe(&line.payroll_component.value),
        code(&line.cost_center),
        code(&line.cost_unit),
        amount(line.debit_amount, settings.decimal),
        amount(line.credit_amount, settings.decimal),
    ]
}

/// The error of the writer: that of the file, which it carries.
fn failed(error: csv::Error) -> ConnectorError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        kind => ConnectorError::Other(format!("CSV: {kind:?}")),
    }
}
