//! People, insurance and audit trails: Loket's examples are read, and what is
//! written is read as what it was.

use super::properties::{date, id, status, there_and_back, timestamp};
use super::{example, first};
use crate::bindings::koppel::loket::employees::{Address, Employee, Gender};
use crate::bindings::koppel::loket::employments::{Employment, IncomePeriod};
use crate::bindings::koppel::loket::insurance::{AchmeaInsuranceContract, InsuredWagePercentage};
use crate::bindings::koppel::loket::journal_runs::{
    ExportAuditRecord, ExportMethod, JournalRunStatus,
};
use crate::wire::envelope::List;
use crate::wire::{employees, employments, insurance, journal_exports, read};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) fn text() -> impl Strategy<Value = String> {
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
