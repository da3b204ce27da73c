//! The field list of a rule: what may be in a request besides its place.
//!
//! A rule without lists looks at scheme, host, port, path and method only. As
//! soon as it has one list (`path`, `query`, `headers` or `json`), nothing
//! leaves but what is listed: parameters, headers and fields of the body that
//! are not named are refused, and so is a value that does not match. What is
//! refused is told by the name of its field, never by its value.

use super::error::{EgressError, RuleError};
use super::json::{self, JsonFields};
use super::pattern::{Mismatch, Pattern, WrittenPattern};
use http::header::{self, HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use told::key;
use url::Url;

#[cfg(test)]
mod tests;
mod told;

pub(super) use told::shown;

/// One list as it is written: patterns by the names of fields.
pub type WrittenList = BTreeMap<String, WrittenPattern>;

/// The lists of a rule as they are written in the configuration. None and an
/// empty list differ: once a rule has a list, an empty one lets nothing through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenLists {
    /// The named segments of the path of `allow`.
    pub path: Option<WrittenList>,
    /// The parameters of the query.
    pub query: Option<WrittenList>,
    /// The headers, besides `accept` and `content-type`.
    pub headers: Option<WrittenList>,
    /// The fields of a JSON body, by JSON pointer (RFC 6901), in which `*`
    /// stands for every item of an array.
    pub json: Option<WrittenList>,
}

/// Which part of a request a field is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Path,
    Query,
    Headers,
    Json,
}

/// The compiled lists of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    path: BTreeMap<String, Pattern>,
    query: BTreeMap<String, Pattern>,
    headers: BTreeMap<String, Pattern>,
    json: BTreeMap<String, Pattern>,
    body: JsonFields,
    /// What a rule lets through without being asked: the media types.
    media: BTreeMap<String, Pattern>,
}

/// What is wrong with a request. Names are fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// This field is not listed.
    Unlisted(String),
    /// The value of this field may not leave.
    Value(String, Mismatch),
    /// This field occurs twice.
    Repeated(String),
    /// The value of this field is not text.
    NotText(String),
    /// This field is an object or an array and should be a single value.
    NotSingle(String),
    /// The body is not JSON.
    NotJson { line: usize, column: usize },
}

/// Headers that the host makes itself, whatever the connector says.
const OWN: [HeaderName; 2] = [header::HOST, header::CONTENT_LENGTH];

/// Values that say no more than that JSON is meant.
const MEDIA: [(HeaderName, &str); 2] = [
    (header::ACCEPT, r"application/(hal\+)?json|\*/\*"),
    (
        header::CONTENT_TYPE,
        "application/json(; ?charset=(utf-8|UTF-8))?",
    ),
];

impl Fields {
    /// Compiles the lists; none if nothing is listed. `named` are the named
    /// segments of the path.
    pub(super) fn new(
        lists: &WrittenLists,
        named: &[&str],
        forbidden: fn(&HeaderName) -> bool,
    ) -> Result<Option<Self>, RuleError> {
        let WrittenLists {
            path,
            query,
            headers,
            json,
        } = lists;
        for name in named {
            if path.as_ref().is_none_or(|path| !path.contains_key(*name)) {
                return Err(RuleError(format!(
                    "the path has {{{name}}}; say what it may be with path = {{ {} = \"…\" }}",
                    key(name)
                )));
            }
        }
        if [path, query, headers, json]
            .iter()
            .all(|list| list.is_none())
        {
            return Ok(None);
        }
        for name in path.iter().flat_map(BTreeMap::keys) {
            if !named.contains(&name.as_str()) {
                return Err(RuleError(format!(
                    "path.{name} is no part of the path; write {{{name}}} in place of the part that it is about"
                )));
            }
        }
        for name in headers.iter().flat_map(BTreeMap::keys) {
            let header = HeaderName::try_from(name).map_err(|_| {
                RuleError(format!("headers: \"{name}\" is not the name of a header"))
            })?;
            if forbidden(&header) || OWN.contains(&header) {
                return Err(RuleError(format!(
                    "headers: {name} may not be set by a connector"
                )));
            }
        }
        for pointer in json.iter().flat_map(BTreeMap::keys) {
            if json::place(pointer).is_none() {
                return Err(RuleError(format!(
                    "json: \"{pointer}\" is no JSON pointer; it starts with /, such as \"/lines/*/amount\""
                )));
            }
        }
        let json = compile("json", json.as_ref(), str::to_owned)?;
        let media = MEDIA
            .iter()
            .map(|(name, pattern)| {
                let written = WrittenPattern::Plain((*pattern).to_owned());
                Ok((name.to_string(), Pattern::new("headers", &written)?))
            })
            .collect::<Result<_, RuleError>>()?;
        Ok(Some(Self {
            path: compile("path", path.as_ref(), str::to_owned)?,
            query: compile("query", query.as_ref(), str::to_owned)?,
            headers: compile("headers", headers.as_ref(), str::to_lowercase)?,
            body: JsonFields::new(&json),
            json,
            media,
        }))
    }

    /// Judges a request whose place the rule allows.
    ///
    /// # Errors
    ///
    /// [`EgressError::Field`] for the first field that may not leave.
    pub(super) fn check(
        &self,
        client: &str,
        allow: &str,
        segments: &[(&str, &str)],
        url: &Url,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), EgressError> {
        let judged = self
            .check_path(segments)
            .map_err(|problem| (Part::Path, problem))
            .and_then(|()| {
                let query = self.check_query(url.query().unwrap_or_default());
                query.map_err(|problem| (Part::Query, problem))
            })
            .and_then(|()| {
                let headers = self.check_headers(headers);
                headers.map_err(|problem| (Part::Headers, problem))
            })
            .and_then(|()| {
                let body = self.check_body(body);
                body.map_err(|problem| (Part::Json, problem))
            });
        judged.map_err(|(part, problem)| EgressError::Field {
            allow: allow.to_owned(),
            text: self.text(client, allow, part, &problem),
        })
    }

    fn check_path(&self, segments: &[(&str, &str)]) -> Result<(), Problem> {
        for (name, value) in segments {
            let value = percent_decode_str(value)
                .decode_utf8()
                .map_err(|_| Problem::NotText((*name).to_owned()))?;
            judge(self.path.get(*name), name, &value)?;
        }
        Ok(())
    }

    fn check_query(&self, query: &str) -> Result<(), Problem> {
        let mut seen = Vec::new();
        if query.is_empty() {
            return Ok(());
        }
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // As a form is read (WHATWG URL, application/x-www-form-urlencoded).
            let name = name.replace('+', " ");
            let name = percent_decode_str(&name).decode_utf8_lossy();
            let Some((name, pattern)) = self.query.get_key_value(name.as_ref()) else {
                return Err(Problem::Unlisted(shown(&name)));
            };
            if seen.contains(&name) {
                return Err(Problem::Repeated(name.clone()));
            }
            seen.push(name);
            let value = value.replace('+', " ");
            let value = percent_decode_str(&value)
                .decode_utf8()
                .map_err(|_| Problem::NotText(name.clone()))?;
            judge(Some(pattern), name, &value)?;
        }
        Ok(())
    }

    fn check_headers(&self, headers: &HeaderMap) -> Result<(), Problem> {
        for name in headers.keys().filter(|name| !OWN.contains(name)) {
            let listed = self.headers.get(name.as_str());
            let mut values = headers.get_all(name).iter();
            let value = values.next().map(|value| value.to_str());
            let pattern = listed.or_else(|| self.media.get(name.as_str()));
            if pattern.is_none() {
                return Err(Problem::Unlisted(shown(name.as_str())));
            }
            if values.next().is_some() {
                return Err(Problem::Repeated(name.to_string()));
            }
            let Some(Ok(value)) = value else {
                return Err(Problem::NotText(name.to_string()));
            };
            judge(pattern, name.as_str(), value)?;
        }
        Ok(())
    }

    fn check_body(&self, body: &[u8]) -> Result<(), Problem> {
        if body.is_empty() {
            return Ok(());
        }
        if self.json.is_empty() {
            return Err(Problem::Unlisted(String::new()));
        }
        self.body.check(body)
    }
}

fn compile(
    part: &str,
    list: Option<&BTreeMap<String, WrittenPattern>>,
    name: fn(&str) -> String,
) -> Result<BTreeMap<String, Pattern>, RuleError> {
    list.into_iter()
        .flatten()
        .map(|(field, written)| {
            let pattern = Pattern::new(&format!("{part}.{}", key(field)), written)?;
            Ok((name(field), pattern))
        })
        .collect()
}

fn judge(pattern: Option<&Pattern>, name: &str, value: &str) -> Result<(), Problem> {
    let pattern = pattern.ok_or_else(|| Problem::Unlisted(name.to_owned()))?;
    pattern
        .check(value)
        .map_err(|mismatch| Problem::Value(name.to_owned(), mismatch))
}
