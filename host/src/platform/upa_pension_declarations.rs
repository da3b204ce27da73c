//! Pension declarations (uniforme pensioenaangifte): what activities see of
//! them.

use crate::bindings::koppel::loket::types::{ActivityError, DeclarationRequest, PageRequest};
use crate::bindings::koppel::loket::upa_pension_declarations::{
    ResponseMessage, UpaPensionDeclaration, UpaPensionDeclarationPage,
};
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

/// Pension declarations (uniforme pensioenaangifte).
#[async_trait]
pub trait UpaPensionDeclarations: Send + Sync {
    /// The pension declarations of a payroll administration, newest first.
    async fn upa_pension_declarations(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<UpaPensionDeclarationPage, ActivityError>;

    /// One pension declaration.
    async fn upa_pension_declaration(
        &self,
        id: Uuid,
    ) -> Result<Arc<UpaPensionDeclaration>, ActivityError>;

    /// The message of a pension declaration; `conflict` while it has none.
    async fn upa_pension_declaration_message(&self, id: Uuid) -> Result<Vec<u8>, ActivityError>;

    /// Asks for a pension declaration in the name of a user; `conflict` when
    /// the period has no approved payroll run or has a declaration already, or
    /// when the declaration to correct was not sent.
    async fn initiate_upa_pension_declaration(
        &self,
        payroll_administration: Uuid,
        request: &DeclarationRequest,
        user: &str,
    ) -> Result<UpaPensionDeclaration, ActivityError>;

    /// Stores a response message with its file, unless it is there already;
    /// `conflict` when the declaration was not sent.
    async fn add_upa_pension_declaration_response(
        &self,
        id: Uuid,
        response: &ResponseMessage,
        file: &[u8],
    ) -> Result<UpaPensionDeclaration, ActivityError>;
}
