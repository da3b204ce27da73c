//! Every field is imported.

use super::*;
use crate::bindings::koppel::loket::journal_runs::{
    Coded, JournalLine, JournalRun, JournalRunError, JournalRunStatus,
};
use crate::bindings::koppel::loket::payroll_runs::{PayrollRun, PayrollRunResult};
use crate::bindings::koppel::loket::types::{KeyValue, PayrollPeriod};
use crate::platform::{Employers, JournalRuns, PayrollAdministrations, PayrollRuns, Vehicles};

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn key_value(key: u32, value: &str) -> KeyValue {
    KeyValue {
        key,
        value: value.to_owned(),
    }
}

fn coded(code: &str, description: &str) -> Coded {
    Coded {
        code: code.to_owned(),
        description: description.to_owned(),
    }
}

#[tokio::test]
async fn employers_and_administrations_are_imported_with_every_field() {
    let data = Data::empty();
    let summary = data.import(&file()).await.unwrap();
    assert_eq!(summary, one_of_each());

    let employer = data.embedded.employer(EMPLOYER).await.unwrap();
    assert_eq!(
        (
            &employer.id,
            employer.employer_number,
            &*employer.company_name
        ),
        (&EMPLOYER.to_string(), 20720, "Voorbeeld B.V.")
    );
    assert_eq!(employer.chamber_of_commerce_number, text("18124676"));
    assert_eq!(employer.street, text("Voordijk"));
    assert_eq!(employer.house_number, Some(12));
    assert_eq!(employer.postal_code, text("1234AA"));
    assert_eq!(employer.city, text("Leiden"));
    assert_eq!(employer.country, text("NL"));
    let owner = data.embedded.owner(Entity::JournalRun(JOURNAL_RUN)).await;
    assert_eq!(
        owner.unwrap(),
        Some(Owner {
            employer: EMPLOYER,
            provider: seed::provider_id(1)
        })
    );

    let administrations = data
        .embedded
        .payroll_administrations(EMPLOYER, &all())
        .await
        .unwrap();
    let [administration] = &administrations.items[..] else {
        panic!("{administrations:?}");
    };
    assert_eq!(administration.id, ADMINISTRATION.to_string());
    assert_eq!(administration.employer_id, EMPLOYER.to_string());
    assert_eq!(administration.name, "Maandloon");
    assert_eq!(administration.payroll_tax_number, text("000000012L01"));
}

#[tokio::test]
async fn payroll_runs_are_imported_with_every_field() {
    let data = Data::empty();
    data.import(&file()).await.unwrap();
    assert_eq!(
        *data.embedded.payroll_run(PAYROLL_RUN).await.unwrap(),
        PayrollRun {
            id: PAYROLL_RUN.to_string(),
            payroll_administration_id: ADMINISTRATION.to_string(),
            // Without dates it is the month, in a leap year here.
            payroll_period: PayrollPeriod {
                year: 2024,
                period_number: 2,
                period_start_date: "2024-02-01".to_owned(),
                period_end_date: "2024-02-29".to_owned(),
            },
            status: key_value(9, "Verloning goedgekeurd."),
            sequence_number: 1,
            approval_time: text("2024-02-27T09:53:59Z"),
        }
    );
    let results = data
        .embedded
        .payroll_run_results(PAYROLL_RUN, &all())
        .await
        .unwrap();
    assert_eq!(
        results.items,
        [
            PayrollRunResult {
                employment_id: EMPLOYMENT.to_string(),
                payroll_component: key_value(1, "Brutoloon"),
                column: key_value(5, "Tabelloon"),
                value: 321_045,
            },
            PayrollRunResult {
                employment_id: EMPLOYMENT.to_string(),
                payroll_component: key_value(50, "Loonheffing"),
                column: key_value(9, "Inhoudingen"),
                value: -10,
            },
        ]
    );
}

#[tokio::test]
async fn journal_runs_are_imported_with_every_field() {
    let data = Data::empty();
    data.import(&file()).await.unwrap();
    let embedded = &data.embedded;
    assert_eq!(
        *embedded.journal_run(JOURNAL_RUN).await.unwrap(),
        JournalRun {
            id: JOURNAL_RUN.to_string(),
            payroll_administration_id: ADMINISTRATION.to_string(),
            payroll_run_id: PAYROLL_RUN.to_string(),
            payroll_period: PayrollPeriod {
                year: 2025,
                period_number: 3,
                period_start_date: "2025-03-03".to_owned(),
                period_end_date: "2025-03-30".to_owned(),
            },
            status: JournalRunStatus::Ready,
            sequence_number: 8,
            processing_finished_time: text("2025-03-31T09:30:00Z"),
        }
    );
    let lines = embedded.journal_run_results(JOURNAL_RUN, &all()).await;
    assert_eq!(
        lines.unwrap().items,
        [
            JournalLine {
                general_ledger_account: coded("4002020", "Cars"),
                cost_center: Some(coded("SAL073", "Sales Den Bosch")),
                cost_unit: Some(coded("01", "Cars")),
                payroll_component: key_value(286, "KINDEROPV.BEL"),
                debit_amount: 50_087,
                credit_amount: 0,
            },
            JournalLine {
                general_ledger_account: coded("1700", "Netto lonen"),
                cost_center: None,
                cost_unit: None,
                payroll_component: key_value(99, "Nettoloon"),
                debit_amount: 0,
                credit_amount: 50_087,
            },
        ]
    );
    let errors = embedded.journal_run_errors(JOURNAL_RUN, &all()).await;
    assert_eq!(
        errors.unwrap().items,
        [JournalRunError {
            id: ERROR.to_string(),
            payroll_employee_number: Some(202),
            general_ledger_account: Some(coded("4002020", "Cars")),
            payroll_component: key_value(286, "KINDEROPV.BEL"),
            error: key_value(4, "Geen verdeling gevonden"),
        }]
    );
    let car = embedded.additional_tax_liability("GP586D").await.unwrap();
    assert_eq!(car.date_of_first_admission, "2020-06-15");
    assert_eq!(car.value_for_tax_purposes, 2_000_000);
    assert_eq!(
        car.additional_tax_liability_group,
        key_value(1, "Standaard tarief")
    );
}
