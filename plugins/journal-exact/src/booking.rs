//! A journal run as it is to be booked.

use crate::Settings;
use crate::exact::EntryLine;
use koppel_sdk::journal::{self, Faults, Survey};
use koppel_sdk::types::{JournalLine, JournalRun};
use koppel_sdk::{Cents, ConnectorError};
use std::collections::{BTreeMap, BTreeSet};

/// A journal run as it is to be booked. Exact takes an entry as one request,
/// so all of its lines are in memory.
pub(crate) struct Booking<'a> {
    settings: &'a Settings,
    /// What marks the lines of this journal run in Exact.
    pub(crate) marker: String,
    pub(crate) year: u32,
    pub(crate) period: u32,
    /// The day that it is booked on: the last of the period.
    pub(crate) date: String,
    pub(crate) lines: Vec<JournalLine>,
    pub(crate) survey: Survey,
}

/// What Exact takes of a line; a credit is negative.
pub(crate) fn amount(line: &JournalLine) -> Cents {
    Cents(line.debit_amount) - Cents(line.credit_amount)
}

impl<'a> Booking<'a> {
    /// Reads the lines.
    ///
    /// # Errors
    ///
    /// As for [`journal::read`].
    pub(crate) fn read(run: &JournalRun, settings: &'a Settings) -> Result<Self, ConnectorError> {
        let period = &run.payroll_period;
        let (lines, survey) = journal::read(run)?;
        Ok(Self {
            settings,
            marker: format!("koppel:{}", run.id),
            year: period.year,
            period: period.period_number,
            date: period.period_end_date.clone(),
            lines,
            survey,
        })
    }

    /// The code in Exact of the account of a line.
    fn account<'b>(&'b self, line: &'b JournalLine) -> &'b str {
        let code = line.general_ledger_account.code.trim();
        let mapped = self.settings.account_map.get(code);
        mapped.map_or(code, String::as_str)
    }

    /// The codes of the accounts in Exact, each once.
    pub(crate) fn codes(&self) -> BTreeSet<&str> {
        self.lines.iter().map(|line| self.account(line)).collect()
    }

    /// The id of the account of each line, by the ids that Exact has for the
    /// codes.
    ///
    /// # Errors
    ///
    /// `refused` when Exact has no such account, with the lines named.
    pub(crate) fn account_ids<'b>(
        &self,
        known: &'b BTreeMap<String, String>,
    ) -> Result<Vec<&'b str>, ConnectorError> {
        let mut faults = Faults::default();
        let mut ids = Vec::new();
        for (number, line) in (1..).zip(&self.lines) {
            let code = self.account(line);
            match known.get(code) {
                Some(id) => ids.push(id.as_str()),
                None => faults.add(
                    number,
                    line,
                    &format!(
                        "has ledger account {code}, which division {} does not have",
                        self.settings.division
                    ),
                ),
            }
        }
        faults.refuse("; make it, or map it in account-map")?;
        Ok(ids)
    }

    /// Compares with what is in Exact.
    ///
    /// # Errors
    ///
    /// `outside-party` when the number of lines or the sum of the debit
    /// amounts differs: then a person has to look.
    pub(crate) fn compare(&self, number: &str, booked: &[EntryLine]) -> Result<(), ConnectorError> {
        let debit = |amounts: &mut dyn Iterator<Item = Cents>| -> Cents {
            amounts.filter(|amount| *amount > Cents::ZERO).sum()
        };
        let ours = debit(&mut self.lines.iter().map(amount));
        let theirs = debit(&mut booked.iter().map(|line| line.amount));
        if self.lines.len() == booked.len() && ours == theirs {
            return Ok(());
        }
        Err(ConnectorError::OutsideParty(format!(
            "entry {number} in Exact Online has {} lines and debit {theirs}, the journal run has {} lines and debit {ours}; correct the entry by hand",
            booked.len(),
            self.lines.len()
        )))
    }
}
