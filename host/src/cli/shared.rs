//! `koppel revoke`, `koppel restore`, `koppel revocations` and `koppel
//! components`: what hosts on several machines share.

use super::Failure;
use super::output::{GREEN, Output, table};
use crate::authorization::Revoking;
use crate::runs::{Host, SharedError};
use crate::text::one_line;
use clap::{Args, Subcommand};
use serde_json::json;

/// What is taken back or given back.
#[derive(Debug, Args)]
pub(super) struct What {
    /// Everything of this client.
    #[arg(long, required_unless_present = "user")]
    client: Option<String>,
    /// Of the client, only this activity.
    #[arg(long, requires = "client")]
    activity: Option<String>,
    /// Everything of this user.
    #[arg(long, conflicts_with = "client")]
    user: Option<String>,
}

impl What {
    fn revoking(&self) -> Result<Revoking, Failure> {
        match (&self.client, &self.activity, &self.user) {
            (Some(client), None, _) => Ok(Revoking::Client(client.clone())),
            (Some(client), Some(activity), _) => Ok(Revoking::Activity {
                client: client.clone(),
                activity: activity.clone(),
            }),
            (None, _, Some(user)) => Ok(Revoking::User(user.clone())),
            (None, _, None) => Err(Failure::Input("name --client or --user".to_owned())),
        }
    }
}

/// `koppel revoke`.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    what: What,
    /// Who takes it back.
    #[arg(long)]
    by: String,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// `koppel components`.
#[derive(Debug, Subcommand)]
pub(super) enum Components {
    /// Puts the components of these clients where all hosts get them by their
    /// SHA-256.
    Publish {
        /// The clients.
        #[arg(required = true)]
        clients: Vec<String>,
    },
}

impl From<SharedError> for Failure {
    fn from(error: SharedError) -> Self {
        match error {
            SharedError::Load(error) => Self::Load(error),
            SharedError::NotShared | SharedError::Invalid(_) => Self::Input(error.to_string()),
            SharedError::Unavailable(why) => Self::Failed(why),
        }
    }
}

/// `koppel revoke`.
pub(super) async fn revoke(revoke: &Revoke, host: &Host, out: &Output) -> Result<(), Failure> {
    let what = revoke.what.revoking()?;
    host.revoke(what.clone(), &revoke.by, &revoke.reason)
        .await?;
    out.result(&json!({"revoked": what}), || {
        anstream::println!(
            "{GREEN}taken back{GREEN:#} {}, on all hosts",
            one_line(&what.to_string())
        );
    });
    Ok(())
}

/// `koppel restore`.
pub(super) async fn restore(what: &What, host: &Host, out: &Output) -> Result<(), Failure> {
    let what = what.revoking()?;
    host.restore(&what).await?;
    out.result(&json!({"restored": what}), || {
        anstream::println!(
            "{GREEN}given back{GREEN:#} {}, on all hosts",
            one_line(&what.to_string())
        );
    });
    Ok(())
}

/// `koppel revocations`.
pub(super) async fn revocations(host: &Host, out: &Output) -> Result<(), Failure> {
    let all = host.revocations().await?;
    out.result(&json!(all), || {
        let mut table = table(&["time", "by", "what", "why"]);
        for revocation in &all {
            table.add_row([
                revocation.time.clone(),
                one_line(&revocation.by),
                one_line(&revocation.what.to_string()),
                one_line(&revocation.why),
            ]);
        }
        anstream::println!("{table}");
    });
    Ok(())
}

/// `koppel components`.
pub(super) async fn components(
    command: &Components,
    host: &Host,
    out: &Output,
) -> Result<(), Failure> {
    let Components::Publish { clients } = command;
    let mut published = Vec::new();
    for client in clients {
        let sha256 = host.publish_component(client).await?;
        published.push(json!({"client": client, "sha256": sha256}));
    }
    out.result(&json!(published), || {
        for component in &published {
            anstream::println!(
                "{GREEN}published{GREEN:#} [clients.{}] sha256 = {}",
                component["client"].as_str().unwrap_or_default(),
                component["sha256"]
            );
        }
    });
    Ok(())
}
