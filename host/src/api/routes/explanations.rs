//! What the five checks say, for who has to find out why something is denied:
//! koppel's own operation.

use super::messages::CLIENT;
use super::{Handled, Parameter, Route, Shape, page, schema};
use crate::api::call::{Call, invalid};
use crate::authorization::{CHECKS, Question, Verdict, name};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::{Activity, id, suggestion};
use crate::platform::Entity;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

/// What the five checks say of one activity.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Explanation {
    activity: &'static str,
    /// Whether all five are green.
    allowed: bool,
    /// In the order in which they run.
    checks: Vec<CheckVerdict>,
}

/// What one check says.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct CheckVerdict {
    #[schemars(extend("enum" = CHECKS.map(name)))]
    check: &'static str,
    green: bool,
    reason: String,
    /// The line of the configuration that would turn a red one green.
    line: Option<String>,
}

impl From<Verdict> for CheckVerdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            check: name(verdict.check),
            green: verdict.green,
            reason: verdict.reason,
            line: verdict.line,
        }
    }
}

const USER: Parameter = Parameter {
    name: "user",
    description: "Of this user, rather than of the one who asks.",
    schema: || json!({"type": "string"}),
};

const OF_CLIENT: Parameter = Parameter {
    description: "Of this connector or application, rather than of the one that asks.",
    ..CLIENT
};

const ACTIVITY: Parameter = Parameter {
    name: "activity",
    description: "Only of this activity.",
    schema: || json!({"type": "string"}),
};

pub(super) fn of_an_employer() -> Route {
    Route {
        filters: &[OF_CLIENT, USER, ACTIVITY],
        ..Route::new(
            id::GetExplanationsByEmployerId,
            Shape::Paged(schema::<Explanation>),
            list,
        )
    }
}

fn list(call: Call) -> Handled {
    Box::pin(async move {
        let asked = call.uuid("employerId").and_then(|employer| {
            call.wanted()?;
            Ok((employer, activities(&call)?))
        });
        let entity = asked.as_ref().map_err(Clone::clone);
        let session = call
            .session(entity.map(|(employer, _)| Some(Entity::Employer(*employer))))
            .await?;
        let (_, all) = asked?;
        let (wanted, total) = (call.wanted()?, all.len() as u64);
        let query = call.query()?;
        let client = query.get(CLIENT.name).unwrap_or(&call.principal.client);
        let user = query.get(USER.name).unwrap_or(&call.principal.user);
        let host = &call.api.host;
        let modules = host.platform().modules_on().await?;
        let config = host.live().now();
        let items = wanted.cut(all).into_iter().map(|activity| {
            let explained = config.grants.explain(&Question {
                client,
                user,
                ..session.question(activity, &modules)
            });
            Explanation {
                activity: activity.id(),
                allowed: explained.allowed(),
                checks: explained.verdicts.map(CheckVerdict::from).into(),
            }
        });
        page(&call, items.collect(), wanted, total)
    })
}

/// The activities that are asked about.
fn activities(call: &Call) -> Result<Vec<Activity>, ActivityError> {
    let Some(named) = call.query()?.get(ACTIVITY.name) else {
        return Ok(Activity::all().collect());
    };
    match Activity::find(named) {
        Some(activity) => Ok(vec![activity]),
        None => {
            let hint = suggestion(named).map(|near| format!("; did you mean {near}?"));
            let problem = format!("{named:?} is no activity{}", hint.unwrap_or_default());
            Err(invalid(ACTIVITY.name, &problem))
        }
    }
}
