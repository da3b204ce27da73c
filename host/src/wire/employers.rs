//! Employers (werkgevers): `GetEmployersByUserId`, `GetEmployerByEmployerId`.

use super::shared::Id;
use crate::bindings::koppel::loket::employers as record;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An employer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Employer {
    /// Its identifier.
    pub id: Id,
    /// Its number within the provider.
    pub employer_number: u32,
    /// The name of the company.
    pub company_name: String,
    /// The number in the KVK trade register.
    pub chamber_of_commerce_number: Option<String>,
    /// The visiting address.
    pub address: Option<Address>,
}

/// A visiting address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// The street.
    pub street: Option<String>,
    /// The house number.
    pub house_number: Option<u32>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// The country.
    pub country: Option<Country>,
}

/// A country. Loket has a key and a text besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub iso_code: Option<String>,
}

impl From<Employer> for record::Employer {
    fn from(employer: Employer) -> Self {
        let address = employer.address.unwrap_or_default();
        Self {
            id: employer.id.0,
            employer_number: employer.employer_number,
            company_name: employer.company_name,
            chamber_of_commerce_number: employer.chamber_of_commerce_number,
            street: address.street,
            house_number: address.house_number,
            postal_code: address.postal_code,
            city: address.city,
            country: address.country.and_then(|country| country.iso_code),
        }
    }
}

impl From<record::Employer> for Employer {
    fn from(employer: record::Employer) -> Self {
        let address = Address {
            street: employer.street,
            house_number: employer.house_number,
            postal_code: employer.postal_code,
            city: employer.city,
            country: employer.country.map(|iso_code| Country {
                iso_code: Some(iso_code),
            }),
        };
        Self {
            id: Id(employer.id),
            employer_number: employer.employer_number,
            company_name: employer.company_name,
            chamber_of_commerce_number: employer.chamber_of_commerce_number,
            address: (address != Address::default()).then_some(address),
        }
    }
}
