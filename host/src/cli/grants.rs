//! `koppel grants`: the grants that are published for all hosts.

use super::Failure;
use super::ledger::moment;
use super::output::{DIM, GREEN, Output, RED, table};
use super::show::not_loaded;
use crate::config::{Config, Granting, extract};
use crate::publishing::{Office, PublishError, overtaken, with_file};
use crate::runs::words;
use crate::shared::Follower;
use crate::text::one_line;
use clap::{Args, Subcommand};
use serde_json::json;
use similar::{ChangeTag, TextDiff};
use std::path::{Path, PathBuf};

/// `koppel grants`.
#[derive(Debug, Subcommand)]
pub(super) enum Grants {
    /// Puts grants in force on all hosts, if this host finds nothing wrong with
    /// them.
    Publish(Publish),
    /// Prints the grants that were published.
    Show {
        /// The version; by default the newest.
        version: Option<u64>,
    },
    /// Lists who published what, when and why.
    History,
    /// Shows what differs between two versions, or a version and a file.
    Diff {
        /// The old one: a version or a file; by default the one before the
        /// newest.
        old: Option<String>,
        /// The new one: a version or a file; by default the newest.
        new: Option<String>,
    },
    /// Lists the hosts that work, with the version that is in force there, and
    /// why it is not the newest.
    Hosts,
    /// Prints the part of a configuration that is to be published.
    Extract {
        /// The configuration; by default that of --config.
        file: Option<PathBuf>,
    },
}

/// `koppel grants publish`.
#[derive(Debug, Args)]
pub(super) struct Publish {
    /// The grants: TOML, spelt as in platform.toml.
    file: PathBuf,
    /// The version that they are to replace; 0 for the first. When another is
    /// the newest meanwhile, nothing is published.
    #[arg(long, value_name = "VERSION")]
    on: Option<u64>,
    /// Who publishes them.
    #[arg(long)]
    by: String,
    /// Why.
    #[arg(long, visible_alias = "why")]
    reason: String,
    /// Publishes them although this host lacks something for them, or could not
    /// load a component any more.
    #[arg(long)]
    anyway: bool,
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Config(error) => Self::Config(error),
            PublishError::Shared(error) => error.into(),
        }
    }
}

/// The configuration of a host, with the published grants where they are
/// published.
pub(super) async fn configuration(path: &Path, out: &Output) -> Result<Config, Failure> {
    let config = Config::load(path)?;
    match config.granting() {
        Granting::File => Ok(config),
        Granting::Published => {
            let office = Office::connect(config, out.redactor(), false).await?;
            Ok(office.configuration().await?)
        }
    }
}

/// The configuration of a host with grants that lie in a file.
pub(super) fn configuration_with(path: &Path, grants: &Path) -> Result<Config, Failure> {
    Ok(with_file(&Config::load(path)?, grants, &read(grants)?)?)
}

/// `koppel grants`.
pub(super) async fn grants(command: &Grants, config: &Path, out: &Output) -> Result<(), Failure> {
    let office = async |first| {
        let config = Config::load(config)?;
        Ok::<_, Failure>(Office::connect(config, out.redactor(), first).await?)
    };
    match command {
        Grants::Publish(publish) => publish.run(&office(true).await?, out).await,
        Grants::Show { version } => show(&office(false).await?, *version, out).await,
        Grants::History => history(&office(false).await?, out).await,
        Grants::Diff { old, new } => {
            let (old, new) = (old.as_deref(), new.as_deref());
            diff(&office(false).await?, old, new, out).await
        }
        Grants::Hosts => hosts(&office(false).await?, out).await,
        Grants::Extract { file } => {
            let file = file.as_deref().unwrap_or(config);
            let part = extract(&read(file)?);
            let part = part.map_err(|why| Failure::Input(format!("{}: {why}", file.display())))?;
            out.result(&json!({"grants": part}), || anstream::print!("{part}"));
            Ok(())
        }
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let read = std::fs::read_to_string(file);
    read.map_err(|error| Failure::Input(format!("{}: {error}", file.display())))
}

impl Publish {
    async fn run(&self, office: &Office, out: &Output) -> Result<(), Failure> {
        words(&[&self.by, &self.reason])?;
        let candidate = office.candidate(&self.file, read(&self.file)?)?;
        let config = &candidate.config;
        let mut warnings: Vec<_> = config.lacking().collect();
        let missing = not_loaded(config, out).await?;
        warnings.extend(missing.iter().map(ToString::to_string));
        if !warnings.is_empty() {
            let warnings = warnings.join("\n");
            if !self.anyway {
                return Err(Failure::Input(format!(
                    "{warnings}\nnothing was published; --anyway publishes it all the same, and it is not in force where something is lacking"
                )));
            }
            out.line(&format!("{DIM}{warnings}{DIM:#}"));
        }
        let on = match self.on {
            Some(on) => on,
            None => match office.history().await?.last() {
                Some(newest) => return Err(overtaken(Some(newest), 0).into()),
                None => 0,
            },
        };
        let version = office
            .publish(&candidate, on, &self.by, &self.reason)
            .await?;
        let grants = &config.grants;
        out.result(&json!({"version": version, "warnings": warnings}), || {
            anstream::println!(
                "{GREEN}published{GREEN:#} version {version}: {} clients, {} users, {} rights; `koppel grants hosts` shows who follows",
                grants.clients.len(),
                grants.users.len(),
                grants.rights.len()
            );
        });
        Ok(())
    }
}

async fn show(office: &Office, version: Option<u64>, out: &Output) -> Result<(), Failure> {
    let found = office.version(version).await?;
    let published = found.ok_or_else(|| missing(version))?;
    let shown = json!({
        "version": published.version,
        "time": published.time,
        "by": published.by,
        "why": published.why,
        "grants": &*published.text,
    });
    out.result(&shown, || {
        anstream::print!("{}", published.text);
        // Not in the text, which may be edited and published again.
        anstream::eprintln!(
            "{DIM}version {}, published by {} at {}: {}{DIM:#}",
            published.version,
            one_line(&published.by),
            published.time,
            one_line(&published.why)
        );
    });
    Ok(())
}

fn missing(version: Option<u64>) -> Failure {
    Failure::Input(match version {
        Some(version) => {
            format!("there is no version {version}; `koppel grants history` lists them")
        }
        None => "nothing was published yet".to_owned(),
    })
}

async fn history(office: &Office, out: &Output) -> Result<(), Failure> {
    let versions = office.history().await?;
    out.result(&versions, || {
        let mut table = table(&["Version", "Time", "By", "Why", "SHA-256"]);
        for version in &versions {
            table.add_row([
                version.version.to_string(),
                moment(&version.time),
                one_line(&version.by),
                one_line(&version.why),
                version.sha256.get(..8).unwrap_or_default().to_owned(),
            ]);
        }
        anstream::println!("{table}");
    });
    Ok(())
}

/// A text to compare: that of a version, or of a file.
async fn text(office: &Office, named: &str) -> Result<String, Failure> {
    match named.parse() {
        Ok(version) => {
            let found = office.version(Some(version)).await?;
            let published = found.ok_or_else(|| missing(Some(version)))?;
            Ok(published.text.to_string())
        }
        Err(_) => read(Path::new(named)),
    }
}

async fn diff(
    office: &Office,
    old: Option<&str>,
    new: Option<&str>,
    out: &Output,
) -> Result<(), Failure> {
    let versions = office.history().await?;
    let back = |by: usize| {
        let found = versions.iter().rev().nth(by);
        found.map(|version| version.version.to_string())
    };
    let newest = || back(0).ok_or_else(|| missing(None));
    let new = match new {
        Some(new) => new.to_owned(),
        None => newest()?,
    };
    let old = match old {
        Some(old) => Some(old.to_owned()),
        None => back(1),
    };
    let before = match &old {
        Some(old) => text(office, old).await?,
        None => String::new(),
    };
    let after = text(office, &new).await?;
    let differs = TextDiff::from_lines(before.as_str(), after.as_str());
    let unified = differs.unified_diff().context_radius(2).to_string();
    out.result(&json!({"old": old, "new": new, "diff": unified}), || {
        for line in differs.unified_diff().context_radius(2).iter_hunks() {
            anstream::println!("{DIM}{}{DIM:#}", line.header());
            for change in line.iter_changes() {
                let (style, sign) = match change.tag() {
                    ChangeTag::Delete => (RED, '-'),
                    ChangeTag::Insert => (GREEN, '+'),
                    ChangeTag::Equal => (DIM, ' '),
                };
                let text = change.value().trim_end_matches(['\r', '\n']);
                anstream::println!("{style}{sign}{text}{style:#}");
            }
        }
    });
    Ok(())
}

async fn hosts(office: &Office, out: &Output) -> Result<(), Failure> {
    let newest = office.history().await?.last().map(|newest| newest.version);
    let hosts = office.hosts().await?;
    out.result(&json!({"newest": newest, "hosts": hosts}), || {
        let mut table = table(&[
            "Host",
            "Process",
            "Version",
            "Newest",
            "Why not, and what is lacking",
        ]);
        for host in &hosts {
            table.add_row([
                one_line(&host.host),
                host.process.to_string(),
                host.version.to_string(),
                newest.map(|newest| newest.to_string()).unwrap_or_default(),
                remarks(host),
            ]);
        }
        anstream::println!("{table}");
    });
    Ok(())
}

fn remarks(host: &Follower) -> String {
    let remarks = host.why.iter().chain(&host.lacking);
    remarks
        .map(|remark| crate::text::printable(remark))
        .collect::<Vec<_>>()
        .join("\n")
}
