//! Payroll runs of January to March 2022 with everything that a wage-tax
//! return and a pension declaration report: the schema of the tax
//! administration that koppel's connector writes is that of 2022.

use super::{Company, Pay, employment_id, named, payroll_administration_id, people};
use crate::platform::embedded::Failure;
use rusqlite::{Transaction, params};
use uuid::Uuid;

/// The year of these payroll runs.
pub const WAGE_TAX_YEAR: i16 = 2022;

/// The number of periods of that year.
pub const WAGE_TAX_PERIODS: i8 = 3;

/// The payroll run of an employer for a period of 2022, 1 to 3.
pub fn wage_tax_payroll_run_id(employer: usize, period: i8) -> Uuid {
    named(&format!("payroll-run/{employer}/{WAGE_TAX_YEAR}/{period}"))
}

/// The results of one employee: key and text of the component, and the value
/// in cents (of the hours, in hundredths). The rates are those of 2022 for a
/// small employer.
fn results(pay: &Pay) -> [(u32, &'static str, i64); 19] {
    let wage = pay.gross - pay.pension_employee;
    let of = |rate: i64| wage * rate / 10_000;
    [
        (1, "Brutoloon", pay.gross),
        (50, "Loonheffing", pay.tax),
        (60, "Pensioenpremie werknemer", pay.pension_employee),
        (61, "Pensioenpremie werkgever", pay.pension_employer),
        (62, "Pensioengevend loon", pay.gross),
        (99, "Nettoloon", pay.net()),
        (101, "Loon loonbelasting en premie volksverzekeringen", wage),
        (102, "Loon werknemersverzekeringen", wage),
        (103, "Grondslag premie Aof laag", wage),
        (104, "Grondslag premie Awf laag", wage),
        (105, "Loon in geld", pay.gross),
        (106, "Premie Aof laag", of(549)),
        (107, "Opslag Wko", of(50)),
        (108, "Gedifferentieerde premie Whk", of(153)),
        (109, "Premie Awf laag", of(270)),
        (110, "Werkgeversheffing Zvw", of(675)),
        (111, "Verrekende arbeidskorting", wage * 8 / 100),
        (112, "Opgebouwd recht vakantiebijslag", pay.holiday),
        (113, "Verloonde uren", 16_000),
    ]
}

pub(super) fn seed(t: &Transaction<'_>, employer: usize, company: &Company) -> Result<(), Failure> {
    for period in 1..=WAGE_TAX_PERIODS {
        let first = jiff::civil::date(WAGE_TAX_YEAR, period, 1);
        let last = first.last_of_month();
        let run = wage_tax_payroll_run_id(employer, period).to_string();
        let ord = i64::from(WAGE_TAX_YEAR) * 100_000 + i64::from(period) * 1_000 + 1;
        t.execute(
            "INSERT INTO payroll_run (id, payroll_administration, ord, year, period_number, period_start, period_end, status_key, status_value, sequence_number, approval_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 9, 'Verloning goedgekeurd', 1, ?8)",
            params![run, payroll_administration_id(employer).to_string(), ord, WAGE_TAX_YEAR, period, first.to_string(), last.to_string(), format!("{last}T09:30:00Z")],
        )?;
        let mut insert = t.prepare_cached(
            "INSERT INTO payroll_run_result (payroll_run, ord, employment, component_key, component_value, column_key, column_value, value) VALUES (?1, ?2, ?3, ?4, ?5, 20, 'Aangifte', ?6)",
        )?;
        let mut ord = 0;
        for employee in 1..=company.employees {
            if people::start(company, employee) > last {
                continue;
            }
            let employment = employment_id(employer, employee).to_string();
            for (key, text, value) in results(&Pay::of(employer, employee, period)) {
                ord += 1;
                insert.execute(params![run, ord, employment, key, text, value])?;
            }
        }
    }
    Ok(())
}
