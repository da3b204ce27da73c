//! Employers in SQLite.

use super::Embedded;
use super::record::{Order, Record, pages};
use crate::bindings::koppel::loket::employers::{Employer, EmployerPage};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::platform::Employers;
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

static EMPLOYER: Record<Employer> = Record {
    table: "employer",
    columns: "id, number, company_name, chamber_of_commerce_number, street, house_number, postal_code, city, country",
    read: |row| {
        Ok(Employer {
            id: row.get(1)?,
            employer_number: row.get(2)?,
            company_name: row.get(3)?,
            chamber_of_commerce_number: row.get(4)?,
            street: row.get(5)?,
            house_number: row.get(6)?,
            postal_code: row.get(7)?,
            city: row.get(8)?,
            country: row.get(9)?,
        })
    },
};

pages! { EmployerPage of Employer }

#[async_trait]
impl Employers for Embedded {
    async fn employers(
        &self,
        among: &[Uuid],
        page: &PageRequest,
    ) -> Result<EmployerPage, ActivityError> {
        let ids: Vec<String> = among.iter().map(Uuid::to_string).collect();
        // A JSON array as one parameter: any number of ids, one statement.
        let ids = serde_json::json!(ids).to_string();
        let filter = "id IN (SELECT value FROM json_each(?1))";
        self.list(&EMPLOYER, filter, ids, Order::Ascending, page)
            .await
    }

    async fn employer(&self, id: Uuid) -> Result<Arc<Employer>, ActivityError> {
        self.one(&EMPLOYER, id).await
    }
}
