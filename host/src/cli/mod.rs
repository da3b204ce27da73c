//! The `koppel` command: arguments in, text or JSON out, an exit code.

mod check;
mod declarations;
mod demo;
mod denials;
mod dev;
mod distribution;
mod grants;
mod inspect;
mod journal_runs;
mod keys;
mod ledger;
mod log;
mod messages;
mod modules;
mod new;
mod output;
mod person;
mod retention;
mod run;
mod runs;
mod schema;
mod select;
mod serve;
mod shared;
mod shell;
mod show;

use crate::api::ServeError;
use crate::config::{Config, ConfigError};
use crate::durable::SystemClock;
use crate::egress::SystemResolver;
use crate::ledger::Redactor;
use crate::registry::LoadError;
use crate::runs::{Host, RunError, StartError};
use crate::wit::Besides;
use clap::{Parser, Subcommand};
use output::Output;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use uuid::Uuid;

/// A sandboxed host for payroll connectors.
///
/// Exit codes: 0 done; 1 failed; 2 wrong arguments; 3 the configuration or a
/// file is not right; 4 denied by one of the five checks; 5 a component is not
/// loaded; 6 a connector crashed or reached a limit.
#[derive(Debug, Parser)]
#[command(name = "koppel", version)]
struct Cli {
    /// The configuration.
    #[arg(
        long,
        short,
        global = true,
        env = "KOPPEL_CONFIG",
        default_value = "platform.toml"
    )]
    config: PathBuf,
    /// Writes JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows it all: seeds data, loads the connectors, exports a journal, has
    /// a call denied and lists what was sent.
    Demo(demo::Demo),
    /// Runs a connector once.
    Run(run::Run),
    /// Works on the queue of runs and on schedules, and serves the REST API if
    /// there is a `[server]`, until it is told to stop (SIGTERM).
    Serve,
    /// Runs that are kept: submits them for `koppel serve` to make, lists, shows
    /// and cancels them, and says what became of a write in doubt.
    Runs {
        #[command(subcommand)]
        command: runs::Runs,
    },
    /// Prints the completions of this command for a shell.
    Completions(shell::Completions),
    /// Writes the manual pages of this command into a directory.
    Man(shell::Man),
    /// Makes the hash of a password, for `password-hash` of a user.
    Password,
    /// Payroll tax returns and pension declarations, as people see them: asks
    /// for them, shows, confirms and cancels them.
    Declarations {
        #[command(subcommand)]
        command: declarations::Command,
    },
    /// Shows what a component is, which activities it imports and where it comes
    /// from.
    Inspect {
        /// The file of the component, or a reference to one in a registry.
        component: String,
        #[command(flatten)]
        effort: inspect::CompileEffort,
    },
    /// Pushes a component to an OCI registry.
    Push(distribution::Push),
    /// Pulls a component from an OCI registry, and says the line that pins it.
    Pull(distribution::Pull),
    /// Signs a component.
    Sign(distribution::Sign),
    /// Makes a pair of keys to sign components with.
    Key(distribution::NewKey),
    /// Writes a connector to begin with: it builds, and passes its own tests and
    /// `koppel check`.
    New(new::New),
    /// Builds and runs a connector whenever its sources change, and shows all
    /// that it does.
    Dev(dev::Dev),
    /// Judges a connector: runs a component in temporary platforms, before an
    /// outside party that fails in every way, and says what it does that a
    /// connector may not.
    Check(check::Check),
    /// Lists the clients and whether they load.
    Clients,
    /// Lists the activities of a client, or all that there are.
    Activities {
        /// The client.
        client: Option<String>,
    },
    /// Prints the contract (WIT) with some activities only, for toolchains that
    /// import the whole world that they are given.
    Wit {
        /// The activities, separated by commas; without, all, and export files.
        #[arg(long, value_delimiter = ',')]
        activities: Vec<String>,
        /// With the interface for export files.
        #[arg(long)]
        export_files: bool,
        /// With what of wasi:http outside requests take.
        #[arg(long)]
        requests: bool,
    },
    /// Shows the verdict of each of the five checks.
    Explain(show::Explain),
    /// Lists and shows journal runs with their audit trail, and frees one that a
    /// process that died left behind.
    JournalRuns {
        #[command(subcommand)]
        command: journal_runs::JournalRuns,
    },
    /// Lists what was sent and received, or shows one message, or writes its
    /// exact bytes to a file.
    Messages(messages::Messages),
    /// Lists what was denied, or counts it.
    Denials(denials::Denials),
    /// Lists the alarms: clients that were denied again and again.
    Alarms {
        #[command(flatten)]
        filter: select::LedgerFilter,
    },
    /// The ledger as a whole.
    Ledger {
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// The keys that what is stored is encrypted with.
    Keys {
        #[command(subcommand)]
        command: keys::Keys,
    },
    /// What is stored of one person: gives or erases it.
    Person {
        #[command(subcommand)]
        command: person::Person,
    },
    /// How long what is stored of people is kept.
    Retention {
        #[command(subcommand)]
        command: retention::Retention,
    },
    /// The modules (products) of an employer.
    Modules {
        #[command(subcommand)]
        command: modules::Command,
    },
    /// Takes something back from a client or a user, at once and on all hosts
    /// that share a queue.
    Revoke(shared::Revoke),
    /// Gives back what `koppel revoke` took.
    Restore(shared::What),
    /// Lists what is taken back.
    Revocations,
    /// The grants that are published for all hosts that share a queue.
    Grants {
        #[command(subcommand)]
        command: grants::Grants,
    },
    /// Components that hosts share.
    Components {
        #[command(subcommand)]
        command: shared::Components,
    },
    /// Imports payroll data in the shapes of Loket's REST API v2.
    Import {
        /// The file, JSON.
        file: PathBuf,
        /// The provider of the employers in it.
        #[arg(long)]
        provider: Uuid,
    },
    /// Prints the JSON Schema of the configuration, for editors.
    Schema,
    /// Writes a configuration to begin with, and its JSON Schema beside it.
    NewConfig {
        /// The file; by default that of --config.
        file: Option<PathBuf>,
    },
    /// Checks a configuration and its components.
    Validate {
        /// The configuration; by default that of --config.
        file: Option<PathBuf>,
        /// Grants that are to be published, in the place of those that were.
        #[arg(long)]
        grants: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum LedgerCommand {
    /// Proves that no row was changed or removed.
    Verify,
}

/// Why a command failed. Decides the exit code.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Some components of a configuration.
    #[error("{0}")]
    NotLoaded(String),
    #[error("{0}")]
    Input(String),
    #[error("{0}")]
    Denied(String),
    #[error("{0}")]
    Run(RunError),
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Start(_) | Self::Serve(_) | Self::Failed(_) => 1,
            Self::Config(_) | Self::Input(_) => 3,
            Self::Denied(_) | Self::Run(RunError::Denied { .. }) => 4,
            Self::Load(_)
            | Self::NotLoaded(_)
            | Self::Run(RunError::Load(_) | RunError::WrongKind { .. }) => 5,
            Self::Run(RunError::Crash(_) | RunError::Limit(_) | RunError::BadAnswer(_)) => 6,
            Self::Run(
                RunError::NoEmployer(_)
                | RunError::NoJournalRun(_)
                | RunError::NoDeclaration(_)
                | RunError::NoOrder { .. },
            ) => 3,
            Self::Run(_) => 1,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Config(_) => "config",
            Self::Start(_) | Self::Serve(_) => "start",
            Self::Load(_) | Self::NotLoaded(_) => "not-loaded",
            Self::Input(_) => "input",
            Self::Denied(_) => "denied",
            Self::Run(error) => error.code(),
            Self::Failed(_) => "failed",
        }
    }
}

/// Runs the command of the process.
pub async fn main() -> ExitCode {
    let cli = Cli::parse();
    let redactor = Redactor::default();
    // Only what runs connectors has something to trace. A file that is wrong is
    // told of when the command needs it.
    let read = match &cli.command {
        Command::Serve | Command::Run(_) => Some(Config::load(&cli.config)),
        _ => None,
    };
    let traces = match &read {
        Some(Ok(config)) => config.telemetry.traces.clone(),
        _ => None,
    };
    let started = log::start(&redactor, traces.as_ref());
    let out = Output::new(cli.json, redactor);
    let done = match started {
        Ok(exporting) => {
            let done = dispatch(&cli, read, &out).await;
            if let Some(exporting) = exporting {
                // It waits for a thread of its own, which needs the runtime.
                let stopped = tokio::task::spawn_blocking(|| exporting.stop());
                let _ = stopped.await;
            }
            done
        }
        Err(why) => Err(Failure::Input(why)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.failure(failure.name(), &failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}

/// `read` is the configuration, if it was read already.
async fn dispatch(
    cli: &Cli,
    read: Option<Result<Config, ConfigError>>,
    out: &Output,
) -> Result<(), Failure> {
    let host = || {
        let config = read.unwrap_or_else(|| Config::load(&cli.config));
        start(config?, out)
    };
    match &cli.command {
        Command::Demo(demo) => demo::demo(demo, out).await,
        Command::Run(run) => run::run(run, &host()?, out).await,
        Command::Serve => serve::serve(host()?, out).await,
        Command::Runs { command } => runs::runs(command, &host()?, out).await,
        Command::Completions(asked) => shell::completions(asked),
        Command::Man(asked) => shell::man(asked),
        Command::Password => serve::password(out),
        Command::Declarations { command } => declarations::run(command, &host()?, out).await,
        Command::Inspect { component, effort } => {
            inspect::inspect(component, effort, &cli.config, out).await
        }
        Command::Push(asked) => distribution::push(asked, &cli.config, out).await,
        Command::Pull(asked) => distribution::pull(asked, &cli.config, out).await,
        Command::Sign(asked) => distribution::sign(asked, out),
        Command::Key(wanted) => distribution::key(wanted, out),
        Command::New(asked) => new::new(asked, out),
        Command::Dev(asked) => dev::dev(asked, out).await,
        Command::Check(asked) => check::check(asked, out).await,
        Command::Clients => show::clients(&host()?, out).await,
        Command::Activities { client } => match client {
            Some(client) => {
                show::activities_of(&grants::configuration(&cli.config, out).await?, client, out)
            }
            None => show::all_activities(out),
        },
        Command::Wit {
            activities,
            export_files,
            requests,
        } => {
            let besides = Besides {
                export_files: *export_files,
                requests: *requests,
            };
            show::wit(activities, besides, out)
        }
        Command::Explain(explain) => show::explain(explain, &host()?, out).await,
        Command::JournalRuns { command } => {
            journal_runs::journal_runs(command, &host()?, out).await
        }
        Command::Messages(args) => messages::messages(args, &host()?, out).await,
        Command::Denials(args) => denials::denials(args, &host()?, out).await,
        Command::Alarms { filter } => denials::alarms(&host()?, filter, out).await,
        Command::Ledger {
            command: LedgerCommand::Verify,
        } => ledger::verify(&host()?, out).await,
        Command::Keys {
            command: keys::Keys::New,
        } => keys::new(out),
        Command::Keys {
            command: keys::Keys::Rotate { by },
        } => keys::rotate(by, &host()?, out).await,
        Command::Person { command } => person::person(command, &host()?, out).await,
        Command::Retention { command } => retention::retention(command, &host()?, out).await,
        Command::Modules { command } => modules::modules(command, &host()?, out).await,
        Command::Revoke(args) => shared::revoke(args, &host()?, out).await,
        Command::Restore(what) => shared::restore(what, &host()?, out).await,
        Command::Revocations => shared::revocations(&host()?, out).await,
        Command::Grants { command } => grants::grants(command, &cli.config, out).await,
        Command::Components { command } => shared::components(command, &host()?, out).await,
        Command::Import { file, provider } => run::import(&host()?, file, *provider, out).await,
        Command::Schema => schema::print(),
        Command::NewConfig { file } => schema::begin(file.as_ref().unwrap_or(&cli.config), out),
        Command::Validate { file, grants } => {
            let file = file.as_ref().unwrap_or(&cli.config);
            show::validate(file, grants.as_deref(), out).await
        }
    }
}

fn start(config: Config, out: &Output) -> Result<Host, Failure> {
    let resolver = Arc::new(SystemResolver);
    Ok(Host::start_with(
        config,
        resolver,
        out.redactor().clone(),
        Arc::new(SystemClock),
    )?)
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_of_every_command_fit_together() {
        Cli::command().debug_assert();
    }
}
