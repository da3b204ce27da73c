//! What came of judging a connector.

use super::finding::{Finding, Severity};
use crate::admission::Inspection;
use crate::sandbox::Limits;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// The version of the JSON form of a report. It grows when something in it
/// changes its meaning or goes away, not when something is added.
pub const FORMAT: u32 = 1;

/// A case that was tried.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Case {
    /// The check that it belongs to.
    pub check: &'static str,
    /// What was tried.
    pub case: String,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// How much of one limit was used at most.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Used {
    /// The limit, as in `[clients.NAME.limits]`.
    pub limit: &'static str,
    /// The most that a run used.
    pub most: u64,
    /// The default limit.
    pub default: u64,
}

/// What a connector says it is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is, in a sentence.
    pub summary: String,
}

/// What came of judging a connector.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The version of this form.
    pub format: u32,
    /// The version of koppel that judged.
    pub koppel: &'static str,
    /// The file of the component.
    pub file: PathBuf,
    /// The file of the scenario, if there is one.
    pub scenario: Option<PathBuf>,
    /// What the component is, if it is a connector.
    pub component: Option<Inspection>,
    /// What it says it is, if it does.
    pub description: Option<Described>,
    /// Whether it passes: there is no finding that is an error.
    pub passed: bool,
    /// What was found, in the order of the checks.
    pub findings: Vec<Finding>,
    /// What was tried.
    pub cases: Vec<Case>,
    /// The activities that were performed.
    pub used: Vec<String>,
    /// How much of the limits was used at most.
    pub limits: Vec<Used>,
}

impl Report {
    pub(super) fn new(file: PathBuf, scenario: Option<PathBuf>) -> Self {
        Self {
            format: FORMAT,
            koppel: env!("CARGO_PKG_VERSION"),
            file,
            scenario,
            component: None,
            description: None,
            passed: true,
            findings: Vec::new(),
            cases: Vec::new(),
            used: Vec::new(),
            limits: Vec::new(),
        }
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        let of = self
            .findings
            .iter()
            .filter(|finding| finding.severity == severity);
        of.count()
    }

    /// As JUnit XML: a test for each case. A warning does not fail a test, but
    /// is in its output.
    ///
    /// # Errors
    ///
    /// When the XML cannot be written.
    pub fn junit(&self) -> anyhow::Result<String> {
        let name = self
            .description
            .as_ref()
            .map_or("connector", |d| d.name.as_str());
        let mut report = quick_junit::Report::new(format!("koppel check {name}"));
        let mut checks: Vec<&str> = self.cases.iter().map(|case| case.check).collect();
        checks.extend(self.findings.iter().map(|finding| finding.check));
        let mut seen = Vec::new();
        checks.retain(|check| {
            let new = !seen.contains(check);
            seen.push(check);
            new
        });
        for check in checks {
            let mut suite = TestSuite::new(check);
            let mut names: Vec<(&str, u64)> = self
                .cases
                .iter()
                .filter(|case| case.check == check)
                .map(|case| (case.case.as_str(), case.milliseconds))
                .collect();
            for finding in self
                .findings
                .iter()
                .filter(|finding| finding.check == check)
            {
                if !names.iter().any(|(name, _)| *name == finding.case) {
                    names.push((&finding.case, 0));
                }
            }
            for (name, milliseconds) in names {
                let of_case = |finding: &&Finding| finding.check == check && finding.case == name;
                let mut test = TestCase::new(name, self.status(of_case));
                test.set_classname(format!("koppel.check.{check}"));
                test.set_time(Duration::from_millis(milliseconds));
                let warnings: Vec<String> = self
                    .findings
                    .iter()
                    .filter(of_case)
                    .filter(|finding| finding.severity == Severity::Warning)
                    .map(|finding| format!("{}: {}\n{}", finding.id, finding.what, finding.mend))
                    .collect();
                if !warnings.is_empty() {
                    test.set_system_out(warnings.join("\n"));
                }
                suite.add_test_case(test);
            }
            report.add_test_suite(suite);
        }
        Ok(report.to_string()?)
    }

    fn status(&self, of_case: impl Fn(&&Finding) -> bool) -> TestCaseStatus {
        let errors = self.findings.iter().filter(of_case);
        let mut errors = errors.filter(|finding| finding.severity == Severity::Error);
        let Some(first) = errors.next() else {
            return TestCaseStatus::success();
        };
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let all = std::iter::once(first).chain(errors);
        let texts: Vec<String> = all
            .map(|finding| format!("{}: {}\n{}", finding.id, finding.what, finding.mend))
            .collect();
        status
            .set_type(first.id)
            .set_message(first.what.as_str())
            .set_description(texts.join("\n"));
        status
    }
}

/// The most that runs used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Most {
    pub(super) memory_bytes: u64,
    pub(super) cpu_ms: u64,
    pub(super) elapsed_ms: u64,
    pub(super) requests: u64,
    pub(super) log_bytes: u64,
}

impl Most {
    /// Compared with the default limits.
    pub(super) fn limits(self) -> Vec<Used> {
        let default = Limits::default();
        let used = |limit, most, default| Used {
            limit,
            most,
            default,
        };
        vec![
            used(
                "memory-bytes",
                self.memory_bytes,
                default.memory_bytes as u64,
            ),
            used("cpu-ms", self.cpu_ms, default.cpu_ms),
            used("deadline-ms", self.elapsed_ms, default.deadline_ms),
            used("requests", self.requests, default.requests as u64),
            used("log-bytes", self.log_bytes, default.log_bytes as u64),
        ]
    }
}
