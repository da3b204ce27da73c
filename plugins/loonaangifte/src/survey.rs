//! What a wage-tax return is about: the people of a payroll administration and
//! their wages in one period, read through activities and checked.

use crate::fields::{Amounts, HOURS, MAX, Mapping, hours};
use koppel_sdk::payroll::{self, Paid};
use koppel_sdk::types::{
    Address, DeclarationStatus, Employee, Employment, IncomePeriod, PayrollTaxReturn,
};
use koppel_sdk::{ConnectorError, numbers};
use std::collections::BTreeSet;

/// How many faults are named.
const NAMED: usize = 10;

/// The first days of the periods that the schema of 2022 has (`DatAanvTv`).
const FIRST_DAYS: [&str; 24] = [
    "01-01", "01-31", "02-01", "02-28", "03-01", "03-28", "04-01", "04-25", "05-01", "05-23",
    "06-01", "06-20", "07-01", "07-18", "08-01", "08-15", "09-01", "09-12", "10-01", "10-10",
    "11-01", "11-07", "12-01", "12-05",
];

/// The last days of the periods that the schema of 2022 has (`DatEindTv`).
const LAST_DAYS: [&str; 24] = [
    "01-30", "01-31", "02-27", "02-28", "03-27", "03-31", "04-24", "04-30", "05-22", "05-31",
    "06-19", "06-30", "07-17", "07-31", "08-14", "08-31", "09-11", "09-30", "10-09", "10-31",
    "11-06", "11-30", "12-04", "12-31",
];

/// One income relationship (inkomstenverhouding) and its amounts.
pub(crate) struct Relationship {
    pub(crate) employee: Employee,
    pub(crate) employment: Employment,
    pub(crate) income_period: IncomePeriod,
    pub(crate) citizen_service_number: String,
    pub(crate) amounts: Amounts,
}

/// Everything that a message holds.
pub(crate) struct Survey {
    pub(crate) wage_tax_number: String,
    pub(crate) relationships: Vec<Relationship>,
    pub(crate) totals: Amounts,
}

impl Survey {
    /// Reads all of it.
    ///
    /// # Errors
    ///
    /// `refused` when something is missing or not right. What is wrong with a
    /// person is said by employee number, never with the value.
    pub(crate) fn of(
        employer: &str,
        declaration: &PayrollTaxReturn,
        mapping: &Mapping,
    ) -> Result<Self, ConnectorError> {
        check_status(declaration)?;
        check_period(declaration)?;
        let wage_tax_number = wage_tax_number(declaration)?;
        let (mut relationships, mut faults) = (Vec::new(), Vec::new());
        let paid = payroll::paid_in(
            employer,
            &declaration.payroll_administration_id,
            &declaration.payroll_period,
        )?;
        for one in paid {
            let number = one.employee.employee_number;
            match relationship(one, mapping) {
                Ok(relationship) => relationships.push(relationship),
                Err(fault) => faults.push(format!("employee {number}: {fault}")),
            }
        }
        refuse(faults)?;
        let mut totals = Amounts::default();
        for relationship in &relationships {
            totals.add_all(&relationship.amounts);
        }
        Ok(Self {
            wage_tax_number,
            relationships,
            totals,
        })
    }

    /// What identifies the income relationships: citizen service number and
    /// number.
    pub(crate) fn identities(&self) -> BTreeSet<(String, String)> {
        self.relationships
            .iter()
            .map(|r| {
                (
                    r.citizen_service_number.clone(),
                    r.employment.income_relationship_number.to_string(),
                )
            })
            .collect()
    }
}

fn refuse(mut faults: Vec<String>) -> Result<(), ConnectorError> {
    if faults.is_empty() {
        return Ok(());
    }
    let more = faults.len().saturating_sub(NAMED);
    faults.truncate(NAMED);
    let rest = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    Err(ConnectorError::Refused(format!(
        "{}{rest}",
        faults.join("; ")
    )))
}

fn check_status(declaration: &PayrollTaxReturn) -> Result<(), ConnectorError> {
    match declaration.status {
        DeclarationStatus::Requested | DeclarationStatus::Failed => Ok(()),
        status => Err(ConnectorError::Refused(format!(
            "payroll tax return {} has a message already: its status is {status:?}",
            declaration.id
        ))),
    }
}

/// The schema of 2022 has the months and the four-week periods of that year.
fn check_period(declaration: &PayrollTaxReturn) -> Result<(), ConnectorError> {
    let period = &declaration.payroll_period;
    let known = |date: &str, days: &[&str]| {
        date.strip_prefix("2022-")
            .is_some_and(|day| days.contains(&day))
    };
    if known(&period.period_start_date, &FIRST_DAYS) && known(&period.period_end_date, &LAST_DAYS) {
        return Ok(());
    }
    Err(ConnectorError::Refused(format!(
        "{} to {} is no period of the schema that this connector writes, Loonaangifte 2022 v2.0: a month or four weeks of 2022",
        period.period_start_date, period.period_end_date
    )))
}

fn wage_tax_number(declaration: &PayrollTaxReturn) -> Result<String, ConnectorError> {
    // Not shown: the number of a sole proprietor holds a citizen service number.
    match &declaration.wage_tax_number {
        None => Err(ConnectorError::Refused(
            "the payroll administration has no wage-tax number (loonheffingennummer)".to_owned(),
        )),
        Some(number) if numbers::is_wage_tax_number(number) => Ok(number.clone()),
        Some(_) => Err(ConnectorError::Refused(
            "the wage-tax number (loonheffingennummer) of the payroll administration is not right: it must be nine digits that pass the eleven-test (elfproef), L, and two digits, such as 999990007L01".to_owned(),
        )),
    }
}

/// An income relationship, or what is wrong with it. The text holds no data of
/// the person.
fn relationship(paid: Paid, mapping: &Mapping) -> Result<Relationship, String> {
    let citizen_service_number = paid
        .citizen_service_number
        .ok_or("there is no citizen service number (BSN)")?;
    if !numbers::is_citizen_service_number(&citizen_service_number) {
        return Err(
            "the citizen service number (BSN) does not pass the eleven-test (elfproef)".to_owned(),
        );
    }
    let (employee, employment) = (paid.employee, paid.employment);
    if employee.date_of_birth.is_none() {
        return Err("there is no date of birth".to_owned());
    }
    if employee.last_name.trim().is_empty() {
        return Err("there is no last name".to_owned());
    }
    if let Some(address) = &employee.address {
        check_address(address)?;
    }
    if employment.income_relationship_number > 9_999 {
        return Err("the number of the income relationship has more than four digits".to_owned());
    }
    let Some(income_period) = employment.income_period.clone() else {
        return Err("it is not known how the employment is insured and taxed".to_owned());
    };
    let mut amounts = Amounts::default();
    for (component, value) in paid.results {
        amounts.add(mapping, component, value);
    }
    for (field, amount) in amounts.iter() {
        if amount.abs().0 > MAX {
            return Err(format!("{} has more than ten digits", field.name));
        }
        if field.name == HOURS && hours(amount).abs() > 99_999 {
            return Err(format!("{HOURS} has more than five digits"));
        }
    }
    Ok(Relationship {
        employee,
        employment,
        income_period,
        citizen_service_number,
        amounts,
    })
}

fn check_address(address: &Address) -> Result<(), String> {
    if address
        .street
        .as_deref()
        .is_none_or(|s| s.trim().is_empty())
        || address.city.as_deref().is_none_or(|s| s.trim().is_empty())
    {
        return Err("the address has no street or no city".to_owned());
    }
    if abroad(address) {
        return Ok(());
    }
    if address.house_number.is_some_and(|n| n == 0 || n > 99_999) {
        return Err("the house number is not 1 to 99999".to_owned());
    }
    match postal_code(address) {
        Some(_) => Ok(()),
        None => Err("the postal code is not like 1234AB".to_owned()),
    }
}

/// Whether an address is outside of the Netherlands.
pub(crate) fn abroad(address: &Address) -> bool {
    address
        .country
        .as_deref()
        .is_some_and(|country| country != "NL")
}

/// A Dutch postal code without spaces, in capitals.
pub(crate) fn postal_code(address: &Address) -> Option<String> {
    let code: String = address
        .postal_code
        .as_deref()?
        .chars()
        .filter(|c| *c != ' ')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let bytes = code.as_bytes();
    let right = bytes.len() == 6
        && (b'1'..=b'9').contains(&bytes[0])
        && bytes[1..4].iter().all(u8::is_ascii_digit)
        && bytes[4..].iter().all(u8::is_ascii_uppercase);
    right.then_some(code)
}
