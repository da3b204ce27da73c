//! What is available to an application and to a user: answers from the grants
//! in force, made of the checks themselves.

use super::{Handled, Route, Shape, page, schema, version};
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::authorization::Grants;
use crate::catalogue::{Activity, id};
use crate::config::Config;
use crate::platform::{Entity, Owner};
use crate::wire::envelope::{Message, Version};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use uuid::Uuid;

/// What identifiers of activities, roles, rights and modules are made from:
/// names are what koppel knows them by, and a name gives the same identifier
/// everywhere.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b6f_7070_656c_4a7a_9e6b_6f70_7065_6c31);

/// An activity of an application
/// (`GetApplicationAuthorizationsByApplicationId`).
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApplicationAuthorization {
    id: Uuid,
    activity: &'static str,
    display_name: &'static str,
    /// The roles that have it. One of them is needed.
    allowed_roles: Vec<Named>,
    /// The modules that it needs.
    required_employer_modules: Vec<Named>,
    /// The rights that give it. One of them is needed.
    required_user_authorizations: Vec<Right>,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Named {
    id: Uuid,
    description: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Right {
    id: Uuid,
    description: String,
    /// Rights are not tied to a kind of user in koppel.
    available_for_employer_user: bool,
}

/// A list that has no pages.
#[derive(Serialize)]
struct WholeList {
    version: Version,
    messages: Vec<Message>,
    #[serde(rename = "_embedded")]
    embedded: Vec<ApplicationAuthorization>,
}

/// An activity of a user (`GetAuthorizationsByEmployerId`, from 2019-02-11).
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct UserAuthorization {
    id: Uuid,
    /// The activity.
    description: &'static str,
}

/// The same before 2019-02-11.
#[derive(Serialize, JsonSchema)]
struct UserAuthorization2018 {
    /// The activity.
    name: &'static str,
}

/// What the list holds, by the version that was asked for.
fn user_authorization(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [
        generator.subschema_for::<UserAuthorization>(),
        generator.subschema_for::<UserAuthorization2018>(),
    ]})
}

const BEFORE: &str = "2018-01-01";

pub(super) fn of_the_application() -> Route {
    Route::new(
        id::GetApplicationAuthorizationsByApplicationId,
        Shape::Whole(schema::<ApplicationAuthorization>),
        application,
    )
}

pub(super) fn of_the_user() -> Route {
    Route {
        versions: &[BEFORE, "2019-02-11"],
        ..Route::new(
            id::GetAuthorizationsByEmployerId,
            Shape::Paged(user_authorization),
            user,
        )
    }
}

fn application(call: Call) -> Handled {
    Box::pin(async move {
        call.ask().await?;
        let asked = call.uuid("applicationId")?;
        let live = call.api.host.live().now();
        let own = live.applications.get(&call.principal.client);
        if own.is_none_or(|own| own.id != asked) {
            let denial = call.denial("an application may ask for its own authorizations only");
            return Err(call.deny(Owner::default(), &denial).await);
        }
        Reply::json(&WholeList {
            version: version(&call),
            messages: Vec::new(),
            embedded: authorizations(&live, &call.principal.client),
        })
    })
}

fn authorizations(config: &Config, client: &str) -> Vec<ApplicationAuthorization> {
    let grants = &config.grants;
    let activities = grants.clients.get(client).map(|client| client.activities);
    activities
        .unwrap_or_default()
        .iter()
        .map(|activity| authorization(grants, activity))
        .collect()
}

fn authorization(grants: &Grants, activity: Activity) -> ApplicationAuthorization {
    let row = activity.row();
    let mut roles: Vec<_> = grants
        .roles
        .iter()
        .filter(|(_, role)| role.activities.contains(activity))
        .map(|(name, _)| name)
        .collect();
    roles.sort();
    ApplicationAuthorization {
        id: identifier("activity", row.id),
        activity: row.id,
        display_name: row.summary,
        allowed_roles: roles.into_iter().map(|name| named("role", name)).collect(),
        required_employer_modules: row
            .module
            .into_iter()
            .map(|name| named("module", name))
            .collect(),
        required_user_authorizations: grants
            .rights
            .iter()
            .filter(|(_, activities)| activities.contains(activity))
            .map(|(name, _)| Right {
                id: identifier("right", name),
                description: name.clone(),
                available_for_employer_user: true,
            })
            .collect(),
    }
}

fn user(call: Call) -> Handled {
    Box::pin(async move {
        let entity = call.wanted().and_then(|_| {
            let employer = call.uuid("employerId")?;
            Ok(Some(Entity::Employer(employer)))
        });
        let session = call.session(entity).await?;
        let wanted = call.wanted()?;
        let owner = Owner {
            employer: session.employer,
            provider: session.provider,
        };
        let user = &call.principal.user;
        let modules = call.api.host.platform().modules_on().await?;
        let live = call.api.host.live();
        let available = live.with(|config| config.grants.available(user, owner, &modules));
        let all: Vec<Activity> = available.iter().collect();
        let total = all.len() as u64;
        let shown = wanted.cut(all).into_iter();
        if call.version == BEFORE {
            let items = shown.map(|activity| UserAuthorization2018 {
                name: activity.id(),
            });
            return page(&call, items.collect(), wanted, total);
        }
        let items = shown.map(|activity| UserAuthorization {
            id: identifier("activity", activity.id()),
            description: activity.id(),
        });
        page(&call, items.collect(), wanted, total)
    })
}

fn named(kind: &str, name: &str) -> Named {
    Named {
        id: identifier(kind, name),
        description: name.to_owned(),
    }
}

/// What identifies something that koppel knows by a name.
pub(super) fn identifier(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{kind}:{name}").as_bytes())
}
