//! Writing what a file holds on companies.

use super::apply::Import;
use super::node::Node;
use super::{ImportError, replies};
use rusqlite::params;

const OPERATION: &str = "GetCompanyInformationByChamberOfCommerceNumber";

impl Import<'_> {
    /// Companies. The number is not in the reply, so the parameters must have
    /// it; the example of an API description has none and is passed over.
    pub(super) fn companies(&mut self) -> Result<(), ImportError> {
        for reply in replies(self.file, OPERATION)? {
            if reply.described {
                self.summary.ignored_operations += 1;
                continue;
            }
            let number = reply.parameters.get("chamberOfCommerceNumber").copied();
            let number = number.filter(|n| n.len() == 8 && n.bytes().all(|b| b.is_ascii_digit()));
            let Some(number) = number else {
                return Err(ImportError::Value {
                    path: reply.path,
                    problem: "add \"parameters\": {\"chamberOfCommerceNumber\": \"…\"} with the eight digits of the company".to_owned(),
                });
            };
            for item in &reply.items {
                self.company(number, item)?;
                self.summary.companies += 1;
            }
        }
        Ok(())
    }

    fn company(&self, number: &str, item: &Node<'_>) -> Result<(), ImportError> {
        let legal_form = item.opt("legalForm").map(|f| f.key_value()).transpose()?;
        let sbi = item.opt("sbi");
        let sbi_key_value = sbi.as_ref().map(Node::key_value).transpose()?;
        let sbi_code = sbi.as_ref().map(|s| s.get("sbiCode")?.text()).transpose()?;
        self.t.execute(
            "INSERT INTO company (chamber_of_commerce_number, name, legal_form_key, legal_form_value, sbi_key, sbi_code, sbi_value, website) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (chamber_of_commerce_number) DO UPDATE SET name = ?2, legal_form_key = ?3, legal_form_value = ?4, sbi_key = ?5, sbi_code = ?6, sbi_value = ?7, website = ?8",
            params![
                number,
                item.get("name")?.text()?,
                legal_form.map(|(key, _)| key),
                legal_form.map(|(_, value)| value),
                sbi_key_value.map(|(key, _)| key),
                sbi_code,
                sbi_key_value.map(|(_, value)| value),
                item.opt("website").map(|w| w.text()).transpose()?,
            ],
        )?;
        self.t
            .execute("DELETE FROM company_address WHERE company = ?1", [number])?;
        for (postal, name) in [(false, "address"), (true, "deviatingPostalAddress")] {
            if let Some(address) = item.opt(name) {
                self.company_address(number, postal, &address)?;
            }
        }
        Ok(())
    }

    fn company_address(
        &self,
        number: &str,
        postal: bool,
        address: &Node<'_>,
    ) -> Result<(), ImportError> {
        let text = |name| address.opt(name).map(|field| field.text()).transpose();
        let count = |name| address.opt(name).map(|field| field.number()).transpose();
        let country = address.opt("country").and_then(|c| c.opt("isoCode"));
        self.t.execute(
            "INSERT INTO company_address (company, postal, street, house_number, house_number_addition, po_box, postal_code, city, country) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                number,
                postal,
                text("street")?,
                count("houseNumber")?,
                text("houseNumberAddition")?,
                count("poBox")?,
                // Loket writes it with and without a space.
                text("postalCode")?.map(|code| code.replace(' ', "")),
                text("city")?,
                country.map(|country| country.text()).transpose()?,
            ],
        )?;
        Ok(())
    }
}
