//! One spelling for queries that mean the same: members of objects in order, no
//! white space, no escapes that are not needed. Numbers stay as they are
//! written.

use serde::Deserializer as _;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// The largest query that is spelt anew, in bytes.
const LARGEST: usize = 64 << 10;

/// How deep a query may nest.
const DEEPEST: usize = 32;

/// A query in JSON in its one spelling; none if it is too large or too deep, is
/// no JSON, or has a name twice in an object, which parsers read differently.
pub(super) fn canonical(query: &str) -> Option<String> {
    if query.len() > LARGEST {
        return None;
    }
    let query: &RawValue = serde_json::from_str(query).ok()?;
    value(query, 0)
}

fn value(value: &RawValue, depth: usize) -> Option<String> {
    let text = value.get();
    match text.as_bytes().first()? {
        b'{' | b'[' if depth == DEEPEST => None,
        b'{' | b'[' => {
            let mut deserializer = serde_json::Deserializer::from_str(text);
            deserializer.deserialize_any(Parts { depth }).ok()
        }
        b'"' => {
            let string: String = serde_json::from_str(text).ok()?;
            serde_json::to_string(&string).ok()
        }
        _ => Some(text.to_owned()),
    }
}

/// What is in an object or an array.
struct Parts {
    depth: usize,
}

impl Parts {
    fn part<E: Error>(&self, part: &RawValue) -> Result<String, E> {
        value(part, self.depth + 1).ok_or_else(|| E::custom("it has no one spelling"))
    }
}

impl<'de> Visitor<'de> for Parts {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let member = self.part(map.next_value()?)?;
            let name = serde_json::to_string(&name).map_err(A::Error::custom)?;
            if members.insert(name, member).is_some() {
                return Err(A::Error::custom("a name occurs twice"));
            }
        }
        let members: Vec<String> = members
            .into_iter()
            .map(|(name, member)| format!("{name}:{member}"))
            .collect();
        Ok(format!("{{{}}}", members.join(",")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<String, A::Error> {
        let mut parts = Vec::new();
        while let Some(item) = items.next_element::<&RawValue>()? {
            parts.push(self.part(item)?);
        }
        Ok(format!("[{}]", parts.join(",")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_that_mean_the_same_are_spelt_the_same() {
        let expected = r#"{"a":[1,{"c":"é\n","d":null}],"b":-1.50e2}"#;
        for query in [
            expected,
            r#" { "b" : -1.50e2 , "a" : [ 1 , {"d":null,"c":"\u00e9\n"} ] } "#,
            "{\"\\u0062\":-1.50e2,\"a\":[1,{\"d\":null,\"c\":\"é\\n\"}]}\n",
        ] {
            assert_eq!(canonical(query).as_deref(), Some(expected), "{query}");
        }
        for query in ["true", "\"a\"", "12.0", "[]", "{}"] {
            assert_eq!(canonical(query).as_deref(), Some(query));
        }
    }

    #[test]
    fn queries_that_differ_are_spelt_differently() {
        let spelt: Vec<_> = ["1", "1.0", "\"1\"", "[1]", "[1,1]", "{\"1\":1}", "null"]
            .iter()
            .map(|query| canonical(query).unwrap())
            .collect();
        for (index, one) in spelt.iter().enumerate() {
            assert!(!spelt[index + 1..].contains(one), "{one}");
        }
    }

    #[test]
    fn what_has_no_one_spelling_has_none() {
        let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(canonical(&deep(DEEPEST)).is_some());
        for query in [
            "",
            "{",
            "{} {}",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"[{"a":{"b":1,"b":2}}]"#,
            &deep(DEEPEST + 1),
            &deep(30_000),
            &format!("\"{}\"", "a".repeat(LARGEST)),
        ] {
            assert_eq!(canonical(query), None, "{}", &query[..query.len().min(40)]);
        }
    }
}
