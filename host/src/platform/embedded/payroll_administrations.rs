//! Payroll administrations in SQLite.

use super::Embedded;
use super::record::{Order, Record, pages};
use crate::bindings::koppel::loket::payroll_administrations::{
    PayrollAdministration, PayrollAdministrationPage,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::platform::PayrollAdministrations;
use async_trait::async_trait;
use uuid::Uuid;

static PAYROLL_ADMINISTRATION: Record<PayrollAdministration> = Record {
    table: "payroll_administration",
    columns: "id, name, payroll_tax_number, employer",
    read: |row| {
        Ok(PayrollAdministration {
            id: row.get(1)?,
            name: row.get(2)?,
            payroll_tax_number: row.get(3)?,
            employer_id: row.get(4)?,
        })
    },
};

pages! { PayrollAdministrationPage of PayrollAdministration }

#[async_trait]
impl PayrollAdministrations for Embedded {
    async fn payroll_administrations(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollAdministrationPage, ActivityError> {
        let (filter, parent) = ("employer = ?1", employer.to_string());
        self.list(
            &PAYROLL_ADMINISTRATION,
            filter,
            parent,
            Order::Ascending,
            page,
        )
        .await
    }
}
