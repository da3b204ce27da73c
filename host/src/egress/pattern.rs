//! Patterns: what the value of one field may be.

use super::bsn;
use super::error::RuleError;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use std::fmt;

/// The longest pattern, in bytes.
const LONGEST: usize = 1000;

/// The most memory that a compiled pattern may take, in bytes.
const COMPILED: usize = 1 << 20;

/// A pattern as it is written in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(
    untagged,
    expecting = "a pattern, such as \"[0-9]{8}\", or { pattern = \"[0-9]{9}\", bsn = true }"
)]
pub enum WrittenPattern {
    /// A regular expression (syntax of the crate `regex`) that the whole value
    /// must match.
    Plain(String),
    /// The same, with what else is said of the field.
    Detailed(Detailed),
}

/// A pattern with what else is said of its field.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Detailed {
    /// The regular expression.
    pub pattern: String,
    /// Whether a BSN (citizen service number) may be in the value.
    #[serde(default)]
    pub bsn: bool,
}

/// A compiled pattern.
#[derive(Clone)]
pub(super) struct Pattern {
    text: String,
    regex: Regex,
    bsn: bool,
}

/// Why a value is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// It does not match.
    Pattern,
    /// It matches, and holds what can be a BSN.
    Bsn,
}

impl Pattern {
    /// Compiles what is written for `field`, such as `query.kenteken`.
    pub(super) fn new(field: &str, written: &WrittenPattern) -> Result<Self, RuleError> {
        let (text, bsn) = match written {
            WrittenPattern::Plain(text) => (text, false),
            WrittenPattern::Detailed(detailed) => (&detailed.pattern, detailed.bsn),
        };
        let wrong = |why: String| RuleError(format!("{field} = \"{text}\" {why}"));
        if text.len() > LONGEST {
            return Err(RuleError(format!(
                "{field} has a pattern of more than {LONGEST} bytes"
            )));
        }
        let compile = |text: &str| {
            RegexBuilder::new(text)
                .size_limit(COMPILED)
                .dfa_size_limit(COMPILED)
                .build()
        };
        // By itself first: a pattern that closes a group which it did not open
        // would otherwise escape from the anchors.
        let compiled = compile(text).and_then(|_| compile(&format!(r"^(?:{text})\z")));
        let regex = compiled.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => wrong(format!(
                "is too large once compiled; repeat less, or write a range such as A-Za-zÀ-ÿ for {}",
                r"\p{L}"
            )),
            error => wrong(format!("is no regular expression: {}", last_line(&error))),
        })?;
        Ok(Self {
            text: text.clone(),
            regex,
            bsn,
        })
    }

    /// The regular expression, as it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a value may leave.
    pub(super) fn check(&self, value: &str) -> Result<(), Mismatch> {
        if !self.regex.is_match(value) {
            return Err(Mismatch::Pattern);
        }
        if !self.bsn && bsn::may_hold(value) {
            return Err(Mismatch::Bsn);
        }
        Ok(())
    }

    /// As it would be written.
    pub(super) fn written(&self) -> String {
        let text = toml::Value::String(self.text.clone());
        if self.bsn {
            format!("{{ pattern = {text}, bsn = true }}")
        } else {
            text.to_string()
        }
    }
}

/// What is wrong, without the drawing that goes before it.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.bsn) == (&other.text, other.bsn)
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written())
    }
}
