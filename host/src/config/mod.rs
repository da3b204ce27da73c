//! The operator's configuration, `platform.toml`: read, checked and resolved.
//!
//! Everything that is not granted here is denied. Relative paths are relative
//! to the directory of the file. It contains no secrets, only references to them
//! ([`SecretReference`]); an address and the like may be a reference too
//! (`reference.rs`).

mod alarms;
mod cache;
mod distribution;
mod encryption;
mod published;
mod queue;
mod raw;
mod read;
mod reference;
mod resolve;
mod retention;
mod schema;
mod secret;
mod server;
mod settings;
mod shared;
mod telemetry;
#[cfg(test)]
mod tests;
mod upstream;
mod watch;

pub use alarms::Alarms;
pub use cache::Cache;
pub use distribution::{Distribution, Registry};
pub use encryption::{Encryption, EncryptionKey};
pub use published::{Published, extract};
pub use queue::{Queue, Retry, Schedule, Task};
pub use retention::{Period, Retention, Subject};
pub use schema::schema;
pub use secret::SecretReference;
pub use server::{
    Application, Connectors, Console, Issuer, Oidc, PasswordHash, Registration, Server, Tls, Tokens,
};
pub use shared::{Granting, Nats, Shared, Store};
pub use telemetry::{MetricsListener, Telemetry, Traces};
pub use upstream::Upstream;
pub use watch::{Live, Refused, Reload, Standing, Watching};

pub(crate) use settings::json as settings_json;

use crate::authorization::Grants;
use crate::catalogue::Activity;
use crate::egress::{Party, Rule};
use crate::sandbox::Limits;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A configuration without faults.
#[derive(Debug)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// The SQLite database of the embedded platform data.
    pub data: PathBuf,
    /// The platform that payroll data comes from instead of `data`, if it does.
    pub upstream: Option<Upstream>,
    /// The SQLite database of the ledger.
    pub ledger: PathBuf,
    /// The folder of compiled components.
    pub compiled: PathBuf,
    /// Where components come from besides files, and whose signatures are
    /// trusted.
    pub distribution: Distribution,
    /// The SQLite database of the runs.
    pub runs: PathBuf,
    /// With which keys what is stored is encrypted.
    pub encryption: Arc<Encryption>,
    /// How long what is stored of people is kept.
    pub retention: Retention,
    /// How a process works on the queue.
    pub queue: Queue,
    /// What hosts on several machines share instead of the ledger and the runs
    /// of this one.
    pub shared: Option<Shared>,
    /// Outside parties with limits.
    pub parties: Vec<Party>,
    /// When runs are submitted.
    pub schedules: Vec<Schedule>,
    /// The clients that are connectors, by name.
    pub clients: BTreeMap<String, Client>,
    /// The clients that are external applications, by name.
    pub applications: BTreeMap<String, Application>,
    /// Which connectors perform activities for external applications.
    pub connectors: Connectors,
    /// The credentials that the host adds to outside requests, by name.
    pub credentials: BTreeMap<String, Credential>,
    /// What the five checks look at.
    pub grants: Grants,
    /// The names of the users, by id.
    pub user_names: BTreeMap<String, String>,
    /// The hashes of the passwords of users that have one, by id.
    pub passwords: BTreeMap<String, PasswordHash>,
    /// The REST API, if there is one.
    pub server: Option<Server>,
    /// What raises an alarm.
    pub alarms: Alarms,
    /// What the host tells of itself, and to whom.
    pub telemetry: Telemetry,
    /// The published grants in it, where the grants are published. Without any,
    /// nothing is granted.
    pub published: Option<Arc<Published>>,
    /// The clients that were published, and that this host has no more of.
    pub elsewhere: BTreeSet<String>,
    /// What was published and is not in force here, because this host lacks
    /// what it takes.
    pub lacking: Vec<Fault>,
    /// What can be as it is, but may not be meant.
    pub doubtful: Vec<Fault>,
    source: Source,
}

/// The text of the file. Not shown: it is long.
#[derive(Clone)]
struct Source(Arc<str>);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

/// One client that is a connector, and what it may use.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its name: the key in `[clients]`.
    pub name: String,
    /// The file of its component.
    pub component: PathBuf,
    /// The artifact in a registry that it is, if it is one; then the file is in
    /// the cache.
    pub oci: Option<crate::distribution::Pinned>,
    /// The SHA-256 that the file must have, lower-case hexadecimal.
    pub sha256: Option<String>,
    /// Where it may send outside requests to.
    pub http: Vec<Rule>,
    /// Where it may write export files.
    pub exports: Option<Exports>,
    /// Its settings: a JSON object that only the connector understands.
    pub settings: serde_json::Value,
    /// The limits of its runs.
    pub limits: Limits,
    /// How long the answers of its look-ups are kept, if they are.
    pub cache: Option<Cache>,
    /// How often its runs are tried.
    pub retry: Retry,
    /// How many of its runs may be under way, if that is limited.
    pub concurrency: Option<u32>,
    /// How many instances wait for its next calls.
    pub ready: u32,
}

/// Where a client may write export files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exports {
    /// The directory.
    pub directory: PathBuf,
    /// How many bytes its files may take in all.
    pub quota_bytes: u64,
    /// The activity that writing a file is.
    pub activity: Activity,
}

/// A secret that the host adds to outside requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Where in a request it goes.
    pub place: CredentialPlace,
    /// Where the secret is.
    pub value: SecretReference,
}

/// Where in a request a credential goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialPlace {
    /// In a header.
    Header {
        /// The name of the header, such as `authorization`, in small letters.
        name: String,
        /// What precedes the secret, such as `Bearer`.
        scheme: Option<String>,
    },
    /// In a parameter of the query.
    Query {
        /// The name of the parameter, such as `key`.
        name: String,
    },
    /// In the handshake of TLS: a client certificate, whose private key is the
    /// secret.
    Handshake {
        /// Where the certificate chain is, PEM.
        certificate: SecretReference,
    },
}

impl Config {
    /// Reads and checks a configuration file. Where the grants are published,
    /// the result grants nothing: see [`Config::with_grants`].
    ///
    /// # Errors
    ///
    /// All faults that were found, each with its line and what to do.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_with(path, None)
    }

    fn load_with(path: &Path, published: Option<&Arc<Published>>) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::whole(path, format!("cannot be read: {error}")))?;
        Self::parse_with(path, &text, published)
    }

    /// Checks the text of a configuration file that lies at `path`.
    ///
    /// # Errors
    ///
    /// As for [`Config::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        Self::parse_with(path, text, None)
    }

    fn parse_with(
        path: &Path,
        text: &str,
        published: Option<&Arc<Published>>,
    ) -> Result<Self, ConfigError> {
        resolve::resolve(path, text, published).map_err(|faults| ConfigError {
            path: path.to_owned(),
            published: published.map(|published| published.name.clone()),
            faults,
        })
    }

    /// The same configuration with these grants in the place of those that were
    /// published before.
    ///
    /// # Errors
    ///
    /// All faults that were found, in the grants or of both together.
    pub fn with_grants(&self, published: &Arc<Published>) -> Result<Self, ConfigError> {
        Self::parse_with(&self.path, &self.source.0, Some(published))
    }

    /// Where the grants come from.
    pub fn granting(&self) -> Granting {
        let shared = self.shared.as_ref();
        shared.map_or_else(Granting::default, |shared| shared.nats.grants)
    }

    /// What was published and is not in force here, each with its place and what
    /// to do.
    pub fn lacking(&self) -> impl Iterator<Item = String> {
        let published = self.published.as_ref();
        let name = published.map(|published| published.name.as_str());
        self.lacking
            .iter()
            .map(move |fault| fault.told(&self.path, name))
    }

    /// What may not be meant, each with its place and what to do.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let doubtful = self.doubtful.iter();
        doubtful.map(|fault| fault.told(&self.path, None))
    }

    /// A connector by its name.
    pub fn client(&self, name: &str) -> Option<&Client> {
        self.clients.get(name)
    }
}

/// What is wrong with a configuration file.
#[derive(Debug)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// What the published grants are called, if there were any.
    pub published: Option<String>,
    /// Everything that was found, in the order of the file.
    pub faults: Vec<Fault>,
}

/// One fault of a configuration file, or of the published grants.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The line, from 1, if the fault is at one.
    pub line: Option<usize>,
    /// The column, from 1 and in characters, if the fault is at one.
    pub column: Option<usize>,
    /// Whether it is in the published grants, and not in the file.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub published: bool,
    /// What is wrong and what to do.
    pub text: String,
}

impl Fault {
    /// With the place that it is at.
    fn told(&self, path: &Path, published: Option<&str>) -> String {
        let mut told = match published {
            Some(name) if self.published => name.to_owned(),
            _ => path.display().to_string(),
        };
        for place in [self.line, self.column].into_iter().flatten() {
            told += &format!(":{place}");
        }
        format!("{told}: {}", self.text)
    }
}

impl ConfigError {
    /// What is wrong with a file as a whole.
    fn whole(path: &Path, text: String) -> Self {
        Self {
            path: path.to_owned(),
            published: None,
            faults: vec![Fault {
                line: None,
                column: None,
                published: false,
                text,
            }],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let published = self.published.as_deref();
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            f.write_str(&fault.told(&self.path, published))?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
