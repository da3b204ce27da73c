//! Payroll data: employers, employees, payroll administrations, payroll runs,
//! journal runs, declarations, company cars, companies, insurance contracts and
//! modules.
//!
//! [`Platform`] is what the activities are performed on, one trait per domain
//! of the contract. It knows nothing of clients and users: whoever calls it
//! has passed the five checks.
//!
//! Lists have a fixed order and opaque cursors: a cursor belongs to one list,
//! and stays good while items are added. The errors are `not-found`, `invalid`
//! (page size outside 1 to 1000, or a cursor of another list), `conflict`,
//! `unavailable` and `other`; and `denied` where another platform stands
//! behind it that refuses by itself.

mod declarations;
mod embedded;
mod employees;
mod employers;
mod employments;
mod insurance;
mod journal_exports;
mod journal_runs;
mod loket;
mod modules;
mod payroll_administrations;
mod payroll_runs;
mod payroll_tax_returns;
mod trade_register;
mod upa_pension_declarations;
mod vehicles;

pub use declarations::{Claim, DeclarationKind, Declarations, Frozen};
pub use embedded::{Embedded, ImportError, ImportSummary, OpenError, seed};
pub use employees::Employees;
pub use employers::Employers;
pub use employments::Employments;
pub use insurance::Insurance;
pub use journal_exports::{ChangedBy, ExportClaim, ExportEnd, JournalExports};
pub use journal_runs::{JournalRuns, status_key, status_of_key, status_words};
pub use loket::Loket;
pub use modules::{ModuleState, Modules};
pub use payroll_administrations::PayrollAdministrations;
pub use payroll_runs::PayrollRuns;
pub use payroll_tax_returns::PayrollTaxReturns;
pub use trade_register::TradeRegister;
pub use upa_pension_declarations::UpaPensionDeclarations;
pub use vehicles::Vehicles;

use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::Activity;
use async_trait::async_trait;
use uuid::Uuid;

/// Something that belongs to an employer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// An employer itself.
    Employer(Uuid),
    /// A payroll administration.
    PayrollAdministration(Uuid),
    /// A payroll run.
    PayrollRun(Uuid),
    /// A journal run.
    JournalRun(Uuid),
    /// An employee.
    Employee(Uuid),
    /// A payroll tax return.
    PayrollTaxReturn(Uuid),
    /// A pension declaration.
    UpaPensionDeclaration(Uuid),
    /// An absence insurance contract with Achmea.
    AchmeaInsuranceContract(Uuid),
}

impl Entity {
    /// Its identifier.
    pub fn id(self) -> Uuid {
        match self {
            Self::Employer(id)
            | Self::PayrollAdministration(id)
            | Self::PayrollRun(id)
            | Self::JournalRun(id)
            | Self::Employee(id)
            | Self::PayrollTaxReturn(id)
            | Self::UpaPensionDeclaration(id)
            | Self::AchmeaInsuranceContract(id) => id,
        }
    }
}

/// Whom an entity belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The employer.
    pub employer: Uuid,
    /// The provider of that employer.
    pub provider: Uuid,
}

/// Whether an entity belongs to an employer, as far as the platform can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribution {
    /// It belongs to this owner: the employer that was asked about, or another.
    Owned(Owner),
    /// It does not exist.
    Missing,
    /// It is not the employer's. Whether it exists is not known.
    Elsewhere,
}

/// Payroll data: every domain.
pub trait Platform:
    Owners
    + Employers
    + Employees
    + Employments
    + PayrollAdministrations
    + PayrollRuns
    + JournalRuns
    + JournalExports
    + Declarations
    + PayrollTaxReturns
    + UpaPensionDeclarations
    + Vehicles
    + TradeRegister
    + Insurance
    + Modules
{
}

impl<T> Platform for T where
    T: Owners
        + Employers
        + Employees
        + Employments
        + PayrollAdministrations
        + PayrollRuns
        + JournalRuns
        + JournalExports
        + Declarations
        + PayrollTaxReturns
        + UpaPensionDeclarations
        + Vehicles
        + TradeRegister
        + Insurance
        + Modules
{
}

/// Whom things belong to.
#[async_trait]
pub trait Owners: Send + Sync {
    /// Whom an entity belongs to; none if it does not exist, or if the platform
    /// cannot tell by the entity alone.
    async fn owner(&self, entity: Entity) -> Result<Option<Owner>, ActivityError>;

    /// Whether an entity belongs to this employer, which exists. For the five
    /// checks: only what is [`Attribution::Owned`] by the employer of a run may
    /// be reached in it.
    async fn owner_within(
        &self,
        entity: Entity,
        _employer: Uuid,
    ) -> Result<Attribution, ActivityError> {
        let owner = self.owner(entity).await?;
        Ok(owner.map_or(Attribution::Missing, Attribution::Owned))
    }

    /// Whether [`Owners::owner`] knows whom everything belongs to. Otherwise
    /// [`Owners::owner_within`] must be asked of each employer that it may be.
    fn finds_owners(&self) -> bool {
        true
    }

    /// Whether a change that a run makes may be made again by the same run when
    /// nobody knows whether it happened: the second time changes nothing and
    /// gives the same.
    fn repeatable(&self, activity: Activity) -> bool {
        let _ = activity;
        false
    }

    /// The employers of a provider.
    async fn employers_of(&self, provider: Uuid) -> Result<Vec<Uuid>, ActivityError>;
}

/// An error of a platform in words for the operator.
pub fn in_words(error: &ActivityError) -> String {
    match error {
        ActivityError::Denied(denial) => format!("denied {}: {}", denial.activity, denial.reason),
        ActivityError::NotFound(id) => format!("{id} does not exist"),
        ActivityError::Invalid(problems) => {
            let all: Vec<_> = problems.iter().map(|p| p.description.as_str()).collect();
            all.join("; ")
        }
        ActivityError::Unavailable(Some(seconds)) => {
            format!("the platform cannot answer now; try again in {seconds} s")
        }
        ActivityError::Unavailable(None) => {
            "the platform cannot answer now; try again later".to_owned()
        }
        ActivityError::Conflict(why) | ActivityError::Other(why) => why.clone(),
    }
}
