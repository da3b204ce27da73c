//! External applications, the passwords of users, and which connector works
//! for whom.

use super::Resolver;
use super::raw;
use crate::authorization::Grants;
use crate::config::server::{Application, Connectors, PasswordHash};
use crate::config::{Client, SecretReference};
use argon2::{ARGON2ID_IDENT, Params};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::PathBuf;
use toml::Spanned;
use url::{Host, Url};
use uuid::Uuid;

/// What may speak plain HTTP: nothing leaves this machine.
pub(in crate::config) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Where a component is.
pub(super) enum Component {
    /// In a file, relative to the configuration.
    File(PathBuf),
    /// In a registry.
    Oci(crate::distribution::Pinned),
}

/// What an entry of `[clients]` is. One that is not exactly one of the two is
/// nothing.
pub(super) enum ClientKind {
    Connector(Component),
    Application(Spanned<raw::Application>),
}

impl Resolver<'_> {
    pub(super) fn kind_of(
        &mut self,
        name: &str,
        span: &Range<usize>,
        client: &mut raw::Client,
    ) -> Option<ClientKind> {
        let oci = client.oci.take();
        if let (Some(_), Some(oci)) = (&client.component, &oci) {
            let text = format!(
                "client \"{name}\" has a component in a file and one in a registry: remove `component` or `oci`"
            );
            self.fault(Some(&oci.span()), text);
            return None;
        }
        let component = match (client.component.take(), &oci) {
            (None, Some(oci)) => Some(Component::Oci(self.oci(oci)?)),
            (component, _) => component.map(Component::File),
        };
        let text = match (component, client.application.take()) {
            (Some(component), None) => return Some(ClientKind::Connector(component)),
            (None, Some(application)) => {
                let of_connectors = [
                    ("sha256", client.sha256.is_some()),
                    ("http", !client.http.is_empty()),
                    ("exports", client.exports.is_some()),
                    ("settings", client.settings.is_some()),
                    ("limits", client.limits.is_some()),
                ];
                for (key, _) in of_connectors.iter().filter(|(_, set)| *set) {
                    self.fault(
                        Some(span),
                        format!("client \"{name}\" is an external application: remove `{key}`, which is for connectors"),
                    );
                }
                return Some(ClientKind::Application(application));
            }
            (Some(_), Some(_)) => format!(
                "client \"{name}\" is a connector and an external application: remove `component` or `application`"
            ),
            (None, None) => format!(
                "client \"{name}\" is neither a connector nor an external application: add `component = \"…\"`, `oci = \"<registry>/<name>@sha256:…\"` or `application = {{ id = \"<uuid>\", redirect-uris = [\"https://…\"] }}`"
            ),
        };
        self.fault(Some(span), text);
        None
    }

    pub(super) fn application(
        &mut self,
        name: &str,
        application: Spanned<raw::Application>,
        others: &BTreeMap<String, Application>,
    ) -> Application {
        let span = application.span();
        let application = application.into_inner();
        if let Some(other) = others.values().find(|other| other.id == application.id) {
            self.fault(
                Some(&span),
                format!(
                    "clients \"{}\" and \"{name}\" have the same application id; each needs its own",
                    other.name
                ),
            );
        }
        for uri in &application.redirect_uris {
            if let Err(why) = check_redirect_uri(uri.get_ref()) {
                self.fault(
                    Some(&uri.span()),
                    format!("redirect URI {:?} {why}", uri.get_ref()),
                );
            }
        }
        Application {
            name: name.to_owned(),
            id: application.id,
            redirect_uris: application
                .redirect_uris
                .into_iter()
                .map(Spanned::into_inner)
                .collect(),
            secret: application.secret.map(|secret| self.secret(secret)),
        }
    }

    /// A reference to a secret; the path of a file is relative to that of the
    /// configuration.
    pub(super) fn secret(&self, secret: SecretReference) -> SecretReference {
        secret.within(self.base)
    }

    pub(super) fn password(&mut self, user: &str, hash: &Spanned<String>) -> Option<PasswordHash> {
        let parsed = argon2::PasswordHash::new(hash.get_ref())
            .ok()
            .filter(|parsed| parsed.algorithm == ARGON2ID_IDENT)
            .filter(|parsed| parsed.hash.is_some() && Params::try_from(parsed).is_ok());
        if parsed.is_none() {
            self.fault(
                Some(&hash.span()),
                format!(
                    "password-hash of user \"{user}\" is no Argon2id hash; `koppel password` makes one"
                ),
            );
            return None;
        }
        Some(PasswordHash(hash.get_ref().clone()))
    }

    pub(super) fn connectors(
        &mut self,
        connectors: &raw::Connectors,
        clients: &BTreeMap<String, Client>,
        grants: &Grants,
    ) -> Connectors {
        let mut resolve = |by_id: &BTreeMap<Uuid, raw::ByActivity>| {
            let mut resolved = HashMap::new();
            for (id, by_activity) in by_id {
                let entries = resolved.entry(*id).or_insert_with(BTreeMap::new);
                for (activity, client) in by_activity {
                    let Some(activity) = self.activity(activity) else {
                        continue;
                    };
                    let name = client.get_ref();
                    if self.elsewhere.contains(name) {
                        continue;
                    }
                    if !clients.contains_key(name) {
                        self.fault(
                            Some(&client.span()),
                            format!("there is no connector \"{name}\"; add `[clients.{name}]` with `component` and `activities`"),
                        );
                    } else if !grants
                        .clients
                        .get(name)
                        .is_some_and(|granted| granted.activities.contains(activity))
                    {
                        self.fault(
                            Some(&client.span()),
                            format!("connector \"{name}\" was not granted {activity}; add \"{activity}\" to [clients.{name}] activities"),
                        );
                    }
                    entries.insert(activity, name.clone());
                }
            }
            resolved
        };
        Connectors {
            provider: resolve(&connectors.provider),
            employer: resolve(&connectors.employer),
        }
    }
}

/// Exact, absolute and without a fragment (RFC 6749, section 3.1.2), and not
/// over plain HTTP except on this machine (RFC 9700, section 2.1).
fn check_redirect_uri(uri: &str) -> Result<(), &'static str> {
    let Ok(url) = Url::parse(uri) else {
        return Err("is not an absolute URL");
    };
    if url.fragment().is_some() {
        return Err("has a fragment; remove it");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has user information; remove it");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        _ => Err("must be https, or http on this machine"),
    }
}
