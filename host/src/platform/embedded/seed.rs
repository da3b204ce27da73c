//! Demonstration data: two providers, four employers, 44 employees, the twelve
//! months of 2025, with payroll results and journals that agree with them, and
//! the first three months of 2022 with all that declarations report.
//!
//! Identifiers are made from names (UUID version 5), so that documentation,
//! configuration and tests can cite them. The ledger accounts are those of the
//! Dutch reference chart of accounts (RGS 3.x, MKB), by `rgsReknr`.

mod people;
mod wage_tax;

pub use people::{citizen_service_number, employee_id, employment_id};
pub use wage_tax::{WAGE_TAX_PERIODS, WAGE_TAX_YEAR, wage_tax_payroll_run_id};

use super::{Embedded, Failure};
use crate::bindings::koppel::loket::types::ActivityError;
use rusqlite::{Transaction, TransactionBehavior, params};
use uuid::Uuid;

/// The year of the demonstration data.
pub const YEAR: i16 = 2025;

const NAMESPACE: Uuid = Uuid::from_u128(0x6b6f_7070_656c_5eed_8000_0000_0000_0001);

fn named(name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// Provider 1 or 2.
pub fn provider_id(provider: usize) -> Uuid {
    named(&format!("provider/{provider}"))
}

/// Employer 1 to 4.
pub fn employer_id(employer: usize) -> Uuid {
    named(&format!("employer/{employer}"))
}

/// The payroll administration of an employer.
pub fn payroll_administration_id(employer: usize) -> Uuid {
    named(&format!("payroll-administration/{employer}"))
}

/// The payroll run of an employer for a period, 1 to 12.
pub fn payroll_run_id(employer: usize, period: i8) -> Uuid {
    named(&format!("payroll-run/{employer}/{period}"))
}

/// The absence insurance contract of employer 1 or 2.
pub fn achmea_insurance_contract_id(employer: usize) -> Uuid {
    named(&format!("achmea-insurance-contract/{employer}"))
}

/// The journal run of an employer for a period, 1 to 12.
pub fn journal_run_id(employer: usize, period: i8) -> Uuid {
    named(&format!("journal-run/{employer}/{period}"))
}

struct Company {
    provider: usize,
    number: u32,
    name: &'static str,
    kvk: &'static str,
    tax: &'static str,
    address: (&'static str, u32, &'static str, &'static str),
    employees: u32,
}

const COMPANIES: [Company; 4] = [
    Company {
        provider: 1,
        number: 1001,
        name: "Bakkerij De Gouden Korenaar B.V.",
        kvk: "90000011",
        tax: "999990007L01",
        address: ("Molenstraat", 12, "1234AA", "Leiden"),
        employees: 14,
    },
    Company {
        provider: 1,
        number: 1002,
        name: "Van Dam Installatietechniek B.V.",
        kvk: "90000022",
        tax: "999990019L01",
        address: ("Havenweg", 88, "3011BB", "Rotterdam"),
        employees: 12,
    },
    Company {
        provider: 1,
        number: 1003,
        name: "Kinderopvang Het Vlindertje",
        kvk: "90000033",
        tax: "999990020L01",
        address: ("Lindelaan", 3, "5611CC", "Eindhoven"),
        employees: 10,
    },
    Company {
        provider: 2,
        number: 2001,
        name: "Fietsenmakerij Ketting & Zn. V.O.F.",
        kvk: "90000044",
        tax: "999990032L01",
        address: ("Stationsplein", 1, "9726DD", "Groningen"),
        employees: 8,
    },
];

/// An account of the chart: number and description.
pub(super) struct Account(pub(super) &'static str, pub(super) &'static str);

pub(super) const WAGES: Account = Account("40110", "Lonen");
pub(super) const HOLIDAY: Account = Account("40140", "Vakantiebijslag");
pub(super) const SOCIAL: Account = Account("40330", "Overige premies sociale lasten");
pub(super) const PENSION: Account = Account("40405", "Pensioenpremies");
pub(super) const NET_DUE: Account = Account("16101", "Netto lonen");
pub(super) const HOLIDAY_DUE: Account = Account("16115", "Te betalen vakantiegeld");
pub(super) const TAX_DUE: Account = Account("16230", "Te betalen Loonheffing");
pub(super) const PENSION_DUE: Account = Account("16523", "Te betalen pensioenpremies");

#[cfg(test)]
pub(super) const ACCOUNTS: [&Account; 8] = [
    &WAGES,
    &HOLIDAY,
    &SOCIAL,
    &PENSION,
    &NET_DUE,
    &HOLIDAY_DUE,
    &TAX_DUE,
    &PENSION_DUE,
];

const COST_CENTERS: [(&str, &str); 2] = [("ADM", "Administratie"), ("UITV", "Uitvoering")];

/// The pay of one employee in one period, in cents.
struct Pay {
    gross: i64,
    tax: i64,
    pension_employee: i64,
    pension_employer: i64,
    social: i64,
    holiday: i64,
}

impl Pay {
    fn of(employer: usize, employee: u32, period: i8) -> Self {
        let employee = i64::from(employee);
        // Different for everyone, not round, and a raise in July.
        let base = 215_000 + (employee * 37_911 + employer as i64 * 11_303) % 310_000;
        let gross = if period >= 7 { base + base / 40 } else { base };
        Self {
            gross,
            tax: gross * 297 / 1000,
            pension_employee: gross * 53 / 1000,
            pension_employer: gross * 106 / 1000,
            social: gross * 181 / 1000,
            holiday: gross * 8 / 100,
        }
    }

    fn net(&self) -> i64 {
        self.gross - self.tax - self.pension_employee
    }
}

impl Embedded {
    /// Writes the demonstration data. Doing so again changes nothing.
    ///
    /// # Errors
    ///
    /// `unavailable` or `other` when the database cannot be written.
    pub async fn seed(&self) -> Result<(), ActivityError> {
        self.ask(|connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let known: u64 = transaction.query_row(
                "SELECT count(*) FROM employer WHERE id = ?1",
                [employer_id(1).to_string()],
                |row| row.get(0),
            )?;
            if known == 0 {
                for (index, company) in COMPANIES.iter().enumerate() {
                    seed_company(&transaction, index + 1, company)?;
                }
                seed_vehicles(&transaction)?;
                seed_companies(&transaction)?;
                seed_insurance(&transaction)?;
                transaction.commit()?;
            }
            Ok(())
        })
        .await
    }
}

fn seed_company(t: &Transaction<'_>, employer: usize, company: &Company) -> Result<(), Failure> {
    let (street, house_number, postal_code, city) = company.address;
    t.execute(
        "INSERT INTO employer (id, provider, number, company_name, chamber_of_commerce_number, street, house_number, postal_code, city, country) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'NL')",
        params![employer_id(employer).to_string(), provider_id(company.provider).to_string(), company.number, company.name, company.kvk, street, house_number, postal_code, city],
    )?;
    let administration = payroll_administration_id(employer).to_string();
    t.execute(
        "INSERT INTO payroll_administration (id, employer, name, payroll_tax_number) VALUES (?1, ?2, ?3, ?4)",
        params![administration, employer_id(employer).to_string(), company.name, company.tax],
    )?;
    people::seed(t, employer, company)?;
    for period in 1..=12 {
        seed_period(t, employer, company, period)?;
    }
    wage_tax::seed(t, employer, company)
}

/// The status of a journal run, so that every status that matters occurs: one
/// that was exported, one that failed, one that is not journalised yet.
fn status(employer: usize, period: i8) -> u32 {
    match (employer, period) {
        (_, 1) => 7,
        (2, 12) => 2,
        (3, 12) => 0,
        (1, 12) => 6,
        _ => 4,
    }
}

fn seed_period(
    t: &Transaction<'_>,
    employer: usize,
    company: &Company,
    period: i8,
) -> Result<(), Failure> {
    let start = jiff::civil::date(YEAR, period, 1);
    let end = start.last_of_month();
    let administration = payroll_administration_id(employer).to_string();
    let payroll_run = payroll_run_id(employer, period).to_string();
    let ord = i64::from(YEAR) * 100_000 + i64::from(period) * 1_000 + 1;
    t.execute(
        "INSERT INTO payroll_run (id, payroll_administration, ord, year, period_number, period_start, period_end, status_key, status_value, sequence_number, approval_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 9, 'Verloning goedgekeurd', 1, ?8)",
        params![payroll_run, administration, ord, YEAR, period, start.to_string(), end.to_string(), format!("{end}T09:30:00Z")],
    )?;
    let pays: Vec<Pay> = (1..=company.employees)
        .map(|employee| Pay::of(employer, employee, period))
        .collect();
    seed_results(t, employer, &payroll_run, &pays)?;

    let status = status(employer, period);
    let journal_run = journal_run_id(employer, period).to_string();
    let finished = (status != 0).then(|| format!("{end}T10:00:00Z"));
    t.execute(
        "INSERT INTO journal_run (id, payroll_administration, payroll_run, ord, year, period_number, period_start, period_end, status, processing_finished_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![journal_run, administration, payroll_run, period, YEAR, period, start.to_string(), end.to_string(), status, finished],
    )?;
    if status >= 4 {
        seed_lines(t, &journal_run, &pays)?;
    }
    if status == 2 {
        t.execute(
            "INSERT INTO journal_run_error (journal_run, ord, id, payroll_employee_number, account_code, account_description, component_key, component_value, error_key, error_value) VALUES (?1, 1, ?2, 3, NULL, NULL, 1, 'Brutoloon', 4, 'Geen verdeling gevonden voor de component, kostenplaats, kostendrager combinatie')",
            params![journal_run, named(&format!("journal-run-error/{employer}/{period}")).to_string()],
        )?;
    }
    Ok(())
}

fn seed_results(
    t: &Transaction<'_>,
    employer: usize,
    payroll_run: &str,
    pays: &[Pay],
) -> Result<(), Failure> {
    let mut insert = t.prepare_cached(
        "INSERT INTO payroll_run_result (payroll_run, ord, employment, component_key, component_value, column_key, column_value, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut ord = 0;
    for (employee, pay) in (1..).zip(pays) {
        let results = [
            (1, "Brutoloon", 5, "Tabelloon", pay.gross),
            (50, "Loonheffing", 9, "Inhoudingen", pay.tax),
            (
                60,
                "Pensioenpremie werknemer",
                9,
                "Inhoudingen",
                pay.pension_employee,
            ),
            (99, "Nettoloon", 12, "Betalingen", pay.net()),
        ];
        for (key, component, column, column_name, value) in results {
            ord += 1;
            insert.execute(params![
                payroll_run,
                ord,
                employment_id(employer, employee).to_string(),
                key,
                component,
                column,
                column_name,
                value
            ])?;
        }
    }
    Ok(())
}

fn seed_lines(t: &Transaction<'_>, journal_run: &str, pays: &[Pay]) -> Result<(), Failure> {
    let mut insert = t.prepare_cached(
        "INSERT INTO journal_line (journal_run, ord, account_code, account_description, cost_center_code, cost_center_description, component_key, component_value, debit, credit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut ord = 0;
    let mut line = |account: &Account,
                    center: Option<(&str, &str)>,
                    component: (u32, &str),
                    debit: i64,
                    credit: i64| {
        ord += 1;
        insert.execute(params![
            journal_run,
            ord,
            account.0,
            account.1,
            center.map(|center| center.0),
            center.map(|center| center.1),
            component.0,
            component.1,
            debit,
            credit
        ])
    };
    // Costs per cost centre: every third employee works in the office.
    for (number, center) in COST_CENTERS.iter().enumerate() {
        let sum = |amount: fn(&Pay) -> i64| -> i64 {
            let here = |index: usize| usize::from(!index.is_multiple_of(3)) == number;
            let pays = pays.iter().enumerate().filter(|(index, _)| here(*index));
            pays.map(|(_, pay)| amount(pay)).sum()
        };
        let center = Some(*center);
        line(&WAGES, center, (1, "Brutoloon"), sum(|p| p.gross), 0)?;
        line(
            &HOLIDAY,
            center,
            (80, "Reservering vakantiebijslag"),
            sum(|p| p.holiday),
            0,
        )?;
        line(
            &SOCIAL,
            center,
            (70, "Premies werkgever"),
            sum(|p| p.social),
            0,
        )?;
        line(
            &PENSION,
            center,
            (61, "Pensioenpremie werkgever"),
            sum(|p| p.pension_employer),
            0,
        )?;
    }
    let sum = |amount: fn(&Pay) -> i64| -> i64 { pays.iter().map(amount).sum() };
    line(&TAX_DUE, None, (50, "Loonheffing"), 0, sum(|p| p.tax))?;
    line(
        &TAX_DUE,
        None,
        (70, "Premies werkgever"),
        0,
        sum(|p| p.social),
    )?;
    line(
        &PENSION_DUE,
        None,
        (60, "Pensioenpremie werknemer"),
        0,
        sum(|p| p.pension_employee),
    )?;
    line(
        &PENSION_DUE,
        None,
        (61, "Pensioenpremie werkgever"),
        0,
        sum(|p| p.pension_employer),
    )?;
    line(
        &HOLIDAY_DUE,
        None,
        (80, "Reservering vakantiebijslag"),
        0,
        sum(|p| p.holiday),
    )?;
    line(&NET_DUE, None, (99, "Nettoloon"), 0, sum(Pay::net))?;
    Ok(())
}

/// Company cars. 11ZKZ3 is a plate in the open data of the RDW.
fn seed_vehicles(t: &Transaction<'_>) -> Result<(), Failure> {
    let cars = [
        ("11ZKZ3", "2013-01-04", 1_069_700),
        ("GP586D", "2020-06-15", 3_452_000),
        ("K123BC", "2022-03-01", 4_199_900),
    ];
    for (plate, admission, value) in cars {
        t.execute(
            "INSERT INTO vehicle (license_plate_number, group_key, group_value, date_of_first_admission, value_for_tax_purposes) VALUES (?1, 1, 'Standaard tarief (25% tot 2017)', ?2, ?3)",
            params![plate, admission, value],
        )?;
    }
    Ok(())
}

/// Companies. 69599084 is a number in the test data of the trade register's
/// API.
fn seed_companies(t: &Transaction<'_>) -> Result<(), Failure> {
    let companies = [
        (
            "69599084",
            "Test EMZ Dagobert",
            (1, "Eenmanszaak"),
            (1, "1011", "Slachterijen (geen pluimvee-)"),
            ("Abebe Bikilalaan", 17, "1034WL", "Amsterdam"),
        ),
        (
            "90000011",
            "Bakkerij De Gouden Korenaar B.V.",
            (2, "Besloten vennootschap"),
            (
                2,
                "1071",
                "Vervaardiging van brood en vers banketbakkerswerk",
            ),
            ("Molenstraat", 12, "1234AA", "Leiden"),
        ),
    ];
    for (number, name, form, sbi, address) in companies {
        t.execute(
            "INSERT INTO company (chamber_of_commerce_number, name, legal_form_key, legal_form_value, sbi_key, sbi_code, sbi_value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![number, name, form.0, form.1, sbi.0, sbi.1, sbi.2],
        )?;
        t.execute(
            "INSERT INTO company_address (company, postal, street, house_number, postal_code, city, country) VALUES (?1, 0, ?2, ?3, ?4, ?5, 'NL')",
            params![number, address.0, address.1, address.2, address.3],
        )?;
    }
    Ok(())
}

/// Absence insurance contracts of two employers.
fn seed_insurance(t: &Transaction<'_>) -> Result<(), Failure> {
    for (employer, number, year_end) in [(1, "0015697843", 250), (2, "0015697851", 0)] {
        let contract = achmea_insurance_contract_id(employer).to_string();
        t.execute(
            "INSERT INTO achmea_insurance_contract (id, employer, contract_number, start_date) VALUES (?1, ?2, ?3, '2025-01-01')",
            params![contract, employer_id(employer).to_string(), number],
        )?;
        t.execute(
            "INSERT INTO insured_wage_percentage (id, contract, start_date, holiday_allowance, year_end) VALUES (?1, ?2, '2025-01-01', 800, ?3)",
            params![named(&format!("insured-wage-percentage/{employer}")).to_string(), contract, year_end],
        )?;
    }
    Ok(())
}
