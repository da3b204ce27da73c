//! `acceptance.toml`: what a connector is granted while it is judged, what it is
//! asked, and what the outside party answers.

use super::answers::{Answer, WrittenAnswer};
use super::cassette::Cassette;
use crate::platform::DeclarationKind;
use crate::sandbox::Limits;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file that is looked for when none is named.
pub const FILE: &str = "acceptance.toml";

/// A scenario without faults.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    /// Further keys of `[clients.NAME]`: `http`, `exports`, `settings`, `limits`.
    pub grant: toml::Table,
    /// Activities that are granted besides those that follow.
    pub activities: Vec<String>,
    /// How credentials are added to requests; their values are made up.
    pub credentials: BTreeMap<String, toml::Table>,
    /// What a look-up is asked, JSON.
    pub lookups: Vec<String>,
    /// What a price is asked for, JSON.
    pub quotes: Vec<String>,
    /// What is ordered, JSON.
    pub orders: Vec<String>,
    /// Which kind of declaration it makes.
    pub declaration: Option<DeclarationKind>,
    /// What the outside party answers.
    pub answers: Vec<Answer>,
    /// The file with further answers, which were recorded.
    pub cassette: Option<PathBuf>,
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}", path = .path.display())]
pub struct ScenarioError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Written {
    grant: Grant,
    credentials: BTreeMap<String, toml::Table>,
    ask: Ask,
    answers: Vec<WrittenAnswer>,
    cassette: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Grant {
    activities: Vec<String>,
    http: Option<toml::Value>,
    exports: Option<WrittenExports>,
    settings: Option<toml::Table>,
    limits: Option<toml::Table>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenExports {
    activity: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Ask {
    lookup: Vec<toml::Table>,
    quote: Vec<toml::Table>,
    order: Vec<toml::Table>,
    declaration: Option<Declaration>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Declaration {
    PayrollTaxReturn,
    UpaPensionDeclaration,
}

impl From<Declaration> for DeclarationKind {
    fn from(written: Declaration) -> Self {
        match written {
            Declaration::PayrollTaxReturn => Self::PayrollTaxReturn,
            Declaration::UpaPensionDeclaration => Self::UpaPensionDeclaration,
        }
    }
}

impl Scenario {
    /// Reads a scenario. Files in it are relative to its folder.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with line and column where they are known.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let failed = |why: String| ScenarioError {
            path: path.to_owned(),
            why,
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| failed(format!("cannot be read: {error}")))?;
        let written: Written =
            toml::from_str(&text).map_err(|error| failed(error.to_string().trim().to_owned()))?;
        let base = path.parent().unwrap_or(Path::new(""));
        let mut answers = Vec::new();
        for (number, answer) in (1..).zip(written.answers) {
            let answer = Answer::read(answer, base);
            answers.push(answer.map_err(|why| failed(format!("[[answers]] {number}: {why}")))?);
        }
        let cassette = written.cassette.map(|file| base.join(file));
        if let Some(cassette) = cassette.as_ref().filter(|cassette| cassette.exists()) {
            answers.extend(Cassette::load(cassette)?.into_answers()?);
        }
        let mut grant = toml::Table::new();
        let Grant {
            activities,
            http,
            exports,
            settings,
            limits,
        } = written.grant;
        grant.extend(http.map(|http| ("http".to_owned(), http)));
        grant.extend(exports.map(|exports| ("exports".to_owned(), exports.activity.into())));
        grant.extend(settings.map(|settings| ("settings".to_owned(), settings.into())));
        grant.extend(limits.map(|limits| ("limits".to_owned(), limits.into())));
        let json = |asked: Vec<toml::Table>, what: &str| {
            let asked = asked.into_iter().map(crate::config::settings_json);
            let asked: Result<Vec<_>, _> = asked.collect();
            let asked = asked.map_err(|why| failed(format!("[ask] {what} {why}")))?;
            Ok(asked.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        Ok(Self {
            path: Some(path.to_owned()),
            grant,
            activities,
            credentials: written.credentials,
            lookups: json(written.ask.lookup, "lookup")?,
            quotes: json(written.ask.quote, "quote")?,
            orders: json(written.ask.order, "order")?,
            declaration: written.ask.declaration.map(DeclarationKind::from),
            answers,
            cassette,
        })
    }

    /// With other settings, a JSON object.
    ///
    /// # Errors
    ///
    /// When it is none, or holds what no configuration can.
    pub fn with_settings(mut self, json: &str) -> Result<Self, String> {
        let value: serde_json::Value =
            serde_json::from_str(json).map_err(|error| format!("--settings: {error}"))?;
        if !value.is_object() {
            return Err("--settings: it must be a JSON object".to_owned());
        }
        let settings = toml::Value::try_from(value)
            .map_err(|error| format!("--settings: platform.toml cannot hold it: {error}"))?;
        self.grant.insert("settings".to_owned(), settings);
        Ok(self)
    }

    /// How much work compiling the component may be.
    pub(crate) fn compile_effort(&self) -> u64 {
        let limits = self.grant.get("limits");
        let written = limits.and_then(|limits| limits.get("compile-effort")?.as_integer());
        let written = written.and_then(|units| u64::try_from(units).ok());
        // What is no number is a fault of the configuration, and found there.
        written.unwrap_or(Limits::default().compile_effort)
    }

    /// The settings that it grants.
    pub(super) fn settings(&self) -> toml::Table {
        match self.grant.get("settings") {
            Some(toml::Value::Table(settings)) => settings.clone(),
            _ => toml::Table::new(),
        }
    }

    /// The activities of the rules for outside requests.
    pub(super) fn rule_activities(&self) -> Vec<String> {
        let rules = self.grant.get("http").and_then(toml::Value::as_array);
        let rules = rules.into_iter().flatten();
        let named = rules.filter_map(|rule| rule.get("activity")?.as_str());
        named.map(ToOwned::to_owned).collect()
    }

    /// The activity that writing an export file is.
    pub(super) fn export_activity(&self) -> &str {
        let named = self.grant.get("exports").and_then(toml::Value::as_str);
        named.unwrap_or("PostDownloadJournalRunExportByJournalRunId")
    }
}
