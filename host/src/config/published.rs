//! Grants that are published once for all hosts that share a queue: the part of
//! the configuration that all of them have alike. It is TOML, spelt as in
//! `platform.toml`. What is of one host (paths, secrets, servers) stays in the
//! file of that host, and is refused here.

use super::raw;
use super::shared::Faults;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_edit::{DocumentMut, Item, TableLike};

/// One version of the published grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// What a fault in it is said to be in.
    pub name: String,
    /// Its number. A later one is greater.
    pub version: u64,
    /// Who published it.
    pub by: String,
    /// Why.
    pub why: String,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// The grants, TOML.
    pub text: Arc<str>,
}

/// What is published, of the keys of a configuration.
const TABLES: [&str; 9] = [
    "clients",
    "modules",
    "rights",
    "roles",
    "teams",
    "users",
    "connectors",
    "parties",
    "schedules",
];

/// What is published, of the keys of a client.
const OF_CLIENT: [&str; 6] = [
    "activities",
    "http",
    "limits",
    "cache",
    "retry",
    "concurrency",
];

/// What is of one host, of the keys of a configuration.
const LOCAL: [&str; 12] = [
    "platform",
    "store",
    "queue",
    "encryption",
    "retention",
    "server",
    "credentials",
    "registries",
    "passwords",
    "trusted-roots",
    "alarms",
    "telemetry",
];

/// What is of one host, of the keys of a client.
const LOCAL_OF_CLIENT: [&str; 6] = [
    "component",
    "oci",
    "application",
    "sha256",
    "exports",
    "settings",
];

const PASSWORD: &str = "password-hash";

/// A key of a configuration, and where it is written.
enum Key<'a> {
    Table(&'a str),
    OfClient { client: &'a str, key: &'a str },
    OfUser { user: Option<&'a str>, key: &'a str },
}

/// Gives every key that decides whether something is published. A text that is
/// no TOML has none; what reads it then says so.
fn keys(text: &str, mut found: impl FnMut(Key<'_>, Range<usize>)) {
    let Ok(table) = DeTable::parse(text) else {
        return;
    };
    for (name, value) in table.get_ref() {
        found(Key::Table(name.get_ref()), name.span());
        match (name.get_ref().as_ref(), value.get_ref()) {
            ("clients", DeValue::Table(clients)) => {
                for (client, value) in clients {
                    let client = client.get_ref();
                    for (key, _) in value.get_ref().as_table().into_iter().flatten() {
                        let span = key.span();
                        let key = key.get_ref();
                        found(Key::OfClient { client, key }, span);
                    }
                }
            }
            ("users", DeValue::Array(users)) => {
                for user in users.iter().filter_map(|user| user.get_ref().as_table()) {
                    let id = user.iter().find(|(key, _)| key.get_ref() == "id");
                    let id = id.and_then(|(_, id)| id.get_ref().as_str());
                    for (key, _) in user {
                        let span = key.span();
                        let key = key.get_ref();
                        found(Key::OfUser { user: id, key }, span);
                    }
                }
            }
            _ => {}
        }
    }
}

/// What of the file of one host is published, and so may not be in it: whoever
/// reads it would take it for granted.
pub(super) fn not_of_one_host(text: &str) -> Faults {
    let mut faults = Faults::new();
    keys(text, |key, span| {
        let what = match key {
            Key::Table(key) if key != "clients" && TABLES.contains(&key) => format!("[{key}]"),
            Key::OfClient { client, key } if OF_CLIENT.contains(&key) => {
                format!("`{key}` of client \"{client}\"")
            }
            _ => return,
        };
        faults.push((span, format!("{what} is published for all hosts (grants = \"published\" under [queue]), so it may not be in the file of one: take it out; `koppel grants extract` prints what is to be published")));
    });
    faults
}

/// What of a text that is to be published is of one host.
pub(super) fn of_one_host(text: &str) -> Faults {
    let mut faults = Faults::new();
    keys(text, |key, span| {
        let text = match key {
            Key::Table(key) if LOCAL.contains(&key) => {
                format!(
                    "[{key}] is of one host, and is not published: it stays in the file of each host"
                )
            }
            Key::OfClient { client, key } if LOCAL_OF_CLIENT.contains(&key) => format!(
                "`{key}` of client \"{client}\" is of one host, and is not published: it stays under [clients.{client}] in the file of each host"
            ),
            Key::OfUser { user, key } if key == PASSWORD => format!(
                "a password hash is not published: put it under [passwords] in the file of the hosts where user \"{}\" logs in",
                user.unwrap_or_default()
            ),
            _ => return,
        };
        faults.push((span, text));
    });
    faults
}

/// Puts what was published in its place in the file of one host. Gives the
/// clients of which the host has no more than that.
pub(super) fn put(granted: raw::Granted, file: &mut raw::File) -> BTreeSet<String> {
    file.modules = granted.modules;
    file.rights = granted.rights;
    file.roles = granted.roles;
    file.teams = granted.teams;
    file.users = granted.users;
    file.connectors = granted.connectors;
    file.parties = granted.parties;
    file.schedules = granted.schedules;
    let mut elsewhere = BTreeSet::new();
    for (name, client) in granted.clients {
        let (span, client) = (client.span(), client.into_inner());
        let of = file.clients.entry(name).or_insert_with_key(|name| {
            elsewhere.insert(name.clone());
            Spanned::new(span, raw::Client::default())
        });
        let of = of.get_mut();
        of.activities = client.activities;
        of.http = client.http;
        of.limits = client.limits;
        of.cache = client.cache;
        of.retry = client.retry;
        of.concurrency = client.concurrency;
    }
    elsewhere
}

/// The part of a configuration that is published, as it is written there, with
/// its comments.
///
/// # Errors
///
/// When the text is no TOML.
pub fn extract(text: &str) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    retain(document.as_table_mut(), |key| TABLES.contains(&key));
    let clients = document
        .get_mut("clients")
        .and_then(Item::as_table_like_mut);
    for (_, client) in clients.into_iter().flat_map(TableLike::iter_mut) {
        if let Some(client) = client.as_table_like_mut() {
            retain(client, |key| OF_CLIENT.contains(&key));
        }
    }
    match document.get_mut("users") {
        Some(Item::ArrayOfTables(users)) => {
            for user in users.iter_mut() {
                user.remove(PASSWORD);
            }
        }
        Some(users) => {
            for user in users
                .as_array_mut()
                .into_iter()
                .flat_map(|users| users.iter_mut())
            {
                if let Some(user) = user.as_inline_table_mut() {
                    user.remove(PASSWORD);
                }
            }
        }
        None => {}
    }
    Ok(document.to_string().trim_start().to_owned())
}

fn retain(table: &mut dyn TableLike, kept: impl Fn(&str) -> bool) {
    let keys: Vec<_> = table.iter().map(|(key, _)| key.to_owned()).collect();
    for key in keys.iter().filter(|key| !kept(key)) {
        table.remove(key);
    }
}
