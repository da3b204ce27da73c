//! Payroll data: employers, payroll administrations, payroll runs, journal
//! runs, company cars and companies.
//!
//! [`Platform`] is what the activities are performed on, one trait per domain
//! of the contract. It knows nothing of clients and users: whoever calls it
//! has passed the five checks.
//!
//! Lists have a fixed order and opaque cursors: a cursor belongs to one list,
//! and stays good while items are added. The errors are `not-found`, `invalid`
//! (page size outside 1 to 1000, or a cursor of another list), `conflict`,
//! `unavailable` and `other`; never `denied`.

mod embedded;
mod employers;
mod journal_runs;
mod payroll_administrations;
mod payroll_runs;
mod trade_register;
mod vehicles;

pub use embedded::{Embedded, ImportError, ImportSummary, OpenError, seed};
pub use employers::Employers;
pub use journal_runs::JournalRuns;
pub use payroll_administrations::PayrollAdministrations;
pub use payroll_runs::PayrollRuns;
pub use trade_register::TradeRegister;
pub use vehicles::Vehicles;

use crate::bindings::koppel::loket::types::ActivityError;
use async_trait::async_trait;
use uuid::Uuid;

/// Something that belongs to an employer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// An employer itself.
    Employer(Uuid),
    /// A payroll administration.
    PayrollAdministration(Uuid),
    /// A payroll run.
    PayrollRun(Uuid),
    /// A journal run.
    JournalRun(Uuid),
}

impl Entity {
    /// Its identifier.
    pub fn id(self) -> Uuid {
        match self {
            Self::Employer(id)
            | Self::PayrollAdministration(id)
            | Self::PayrollRun(id)
            | Self::JournalRun(id) => id,
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

/// Payroll data: every domain.
pub trait Platform:
    Owners + Employers + PayrollAdministrations + PayrollRuns + JournalRuns + Vehicles + TradeRegister
{
}

impl<T> Platform for T where
    T: Owners
        + Employers
        + PayrollAdministrations
        + PayrollRuns
        + JournalRuns
        + Vehicles
        + TradeRegister
{
}

/// Whom things belong to.
#[async_trait]
pub trait Owners: Send + Sync {
    /// Whom an entity belongs to; none if it does not exist.
    async fn owner(&self, entity: Entity) -> Result<Option<Owner>, ActivityError>;
}
