//! A connector that performs the activity that its query names and answers
//! with what came of it. Imports every activity.

use koppel_sdk::types::{
    ActivityError, DeclarationRequest, JournalRunChange, PageRequest, PayrollTaxReturnResponse,
    PeriodOfYear, ResponseType, UpaResponse, UpaResponseLine, UpaResponseStatus,
};
use koppel_sdk::{Connector, ConnectorError, Context, LookupConnector, activities};
use serde::Deserialize;
use serde_json::{Value, json};

pub struct Probe;

#[derive(Deserialize, schemars::JsonSchema)]
pub struct Settings {}

#[derive(Deserialize)]
pub struct Query {
    /// The `operationId`.
    activity: String,
    /// The first argument of the activity, if it takes one.
    #[serde(default)]
    id: String,
    /// The size of the page, for lists.
    #[serde(default = "page_size")]
    size: u32,
    /// The cursor of the page, for lists.
    cursor: Option<String>,
    /// The change of a journal run: a failure rather than a success.
    #[serde(default)]
    failed: bool,
    /// The period of 2022 of a declaration that is asked for.
    #[serde(default)]
    period: u32,
    /// The declaration that is to be corrected, instead of a period.
    corrects: Option<String>,
    /// The reference of a response message.
    #[serde(default = "reference")]
    reference: String,
    /// Performs it again until it is denied, at most so often.
    #[serde(default)]
    again: u32,
}

fn page_size() -> u32 {
    250
}

fn reference() -> String {
    "R-1".to_owned()
}

impl Connector for Probe {
    const NAME: &'static str = "probe";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "Performs any activity";
    type Settings = Settings;

    fn check(_: &Context<Settings>) -> Result<String, ConnectorError> {
        Ok("fine".to_owned())
    }
}

impl LookupConnector for Probe {
    type Query = Query;
    type Answer = Value;

    fn lookup(_: &Context<Settings>, query: Query) -> Result<Value, ConnectorError> {
        let mut answer = perform(&query)?;
        for attempt in 0..query.again {
            if answer.get("denied").is_some() {
                answer["attempt"] = json!(attempt);
                break;
            }
            // Long enough for the operator to act, without computing.
            std::thread::sleep(std::time::Duration::from_millis(10));
            answer = perform(&query)?;
        }
        Ok(answer)
    }
}

koppel_sdk::export!(Probe as lookup);

fn perform(query: &Query) -> Result<Value, ConnectorError> {
    let page = PageRequest {
        cursor: query.cursor.clone(),
        size: query.size,
    };
    let id = query.id.as_str();
    let change = if query.failed {
        JournalRunChange::MarkAsProcessingFailed("the probe says so".to_owned())
    } else {
        JournalRunChange::MarkAsProcessed("reference".to_owned())
    };
    let wanted = match &query.corrects {
        Some(of) => DeclarationRequest::CorrectionOf(of.clone()),
        None => DeclarationRequest::Period(PeriodOfYear {
            year: 2022,
            period_number: query.period,
        }),
    };
    macro_rules! list {
        ($function:ident($($argument:expr),+)) => {
            activities::$function($($argument),+).map(|page| json!({
                "items": page.items.len(),
                "total": page.total_size,
                "next": page.next,
                "first": page.items.first().map(|item| format!("{item:?}")),
            }))
        };
    }
    macro_rules! one {
        ($function:ident($($argument:expr),+)) => {
            activities::$function($($argument),+).map(|item| json!({"item": format!("{item:?}")}))
        };
    }
    let result = match query.activity.as_str() {
        "GetEmployersByUserId" => list!(get_employers_by_user_id(&page)),
        "GetEmployerByEmployerId" => one!(get_employer_by_employer_id(id)),
        "GetPayrollAdministrationsByEmployerId" => {
            list!(get_payroll_administrations_by_employer_id(id, &page))
        }
        "GetPayrollRunsByPayrollAdministrationId" => {
            list!(get_payroll_runs_by_payroll_administration_id(id, &page))
        }
        "GetPayrollRunByPayrollRunId" => one!(get_payroll_run_by_payroll_run_id(id)),
        "GetPayrollRunResultsByPayrollRunId" => {
            list!(get_payroll_run_results_by_payroll_run_id(id, &page))
        }
        "GetJournalRunsByPayrollAdministrationId" => {
            list!(get_journal_runs_by_payroll_administration_id(id, &page))
        }
        "GetJournalRunByJournalRunId" => one!(get_journal_run_by_journal_run_id(id)),
        "GetJournalRunResultsByJournalRunId" => {
            list!(get_journal_run_results_by_journal_run_id(id, &page))
        }
        "GetJournalRunErrorsByJournalRunId" => {
            list!(get_journal_run_errors_by_journal_run_id(id, &page))
        }
        "GetJournalRunExportAuditTrailByJournalRunId" => {
            list!(get_journal_run_export_audit_trail_by_journal_run_id(
                id, &page
            ))
        }
        "PatchJournalRunByJournalRunId" => one!(patch_journal_run_by_journal_run_id(id, &change)),
        "GetEmployeesByEmployerId" => list!(get_employees_by_employer_id(id, &page)),
        "GetCitizenServiceNumberByEmployeeId" => {
            one!(get_citizen_service_number_by_employee_id(id))
        }
        "GetEmploymentsByEmployerId" => list!(get_employments_by_employer_id(id, &page)),
        "GetPayrollTaxReturnsByPayrollAdministrationId" => {
            list!(get_payroll_tax_returns_by_payroll_administration_id(
                id, &page
            ))
        }
        "GetPayrollTaxReturnByPayrollTaxReturnId" => {
            one!(get_payroll_tax_return_by_payroll_tax_return_id(id))
        }
        "GetMessageByPayrollTaxReturnId" => one!(get_message_by_payroll_tax_return_id(id)),
        "PostInitiatePayrollTaxReturnByPayrollAdministrationId" => {
            one!(post_initiate_payroll_tax_return_by_payroll_administration_id(id, &wanted))
        }
        "PostSendResponseMessageByPayrollTaxReturnId" => {
            one!(post_send_response_message_by_payroll_tax_return_id(
                id,
                &tax_response(&query.reference),
                b"<file/>"
            ))
        }
        "GetUpaPensionDeclarationsByPayrollAdministrationId" => {
            list!(get_upa_pension_declarations_by_payroll_administration_id(
                id, &page
            ))
        }
        "GetUpaPensionDeclarationByUpaPensionDeclarationId" => {
            one!(get_upa_pension_declaration_by_upa_pension_declaration_id(
                id
            ))
        }
        "GetMessageByUpaPensionDeclarationId" => {
            one!(get_message_by_upa_pension_declaration_id(id))
        }
        "PostInitiateUpaPensionDeclarationByPayrollAdministrationId" => {
            one!(post_initiate_upa_pension_declaration_by_payroll_administration_id(id, &wanted))
        }
        "PostSendResponseMessageByUpaPensionDeclarationId" => {
            one!(post_send_response_message_by_upa_pension_declaration_id(
                id,
                &upa_response(&query.reference),
                b"<file/>"
            ))
        }
        "GetAdditionalTaxliabilityByLicensePlateNumber" => {
            one!(get_additional_taxliability_by_license_plate_number(id))
        }
        "GetCompanyInformationByChamberOfCommerceNumber" => {
            one!(get_company_information_by_chamber_of_commerce_number(id))
        }
        "GetAchmeaInsuranceContractsByUserId" => {
            list!(get_achmea_insurance_contracts_by_user_id(&page))
        }
        "GetWagePercentagesByAchmeaInsuranceContractId" => {
            list!(get_wage_percentages_by_achmea_insurance_contract_id(
                id, &page
            ))
        }
        other => return Err(ConnectorError::InvalidInput(format!("activity {other}"))),
    };
    Ok(result.unwrap_or_else(|error| match error {
        ActivityError::Denied(denial) => json!({
            "denied": format!("{:?}", denial.check),
            "activity": denial.activity,
            "reason": denial.reason,
        }),
        ActivityError::NotFound(id) => json!({"not-found": id}),
        ActivityError::Invalid(problems) => {
            let texts: Vec<_> = problems
                .into_iter()
                .map(|problem| problem.description)
                .collect();
            json!({"invalid": texts})
        }
        ActivityError::Conflict(why) => json!({"conflict": why}),
        ActivityError::Unavailable(seconds) => json!({"unavailable": seconds}),
        ActivityError::Other(why) => json!({"other": why}),
    }))
}

fn tax_response(reference: &str) -> PayrollTaxReturnResponse {
    PayrollTaxReturnResponse {
        reference: reference.to_owned(),
        date_of_receipt: "2022-02-01T16:06:39Z".to_owned(),
        response_type: ResponseType::Error,
        response_class: Some(26),
        description: "Loonheffingennummer is onjuist".to_owned(),
    }
}

fn upa_response(reference: &str) -> UpaResponse {
    UpaResponse {
        reference: reference.to_owned(),
        date_of_receipt: "2022-02-01T16:06:39Z".to_owned(),
        response_status: UpaResponseStatus::Rejected,
        lines: vec![UpaResponseLine {
            response_status: UpaResponseStatus::Rejected,
            code: "NOK".to_owned(),
            description: "De werkgever heeft geen contract voor de opgegeven regeling".to_owned(),
            employee_number: Some(3),
            income_relationship_number: Some(1),
            citizen_service_number: None,
        }],
    }
}
