//! Writing what a file holds on insurance contracts.

use super::apply::{Import, parent};
use super::node::Node;
use super::{ImportError, replies};
use rusqlite::{OptionalExtension, params};

impl Import<'_> {
    /// Contracts; each names the employer that it belongs to.
    pub(super) fn insurance_contracts(&mut self) -> Result<Vec<String>, ImportError> {
        let mut ids = Vec::new();
        for reply in replies(self.file, "GetAchmeaInsuranceContractsByUserId")? {
            for item in &reply.items {
                let id = item.get("id")?.id()?;
                let named = item.get("belongsToEmployerId")?;
                let employer = named.id()?;
                if self.provider_of(&employer)?.as_deref() != Some(self.provider.as_str()) {
                    return Err(
                        named.error(format!("there is no employer {employer} of this provider"))
                    );
                }
                let written = self.t.execute(
                    "INSERT INTO achmea_insurance_contract (id, employer, contract_number, start_date, end_date) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (id) DO UPDATE SET contract_number = ?3, start_date = ?4, end_date = ?5 WHERE employer = ?2",
                    params![
                        id,
                        employer,
                        item.get("contractNumber")?.text()?,
                        item.get("startDate")?.date()?,
                        item.opt("endDate").map(|date| date.date()).transpose()?,
                    ],
                )?;
                if written == 0 {
                    return Err(item.error(format!(
                        "insurance contract {id} belongs to another employer"
                    )));
                }
                ids.push(id);
            }
        }
        self.summary.insurance_contracts = ids.len();
        Ok(ids)
    }

    /// The percentages of contracts. The example of an API description has
    /// placeholders for dates and is passed over.
    pub(super) fn insured_wage_percentages(
        &mut self,
        contracts: &[String],
    ) -> Result<(), ImportError> {
        for reply in replies(self.file, "GetWagePercentagesByAchmeaInsuranceContractId")? {
            if reply.described {
                self.summary.ignored_operations += 1;
                continue;
            }
            let contract = parent(&reply, "achmeaInsuranceContractId", contracts)?;
            self.exists(&reply, "achmea_insurance_contract", &contract)?;
            for item in &reply.items {
                self.insured_wage_percentage(&contract, item)?;
                self.summary.insured_wage_percentages += 1;
            }
        }
        Ok(())
    }

    fn insured_wage_percentage(&self, contract: &str, item: &Node<'_>) -> Result<(), ImportError> {
        let id = item.get("id")?.id()?;
        // Percents with at most two decimals, as amounts are.
        let percentage = |name| -> Result<u32, ImportError> {
            let field = item.get(name)?;
            let hundredths = u32::try_from(field.cents()?).ok();
            hundredths
                .filter(|hundredths| *hundredths <= 10_000)
                .ok_or_else(|| field.error("must be 0 to 100 percent"))
        };
        let written = self.t.execute(
            "INSERT INTO insured_wage_percentage (id, contract, start_date, end_date, holiday_allowance, year_end) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET start_date = ?3, end_date = ?4, holiday_allowance = ?5, year_end = ?6 WHERE contract = ?2",
            params![
                id,
                contract,
                item.get("startDate")?.date()?,
                item.opt("endDate").map(|date| date.date()).transpose()?,
                percentage("holidayAllowancePercentage")?,
                percentage("yearEndPercentage")?,
            ],
        )?;
        if written == 0 {
            return Err(item.error(format!("percentage {id} belongs to another contract")));
        }
        Ok(())
    }

    fn provider_of(&self, employer: &str) -> Result<Option<String>, ImportError> {
        let mut select = self
            .t
            .prepare_cached("SELECT provider FROM employer WHERE id = ?1")?;
        Ok(select.query_row([employer], |row| row.get(0)).optional()?)
    }
}
