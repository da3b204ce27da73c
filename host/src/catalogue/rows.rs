//! The rows themselves: the one list of activities.

use super::{Access, Activity, Origin, Row, Surface};

macro_rules! rows {
    ($($origin:ident $id:ident $method:ident $path:literal $access:ident, module $module:expr, $surface:expr, $summary:literal;)+) => {
        /// The rows.
        pub const ROWS: &[Row] = &[$(Row {
            id: stringify!($id),
            origin: Origin::$origin,
            method: stringify!($method),
            path: $path,
            surface: $surface,
            access: Access::$access,
            module: $module,
            summary: $summary,
        }),+];

        /// Every activity as a constant of the name of its `operationId`, for
        /// code that means one in particular.
        #[expect(non_upper_case_globals, reason = "the names are Loket's operationIds")]
        pub mod id {
            use super::Activity;
            rows!(@constants 0u16, $($id $summary,)+);
        }
    };
    (@constants $index:expr, $id:ident $summary:literal, $($rest:tt)*) => {
        #[doc = $summary]
        pub const $id: Activity = Activity($index);
        rows!(@constants $index + 1, $($rest)*);
    };
    (@constants $index:expr,) => {};
}

const fn function(interface: &'static str, function: &'static str) -> Surface {
    Surface::Function {
        interface,
        function,
    }
}

const JOURNAL: Option<&str> = Some("journal");

rows! {
    Loket GetEmployersByUserId GET "/providers/employers" Read, module None,
        function("employers", "get-employers-by-user-id"),
        "The employers that the user may access, within the employer of the run.";
    Loket GetEmployerByEmployerId GET "/providers/employers/{employerId}" Read, module None,
        function("employers", "get-employer-by-employer-id"),
        "One employer (werkgever).";
    Loket GetPayrollAdministrationsByEmployerId GET "/providers/employers/{employerId}/payrolladministrations" Read, module None,
        function("payroll-administrations", "get-payroll-administrations-by-employer-id"),
        "The payroll administrations (salarisadministraties) of an employer.";
    Loket GetPayrollRunsByPayrollAdministrationId GET "/providers/employers/payrolladministrations/{payrollAdministrationId}/payrollruns" Read, module None,
        function("payroll-runs", "get-payroll-runs-by-payroll-administration-id"),
        "The payroll runs (verloningen) of a payroll administration.";
    Loket GetPayrollRunByPayrollRunId GET "/providers/employers/payrolladministrations/payrollruns/{payrollrunId}" Read, module None,
        function("payroll-runs", "get-payroll-run-by-payroll-run-id"),
        "One payroll run.";
    Loket GetPayrollRunResultsByPayrollRunId GET "/providers/employers/payrolladministrations/payrollruns/{payrollrunId}/results" Read, module None,
        function("payroll-runs", "get-payroll-run-results-by-payroll-run-id"),
        "The results of a payroll run, per employment and payroll component.";
    Loket GetJournalRunsByPayrollAdministrationId GET "/providers/employers/payrolladministrations/{payrollAdministrationId}/journalruns" Read, module JOURNAL,
        function("journal-runs", "get-journal-runs-by-payroll-administration-id"),
        "The journal runs (journaliseringen) of a payroll administration.";
    Loket GetJournalRunByJournalRunId GET "/providers/employers/payrolladministrations/journalruns/{journalrunId}" Read, module JOURNAL,
        function("journal-runs", "get-journal-run-by-journal-run-id"),
        "One journal run.";
    Loket GetJournalRunResultsByJournalRunId GET "/providers/employers/payrolladministrations/journalruns/{journalrunId}/results" Read, module JOURNAL,
        function("journal-runs", "get-journal-run-results-by-journal-run-id"),
        "The lines of a journal run.";
    Loket GetJournalRunErrorsByJournalRunId GET "/providers/employers/payrolladministrations/journalruns/{journalrunId}/errors" Read, module JOURNAL,
        function("journal-runs", "get-journal-run-errors-by-journal-run-id"),
        "Why a journal run failed.";
    Loket PatchJournalRunByJournalRunId PATCH "/providers/employers/payrolladministrations/journalruns/{journalrunId}" Write, module JOURNAL,
        function("journal-runs", "patch-journal-run-by-journal-run-id"),
        "Marks a journal run as processed, or its processing as failed.";
    Loket PostSendJournalRunExportByJournalRunId POST "/providers/employers/payrolladministrations/journalruns/{journalrunId}/send" Write, module JOURNAL,
        Surface::Act,
        "Sends a journal run to the accounting package.";
    Loket PostDownloadJournalRunExportByJournalRunId POST "/providers/employers/payrolladministrations/journalruns/{journalrunId}/download" Write, module JOURNAL,
        Surface::Act,
        "Writes the export file of a journal run.";
    Loket GetAdditionalTaxliabilityByLicensePlateNumber GET "/rdwservices/additionaltaxliability" Read, module None,
        function("vehicles", "get-additional-taxliability-by-license-plate-number"),
        "What is known of a company car, by licence plate.";
    Loket GetCompanyInformationByChamberOfCommerceNumber GET "/chamberofcommerce/{chamberOfCommerceNumber}/companyinformation" Read, module None,
        function("trade-register", "get-company-information-by-chamber-of-commerce-number"),
        "What is known of a company, by its number in the trade register (KVK).";
    Koppel GetGeocodeByAddress GET "/googleservices/geocode" Read, module None,
        Surface::Act,
        "Asks an outside party for the coordinates of an address.";
}
