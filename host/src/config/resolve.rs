//! From the text of the file to a [`Config`]: every name must mean something.

mod application;
mod distribution;
mod encryption;
mod grants;
mod queue;
mod retention;
mod rule;
mod server;
mod user;

use super::raw;
use super::reference::Found;
use super::{
    Client, Config, Credential, CredentialPlace, Exports, Fault, Published, SecretReference,
    Source, secret, settings, upstream,
};
use crate::authorization::{ActivitySet, ClientGrants, EmployerModules, Grants, RoleGrants};
use crate::catalogue::{Activity, MODULES, suggestion};
pub(super) use application::is_loopback;
use application::{ClientKind, Component};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use uuid::Uuid;

pub(super) fn resolve(
    path: &Path,
    text: &str,
    published: Option<&Arc<Published>>,
) -> Result<Config, Vec<Fault>> {
    let mut resolver = Resolver {
        text,
        base: path.parent().unwrap_or(Path::new("")),
        published: published.map_or("", |published| &published.text),
        follows: false,
        elsewhere: BTreeSet::new(),
        roots: BTreeMap::new(),
        values: Vec::new(),
        faults: Vec::new(),
        lacking: Vec::new(),
        warnings: Vec::new(),
    };
    let config = resolver.read(text).and_then(|file: raw::File| {
        let file = resolver.granted(file, published.is_some())?;
        Some(resolver.file(path, file, published))
    });
    resolver
        .faults
        .sort_by_key(|fault| (fault.published, fault.line, fault.column));
    match config {
        Some(config) if resolver.faults.is_empty() => Ok(config),
        _ => Err(resolver.faults),
    }
}

struct Resolver<'a> {
    text: &'a str,
    base: &'a Path,
    /// The text of the published grants.
    published: &'a str,
    /// Whether the grants are published, and not in the file.
    follows: bool,
    /// The clients that were published, and that this host has no more of.
    elsewhere: BTreeSet<String>,
    /// The files that published rules name.
    roots: BTreeMap<String, PathBuf>,
    /// The values that were elsewhere.
    values: Vec<Found>,
    faults: Vec<Fault>,
    /// What was published and this host does without.
    lacking: Vec<Fault>,
    /// What may not be meant.
    warnings: Vec<Fault>,
}

impl Resolver<'_> {
    fn fault(&mut self, span: Option<&Range<usize>>, text: String) {
        let fault = self.told(span, text);
        self.faults.push(fault);
    }

    fn file(&mut self, path: &Path, file: raw::File, published: Option<&Arc<Published>>) -> Config {
        let chosen = upstream::choose(file.platform.source, file.platform.loket, self.base);
        let upstream = chosen.unwrap_or_else(|faults| {
            for (span, text) in faults {
                self.fault(Some(&span), text);
            }
            None
        });
        let rights: BTreeMap<String, ActivitySet> = file
            .rights
            .into_iter()
            .map(|(name, activities)| (name, self.activities(&activities)))
            .collect();
        let mut grants = Grants {
            provider_modules: self.modules(&file.modules.provider),
            employer_modules: self.modules(&file.modules.employer),
            ..Grants::default()
        };
        for (name, names) in &file.roles {
            let (rights, activities) = self.rights(&rights, names);
            grants
                .roles
                .insert(name.clone(), RoleGrants { rights, activities });
        }
        let mut user_names = BTreeMap::new();
        let mut passwords = BTreeMap::new();
        for user in &file.users {
            let (span, user) = (user.span(), user.get_ref());
            let granted = self.user(&span, user, &rights, &grants, &file.teams);
            if grants.users.insert(user.id.clone(), granted).is_some() {
                self.fault(Some(&span), format!("user \"{}\" is listed twice", user.id));
            }
            user_names.insert(user.id.clone(), user.name.clone());
            let hash = user.password_hash.as_ref();
            let hash = hash.or_else(|| file.passwords.get(&user.id));
            if let Some(password) = hash.and_then(|hash| self.password(&user.id, hash)) {
                passwords.insert(user.id.clone(), password);
            }
        }
        let distribution = self.distribution(
            super::distribution::Written {
                cache: file.platform.oci_cache,
                signatures: file.platform.signatures,
                trusted_keys: file.platform.trusted_keys,
            },
            file.registries,
        );
        let cache = crate::distribution::Cache::new(distribution.cache.clone());
        let credentials = self.credentials(file.credentials);
        let (mut clients, mut applications) = (BTreeMap::new(), BTreeMap::new());
        for (name, mut client) in file.clients {
            let span = client.span();
            let activities = self.activities(&client.get_ref().activities);
            self.client_name(&name, &span);
            grants
                .clients
                .insert(name.clone(), ClientGrants { activities });
            if self.elsewhere.contains(&name) {
                self.client_elsewhere(&name, client, activities, &credentials);
                continue;
            }
            match self.kind_of(&name, &span, client.get_mut()) {
                Some(ClientKind::Connector(component)) => {
                    let (component, oci) = match component {
                        Component::File(path) => (self.base.join(path), None),
                        Component::Oci(pinned) => (cache.component(&pinned), Some(pinned)),
                    };
                    let mut client =
                        self.client(&name, component, client, activities, &credentials);
                    client.oci = oci;
                    clients.insert(name, client);
                }
                Some(ClientKind::Application(application)) => {
                    let application = self.application(&name, application, &applications);
                    applications.insert(name, application);
                }
                None => {}
            }
        }
        let connectors = self.connectors(&file.connectors, &clients, &grants);
        let server = file
            .server
            .and_then(|server| self.server(server, &applications));
        let alarms = file.alarms.map(|alarms| {
            if let Err(text) = alarms.get_ref().validate() {
                self.fault(Some(&alarms.span()), format!("[alarms] {text}"));
            }
            alarms.into_inner()
        });
        let mut faults = Vec::new();
        let telemetry = file.telemetry.resolve(self.base, &mut faults);
        for (span, text) in faults {
            self.fault(Some(&span), text);
        }
        let (queue, shared) = self.queue(file.store, file.queue, upstream.is_none());
        let encryption = self.encryption(path, file.encryption);
        let retention = self.retention(file.retention);
        let parties = self.parties(file.parties);
        let schedules = self.schedules(file.schedules, &clients, &grants);
        grants.rights = rights;
        Config {
            distribution,
            runs: self.base.join(file.platform.runs),
            queue,
            shared,
            encryption: encryption.into(),
            retention,
            parties,
            schedules,
            path: path.to_owned(),
            data: self.base.join(file.platform.data),
            upstream,
            ledger: self.base.join(file.platform.ledger),
            compiled: self.base.join(file.platform.compiled),
            clients,
            applications,
            connectors,
            credentials,
            grants,
            user_names,
            passwords,
            server,
            alarms: alarms.unwrap_or_default(),
            telemetry,
            published: published.cloned(),
            elsewhere: std::mem::take(&mut self.elsewhere),
            lacking: std::mem::take(&mut self.lacking),
            doubtful: std::mem::take(&mut self.warnings),
            source: Source(self.text.into()),
        }
    }

    fn activity(&mut self, id: &Spanned<String>) -> Option<Activity> {
        let found = Activity::find(id.get_ref());
        if found.is_none() {
            let hint = suggestion(id.get_ref()).map_or_else(
                || "`koppel activities` lists them".to_owned(),
                |near| format!("did you mean \"{near}\"?"),
            );
            self.fault(
                Some(&id.span()),
                format!("there is no activity \"{}\"; {hint}", id.get_ref()),
            );
        }
        found
    }

    fn activities(&mut self, ids: &[Spanned<String>]) -> ActivitySet {
        ids.iter().filter_map(|id| self.activity(id)).collect()
    }

    fn rights(
        &mut self,
        rights: &BTreeMap<String, ActivitySet>,
        names: &[Spanned<String>],
    ) -> (BTreeSet<String>, ActivitySet) {
        let mut activities = ActivitySet::default();
        for name in names {
            match rights.get(name.get_ref()) {
                Some(right) => activities.insert_all(right),
                None => self.fault(
                    Some(&name.span()),
                    format!(
                        "there is no right \"{name}\"; add `{name} = [\"…\"]` under [rights]",
                        name = name.get_ref()
                    ),
                ),
            }
        }
        let names = names.iter().map(|name| name.get_ref().clone()).collect();
        (names, activities)
    }

    fn modules(&mut self, modules: &BTreeMap<Uuid, Vec<Spanned<String>>>) -> EmployerModules {
        for name in modules.values().flatten() {
            if !MODULES.contains(&name.get_ref().as_str()) {
                self.fault(
                    Some(&name.span()),
                    format!(
                        "there is no module \"{}\"; the modules are: {}",
                        name.get_ref(),
                        MODULES.join(", ")
                    ),
                );
            }
        }
        modules
            .iter()
            .map(|(id, names)| (*id, names.iter().map(Spanned::get_ref).collect()))
            .collect()
    }

    fn credentials(
        &mut self,
        credentials: BTreeMap<String, Spanned<secret::Credential>>,
    ) -> BTreeMap<String, Credential> {
        let mut resolved = BTreeMap::new();
        for (name, credential) in credentials {
            let span = credential.span();
            let credential = credential.into_inner();
            let (place, value) = credential.resolve().unwrap_or_else(|text| {
                self.fault(Some(&span), text);
                // Never used; kept so that its rules are not at fault too.
                let place = CredentialPlace::Query { name: name.clone() };
                (place, SecretReference::Env(String::new()))
            });
            let place = match place {
                CredentialPlace::Handshake { certificate } => CredentialPlace::Handshake {
                    certificate: self.secret(certificate),
                },
                place => place,
            };
            let value = self.secret(value);
            let credential = Credential { place, value };
            resolved.insert(name, credential);
        }
        resolved
    }

    fn client_name(&mut self, name: &str, span: &Range<usize>) {
        if !is_name(name) {
            self.fault(
                Some(span),
                format!("client name {name:?} must be letters, digits, `-` and `_`"),
            );
        }
    }

    fn client(
        &mut self,
        name: &str,
        component: PathBuf,
        client: Spanned<raw::Client>,
        granted: ActivitySet,
        credentials: &BTreeMap<String, Credential>,
    ) -> Client {
        let client = client.into_inner();
        let sha256 = client.sha256.map(|digest| {
            let hex = digest.get_ref().to_lowercase();
            if hex.len() != 64 || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
                self.fault(
                    Some(&digest.span()),
                    "sha256 must be 64 hexadecimal digits".to_owned(),
                );
            }
            hex
        });
        let mut http = Vec::new();
        for rule in client.http {
            http.extend(self.rule(name, rule, granted, credentials));
        }
        let exports = client.exports.and_then(|exports| {
            let exports = exports.into_inner();
            let activity = self.act(name, &exports.activity, granted)?;
            Some(Exports {
                directory: self.base.join(exports.directory),
                quota_bytes: exports.quota_bytes,
                activity,
            })
        });
        let limits = client.limits.map(|limits| {
            if let Err(text) = limits.get_ref().validate() {
                self.fault(
                    Some(&limits.span()),
                    format!("[clients.{name}.limits] {text}"),
                );
            }
            limits.into_inner()
        });
        let cache = client.cache.map(|cache| {
            if let Err(text) = cache.get_ref().validate() {
                self.fault(
                    Some(&cache.span()),
                    format!("[clients.{name}.cache] {text}"),
                );
            }
            cache.into_inner()
        });
        let retry = self.retry(name, client.retry);
        let concurrency = self.concurrency(name, client.concurrency);
        let ready = self.ready(name, client.ready);
        let settings = client.settings.map(|settings| {
            let span = settings.span();
            settings::json(settings.into_inner()).unwrap_or_else(|error| {
                self.fault(Some(&span), format!("[clients.{name}.settings] {error}"));
                serde_json::Value::Null
            })
        });
        Client {
            name: name.to_owned(),
            component,
            oci: None,
            sha256,
            http,
            exports,
            settings: settings.unwrap_or_else(|| serde_json::json!({})),
            limits: limits.unwrap_or_default(),
            cache,
            retry,
            concurrency,
            ready,
        }
    }
}

/// What a name of the configuration may be.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    !name.is_empty() && name.chars().all(plain)
}
