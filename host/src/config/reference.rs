//! Values that are elsewhere: `{ env = "NAME" }` or `{ file = "path" }` in place
//! of one that differs from one installation to the next, such as an address.
//!
//! What is granted has no such form: it can be read in the file, all of it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What a value is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    Text,
    Number,
}

/// Where a value may be elsewhere; `*` stands for any name.
pub(super) const PLACES: [(&[&str], As); 38] = [
    (&["platform", "data"], As::Text),
    (&["platform", "ledger"], As::Text),
    (&["platform", "compiled"], As::Text),
    (&["platform", "runs"], As::Text),
    (&["platform", "oci-cache"], As::Text),
    (&["platform", "loket", "base-url"], As::Text),
    (&["platform", "loket", "token-url"], As::Text),
    (&["platform", "loket", "client-id"], As::Text),
    (&["platform", "loket", "token-file"], As::Text),
    (&["platform", "loket", "claims"], As::Text),
    (&["platform", "loket", "requests-per-second"], As::Number),
    (&["clients", "*", "component"], As::Text),
    (&["clients", "*", "oci"], As::Text),
    (&["clients", "*", "sha256"], As::Text),
    (&["registries", "*", "username"], As::Text),
    (&["registries", "*", "trusted-roots"], As::Text),
    (&["server", "listen"], As::Text),
    (&["server", "public-url"], As::Text),
    (&["server", "tls", "certificate"], As::Text),
    (&["server", "tls", "private-key"], As::Text),
    (&["server", "issuer", "signing-key"], As::Text),
    (&["server", "issuer", "data"], As::Text),
    (&["server", "oidc", "issuer"], As::Text),
    (&["server", "oidc", "audience"], As::Text),
    (&["telemetry", "metrics", "listen"], As::Text),
    (&["telemetry", "traces", "endpoint"], As::Text),
    (&["telemetry", "traces", "service"], As::Text),
    (&["telemetry", "traces", "trusted-roots"], As::Text),
    (&["store", "url"], As::Text),
    (&["store", "trusted-roots"], As::Text),
    (&["store", "connections"], As::Number),
    (&["queue", "url"], As::Text),
    (&["queue", "user"], As::Text),
    (&["queue", "name"], As::Text),
    (&["queue", "trusted-roots"], As::Text),
    (&["queue", "workers"], As::Number),
    (&["queue", "drain-seconds"], As::Number),
    (&["queue", "replicas"], As::Number),
];

/// A value that was elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where the file refers to it.
    pub(super) span: Range<usize>,
    /// Where it is, for a person.
    pub(super) origin: String,
    /// The value.
    value: String,
    place: Vec<String>,
    read_as: As,
}

/// Finds all values that are elsewhere. `base` is what paths are relative to.
///
/// # Errors
///
/// What cannot be had, with where the file refers to it.
pub(super) fn find(file: &DeTable<'_>, base: &Path) -> (Vec<Found>, Vec<(Range<usize>, String)>) {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for (place, read_as) in PLACES {
        for (place, value) in at(file, place) {
            let Some((kind, name)) = reference(value.get_ref()) else {
                continue;
            };
            let origin = match kind {
                Kind::Env => format!("the environment variable {name}"),
                Kind::File => format!("the file {}", base.join(name).display()),
            };
            let got = match kind {
                Kind::Env => std::env::var(name).map_err(|error| match error {
                    std::env::VarError::NotPresent => "is not set".to_owned(),
                    std::env::VarError::NotUnicode(_) => "is not text".to_owned(),
                }),
                Kind::File => std::fs::read_to_string(base.join(name))
                    .map_err(|error| format!("cannot be read: {error}")),
            };
            match got {
                Ok(text) => found.push(Found {
                    span: value.span(),
                    origin,
                    value: text.trim().to_owned(),
                    place,
                    read_as,
                }),
                Err(why) => faults.push((value.span(), format!("{origin} {why}"))),
            }
        }
    }
    (found, faults)
}

/// Puts what was found in place of what refers to it.
///
/// # Errors
///
/// What is no number and should be one.
pub(super) fn put<'a>(file: &mut DeTable<'a>, found: &'a [Found]) -> Vec<(Range<usize>, String)> {
    let mut faults = Vec::new();
    for found in found {
        let value = match found.read_as {
            As::Text => DeValue::String(Cow::Borrowed(&found.value)),
            As::Number if found.value.bytes().all(|b| b.is_ascii_digit()) => {
                match DeValue::parse(&found.value) {
                    Ok(number) => number.into_inner(),
                    Err(_) => DeValue::String(Cow::Borrowed(&found.value)),
                }
            }
            As::Number => {
                let text = format!("must be a whole number, and is {:?}", found.value);
                faults.push((found.span.clone(), text));
                continue;
            }
        };
        if let Some(old) = slot(file, &found.place) {
            *old = Spanned::new(found.span.clone(), value);
        }
    }
    faults
}

#[derive(Clone, Copy)]
enum Kind {
    Env,
    File,
}

/// `{ env = "NAME" }` or `{ file = "path" }`.
fn reference<'a>(value: &'a DeValue<'_>) -> Option<(Kind, &'a str)> {
    let DeValue::Table(table) = value else {
        return None;
    };
    let mut entries = table.iter();
    let (key, value) = entries.next()?;
    let (DeValue::String(name), None) = (value.get_ref(), entries.next()) else {
        return None;
    };
    match key.get_ref().as_ref() {
        "env" => Some((Kind::Env, name.as_ref())),
        "file" => Some((Kind::File, name.as_ref())),
        _ => None,
    }
}

/// The values at a place, each with the names on the way to it.
fn at<'t, 'a>(
    table: &'t DeTable<'a>,
    place: &[&str],
) -> Vec<(Vec<String>, &'t Spanned<DeValue<'a>>)> {
    let Some((first, rest)) = place.split_first() else {
        return Vec::new();
    };
    let matching = table
        .iter()
        .filter(|(key, _)| *first == "*" || key.get_ref() == first);
    let mut values = Vec::new();
    for (key, value) in matching {
        let name = key.get_ref().to_string();
        match value.get_ref() {
            _ if rest.is_empty() => values.push((vec![name], value)),
            DeValue::Table(table) => {
                let below = at(table, rest).into_iter();
                values.extend(below.map(|(mut names, value)| {
                    names.insert(0, name.clone());
                    (names, value)
                }));
            }
            _ => {}
        }
    }
    values
}

fn slot<'t, 'a>(
    table: &'t mut DeTable<'a>,
    place: &[String],
) -> Option<&'t mut Spanned<DeValue<'a>>> {
    let (first, rest) = place.split_first()?;
    let value = table.get_mut(first.as_str())?;
    if rest.is_empty() {
        return Some(value);
    }
    match value.get_mut() {
        DeValue::Table(table) => slot(table, rest),
        _ => None,
    }
}

/// The schema of a value that may be elsewhere; never a value.
pub(super) struct ByReference<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for ByReference<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}OrReference", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (value, reference) = (
            generator.subschema_for::<T>(),
            generator.subschema_for::<Reference>(),
        );
        json_schema!({ "anyOf": [value, reference] })
    }
}

/// The schema of a reference.
struct Reference;

impl JsonSchema for Reference {
    fn schema_name() -> Cow<'static, str> {
        "Reference".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where the value is, if it is not in this file.",
            "oneOf": [
                {
                    "type": "object",
                    "properties": { "env": { "description": "An environment variable of koppel.", "type": "string" } },
                    "required": ["env"],
                    "additionalProperties": false,
                },
                {
                    "type": "object",
                    "properties": { "file": { "description": "A file; white space around the value is no part of it.", "type": "string" } },
                    "required": ["file"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
