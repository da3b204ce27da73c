//! What `asks` does, as a plug-in of Extism: the same records, as JSON.

use extism_pdk::{FnResult, Json, host_fn, plugin_fn};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

#[derive(Deserialize)]
pub struct Context {
    employer_id: String,
    settings: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    times: u32,
}

#[derive(Deserialize)]
pub struct Input {
    context: Context,
    query: String,
}

#[derive(Serialize)]
pub struct Answer {
    name: String,
    times: u32,
    asked: u32,
}

static ASKED: AtomicU32 = AtomicU32::new(0);

#[derive(Serialize)]
pub struct Description {
    name: String,
    version: String,
    summary: String,
    settings_schema: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is read, as the component reads it")]
pub struct Employer {
    id: String,
    employer_number: u32,
    company_name: String,
    chamber_of_commerce_number: Option<String>,
    street: Option<String>,
    house_number: Option<u32>,
    postal_code: Option<String>,
    city: Option<String>,
    country: Option<String>,
}

#[host_fn]
extern "ExtismHost" {
    fn get_employer(id: String) -> Json<Employer>;
}

#[plugin_fn]
pub fn describe() -> FnResult<Json<Description>> {
    let schema = schemars::schema_for!(Settings);
    Ok(Json(Description {
        name: "asks".to_owned(),
        version: "0.1.0".to_owned(),
        summary: "Asks who the employer is".to_owned(),
        settings_schema: schema.as_value().to_string(),
    }))
}

#[plugin_fn]
pub fn lookup(Json(input): Json<Input>) -> FnResult<Json<Answer>> {
    let _: Settings = serde_json::from_str(&input.context.settings)?;
    let query: Query = serde_json::from_str(&input.query)?;
    let mut name = String::new();
    for _ in 0..query.times {
        // SAFETY: it is a function of the host, which has this signature.
        let Json(employer) = unsafe { get_employer(input.context.employer_id.clone())? };
        name = employer.company_name;
    }
    Ok(Json(Answer {
        name,
        times: query.times,
        asked: ASKED.fetch_add(1, Ordering::Relaxed) + 1,
    }))
}
