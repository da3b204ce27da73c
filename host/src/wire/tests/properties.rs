//! What is written is read as what it was.

use crate::bindings::koppel::loket::employers::Employer;
use crate::bindings::koppel::loket::journal_runs::{
    Coded, JournalLine, JournalRun, JournalRunChange, JournalRunError, JournalRunStatus,
};
use crate::bindings::koppel::loket::payroll_administrations::PayrollAdministration;
use crate::bindings::koppel::loket::payroll_runs::{PayrollRun, PayrollRunResult};
use crate::bindings::koppel::loket::types::{KeyValue, PayrollPeriod};
use crate::bindings::koppel::loket::vehicles::AdditionalTaxLiability;
use crate::catalogue::id as activity;
use crate::wire::envelope::{List, Single};
use crate::wire::error::Received;
use crate::wire::shared::Amount;
use crate::wire::{employers, journal_runs, payroll_administrations, payroll_runs, read, vehicles};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// To the text of JSON and back.
pub(super) fn there_and_back<T: Serialize + DeserializeOwned>(value: &T) -> T {
    read(&serde_json::to_vec(value).unwrap()).unwrap()
}

pub(super) fn id() -> impl Strategy<Value = String> {
    any::<u128>().prop_map(|bits| Uuid::from_u128(bits).to_string())
}

pub(super) fn date() -> impl Strategy<Value = String> {
    (1900i16..2100, 1i8..=12, 1i8..=28)
        .prop_map(|(year, month, day)| jiff::civil::date(year, month, day).to_string())
}

pub(super) fn timestamp() -> impl Strategy<Value = String> {
    (0i64..4_102_444_800, 0i32..1_000).prop_map(|(second, millisecond)| {
        let moment = jiff::Timestamp::new(second, millisecond * 1_000_000);
        moment.unwrap().to_string()
    })
}

pub(super) fn key_value() -> impl Strategy<Value = KeyValue> {
    (any::<u32>(), any::<String>()).prop_map(|(key, value)| KeyValue { key, value })
}

fn coded() -> impl Strategy<Value = Coded> {
    (any::<String>(), any::<String>()).prop_map(|(code, description)| Coded { code, description })
}

pub(super) fn period() -> impl Strategy<Value = PayrollPeriod> {
    (any::<u32>(), any::<u32>(), date(), date()).prop_map(|(year, number, start, end)| {
        PayrollPeriod {
            year,
            period_number: number,
            period_start_date: start,
            period_end_date: end,
        }
    })
}

pub(super) fn status() -> impl Strategy<Value = JournalRunStatus> {
    prop_oneof![
        Just(JournalRunStatus::ReadyToJournalise),
        Just(JournalRunStatus::NoResults),
        Just(JournalRunStatus::Failed),
        Just(JournalRunStatus::Deleted),
        Just(JournalRunStatus::Ready),
        Just(JournalRunStatus::BeingExported),
        Just(JournalRunStatus::ExportFailed),
        Just(JournalRunStatus::Exported),
    ]
}

prop_compose! {
    fn employer()(
        id in id(), number in any::<u32>(), name in any::<String>(), kvk in of("[0-9]{8}"),
        street in of(any::<String>()), house in of(any::<u32>()), postal in of(any::<String>()),
        city in of(any::<String>()), country in of("[A-Z]{2}"),
    ) -> Employer {
        Employer {
            id, employer_number: number, company_name: name, chamber_of_commerce_number: kvk,
            street, house_number: house, postal_code: postal, city, country,
        }
    }
}

prop_compose! {
    fn journal_run()(
        id in id(), administration in id(), payroll_run in id(), period in period(),
        status in status(), sequence in any::<u32>(), finished in of(timestamp()),
    ) -> JournalRun {
        JournalRun {
            id, payroll_administration_id: administration, payroll_run_id: payroll_run,
            payroll_period: period, status, sequence_number: sequence,
            processing_finished_time: finished,
        }
    }
}

prop_compose! {
    fn journal_line()(
        account in coded(), center in of(coded()), unit in of(coded()), component in key_value(),
        amount in any::<i64>(), debit in any::<bool>(),
    ) -> JournalLine {
        JournalLine {
            general_ledger_account: account, cost_center: center, cost_unit: unit,
            payroll_component: component,
            debit_amount: if debit { amount } else { 0 },
            credit_amount: if debit { 0 } else { amount },
        }
    }
}

prop_compose! {
    fn payroll_run()(
        id in id(), administration in id(), period in period(), status in key_value(),
        sequence in any::<u32>(), approved in of(timestamp()),
    ) -> PayrollRun {
        PayrollRun {
            id, payroll_administration_id: administration, payroll_period: period, status,
            sequence_number: sequence, approval_time: approved,
        }
    }
}

fn results() -> impl Strategy<Value = Vec<PayrollRunResult>> {
    // Few employments, so that neighbours are often of the same one.
    let result = (0u128..3, key_value(), key_value(), any::<i64>()).prop_map(
        |(employment, component, column, value)| PayrollRunResult {
            employment_id: Uuid::from_u128(employment).to_string(),
            payroll_component: component,
            column,
            value,
        },
    );
    vec(result, 0..20)
}

proptest! {
    #[test]
    fn an_amount_keeps_every_cent(cents in any::<i64>()) {
        let text = serde_json::to_string(&Amount(cents)).unwrap();
        prop_assert_eq!(read::<Amount>(text.as_bytes()).unwrap(), Amount(cents));
        // Also by way of a value, for amounts that a float tells apart.
        if cents.unsigned_abs() < 1_000_000_000_000_000 {
            let value = serde_json::to_value(Amount(cents)).unwrap();
            prop_assert_eq!(serde_json::from_value::<Amount>(value).unwrap(), Amount(cents));
        }
    }

    #[test]
    fn an_employer_survives(employer in employer()) {
        let wire = there_and_back(&employers::Employer::from(employer.clone()));
        prop_assert_eq!(Employer::from(wire), employer);
    }

    #[test]
    fn a_payroll_administration_survives(id in id(), name in any::<String>(), tax in of(any::<String>()), employer in id()) {
        let administration = PayrollAdministration {
            id, name, payroll_tax_number: tax, employer_id: employer.clone(),
        };
        let wire = there_and_back(&payroll_administrations::PayrollAdministration::from(administration.clone()));
        prop_assert_eq!(wire.into_record(employer), administration);
    }

    #[test]
    fn a_payroll_run_survives(run in payroll_run()) {
        let wire = there_and_back(&payroll_runs::PayrollRun::from(run.clone()));
        prop_assert_eq!(wire.into_record(run.payroll_administration_id.clone()), run);
    }

    #[test]
    fn the_results_of_a_payroll_run_survive_being_nested(results in results(), period in period()) {
        let wire = there_and_back(&payroll_runs::nest(results.clone(), &period));
        prop_assert_eq!(payroll_runs::flatten(wire), results);
    }

    #[test]
    fn a_journal_run_survives(run in journal_run()) {
        let wire = there_and_back(&journal_runs::JournalRun::from(run.clone()));
        prop_assert_eq!(wire.into_record(run.payroll_administration_id.clone()), run);
    }

    #[test]
    fn a_journal_line_survives_in_a_page(line in journal_line(), total in 1u64..1_000_000) {
        let page = List::new(vec![journal_runs::JournalLine::from(line.clone())], 1, 250, total);
        let mut page = there_and_back(&page);
        prop_assert_eq!(page.total_size, total);
        prop_assert_eq!(JournalLine::from(page.embedded.remove(0)), line);
    }

    #[test]
    fn an_error_of_a_journal_run_survives(
        id in id(), employee in of(any::<u32>()), account in of(coded()),
        component in key_value(), error in key_value(),
    ) {
        let error = JournalRunError {
            id, payroll_employee_number: employee, general_ledger_account: account,
            payroll_component: component, error,
        };
        let wire = there_and_back(&journal_runs::JournalRunError::from(error.clone()));
        prop_assert_eq!(JournalRunError::from(wire), error);
    }

    #[test]
    fn a_change_of_a_journal_run_survives(text in any::<String>(), failed in any::<bool>()) {
        let change = if failed {
            JournalRunChange::MarkAsProcessingFailed(text)
        } else {
            JournalRunChange::MarkAsProcessed(text)
        };
        let wire = there_and_back(&journal_runs::Change::from(change.clone()));
        prop_assert_eq!(JournalRunChange::from(wire), change);
    }

    #[test]
    fn a_car_survives(plate in "[A-Z0-9]{6}", group in key_value(), admitted in date(), value in any::<i64>()) {
        let car = AdditionalTaxLiability {
            license_plate_number: plate, additional_tax_liability_group: group,
            date_of_first_admission: admitted, value_for_tax_purposes: value,
        };
        let wire = there_and_back(&Single::new(vehicles::AdditionalTaxLiability::from(car.clone())));
        prop_assert_eq!(AdditionalTaxLiability::from(wire.content), car);
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes in vec(any::<u8>(), 0..200), status in 100u16..600) {
        let _ = read::<List<journal_runs::JournalLine>>(&bytes);
        let received = Received {
            activity: activity::GetJournalRunByJournalRunId, id: "x", status, retry_after: None, body: &bytes,
        };
        let _ = received.into_error();
    }
}
