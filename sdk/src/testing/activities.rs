//! What the mock host answers to activities.

use super::MockHost;
use crate::types::*;

pub(super) fn not_found(id: &str) -> ActivityError {
    ActivityError::NotFound(id.to_owned())
}

/// A page of a list; the cursor is the index of the next item.
pub(super) fn page<T: Clone>(
    all: &[T],
    request: &PageRequest,
) -> Result<(Vec<T>, Option<String>, u64), ActivityError> {
    let start = match &request.cursor {
        Some(cursor) => cursor.parse().map_err(|_| not_found(cursor))?,
        None => 0_usize,
    };
    let items: Vec<T> = all
        .iter()
        .skip(start)
        .take(request.size as usize)
        .cloned()
        .collect();
    let end = start + items.len();
    let next = (end < all.len()).then(|| end.to_string());
    Ok((items, next, all.len() as u64))
}

macro_rules! page_as {
    ($page:ident, $all:expr, $request:expr) => {{
        let (items, next, total_size) = $crate::testing::activities::page($all, $request)?;
        Ok($page {
            items,
            next,
            total_size,
        })
    }};
}

pub(super) use page_as;

/// The activities, by the names that [`crate::activities`] calls.
impl MockHost {
    pub(crate) fn get_employers_by_user_id(
        &self,
        request: &PageRequest,
    ) -> Result<EmployerPage, ActivityError> {
        let all: Vec<_> = self.employers.values().cloned().collect();
        page_as!(EmployerPage, &all, request)
    }

    pub(crate) fn get_employer_by_employer_id(&self, id: &str) -> Result<Employer, ActivityError> {
        self.employers.get(id).cloned().ok_or_else(|| not_found(id))
    }

    pub(crate) fn get_payroll_administrations_by_employer_id(
        &self,
        employer: &str,
        request: &PageRequest,
    ) -> Result<PayrollAdministrationPage, ActivityError> {
        self.get_employer_by_employer_id(employer)?;
        let of = |a: &&PayrollAdministration| a.employer_id == employer;
        let all: Vec<_> = self
            .payroll_administrations
            .iter()
            .filter(of)
            .cloned()
            .collect();
        page_as!(PayrollAdministrationPage, &all, request)
    }

    pub(crate) fn get_payroll_runs_by_payroll_administration_id(
        &self,
        administration: &str,
        request: &PageRequest,
    ) -> Result<PayrollRunPage, ActivityError> {
        let of = |run: &&PayrollRun| run.payroll_administration_id == administration;
        let all: Vec<_> = self
            .payroll_runs
            .values()
            .map(|(run, _)| run)
            .filter(of)
            .cloned()
            .collect();
        page_as!(PayrollRunPage, &all, request)
    }

    pub(crate) fn get_payroll_run_by_payroll_run_id(
        &self,
        id: &str,
    ) -> Result<PayrollRun, ActivityError> {
        let found = self.payroll_runs.get(id).map(|(run, _)| run.clone());
        found.ok_or_else(|| not_found(id))
    }

    pub(crate) fn get_payroll_run_results_by_payroll_run_id(
        &self,
        id: &str,
        request: &PageRequest,
    ) -> Result<PayrollRunResultPage, ActivityError> {
        let (_, results) = self.payroll_runs.get(id).ok_or_else(|| not_found(id))?;
        page_as!(PayrollRunResultPage, results, request)
    }

    pub(crate) fn get_journal_runs_by_payroll_administration_id(
        &self,
        administration: &str,
        request: &PageRequest,
    ) -> Result<JournalRunPage, ActivityError> {
        let of = |run: &&JournalRun| run.payroll_administration_id == administration;
        let all: Vec<_> = self
            .journal_runs
            .values()
            .map(|(run, _, _)| run)
            .filter(of)
            .cloned()
            .collect();
        page_as!(JournalRunPage, &all, request)
    }

    pub(crate) fn get_journal_run_by_journal_run_id(
        &self,
        id: &str,
    ) -> Result<JournalRun, ActivityError> {
        let found = self.journal_runs.get(id).map(|(run, _, _)| run.clone());
        found.ok_or_else(|| not_found(id))
    }

    pub(crate) fn get_journal_run_results_by_journal_run_id(
        &self,
        id: &str,
        request: &PageRequest,
    ) -> Result<JournalLinePage, ActivityError> {
        let (run, lines, _) = self.journal_runs.get(id).ok_or_else(|| not_found(id))?;
        if run.status < JournalRunStatus::Ready {
            return Err(ActivityError::Conflict(
                "the journal run has no results".to_owned(),
            ));
        }
        page_as!(JournalLinePage, lines, request)
    }

    pub(crate) fn get_journal_run_errors_by_journal_run_id(
        &self,
        id: &str,
        request: &PageRequest,
    ) -> Result<JournalRunErrorPage, ActivityError> {
        let (_, _, errors) = self.journal_runs.get(id).ok_or_else(|| not_found(id))?;
        page_as!(JournalRunErrorPage, errors, request)
    }

    pub(crate) fn get_journal_run_export_audit_trail_by_journal_run_id(
        &self,
        id: &str,
        request: &PageRequest,
    ) -> Result<ExportAuditRecordPage, ActivityError> {
        self.get_journal_run_by_journal_run_id(id)?;
        let of = |(run, record): &(String, ExportAuditRecord)| (run == id).then(|| record.clone());
        let all: Vec<_> = self.audit_trail.iter().filter_map(of).collect();
        page_as!(ExportAuditRecordPage, &all, request)
    }

    pub(crate) fn patch_journal_run_by_journal_run_id(
        &mut self,
        id: &str,
        change: &JournalRunChange,
    ) -> Result<JournalRun, ActivityError> {
        let (run, _, _) = self.journal_runs.get(id).ok_or_else(|| not_found(id))?;
        use JournalRunStatus::{BeingExported, ExportFailed, Exported, Ready};
        let (status, reference, error) = match (change, run.status) {
            (
                JournalRunChange::MarkAsProcessed(reference),
                Ready | BeingExported | ExportFailed,
            ) => (Exported, Some(reference.clone()), None),
            (JournalRunChange::MarkAsProcessingFailed(reason), Ready | BeingExported) => {
                (ExportFailed, None, Some(reason.clone()))
            }
            _ => {
                return Err(ActivityError::Conflict(
                    "its status does not allow this".to_owned(),
                ));
            }
        };
        self.change_status(id, status, reference, error);
        self.get_journal_run_by_journal_run_id(id)
    }

    pub(crate) fn get_additional_taxliability_by_license_plate_number(
        &self,
        plate: &str,
    ) -> Result<AdditionalTaxLiability, ActivityError> {
        self.vehicles
            .get(plate)
            .cloned()
            .ok_or_else(|| not_found(plate))
    }

    pub(crate) fn get_company_information_by_chamber_of_commerce_number(
        &self,
        number: &str,
    ) -> Result<CompanyInformation, ActivityError> {
        self.companies
            .get(number)
            .cloned()
            .ok_or_else(|| not_found(number))
    }

    pub(crate) fn get_achmea_insurance_contracts_by_user_id(
        &self,
        request: &PageRequest,
    ) -> Result<AchmeaInsuranceContractPage, ActivityError> {
        let all: Vec<_> = self
            .insurance_contracts
            .iter()
            .map(|(c, _)| c.clone())
            .collect();
        page_as!(AchmeaInsuranceContractPage, &all, request)
    }

    pub(crate) fn get_wage_percentages_by_achmea_insurance_contract_id(
        &self,
        id: &str,
        request: &PageRequest,
    ) -> Result<InsuredWagePercentagePage, ActivityError> {
        let found = self.insurance_contracts.iter().find(|(c, _)| c.id == id);
        let (_, percentages) = found.ok_or_else(|| not_found(id))?;
        page_as!(InsuredWagePercentagePage, percentages, request)
    }
}
