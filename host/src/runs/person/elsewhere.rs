//! Where a person may be known besides: whom messages went to, which export
//! files there are, and what is never looked into. It is told when what is
//! stored is given or erased, because afterwards nothing says it any more.

use super::Message;
use crate::config::Config;
use crate::ledger::{Kind, Row};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use url::Url;

/// Where a person may be known besides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Elsewhere {
    /// The outside parties that messages about the person went to, by host. They
    /// are to be told of an erasure (art. 19 GDPR).
    pub recipients: BTreeMap<String, Recipient>,
    /// The export files about the person. They stay where they are.
    pub files: BTreeSet<PathBuf>,
    /// What is not looked into.
    pub not_looked_into: Vec<String>,
}

/// An outside party that messages about a person went to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Recipient {
    /// How many requests.
    pub requests: u64,
    /// When the last one left, RFC 3339 in UTC.
    pub last: String,
}

impl Elsewhere {
    /// What these messages tell, which are in the order in which they were
    /// recorded.
    pub(super) fn of(messages: &[Message], config: &Config) -> Self {
        let mut elsewhere = Self {
            not_looked_into: not_looked_into(config),
            ..Self::default()
        };
        for Message { row, .. } in messages {
            if row.kind == Kind::Request.name()
                && let Some(host) = host(row)
            {
                let recipient = elsewhere.recipients.entry(host).or_default();
                recipient.requests += 1;
                recipient.last.clone_from(&row.time);
            } else if row.kind == Kind::ExportFile.name() {
                elsewhere.files.insert(file(row, config));
            }
        }
        elsewhere
    }
}

/// The host that a request went to: its summary is the method and the URL.
fn host(row: &Row) -> Option<String> {
    let (_, url) = row.summary.split_once(' ')?;
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

/// An export file, with its directory if the client still has one.
fn file(row: &Row, config: &Config) -> PathBuf {
    let client = config.client(&row.context.client);
    let exports = client.and_then(|client| client.exports.as_ref());
    exports
        .map_or_else(PathBuf::new, |exports| exports.directory.clone())
        .join(&row.summary)
}

fn not_looked_into(config: &Config) -> Vec<String> {
    let payroll = match &config.upstream {
        Some(upstream) => format!("payroll data of {}", upstream.base_url),
        None => format!("payroll data ({})", config.data.display()),
    };
    vec![payroll, "logs and traces".to_owned(), "backups".to_owned()]
}
