//! Addresses, of companies and of people.

use super::employers::Country;
use crate::bindings::koppel::loket::{employees, trade_register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// The street.
    pub street: Option<String>,
    /// The house number.
    pub house_number: Option<u32>,
    /// What follows the house number.
    pub house_number_addition: Option<String>,
    /// The number of the post office box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub po_box: Option<u32>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// The country.
    pub country: Option<Country>,
}

/// Loket writes a postal code with and without a space; the contract has none.
fn compact(postal_code: String) -> String {
    postal_code.replace(' ', "")
}

fn iso_code(country: Option<Country>) -> Option<String> {
    country.and_then(|country| country.iso_code)
}

fn country(iso_code: Option<String>) -> Option<Country> {
    iso_code.map(|iso_code| Country {
        iso_code: Some(iso_code),
    })
}

impl From<Address> for trade_register::CompanyAddress {
    fn from(address: Address) -> Self {
        Self {
            street: address.street,
            house_number: address.house_number,
            house_number_addition: address.house_number_addition,
            po_box: address.po_box,
            postal_code: address.postal_code.map(compact),
            city: address.city,
            country: iso_code(address.country),
        }
    }
}

impl From<trade_register::CompanyAddress> for Address {
    fn from(address: trade_register::CompanyAddress) -> Self {
        Self {
            street: address.street,
            house_number: address.house_number,
            house_number_addition: address.house_number_addition,
            po_box: address.po_box,
            postal_code: address.postal_code,
            city: address.city,
            country: country(address.country),
        }
    }
}

impl From<Address> for employees::Address {
    fn from(address: Address) -> Self {
        Self {
            street: address.street,
            house_number: address.house_number,
            house_number_addition: address.house_number_addition,
            postal_code: address.postal_code.map(compact),
            city: address.city,
            country: iso_code(address.country),
        }
    }
}

impl From<employees::Address> for Address {
    fn from(address: employees::Address) -> Self {
        Self {
            street: address.street,
            house_number: address.house_number,
            house_number_addition: address.house_number_addition,
            po_box: None,
            postal_code: address.postal_code,
            city: address.city,
            country: country(address.country),
        }
    }
}
