//! Payroll tax returns (loonaangiften): what activities see of them.

use crate::bindings::koppel::loket::payroll_tax_returns::{
    PayrollTaxReturn, PayrollTaxReturnPage, ResponseMessage,
};
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationRequest, PageRequest};
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

/// Payroll tax returns (loonaangiften).
#[async_trait]
pub trait PayrollTaxReturns: Send + Sync {
    /// The payroll tax returns of a payroll administration, newest first.
    async fn payroll_tax_returns(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollTaxReturnPage, ActivityError>;

    /// One payroll tax return.
    async fn payroll_tax_return(&self, id: Uuid) -> Result<Arc<PayrollTaxReturn>, ActivityError>;

    /// The message of a payroll tax return; `conflict` while it has none.
    async fn payroll_tax_return_message(&self, id: Uuid) -> Result<Vec<u8>, ActivityError>;

    /// Asks for a payroll tax return in the name of a user; `conflict` when
    /// the period has no approved payroll run or has a return already, or when
    /// the return to correct was not sent.
    async fn initiate_payroll_tax_return(
        &self,
        payroll_administration: Uuid,
        request: &DeclarationRequest,
        user: &str,
    ) -> Result<PayrollTaxReturn, ActivityError>;

    /// Stores a response message with its file, unless it is there already;
    /// `conflict` when the return was not sent.
    async fn add_payroll_tax_return_response(
        &self,
        id: Uuid,
        response: &ResponseMessage,
        file: &[u8],
    ) -> Result<PayrollTaxReturn, ActivityError>;
}
