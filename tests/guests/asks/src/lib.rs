//! A connector that reads a query, performs one activity with a small record
//! so often as it says, and answers.

use koppel_sdk::{Connector, ConnectorError, Context, LookupConnector, activities};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};

pub struct Asks;

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    times: u32,
}

#[derive(Serialize)]
pub struct Answer {
    name: String,
    times: u32,
    /// How often this instance was asked.
    asked: u32,
}

static ASKED: AtomicU32 = AtomicU32::new(0);

impl Connector for Asks {
    const NAME: &'static str = "asks";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "Asks who the employer is";
    type Settings = Settings;

    fn check(_: &Context<Settings>) -> Result<String, ConnectorError> {
        Ok("fine".to_owned())
    }
}

impl LookupConnector for Asks {
    type Query = Query;
    type Answer = Answer;

    fn lookup(context: &Context<Settings>, query: Query) -> Result<Answer, ConnectorError> {
        let mut name = String::new();
        for _ in 0..query.times {
            name = activities::get_employer_by_employer_id(&context.employer_id)?.company_name;
        }
        Ok(Answer {
            name,
            times: query.times,
            asked: ASKED.fetch_add(1, Ordering::Relaxed) + 1,
        })
    }
}

koppel_sdk::export!(Asks as lookup);
