//! Judging a JSON body: only listed fields, each with a value that matches.
//!
//! The text of the body is what leaves, so the text is judged: numbers as they
//! are written, and no name twice in an object, because two parsers could read
//! different values then.

use super::fields::{Problem, shown};
use super::pattern::Pattern;
use serde::Deserializer as _;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// A place in a body: the segments of a JSON pointer (RFC 6901), with `*` for
/// every item of an array.
type Place = Vec<String>;

/// The fields that a body may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JsonFields(Vec<(Place, Pattern)>);

/// Splits a pointer such as `/lines/*/amount`.
pub(super) fn place(pointer: &str) -> Option<Place> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let segments = pointer.strip_prefix('/')?.split('/');
    Some(
        segments
            .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
            .collect(),
    )
}

impl JsonFields {
    pub(super) fn new(patterns: &BTreeMap<String, Pattern>) -> Self {
        let fields = patterns
            .iter()
            .filter_map(|(pointer, pattern)| Some((place(pointer)?, pattern.clone())));
        Self(fields.collect())
    }

    /// Judges a body.
    pub(super) fn check(&self, body: &[u8]) -> Result<(), Problem> {
        let body: &RawValue = serde_json::from_slice(body).map_err(|error| Problem::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
        let mut walk = Walk {
            fields: self.0.iter().collect(),
            at: String::new(),
            depth: 0,
            problem: None,
        };
        walk.value(body);
        walk.problem.map_or(Ok(()), Err)
    }
}

/// A walk through a body. Ends at the first problem.
struct Walk<'a> {
    /// The listed fields at or below this place.
    fields: Vec<&'a (Place, Pattern)>,
    /// This place, for a person.
    at: String,
    /// How many segments it has.
    depth: usize,
    problem: Option<Problem>,
}

impl<'a> Walk<'a> {
    /// Judges a value, and what is in it. Never deeper than the list goes, so
    /// deep nesting cannot exhaust the stack.
    fn value(&mut self, value: &RawValue) {
        let text = value.get();
        let below = self
            .fields
            .iter()
            .any(|(place, _)| place.len() > self.depth);
        let here = self
            .fields
            .iter()
            .find(|(place, _)| place.len() == self.depth);
        match (text.as_bytes().first(), here) {
            // Nothing leaves with it.
            (Some(b'n'), _) => {}
            (Some(b'{' | b'['), _) if !below => self.fail(Problem::NotSingle(self.at.clone())),
            (Some(b'{' | b'['), _) => {
                let mut deserializer = serde_json::Deserializer::from_str(text);
                if let Err(error) = deserializer.deserialize_any(&mut *self) {
                    // The whole body was read once, so this is not reached.
                    self.fail(Problem::NotJson {
                        line: error.line(),
                        column: error.column(),
                    });
                }
            }
            (_, None) => self.fail(Problem::Unlisted(self.at.clone())),
            (Some(b'"'), Some((_, pattern))) => match serde_json::from_str::<String>(text) {
                Ok(string) => self.single(pattern, &string),
                Err(_) => self.fail(Problem::NotText(self.at.clone())),
            },
            (_, Some((_, pattern))) => self.single(pattern, text),
        }
    }

    fn single(&mut self, pattern: &Pattern, value: &str) {
        if let Err(mismatch) = pattern.check(value) {
            self.fail(Problem::Value(self.at.clone(), mismatch));
        }
    }

    fn fail(&mut self, problem: Problem) {
        self.problem.get_or_insert(problem);
    }

    /// Judges the member or item of this name.
    fn child(&mut self, segment: &str, value: &RawValue) {
        let fields: Vec<&(Place, Pattern)> = self
            .fields
            .iter()
            .copied()
            .filter(|(place, _)| place.get(self.depth).is_some_and(|s| s == segment))
            .collect();
        if fields.is_empty() {
            let name = if segment == "*" {
                "*".to_owned()
            } else {
                shown(segment)
            };
            return self.fail(Problem::Unlisted(format!("{}/{name}", self.at)));
        }
        let escaped = segment.replace('~', "~0").replace('/', "~1");
        let mut walk = Walk {
            fields,
            at: format!("{}/{escaped}", self.at),
            depth: self.depth + 1,
            problem: None,
        };
        walk.value(value);
        if let Some(problem) = walk.problem {
            self.fail(problem);
        }
    }
}

impl<'de> Visitor<'de> for &mut Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value: &RawValue = map.next_value()?;
            // What was seen is listed, so its name may be shown.
            if seen.contains(&name) {
                self.fail(Problem::Repeated(format!("{}/{name}", self.at)));
            } else {
                self.child(&name, value);
            }
            if self.problem.is_some() {
                return Err(A::Error::custom("judged"));
            }
            seen.push(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&RawValue>()? {
            self.child("*", item);
            if self.problem.is_some() {
                return Err(A::Error::custom("judged"));
            }
        }
        Ok(())
    }
}
