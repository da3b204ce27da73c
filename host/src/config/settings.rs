//! Settings of a connector: written as TOML, handed over as JSON.

use serde_json::{Map, Value};
use toml::Value as Toml;

/// The settings as a JSON object. A date or time becomes a string in the form
/// of RFC 3339, as it is written.
///
/// # Errors
///
/// For a number that is not finite.
pub(crate) fn json(settings: toml::Table) -> Result<Value, &'static str> {
    let entries = settings
        .into_iter()
        .map(|(key, value)| Ok((key, self::value(value)?)));
    entries.collect::<Result<Map<_, _>, _>>().map(Value::Object)
}

fn value(value: Toml) -> Result<Value, &'static str> {
    Ok(match value {
        Toml::String(text) => Value::String(text),
        Toml::Integer(number) => number.into(),
        Toml::Float(number) => serde_json::Number::from_f64(number)
            .map(Value::Number)
            .ok_or("has a number that is not finite, which JSON cannot hold")?,
        Toml::Boolean(truth) => Value::Bool(truth),
        Toml::Datetime(at) => Value::String(at.to_string()),
        Toml::Array(items) => {
            let items = items.into_iter().map(self::value);
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Toml::Table(table) => json(table)?,
    })
}
