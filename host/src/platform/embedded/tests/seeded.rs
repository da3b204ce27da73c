//! The demonstration data.

use super::*;
use crate::bindings::koppel::loket::journal_runs::JournalRunStatus;
use crate::platform::{
    Employees, Employers, Employments, JournalRuns, PayrollAdministrations, PayrollRuns, Vehicles,
};
use std::collections::BTreeSet;

const GROSS: u32 = 1;
const TAX: u32 = 50;
const PENSION: u32 = 60;
const NET: u32 = 99;

/// Every employer with every period.
fn every_run() -> impl Iterator<Item = (usize, i8)> {
    (1..=4).flat_map(|employer| (1..=12).map(move |period| (employer, period)))
}

#[tokio::test]
async fn seeding_again_changes_nothing() {
    let data = Data::seeded().await;
    let before = data.dump();
    data.embedded.seed().await.unwrap();
    assert_eq!(data.dump(), before);
    // Nor does it undo what was done since.
    data.execute("UPDATE journal_run SET status = 7");
    let before = data.dump();
    data.embedded.seed().await.unwrap();
    assert_eq!(data.dump(), before);
}

#[tokio::test]
async fn two_that_seed_at_once_seed_once() {
    let data = Data::empty();
    let other = Embedded::open(&data.path()).unwrap();
    let (one, two) = tokio::join!(data.embedded.seed(), other.seed());
    one.unwrap();
    two.unwrap();
    assert_eq!(data.dump(), Data::seeded().await.dump());
}

#[tokio::test]
async fn there_are_2_providers_4_employers_44_employees_and_12_periods() {
    let data = Data::seeded().await;
    assert_eq!(
        data.number("SELECT count(DISTINCT provider) FROM employer"),
        2
    );
    assert_eq!(data.number("SELECT count(*) FROM employer"), 4);
    assert_eq!(data.number("SELECT count(*) FROM employment"), 44);
    assert_eq!(data.number("SELECT count(*) FROM vehicle"), 3);
    for (employer, period) in every_run() {
        let run = data
            .embedded
            .payroll_run(seed::payroll_run_id(employer, period))
            .await
            .unwrap();
        let payroll = &run.payroll_period;
        let start = jiff::civil::date(seed::YEAR, period, 1);
        assert_eq!(
            (payroll.year, payroll.period_number),
            (2025, u32::from(period.unsigned_abs()))
        );
        assert_eq!(payroll.period_start_date, start.to_string());
        assert_eq!(payroll.period_end_date, start.last_of_month().to_string());
        let journal = data
            .embedded
            .journal_run(seed::journal_run_id(employer, period))
            .await
            .unwrap();
        assert_eq!(journal.payroll_run_id, run.id);
        assert_eq!(
            journal.payroll_administration_id,
            run.payroll_administration_id
        );
        assert_eq!(
            run.payroll_administration_id,
            seed::payroll_administration_id(employer).to_string()
        );
    }
    assert_eq!(
        data.number("SELECT count(*) FROM payroll_run WHERE year = 2025"),
        48
    );
    assert_eq!(data.number("SELECT count(*) FROM journal_run"), 48);
}

#[tokio::test]
async fn every_employment_has_a_name_and_a_number_of_its_own() {
    let data = Data::seeded().await;
    for employer in 1..=4 {
        let administration = seed::payroll_administration_id(employer);
        let filter = format!("FROM employment WHERE payroll_administration = '{administration}'");
        let count = data.number(&format!("SELECT count(*) {filter}"));
        assert!(count >= 8);
        let distinct = format!("SELECT count(DISTINCT payroll_employee_number) {filter}");
        assert_eq!(data.number(&distinct), count);
    }
    assert_eq!(
        data.number("SELECT count(DISTINCT employee) FROM employment"),
        44
    );
    let nameless = "SELECT count(*) FROM employee WHERE last_name = '' OR initials NOT LIKE '_%.'";
    assert_eq!(data.number(nameless), 0);
}

#[tokio::test]
async fn every_employee_has_a_test_number_that_passes_the_eleven_test_and_a_birthday() {
    let data = Data::seeded().await;
    let mut numbers = BTreeSet::new();
    for employer in 1..=4 {
        let employees = data
            .embedded
            .employees(seed::employer_id(employer), &all())
            .await
            .unwrap();
        for (employee, number) in employees.items.iter().zip(1..) {
            assert_eq!(employee.employee_number, number);
            assert_eq!(employee.id, seed::employee_id(employer, number).to_string());
            let born: jiff::civil::Date = employee.date_of_birth.as_ref().unwrap().parse().unwrap();
            assert!((1960..2000).contains(&born.year()), "{born}");
            let id = seed::employee_id(employer, number);
            let digits = data
                .embedded
                .citizen_service_number(id)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(digits, seed::citizen_service_number(employer, number));
            assert!(digits.starts_with("9999") && digits.len() == 9, "{digits}");
            // The weights of the citizen service number: 9 to 2, and -1.
            let sum: i64 = digits
                .bytes()
                .zip([9, 8, 7, 6, 5, 4, 3, 2, -1])
                .map(|(digit, weight)| i64::from(digit - b'0') * weight)
                .sum();
            assert_eq!(sum % 11, 0, "{digits}");
            assert!(numbers.insert(digits), "it is given out twice");
        }
    }
    assert_eq!(numbers.len(), 44);
}

#[tokio::test]
async fn the_payroll_runs_of_2022_hold_all_that_declarations_report() {
    let data = Data::seeded().await;
    for employer in 1..=4 {
        let employments = data
            .embedded
            .employments(seed::employer_id(employer), &all())
            .await
            .unwrap()
            .total_size;
        for period in 1..=seed::WAGE_TAX_PERIODS {
            let run = seed::wage_tax_payroll_run_id(employer, period);
            let results = data
                .embedded
                .payroll_run_results(run, &all())
                .await
                .unwrap();
            // The last employee came on 1 February.
            let paid = employments - u64::from(period == 1);
            assert_eq!(results.total_size, paid * 19, "{employer}/{period}");
        }
    }
}

/// The results of a payroll run by component, per employment.
async fn results(data: &Data, employer: usize, period: i8) -> BTreeMap<String, BTreeMap<u32, i64>> {
    let page = data
        .embedded
        .payroll_run_results(seed::payroll_run_id(employer, period), &all())
        .await
        .unwrap();
    assert_eq!(page.next, None);
    let mut results: BTreeMap<String, BTreeMap<u32, i64>> = BTreeMap::new();
    for item in page.items {
        let known = results.entry(item.employment_id).or_default();
        let twice = known.insert(item.payroll_component.key, item.value);
        assert_eq!(twice, None);
    }
    results
}

#[tokio::test]
async fn gross_less_deductions_is_net_for_every_employment() {
    let data = Data::seeded().await;
    for (employer, period) in every_run() {
        let results = results(&data, employer, period).await;
        let administration = seed::payroll_administration_id(employer);
        let employments = data.number(&format!(
            "SELECT count(*) FROM employment WHERE payroll_administration = '{administration}'"
        ));
        assert_eq!(results.len() as i64, employments);
        for (employment, result) in results {
            assert_eq!(
                result[&GROSS] - result[&TAX] - result[&PENSION],
                result[&NET],
                "{employment} in period {period}"
            );
            assert!(result.values().all(|cents| *cents > 0));
        }
    }
}

#[tokio::test]
async fn every_journal_balances_and_agrees_with_the_payroll_results() {
    let data = Data::seeded().await;
    let mut journals = 0;
    for (employer, period) in every_run() {
        let id = seed::journal_run_id(employer, period);
        let Ok(page) = data.embedded.journal_run_results(id, &all()).await else {
            continue;
        };
        journals += 1;
        let (mut debit, mut credit) = (BTreeMap::new(), BTreeMap::new());
        for line in &page.items {
            let component = line.payroll_component.key;
            *debit.entry(component).or_insert(0) += line.debit_amount;
            *credit.entry(component).or_insert(0) += line.credit_amount;
            assert!((line.debit_amount == 0) != (line.credit_amount == 0));
            assert!(line.debit_amount >= 0 && line.credit_amount >= 0);
        }
        assert_eq!(
            debit.values().sum::<i64>(),
            credit.values().sum::<i64>(),
            "{employer}/{period}"
        );
        let mut expected = BTreeMap::new();
        for result in results(&data, employer, period).await.into_values() {
            for (component, cents) in result {
                *expected.entry(component).or_insert(0) += cents;
            }
        }
        assert_eq!(debit[&GROSS], expected[&GROSS]);
        for component in [TAX, PENSION, NET] {
            assert_eq!(credit[&component], expected[&component]);
        }
    }
    // All but the one that failed and the one that is not journalised yet.
    assert_eq!(journals, 46);
}

#[tokio::test]
async fn every_status_that_matters_occurs() {
    let data = Data::seeded().await;
    let mut seen = BTreeSet::new();
    for (employer, period) in every_run() {
        let id = seed::journal_run_id(employer, period);
        let run = data.embedded.journal_run(id).await.unwrap();
        let errors = data.embedded.journal_run_errors(id, &all()).await.unwrap();
        assert_eq!(
            !errors.items.is_empty(),
            run.status == JournalRunStatus::Failed
        );
        assert_eq!(
            run.processing_finished_time.is_none(),
            run.status == JournalRunStatus::ReadyToJournalise
        );
        seen.insert(run.status as u8);
    }
    assert_eq!(seen, BTreeSet::from([0, 2, 4, 6, 7]));
}

#[tokio::test]
async fn employers_administrations_and_cars_are_whole() {
    let data = Data::seeded().await;
    let employer = data.embedded.employer(seed::employer_id(4)).await.unwrap();
    assert_eq!(employer.id, seed::employer_id(4).to_string());
    assert_eq!(
        (employer.employer_number, employer.company_name.as_str()),
        (2001, "Fietsenmakerij Ketting & Zn. V.O.F.")
    );
    assert_eq!(
        employer.chamber_of_commerce_number.as_deref(),
        Some("90000044")
    );
    assert_eq!(employer.street.as_deref(), Some("Stationsplein"));
    assert_eq!(employer.house_number, Some(1));
    assert_eq!(employer.postal_code.as_deref(), Some("9726DD"));
    assert_eq!(employer.city.as_deref(), Some("Groningen"));
    assert_eq!(employer.country.as_deref(), Some("NL"));

    let administrations = data
        .embedded
        .payroll_administrations(seed::employer_id(4), &all())
        .await
        .unwrap();
    let [administration] = administrations.items.as_slice() else {
        panic!("{administrations:?}");
    };
    assert_eq!(
        administration.id,
        seed::payroll_administration_id(4).to_string()
    );
    assert_eq!(administration.employer_id, employer.id);
    assert_eq!(administration.name, employer.company_name);
    assert_eq!(
        administration.payroll_tax_number.as_deref(),
        Some("999990032L01")
    );

    let car = data
        .embedded
        .additional_tax_liability("11ZKZ3")
        .await
        .unwrap();
    assert_eq!(car.license_plate_number, "11ZKZ3");
    assert_eq!(car.date_of_first_admission, "2013-01-04");
    assert_eq!(car.value_for_tax_purposes, 1_069_700);
    assert_eq!(car.additional_tax_liability_group.key, 1);
    assert_eq!(
        data.embedded.additional_tax_liability("11-ZKZ-3").await,
        Err(ActivityError::NotFound("11-ZKZ-3".to_owned()))
    );
}

/// The reference data, or none with a notice, unless it is required.
pub(super) fn formats() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/formats");
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("KOPPEL_REQUIRE_FORMATS").is_none(),
        "the reference data is missing"
    );
    eprintln!("skipped: the reference data is missing");
    None
}

#[test]
fn every_account_is_in_the_reference_chart_of_accounts() {
    let Some(formats) = formats() else { return };
    let chart = std::fs::read(formats.join("rgs/rgs_definitions.json")).unwrap();
    let chart: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&chart).unwrap();
    let accounts: BTreeSet<(&str, &str)> = chart
        .values()
        .filter_map(|account| {
            let number = account["rgsReknr"].as_str()?;
            Some((number, account["description"].as_str()?))
        })
        .collect();
    for account in seed::ACCOUNTS {
        assert!(
            accounts.contains(&(account.0, account.1)),
            "{} {}",
            account.0,
            account.1
        );
    }
}

#[tokio::test]
async fn the_journals_use_every_account_and_no_other() {
    let data = Data::seeded().await;
    let text = |text: &str| Value::Text(text.to_owned());
    let mut expected: Vec<_> = seed::ACCOUNTS
        .iter()
        .map(|account| vec![text(account.0), text(account.1)])
        .collect();
    expected.sort_by_key(|row| format!("{row:?}"));
    let used = data.rows(
        "SELECT DISTINCT account_code, account_description FROM journal_line ORDER BY account_code",
    );
    assert_eq!(used, expected);
}
