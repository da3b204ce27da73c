//! From text to what is written in it, with every fault of it rather than the
//! first.

use super::reference::{self, Found};
use serde::de::DeserializeOwned;
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue, Deserializer};

/// What is wrong, and where in the file.
pub(super) type Faults = Vec<(Option<Range<usize>>, String)>;

/// The most faults that are looked for: each takes another look at the file.
const MOST: usize = 50;

/// What was read, and which of its values were elsewhere.
///
/// # Errors
///
/// Every fault that was found.
pub(super) fn read<T: DeserializeOwned>(
    text: &str,
    base: &Path,
) -> (Result<T, Faults>, Vec<Found>) {
    let (mut table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let faults = errors
            .iter()
            .map(|error| (error.span(), error.message().trim().to_owned()));
        return (Err(faults.collect()), Vec::new());
    }
    let (found, missing) = reference::find(table.get_ref(), base);
    let wrong = reference::put(table.get_mut(), &found);
    let mut faults: Faults = missing
        .into_iter()
        .chain(wrong)
        .map(|(span, text)| (Some(span), text))
        .collect();
    // What cannot be had is not at fault twice.
    for (span, _) in &faults {
        remove(table.get_mut(), span.as_ref());
    }
    let file = loop {
        match T::deserialize(Deserializer::from(table.clone())) {
            Ok(file) => break Some(file),
            Err(error) => {
                let span = error.span();
                // What a table lacks may be what was removed from it below.
                if !faults.is_empty() && is_header(text, span.as_ref()) {
                    break None;
                }
                faults.push((span.clone(), error.message().trim().to_owned()));
                if faults.len() >= MOST || !remove(table.get_mut(), span.as_ref()) {
                    break None;
                }
            }
        }
    };
    match file {
        Some(file) if faults.is_empty() => (Ok(file), found),
        _ => (Err(faults), found),
    }
}

/// Whether this is the header of a table, or nothing: a line by itself.
fn is_header(text: &str, span: Option<&Range<usize>>) -> bool {
    let before = span.and_then(|span| text.get(..span.start));
    let line = before.and_then(|before| before.rsplit('\n').next());
    let here = span.and_then(|span| text.get(span.start..));
    line.is_none_or(|line| line.trim().is_empty())
        && here.is_none_or(|here| here.is_empty() || here.starts_with('['))
}

/// Removes the innermost entry that a fault is in, so that the next one is
/// found; says whether there was one.
fn remove(table: &mut DeTable<'_>, span: Option<&Range<usize>>) -> bool {
    let Some(span) = span else { return false };
    let within = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    let mut at = None;
    for (key, value) in table.iter_mut() {
        if within(key.span()) {
            at = Some(key.clone());
            break;
        }
        // A table with a header has the span of that; what is in it lies elsewhere.
        let below = match value.get_mut() {
            DeValue::Table(table) => remove(table, Some(span)),
            DeValue::Array(items) => items.iter_mut().any(|item| match item.get_mut() {
                DeValue::Table(table) => remove(table, Some(span)),
                _ => false,
            }),
            _ => false,
        };
        if below {
            return true;
        }
        if within(value.span()) {
            at = Some(key.clone());
            break;
        }
    }
    match at {
        Some(key) => table.remove(&key).is_some(),
        None => false,
    }
}
