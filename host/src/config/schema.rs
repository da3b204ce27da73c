//! The configuration as a JSON Schema, for editors and checks before anything
//! runs. It is made of the types that the file is read into, so that it cannot
//! say anything else; what these types leave open, such as names that must mean
//! something, only [`super::Config::parse`] checks.

use super::raw::File;
use super::secret::{Credential, SecretReference};
use crate::catalogue::{MODULES, ROWS};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The JSON Schema of `platform.toml`, draft 7: the newest that editors for TOML
/// know well.
pub fn schema() -> Schema {
    SchemaSettings::draft07()
        .with_transform(RecursiveTransform(without_null))
        .into_generator()
        .into_root_schema_for::<File>()
}

/// TOML has no null: what may be missing is not there.
fn without_null(schema: &mut Schema) {
    let null = json!({ "type": "null" });
    if let Some(Value::Array(some)) = schema.get_mut("anyOf") {
        some.retain(|schema| *schema != null);
        if some.len() == 1 {
            // A reference alone: what stands beside it would be ignored.
            let only = schema.remove("anyOf").unwrap_or_default();
            schema.insert("allOf".to_owned(), only);
        }
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
}

/// A type that is a schema and nothing else.
macro_rules! only_a_schema {
    ($(#[doc = $doc:literal])+ $name:ident, $schema:expr) => {
        $(#[doc = $doc])+
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

only_a_schema!(
    /// The name of an activity: the `operationId` of an operation.
    ActivityId,
    {
        let ids: BTreeSet<_> = ROWS.iter().map(|row| row.id).collect();
        json_schema!({
            "description": "An activity: the operationId of an operation of the Loket REST API v2, or of koppel's own.",
            "type": "string",
            "enum": ids,
        })
    }
);

only_a_schema!(
    /// The name of a module (product).
    ModuleName,
    {
        json_schema!({ "description": "A module (product).", "type": "string", "enum": *MODULES })
    }
);

only_a_schema!(
    /// A method of HTTP.
    Method,
    json_schema!({ "type": "string", "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] })
);

only_a_schema!(
    /// A SHA-256.
    Sha256,
    json_schema!({ "description": "A SHA-256.", "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" })
);

impl JsonSchema for SecretReference {
    fn schema_name() -> Cow<'static, str> {
        "SecretReference".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let of = |key: &str, description: &str| {
            json_schema!({
                "type": "object",
                "properties": { key: { "description": description, "type": "string" } },
                "required": [key],
                "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "Where a secret is. The secret itself is never in this file.",
            "oneOf": [
                of("env", "An environment variable of koppel."),
                of("file", "A file; white space around the secret is no part of it."),
                of("keyring", "A key of type `user` with this description in the keyring of the kernel."),
            ],
        })
    }
}

impl JsonSchema for Credential {
    fn schema_name() -> Cow<'static, str> {
        "Credential".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let secret = generator.subschema_for::<SecretReference>();
        let text =
            |description: &str| json_schema!({ "description": description, "type": "string" });
        json_schema!({
            "description": "A secret that the host adds to requests. The connector never sees it.",
            "type": "object",
            "properties": {
                "header": text("The HTTP header that it is sent in, such as `authorization`."),
                "scheme": text("With `header`: a word before the secret, such as `Bearer`."),
                "query": text("The parameter of the query that it is sent as, such as `key`."),
                "value": secret,
                "certificate": secret,
                "private-key": secret,
            },
            "additionalProperties": false,
            "oneOf": [
                { "required": ["header", "value"], "not": { "required": ["query"] } },
                { "required": ["query", "value"], "not": { "anyOf": [{ "required": ["header"] }, { "required": ["scheme"] }] } },
                { "required": ["certificate", "private-key"], "not": { "required": ["value"] } },
            ],
        })
    }
}
