//! Payroll data: employers, payroll administrations, payroll runs, journal
//! runs and company cars.
//!
//! [`Platform`] is what the activities are performed on. It knows nothing of
//! clients and users: whoever calls it has passed the five checks.

mod embedded;

pub use embedded::{Embedded, ImportError, ImportSummary, OpenError, seed};

use crate::bindings::koppel::loket::employers::{Employer, EmployerPage};
use crate::bindings::koppel::loket::journal_runs::{
    JournalLinePage, JournalRun, JournalRunChange, JournalRunErrorPage, JournalRunPage,
};
use crate::bindings::koppel::loket::payroll_administrations::PayrollAdministrationPage;
use crate::bindings::koppel::loket::payroll_runs::{
    PayrollRun, PayrollRunPage, PayrollRunResultPage,
};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::bindings::koppel::loket::vehicles::AdditionalTaxLiability;
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

/// Payroll data.
///
/// Lists have a fixed order and opaque cursors: a cursor belongs to one list,
/// and stays good while items are added. The errors are `not-found`, `invalid`
/// (page size outside 1 to 1000, or a cursor of another list), `conflict`,
/// `unavailable` and `other`; never `denied`.
#[async_trait]
pub trait Platform: Send + Sync {
    /// Whom an entity belongs to; none if it does not exist.
    async fn owner(&self, entity: Entity) -> Result<Option<Owner>, ActivityError>;

    /// The employers among these, by number.
    async fn employers(
        &self,
        among: &[Uuid],
        page: &PageRequest,
    ) -> Result<EmployerPage, ActivityError>;

    /// One employer.
    async fn employer(&self, id: Uuid) -> Result<Employer, ActivityError>;

    /// The payroll administrations of an employer.
    async fn payroll_administrations(
        &self,
        employer: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollAdministrationPage, ActivityError>;

    /// The payroll runs of a payroll administration, newest period first.
    async fn payroll_runs(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollRunPage, ActivityError>;

    /// One payroll run.
    async fn payroll_run(&self, id: Uuid) -> Result<PayrollRun, ActivityError>;

    /// The results of a payroll run.
    async fn payroll_run_results(
        &self,
        payroll_run: Uuid,
        page: &PageRequest,
    ) -> Result<PayrollRunResultPage, ActivityError>;

    /// The journal runs of a payroll administration, newest first.
    async fn journal_runs(
        &self,
        payroll_administration: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunPage, ActivityError>;

    /// One journal run.
    async fn journal_run(&self, id: Uuid) -> Result<JournalRun, ActivityError>;

    /// The lines of a journal run; `conflict` while it has none (status 0 to 3).
    async fn journal_run_results(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalLinePage, ActivityError>;

    /// Why a journal run failed.
    async fn journal_run_errors(
        &self,
        journal_run: Uuid,
        page: &PageRequest,
    ) -> Result<JournalRunErrorPage, ActivityError>;

    /// Changes the status of a journal run and returns it as it is then;
    /// `conflict` when its status does not allow the change.
    async fn change_journal_run(
        &self,
        id: Uuid,
        change: &JournalRunChange,
    ) -> Result<JournalRun, ActivityError>;

    /// What is known of a car, by licence plate without hyphens.
    async fn additional_tax_liability(
        &self,
        license_plate_number: &str,
    ) -> Result<AdditionalTaxLiability, ActivityError>;
}
