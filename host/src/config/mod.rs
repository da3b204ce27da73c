//! The operator's configuration, `platform.toml`: read, checked and resolved.
//!
//! Everything that is not granted here is denied. Relative paths are relative
//! to the directory of the file. It contains no secrets, only references to them
//! ([`SecretReference`]); an address and the like may be a reference too
//! (`reference.rs`).

mod alarms;
mod cache;
mod queue;
mod raw;
mod read;
mod reference;
mod resolve;
mod schema;
mod secret;
mod server;
mod settings;
mod shared;
#[cfg(test)]
mod tests;
mod upstream;
mod watch;

pub use alarms::Alarms;
pub use cache::Cache;
pub use queue::{Queue, Retry, Schedule, Task};
pub use schema::schema;
pub use secret::SecretReference;
pub use server::{Application, Connectors, Issuer, Oidc, PasswordHash, Server, Tls, Tokens};
pub use shared::{Nats, Shared, Store};
pub use upstream::Upstream;
pub use watch::{Live, Reload, Watching};

use crate::authorization::Grants;
use crate::catalogue::Activity;
use crate::egress::{Party, Rule};
use crate::sandbox::Limits;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

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
    /// The SQLite database of the runs.
    pub runs: PathBuf,
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
}

/// One client that is a connector, and what it may use.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its name: the key in `[clients]`.
    pub name: String,
    /// The file of its component.
    pub component: PathBuf,
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
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    ///
    /// All faults that were found, each with its line and what to do.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
            path: path.to_owned(),
            faults: vec![Fault {
                line: None,
                column: None,
                text: format!("cannot be read: {error}"),
            }],
        })?;
        Self::parse(path, &text)
    }

    /// Checks the text of a configuration file that lies at `path`.
    ///
    /// # Errors
    ///
    /// As for [`Config::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        resolve::resolve(path, text).map_err(|faults| ConfigError {
            path: path.to_owned(),
            faults,
        })
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
    /// Everything that was found, in the order of the file.
    pub faults: Vec<Fault>,
}

/// One fault of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The line, from 1, if the fault is at one.
    pub line: Option<usize>,
    /// The character in that line, from 1.
    pub column: Option<usize>,
    /// What is wrong and what to do.
    pub text: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.path.display())?;
            if let (Some(line), Some(column)) = (fault.line, fault.column) {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {}", fault.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
