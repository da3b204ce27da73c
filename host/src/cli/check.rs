//! `koppel check`: the acceptance suite for connectors.

use super::Failure;
use super::output::{BOLD, DIM, GREEN, Output, RED, YELLOW, table};
use crate::acceptance::{self, FILE, Finding, Report, Scenario, Severity, SuiteError};
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is judged, and how that is said.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The file of the component.
    component: PathBuf,
    /// What it is granted and asked, and what the outside party answers; by
    /// default acceptance.toml, if there is one here.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Its settings, a JSON object, instead of those of the scenario.
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Writes the report to a file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table, and what to do.
    Text,
    /// JSON; its shape is in the partner guide.
    Json,
    /// JUnit XML, for programs that show tests.
    Junit,
}

impl Check {
    fn scenario(&self) -> Result<Scenario, Failure> {
        let usual = Path::new(FILE);
        let path = match &self.scenario {
            Some(path) => Some(path.as_path()),
            None => usual.exists().then_some(usual),
        };
        let scenario = match path {
            Some(path) => {
                Scenario::load(path).map_err(|error| Failure::Input(error.to_string()))?
            }
            None => Scenario::default(),
        };
        match &self.settings {
            Some(json) => scenario.with_settings(json).map_err(Failure::Input),
            None => Ok(scenario),
        }
    }
}

/// `koppel check`: exit code 0 when the connector passes, 1 when it does not, 5
/// when it cannot be loaded at all.
pub(super) async fn check(asked: &Check, out: &Output) -> Result<(), Failure> {
    let scenario = asked.scenario()?;
    let named = scenario
        .path
        .as_ref()
        .map(|path| path.display().to_string());
    let busy = out.busy("preparing".to_owned());
    let progress = |what: &str| busy.set_message(what.to_owned());
    let judged = acceptance::judge(&asked.component, scenario, &progress).await;
    busy.finish_and_clear();
    let report = judged.map_err(|error| match error {
        SuiteError::Component(why) => Failure::Input(why),
        SuiteError::Scenario(why) => {
            let named = named.unwrap_or_else(|| "--settings".to_owned());
            Failure::Input(format!("{named}: [grant] {why}"))
        }
        SuiteError::Own(_) => Failure::Failed(error.to_string()),
    })?;
    show(asked, &report, out)?;
    if report.passed {
        return Ok(());
    }
    let refused = report.component.is_none();
    let errors = report.count(Severity::Error);
    let text = format!(
        "{} does not pass: {}",
        asked.component.display(),
        counted(errors, "error")
    );
    Err(if refused {
        Failure::NotLoaded(text)
    } else {
        Failure::Failed(text)
    })
}

fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

fn show(asked: &Check, report: &Report, out: &Output) -> Result<(), Failure> {
    let failed = |error: anyhow::Error| Failure::Failed(format!("{error:#}"));
    let format = match asked.format {
        Format::Text if out.is_json() => Format::Json,
        format => format,
    };
    let text = match format {
        Format::Text => text(report),
        Format::Json => serde_json::to_string_pretty(report).map_err(|e| failed(e.into()))? + "\n",
        Format::Junit => report.junit().map_err(failed)?,
    };
    match &asked.output {
        None => anstream::print!("{text}"),
        Some(path) => {
            let plain = anstream::adapter::strip_str(&text).to_string();
            std::fs::write(path, plain)
                .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
        }
    }
    Ok(())
}

/// The report for people.
fn text(report: &Report) -> String {
    let mut lines = Vec::new();
    let title = match &report.description {
        Some(described) => format!(
            "{BOLD}{} {}{BOLD:#}  {}",
            described.name, described.version, described.summary
        ),
        None => format!("{BOLD}{}{BOLD:#}", report.file.display()),
    };
    lines.push(title);
    let mut checks: Vec<(&str, usize)> = Vec::new();
    for case in &report.cases {
        match checks.iter_mut().find(|(check, _)| *check == case.check) {
            Some((_, cases)) => *cases += 1,
            None => checks.push((case.check, 1)),
        }
    }
    for finding in &report.findings {
        if !checks.iter().any(|(check, _)| *check == finding.check) {
            checks.push((finding.check, 1));
        }
    }
    let mut rows = table(&["Check", "Cases", "Errors", "Warnings"]);
    for (check, cases) in &checks {
        let of = |severity| {
            let found = report.findings.iter();
            let found = found.filter(|f| f.check == *check && f.severity == severity);
            match found.count() {
                0 => "-".to_owned(),
                number => number.to_string(),
            }
        };
        rows.add_row([
            (*check).to_owned(),
            cases.to_string(),
            of(Severity::Error),
            of(Severity::Warning),
        ]);
    }
    lines.push(rows.to_string());
    if !report.limits.is_empty() {
        let used = report.limits.iter();
        let used = used.map(|used| format!("{} {} of {}", used.limit, used.most, used.default));
        let used: Vec<_> = used.collect();
        lines.push(format!("{DIM}most used: {}{DIM:#}", used.join(", ")));
    }
    // What is found in the same way in many cases is mended once.
    let mut grouped: BTreeMap<(usize, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        let place = acceptance::RULES
            .iter()
            .position(|rule| rule.id == finding.id);
        let place = place.unwrap_or(usize::MAX);
        grouped
            .entry((place, finding.id))
            .or_default()
            .push(finding);
    }
    for ((_, id), findings) in grouped {
        let (style, word) = match findings[0].severity {
            Severity::Error => (RED, "error"),
            Severity::Warning => (YELLOW, "warning"),
        };
        lines.push(format!("\n{style}{word}{style:#} {BOLD}{id}{BOLD:#}"));
        for finding in &findings {
            let what = finding.what.replace('\n', "\n    ");
            lines.push(format!("  {}: {what}", finding.case));
        }
        lines.push(format!("  {DIM}to mend it:{DIM:#} {}", findings[0].mend));
    }
    let warnings = report.count(Severity::Warning);
    let ending = match (report.passed, warnings) {
        (true, 0) => format!(
            "{GREEN}passes{GREEN:#}: {}",
            counted(report.cases.len(), "case")
        ),
        (true, warnings) => format!(
            "{GREEN}passes{GREEN:#}: {}, {}",
            counted(report.cases.len(), "case"),
            counted(warnings, "warning")
        ),
        (false, warnings) => format!(
            "{RED}does not pass{RED:#}: {}, {}, {}",
            counted(report.cases.len(), "case"),
            counted(report.count(Severity::Error), "error"),
            counted(warnings, "warning")
        ),
    };
    lines.push(format!("\n{ending}\n"));
    lines.join("\n")
}
