//! The desk: what people do with declarations. It is the only way to confirm
//! one; no connector can.
//!
//! A person acts through an application, which is a client like any other, and
//! passes the same five checks.

mod declaration;

pub use declaration::{Declaration, Event, Line, Response};

use crate::bindings::koppel::loket::types::{DeclarationRequest, Denial, PageRequest};
use crate::catalogue::{Activity, id};
use crate::ledger::{Entry, Kind};
use crate::platform::{DeclarationKind, Entity};
use crate::session::{Fault, Session};
use std::sync::Arc;
use uuid::Uuid;

/// A person at work, for one employer.
pub struct Desk {
    session: Arc<Session>,
}

impl Desk {
    /// For a session of a person.
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    /// The line of the configuration that would allow what a denial refused.
    pub async fn line_to_add(&self, denial: &Denial) -> String {
        self.session.line_to_add(denial).await
    }

    /// Which kind of declaration this is, of which the person wants to see or
    /// to `change` one.
    ///
    /// # Errors
    ///
    /// What the platform says.
    pub async fn kind(&self, of: Uuid, change: bool) -> Result<DeclarationKind, Fault> {
        let activity = if change { changing } else { showing };
        Ok(self.session.declaration_kind(of, activity).await?)
    }

    /// The declarations of a kind of a payroll administration, newest first,
    /// at most 1000.
    ///
    /// # Errors
    ///
    /// `denied`, or what the platform says.
    pub async fn list(
        &self,
        kind: DeclarationKind,
        administration: Uuid,
    ) -> Result<Vec<Declaration>, Fault> {
        let page = PageRequest {
            cursor: None,
            size: 1000,
        };
        let of = Entity::PayrollAdministration(administration);
        let platform = &self.session.platform;
        match kind {
            DeclarationKind::PayrollTaxReturn => {
                let activity = id::GetPayrollTaxReturnsByPayrollAdministrationId;
                self.session.authorize(activity, Some(of)).await?;
                let found = platform.payroll_tax_returns(administration, &page).await?;
                Ok(found.items.into_iter().map(Into::into).collect())
            }
            DeclarationKind::UpaPensionDeclaration => {
                let activity = id::GetUpaPensionDeclarationsByPayrollAdministrationId;
                self.session.authorize(activity, Some(of)).await?;
                let found = platform.upa_pension_declarations(administration, &page);
                Ok(found.await?.items.into_iter().map(Into::into).collect())
            }
        }
    }

    /// One declaration.
    ///
    /// # Errors
    ///
    /// `denied`, or what the platform says.
    pub async fn show(&self, kind: DeclarationKind, of: Uuid) -> Result<Declaration, Fault> {
        let checked = self.session.authorize(showing(kind), Some(kind.entity(of)));
        checked.await?;
        self.read(kind, of).await
    }

    /// The message of a declaration.
    ///
    /// # Errors
    ///
    /// `denied`, or what the platform says.
    pub async fn message(&self, kind: DeclarationKind, of: Uuid) -> Result<Vec<u8>, Fault> {
        let platform = &self.session.platform;
        match kind {
            DeclarationKind::PayrollTaxReturn => {
                let activity = id::GetMessageByPayrollTaxReturnId;
                let checked = self.session.authorize(activity, Some(kind.entity(of)));
                checked.await?;
                Ok(platform.payroll_tax_return_message(of).await?)
            }
            DeclarationKind::UpaPensionDeclaration => {
                let activity = id::GetMessageByUpaPensionDeclarationId;
                let checked = self.session.authorize(activity, Some(kind.entity(of)));
                checked.await?;
                Ok(platform.upa_pension_declaration_message(of).await?)
            }
        }
    }

    /// Asks for a declaration.
    ///
    /// # Errors
    ///
    /// `denied`, or what the platform says.
    pub async fn initiate(
        &self,
        kind: DeclarationKind,
        administration: Uuid,
        request: &DeclarationRequest,
    ) -> Result<Declaration, Fault> {
        let activity = match kind {
            DeclarationKind::PayrollTaxReturn => {
                id::PostInitiatePayrollTaxReturnByPayrollAdministrationId
            }
            DeclarationKind::UpaPensionDeclaration => {
                id::PostInitiateUpaPensionDeclarationByPayrollAdministrationId
            }
        };
        let of = Entity::PayrollAdministration(administration);
        self.session.authorize(activity, Some(of)).await?;
        let what = match request {
            DeclarationRequest::Period(period) => {
                format!("period {} of {}", period.period_number, period.year)
            }
            DeclarationRequest::CorrectionOf(of) => format!("correction of {of}"),
        };
        let what = format!("ask for a {} of {administration}: {what}", kind.noun());
        self.write(activity, what).await?;
        let (platform, user) = (&self.session.platform, &self.session.user);
        Ok(match kind {
            DeclarationKind::PayrollTaxReturn => platform
                .initiate_payroll_tax_return(administration, request, user)
                .await?
                .into(),
            DeclarationKind::UpaPensionDeclaration => platform
                .initiate_upa_pension_declaration(administration, request, user)
                .await?
                .into(),
        })
    }

    /// Confirms a declaration: its message is frozen and may be sent.
    ///
    /// # Errors
    ///
    /// `denied`, or what the platform says.
    pub async fn confirm(&self, kind: DeclarationKind, of: Uuid) -> Result<Declaration, Fault> {
        self.change(kind, of, "confirm").await?;
        let (platform, user) = (&self.session.platform, &self.session.user);
        platform.confirm_declaration(of, user).await?;
        self.read(kind, of).await
    }

    /// Cancels a declaration that was not sent.
    ///
    /// # Errors
    ///
    /// `denied`, or what the platform says.
    pub async fn cancel(&self, kind: DeclarationKind, of: Uuid) -> Result<Declaration, Fault> {
        self.change(kind, of, "cancel").await?;
        let (platform, user) = (&self.session.platform, &self.session.user);
        platform.cancel_declaration(of, user).await?;
        self.read(kind, of).await
    }

    async fn change(&self, kind: DeclarationKind, of: Uuid, action: &str) -> Result<(), Fault> {
        let activity = changing(kind);
        let checked = self.session.authorize(activity, Some(kind.entity(of)));
        checked.await?;
        self.write(activity, format!("{action} {} {of}", kind.noun()))
            .await
    }

    async fn read(&self, kind: DeclarationKind, of: Uuid) -> Result<Declaration, Fault> {
        let platform = &self.session.platform;
        Ok(match kind {
            DeclarationKind::PayrollTaxReturn => {
                Arc::unwrap_or_clone(platform.payroll_tax_return(of).await?).into()
            }
            DeclarationKind::UpaPensionDeclaration => {
                Arc::unwrap_or_clone(platform.upa_pension_declaration(of).await?).into()
            }
        })
    }

    async fn write(&self, activity: Activity, what: String) -> Result<(), Fault> {
        let entry = Entry {
            activity: Some(activity.id().to_owned()),
            ..Entry::new(self.session.context(), Kind::ActivityWrite, what)
        };
        self.session.record(entry).await
    }
}

fn showing(kind: DeclarationKind) -> Activity {
    match kind {
        DeclarationKind::PayrollTaxReturn => id::GetPayrollTaxReturnByPayrollTaxReturnId,
        DeclarationKind::UpaPensionDeclaration => {
            id::GetUpaPensionDeclarationByUpaPensionDeclarationId
        }
    }
}

fn changing(kind: DeclarationKind) -> Activity {
    match kind {
        DeclarationKind::PayrollTaxReturn => id::PatchPayrollTaxReturnsByPayrollTaxReturnIds,
        DeclarationKind::UpaPensionDeclaration => {
            id::PatchUpaPensionDeclarationByUpaPensionDeclarationId
        }
    }
}
