//! Employees (werknemers) and their citizen service numbers:
//! `GetEmployeesByEmployerId`, `GetCitizenServiceNumberByEmployeeId`.

use super::addresses::Address;
use super::shared::{Day, Id, KeyValue};
use crate::bindings::koppel::loket::employees as record;
use crate::bindings::koppel::loket::employees::Gender;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// An employee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Employee {
    /// Its identifier.
    pub id: Id,
    /// Its number within the employer.
    pub employee_number: u32,
    /// Who it is.
    pub personal_details: PersonalDetails,
    /// Where the employee lives.
    pub address: Option<Address>,
}

/// Who an employee is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonalDetails {
    /// The initials.
    pub initials: Option<String>,
    /// What precedes the last name.
    pub prefix: Option<String>,
    /// The last name, without the prefix.
    pub last_name: String,
    /// The date of birth.
    pub date_of_birth: Option<Day>,
    /// The gender: Loket's key with a text. What is neither 1 (male) nor 2
    /// (female) is unknown to koppel.
    pub gender: Option<KeyValue>,
}

fn gender(key: Option<u32>) -> Gender {
    match key {
        Some(1) => Gender::Male,
        Some(2) => Gender::Female,
        _ => Gender::Unknown,
    }
}

fn gender_key(gender: Gender) -> KeyValue {
    let (key, value) = match gender {
        Gender::Unknown => (0, "Onbekend"),
        Gender::Male => (1, "Man"),
        Gender::Female => (2, "Vrouw"),
    };
    KeyValue {
        key,
        value: value.to_owned(),
    }
}

impl From<Employee> for record::Employee {
    fn from(employee: Employee) -> Self {
        let person = employee.personal_details;
        Self {
            id: employee.id.0,
            employee_number: employee.employee_number,
            initials: person.initials,
            prefix: person.prefix,
            last_name: person.last_name,
            date_of_birth: person.date_of_birth.map(|day| day.0),
            gender: gender(person.gender.map(|gender| gender.key)),
            address: employee.address.map(Into::into),
        }
    }
}

impl From<record::Employee> for Employee {
    fn from(employee: record::Employee) -> Self {
        Self {
            id: Id(employee.id),
            employee_number: employee.employee_number,
            personal_details: PersonalDetails {
                initials: employee.initials,
                prefix: employee.prefix,
                last_name: employee.last_name,
                date_of_birth: employee.date_of_birth.map(Day),
                gender: Some(gender_key(employee.gender)),
            },
            address: employee.address.map(Into::into),
        }
    }
}

/// The citizen service number (BSN) of an employee.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CitizenServiceNumber {
    /// Nine digits; none when it is not known.
    #[serde(deserialize_with = "nine_digits")]
    pub citizen_service_number: Option<String>,
}

impl std::fmt::Debug for CitizenServiceNumber {
    /// Without the number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CitizenServiceNumber")
            .finish_non_exhaustive()
    }
}

/// Reads a citizen service number. What is wrong is told without the value: it
/// may be a number with a slip of the pen, and errors are logged.
fn nine_digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(digits)
            if digits.len() == 9 && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Ok(Some(digits))
        }
        _ => Err(D::Error::custom("is not nine digits")),
    }
}

impl From<Option<String>> for CitizenServiceNumber {
    fn from(citizen_service_number: Option<String>) -> Self {
        Self {
            citizen_service_number,
        }
    }
}
