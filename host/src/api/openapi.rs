//! The OpenAPI 3.1 document, from the table of the routes and the types that
//! are written.

use super::reply::ERRORS;
use super::routes::{Route, Shape};
use crate::catalogue::{Origin, Row};
use crate::config::{Server, Tokens};
use crate::wire::envelope::{Message, Version};
use crate::wire::error::{Failed, Refusal};
use jiff::ToSpan;
use jiff::civil::Date;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Any day of a year but 29 February, which a pattern cannot tell.
const DAYS: &str =
    r"(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8])";

/// What `Accept` must be for a resource of which this is the first version: any
/// day from then on.
fn accept(first: &str) -> String {
    let first: Date = first.parse().unwrap_or_default();
    // The rest of its year, day by day, unless that is all of it.
    let rest = match first.day_of_year() {
        1 => Vec::new(),
        _ => first
            .series(1.day())
            .take_while(|day| day.year() == first.year())
            .map(|day| day.to_string())
            .collect(),
    };
    let year = first.year() + i16::from(!rest.is_empty());
    // The years of that decade, the decades of that century, and so on.
    let years = (year..).take_while(|year| year % 10 != 0);
    let decade = (year + 9) / 10 % 10;
    let years = years.map(|year| format!("{year}|")).collect::<String>();
    let days = rest.iter().map(|day| format!("{day}|")).collect::<String>();
    format!(
        r"^application/json; ?version=({days}({years}20[{decade}-9]\d|2[1-9]\d\d|[3-9]\d{{3}})-({DAYS}))$"
    )
}

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
    let first = route.versions.first().copied().unwrap_or_default();
    let mut parameters = vec![json!({
        "name": "Accept",
        "in": "header",
        "required": true,
        "description": format!(
            "The newest version on or before the date is given. Versions: {}.",
            route.versions.join(", ")
        ),
        "schema": {"type": "string", "pattern": accept(first)},
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
    for filter in route.filters {
        parameters.push(json!({
            "name": filter.name,
            "in": "query",
            "required": false,
            "description": filter.description,
            "schema": (filter.schema)(),
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
    let mut done = json!({"description": "Done.", "content": content});
    if let Shape::File = route.shape {
        let text = json!({"type": "string"});
        done["headers"] = json!({
            "Content-Disposition": {"description": "The name of the file.", "schema": text},
            "Repr-Digest": {"description": "The SHA-256 of the bytes (RFC 9530).", "schema": text},
        });
    }
    responses.insert(route.success.to_string(), done);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::accept::version;
    use crate::api::routes;
    use http::{HeaderMap, HeaderValue, header};

    #[test]
    fn what_the_document_says_of_accept_is_accepted_and_the_rest_is_not() {
        let dates = (1..=12).flat_map(|month| (0..=32).map(move |day| (month, day)));
        for route in routes() {
            let pattern = regex::Regex::new(&accept(route.versions[0])).unwrap();
            for year in [2017, 2018, 2019, 2020, 2026, 2100, 9999] {
                for (month, day) in dates.clone().filter(|date| *date != (2, 29)) {
                    let text = format!("application/json;version={year:04}-{month:02}-{day:02}");
                    let mut headers = HeaderMap::new();
                    headers.insert(header::ACCEPT, HeaderValue::try_from(&text).unwrap());
                    let accepted = version(&headers, route.versions).is_ok();
                    assert_eq!(pattern.is_match(&text), accepted, "{text}");
                }
            }
        }
    }
}
