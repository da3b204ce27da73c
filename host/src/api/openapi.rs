//! The OpenAPI 3.1 document, from the table of the routes and the types that
//! are written.

use super::reply::ERRORS;
use super::routes::{Route, Shape};
use crate::catalogue::{Origin, Row};
use crate::config::{Server, Tokens};
use crate::wire::envelope::{Message, Version};
use crate::wire::error::{Failed, Refusal};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The document for a server.
pub(super) fn document(server: &Server, routes: &[Route]) -> Value {
    // OpenAPI 3.1 uses JSON Schema 2020-12 as it is.
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for route in routes {
        let row = route.activity.row();
        let operation = operation(&mut generator, route);
        let path = paths
            .entry(format!("/v2{}", row.path))
            .or_insert_with(|| json!({}));
        path[row.method.to_ascii_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "koppel",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Loket's REST API v2, as far as koppel serves it. Every operation is an activity: the application and the user need it, each by their own grant.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server.url("")}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {"token": security(server)},
        },
    })
}

fn security(server: &Server) -> Value {
    match &server.tokens {
        Tokens::Issuer(_) => json!({
            "type": "oauth2",
            "flows": {"authorizationCode": {
                "authorizationUrl": server.url("/oauth/authorize"),
                "tokenUrl": server.url("/oauth/token"),
                "refreshUrl": server.url("/oauth/token"),
                "scopes": {},
            }},
        }),
        Tokens::Oidc(oidc) => json!({
            "type": "openIdConnect",
            "openIdConnectUrl": format!(
                "{}/.well-known/openid-configuration",
                oidc.issuer.trim_end_matches('/')
            ),
        }),
    }
}

fn operation(generator: &mut SchemaGenerator, route: &Route) -> Value {
    let row = route.activity.row();
    let mut operation = json!({
        "operationId": row.id,
        "summary": row.summary,
        "description": description(row),
        "tags": [tag(row)],
        "parameters": parameters(route),
        "responses": responses(generator, route),
    });
    if let Some(body) = route.body {
        operation["requestBody"] = json!({
            // Sending and downloading take an empty one.
            "required": row.method != "POST" || route.success == 202,
            "content": {"application/json": {"schema": body(generator)}},
        });
    }
    operation
}

fn description(row: &Row) -> String {
    let module = row.module.map_or_else(String::new, |module| {
        format!(" The employer or its provider needs module `{module}`.")
    });
    let origin = match row.origin {
        Origin::Loket => "",
        Origin::Koppel => " Loket's API does not have it.",
    };
    format!("Activity `{}`.{module}{origin}", row.id)
}

/// The last word of the path that is no parameter.
fn tag(row: &Row) -> &'static str {
    row.path
        .split('/')
        .rfind(|word| !word.is_empty() && !word.starts_with('{'))
        .unwrap_or("other")
}

fn parameters(route: &Route) -> Vec<Value> {
    let version = route.versions.last().copied().unwrap_or_default();
    let mut parameters = vec![json!({
        "name": "Accept",
        "in": "header",
        "required": true,
        "description": format!(
            "The newest version on or before the date is given. Versions: {}.",
            route.versions.join(", ")
        ),
        "schema": {"type": "string", "pattern": "^application/json; ?version=\\d{4}-\\d{2}-\\d{2}$"},
        "example": format!("application/json;version={version}"),
    })];
    if let Some(name) = route.path_parameter() {
        parameters.push(json!({
            "name": name,
            "in": "path",
            "required": true,
            "schema": match name {
                "chamberOfCommerceNumber" => json!({"type": "string", "pattern": "^[0-9]{8}$"}),
                _ => json!({"type": "string", "format": "uuid"}),
            },
        }));
    }
    if let Some(name) = route.query_id {
        parameters.push(json!({
            "name": name,
            "in": "query",
            "required": true,
            "schema": {"type": "string", "pattern": "^[A-Z0-9]{6}$"},
        }));
    }
    if let Shape::Paged(_) = route.shape {
        for (name, maximum, default) in [
            ("pageNumber", u64::from(u32::MAX), 1),
            ("pageSize", 250, 250),
        ] {
            parameters.push(json!({
                "name": name,
                "in": "query",
                "required": false,
                "schema": {"type": "integer", "minimum": 1, "maximum": maximum, "default": default},
            }));
        }
    }
    if let Some(order) = route.order() {
        parameters.push(json!({
            "name": "orderBy",
            "in": "query",
            "required": false,
            "schema": {"type": "string", "enum": [order]},
        }));
    }
    parameters
}

fn responses(generator: &mut SchemaGenerator, route: &Route) -> Value {
    let content = match route.shape {
        Shape::Single(schema) => {
            let content = schema(generator);
            envelope(generator, &[], "content", json!(content))
        }
        Shape::Paged(schema) => {
            let items = schema(generator);
            let paging = ["currentPage", "pageSize", "totalPages", "totalSize"];
            let items = json!({"type": "array", "items": items});
            envelope(generator, &paging, "_embedded", items)
        }
        Shape::Whole(schema) => {
            let items = schema(generator);
            let items = json!({"type": "array", "items": items});
            envelope(generator, &[], "_embedded", items)
        }
        Shape::Xml => json!({"application/xml": {}}),
        Shape::File => {
            json!({"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}})
        }
    };
    let mut responses = Map::new();
    responses.insert(
        route.success.to_string(),
        json!({"description": "Done.", "content": content}),
    );
    let (refusal, failed) = (schema::<Refusal>(generator), schema::<Failed>(generator));
    for (status, description, refused) in ERRORS {
        let schema = if refused { &refusal } else { &failed };
        responses.insert(
            status.to_string(),
            json!({
                "description": description,
                "content": {"application/json": {"schema": schema}},
            }),
        );
    }
    Value::Object(responses)
}

fn envelope(
    generator: &mut SchemaGenerator,
    numbers: &[&str],
    name: &str,
    content: Value,
) -> Value {
    let mut properties = Map::new();
    for number in numbers {
        properties.insert(
            (*number).to_owned(),
            json!({"type": "integer", "minimum": 0}),
        );
    }
    properties.insert("version".to_owned(), schema::<Version>(generator));
    let message = schema::<Message>(generator);
    properties.insert(
        "messages".to_owned(),
        json!({"type": "array", "items": message}),
    );
    properties.insert(name.to_owned(), content);
    let required: Vec<&String> = properties.keys().collect();
    json!({"application/json": {"schema": {
        "type": "object",
        "required": required,
        "properties": properties,
    }}})
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}
