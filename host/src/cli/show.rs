//! The commands that show what is granted and why.

use super::Failure;
use super::grants::{configuration, configuration_with};
use super::output::{BOLD, GREEN, Output, RED, YELLOW, table};
use crate::admission::Inspection;
use crate::authorization::{ActivitySet, Explanation, Question};
use crate::catalogue::{Access, Activity, ROWS, suggestion};
use crate::config::Config;
use crate::platform::{Entity, in_words};
use crate::registry::{Compiled, LoadError, Registry};
use crate::runs::Host;
use crate::sandbox::Sandbox;
use crate::text::one_line;
use crate::wit::Besides;
use clap::Args;
use serde_json::json;
use std::path::Path;
use uuid::Uuid;

/// The question to explain.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The client.
    #[arg(long)]
    client: String,
    /// The user.
    #[arg(long)]
    user: String,
    /// The activity: an `operationId`.
    #[arg(long)]
    activity: String,
    /// The employer.
    #[arg(long)]
    employer: Uuid,
}

/// The activity of this `operationId`.
fn known(id: &str) -> Result<Activity, Failure> {
    Activity::find(id).ok_or_else(|| {
        let hint = suggestion(id).map_or_else(
            || "`koppel activities` lists them".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        Failure::Input(format!("there is no activity {id}; {hint}"))
    })
}

/// `koppel explain`: exit code 0 when all five are green, 4 when one is red.
pub(super) async fn explain(args: &Explain, host: &Host, out: &Output) -> Result<(), Failure> {
    let activity = known(&args.activity)?;
    let owner = host
        .platform()
        .owner(Entity::Employer(args.employer))
        .await
        .map_err(|error| Failure::Failed(in_words(&error)))?
        .ok_or_else(|| Failure::Input(format!("there is no employer {}", args.employer)))?;
    let modules = host.platform().modules_on().await;
    let modules = modules.map_err(|error| Failure::Failed(format!("{error:?}")))?;
    let question = Question {
        client: &args.client,
        user: &args.user,
        activity,
        scope: owner.employer,
        employer: owner.employer,
        provider: owner.provider,
        modules: &modules,
    };
    let explanation = host.live().with(|config| config.grants.explain(&question));
    out.result(
        &json!({
            "client": args.client,
            "user": args.user,
            "employer": args.employer,
            "allowed": explanation.allowed(),
            "activity": explanation.activity,
            "verdicts": explanation.verdicts,
        }),
        || print(&explanation),
    );
    if explanation.allowed() {
        Ok(())
    } else {
        Err(Failure::Denied(format!("{activity} is denied")))
    }
}

/// Prints the five verdicts.
pub(super) fn print(explanation: &Explanation) {
    anstream::println!("{BOLD}{}{BOLD:#}", explanation.activity);
    for (number, verdict) in (1..).zip(&explanation.verdicts) {
        let (style, word) = if verdict.green {
            (GREEN, "green")
        } else {
            (RED, "red  ")
        };
        let name = crate::authorization::name(verdict.check);
        anstream::println!(
            "  {number}. {name:<7} {style}{word}{style:#}  {}",
            verdict.reason
        );
        if let Some(line) = &verdict.line {
            anstream::println!("              would be green with: {line}");
        }
    }
}

/// `koppel activities`.
pub(super) fn all_activities(out: &Output) -> Result<(), Failure> {
    out.result(&ROWS, || {
        let mut table = table(&["Activity", "Does", "Module", "REST"]);
        for row in ROWS {
            let access = match row.access {
                Access::Read => "reads",
                Access::Write => "writes",
            };
            let module = row.module.unwrap_or("-");
            table.add_row([
                row.id,
                access,
                module,
                &format!("{} {}", row.method, row.path),
            ]);
        }
        anstream::println!("{table}");
    });
    Ok(())
}

/// `koppel activities CLIENT`.
pub(super) fn activities_of(config: &Config, client: &str, out: &Output) -> Result<(), Failure> {
    let grants = config.grants.clients.get(client).ok_or_else(|| {
        let mut names: Vec<_> = config.grants.clients.keys().map(String::as_str).collect();
        names.sort_unstable();
        Failure::Input(format!(
            "there is no client \"{client}\"; the clients are: {}",
            names.join(", ")
        ))
    })?;
    let activities: Vec<Activity> = grants.activities.iter().collect();
    out.result(&activities, || {
        for activity in &activities {
            anstream::println!("{activity}");
        }
    });
    Ok(())
}

/// `koppel clients`.
pub(super) async fn clients(host: &Host, out: &Output) -> Result<(), Failure> {
    let config = host.live().now();
    let mut rows = Vec::new();
    for name in config.clients.keys() {
        let busy = out.busy(format!("loading {name}"));
        let loaded = host.load(name).await;
        let described = host.describe(name).await.ok();
        busy.finish_and_clear();
        rows.push((name, loaded, described));
    }
    let applications = config.applications.values();
    let all: Vec<_> = rows
        .iter()
        .map(|(name, loaded, described)| match loaded {
            Ok(loaded) => json!({"client": name, "loaded": true, "component": loaded.inspection, "description": described}),
            Err(error) => json!({"client": name, "loaded": false, "error": error.to_string()}),
        })
        .chain(applications.clone().map(|application| {
            json!({"client": application.name, "application": application.id})
        }))
        .collect();
    let granted = |name: &str| {
        let grants = config.grants.clients.get(name);
        grants
            .map_or(0, |grants| grants.activities.iter().count())
            .to_string()
    };
    out.result(&all, || {
        let mut table = table(&[
            "Client",
            "Kind",
            "Imports",
            "Granted",
            "State",
            "Says it is",
        ]);
        let mut problems = Vec::new();
        for (name, loaded, described) in &rows {
            let (kind, imports, state) = match loaded {
                Ok(loaded) => (
                    kinds(&loaded.inspection),
                    loaded.inspection.activities.len().to_string(),
                    "ready",
                ),
                Err(error) => {
                    problems.push(error.to_string());
                    ("-".to_owned(), "-".to_owned(), "not loaded")
                }
            };
            let says = described.as_ref().map_or_else(String::new, |description| {
                one_line(&format!(
                    "{} {}: {}",
                    description.name, description.version, description.summary
                ))
            });
            table.add_row([*name, &kind, &imports, &granted(name), state, &says]);
        }
        for application in applications {
            let (name, id) = (&application.name, application.id.to_string());
            table.add_row([name, "application", "-", &granted(name), "-", &id]);
        }
        anstream::println!("{table}");
        for problem in problems {
            anstream::println!("{problem}");
        }
    });
    Ok(())
}

pub(super) fn kinds(inspection: &Inspection) -> String {
    let kinds: Vec<_> = inspection.kinds.iter().map(ToString::to_string).collect();
    kinds.join(", ")
}

/// `koppel wit`.
pub(super) fn wit(ids: &[String], besides: Besides, out: &Output) -> Result<(), Failure> {
    let all = ids.is_empty();
    let besides = Besides {
        export_files: all || besides.export_files,
        ..besides
    };
    let activities = if all {
        Activity::all().collect()
    } else {
        let found: Result<ActivitySet, Failure> = ids.iter().map(|id| known(id)).collect();
        found?
    };
    let text = crate::wit::trimmed(&activities, besides)
        .map_err(|error| Failure::Failed(format!("{error:#}")))?;
    out.result(&json!({"wit": text}), || anstream::println!("{text}"));
    Ok(())
}

/// Why components of a configuration cannot be loaded, each as far as it cannot.
pub(super) async fn not_loaded(config: &Config, out: &Output) -> Result<Vec<LoadError>, Failure> {
    let sandbox = Sandbox::new().map_err(|error| Failure::Failed(format!("{error:#}")))?;
    // What was compiled before is not compiled again.
    let registry = Compiled::existing(&config.compiled, sandbox.engine())
        .map_or_else(Registry::default, Registry::on_disk);
    let mut refused = Vec::new();
    for (name, client) in &config.clients {
        let busy = out.busy(format!("loading {name}"));
        let loaded = match crate::runs::pull(config, client, out.redactor()).await {
            Ok(()) => registry.load(&sandbox, config, name).await.err(),
            Err(error) => Some(error),
        };
        refused.extend(loaded);
        busy.finish_and_clear();
    }
    Ok(refused)
}

/// `koppel validate`: the configuration, and every component under it. Where the
/// grants are published, with those, or with `grants`.
pub(super) async fn validate(
    file: &Path,
    grants: Option<&Path>,
    out: &Output,
) -> Result<(), Failure> {
    let config = match grants {
        Some(grants) => configuration_with(file, grants),
        None => configuration(file, out).await,
    };
    let config = match config {
        Ok(config) => config,
        Err(Failure::Config(error)) => {
            out.result(&json!({"valid": false, "faults": error.faults}), || ());
            return Err(error.into());
        }
        Err(error) => return Err(error),
    };
    let refused = not_loaded(&config, out).await?;
    let errors: Vec<_> = refused.iter().map(ToString::to_string).collect();
    let lacking: Vec<_> = config.lacking().collect();
    let warnings: Vec<_> = config.warnings().collect();
    out.result(
        &json!({"valid": refused.is_empty(), "clients": config.grants.clients.len(), "refused": errors, "lacking": lacking, "warnings": warnings}),
        || {
            for warning in &warnings {
                anstream::println!("{YELLOW}warning{YELLOW:#} {warning}");
            }
            for what in &lacking {
                anstream::println!("not in force on this host: {what}");
            }
            if refused.is_empty() {
                anstream::println!(
                    "{GREEN}valid{GREEN:#} {}: {} clients, {} users, {} rights",
                    file.display(),
                    config.grants.clients.len(),
                    config.grants.users.len(),
                    config.grants.rights.len()
                );
            }
        },
    );
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Failure::NotLoaded(errors.join("\n")))
    }
}
