//! What is told of a field that was refused: its name, why, and the line of the
//! configuration that is about it. Never a value.

use super::{Fields, Part, Problem};
use crate::egress::bsn;
use crate::egress::pattern::Mismatch;
use std::collections::BTreeMap;

impl Fields {
    /// What was refused, and the line of the configuration that is about it.
    pub(super) fn text(&self, client: &str, allow: &str, part: Part, problem: &Problem) -> String {
        let (name, fault, written) = match problem {
            Problem::Unlisted(name) => (
                name,
                "is not in the list of".to_owned(),
                Some("\"…\"".to_owned()),
            ),
            Problem::Value(name, Mismatch::Pattern) => {
                (name, "does not match its pattern in".to_owned(), None)
            }
            Problem::Value(name, Mismatch::Bsn) => (
                name,
                "holds what can be a BSN (citizen service number), refused by".to_owned(),
                Some("{ pattern = \"…\", bsn = true }".to_owned()),
            ),
            Problem::Repeated(name) => {
                return format!(
                    "{} occurs twice; the rule for {allow} in [clients.{client}] http lets each field through once",
                    part.field(name)
                );
            }
            Problem::NotText(name) => {
                return format!(
                    "{} is not UTF-8 text, as the rule for {allow} in [clients.{client}] http requires",
                    part.field(name)
                );
            }
            Problem::NotJson { line, column } => {
                return format!(
                    "the body is not JSON (line {line}, column {column}), as the rule for {allow} in [clients.{client}] http requires"
                );
            }
            Problem::NotSingle(name) => {
                return format!(
                    "{} is an object or an array; to allow it, list the fields in it in the rule for {allow} in [clients.{client}] http: json = {{ {} = \"…\" }}",
                    part.field(name),
                    key(&format!("{name}/…"))
                );
            }
        };
        format!(
            "{} {fault} the rule for {allow}; to allow it, write in that rule in [clients.{client}] http: {} = {}",
            part.field(name),
            part.key(),
            self.list_with(part, name, written)
        )
    }

    /// A list as it would be written, with another pattern for one field.
    fn list_with(&self, part: Part, name: &str, written: Option<String>) -> String {
        let list = match part {
            Part::Path => &self.path,
            Part::Query => &self.query,
            Part::Headers => &self.headers,
            Part::Json => &self.json,
        };
        let mut entries: BTreeMap<&str, String> = list
            .iter()
            .map(|(name, pattern)| (name.as_str(), pattern.written()))
            .collect();
        let name = if name.is_empty() { "…" } else { name };
        let pattern = list.get(name).or_else(|| self.media.get(name));
        let written = match (written, pattern) {
            // The pattern that there is, so that it can be changed.
            (None, Some(pattern)) => pattern.written(),
            (None, None) => "\"…\"".to_owned(),
            (Some(written), Some(pattern)) => {
                written.replace("\"…\"", &toml::Value::from(pattern.text()).to_string())
            }
            (Some(written), None) => written,
        };
        entries.insert(name, written);
        let entries: Vec<String> = entries
            .into_iter()
            .map(|(name, pattern)| format!("{} = {pattern}", key(name)))
            .collect();
        format!("{{ {} }}", entries.join(", "))
    }
}

impl Part {
    fn key(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Headers => "headers",
            Self::Json => "json",
        }
    }

    fn field(self, name: &str) -> String {
        let what = match self {
            Self::Path => "path segment",
            Self::Query => "query parameter",
            Self::Headers => "header",
            Self::Json if name.is_empty() => return "the body".to_owned(),
            Self::Json => "body field",
        };
        format!("{what} \"{name}\"")
    }
}

/// A name from a request, if it is one. Something else in its place could be
/// the very value that must not be told.
pub(in crate::egress) fn shown(name: &str) -> String {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || "$_-.[]".contains(c);
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let is_name = (1..=64).contains(&name.len())
        && name.chars().all(ordinary)
        && digits < 5
        && !bsn::may_hold(name);
    if is_name { name } else { "…" }.to_owned()
}

/// A key of TOML, quoted if need be.
pub(super) fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        toml::Value::from(name).to_string()
    }
}
