//! Things of the platform: one by its identifier, or the list below another.

use super::Loket;
use super::attribution::{same, uuid};
use super::client::Ask;
use super::pages::Page;
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::catalogue::{Activity, id as activity};
use crate::platform::Entity;
use crate::wire::Identified;
use crate::wire::envelope::Single;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// A list below an employer or a payroll administration: what is in it is
/// theirs.
pub(super) struct Listing {
    pub(super) activity: Activity,
    pub(super) entity: fn(Uuid) -> Entity,
}

pub(super) static PAYROLL_ADMINISTRATIONS: Listing = Listing {
    activity: activity::GetPayrollAdministrationsByEmployerId,
    entity: Entity::PayrollAdministration,
};

pub(super) static EMPLOYEES: Listing = Listing {
    activity: activity::GetEmployeesByEmployerId,
    entity: Entity::Employee,
};

pub(super) static PAYROLL_RUNS: Listing = Listing {
    activity: activity::GetPayrollRunsByPayrollAdministrationId,
    entity: Entity::PayrollRun,
};

pub(super) static JOURNAL_RUNS: Listing = Listing {
    activity: activity::GetJournalRunsByPayrollAdministrationId,
    entity: Entity::JournalRun,
};

pub(super) static PAYROLL_TAX_RETURNS: Listing = Listing {
    activity: activity::GetPayrollTaxReturnsByPayrollAdministrationId,
    entity: Entity::PayrollTaxReturn,
};

pub(super) static UPA_PENSION_DECLARATIONS: Listing = Listing {
    activity: activity::GetUpaPensionDeclarationsByPayrollAdministrationId,
    entity: Entity::UpaPensionDeclaration,
};

impl Loket {
    /// One thing, which must be the one that was asked for.
    pub(super) async fn one<W: DeserializeOwned + Identified>(
        &self,
        activity: Activity,
        id: Uuid,
    ) -> Result<W, ActivityError> {
        let text = id.to_string();
        let ask = Ask::about(activity, &text);
        let found: Single<W> = self.client.get(ask).await?;
        same(activity, id, found.content.id())?;
        Ok(found.content)
    }

    /// A page of the list below something. Whose each item is, is remembered.
    pub(super) async fn below<W: DeserializeOwned + Identified>(
        &self,
        listing: &Listing,
        parent: Entity,
        page: &PageRequest,
    ) -> Result<Page<W>, ActivityError> {
        let activity = listing.activity;
        let id = parent.id().to_string();
        let ask = Ask::about(activity, &id);
        let page = self.page::<W>(ask, page).await?;
        for item in &page.0 {
            let item = (listing.entity)(uuid(activity, item.id())?);
            self.known.listed(item, parent).await;
        }
        Ok(page)
    }

    /// A whole list of something that has a parent, which is no entity itself.
    pub(super) async fn whole<W: DeserializeOwned>(
        &self,
        activity: Activity,
        parent: Option<Uuid>,
    ) -> Result<Vec<W>, ActivityError> {
        let id = parent.map_or_else(String::new, |id| id.to_string());
        let ask = Ask::about(activity, &id);
        self.all(ask).await
    }
}
