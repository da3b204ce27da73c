//! What connectors of kind journal share: reading a journal that can be booked,
//! naming what is wrong with one that cannot, and marking it as processed.
//!
//! ```no_run
//! # fn post(_: &[koppel_sdk::types::JournalLine]) -> Result<String, koppel_sdk::ConnectorError> { todo!() }
//! use koppel_sdk::{ConnectorError, Delivery, Outcome, journal};
//!
//! fn process_journal_run(journal_run_id: &str) -> Result<Outcome, ConnectorError> {
//!     let run = journal::run(journal_run_id)?;
//!     let (lines, survey) = journal::read(&run)?;
//!     let reference = post(&lines)?;
//!     journal::mark_as_processed(&run, &reference)?;
//!     Ok(survey.outcome(Delivery::Booked, reference))
//! }
//! ```

use crate::exports::{self, ExportError, ExportFile};
use crate::http::{HttpErrorKind, Request, Response};
use crate::types::{JournalLine, JournalRun, JournalRunChange, JournalRunStatus};
use crate::{Cents, ConnectorError, Delivery, Outcome, activities, log};
use std::collections::BTreeMap;

/// How many lines are named at most.
const NAMED: usize = 10;

/// What a journal holds that can be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The number of lines.
    pub lines: u32,
    /// The sum of the debit amounts, equal to that of the credit amounts.
    pub total: Cents,
    /// The codes of the ledger accounts in use, with their descriptions.
    pub accounts: BTreeMap<String, String>,
}

impl Survey {
    /// What to answer when all of it was booked or exported.
    pub fn outcome(&self, delivery: Delivery, reference: String) -> Outcome {
        Outcome {
            delivery,
            reference,
            lines: self.lines,
            total: self.total.0,
        }
    }
}

/// A journal run that may be booked. The host calls a connector for no other;
/// its status is then that it is being exported, by this run.
///
/// # Errors
///
/// `refused` at any other status, and as for
/// [`activities::get_journal_run_by_journal_run_id`].
pub fn run(journal_run_id: &str) -> Result<JournalRun, ConnectorError> {
    use JournalRunStatus::{BeingExported, ExportFailed, Ready};
    let run = activities::get_journal_run_by_journal_run_id(journal_run_id)?;
    match run.status {
        Ready | BeingExported | ExportFailed => Ok(run),
        status => Err(ConnectorError::Refused(format!(
            "journal run {} is not ready to export: its status is {status:?}",
            run.id
        ))),
    }
}

/// Calls `visit` with each line of a journal and its number, from 1. Takes the
/// memory of one page.
///
/// # Errors
///
/// Those of `visit`, and as for
/// [`activities::get_journal_run_results_by_journal_run_id`].
pub fn visit(
    run: &JournalRun,
    mut visit: impl FnMut(u32, JournalLine) -> Result<(), ConnectorError>,
) -> Result<(), ConnectorError> {
    let pages = activities::pages(|page| {
        activities::get_journal_run_results_by_journal_run_id(&run.id, page)
    });
    let mut number = 0;
    for page in pages {
        for line in page? {
            number += 1;
            visit(number, line)?;
        }
    }
    Ok(())
}

/// As [`visit`], to write a journal that was surveyed before.
///
/// # Errors
///
/// Those of [`visit`], and `refused` when it is not the journal that was
/// surveyed any more, after the last line.
pub fn revisit(
    run: &JournalRun,
    survey: &Survey,
    mut visit_line: impl FnMut(u32, JournalLine) -> Result<(), ConnectorError>,
) -> Result<(), ConnectorError> {
    let (mut lines, mut debit, mut credit) = (0, Cents::ZERO, Cents::ZERO);
    visit(run, |number, line| {
        lines = number;
        debit += Cents(line.debit_amount);
        credit += Cents(line.credit_amount);
        visit_line(number, line)
    })?;
    if (lines, debit, credit) == (survey.lines, survey.total, survey.total) {
        return Ok(());
    }
    Err(ConnectorError::Refused(format!(
        "the journal changed while it was exported: {} lines and {} debit, then {lines} lines and {debit} debit, {credit} credit",
        survey.lines, survey.total
    )))
}

/// Reads a journal once, in the memory of one page, and says whether it can be
/// booked. `fault` says what else is wrong with a line, for example that its
/// account is longer than the format allows: `has ledger account …`.
///
/// # Errors
///
/// `refused`, with the lines named, when there are no lines, when a line has
/// no ledger account, is both debit and credit or has a fault, or when the
/// journal does not balance.
pub fn survey(
    run: &JournalRun,
    fault: impl Fn(&JournalLine) -> Option<String>,
) -> Result<Survey, ConnectorError> {
    survey_each(run, fault, |_| ())
}

/// Reads a whole journal into memory, for a party that takes it as one request.
///
/// # Errors
///
/// As for [`survey`].
pub fn read(run: &JournalRun) -> Result<(Vec<JournalLine>, Survey), ConnectorError> {
    let mut lines = Vec::new();
    let survey = survey_each(run, |_| None, |line| lines.push(line))?;
    Ok((lines, survey))
}

fn survey_each(
    run: &JournalRun,
    fault: impl Fn(&JournalLine) -> Option<String>,
    mut keep: impl FnMut(JournalLine),
) -> Result<Survey, ConnectorError> {
    let mut survey = Survey {
        lines: 0,
        total: Cents::ZERO,
        accounts: BTreeMap::new(),
    };
    let mut credit = Cents::ZERO;
    let mut faults = Faults::default();
    visit(run, |number, line| {
        survey.lines = number;
        survey.total += Cents(line.debit_amount);
        credit += Cents(line.credit_amount);
        if let Some(fault) = own_fault(&line).or_else(|| fault(&line)) {
            faults.add(number, &line, &fault);
        }
        let account = &line.general_ledger_account;
        let code = account.code.trim();
        if !survey.accounts.contains_key(code) {
            let description = account.description.clone();
            survey.accounts.insert(code.to_owned(), description);
        }
        keep(line);
        Ok(())
    })?;
    if survey.lines == 0 {
        return Err(ConnectorError::Refused(
            "the journal has no lines".to_owned(),
        ));
    }
    faults.refuse("")?;
    if survey.total != credit {
        return Err(unbalanced(run, survey.total, credit)?);
    }
    Ok(survey)
}

/// What is wrong with a line wherever it is booked.
fn own_fault(line: &JournalLine) -> Option<String> {
    if line.general_ledger_account.code.trim().is_empty() {
        return Some("has no ledger account".to_owned());
    }
    if line.debit_amount != 0 && line.credit_amount != 0 {
        return Some("is both debit and credit".to_owned());
    }
    None
}

/// Names the lines of a journal that does not balance: those whose amount is
/// the difference (its counterpart may be missing) or half of it (it may be on
/// the wrong side), or else all.
fn unbalanced(
    run: &JournalRun,
    debit: Cents,
    credit: Cents,
) -> Result<ConnectorError, ConnectorError> {
    let difference = (debit - credit).abs();
    let (mut suspects, mut all) = (Faults::default(), Faults::default());
    visit(run, |number, line| {
        let (debit, credit) = (Cents(line.debit_amount), Cents(line.credit_amount));
        let text = if line.credit_amount == 0 {
            format!("debit {debit}")
        } else {
            format!("credit {credit}")
        };
        let amount = (debit + credit).abs();
        if amount == difference || amount + amount == difference {
            suspects.add(number, &line, &text);
        }
        all.add(number, &line, &text);
        Ok(())
    })?;
    let (what, lines) = if suspects.count == 0 {
        ("its lines", all)
    } else {
        ("lines with the difference or half of it", suspects)
    };
    Ok(ConnectorError::Refused(format!(
        "the journal does not balance: debit {debit}, credit {credit}, difference {difference}; {what}: {lines}"
    )))
}

/// Lines with what is wrong with each; the first ten are named.
///
/// ```
/// use koppel_sdk::{ConnectorError, journal::Faults, testing::line};
///
/// let mut faults = Faults::default();
/// faults.add(3, &line("4000", "Lonen", 100, 0), "has ledger account 4000, which division 1 does not have");
/// assert_eq!(
///     faults.refuse("; map it in account-map"),
///     Err(ConnectorError::Refused(
///         "line 3 (Brutoloon) has ledger account 4000, which division 1 does not have; map it in account-map".to_owned()
///     ))
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct Faults {
    named: Vec<String>,
    count: usize,
}

impl Faults {
    /// Adds a line, by its number from 1, and what is wrong with it.
    pub fn add(&mut self, number: u32, line: &JournalLine, what: &str) {
        self.count += 1;
        if self.named.len() < NAMED {
            let component = &line.payroll_component.value;
            self.named
                .push(format!("line {number} ({component}) {what}"));
        }
    }

    /// Refuses the journal if there is any; `advice` follows the lines.
    ///
    /// # Errors
    ///
    /// `refused`, with the lines named.
    pub fn refuse(&self, advice: &str) -> Result<(), ConnectorError> {
        if self.count == 0 {
            return Ok(());
        }
        Err(ConnectorError::Refused(format!("{self}{advice}")))
    }
}

impl std::fmt::Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.named.join("; "))?;
        match self.count - self.named.len() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Sends the request that books a journal. Every reply that says for certain
/// whether it was booked is given back, whatever its status.
///
/// # Errors
///
/// `outside-party` when it is not known whether it was booked: no complete
/// reply came, or one with status 500 or above. The next run of the connector
/// then has to find out, so it must look for the booking before it books.
/// `other` when the host did not allow the request.
pub fn post(request: Request) -> Result<Response, ConnectorError> {
    let unknown = |why: String| {
        ConnectorError::OutsideParty(format!(
            "{why}; it is not known whether the journal was booked. Run it again: what was booked is found, and not booked twice"
        ))
    };
    let url = request.url.clone();
    match request.send() {
        Ok(reply) if reply.status() >= 500 => {
            Err(unknown(format!("{url}: status {}", reply.status())))
        }
        Ok(reply) => Ok(reply),
        Err(error) if matches!(error.kind, HttpErrorKind::Refused(_)) => Err(error.into()),
        Err(error) => Err(unknown(error.to_string())),
    }
}

/// An error after the journal was booked: what was `unavailable` is that no
/// more, which would say that nothing was booked.
pub fn booked(reference: &str, error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Unavailable(_) => ConnectorError::OutsideParty(format!(
            "it was booked as {reference}, but there is no answer now; run it again"
        )),
        error => error,
    }
}

/// Marks a journal run as processed, after it was booked or exported.
///
/// # Errors
///
/// As for [`activities::patch_journal_run_by_journal_run_id`], and [`booked`].
pub fn mark_as_processed(run: &JournalRun, reference: &str) -> Result<(), ConnectorError> {
    let change = JournalRunChange::MarkAsProcessed(reference.to_owned());
    match activities::patch_journal_run_by_journal_run_id(&run.id, &change) {
        Ok(_) => Ok(()),
        Err(error) => Err(booked(reference, error.into())),
    }
}

/// Exports a journal run as a file, and marks it as processed. The name must be
/// that of no other journal run: a file that is there already is this one,
/// exported before it could be marked. It is then left as it is.
///
/// # Errors
///
/// Those of `write`, and as for [`exports::create`], [`ExportFile::finish`] and
/// [`mark_as_processed`].
pub fn export(
    run: &JournalRun,
    name: &str,
    survey: &Survey,
    write: impl FnOnce(&mut ExportFile) -> Result<(), ConnectorError>,
) -> Result<Outcome, ConnectorError> {
    let written = exports::create(name)
        .map_err(Unwritten::File)
        .and_then(|mut file| {
            write(&mut file).map_err(Unwritten::Journal)?;
            file.finish().map_err(Unwritten::File)
        });
    match written {
        Ok(receipt) => log::info(format!(
            "{name}: {} lines, {} bytes, SHA-256 {}",
            survey.lines, receipt.size, receipt.sha256
        )),
        Err(Unwritten::File(ExportError::AlreadyExists)) => log::warn(format!(
            "{name} was exported before; it is left as it is, and the journal run is marked as processed"
        )),
        Err(Unwritten::File(error)) => return Err(error.into()),
        Err(Unwritten::Journal(error)) => return Err(error),
    }
    mark_as_processed(run, name)?;
    Ok(survey.outcome(Delivery::Exported, name.to_owned()))
}

enum Unwritten {
    File(ExportError),
    Journal(ConnectorError),
}

/// The first 8 hexadecimal digits of the identifier of a journal run, for the
/// name of its file: sequence numbers are unique only within a payroll
/// administration.
pub fn short_id(run: &JournalRun) -> &str {
    run.id.get(..8).unwrap_or(&run.id)
}
