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
    /// Changes the status of a journal run and returns it as it is then.
    PatchJournalRunByJournalRunId patch_journal_run_by_journal_run_id(journal_run_id: &str, change: &JournalRunChange) -> JournalRun, journal_runs;
    /// What the platform holds on a company car.
    GetAdditionalTaxliabilityByLicensePlateNumber get_additional_taxliability_by_license_plate_number(license_plate_number: &str) -> AdditionalTaxLiability, vehicles;
    /// What the platform holds on a company, by its number in the trade register (KVK).
    GetCompanyInformationByChamberOfCommerceNumber get_company_information_by_chamber_of_commerce_number(chamber_of_commerce_number: &str) -> CompanyInformation, trade_register;
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
