//! Where components come from besides files, and whose signatures are trusted.

use super::SecretReference;
use super::reference::ByReference;
use crate::distribution::{Access, Policy};
use crate::ledger::Redactor;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;

/// What is said of distribution.
#[derive(Debug)]
pub struct Distribution {
    /// The folder of components that were pulled.
    pub cache: PathBuf,
    /// What is asked of signatures.
    pub signatures: Policy,
    /// The registries of which something is to be known, by host and port.
    pub registries: BTreeMap<String, Registry>,
}

/// A registry.
#[derive(Clone, Debug)]
pub struct Registry {
    /// The name of the user and where the password or token is.
    pub credential: Option<(String, SecretReference)>,
    /// Whether it speaks plain HTTP.
    pub plain_http: bool,
    /// A file with certificate authorities that are trusted besides, PEM.
    pub trusted_roots: Option<PathBuf>,
}

impl Distribution {
    /// How a registry is reached.
    ///
    /// # Errors
    ///
    /// When its credential or its certificate authorities cannot be read, in
    /// words for the operator.
    pub fn access(&self, registry: &str, redactor: &Redactor) -> Result<Access, String> {
        match self.registries.get(registry) {
            Some(known) => known.access(registry, redactor),
            None => Ok(Access::default()),
        }
    }
}

impl Registry {
    /// How it is reached; `name` is its host and port.
    ///
    /// # Errors
    ///
    /// As for [`Distribution::access`].
    pub fn access(&self, name: &str, redactor: &Redactor) -> Result<Access, String> {
        let credential = match &self.credential {
            Some((user, reference)) => {
                let secret = crate::secrets::read(reference, redactor);
                let secret =
                    secret.map_err(|why| format!("[registries.\"{name}\"] password: {why}"))?;
                Some((user.clone(), secret))
            }
            None => None,
        };
        let roots = self.trusted_roots.as_ref().map(|path| {
            std::fs::read(path).map_err(|error| {
                format!(
                    "[registries.\"{name}\"] trusted-roots {}: {error}",
                    path.display()
                )
            })
        });
        Ok(Access {
            credential,
            plain_http: self.plain_http,
            trusted_roots: roots.transpose()?,
        })
    }
}

/// Whether a signature is required, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Signatures {
    /// A component is loaded only with a signature by a trusted key.
    Required,
    /// Signatures are not looked at.
    Optional,
}

/// What is to be known of an OCI registry.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenRegistry {
    /// The name of the user, if it asks for one.
    #[schemars(with = "Option<ByReference<String>>")]
    pub(super) username: Option<String>,
    /// Where their password or token is.
    pub(super) password: Option<SecretReference>,
    /// Whether it speaks plain HTTP; with a password to this machine only.
    #[serde(default)]
    pub(super) plain_http: bool,
    /// A file with certificate authorities that are trusted besides, PEM.
    #[schemars(with = "Option<ByReference<PathBuf>>")]
    pub(super) trusted_roots: Option<PathBuf>,
}

/// What is written of distribution outside `[registries]`.
pub(super) struct Written {
    pub(super) cache: PathBuf,
    pub(super) signatures: Option<Spanned<Signatures>>,
    pub(super) trusted_keys: Vec<Spanned<String>>,
}
