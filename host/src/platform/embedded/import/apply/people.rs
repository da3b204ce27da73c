//! Employees, their citizen service numbers and their employments.

use super::{Import, parent};
use crate::bindings::koppel::loket::employments::IncomePeriod;
use crate::platform::embedded::import::node::Node;
use crate::platform::embedded::import::{ImportError, replies};
use rusqlite::params;

impl Import<'_> {
    /// Employees in Loket's shape.
    pub(super) fn employees(&mut self, employers: &[String]) -> Result<Vec<String>, ImportError> {
        let mut ids = Vec::new();
        for reply in replies(self.file, "GetEmployeesByEmployerId")? {
            let employer = parent(&reply, "employerId", employers)?;
            self.exists(&reply, "employer", &employer)?;
            for item in &reply.items {
                let id = item.get("id")?.id()?;
                let person = item.get("personalDetails")?;
                let gender = person.opt("gender").map(|g| g.get("key")?.number());
                let address = item.opt("address");
                let at = |name: &str| address.as_ref().and_then(|address| address.opt(name));
                let country = at("country").and_then(|country| country.opt("isoCode"));
                let written = self.t.execute(
                    "INSERT INTO employee (id, employer, ord, initials, prefix, last_name, date_of_birth, gender, street, house_number, house_number_addition, postal_code, city, country) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                     ON CONFLICT (id) DO UPDATE SET ord = ?3, initials = ?4, prefix = ?5, last_name = ?6, date_of_birth = ?7, gender = ?8, street = ?9, house_number = ?10, house_number_addition = ?11, postal_code = ?12, city = ?13, country = ?14 WHERE employer = ?2",
                    params![
                        id,
                        employer,
                        item.get("employeeNumber")?.number()?,
                        text(person.opt("initials"))?,
                        text(person.opt("prefix"))?,
                        person.get("lastName")?.text()?,
                        person.opt("dateOfBirth").map(|d| d.date()).transpose()?,
                        // What is neither male nor female in Loket's list is unknown here.
                        gender.transpose()?.filter(|key| *key <= 2).unwrap_or(0),
                        text(at("street"))?,
                        at("houseNumber").map(|n| n.number()).transpose()?,
                        text(at("houseNumberAddition"))?,
                        text(at("postalCode"))?,
                        text(at("city"))?,
                        text(country)?,
                    ],
                );
                match written {
                    Ok(0) => {
                        return Err(
                            item.error(format!("employee {id} belongs to another employer"))
                        );
                    }
                    Ok(_) => {}
                    Err(error)
                        if error.sqlite_error_code()
                            == Some(rusqlite::ErrorCode::ConstraintViolation) =>
                    {
                        return Err(
                            item.error(format!("employee {id} has the number of another one"))
                        );
                    }
                    Err(error) => return Err(error.into()),
                }
                ids.push(id);
            }
        }
        self.summary.employees = ids.len();
        Ok(ids)
    }

    /// Citizen service numbers, by employee.
    pub(super) fn citizen_service_numbers(
        &mut self,
        employees: &[String],
    ) -> Result<(), ImportError> {
        for reply in replies(self.file, "GetCitizenServiceNumberByEmployeeId")? {
            let employee = parent(&reply, "employeeId", employees)?;
            self.exists(&reply, "employee", &employee)?;
            for item in &reply.items {
                let number = item.get("citizenServiceNumber")?;
                let digits = number.text()?;
                if digits.len() != 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    // Without the value: it may be a number with a slip of the pen.
                    return Err(number.error("is not nine digits"));
                }
                self.t.execute(
                    "UPDATE employee SET citizen_service_number = ?2 WHERE id = ?1",
                    params![employee, digits],
                )?;
            }
        }
        Ok(())
    }

    /// Employments, with the fields of the contract in camelCase.
    pub(super) fn employments(&mut self) -> Result<(), ImportError> {
        for reply in replies(self.file, "GetEmploymentsByEmployerId")? {
            for item in &reply.items {
                let id = item.get("id")?.id()?;
                let employee = item.get("employeeId")?.id()?;
                let administration = item.get("payrollAdministrationId")?.id()?;
                self.exists(&reply, "employee", &employee)?;
                self.exists(&reply, "payroll_administration", &administration)?;
                let period = item.opt("incomePeriod").map(|p| income_period(&p));
                let period = period.transpose()?;
                let written = self.t.execute(
                    "INSERT INTO employment (id, employee, payroll_administration, payroll_employee_number, income_relationship_number, start_date, end_date, income_period) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                     ON CONFLICT (id) DO UPDATE SET payroll_employee_number = ?4, income_relationship_number = ?5, start_date = ?6, end_date = ?7, income_period = ?8 WHERE employee = ?2 AND payroll_administration = ?3",
                    params![
                        id,
                        employee,
                        administration,
                        item.get("payrollEmployeeNumber")?.number()?,
                        item.get("incomeRelationshipNumber")?.number()?,
                        item.get("startDate")?.date()?,
                        item.opt("endDate").map(|d| d.date()).transpose()?,
                        period,
                    ],
                )?;
                if written == 0 {
                    return Err(item.error(format!(
                        "employment {id} belongs to another employee or payroll administration"
                    )));
                }
                self.summary.employments += 1;
            }
        }
        Ok(())
    }
}

fn text<'a>(node: Option<Node<'a>>) -> Result<Option<&'a str>, ImportError> {
    node.map(|node| node.text()).transpose()
}

fn income_period(node: &Node<'_>) -> Result<String, ImportError> {
    let flag = |name: &str| node.opt(name).map(|flag| flag.flag()).transpose();
    let insured = |name: &str| flag(name).map(Option::unwrap_or_default);
    let number = |name: &str| node.opt(name).map(|n| n.number()).transpose();
    let period = IncomePeriod {
        income_relationship_type: node.get("incomeRelationshipType")?.text()?.to_owned(),
        employment_nature: number("employmentNature")?,
        wage_tax_table: node.get("wageTaxTable")?.text()?.to_owned(),
        wage_tax_credit: insured("wageTaxCredit")?,
        insured_wao: insured("insuredWao")?,
        insured_ww: insured("insuredWw")?,
        insured_zw: insured("insuredZw")?,
        healthcare_insurance: node.get("healthcareInsurance")?.text()?.to_owned(),
        indefinite: flag("indefinite")?,
        written: flag("written")?,
        on_call: flag("onCall")?,
        collective_agreement: number("collectiveAgreement")?,
    };
    serde_json::to_string(&period).map_err(|error| ImportError::Database(error.to_string()))
}
