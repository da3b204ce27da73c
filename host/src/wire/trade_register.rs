//! The trade register: `GetCompanyInformationByChamberOfCommerceNumber`. The
//! number is in the path of the request.

use super::addresses::Address;
use super::shared::KeyValue;
use crate::bindings::koppel::loket::trade_register as record;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of a company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompanyInformation {
    /// The name.
    pub name: String,
    /// The legal form (rechtsvorm).
    pub legal_form: Option<KeyValue>,
    /// The main kind of business.
    pub sbi: Option<Sbi>,
    /// The visiting address.
    pub address: Option<Address>,
    /// The postal address, if it is another one.
    pub deviating_postal_address: Option<Address>,
    /// The website.
    pub website: Option<String>,
}

/// A kind of business (SBI, standaard bedrijfsindeling).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sbi {
    /// The stable key.
    pub key: u32,
    /// The code.
    pub sbi_code: String,
    /// The text that goes with it.
    pub value: String,
}

impl CompanyInformation {
    /// The record of the contract, with the number that was asked for.
    pub fn into_record(self, chamber_of_commerce_number: String) -> record::CompanyInformation {
        record::CompanyInformation {
            chamber_of_commerce_number,
            name: self.name,
            legal_form: self.legal_form.map(Into::into),
            sbi: self.sbi.map(|sbi| record::BusinessClassification {
                key: sbi.key,
                sbi_code: sbi.sbi_code,
                value: sbi.value,
            }),
            address: self.address.map(Into::into),
            deviating_postal_address: self.deviating_postal_address.map(Into::into),
            website: self.website,
        }
    }
}

impl From<record::CompanyInformation> for CompanyInformation {
    fn from(company: record::CompanyInformation) -> Self {
        Self {
            name: company.name,
            legal_form: company.legal_form.map(Into::into),
            sbi: company.sbi.map(|sbi| Sbi {
                key: sbi.key,
                sbi_code: sbi.sbi_code,
                value: sbi.value,
            }),
            address: company.address.map(Into::into),
            deviating_postal_address: company.deviating_postal_address.map(Into::into),
            website: company.website,
        }
    }
}
