//! Writing what a file holds, parents first.

mod people;

use super::node::Node;
use super::{ImportError, ImportSummary, Reply, replies};
use crate::catalogue::{Activity, id};
use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::Value;
use uuid::Uuid;

pub(super) fn apply(
    t: &Transaction<'_>,
    file: &Value,
    provider: Uuid,
) -> Result<ImportSummary, ImportError> {
    let Some(operations) = file.as_object() else {
        return Err(ImportError::Value {
            path: "$".to_owned(),
            problem: "is not an object keyed by operationId".to_owned(),
        });
    };
    let mut import = Import {
        t,
        file,
        provider: provider.to_string(),
        summary: ImportSummary {
            ignored_operations: operations
                .keys()
                .filter(|operation| !is_imported(operation))
                .count(),
            ..ImportSummary::default()
        },
    };
    let employers = import.employers()?;
    let administrations = import.administrations(&employers)?;
    let employees = import.employees(&employers)?;
    import.citizen_service_numbers(&employees)?;
    import.employments()?;
    let payroll_runs = import.payroll_runs(&administrations)?;
    import.payroll_run_results(&payroll_runs)?;
    let journal_runs = import.journal_runs(&administrations)?;
    import.journal_lines(&journal_runs)?;
    import.journal_run_errors(&journal_runs)?;
    import.vehicles()?;
    import.companies()?;
    let contracts = import.insurance_contracts()?;
    import.insured_wage_percentages(&contracts)?;
    Ok(import.summary)
}

/// The operations whose replies are data that koppel keeps. Declarations are
/// not: what was made, confirmed and sent elsewhere cannot be sent from here.
const IMPORTED: [Activity; 17] = [
    id::GetEmployersByUserId,
    id::GetEmployerByEmployerId,
    id::GetEmployeesByEmployerId,
    id::GetCitizenServiceNumberByEmployeeId,
    id::GetEmploymentsByEmployerId,
    id::GetPayrollAdministrationsByEmployerId,
    id::GetPayrollRunsByPayrollAdministrationId,
    id::GetPayrollRunByPayrollRunId,
    id::GetPayrollRunResultsByPayrollRunId,
    id::GetJournalRunsByPayrollAdministrationId,
    id::GetJournalRunByJournalRunId,
    id::GetJournalRunResultsByJournalRunId,
    id::GetJournalRunErrorsByJournalRunId,
    id::GetAdditionalTaxliabilityByLicensePlateNumber,
    id::GetCompanyInformationByChamberOfCommerceNumber,
    id::GetAchmeaInsuranceContractsByUserId,
    id::GetWagePercentagesByAchmeaInsuranceContractId,
];

fn is_imported(operation: &str) -> bool {
    Activity::find(operation).is_some_and(|activity| IMPORTED.contains(&activity))
}

pub(super) struct Import<'a> {
    pub(super) t: &'a Transaction<'a>,
    pub(super) file: &'a Value,
    pub(super) provider: String,
    pub(super) summary: ImportSummary,
}

/// The parent of a reply: from its parameters, or the only one in the file.
pub(super) fn parent(
    reply: &Reply<'_>,
    parameter: &str,
    known: &[String],
) -> Result<String, ImportError> {
    let problem = match (reply.parameters.get(parameter), known) {
        (Some(id), _) => match Uuid::parse_str(id) {
            Ok(id) => return Ok(id.to_string()),
            Err(_) => format!("parameters.{parameter} {id:?} is not a UUID"),
        },
        (None, [only]) => return Ok(only.clone()),
        (None, []) => {
            format!("add \"parameters\": {{\"{parameter}\": \"…\"}}; the file holds none")
        }
        (None, many) => format!(
            "add \"parameters\": {{\"{parameter}\": \"…\"}}; the file holds {}",
            many.len()
        ),
    };
    Err(ImportError::Value {
        path: reply.path.clone(),
        problem,
    })
}

impl<'a> Import<'a> {
    /// The replies of a list operation and of the operation for one item.
    fn both(&self, list: &str, one: &str) -> Result<Vec<Reply<'a>>, ImportError> {
        let mut both = replies(self.file, list)?;
        both.extend(replies(self.file, one)?);
        Ok(both)
    }

    /// Whether a parent exists, as an error for the person who wrote the file.
    pub(super) fn exists(
        &self,
        reply: &Reply<'_>,
        table: &str,
        id: &str,
    ) -> Result<(), ImportError> {
        let sql = format!("SELECT 1 FROM {table} WHERE id = ?1");
        let found = self.t.prepare_cached(&sql)?.exists([id])?;
        if found {
            return Ok(());
        }
        Err(ImportError::Value {
            path: reply.path.clone(),
            problem: format!("there is no {} {id}", table.replace('_', " ")),
        })
    }

    fn employers(&mut self) -> Result<Vec<String>, ImportError> {
        let mut ids = Vec::new();
        for reply in self.both("GetEmployersByUserId", "GetEmployerByEmployerId")? {
            for item in &reply.items {
                let id = item.get("id")?.id()?;
                let address = item.opt("address");
                let text = |name: &str| -> Result<Option<&str>, ImportError> {
                    let field = address.as_ref().and_then(|address| address.opt(name));
                    field.map(|field| field.text()).transpose()
                };
                let house_number = address.as_ref().and_then(|a| a.opt("houseNumber"));
                let country = address
                    .as_ref()
                    .and_then(|a| a.opt("country")?.opt("isoCode"));
                let written = self.t.execute(
                    "INSERT INTO employer (id, provider, number, company_name, chamber_of_commerce_number, street, house_number, postal_code, city, country) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                     ON CONFLICT (id) DO UPDATE SET number = ?3, company_name = ?4, chamber_of_commerce_number = ?5, street = ?6, house_number = ?7, postal_code = ?8, city = ?9, country = ?10 WHERE provider = ?2",
                    params![
                        id,
                        self.provider,
                        item.get("employerNumber")?.number()?,
                        item.get("companyName")?.text()?,
                        item.opt("chamberOfCommerceNumber").map(|n| n.text()).transpose()?,
                        text("street")?,
                        house_number.map(|n| n.number()).transpose()?,
                        text("postalCode")?,
                        text("city")?,
                        country.map(|c| c.text()).transpose()?,
                    ],
                )?;
                if written == 0 {
                    return Err(item.error(format!("employer {id} belongs to another provider")));
                }
                ids.push(id);
            }
        }
        let ids = unique(ids);
        self.summary.employers = ids.len();
        Ok(ids)
    }

    fn administrations(&mut self, employers: &[String]) -> Result<Vec<String>, ImportError> {
        let mut ids = Vec::new();
        for reply in replies(self.file, "GetPayrollAdministrationsByEmployerId")? {
            let employer = parent(&reply, "employerId", employers)?;
            self.exists(&reply, "employer", &employer)?;
            for item in &reply.items {
                let id = item.get("id")?.id()?;
                let tax = item.opt("payrollTaxNumber").map(|n| n.text()).transpose()?;
                let name = item.get("name")?.text()?;
                self.administration(item, &id, &employer, name, tax)?;
                ids.push(id);
            }
        }
        if let ([], [employer]) = (ids.as_slice(), employers) {
            let existing: Option<String> = self
                .t
                .query_row(
                    "SELECT id FROM payroll_administration WHERE employer = ?1",
                    [employer],
                    |row| row.get(0),
                )
                .optional()?;
            let id = match existing {
                Some(id) => id,
                None => {
                    let name = format!("payroll-administration of {employer}");
                    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string();
                    self.t.execute(
                        "INSERT INTO payroll_administration (id, employer, name) SELECT ?1, id, company_name FROM employer WHERE id = ?2",
                        params![id, employer],
                    )?;
                    id
                }
            };
            ids.push(id);
        }
        let ids = unique(ids);
        self.summary.payroll_administrations = ids.len();
        Ok(ids)
    }

    fn administration(
        &self,
        item: &Node<'_>,
        id: &str,
        employer: &str,
        name: &str,
        tax: Option<&str>,
    ) -> Result<(), ImportError> {
        let written = self.t.execute(
            "INSERT INTO payroll_administration (id, employer, name, payroll_tax_number) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET name = ?3, payroll_tax_number = ?4 WHERE employer = ?2",
            params![id, employer, name, tax],
        )?;
        if written == 0 {
            return Err(item.error(format!(
                "payroll administration {id} belongs to another employer"
            )));
        }
        Ok(())
    }

    fn payroll_runs(&mut self, administrations: &[String]) -> Result<Vec<String>, ImportError> {
        let mut ids = Vec::new();
        let both = self.both(
            "GetPayrollRunsByPayrollAdministrationId",
            "GetPayrollRunByPayrollRunId",
        )?;
        for reply in both {
            let administration = parent(&reply, "payrollAdministrationId", administrations)?;
            self.exists(&reply, "payroll_administration", &administration)?;
            for item in &reply.items {
                let id = item.get("id")?.id()?;
                let period = Period::read(&item.get("payrollPeriod")?)?;
                let sequence = item.get("sequenceNumber")?.number()?;
                let (status, status_text) = item.get("payrollRunStatus")?.key_value()?;
                let approval = item
                    .opt("approvalTime")
                    .map(|t| t.timestamp())
                    .transpose()?;
                let ord = i64::from(period.year) * 100_000
                    + i64::from(period.number) * 1_000
                    + i64::from(sequence);
                let written = self.t.execute(
                    "INSERT INTO payroll_run (id, payroll_administration, ord, year, period_number, period_start, period_end, status_key, status_value, sequence_number, approval_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                     ON CONFLICT (id) DO UPDATE SET ord = ?3, year = ?4, period_number = ?5, period_start = ?6, period_end = ?7, status_key = ?8, status_value = ?9, sequence_number = ?10, approval_time = ?11 WHERE payroll_administration = ?2",
                    params![id, administration, ord, period.year, period.number, period.start, period.end, status, status_text, sequence, approval],
                );
                settle(item, "payroll run", &id, written)?;
                ids.push(id);
            }
        }
        let ids = unique(ids);
        self.summary.payroll_runs = ids.len();
        Ok(ids)
    }

    fn payroll_run_results(&mut self, payroll_runs: &[String]) -> Result<(), ImportError> {
        for reply in replies(self.file, "GetPayrollRunResultsByPayrollRunId")? {
            let run = parent(&reply, "payrollrunId", payroll_runs)?;
            self.exists(&reply, "payroll_run", &run)?;
            self.t.execute(
                "DELETE FROM payroll_run_result WHERE payroll_run = ?1",
                [&run],
            )?;
            let mut ord = 0;
            for item in &reply.items {
                let employment = item.get("employmentId")?.id()?;
                for period in item.get("payrollPeriods")?.items()? {
                    for payslip in period.get("payslipTypes")?.items()? {
                        for result in payslip.get("payrollComponentResults")?.items()? {
                            let component = result.get("payrollComponent")?;
                            let (key, value) = component.key_value()?;
                            let (column, column_text) = component.get("column")?.key_value()?;
                            ord += 1;
                            self.t.prepare_cached(
                                "INSERT INTO payroll_run_result (payroll_run, ord, employment, component_key, component_value, column_key, column_value, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                            )?.execute(params![run, ord, employment, key, value, column, column_text, result.get("value")?.cents()?])?;
                        }
                    }
                }
            }
            self.summary.payroll_run_results += ord;
        }
        Ok(())
    }

    fn journal_runs(&mut self, administrations: &[String]) -> Result<Vec<String>, ImportError> {
        let mut ids = Vec::new();
        let both = self.both(
            "GetJournalRunsByPayrollAdministrationId",
            "GetJournalRunByJournalRunId",
        )?;
        for reply in both {
            let administration = parent(&reply, "payrollAdministrationId", administrations)?;
            self.exists(&reply, "payroll_administration", &administration)?;
            for item in &reply.items {
                let id = item.get("id")?.id()?;
                let payroll_run = item.get("payrollRun")?;
                let period = Period::read(&payroll_run.get("payrollPeriod")?)?;
                let status = item.get("journalRunStatus")?.get("key")?;
                if status.number()? > 7 {
                    return Err(status.error("is not a status of a journal run (0 to 7)"));
                }
                let finished = item
                    .opt("processingFinishedTime")
                    .map(|t| t.timestamp())
                    .transpose()?;
                // What a connector booked, or is booking, stays so, whatever the
                // file says.
                let written = self.t.execute(
                    "INSERT INTO journal_run (id, payroll_administration, payroll_run, ord, year, period_number, period_start, period_end, status, processing_finished_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                     ON CONFLICT (id) DO UPDATE SET payroll_run = ?3, ord = ?4, year = ?5, period_number = ?6, period_start = ?7, period_end = ?8, status = CASE WHEN journal_run.status > 4 AND EXISTS (SELECT 1 FROM journal_run_change AS change WHERE change.journal_run = journal_run.id) THEN journal_run.status ELSE ?9 END, processing_finished_time = ?10 WHERE payroll_administration = ?2",
                    params![id, administration, payroll_run.get("payrollRunId")?.id()?, item.get("sequenceNumber")?.number()?, period.year, period.number, period.start, period.end, status.number()?, finished],
                );
                settle(item, "journal run", &id, written)?;
                ids.push(id);
            }
        }
        let ids = unique(ids);
        self.summary.journal_runs = ids.len();
        Ok(ids)
    }

    fn journal_lines(&mut self, journal_runs: &[String]) -> Result<(), ImportError> {
        for reply in replies(self.file, "GetJournalRunResultsByJournalRunId")? {
            let run = parent(&reply, "journalrunId", journal_runs)?;
            self.exists(&reply, "journal_run", &run)?;
            self.t
                .execute("DELETE FROM journal_line WHERE journal_run = ?1", [&run])?;
            for (ord, item) in (1..).zip(&reply.items) {
                let (account, account_text) = item.get("generalLedgerAccount")?.coded()?;
                let center = item
                    .opt("costCenter")
                    .map(|c| c.coded())
                    .transpose()?
                    .unzip();
                let unit = item.opt("costUnit").map(|c| c.coded()).transpose()?.unzip();
                let (component, component_text) = item.get("payrollComponent")?.key_value()?;
                let debit = item.get("debetAmount")?.cents()?;
                let credit = item.get("creditAmount")?.cents()?;
                if debit != 0 && credit != 0 {
                    return Err(item.error("has both a debetAmount and a creditAmount"));
                }
                self.t.prepare_cached(
                    "INSERT INTO journal_line (journal_run, ord, account_code, account_description, cost_center_code, cost_center_description, cost_unit_code, cost_unit_description, component_key, component_value, debit, credit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                )?.execute(params![run, ord, account, account_text, center.0, center.1, unit.0, unit.1, component, component_text, debit, credit])?;
            }
            self.summary.journal_lines += reply.items.len();
        }
        Ok(())
    }

    fn journal_run_errors(&mut self, journal_runs: &[String]) -> Result<(), ImportError> {
        for reply in replies(self.file, "GetJournalRunErrorsByJournalRunId")? {
            let run = parent(&reply, "journalrunId", journal_runs)?;
            self.exists(&reply, "journal_run", &run)?;
            self.t.execute(
                "DELETE FROM journal_run_error WHERE journal_run = ?1",
                [&run],
            )?;
            for (ord, item) in (1..).zip(&reply.items) {
                let account = item
                    .opt("generalLedgerAccount")
                    .map(|a| a.coded())
                    .transpose()?
                    .unzip();
                let (component, component_text) = item.get("payrollComponent")?.key_value()?;
                let (error, error_text) = item.get("error")?.key_value()?;
                // Loket's own spelling has a capital here.
                let employee = item
                    .opt("PayrollEmployeeNumber")
                    .map(|n| n.number())
                    .transpose()?;
                self.t.execute(
                    "INSERT INTO journal_run_error (journal_run, ord, id, payroll_employee_number, account_code, account_description, component_key, component_value, error_key, error_value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    params![run, ord, item.get("id")?.id()?, employee, account.0, account.1, component, component_text, error, error_text],
                )?;
            }
            self.summary.journal_run_errors += reply.items.len();
        }
        Ok(())
    }

    fn vehicles(&mut self) -> Result<(), ImportError> {
        for reply in replies(self.file, "GetAdditionalTaxliabilityByLicensePlateNumber")? {
            for item in &reply.items {
                let (group, group_text) = item.get("additionalTaxLiabilityGroup")?.key_value()?;
                self.t.execute(
                    "INSERT INTO vehicle (license_plate_number, group_key, group_value, date_of_first_admission, value_for_tax_purposes) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (license_plate_number) DO UPDATE SET group_key = ?2, group_value = ?3, date_of_first_admission = ?4, value_for_tax_purposes = ?5",
                    params![
                        item.get("licensePlateNumber")?.text()?,
                        group,
                        group_text,
                        item.get("dateOfFirstAdmission")?.date()?,
                        item.get("valueForTaxPurposes")?.cents()?
                    ],
                )?;
                self.summary.vehicles += 1;
            }
        }
        Ok(())
    }
}

/// The identifiers, each once: a file may hold an item in two replies.
fn unique(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids.dedup();
    ids
}

/// Turns what the database said of a run into an error for its item.
fn settle(
    item: &Node<'_>,
    what: &str,
    id: &str,
    written: rusqlite::Result<usize>,
) -> Result<(), ImportError> {
    match written {
        Ok(0) => Err(item.error(format!(
            "{what} {id} belongs to another payroll administration"
        ))),
        Ok(_) => Ok(()),
        Err(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
        {
            Err(item.error(format!(
                "{what} {id} has the period and sequence number of another one"
            )))
        }
        Err(error) => Err(error.into()),
    }
}

struct Period {
    year: u32,
    number: u32,
    start: String,
    end: String,
}

impl Period {
    fn read(node: &Node<'_>) -> Result<Self, ImportError> {
        let (year, number) = (node.get("year")?, node.get("periodNumber")?);
        let (start, end) = match (node.opt("periodStartDate"), node.opt("periodEndDate")) {
            (Some(start), Some(end)) => (start.date()?, end.date()?),
            _ => {
                let month = i8::try_from(number.number()?).ok();
                let year = i16::try_from(year.number()?).ok();
                let start = year
                    .zip(month)
                    .and_then(|(year, month)| jiff::civil::Date::new(year, month, 1).ok())
                    .ok_or_else(|| {
                        node.error(
                            "needs periodStartDate and periodEndDate: it is no calendar month",
                        )
                    })?;
                (start.to_string(), start.last_of_month().to_string())
            }
        };
        Ok(Self {
            year: year.number()?,
            number: number.number()?,
            start,
            end,
        })
    }
}
