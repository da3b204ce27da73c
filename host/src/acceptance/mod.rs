//! The acceptance suite for connectors: runs a component under the real host, in
//! temporary platforms with invented payroll data and an outside party that
//! fails in every way, and says what it does that a connector may not.

mod acts;
mod answers;
mod bench;
mod cassette;
mod course;
mod describe;
mod finding;
mod outside;
mod party;
mod report;
mod scenario;
mod suite;
mod usage;
mod world;

pub(crate) use acts::Act;
pub use answers::{Answer, WrittenAnswer};
pub use cassette::Cassette;
pub(crate) use course::Course;
pub use finding::{Finding, RULES, Rule, Severity};
pub(crate) use party::{Nowhere, Onlooker};
pub use report::{Case, Described, FORMAT, Report, Used};
pub use scenario::{FILE, Scenario, ScenarioError};

use crate::bindings::koppel::loket::types::ActivityError;
use std::path::Path;
use suite::Suite;
pub(crate) use world::Maker;

/// Why a connector could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The file of the component cannot be read.
    #[error("{0}")]
    Component(String),
    /// The scenario grants what no configuration can.
    #[error("{0}")]
    Scenario(String),
    /// The suite cannot do its part.
    #[error("the suite failed: {0}")]
    Own(String),
}

impl SuiteError {
    fn own(error: impl std::fmt::Display) -> Self {
        Self::Own(error.to_string())
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "it is given to map_err, which passes errors by value"
    )]
    fn words(error: ActivityError) -> Self {
        Self::Own(crate::platform::in_words(&error))
    }
}

impl From<std::io::Error> for SuiteError {
    fn from(error: std::io::Error) -> Self {
        Self::own(error)
    }
}

/// Judges a component. `progress` is told what is being tried.
///
/// # Errors
///
/// See [`SuiteError`]. What is wrong with the component is no error but a
/// finding.
pub async fn judge(
    component: &Path,
    scenario: Scenario,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Report, SuiteError> {
    let mut report = Report::new(component.to_owned(), scenario.path.clone());
    let maker = match Maker::new(component, scenario).await? {
        Ok(maker) => maker,
        Err(refusal) => {
            suite::find(
                &mut report,
                finding::COMPONENT_REFUSED,
                "component",
                "load",
                refusal.to_string(),
            );
            return Ok(report);
        }
    };
    report.component = Some(maker.inspection.clone());
    maker.check()?;
    let mut suite = Suite::new(&maker, report, progress);
    suite.judge().await?;
    Ok(suite.into_report())
}
