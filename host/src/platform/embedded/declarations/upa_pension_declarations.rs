//! Pension declarations in SQLite.

use super::initiate::initiate;
use super::{Response, add_response, event, message, status};
use crate::bindings::koppel::loket::types::{
    ActivityError, DeclarationEvent, DeclarationRequest, PageRequest,
};
use crate::bindings::koppel::loket::upa_pension_declarations::{
    ResponseMessage, ResponseStatus, UpaPensionDeclaration, UpaPensionDeclarationPage,
};
use crate::platform::embedded::Embedded;
use crate::platform::embedded::record::{Order, Record, json, pages, period};
use crate::platform::{DeclarationKind, UpaPensionDeclarations};
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

const KIND: DeclarationKind = DeclarationKind::UpaPensionDeclaration;

static UPA_PENSION_DECLARATION: Record<UpaPensionDeclaration> = Record {
    table: "upa_pension_declaration",
    columns: "id, payroll_administration, year, period_number, period_start, period_end, ord, status, payroll_tax_number, company_name, corrects, message_reference, message_sha256, message_time, failure, requested_time, requested_user, approved_time, approved_user, cancelled_time, cancelled_user, sent_time, responses",
    read: |row| {
        Ok(UpaPensionDeclaration {
            id: row.get(1)?,
            payroll_administration_id: row.get(2)?,
            payroll_period: period(row, 3)?,
            sequence_number: row.get(7)?,
            status: status(row, 8)?,
            payroll_taxes_number: row.get(9)?,
            withholding_agent_name: row.get(10)?,
            corrects_upa_pension_declaration_id: row.get(11)?,
            message_reference: row.get(12)?,
            message_sha256: row.get(13)?,
            creation_time: row.get(14)?,
            failure: row.get(15)?,
            requested: DeclarationEvent {
                time: row.get(16)?,
                user: row.get(17)?,
            },
            approved: event(row, 18)?,
            cancelled: event(row, 20)?,
            sent_time: row.get(22)?,
            response_messages: json(23, &row.get::<_, String>(23)?)?,
        })
    },
};

pages! { UpaPensionDeclarationPage of UpaPensionDeclaration }

#[async_trait]
impl UpaPensionDeclarations for Embedded {
    async fn upa_pension_declarations(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<UpaPensionDeclarationPage, ActivityError> {
        let filter = "payroll_administration = ?1";
        let parent = payroll_administration.to_string();
        self.list(
            &UPA_PENSION_DECLARATION,
            filter,
            parent,
            Order::Descending,
            page,
        )
        .await
    }

    async fn upa_pension_declaration(
        &self,
        id: Uuid,
    ) -> Result<Arc<UpaPensionDeclaration>, ActivityError> {
        self.one(&UPA_PENSION_DECLARATION, id).await
    }

    async fn upa_pension_declaration_message(&self, id: Uuid) -> Result<Vec<u8>, ActivityError> {
        self.ask(move |connection| message(connection, KIND, &id.to_string()))
            .await
    }

    async fn initiate_upa_pension_declaration(
        &self,
        payroll_administration: Uuid,
        request: &DeclarationRequest,
        user: &str,
    ) -> Result<UpaPensionDeclaration, ActivityError> {
        let administration = payroll_administration.to_string();
        let (request, user) = (request.clone(), user.to_owned());
        self.ask(move |connection| {
            let id = initiate(connection, KIND, &administration, &request, &user)?;
            UPA_PENSION_DECLARATION.one(connection, &id)
        })
        .await
    }

    async fn add_upa_pension_declaration_response(
        &self,
        id: Uuid,
        response: &ResponseMessage,
        file: &[u8],
    ) -> Result<UpaPensionDeclaration, ActivityError> {
        let (response, file) = (response.clone(), file.to_owned());
        self.ask(move |connection| {
            let id = id.to_string();
            let lines =
                serde_json::to_string(&response.lines).map_err(|error| error.to_string())?;
            let stored = Response {
                reference: &response.reference,
                time: &response.date_of_receipt,
                status: match response.response_status {
                    ResponseStatus::Received => "Received".to_owned(),
                    ResponseStatus::Accepted => "Accepted".to_owned(),
                    ResponseStatus::Rejected => "Rejected".to_owned(),
                },
                class: None,
                description: "",
                lines,
            };
            add_response(connection, KIND, &id, &stored, &file)?;
            UPA_PENSION_DECLARATION.one(connection, &id)
        })
        .await
    }
}
