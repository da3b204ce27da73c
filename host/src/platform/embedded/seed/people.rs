//! The people of the demonstration data: invented, with citizen service
//! numbers of the range 9999xxxxx, which is kept for tests.

use super::{Company, employer_id, named, payroll_administration_id};
use crate::bindings::koppel::loket::employments::IncomePeriod;
use crate::platform::embedded::Failure;
use rusqlite::{Transaction, params};
use uuid::Uuid;

/// Employee 1 and up of an employer.
pub fn employee_id(employer: usize, employee: u32) -> Uuid {
    named(&format!("employee/{employer}/{employee}"))
}

/// The employment of an employee.
pub fn employment_id(employer: usize, employee: u32) -> Uuid {
    named(&format!("employment/{employer}/{employee}"))
}

/// The citizen service number of an employee: the numbers from 999900000 up
/// that pass the eleven-test (elfproef).
pub fn citizen_service_number(employer: usize, employee: u32) -> String {
    (999_900_000 + employer * 1_000..)
        .map(|number| number.to_string())
        .filter(|digits| passes(digits))
        .nth(employee as usize)
        .unwrap_or_default()
}

fn passes(digits: &str) -> bool {
    let weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];
    let digits = digits.bytes().map(|b| i32::from(b - b'0'));
    let sum: i32 = weights.iter().zip(digits).map(|(w, d)| w * d).sum();
    sum % 11 == 0
}

const FAMILY: [(Option<&str>, &str); 11] = [
    (None, "Jansen"),
    (Some("de"), "Vries"),
    (None, "Bakker"),
    (None, "Visser"),
    (None, "Smit"),
    (None, "Meijer"),
    (None, "Mulder"),
    (Some("van den"), "Bos"),
    (None, "Vos"),
    (None, "Peters"),
    (None, "Hendriks"),
];

const INITIALS: [&str; 7] = ["A.", "B.C.", "D.", "E.F.", "G.", "H.J.", "M."];

const STREETS: [(&str, &str, &str); 5] = [
    ("Voordijk", "1234AB", "Leiden"),
    ("Kerkstraat", "2311AC", "Leiden"),
    ("Dorpsweg", "3025AD", "Rotterdam"),
    ("Beukenlaan", "5616AE", "Eindhoven"),
    ("Korreweg", "9714AG", "Groningen"),
];

/// The first day of an employment. The last employee of each employer came on
/// 1 February 2022, so that not every period has everyone.
pub(super) fn start(company: &Company, employee: u32) -> jiff::civil::Date {
    if employee == company.employees {
        return jiff::civil::date(2022, 2, 1);
    }
    let employee = i16::try_from(employee).unwrap_or_default();
    jiff::civil::date(2010 + employee % 11, 1, 1)
}

pub(super) fn seed(t: &Transaction<'_>, employer: usize, company: &Company) -> Result<(), Failure> {
    for employee in 1..=company.employees {
        let at = employer + employee as usize * 3;
        let (prefix, last_name) = FAMILY[at % FAMILY.len()];
        let (street, postal_code, city) = STREETS[at % STREETS.len()];
        let number = i8::try_from(employee).unwrap_or_default();
        let born = jiff::civil::date(1961 + i16::from(number) * 2, 1 + number % 12, 1 + number);
        t.execute(
            "INSERT INTO employee (id, employer, ord, initials, prefix, last_name, date_of_birth, gender, street, house_number, house_number_addition, postal_code, city, country, citizen_service_number) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'NL', ?14)",
            params![
                employee_id(employer, employee).to_string(),
                employer_id(employer).to_string(),
                employee,
                INITIALS[at % INITIALS.len()],
                prefix,
                last_name,
                born.to_string(),
                1 + employee % 2,
                street,
                employee * 7,
                (employee % 5 == 0).then_some("A"),
                postal_code,
                city,
                citizen_service_number(employer, employee)
            ],
        )?;
        t.execute(
            "INSERT INTO employment (id, employee, payroll_administration, payroll_employee_number, income_relationship_number, start_date, income_period) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6)",
            params![
                employment_id(employer, employee).to_string(),
                employee_id(employer, employee).to_string(),
                payroll_administration_id(employer).to_string(),
                employee,
                start(company, employee).to_string(),
                income_period()?
            ],
        )?;
    }
    Ok(())
}

/// An ordinary employment for an indefinite time.
fn income_period() -> Result<String, Failure> {
    let period = IncomePeriod {
        income_relationship_type: "15".to_owned(),
        employment_nature: Some(1),
        wage_tax_table: "012".to_owned(),
        wage_tax_credit: true,
        insured_wao: true,
        insured_ww: true,
        insured_zw: true,
        healthcare_insurance: "K".to_owned(),
        indefinite: Some(true),
        written: Some(true),
        on_call: Some(false),
        collective_agreement: None,
    };
    serde_json::to_string(&period).map_err(|error| error.to_string().into())
}
