//! `koppel modules`.

use super::Failure;
use super::output::{GREEN, Output, table};
use crate::runs::{Actor, Host, ModuleListing, SwitchError, Switched};
use clap::{Args, Subcommand};
use serde_json::json;
use uuid::Uuid;

/// What is asked of the modules.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists all modules and what turns them on for an employer.
    List {
        /// The employer.
        #[arg(long)]
        employer: Uuid,
    },
    /// Turns a module on, also for runs that are going on.
    On(Switch),
    /// Turns a module off, also for runs that are going on.
    Off(Switch),
}

/// Which module is turned, and by whom.
#[derive(Debug, Args)]
pub(super) struct Switch {
    /// The module.
    module: String,
    /// The employer.
    #[arg(long)]
    employer: Uuid,
    /// The user who turns it: a provider user who has
    /// PatchModulesByEmployerId through a right and a role.
    #[arg(long)]
    user: String,
}

impl From<SwitchError> for Failure {
    fn from(error: SwitchError) -> Self {
        let text = error.to_string();
        match error {
            SwitchError::Denied { .. } => Self::Denied(text),
            SwitchError::NoEmployer(_)
            | SwitchError::NoModule(_)
            | SwitchError::Configured { .. } => Self::Input(text),
            SwitchError::Ledger(_) | SwitchError::Platform(_) => Self::Failed(text),
        }
    }
}

/// `koppel modules`.
pub(super) async fn modules(command: &Command, host: &Host, out: &Output) -> Result<(), Failure> {
    match command {
        Command::List { employer } => {
            let modules = host.modules(*employer).await?;
            out.result(&modules, || print(&modules));
            Ok(())
        }
        Command::On(switch) => turn(switch, true, host, out).await,
        Command::Off(switch) => turn(switch, false, host, out).await,
    }
}

async fn turn(switch: &Switch, on: bool, host: &Host, out: &Output) -> Result<(), Failure> {
    let actor = Actor {
        client: None,
        user: &switch.user,
    };
    let switched = host
        .switch_module(actor, switch.employer, &switch.module, on)
        .await?;
    let module = &switch.module;
    out.result(
        &json!({"module": module, "employer": switch.employer, "on": on, "result": switched}),
        || {
            let word = if on { "on" } else { "off" };
            let already = match switched {
                Switched::Changed => "",
                Switched::Already => " already",
            };
            anstream::println!(
                "{GREEN}{word}{GREEN:#}{already} {module} for employer {}",
                switch.employer
            );
        },
    );
    Ok(())
}

fn print(modules: &[ModuleListing]) {
    let mut table = table(&["Module", "State", "Through"]);
    for listing in modules {
        let through = match (&listing.line, &listing.turned) {
            (Some(line), _) => line.clone(),
            (None, Some(turned)) => format!("user \"{}\", {}", turned.user, turned.time),
            (None, None) => "-".to_owned(),
        };
        let state = if listing.on { "on" } else { "off" };
        table.add_row([listing.module.as_str(), state, &through]);
    }
    anstream::println!("{table}");
}
