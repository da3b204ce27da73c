//! Payroll tax returns and pension declarations of the platform: the same, but
//! for their names.

use super::{Standing, shown};
use crate::bindings::koppel::loket::payroll_tax_returns::{
    PayrollTaxReturn, PayrollTaxReturnPage, ResponseMessage as TaxResponse,
};
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationRequest, PageRequest};
use crate::bindings::koppel::loket::upa_pension_declarations::{
    ResponseMessage as UpaResponse, UpaPensionDeclaration, UpaPensionDeclarationPage,
};
use crate::catalogue::id as activity;
use crate::platform::loket::Loket;
use crate::platform::loket::pages::into_page;
use crate::platform::loket::records::{PAYROLL_TAX_RETURNS, UPA_PENSION_DECLARATIONS};
use crate::platform::{DeclarationKind, Entity, PayrollTaxReturns, UpaPensionDeclarations};
use crate::wire::{payroll_tax_returns, upa_pension_declarations};
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

macro_rules! kind {
    (
        $trait:ident for $record:ident, read as $wire:ty, listed by $listing:ident as $page:ident,
        $list:ident, $one:ident by $activity:ident, $message:ident, $initiate:ident,
        $respond:ident($response:ty) with $body:path,
        corrects: $corrects:ident, sent: $sent:ident $(,)?
    ) => {
        impl From<$record> for Standing {
            fn from(of: $record) -> Self {
                let responses = of.response_messages.into_iter();
                Self {
                    kind: DeclarationKind::$record,
                    id: of.id,
                    status: of.status,
                    period: of.payroll_period,
                    corrects: of.$corrects,
                    reference: of.message_reference,
                    sha256: of.message_sha256,
                    sent_time: of.$sent,
                    responses: responses.map(|response| response.reference).collect(),
                }
            }
        }

        #[async_trait]
        impl $trait for Loket {
            async fn $list(
                &self,
                payroll_administration: Uuid,
                page: &PageRequest,
            ) -> Result<$page, ActivityError> {
                let of = Entity::PayrollAdministration(payroll_administration);
                let page = self.below::<$wire>(&$listing, of, page).await?;
                let (sent, of) = (
                    self.claims.sent().await?,
                    payroll_administration.to_string(),
                );
                Ok(into_page!($page, page, |item: $wire| {
                    let mut item = item.into_record(of.clone());
                    shown(&item.id, &mut item.status, &mut item.$sent, &sent);
                    item
                }))
            }

            async fn $one(&self, id: Uuid) -> Result<Arc<$record>, ActivityError> {
                let of = self.known.administration_of(Entity::$record(id)).await?;
                let found = self.one::<$wire>(activity::$activity, id).await?;
                let mut found = found.into_record(of.to_string());
                let sent = self.claims.sent().await?;
                shown(&found.id, &mut found.status, &mut found.$sent, &sent);
                Ok(Arc::new(found))
            }

            async fn $message(&self, id: Uuid) -> Result<Vec<u8>, ActivityError> {
                self.message(DeclarationKind::$record, id).await
            }

            /// To the platform, the user is the one whose token koppel has.
            async fn $initiate(
                &self,
                payroll_administration: Uuid,
                request: &DeclarationRequest,
                _user: &str,
            ) -> Result<$record, ActivityError> {
                let made = self.initiate(DeclarationKind::$record, payroll_administration, request);
                self.$one(made.await?).await.map(Arc::unwrap_or_clone)
            }

            async fn $respond(
                &self,
                id: Uuid,
                response: &$response,
                file: &[u8],
            ) -> Result<$record, ActivityError> {
                let body = $body(response.clone(), file.to_vec());
                self.respond(DeclarationKind::$record, id, &response.reference, &body)
                    .await?;
                self.$one(id).await.map(Arc::unwrap_or_clone)
            }
        }
    };
}

kind! {
    PayrollTaxReturns for PayrollTaxReturn, read as payroll_tax_returns::PayrollTaxReturn,
    listed by PAYROLL_TAX_RETURNS as PayrollTaxReturnPage,
    payroll_tax_returns, payroll_tax_return by GetPayrollTaxReturnByPayrollTaxReturnId,
    payroll_tax_return_message, initiate_payroll_tax_return,
    add_payroll_tax_return_response(TaxResponse) with payroll_tax_returns::Response::new,
    corrects: corrects_payroll_tax_return_id, sent: send_time,
}

kind! {
    UpaPensionDeclarations for UpaPensionDeclaration,
    read as upa_pension_declarations::UpaPensionDeclaration,
    listed by UPA_PENSION_DECLARATIONS as UpaPensionDeclarationPage,
    upa_pension_declarations,
    upa_pension_declaration by GetUpaPensionDeclarationByUpaPensionDeclarationId,
    upa_pension_declaration_message, initiate_upa_pension_declaration,
    add_upa_pension_declaration_response(UpaResponse) with upa_pension_declarations::Response::new,
    corrects: corrects_upa_pension_declaration_id, sent: sent_time,
}

impl Loket {
    /// Where a declaration stands.
    ///
    /// # Errors
    ///
    /// Those of the platform.
    pub(super) async fn standing(
        &self,
        kind: DeclarationKind,
        id: Uuid,
    ) -> Result<Standing, ActivityError> {
        Ok(match kind {
            DeclarationKind::PayrollTaxReturn => {
                Arc::unwrap_or_clone(self.payroll_tax_return(id).await?).into()
            }
            DeclarationKind::UpaPensionDeclaration => {
                Arc::unwrap_or_clone(self.upa_pension_declaration(id).await?).into()
            }
        })
    }
}
