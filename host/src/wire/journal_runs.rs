//! Journal runs (journaliseringen), their lines and errors:
//! `GetJournalRunsByPayrollAdministrationId`, `GetJournalRunByJournalRunId`,
//! `GetJournalRunResultsByJournalRunId`, `GetJournalRunErrorsByJournalRunId`,
//! `PatchJournalRunByJournalRunId`.

use super::shared::{Amount, Coded, Id, KeyDescription, KeyValue, Moment, Period};
use crate::bindings::koppel::loket::journal_runs as record;
use crate::bindings::koppel::loket::journal_runs::{JournalRunChange, JournalRunStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A journal run. The payroll administration is in the path of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalRun {
    /// Its identifier.
    pub id: Id,
    /// Where it stands.
    pub journal_run_status: Status,
    /// The payroll run that it books.
    pub payroll_run: BookedRun,
    /// Its number within the payroll administration.
    pub sequence_number: u32,
    /// When the journal was made.
    pub processing_finished_time: Option<Moment>,
}

/// The payroll run that a journal run books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookedRun {
    /// Its identifier.
    pub payroll_run_id: Id,
    /// Its period.
    pub payroll_period: Period,
}

/// The status of a journal run: in JSON Loket's key 0 to 7 with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "KeyValue", try_from = "StatusKey")]
pub struct Status(pub JournalRunStatus);

/// The statuses in the order of Loket's keys. Of the texts only that of 4 is
/// known to be Loket's; who reads should look at the key.
const STATUSES: [(JournalRunStatus, &str); 8] = [
    (
        JournalRunStatus::ReadyToJournalise,
        "Gereed om te journaliseren",
    ),
    (JournalRunStatus::NoResults, "Geen resultaten"),
    (JournalRunStatus::Failed, "Journaliseren mislukt"),
    (JournalRunStatus::Deleted, "Verwijderd"),
    (JournalRunStatus::Ready, "Journaal gereed"),
    (
        JournalRunStatus::BeingExported,
        "Journaal wordt geëxporteerd",
    ),
    (JournalRunStatus::ExportFailed, "Exporteren mislukt"),
    (JournalRunStatus::Exported, "Journaal geëxporteerd"),
];

#[derive(Deserialize, JsonSchema)]
struct StatusKey {
    key: u32,
}

impl TryFrom<StatusKey> for Status {
    type Error = String;

    fn try_from(StatusKey { key }: StatusKey) -> Result<Self, Self::Error> {
        usize::try_from(key)
            .ok()
            .and_then(|key| STATUSES.get(key))
            .map(|(status, _)| Self(*status))
            .ok_or_else(|| format!("{key} is not a status of a journal run (0 to 7)"))
    }
}

impl From<Status> for KeyValue {
    fn from(Status(status): Status) -> Self {
        let known = (0..).zip(STATUSES).find(|(_, (known, _))| *known == status);
        let (key, text) = known.map_or((0, ""), |(key, (_, text))| (key, text));
        Self {
            key,
            value: text.to_owned(),
        }
    }
}

impl JournalRun {
    /// The record, of this payroll administration.
    pub fn into_record(self, payroll_administration_id: String) -> record::JournalRun {
        record::JournalRun {
            id: self.id.0,
            payroll_administration_id,
            payroll_run_id: self.payroll_run.payroll_run_id.0,
            payroll_period: self.payroll_run.payroll_period.into(),
            status: self.journal_run_status.0,
            sequence_number: self.sequence_number,
            processing_finished_time: self.processing_finished_time.map(|time| time.0),
        }
    }
}

impl From<record::JournalRun> for JournalRun {
    fn from(run: record::JournalRun) -> Self {
        Self {
            id: Id(run.id),
            journal_run_status: Status(run.status),
            payroll_run: BookedRun {
                payroll_run_id: Id(run.payroll_run_id),
                payroll_period: run.payroll_period.into(),
            },
            sequence_number: run.sequence_number,
            processing_finished_time: run.processing_finished_time.map(Moment),
        }
    }
}

/// A line of a journal. Not both amounts can be other than zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", try_from = "LineAsWritten")]
pub struct JournalLine {
    /// The general ledger account (grootboekrekening).
    pub general_ledger_account: Coded,
    /// The cost centre (kostenplaats).
    pub cost_center: Option<Coded>,
    /// The cost unit (kostendrager).
    pub cost_unit: Option<Coded>,
    /// The payroll component that it books.
    pub payroll_component: KeyDescription,
    /// The debit amount, in euros.
    pub debet_amount: Amount,
    /// The credit amount, in euros.
    pub credit_amount: Amount,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LineAsWritten {
    general_ledger_account: Coded,
    cost_center: Option<Coded>,
    cost_unit: Option<Coded>,
    payroll_component: KeyDescription,
    debet_amount: Amount,
    credit_amount: Amount,
}

impl TryFrom<LineAsWritten> for JournalLine {
    type Error = &'static str;

    fn try_from(line: LineAsWritten) -> Result<Self, Self::Error> {
        if line.debet_amount != Amount(0) && line.credit_amount != Amount(0) {
            return Err("has both a debetAmount and a creditAmount");
        }
        Ok(Self {
            general_ledger_account: line.general_ledger_account,
            cost_center: line.cost_center,
            cost_unit: line.cost_unit,
            payroll_component: line.payroll_component,
            debet_amount: line.debet_amount,
            credit_amount: line.credit_amount,
        })
    }
}

impl From<JournalLine> for record::JournalLine {
    fn from(line: JournalLine) -> Self {
        Self {
            general_ledger_account: line.general_ledger_account.into(),
            cost_center: line.cost_center.map(Into::into),
            cost_unit: line.cost_unit.map(Into::into),
            payroll_component: line.payroll_component.into(),
            debit_amount: line.debet_amount.0,
            credit_amount: line.credit_amount.0,
        }
    }
}

impl From<record::JournalLine> for JournalLine {
    fn from(line: record::JournalLine) -> Self {
        Self {
            general_ledger_account: line.general_ledger_account.into(),
            cost_center: line.cost_center.map(Into::into),
            cost_unit: line.cost_unit.map(Into::into),
            payroll_component: line.payroll_component.into(),
            debet_amount: Amount(line.debit_amount),
            credit_amount: Amount(line.credit_amount),
        }
    }
}

/// Why a line of a journal could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalRunError {
    /// Its identifier.
    pub id: Id,
    /// The number of the employee, if it is about one. The capital is Loket's.
    #[serde(rename = "PayrollEmployeeNumber")]
    pub payroll_employee_number: Option<u32>,
    /// The general ledger account, if one was found.
    pub general_ledger_account: Option<Coded>,
    /// The payroll component.
    pub payroll_component: KeyDescription,
    /// What is wrong.
    pub error: KeyValue,
}

impl From<JournalRunError> for record::JournalRunError {
    fn from(error: JournalRunError) -> Self {
        Self {
            id: error.id.0,
            payroll_employee_number: error.payroll_employee_number,
            general_ledger_account: error.general_ledger_account.map(Into::into),
            payroll_component: error.payroll_component.into(),
            error: error.error.into(),
        }
    }
}

impl From<record::JournalRunError> for JournalRunError {
    fn from(error: record::JournalRunError) -> Self {
        Self {
            id: Id(error.id),
            payroll_employee_number: error.payroll_employee_number,
            general_ledger_account: error.general_ledger_account.map(Into::into),
            payroll_component: error.payroll_component.into(),
            error: error.error.into(),
        }
    }
}

/// The body of `PATCH …/journalruns/{journalrunId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What to do.
    pub action: Action,
    /// The reference of the booking, or why it failed. Loket shows it to the
    /// user.
    #[serde(default)]
    pub message: Option<String>,
}

/// What to do with a journal run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Action {
    /// It was booked.
    MarkAsProcessed,
    /// It could not be booked.
    MarkAsProcessingFailed,
}

impl From<Change> for JournalRunChange {
    fn from(change: Change) -> Self {
        let message = change.message.unwrap_or_default();
        match change.action {
            Action::MarkAsProcessed => Self::MarkAsProcessed(message),
            Action::MarkAsProcessingFailed => Self::MarkAsProcessingFailed(message),
        }
    }
}

impl From<JournalRunChange> for Change {
    fn from(change: JournalRunChange) -> Self {
        let (action, message) = match change {
            JournalRunChange::MarkAsProcessed(message) => (Action::MarkAsProcessed, message),
            JournalRunChange::MarkAsProcessingFailed(message) => {
                (Action::MarkAsProcessingFailed, message)
            }
        };
        Self {
            action,
            message: Some(message),
        }
    }
}
