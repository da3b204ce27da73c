//! Companies in SQLite.

use super::Embedded;
use super::record::Record;
use crate::bindings::koppel::loket::trade_register::{
    BusinessClassification, CompanyAddress, CompanyInformation,
};
use crate::bindings::koppel::loket::types::{ActivityError, KeyValue};
use crate::platform::TradeRegister;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row};

/// A company without its addresses.
static COMPANY: Record<CompanyInformation> = Record {
    table: "company",
    columns: "chamber_of_commerce_number, name, legal_form_key, legal_form_value, sbi_key, sbi_code, sbi_value, website",
    read: |row| {
        let legal_form: Option<u32> = row.get(3)?;
        let sbi: Option<u32> = row.get(5)?;
        Ok(CompanyInformation {
            chamber_of_commerce_number: row.get(1)?,
            name: row.get(2)?,
            legal_form: match legal_form {
                Some(key) => Some(KeyValue {
                    key,
                    value: row.get(4)?,
                }),
                None => None,
            },
            sbi: match sbi {
                Some(key) => Some(BusinessClassification {
                    key,
                    sbi_code: row.get(6)?,
                    value: row.get(7)?,
                }),
                None => None,
            },
            address: None,
            deviating_postal_address: None,
            website: row.get(8)?,
        })
    },
};

fn address(row: &Row<'_>) -> rusqlite::Result<CompanyAddress> {
    Ok(CompanyAddress {
        street: row.get(0)?,
        house_number: row.get(1)?,
        house_number_addition: row.get(2)?,
        po_box: row.get(3)?,
        postal_code: row.get(4)?,
        city: row.get(5)?,
        country: row.get(6)?,
    })
}

fn address_of(
    connection: &Connection,
    number: &str,
    postal: bool,
) -> rusqlite::Result<Option<CompanyAddress>> {
    connection
        .prepare_cached(
            "SELECT street, house_number, house_number_addition, po_box, postal_code, city, country FROM company_address WHERE company = ?1 AND postal = ?2",
        )?
        .query_row((number, postal), address)
        .optional()
}

#[async_trait]
impl TradeRegister for Embedded {
    async fn company_information(
        &self,
        chamber_of_commerce_number: &str,
    ) -> Result<CompanyInformation, ActivityError> {
        let number = chamber_of_commerce_number.to_owned();
        self.ask(move |connection| {
            let company =
                COMPANY.one_where(connection, "chamber_of_commerce_number = ?1", &number)?;
            Ok(CompanyInformation {
                address: address_of(connection, &number, false)?,
                deviating_postal_address: address_of(connection, &number, true)?,
                ..company
            })
        })
        .await
    }
}
