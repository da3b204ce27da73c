//! From rows of the database to records of the contract. Each reader starts at
//! index 1; index 0 is the key of the list.

use crate::bindings::koppel::loket::employers::Employer;
use crate::bindings::koppel::loket::journal_runs::{
    Coded, JournalLine, JournalRun, JournalRunError, JournalRunStatus,
};
use crate::bindings::koppel::loket::payroll_administrations::PayrollAdministration;
use crate::bindings::koppel::loket::payroll_runs::{PayrollRun, PayrollRunResult};
use crate::bindings::koppel::loket::types::{KeyValue, PayrollPeriod};
use crate::bindings::koppel::loket::vehicles::AdditionalTaxLiability;
use rusqlite::types::Type;
use rusqlite::{Result, Row};
use uuid::Uuid;

pub(super) fn uuid(row: &Row<'_>, index: usize) -> Result<Uuid> {
    let text: String = row.get(index)?;
    Uuid::parse_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into()))
}

fn key_value(row: &Row<'_>, index: usize) -> Result<KeyValue> {
    Ok(KeyValue {
        key: row.get(index)?,
        value: row.get(index + 1)?,
    })
}

fn coded(row: &Row<'_>, index: usize) -> Result<Option<Coded>> {
    let code: Option<String> = row.get(index)?;
    let description: Option<String> = row.get(index + 1)?;
    Ok(code.map(|code| Coded {
        code,
        description: description.unwrap_or_default(),
    }))
}

fn period(row: &Row<'_>, index: usize) -> Result<PayrollPeriod> {
    Ok(PayrollPeriod {
        year: row.get(index)?,
        period_number: row.get(index + 1)?,
        period_start_date: row.get(index + 2)?,
        period_end_date: row.get(index + 3)?,
    })
}

pub(super) const EMPLOYER: &str = "id, number, company_name, chamber_of_commerce_number, street, house_number, postal_code, city, country";

pub(super) fn employer(row: &Row<'_>) -> Result<Employer> {
    Ok(Employer {
        id: row.get(1)?,
        employer_number: row.get(2)?,
        company_name: row.get(3)?,
        chamber_of_commerce_number: row.get(4)?,
        street: row.get(5)?,
        house_number: row.get(6)?,
        postal_code: row.get(7)?,
        city: row.get(8)?,
        country: row.get(9)?,
    })
}

pub(super) const PAYROLL_ADMINISTRATION: &str = "id, name, payroll_tax_number, employer";

pub(super) fn payroll_administration(row: &Row<'_>) -> Result<PayrollAdministration> {
    Ok(PayrollAdministration {
        id: row.get(1)?,
        name: row.get(2)?,
        payroll_tax_number: row.get(3)?,
        employer_id: row.get(4)?,
    })
}

pub(super) const PAYROLL_RUN: &str = "id, payroll_administration, year, period_number, period_start, period_end, status_key, status_value, sequence_number, approval_time";

pub(super) fn payroll_run(row: &Row<'_>) -> Result<PayrollRun> {
    Ok(PayrollRun {
        id: row.get(1)?,
        payroll_administration_id: row.get(2)?,
        payroll_period: period(row, 3)?,
        status: key_value(row, 7)?,
        sequence_number: row.get(9)?,
        approval_time: row.get(10)?,
    })
}

pub(super) const PAYROLL_RUN_RESULT: &str =
    "employment, component_key, component_value, column_key, column_value, value";

pub(super) fn payroll_run_result(row: &Row<'_>) -> Result<PayrollRunResult> {
    Ok(PayrollRunResult {
        employment_id: row.get(1)?,
        payroll_component: key_value(row, 2)?,
        column: key_value(row, 4)?,
        value: row.get(6)?,
    })
}

pub(super) const JOURNAL_RUN: &str = "id, payroll_administration, payroll_run, year, period_number, period_start, period_end, status, ord, processing_finished_time";

pub(super) fn journal_run(row: &Row<'_>) -> Result<JournalRun> {
    Ok(JournalRun {
        id: row.get(1)?,
        payroll_administration_id: row.get(2)?,
        payroll_run_id: row.get(3)?,
        payroll_period: period(row, 4)?,
        status: status(row.get(8)?)
            .ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(8, -1))?,
        sequence_number: row.get(9)?,
        processing_finished_time: row.get(10)?,
    })
}

/// The statuses, in the order of Loket's keys, with Loket's texts.
const STATUSES: [(JournalRunStatus, &str); 8] = [
    (JournalRunStatus::ReadyToJournalise, "ready to journalise"),
    (JournalRunStatus::NoResults, "no results"),
    (JournalRunStatus::Failed, "failed"),
    (JournalRunStatus::Deleted, "deleted"),
    (JournalRunStatus::Ready, "ready"),
    (JournalRunStatus::BeingExported, "being exported"),
    (JournalRunStatus::ExportFailed, "export failed"),
    (JournalRunStatus::Exported, "exported"),
];

/// The status with this key.
pub(super) fn status(key: usize) -> Option<JournalRunStatus> {
    STATUSES.get(key).map(|(status, _)| *status)
}

/// Loket's key of a status.
pub(super) fn key(status: JournalRunStatus) -> usize {
    STATUSES
        .iter()
        .position(|(known, _)| *known == status)
        .unwrap_or_default()
}

/// The words for a status.
pub(super) fn status_text(key: usize) -> &'static str {
    STATUSES.get(key).map_or("unknown", |(_, text)| text)
}

pub(super) const JOURNAL_LINE: &str = "account_code, account_description, cost_center_code, cost_center_description, cost_unit_code, cost_unit_description, component_key, component_value, debit, credit";

pub(super) fn journal_line(row: &Row<'_>) -> Result<JournalLine> {
    Ok(JournalLine {
        general_ledger_account: Coded {
            code: row.get(1)?,
            description: row.get(2)?,
        },
        cost_center: coded(row, 3)?,
        cost_unit: coded(row, 5)?,
        payroll_component: key_value(row, 7)?,
        debit_amount: row.get(9)?,
        credit_amount: row.get(10)?,
    })
}

pub(super) const JOURNAL_RUN_ERROR: &str = "id, payroll_employee_number, account_code, account_description, component_key, component_value, error_key, error_value";

pub(super) fn journal_run_error(row: &Row<'_>) -> Result<JournalRunError> {
    Ok(JournalRunError {
        id: row.get(1)?,
        payroll_employee_number: row.get(2)?,
        general_ledger_account: coded(row, 3)?,
        payroll_component: key_value(row, 5)?,
        error: key_value(row, 7)?,
    })
}

pub(super) const VEHICLE: &str =
    "license_plate_number, group_key, group_value, date_of_first_admission, value_for_tax_purposes";

pub(super) fn vehicle(row: &Row<'_>) -> Result<AdditionalTaxLiability> {
    Ok(AdditionalTaxLiability {
        license_plate_number: row.get(1)?,
        additional_tax_liability_group: key_value(row, 2)?,
        date_of_first_admission: row.get(4)?,
        value_for_tax_purposes: row.get(5)?,
    })
}
