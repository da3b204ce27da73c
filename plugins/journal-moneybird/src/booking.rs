//! A journal run as it is to be booked.

use crate::Settings;
use crate::api::{Account, Document, Entry};
use koppel_sdk::journal::{self, Faults, Survey};
use koppel_sdk::types::{JournalLine, JournalRun};
use koppel_sdk::{Cents, ConnectorError};

/// A journal run as it is to be booked. Moneybird takes a document as one
/// request, so all of its lines are in memory.
pub(crate) struct Booking<'a> {
    settings: &'a Settings,
    /// The reference of the document. Without `:` and `,`, which have a meaning
    /// in the filters of Moneybird.
    pub(crate) marker: String,
    /// The day that it is booked on: the last of the period.
    pub(crate) date: String,
    lines: Vec<JournalLine>,
    pub(crate) survey: Survey,
}

/// The debit and the credit of a line, neither of them negative: a negative
/// amount is a positive one on the other side.
fn sides(line: &JournalLine) -> (Cents, Cents) {
    let amount = Cents(line.debit_amount) - Cents(line.credit_amount);
    if amount < Cents::ZERO {
        (Cents::ZERO, -amount)
    } else {
        (amount, Cents::ZERO)
    }
}

impl<'a> Booking<'a> {
    /// Reads the lines.
    ///
    /// # Errors
    ///
    /// As for [`journal::read`].
    pub(crate) fn read(run: &JournalRun, settings: &'a Settings) -> Result<Self, ConnectorError> {
        let (lines, survey) = journal::read(run)?;
        Ok(Self {
            settings,
            marker: format!("koppel-{}", run.id),
            date: run.payroll_period.period_end_date.clone(),
            lines,
            survey,
        })
    }

    /// The entries of the document.
    ///
    /// # Errors
    ///
    /// `refused` when the administration has no account for a line, more than
    /// one, or one that may not be booked on, with the lines named.
    pub(crate) fn entries(&self, accounts: &[Account]) -> Result<Vec<Entry>, ConnectorError> {
        let mut faults = Faults::default();
        let mut entries = Vec::new();
        for (number, line) in (1..).zip(&self.lines) {
            match self.account(line, accounts) {
                Ok(account) => entries.push(self.entry(line, account)),
                Err(why) => faults.add(number, line, &why),
            }
        }
        faults.refuse("; make it in Moneybird, or map it in account-map")?;
        Ok(entries)
    }

    /// The account to book a line on, or what is wrong.
    fn account<'b>(
        &self,
        line: &JournalLine,
        accounts: &'b [Account],
    ) -> Result<&'b Account, String> {
        let code = line.general_ledger_account.code.trim();
        let wanted = match self.settings.account_map.get(code) {
            Some(mapped) => mapped.trim(),
            None => code,
        };
        let shown = if wanted == code {
            format!("has ledger account {code}")
        } else {
            format!("has ledger account {code}, mapped to {wanted}")
        };
        let administration = &self.settings.administration_id;
        let numbered = |account: &&Account| account.number.as_deref() == Some(wanted);
        let mut found: Vec<_> = accounts.iter().filter(numbered).collect();
        if found.is_empty() {
            // An account need not have a number.
            found = accounts.iter().filter(|a| a.id == wanted).collect();
        }
        match found.as_slice() {
            [account] if account.usable() => Ok(account),
            [account] => Err(format!(
                "{shown}, which administration {administration} does not let be booked on in a general journal document ({})",
                account.name
            )),
            [] => Err(format!(
                "{shown}, which administration {administration} does not have"
            )),
            many => Err(format!(
                "{shown}, which administration {administration} has {} times",
                many.len()
            )),
        }
    }

    fn entry(&self, line: &JournalLine, account: &Account) -> Entry {
        let (debit, credit) = sides(line);
        let mut description = line.payroll_component.value.clone();
        let mut project_id = None;
        if let Some(center) = &line.cost_center {
            match self.settings.project_map.get(&center.code) {
                Some(project) => project_id = Some(project.clone()),
                None => description += &format!(" (kostenplaats {})", center.code),
            }
        }
        if let Some(unit) = &line.cost_unit {
            description += &format!(" (kostendrager {})", unit.code);
        }
        Entry {
            ledger_account_id: account.id.clone(),
            debit: debit.to_string(),
            credit: credit.to_string(),
            description,
            project_id,
        }
    }

    /// Compares with what is in Moneybird.
    ///
    /// # Errors
    ///
    /// `outside-party` when the number of lines, the debit or the credit
    /// differs: then a person has to look.
    pub(crate) fn compare(&self, document: &Document) -> Result<(), ConnectorError> {
        let ours = (
            self.lines.len(),
            self.lines.iter().map(|line| sides(line).0).sum::<Cents>(),
            self.lines.iter().map(|line| sides(line).1).sum::<Cents>(),
        );
        let theirs = document.sums()?;
        if ours == theirs {
            return Ok(());
        }
        Err(ConnectorError::OutsideParty(format!(
            "document {} in Moneybird has {} lines, debit {} and credit {}; the journal run has {} lines, debit {} and credit {}; correct the document by hand",
            document.id, theirs.0, theirs.1, theirs.2, ours.0, ours.1, ours.2
        )))
    }
}
