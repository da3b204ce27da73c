//! The activities: one function for each, named after the `operationId` of the
//! Loket REST API v2 in snake_case.
//!
//! Using a function is asking for its activity: the compiled component imports
//! it, and the operator must have granted it. Any call can be denied, also
//! when an earlier one was not: grants change while a connector runs.

#[cfg(not(target_family = "wasm"))]
use crate::testing as host;
use crate::types::*;
use std::fmt;

/// A page of a list.
pub trait Page {
    /// What it is a list of.
    type Item;

    /// The items, and the cursor of the next page.
    fn into_parts(self) -> (Vec<Self::Item>, Option<String>);
}

/// The size of the pages that [`pages`] asks for.
pub const PAGE_SIZE: u32 = 250;

/// The pages of a list, one at a time, so that a list of any length takes the
/// memory of one page. Ends after an error.
///
/// ```no_run
/// use koppel_sdk::activities::{self, pages};
///
/// # fn f(id: &str) -> Result<(), koppel_sdk::ConnectorError> {
/// for lines in pages(|page| activities::get_journal_run_results_by_journal_run_id(id, page)) {
///     for line in lines? {
///         println!("{}", line.debit_amount);
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub fn pages<P: Page>(
    mut get: impl FnMut(&PageRequest) -> Result<P, ActivityError>,
) -> impl Iterator<Item = Result<Vec<P::Item>, ActivityError>> {
    let mut request = Some(PageRequest {
        cursor: None,
        size: PAGE_SIZE,
    });
    std::iter::from_fn(move || {
        let page = get(&request.take()?);
        Some(page.map(|page| {
            let (items, next) = page.into_parts();
            request = next.map(|cursor| PageRequest {
                cursor: Some(cursor),
                size: PAGE_SIZE,
            });
            items
        }))
    })
}

macro_rules! pages_of {
    ($($page:ident of $item:ident),+ $(,)?) => {$(
        impl Page for $page {
            type Item = $item;

            fn into_parts(self) -> (Vec<$item>, Option<String>) {
                (self.items, self.next)
            }
        }
    )+};
}

pages_of! {
    EmployerPage of Employer,
    PayrollAdministrationPage of PayrollAdministration,
    PayrollRunPage of PayrollRun,
    PayrollRunResultPage of PayrollRunResult,
    JournalRunPage of JournalRun,
    JournalLinePage of JournalLine,
    JournalRunErrorPage of JournalRunError,
    EmployeePage of Employee,
    EmploymentPage of Employment,
    PayrollTaxReturnPage of PayrollTaxReturn,
    UpaPensionDeclarationPage of UpaPensionDeclaration,
    ExportAuditRecordPage of ExportAuditRecord,
    AchmeaInsuranceContractPage of AchmeaInsuranceContract,
    InsuredWagePercentagePage of InsuredWagePercentage,
}

macro_rules! activities {
    ($(
        $(#[$doc:meta])+
        $id:ident $function:ident($($argument:ident: $type:ty),+) -> $result:ty, $interface:ident;
    )+) => {
        $(
            $(#[$doc])+
            #[doc = concat!("\nActivity `", stringify!($id), "`.")]
            ///
            /// # Errors
            ///
            /// See [`ActivityError`].
            pub fn $function($($argument: $type),+) -> Result<$result, ActivityError> {
                #[cfg(target_family = "wasm")]
                {
                    crate::bindings::koppel::loket::$interface::$function($($argument),+)
                }
                #[cfg(not(target_family = "wasm"))]
                {
                    host::perform(stringify!($id), |host| host.$function($($argument),+))
                }
            }
        )+

        /// The `operationId` of each activity and the name of its function.
        pub const ACTIVITIES: &[(&str, &str)] = &[$((stringify!($id), stringify!($function))),+];
    };
}

activities! {
    /// The employers that the user may access, within the employer of the run.
    GetEmployersByUserId get_employers_by_user_id(page: &PageRequest) -> EmployerPage, employers;
    /// One employer.
    GetEmployerByEmployerId get_employer_by_employer_id(employer_id: &str) -> Employer, employers;
    /// The employees of an employer, without their citizen service numbers.
    GetEmployeesByEmployerId get_employees_by_employer_id(employer_id: &str, page: &PageRequest) -> EmployeePage, employees;
    /// The citizen service number (BSN) of an employee, if it is known.
    GetCitizenServiceNumberByEmployeeId get_citizen_service_number_by_employee_id(employee_id: &str) -> Option<String>, employees;
    /// The employments of an employer.
    GetEmploymentsByEmployerId get_employments_by_employer_id(employer_id: &str, page: &PageRequest) -> EmploymentPage, employments;
    /// The payroll administrations of an employer.
    GetPayrollAdministrationsByEmployerId get_payroll_administrations_by_employer_id(employer_id: &str, page: &PageRequest) -> PayrollAdministrationPage, payroll_administrations;
    /// The payroll runs of a payroll administration, newest period first.
    GetPayrollRunsByPayrollAdministrationId get_payroll_runs_by_payroll_administration_id(payroll_administration_id: &str, page: &PageRequest) -> PayrollRunPage, payroll_runs;
    /// One payroll run.
    GetPayrollRunByPayrollRunId get_payroll_run_by_payroll_run_id(payroll_run_id: &str) -> PayrollRun, payroll_runs;
    /// The results of a payroll run, one item per employment and component.
    GetPayrollRunResultsByPayrollRunId get_payroll_run_results_by_payroll_run_id(payroll_run_id: &str, page: &PageRequest) -> PayrollRunResultPage, payroll_runs;
    /// The journal runs of a payroll administration, newest first.
    GetJournalRunsByPayrollAdministrationId get_journal_runs_by_payroll_administration_id(payroll_administration_id: &str, page: &PageRequest) -> JournalRunPage, journal_runs;
    /// One journal run.
    GetJournalRunByJournalRunId get_journal_run_by_journal_run_id(journal_run_id: &str) -> JournalRun, journal_runs;
    /// The lines of a journal run; `conflict` while it has none.
    GetJournalRunResultsByJournalRunId get_journal_run_results_by_journal_run_id(journal_run_id: &str, page: &PageRequest) -> JournalLinePage, journal_runs;
    /// The errors of a journal run.
    GetJournalRunErrorsByJournalRunId get_journal_run_errors_by_journal_run_id(journal_run_id: &str, page: &PageRequest) -> JournalRunErrorPage, journal_runs;
    /// The changes of status of a journal run on its way out, oldest first.
    GetJournalRunExportAuditTrailByJournalRunId get_journal_run_export_audit_trail_by_journal_run_id(journal_run_id: &str, page: &PageRequest) -> ExportAuditRecordPage, journal_runs;
    /// Changes the status of a journal run and returns it as it is then.
    PatchJournalRunByJournalRunId patch_journal_run_by_journal_run_id(journal_run_id: &str, change: &JournalRunChange) -> JournalRun, journal_runs;
    /// The payroll tax returns of a payroll administration, newest first.
    GetPayrollTaxReturnsByPayrollAdministrationId get_payroll_tax_returns_by_payroll_administration_id(payroll_administration_id: &str, page: &PageRequest) -> PayrollTaxReturnPage, payroll_tax_returns;
    /// One payroll tax return.
    GetPayrollTaxReturnByPayrollTaxReturnId get_payroll_tax_return_by_payroll_tax_return_id(payroll_tax_return_id: &str) -> PayrollTaxReturn, payroll_tax_returns;
    /// The message of a payroll tax return; `conflict` while it has none.
    GetMessageByPayrollTaxReturnId get_message_by_payroll_tax_return_id(payroll_tax_return_id: &str) -> Vec<u8>, payroll_tax_returns;
    /// Asks for a payroll tax return.
    PostInitiatePayrollTaxReturnByPayrollAdministrationId post_initiate_payroll_tax_return_by_payroll_administration_id(payroll_administration_id: &str, request: &DeclarationRequest) -> PayrollTaxReturn, payroll_tax_returns;
    /// Stores a response message with the file that it came in.
    PostSendResponseMessageByPayrollTaxReturnId post_send_response_message_by_payroll_tax_return_id(payroll_tax_return_id: &str, response: &PayrollTaxReturnResponse, response_message_file: &[u8]) -> PayrollTaxReturn, payroll_tax_returns;
    /// The pension declarations of a payroll administration, newest first.
    GetUpaPensionDeclarationsByPayrollAdministrationId get_upa_pension_declarations_by_payroll_administration_id(payroll_administration_id: &str, page: &PageRequest) -> UpaPensionDeclarationPage, upa_pension_declarations;
    /// One pension declaration.
    GetUpaPensionDeclarationByUpaPensionDeclarationId get_upa_pension_declaration_by_upa_pension_declaration_id(upa_pension_declaration_id: &str) -> UpaPensionDeclaration, upa_pension_declarations;
    /// The message of a pension declaration; `conflict` while it has none.
    GetMessageByUpaPensionDeclarationId get_message_by_upa_pension_declaration_id(upa_pension_declaration_id: &str) -> Vec<u8>, upa_pension_declarations;
    /// Asks for a pension declaration.
    PostInitiateUpaPensionDeclarationByPayrollAdministrationId post_initiate_upa_pension_declaration_by_payroll_administration_id(payroll_administration_id: &str, request: &DeclarationRequest) -> UpaPensionDeclaration, upa_pension_declarations;
    /// Stores a response message with the file that it came in.
    PostSendResponseMessageByUpaPensionDeclarationId post_send_response_message_by_upa_pension_declaration_id(upa_pension_declaration_id: &str, response: &UpaResponse, response_message_file: &[u8]) -> UpaPensionDeclaration, upa_pension_declarations;
    /// What the platform holds on a company car.
    GetAdditionalTaxliabilityByLicensePlateNumber get_additional_taxliability_by_license_plate_number(license_plate_number: &str) -> AdditionalTaxLiability, vehicles;
    /// What the platform holds on a company, by its number in the trade register (KVK).
    GetCompanyInformationByChamberOfCommerceNumber get_company_information_by_chamber_of_commerce_number(chamber_of_commerce_number: &str) -> CompanyInformation, trade_register;
    /// The absence insurance contracts of the employer of the run with Achmea.
    GetAchmeaInsuranceContractsByUserId get_achmea_insurance_contracts_by_user_id(page: &PageRequest) -> AchmeaInsuranceContractPage, insurance;
    /// Which part of holiday allowance and year-end bonus a contract insures.
    GetWagePercentagesByAchmeaInsuranceContractId get_wage_percentages_by_achmea_insurance_contract_id(achmea_insurance_contract_id: &str, page: &PageRequest) -> InsuredWagePercentagePage, insurance;
}

impl From<ActivityError> for crate::ConnectorError {
    fn from(error: ActivityError) -> Self {
        match error {
            ActivityError::Denied(denial) => Self::Denied(denial),
            ActivityError::Unavailable(seconds) => Self::Unavailable(seconds),
            ActivityError::NotFound(_) | ActivityError::Invalid(_) => {
                Self::InvalidInput(Words(&error).to_string())
            }
            ActivityError::Conflict(why) => Self::Refused(why),
            ActivityError::Other(why) => Self::Other(why),
        }
    }
}

/// An [`ActivityError`] in words. (Its own `Display` is generated, and shows
/// the fields.)
pub struct Words<'a>(pub &'a ActivityError);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ActivityError::Denied(denial) => {
                write!(f, "{} denied: {}", denial.activity, denial.reason)
            }
            ActivityError::NotFound(id) => write!(f, "there is no {id}"),
            ActivityError::Invalid(problems) => {
                let problems: Vec<_> = problems.iter().map(|p| p.description.as_str()).collect();
                f.write_str(&problems.join("; "))
            }
            ActivityError::Conflict(why) | ActivityError::Other(why) => f.write_str(why),
            ActivityError::Unavailable(_) => f.write_str("the platform cannot answer now"),
        }
    }
}
