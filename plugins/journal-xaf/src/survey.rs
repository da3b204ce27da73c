//! The first reading of the lines: what there is, and whether it is right.

use koppel_sdk::types::JournalLine;
use koppel_sdk::{Cents, ConnectorError, activities};
use std::collections::BTreeMap;

/// How many faulty lines are named.
const NAMED: usize = 10;

/// What a journal holds.
pub(crate) struct Survey {
    /// The number of lines.
    pub(crate) lines: u32,
    /// The sum of the debit amounts, equal to that of the credit amounts.
    pub(crate) debit: Cents,
    /// The ledger accounts in use, with their descriptions.
    pub(crate) accounts: BTreeMap<String, String>,
}

impl Survey {
    /// Reads all lines of a journal run.
    ///
    /// # Errors
    ///
    /// `refused` when there are none, when they do not balance, or when lines
    /// have no usable account; then they are named.
    pub(crate) fn of(journal_run: &str) -> Result<Self, ConnectorError> {
        let mut survey = Self {
            lines: 0,
            debit: Cents::ZERO,
            accounts: BTreeMap::new(),
        };
        let mut credit = Cents::ZERO;
        let mut faults = Vec::new();
        let pages = activities::pages(|page| {
            activities::get_journal_run_results_by_journal_run_id(journal_run, page)
        });
        for page in pages {
            for line in page? {
                survey.lines += 1;
                survey.debit += Cents(line.debit_amount);
                credit += Cents(line.credit_amount);
                if let Some(fault) = fault(&line) {
                    faults.push(format!(
                        "line {} ({}) {fault}",
                        survey.lines, line.payroll_component.value
                    ));
                }
                let account = line.general_ledger_account;
                survey
                    .accounts
                    .entry(account.code)
                    .or_insert(account.description);
            }
        }
        if survey.lines == 0 {
            return Err(ConnectorError::Refused(
                "the journal has no lines".to_owned(),
            ));
        }
        if !faults.is_empty() {
            let more = faults.len().saturating_sub(NAMED);
            faults.truncate(NAMED);
            let rest = if more > 0 {
                format!("; and {more} more")
            } else {
                String::new()
            };
            return Err(ConnectorError::Refused(format!(
                "{}{rest}",
                faults.join("; ")
            )));
        }
        if survey.debit != credit {
            return Err(ConnectorError::Refused(format!(
                "the journal does not balance: debit {}, credit {credit}, difference {}",
                survey.debit,
                (survey.debit - credit).abs()
            )));
        }
        Ok(survey)
    }
}

fn fault(line: &JournalLine) -> Option<String> {
    let code = &line.general_ledger_account.code;
    if code.trim().is_empty() {
        return Some("has no ledger account".to_owned());
    }
    // XAF 3.2: IdentificationString35.
    if code.chars().count() > 35 {
        return Some(format!(
            "has ledger account {code}, which is longer than 35 characters"
        ));
    }
    if line.debit_amount != 0 && line.credit_amount != 0 {
        return Some("is both debit and credit".to_owned());
    }
    None
}
