//! Payroll tax returns in SQLite.

use super::initiate::initiate;
use super::{Response, add_response, event, message, status};
use crate::bindings::koppel::loket::payroll_tax_returns::{
    PayrollTaxReturn, PayrollTaxReturnPage, ResponseMessage, ResponseType,
};
use crate::bindings::koppel::loket::types::{
    ActivityError, DeclarationEvent, DeclarationRequest, PageRequest,
};
use crate::platform::embedded::Embedded;
use crate::platform::embedded::record::{Order, Record, json, pages, period};
use crate::platform::{DeclarationKind, PayrollTaxReturns};
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

const KIND: DeclarationKind = DeclarationKind::PayrollTaxReturn;

static PAYROLL_TAX_RETURN: Record<PayrollTaxReturn> = Record {
    table: "payroll_tax_return",
    columns: "id, payroll_administration, year, period_number, period_start, period_end, ord, status, payroll_tax_number, company_name, corrects, prior_year, message_reference, message_sha256, message_time, failure, requested_time, requested_user, approved_time, approved_user, cancelled_time, cancelled_user, sent_time, responses",
    read: |row| {
        Ok(PayrollTaxReturn {
            id: row.get(1)?,
            payroll_administration_id: row.get(2)?,
            payroll_period: period(row, 3)?,
            sequence_number: row.get(7)?,
            status: status(row, 8)?,
            wage_tax_number: row.get(9)?,
            withholding_party: row.get(10)?,
            corrects_payroll_tax_return_id: row.get(11)?,
            is_correction_message_prior_year: row.get(12)?,
            message_reference: row.get(13)?,
            message_sha256: row.get(14)?,
            message_creation_time: row.get(15)?,
            failure: row.get(16)?,
            requested: DeclarationEvent {
                time: row.get(17)?,
                user: row.get(18)?,
            },
            approved: event(row, 19)?,
            cancelled: event(row, 21)?,
            send_time: row.get(23)?,
            response_messages: json(24, &row.get::<_, String>(24)?)?,
        })
    },
};

pages! { PayrollTaxReturnPage of PayrollTaxReturn }

#[async_trait]
impl PayrollTaxReturns for Embedded {
    async fn payroll_tax_returns(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollTaxReturnPage, ActivityError> {
        let filter = "payroll_administration = ?1";
        let parent = payroll_administration.to_string();
        self.list(&PAYROLL_TAX_RETURN, filter, parent, Order::Descending, page)
            .await
    }

    async fn payroll_tax_return(&self, id: Uuid) -> Result<Arc<PayrollTaxReturn>, ActivityError> {
        self.one(&PAYROLL_TAX_RETURN, id).await
    }

    async fn payroll_tax_return_message(&self, id: Uuid) -> Result<Vec<u8>, ActivityError> {
        self.ask(move |connection| message(connection, KIND, &id.to_string()))
            .await
    }

    async fn initiate_payroll_tax_return(
        &self,
        payroll_administration: Uuid,
        request: &DeclarationRequest,
        user: &str,
    ) -> Result<PayrollTaxReturn, ActivityError> {
        let administration = payroll_administration.to_string();
        let (request, user) = (request.clone(), user.to_owned());
        self.ask(move |connection| {
            let id = initiate(connection, KIND, &administration, &request, &user)?;
            PAYROLL_TAX_RETURN.one(connection, &id)
        })
        .await
    }

    async fn add_payroll_tax_return_response(
        &self,
        id: Uuid,
        response: &ResponseMessage,
        file: &[u8],
    ) -> Result<PayrollTaxReturn, ActivityError> {
        let (response, file) = (response.clone(), file.to_owned());
        self.ask(move |connection| {
            let id = id.to_string();
            let stored = Response {
                reference: &response.reference,
                time: &response.date_of_receipt,
                status: match response.response_type {
                    ResponseType::Acknowledgement => "Acknowledgement".to_owned(),
                    ResponseType::Error => "Error".to_owned(),
                },
                class: response.response_class,
                description: &response.description,
                lines: "[]".to_owned(),
            };
            add_response(connection, KIND, &id, &stored, &file)?;
            PAYROLL_TAX_RETURN.one(connection, &id)
        })
        .await
    }
}
