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
/// Payroll tax returns (loonaangiften).
const TAX: Option<&str> = Some("payroll-tax-return");
/// Pension declarations (uniforme pensioenaangifte).
const UPA: Option<&str> = Some("upa");
const ACHMEA: Option<&str> = Some("achmea");
const FLEURTJEDAG: Option<&str> = Some("fleurtjedag");

rows! {
    Loket GetEmployersByUserId GET "/providers/employers" Read, module None,
        function("employers", "get-employers-by-user-id"),
        "The employers that the user may access, within the employer of the run.";
    Loket GetEmployerByEmployerId GET "/providers/employers/{employerId}" Read, module None,
        function("employers", "get-employer-by-employer-id"),
        "One employer (werkgever).";
    Loket GetEmployeesByEmployerId GET "/providers/employers/{employerId}/employees" Read, module None,
        function("employees", "get-employees-by-employer-id"),
        "The employees (werknemers) of an employer, without their citizen service numbers.";
    Loket GetCitizenServiceNumberByEmployeeId GET "/providers/employers/employees/{employeeId}/citizenservicenumber" Read, module None,
        function("employees", "get-citizen-service-number-by-employee-id"),
        "The citizen service number (BSN) of an employee.";
    Loket GetEmploymentsByEmployerId GET "/providers/employers/{employerId}/employees/employments" Read, module None,
        function("employments", "get-employments-by-employer-id"),
        "The employments (dienstverbanden) of an employer.";
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
    Loket GetJournalRunExportAuditTrailByJournalRunId GET "/providers/employers/payrolladministrations/journalruns/{journalrunId}/exportAuditTrail" Read, module JOURNAL,
        function("journal-runs", "get-journal-run-export-audit-trail-by-journal-run-id"),
        "The changes of status of a journal run on its way out.";
    Loket PatchJournalRunByJournalRunId PATCH "/providers/employers/payrolladministrations/journalruns/{journalrunId}" Write, module JOURNAL,
        function("journal-runs", "patch-journal-run-by-journal-run-id"),
        "Marks a journal run as processed, or its processing as failed.";
    Loket PostSendJournalRunExportByJournalRunId POST "/providers/employers/payrolladministrations/journalruns/{journalrunId}/send" Write, module JOURNAL,
        Surface::Act,
        "Sends a journal run to the accounting package.";
    Loket PostDownloadJournalRunExportByJournalRunId POST "/providers/employers/payrolladministrations/journalruns/{journalrunId}/download" Write, module JOURNAL,
        Surface::Act,
        "Writes the export file of a journal run.";
    Loket GetPayrollTaxReturnsByPayrollAdministrationId GET "/providers/employers/payrolladministrations/{payrollAdministrationId}/payrolltaxreturns" Read, module TAX,
        function("payroll-tax-returns", "get-payroll-tax-returns-by-payroll-administration-id"),
        "The payroll tax returns (loonaangiften) of a payroll administration.";
    Loket GetPayrollTaxReturnByPayrollTaxReturnId GET "/providers/employers/payrolladministrations/payrolltaxreturns/{payrolltaxreturnId}" Read, module TAX,
        function("payroll-tax-returns", "get-payroll-tax-return-by-payroll-tax-return-id"),
        "One payroll tax return.";
    Loket GetMessageByPayrollTaxReturnId GET "/providers/employers/payrolladministrations/payrolltaxreturns/{payrolltaxreturnId}/message" Read, module TAX,
        function("payroll-tax-returns", "get-message-by-payroll-tax-return-id"),
        "The message (XML) of a payroll tax return.";
    Loket PostInitiatePayrollTaxReturnByPayrollAdministrationId POST "/providers/employers/payrolladministrations/{payrollAdministrationId}/payrolltaxreturns/initiate" Write, module TAX,
        function("payroll-tax-returns", "post-initiate-payroll-tax-return-by-payroll-administration-id"),
        "Asks for a payroll tax return and makes its message.";
    Koppel PutMessageByPayrollTaxReturnId PUT "/providers/employers/payrolladministrations/payrolltaxreturns/{payrolltaxreturnId}/message" Write, module TAX,
        Surface::Rest,
        "Stores the message of a payroll tax return that an application made.";
    Loket PatchPayrollTaxReturnsByPayrollTaxReturnIds PATCH "/providers/employers/payrolladministrations/payrolltaxreturns" Write, module TAX,
        Surface::Rest,
        "Confirms or cancels payroll tax returns: for a person, never for a connector.";
    Koppel PostSendPayrollTaxReturnByPayrollTaxReturnId POST "/providers/employers/payrolladministrations/payrolltaxreturns/{payrolltaxreturnId}/send" Write, module TAX,
        Surface::Act,
        "Sends the message of a confirmed payroll tax return.";
    Loket PostSendResponseMessageByPayrollTaxReturnId POST "/providers/employers/payrolladministrations/payrolltaxreturns/{payrolltaxreturnId}/sendresponsemessage" Write, module TAX,
        function("payroll-tax-returns", "post-send-response-message-by-payroll-tax-return-id"),
        "Stores a response message to a payroll tax return.";
    Loket GetUpaPensionDeclarationsByPayrollAdministrationId GET "/providers/employers/payrolladministrations/{payrollAdministrationId}/upapensiondeclarations" Read, module UPA,
        function("upa-pension-declarations", "get-upa-pension-declarations-by-payroll-administration-id"),
        "The pension declarations (pensioenaangiften) of a payroll administration.";
    Loket GetUpaPensionDeclarationByUpaPensionDeclarationId GET "/providers/employers/payrolladministrations/upapensiondeclarations/{upaPensionDeclarationId}" Read, module UPA,
        function("upa-pension-declarations", "get-upa-pension-declaration-by-upa-pension-declaration-id"),
        "One pension declaration.";
    Loket GetMessageByUpaPensionDeclarationId GET "/providers/employers/payrolladministrations/upapensiondeclarations/{upaPensionDeclarationId}/message" Read, module UPA,
        function("upa-pension-declarations", "get-message-by-upa-pension-declaration-id"),
        "The message (XML) of a pension declaration.";
    Loket PostInitiateUpaPensionDeclarationByPayrollAdministrationId POST "/providers/employers/payrolladministrations/{payrollAdministrationId}/upapensiondeclarations/initiate" Write, module UPA,
        function("upa-pension-declarations", "post-initiate-upa-pension-declaration-by-payroll-administration-id"),
        "Asks for a pension declaration and makes its message.";
    Koppel PutMessageByUpaPensionDeclarationId PUT "/providers/employers/payrolladministrations/upapensiondeclarations/{upaPensionDeclarationId}/message" Write, module UPA,
        Surface::Rest,
        "Stores the message of a pension declaration that an application made.";
    Loket PatchUpaPensionDeclarationByUpaPensionDeclarationId PATCH "/providers/employers/payrolladministrations/upapensiondeclarations/{upaPensionDeclarationId}" Write, module UPA,
        Surface::Rest,
        "Confirms or cancels a pension declaration: for a person, never for a connector.";
    Koppel PostSendUpaPensionDeclarationByUpaPensionDeclarationId POST "/providers/employers/payrolladministrations/upapensiondeclarations/{upaPensionDeclarationId}/send" Write, module UPA,
        Surface::Act,
        "Sends the message of a confirmed pension declaration.";
    Koppel PostSendResponseMessageByUpaPensionDeclarationId POST "/providers/employers/payrolladministrations/upapensiondeclarations/{upaPensionDeclarationId}/sendresponsemessage" Write, module UPA,
        function("upa-pension-declarations", "post-send-response-message-by-upa-pension-declaration-id"),
        "Stores a response message to a pension declaration.";
    Loket GetAdditionalTaxliabilityByLicensePlateNumber GET "/rdwservices/additionaltaxliability" Read, module None,
        function("vehicles", "get-additional-taxliability-by-license-plate-number"),
        "What is known of a company car, by licence plate.";
    Loket GetCompanyInformationByChamberOfCommerceNumber GET "/chamberofcommerce/{chamberOfCommerceNumber}/companyinformation" Read, module None,
        function("trade-register", "get-company-information-by-chamber-of-commerce-number"),
        "What is known of a company, by its number in the trade register (KVK).";
    Koppel GetGeocodeByAddress GET "/googleservices/geocode" Read, module None,
        Surface::Act,
        "Asks an outside party for the coordinates of an address.";
    Loket GetModulesByEmployerId GET "/providers/employers/{employerId}/modules" Read, module None,
        Surface::Rest,
        "The modules (products) that are on for an employer.";
    Loket PatchModulesByEmployerId PATCH "/providers/employers/{employerId}/modules" Write, module None,
        Surface::Rest,
        "Turns modules on or off for an employer. For provider users only.";
    Loket GetAchmeaInsuranceContractsByUserId GET "/achmeainsurancecontracts" Read, module ACHMEA,
        function("insurance", "get-achmea-insurance-contracts-by-user-id"),
        "The absence insurance contracts with Achmea, of the employer of the run.";
    Loket GetWagePercentagesByAchmeaInsuranceContractId GET "/achmeainsurancecontracts/{achmeaInsuranceContractId}/insuredwagecalculationpercentages" Read, module ACHMEA,
        function("insurance", "get-wage-percentages-by-achmea-insurance-contract-id"),
        "By how much the insured wage exceeds the base wage.";
    Koppel PostAchmeaQuoteByEmployerId POST "/providers/employers/{employerId}/achmeaquotes" Write, module ACHMEA,
        Surface::Act,
        "Asks Achmea a price for an absence insurance.";
    Koppel PostAchmeaInsuranceContractByEmployerId POST "/providers/employers/{employerId}/achmeainsurancecontracts" Write, module ACHMEA,
        Surface::Act,
        "Concludes an absence insurance contract with Achmea, or withdraws from it.";
    Koppel PostFleurtjedagQuoteByEmployerId POST "/providers/employers/{employerId}/fleurtjedagquotes" Write, module FLEURTJEDAG,
        Surface::Act,
        "Asks a flower shop a price.";
    Koppel PostFleurtjedagOrderByEmployerId POST "/providers/employers/{employerId}/fleurtjedagorders" Write, module FLEURTJEDAG,
        Surface::Act,
        "Orders flowers for someone, or cancels the order.";
    Loket GetApplicationAuthorizationsByApplicationId GET "/applications/{applicationId}/authorizations" Read, module None,
        Surface::Rest,
        "The activities of an application, and what they need.";
    Loket GetAuthorizationsByEmployerId GET "/providers/employers/{employerId}/authorizations" Read, module None,
        Surface::Rest,
        "The activities that the user may perform for an employer.";
    Koppel GetMessagesByEmployerId GET "/providers/employers/{employerId}/messages" Read, module None,
        Surface::Rest,
        "What connectors exchanged with the outside for an employer: requests, replies and export files.";
    Koppel GetMessageByMessageId GET "/providers/employers/messages/{messageId}" Read, module None,
        Surface::Rest,
        "One message, with its headers and hashes.";
    Koppel GetMessageContentByMessageId GET "/providers/employers/messages/{messageId}/content" Read, module None,
        Surface::Rest,
        "The exact bytes of a message.";
    Koppel GetDenialsByEmployerId GET "/providers/employers/{employerId}/denials" Read, module None,
        Surface::Rest,
        "What was denied for an employer, and by which check.";
    Koppel GetConnectorRunsByEmployerId GET "/providers/employers/{employerId}/connectorruns" Read, module None,
        Surface::Rest,
        "The runs of connectors for an employer, newest first.";
    Koppel GetConnectorRunByConnectorRunId GET "/providers/employers/connectorruns/{connectorRunId}" Read, module None,
        Surface::Rest,
        "One run of a connector, with its attempts, their log, and the writes in doubt.";
    Koppel PostConnectorRunByEmployerId POST "/providers/employers/{employerId}/connectorruns" Write, module None,
        Surface::Rest,
        "Submits a run of a connector for an employer.";
    Koppel PatchConnectorRunByConnectorRunId PATCH "/providers/employers/connectorruns/{connectorRunId}" Write, module None,
        Surface::Rest,
        "Cancels or retries a run, or decides what became of a write in doubt: for a person, never for a connector.";
    Koppel GetConnectorRunsByUserId GET "/connectorruns" Read, module None,
        Surface::Rest,
        "The runs of connectors for all employers of the user, newest first.";
    Koppel GetMessagesByUserId GET "/messages" Read, module None,
        Surface::Rest,
        "What connectors exchanged with the outside for all employers of the user.";
    Koppel GetDenialsByUserId GET "/denials" Read, module None,
        Surface::Rest,
        "What was denied for all employers of the user, and by which check.";
    Koppel GetFiguresByUserId GET "/figures" Read, module None,
        Surface::Rest,
        "How many runs, messages and denials there were, for all employers of the user or for one.";
    Koppel GetConnectorsByUserId GET "/connectors" Read, module None,
        Surface::Rest,
        "The connectors: what each asks for, was granted and used. For operators.";
    Koppel GetExplanationsByEmployerId GET "/providers/employers/{employerId}/explanations" Read, module None,
        Surface::Rest,
        "What the five checks say of a client and a user for an employer, and what would allow it. For operators.";
    Koppel GetPlatformStateByUserId GET "/platformstate" Read, module None,
        Surface::Rest,
        "The configuration in force, the ledger and the health of this host. For operators.";
    Koppel GetLedgerVerificationByUserId GET "/ledgerverification" Read, module None,
        Surface::Rest,
        "Checks the hash chain of the whole ledger. For operators.";
}
