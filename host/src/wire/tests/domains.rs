//! People, insurance, audit trails and declarations: Loket's examples are read,
//! and what is written is read as what it was.

use super::properties::{date, id, period, status, there_and_back, timestamp};
use super::{example, first};
use crate::bindings::koppel::loket::employees::{Address, Employee, Gender};
use crate::bindings::koppel::loket::employments::{Employment, IncomePeriod};
use crate::bindings::koppel::loket::insurance::{AchmeaInsuranceContract, InsuredWagePercentage};
use crate::bindings::koppel::loket::journal_runs::{
    ExportAuditRecord, ExportMethod, JournalRunStatus,
};
use crate::bindings::koppel::loket::payroll_tax_returns::{
    PayrollTaxReturn, ResponseMessage as TaxResponse, ResponseType,
};
use crate::bindings::koppel::loket::types::{
    ActivityError, DeclarationEvent, DeclarationRequest, DeclarationStatus, PeriodOfYear,
};
use crate::bindings::koppel::loket::upa_pension_declarations::{
    ResponseLine, ResponseMessage as UpaResponse, ResponseStatus, UpaPensionDeclaration,
};
use crate::wire::envelope::{List, Single};
use crate::wire::{
    declarations, employees, employments, insurance, journal_exports, payroll_tax_returns, read,
    upa_pension_declarations,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn text() -> impl Strategy<Value = String> {
    any::<String>()
}

prop_compose! {
    fn address()(
        street in of(text()), house_number in of(any::<u32>()), house_number_addition in of(text()),
        postal_code in of("[0-9]{4}[A-Z]{2}"), city in of(text()), country in of("[A-Z]{2}"),
    ) -> Address {
        Address { street, house_number, house_number_addition, postal_code, city, country }
    }
}

prop_compose! {
    fn employee()(
        id in id(), employee_number in any::<u32>(), initials in of(text()), prefix in of(text()),
        last_name in text(), date_of_birth in of(date()), gender in 0..3, address in of(address()),
    ) -> Employee {
        let gender = [Gender::Unknown, Gender::Male, Gender::Female][gender as usize];
        Employee { id, employee_number, initials, prefix, last_name, date_of_birth, gender, address }
    }
}

prop_compose! {
    fn income_period()(
        (kind, table, health) in (text(), text(), text()), nature in of(any::<u32>()),
        flags in any::<[bool; 4]>(), known in any::<[Option<bool>; 3]>(), cao in of(any::<u32>()),
    ) -> IncomePeriod {
        IncomePeriod {
            income_relationship_type: kind, employment_nature: nature, wage_tax_table: table,
            wage_tax_credit: flags[0], insured_wao: flags[1], insured_ww: flags[2],
            insured_zw: flags[3], healthcare_insurance: health, indefinite: known[0],
            written: known[1], on_call: known[2], collective_agreement: cao,
        }
    }
}

prop_compose! {
    fn employment()(
        id in id(), employee_id in id(), payroll_administration_id in id(),
        payroll_employee_number in any::<u32>(), income_relationship_number in any::<u32>(),
        start_date in date(), end_date in of(date()), income_period in of(income_period()),
    ) -> Employment {
        Employment {
            id, employee_id, payroll_administration_id, payroll_employee_number,
            income_relationship_number, start_date, end_date, income_period,
        }
    }
}

prop_compose! {
    fn audit_record()(
        id in id(), sequence_number in any::<u32>(), export_status in status(), by in text(),
        on in timestamp(), to in text(), method in 0..3, run_id in id(), reference in of(text()),
        error in of(text()),
    ) -> ExportAuditRecord {
        let methods = [None, Some(ExportMethod::Send), Some(ExportMethod::Download)];
        ExportAuditRecord {
            id, sequence_number, export_status, exported_by: by, exported_on: on, exported_to: to,
            method_of_exporting: methods[method as usize], run_id, reference,
            returned_error_message: error,
        }
    }
}

fn declaration_status() -> impl Strategy<Value = DeclarationStatus> {
    prop_oneof![
        Just(DeclarationStatus::Requested),
        Just(DeclarationStatus::Failed),
        Just(DeclarationStatus::Created),
        Just(DeclarationStatus::Cancelled),
        Just(DeclarationStatus::Confirmed),
        Just(DeclarationStatus::Sent),
        Just(DeclarationStatus::Deleted),
    ]
}

prop_compose! {
    fn event()(time in timestamp(), user in text()) -> DeclarationEvent {
        DeclarationEvent { time, user }
    }
}

prop_compose! {
    fn tax_response()(
        reference in text(), date_of_receipt in timestamp(), error in any::<bool>(),
        response_class in of(any::<u32>()), description in text(),
    ) -> TaxResponse {
        let response_type = if error { ResponseType::Error } else { ResponseType::Acknowledgement };
        TaxResponse { reference, date_of_receipt, response_type, response_class, description }
    }
}

prop_compose! {
    fn tax_return()(
        (id, administration, corrects) in (id(), id(), of(id())), period in period(),
        sequence_number in any::<u32>(), status in declaration_status(), number in of(text()),
        party in text(), prior in any::<bool>(), texts in any::<[Option<String>; 3]>(),
        (made, sent) in (of(timestamp()), of(timestamp())),
        (requested, approved, cancelled) in (event(), of(event()), of(event())),
        responses in vec(tax_response(), 0..3),
    ) -> PayrollTaxReturn {
        let [message_reference, message_sha256, failure] = texts;
        PayrollTaxReturn {
            id, payroll_administration_id: administration, payroll_period: period, sequence_number,
            status, wage_tax_number: number, withholding_party: party,
            corrects_payroll_tax_return_id: corrects, is_correction_message_prior_year: prior,
            message_reference, message_sha256, message_creation_time: made, failure, requested,
            approved, cancelled, send_time: sent, response_messages: responses,
        }
    }
}

fn response_status() -> impl Strategy<Value = ResponseStatus> {
    prop_oneof![
        Just(ResponseStatus::Received),
        Just(ResponseStatus::Accepted),
        Just(ResponseStatus::Rejected),
    ]
}

prop_compose! {
    fn response_line()(
        response_status in response_status(), code in text(), description in text(),
        employee_number in of(any::<u32>()), income_relationship_number in of(any::<u32>()),
        citizen_service_number in of("[0-9]{9}"),
    ) -> ResponseLine {
        ResponseLine {
            response_status, code, description, employee_number, income_relationship_number,
            citizen_service_number,
        }
    }
}

/// Response messages, each with a reference of its own.
fn upa_responses() -> impl Strategy<Value = Vec<UpaResponse>> {
    let message = (timestamp(), response_status(), vec(response_line(), 0..4));
    vec(message, 0..4).prop_map(|messages| {
        let message = |(place, (time, status, lines))| UpaResponse {
            reference: format!("R-{place}"),
            date_of_receipt: time,
            response_status: status,
            lines,
        };
        (0..).zip(messages).map(|(n, m): (u32, _)| message((n, m))).collect()
    })
}

prop_compose! {
    fn pension_declaration()(
        (id, administration, corrects) in (id(), id(), of(id())), period in period(),
        sequence_number in any::<u32>(), status in declaration_status(), number in of(text()),
        agent in text(), texts in any::<[Option<String>; 3]>(),
        (made, sent) in (of(timestamp()), of(timestamp())),
        (requested, approved, cancelled) in (event(), of(event()), of(event())),
        responses in upa_responses(),
    ) -> UpaPensionDeclaration {
        let [message_reference, message_sha256, failure] = texts;
        UpaPensionDeclaration {
            id, payroll_administration_id: administration, payroll_period: period, sequence_number,
            status, payroll_taxes_number: number, withholding_agent_name: agent,
            corrects_upa_pension_declaration_id: corrects, message_reference, message_sha256,
            creation_time: made, failure, requested, approved, cancelled, sent_time: sent,
            response_messages: responses,
        }
    }
}

proptest! {
    #[test]
    fn an_employee_survives(employee in employee()) {
        let wire = there_and_back(&employees::Employee::from(employee.clone()));
        prop_assert_eq!(Employee::from(wire), employee);
    }

    #[test]
    fn a_citizen_service_number_survives(number in of("[0-9]{9}")) {
        let wire = there_and_back(&employees::CitizenServiceNumber::from(number.clone()));
        prop_assert_eq!(wire.citizen_service_number, number);
    }

    #[test]
    fn an_employment_survives(employment in employment()) {
        let wire = there_and_back(&employments::Employment::from(employment.clone()));
        prop_assert_eq!(wire.into_record(), Some(employment));
    }

    #[test]
    fn an_insurance_contract_survives(
        (id, employer) in (id(), id()), number in text(), start in date(), end in of(date()),
    ) {
        let contract = AchmeaInsuranceContract {
            id, contract_number: number, belongs_to_employer_id: employer, start_date: start,
            end_date: end,
        };
        let wire = there_and_back(&insurance::AchmeaInsuranceContract::from(contract.clone()));
        prop_assert_eq!(AchmeaInsuranceContract::from(wire), contract);
    }

    #[test]
    fn an_insured_wage_percentage_survives(
        id in id(), start in date(), end in of(date()), holiday in 0u32..=10_000,
        year_end in 0u32..=10_000,
    ) {
        let percentage = InsuredWagePercentage {
            id, start_date: start, end_date: end, holiday_allowance_percentage: holiday,
            year_end_percentage: year_end,
        };
        let wire = there_and_back(&insurance::InsuredWagePercentage::from(percentage.clone()));
        prop_assert_eq!(InsuredWagePercentage::from(wire), percentage);
    }

    #[test]
    fn an_audit_record_survives(record in audit_record()) {
        let wire = there_and_back(&journal_exports::ExportAuditRecord::from(record.clone()));
        prop_assert_eq!(ExportAuditRecord::from(wire), record);
    }

    #[test]
    fn a_payroll_tax_return_survives(of in tax_return()) {
        let wire = there_and_back(&payroll_tax_returns::PayrollTaxReturn::from(of.clone()));
        prop_assert_eq!(wire.into_record(of.payroll_administration_id.clone()), of);
    }

    #[test]
    fn a_pension_declaration_survives(of in pension_declaration()) {
        let wire = upa_pension_declarations::UpaPensionDeclaration::from(of.clone());
        let wire = there_and_back(&wire);
        prop_assert_eq!(wire.into_record(of.payroll_administration_id.clone()), of);
    }

    #[test]
    fn a_file_survives(bytes in vec(any::<u8>(), 0..100)) {
        let wire = there_and_back(&declarations::File(bytes.clone()));
        prop_assert_eq!(wire.0, bytes);
    }
}

#[test]
fn lokets_own_examples_of_people_and_insurance_are_read() {
    let Some(employee) = first::<employees::Employee>("GetEmployeesByEmployerId") else {
        return;
    };
    let employee = Employee::from(employee);
    assert_eq!(
        (employee.last_name.as_str(), employee.gender),
        ("Bergen", Gender::Female)
    );
    assert_eq!(employee.date_of_birth.as_deref(), Some("2025-10-15"));
    let address = employee.address.unwrap();
    assert_eq!(address.postal_code.as_deref(), Some("1234AA"));
    let list = "GetAchmeaInsuranceContractsByUserId";
    let contract = first::<insurance::AchmeaInsuranceContract>(list);
    let contract = AchmeaInsuranceContract::from(contract.unwrap());
    assert_eq!(contract.contract_number, "0015697843");
    // Its end date is a placeholder.
    let list = "GetWagePercentagesByAchmeaInsuranceContractId";
    let mut page: Value = serde_json::from_slice(&example(list, "200").unwrap()).unwrap();
    page["_embedded"][0]["endDate"] = Value::Null;
    let page = serde_json::to_vec(&page).unwrap();
    let page: List<insurance::InsuredWagePercentage> = read(&page).unwrap();
    let percentage = InsuredWagePercentage::from(page.embedded[0].clone());
    assert_eq!(
        (
            percentage.holiday_allowance_percentage,
            percentage.year_end_percentage
        ),
        (800, 1_500)
    );
    let list = "GetJournalRunExportAuditTrailByJournalRunId";
    let item = first::<journal_exports::ExportAuditRecord>(list).unwrap();
    let item = ExportAuditRecord::from(item);
    assert_eq!(
        (item.export_status, item.exported_to.as_str()),
        (JournalRunStatus::ExportFailed, "Finance Plus")
    );
    assert_eq!(item.method_of_exporting, Some(ExportMethod::Download));
    assert_eq!(item.run_id, Uuid::nil().to_string());
}

#[test]
fn lokets_own_examples_of_declarations_are_read() {
    let list = "GetPayrollTaxReturnsByPayrollAdministrationId";
    let Some(listed) = first::<payroll_tax_returns::PayrollTaxReturn>(list) else {
        return;
    };
    let one = example("GetPayrollTaxReturnByPayrollTaxReturnId", "200").unwrap();
    let one: Single<payroll_tax_returns::PayrollTaxReturn> = read(&one).unwrap();
    let one = one.content.into_record("a".to_owned());
    assert_eq!(listed.id.0, one.id);
    assert_eq!(
        (one.status, one.sequence_number),
        (DeclarationStatus::Created, 1)
    );
    assert_eq!(one.requested.user, "Jong, I");
    assert_eq!(one.payroll_period.year, 2017);
    let [response] = one.response_messages.as_slice() else {
        panic!("{:?}", one.response_messages);
    };
    assert_eq!(
        (response.reference.as_str(), response.response_class),
        ("1", Some(26))
    );
    assert_eq!(response.response_type, ResponseType::Error);
    assert_eq!(response.description, "Loonheffingennummer is onjuist");
    let list = "GetUpaPensionDeclarationsByPayrollAdministrationId";
    let upa = first::<upa_pension_declarations::UpaPensionDeclaration>(list).unwrap();
    let upa = upa.into_record("a".to_owned());
    assert_eq!(upa.status, DeclarationStatus::Created);
    let [response] = upa.response_messages.as_slice() else {
        panic!("{:?}", upa.response_messages);
    };
    assert_eq!(response.response_status, ResponseStatus::Rejected);
    assert_eq!(response.reference, response.date_of_receipt);
    assert_eq!(response.lines[0].code, "NOK");
    assert_eq!(response.lines[0].employee_number, Some(156));
}

#[test]
fn an_employment_that_is_paid_elsewhere_is_none() {
    let text = json!({
        "id": Uuid::nil(), "employee": {"id": Uuid::nil()}, "payrollAdministration": null,
        "nonPayrollAdministration": {"id": Uuid::nil()}, "payrollId": 7,
        "incomeRelationshipNumber": 1, "startDate": "2020-01-01",
    });
    let read: employments::Employment = read(text.to_string().as_bytes()).unwrap();
    assert_eq!(read.into_record(), None);
}

#[test]
fn what_is_no_citizen_service_number_is_told_without_it() {
    for wrong in [json!(123_456_782), json!("12345678"), json!("12345678x")] {
        let text = json!({"citizenServiceNumber": wrong}).to_string();
        let error = read::<employees::CitizenServiceNumber>(text.as_bytes()).unwrap_err();
        assert_eq!(error.path, "citizenServiceNumber");
        assert!(error.problem.starts_with("is not nine digits"), "{error}");
        assert!(!error.to_string().contains("1234"), "{error}");
    }
    let number = employees::CitizenServiceNumber::from(Some("123456782".to_owned()));
    assert!(!format!("{number:?}").contains("123456782"));
}

#[test]
fn what_is_asked_of_a_declaration_is_one_thing() {
    let asked = |text: Value| {
        let read: declarations::Initiate = read(text.to_string().as_bytes()).unwrap();
        DeclarationRequest::try_from(read)
    };
    let period = DeclarationRequest::Period(PeriodOfYear {
        year: 2022,
        period_number: 3,
    });
    assert_eq!(
        asked(json!({"year": 2022, "periodNumber": 3})),
        Ok(period.clone())
    );
    assert_eq!(
        serde_json::to_value(declarations::Initiate::from(&period)).unwrap(),
        json!({"year": 2022, "periodNumber": 3})
    );
    for unclear in [
        json!({}),
        json!({"year": 2022}),
        json!({"year": 2022, "periodNumber": 3, "correctionOf": Uuid::nil()}),
    ] {
        let Err(ActivityError::Invalid(problems)) = asked(unclear) else {
            panic!("it was taken");
        };
        assert_eq!(
            problems[0].description,
            "give year and periodNumber, or correctionOf: koppel takes no period by itself"
        );
    }
    let unknown = read::<declarations::Initiate>(b"{\"notifyOfInitiation\": \"a@b.nl\"}");
    assert!(unknown.unwrap_err().to_string().contains("notifyOfInitiation"));
    let status = read::<declarations::Status>(b"{\"key\": 0, \"value\": \"\"}");
    assert!(
        status
            .unwrap_err()
            .problem
            .starts_with("0 is not a status of a declaration (1 to 7)")
    );
    let file = read::<declarations::File>(b"\"secret!\"").err().unwrap();
    assert_eq!(file.problem, "is not base64 at line 1 column 9");
}
