//! What a connector says of itself: its description and its settings.

use super::SuiteError;
use super::finding;
use super::report::Described;
use super::suite::Suite;
use super::world::{CLIENT, Size};
use crate::bindings::koppel::connector::types::{ConnectorError, Description};
use crate::ledger::{Filter, Kind};
use crate::runs::{Job, RunError};
use serde_json::Value;
use std::time::Instant;

/// The longest summary, in characters.
const SUMMARY: usize = 120;

/// A key that no connector knows.
const UNKNOWN: &str = "koppel-check-tries-this";

impl Suite<'_> {
    /// Asks the connector what it is.
    pub(super) async fn describe(&mut self) -> Result<(), SuiteError> {
        let began = Instant::now();
        let world = self.maker.world(Size::Usual)?;
        let described = world.host.describe(CLIENT).await;
        let filter = Filter {
            kinds: vec![Kind::Denial],
            ..Filter::default()
        };
        let denials = world
            .host
            .ledger()
            .rows(filter)
            .await
            .map_err(SuiteError::own)?;
        for denial in denials {
            let what = format!("it called the host: {}", denial.summary);
            self.find(finding::DESCRIBE_FAILED, "description", "describe", what);
        }
        let description = match described {
            Ok(description) => description,
            Err(error) => {
                self.find(
                    finding::DESCRIBE_FAILED,
                    "description",
                    "describe",
                    error.to_string(),
                );
                self.tried("description", "describe", began);
                return Ok(());
            }
        };
        self.texts(&description);
        self.tried("description", "describe", began);
        let schema = self.schema(&description.settings_schema);
        self.tried("description", "schema of the settings", began);
        if let Some(schema) = schema {
            self.settings(&schema).await?;
        }
        Ok(())
    }

    fn texts(&mut self, description: &Description) {
        let Description {
            name,
            version,
            summary,
            ..
        } = description;
        let mut wrong = Vec::new();
        let words = |name: &str| {
            name.split('-').all(|word| {
                !word.is_empty()
                    && word
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            })
        };
        if !words(name) || name.len() > 64 {
            wrong.push(format!("the name {name:?} is not in kebab-case"));
        }
        if version.parse::<semver::Version>().is_err() {
            wrong.push(format!("the version {version:?} is no semantic version"));
        }
        let length = summary.chars().count();
        if length == 0 || length > SUMMARY || summary.contains('\n') {
            wrong.push(format!(
                "the summary has {length} characters; it is one sentence of 1 to {SUMMARY}"
            ));
        }
        for what in wrong {
            self.find(finding::DESCRIBE_TEXT, "description", "describe", what);
        }
        self.report_mut().description = Some(Described {
            name: crate::text::one_line(name),
            version: crate::text::one_line(version),
            summary: crate::text::one_line(summary),
        });
    }

    /// The schema, if it is one.
    fn schema(&mut self, text: &str) -> Option<Value> {
        let case = "schema of the settings";
        let wrong = match serde_json::from_str::<Value>(text) {
            Err(error) => Some(format!("it is not JSON: {error}")),
            Ok(schema) => {
                let meta = jsonschema::draft202012::meta::validate(&schema);
                match meta {
                    Err(error) => Some(format!("{}: {error}", error.instance_path())),
                    Ok(()) if schema.get("type").and_then(Value::as_str) != Some("object") => {
                        Some("it is not the schema of an object (type: \"object\")".to_owned())
                    }
                    Ok(()) => match jsonschema::draft202012::new(&schema) {
                        Err(error) => Some(error.to_string()),
                        Ok(_) => return Some(schema),
                    },
                }
            }
        };
        if let Some(what) = wrong {
            self.find(finding::SCHEMA_INVALID, "description", case, what);
        }
        None
    }

    /// The settings of the scenario by the schema; and a key that is not known.
    async fn settings(&mut self, schema: &Value) -> Result<(), SuiteError> {
        let began = Instant::now();
        let case = "settings of the scenario";
        let settings = crate::config::settings_json(self.maker.scenario.settings());
        let settings = settings.map_err(SuiteError::own)?;
        let validator = jsonschema::draft202012::new(schema).map_err(SuiteError::own)?;
        let faults: Vec<String> = validator
            .iter_errors(&settings)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        for what in faults {
            self.find(
                finding::SETTINGS_INVALID,
                "description",
                case,
                what.trim_start_matches(": "),
            );
        }
        self.tried("description", case, began);
        let case = "settings with an unknown key";
        let mut more = settings.clone();
        if let Value::Object(fields) = &mut more {
            fields.insert(UNKNOWN.to_owned(), Value::Bool(true));
        }
        if validator.is_valid(&settings) && validator.is_valid(&more) {
            let what = format!("its schema allows the key {UNKNOWN:?}");
            self.find(finding::SETTINGS_UNKNOWN, "description", case, what);
        }
        let mut scenario = self.maker.scenario.clone();
        scenario = scenario
            .with_settings(&more.to_string())
            .map_err(SuiteError::Own)?;
        let world = self.maker.world_of(&scenario, Size::Usual)?;
        let course = world.run(Job::Check).await?;
        self.observe(
            "description",
            case,
            "when its settings have an unknown key",
            &course,
        );
        let refused = matches!(
            course.report.outcome,
            Err(RunError::Connector(ConnectorError::InvalidSettings(_)))
        );
        if !refused && course.is_orderly() {
            let what = format!(
                "`check` with the key {UNKNOWN:?} in its settings: {}",
                course.ending()
            );
            self.find(finding::SETTINGS_UNKNOWN, "description", case, what);
        }
        self.is_stuck();
        self.tried("description", case, began);
        Ok(())
    }
}
