//! A journal run as it is to be booked.

use crate::Settings;
use crate::exact::EntryLine;
use koppel_sdk::types::JournalRun;
use koppel_sdk::{Cents, ConnectorError, activities};
use std::collections::BTreeSet;

/// A journal run as it is to be booked. Exact takes an entry as one request,
/// so all of its lines are in memory.
pub(crate) struct Booking {
    /// What marks the lines of this journal run in Exact.
    pub(crate) marker: String,
    pub(crate) year: u32,
    pub(crate) period: u32,
    /// The day that it is booked on: the last of the period.
    pub(crate) date: String,
    pub(crate) lines: Vec<BookingLine>,
    /// The sum of the debit amounts.
    pub(crate) total: Cents,
}

/// One line; a credit is negative.
pub(crate) struct BookingLine {
    /// The code of the account in Exact.
    pub(crate) account: String,
    pub(crate) amount: Cents,
    pub(crate) description: String,
    pub(crate) cost_center: Option<String>,
    pub(crate) cost_unit: Option<String>,
}

impl Booking {
    /// Reads the lines.
    ///
    /// # Errors
    ///
    /// `refused` when there are none, when they do not balance or when one has
    /// no account.
    pub(crate) fn read(run: &JournalRun, settings: &Settings) -> Result<Self, ConnectorError> {
        let period = &run.payroll_period;
        let mut booking = Self {
            marker: format!("koppel:{}", run.id),
            year: period.year,
            period: period.period_number,
            date: period.period_end_date.clone(),
            lines: Vec::new(),
            total: Cents::ZERO,
        };
        let mut credit = Cents::ZERO;
        let pages = activities::pages(|page| {
            activities::get_journal_run_results_by_journal_run_id(&run.id, page)
        });
        for page in pages {
            for line in page? {
                let code = line.general_ledger_account.code.trim();
                if code.is_empty() {
                    return Err(ConnectorError::Refused(format!(
                        "line {} ({}) has no ledger account",
                        booking.lines.len() + 1,
                        line.payroll_component.value
                    )));
                }
                booking.total += Cents(line.debit_amount);
                credit += Cents(line.credit_amount);
                let account = settings.account_map.get(code).map_or(code, String::as_str);
                booking.lines.push(BookingLine {
                    account: account.to_owned(),
                    amount: Cents(line.debit_amount) - Cents(line.credit_amount),
                    description: line.payroll_component.value,
                    cost_center: line.cost_center.map(|center| center.code),
                    cost_unit: line.cost_unit.map(|unit| unit.code),
                });
            }
        }
        if booking.lines.is_empty() {
            return Err(ConnectorError::Refused(
                "the journal has no lines".to_owned(),
            ));
        }
        if booking.total != credit {
            return Err(ConnectorError::Refused(format!(
                "the journal does not balance: debit {}, credit {credit}",
                booking.total
            )));
        }
        Ok(booking)
    }

    /// The codes of the accounts, each once.
    pub(crate) fn codes(&self) -> BTreeSet<&str> {
        self.lines
            .iter()
            .map(|line| line.account.as_str())
            .collect()
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
        let ours = debit(&mut self.lines.iter().map(|line| line.amount));
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
