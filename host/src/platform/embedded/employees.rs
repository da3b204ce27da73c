//! Employees and their employments in SQLite.

use super::Embedded;
use super::record::{Order, Record, json, pages};
use crate::bindings::koppel::loket::employees::{Address, Employee, EmployeePage, Gender};
use crate::bindings::koppel::loket::employments::{Employment, EmploymentPage};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::platform::{Employees, Employments};
use async_trait::async_trait;
use rusqlite::{OptionalExtension, Row};
use uuid::Uuid;

static EMPLOYEE: Record<Employee> = Record {
    table: "employee",
    columns: "id, ord, initials, prefix, last_name, date_of_birth, gender, street, house_number, house_number_addition, postal_code, city, country",
    read: |row| {
        Ok(Employee {
            id: row.get(1)?,
            employee_number: row.get(2)?,
            initials: row.get(3)?,
            prefix: row.get(4)?,
            last_name: row.get(5)?,
            date_of_birth: row.get(6)?,
            gender: match row.get(7)? {
                1 => Gender::Male,
                2 => Gender::Female,
                _ => Gender::Unknown,
            },
            address: address(row, 8)?,
        })
    },
};

fn address(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Address>> {
    let address = Address {
        street: row.get(index)?,
        house_number: row.get(index + 1)?,
        house_number_addition: row.get(index + 2)?,
        postal_code: row.get(index + 3)?,
        city: row.get(index + 4)?,
        country: row.get(index + 5)?,
    };
    let known = address.street.is_some() || address.postal_code.is_some() || address.city.is_some();
    Ok(known.then_some(address))
}

static EMPLOYMENT: Record<Employment> = Record {
    table: "employment",
    columns: "id, employee, payroll_administration, payroll_employee_number, income_relationship_number, start_date, end_date, income_period",
    read: |row| {
        Ok(Employment {
            id: row.get(1)?,
            employee_id: row.get(2)?,
            payroll_administration_id: row.get(3)?,
            payroll_employee_number: row.get(4)?,
            income_relationship_number: row.get(5)?,
            start_date: row.get(6)?,
            end_date: row.get(7)?,
            income_period: match row.get::<_, Option<String>>(8)? {
                Some(text) => Some(json(8, &text)?),
                None => None,
            },
        })
    },
};

pages! {
    EmployeePage of Employee,
    EmploymentPage of Employment,
}

#[async_trait]
impl Employees for Embedded {
    async fn employees(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<EmployeePage, ActivityError> {
        let (filter, parent) = ("employer = ?1", employer.to_string());
        self.list(&EMPLOYEE, filter, parent, Order::Ascending, page)
            .await
    }

    async fn citizen_service_number(
        &self,
        employee: Uuid,
    ) -> Result<Option<String>, ActivityError> {
        let id = employee.to_string();
        self.ask(move |connection| {
            let found: Option<Option<String>> = connection
                .prepare_cached("SELECT citizen_service_number FROM employee WHERE id = ?1")?
                .query_row([&id], |row| row.get(0))
                .optional()?;
            found.ok_or_else(|| ActivityError::NotFound(id).into())
        })
        .await
    }
}

#[async_trait]
impl Employments for Embedded {
    async fn employments(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<EmploymentPage, ActivityError> {
        let filter =
            "payroll_administration IN (SELECT id FROM payroll_administration WHERE employer = ?1)";
        let parent = employer.to_string();
        self.list(&EMPLOYMENT, filter, parent, Order::Ascending, page)
            .await
    }
}
