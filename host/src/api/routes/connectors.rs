//! The connectors, as an operator looks at them: what each asks for, was granted
//! and used. koppel's own operation.

use super::figures::OF_ONE;
use super::messages::CLIENT;
use super::{Handled, Route, Shape, page, schema};
use crate::admission::{Inspection, Refusal};
use crate::api::call::Call;
use crate::api::reply::ApiError;
use crate::catalogue::{Activity, id};
use crate::config::{Client, Config};
use crate::egress::Rule;
use crate::ledger::{Filter, Use};
use crate::registry::LoadError;
use crate::runs::Host;
use crate::wire::shared::Moment;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A connector. It holds no secrets: settings have none, and of a credential it
/// has the name.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Connector {
    name: String,
    /// The file of its component.
    component: String,
    /// Whether it can run now.
    loaded: bool,
    /// Why it cannot, with the lines of the configuration that would allow it.
    refusal: Option<String>,
    /// Those lines alone.
    lines: Vec<String>,
    /// What the component says of itself; none if it was never compiled.
    inspection: Option<Inspected>,
    /// The SHA-256 that the operator pinned.
    pinned_sha256: Option<String>,
    /// Where it may send requests to.
    rules: Vec<HttpRule>,
    /// Where it may write export files.
    exports: Option<ExportFolder>,
    settings: Value,
    limits: Vec<Limit>,
    /// How many of its runs from the queue may be under way, if that is limited.
    concurrency: Option<u32>,
    /// How often its runs are tried.
    attempts: u32,
    /// The activities that it asks for, was granted or used.
    activities: Vec<ActivityOfConnector>,
}

/// What is in the file of a component.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ComponentInspection")]
struct Inspected {
    /// Lower-case hexadecimal.
    sha256: String,
    /// In bytes.
    size: usize,
    /// The kinds of connector that it is.
    kinds: Vec<String>,
    /// The versions of the contract that it was built against.
    versions: Vec<String>,
    /// Whether it asks for outside requests.
    http: bool,
    /// Whether it asks for export files.
    exports: bool,
}

/// Where a connector may send requests to.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct HttpRule {
    allow: String,
    methods: Vec<String>,
    activity: &'static str,
    /// The name of the credential that the host adds.
    credential: Option<String>,
    /// Whether it says field by field what may leave.
    lists_fields: bool,
    allow_private_addresses: bool,
    /// Whether a request whose reply was lost may be made again.
    repeatable: bool,
}

/// Where a connector may write export files.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExportFolder {
    directory: String,
    quota_bytes: u64,
    activity: &'static str,
}

/// A limit of a run, by its name in the configuration.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ConnectorLimit")]
struct Limit {
    name: &'static str,
    value: u64,
}

/// What an activity is to a connector.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ConnectorActivity")]
struct ActivityOfConnector {
    activity: &'static str,
    /// Whether the component asks for it: it imports the function, or the rule
    /// for requests or files that it imports names it.
    requested: bool,
    granted: bool,
    /// Whether it was performed: as the ledger has it, or in this process, which
    /// is all that is known of reading.
    used: bool,
    /// How often the ledger has it.
    recorded: u64,
    /// When it was recorded last.
    last_recorded: Option<Moment>,
}

pub(super) fn of_the_user() -> Route {
    Route {
        filters: &[OF_ONE, CLIENT],
        ..Route::new(
            id::GetConnectorsByUserId,
            Shape::Paged(schema::<Connector>),
            list,
        )
    }
}

fn list(call: Call) -> Handled {
    Box::pin(async move {
        let among = call.among_or_one().await?;
        let wanted = call.wanted()?;
        let host = &call.api.host;
        let config = host.live().now();
        let only = call.query()?.get(CLIENT.name);
        let chosen = config.clients.values();
        let chosen: Vec<&Client> = chosen
            .filter(|client| only.is_none_or(|only| client.name == only))
            .collect();
        let total = chosen.len() as u64;
        let filter = Filter {
            among: Some(among),
            client: only.map(ToOwned::to_owned),
            ..Filter::default()
        };
        let uses = host.ledger().uses(filter).await;
        let uses = uses.map_err(|error| ApiError::Host(error.into()))?;
        let mut items = Vec::new();
        for client in wanted.cut(chosen) {
            items.push(connector(host, &config, client, &uses).await);
        }
        page(&call, items, wanted, total)
    })
}

async fn connector(host: &Host, config: &Config, client: &Client, uses: &[Use]) -> Connector {
    let (inspection, refused) = match host.load(&client.name).await {
        Ok(loaded) => (Some(loaded.inspection.clone()), None),
        Err(error) => (host.inspection(client), Some(error)),
    };
    let lines = match &refused {
        Some(LoadError::Refused {
            refusal: Refusal::NotGranted(missing),
            ..
        }) => missing.lines.clone(),
        _ => Vec::new(),
    };
    Connector {
        name: client.name.clone(),
        component: client.component.display().to_string(),
        loaded: refused.is_none(),
        refusal: refused.map(|error| error.to_string()),
        lines,
        pinned_sha256: client.sha256.clone(),
        rules: client.http.iter().map(HttpRule::of).collect(),
        exports: client.exports.as_ref().map(|exports| ExportFolder {
            directory: exports.directory.display().to_string(),
            quota_bytes: exports.quota_bytes,
            activity: exports.activity.id(),
        }),
        settings: client.settings.clone(),
        limits: limits(client),
        concurrency: client.concurrency,
        attempts: client.retry.attempts,
        activities: activities(host, config, client, inspection.as_ref(), uses),
        inspection: inspection.map(Inspected::from),
    }
}

fn activities(
    host: &Host,
    config: &Config,
    client: &Client,
    inspection: Option<&Inspection>,
    uses: &[Use],
) -> Vec<ActivityOfConnector> {
    let granted = config.grants.clients.get(&client.name);
    let granted = granted
        .map(|granted| granted.activities)
        .unwrap_or_default();
    let performed = host.used(&client.name);
    let requested = |activity: Activity| {
        inspection.is_some_and(|inspection| {
            inspection.activities.contains(&activity)
                || inspection.http && client.http.iter().any(|rule| rule.activity() == activity)
                || inspection.exports
                    && client
                        .exports
                        .as_ref()
                        .is_some_and(|exports| exports.activity == activity)
        })
    };
    let shown = Activity::all().map(|activity| {
        let recorded = uses
            .iter()
            .find(|used| used.client == client.name && used.activity == activity.id());
        ActivityOfConnector {
            activity: activity.id(),
            requested: requested(activity),
            granted: granted.contains(activity),
            used: recorded.is_some() || performed.contains(activity),
            recorded: recorded.map_or(0, |used| used.count),
            last_recorded: recorded.map(|used| Moment(used.last.clone())),
        }
    });
    shown
        .filter(|shown| shown.requested || shown.granted || shown.used)
        .collect()
}

fn limits(client: &Client) -> Vec<Limit> {
    let limits = &client.limits;
    let bytes = |size: usize| size as u64;
    [
        ("memory-bytes", bytes(limits.memory_bytes)),
        ("deadline-ms", limits.deadline_ms),
        ("cpu-ms", limits.cpu_ms),
        ("table-elements", bytes(limits.table_elements)),
        ("handles", bytes(limits.handles)),
        ("hostcall-bytes", bytes(limits.hostcall_bytes)),
        ("log-bytes", bytes(limits.log_bytes)),
        ("requests", bytes(limits.requests)),
        ("request-bytes", bytes(limits.request_bytes)),
        ("response-bytes", bytes(limits.response_bytes)),
        ("runs", bytes(limits.runs)),
        ("export-files", bytes(limits.export_files)),
        ("compile-effort", limits.compile_effort),
        ("compile-ms", limits.compile_ms),
    ]
    .into_iter()
    .map(|(name, value)| Limit { name, value })
    .collect()
}

impl From<Inspection> for Inspected {
    fn from(inspection: Inspection) -> Self {
        Self {
            sha256: inspection.sha256,
            size: inspection.size,
            kinds: inspection.kinds.iter().map(ToString::to_string).collect(),
            versions: inspection.wit_versions.into_iter().collect(),
            http: inspection.http,
            exports: inspection.exports,
        }
    }
}

impl HttpRule {
    fn of(rule: &Rule) -> Self {
        Self {
            allow: rule.address().to_owned(),
            methods: rule.methods().map(ToOwned::to_owned).collect(),
            activity: rule.activity().id(),
            credential: rule.credential().map(ToOwned::to_owned),
            lists_fields: rule.lists_fields(),
            allow_private_addresses: rule.allow_private_addresses(),
            repeatable: rule.is_repeatable(),
        }
    }
}
