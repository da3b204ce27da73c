//! Credentials and where their secrets are. Someone who writes a secret itself
//! into the file must not find it in a message, and then in a log: what is
//! wrong here is told without the value.

use super::CredentialPlace;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a secret is. The secret itself is never in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretReference {
    /// In an environment variable of the host: `{ env = "NAME" }`.
    Env(String),
    /// In a file, `{ file = "path" }`; surrounding white space is not part of
    /// it.
    File(PathBuf),
    /// In the keyring of the operating system: `{ keyring = "name" }`, the
    /// description of a key of type `user`.
    Keyring(String),
}

impl SecretReference {
    /// With the path of a file relative to `base`.
    pub(super) fn within(self, base: &Path) -> Self {
        match self {
            Self::File(file) => Self::File(base.join(file)),
            other @ (Self::Env(_) | Self::Keyring(_)) => other,
        }
    }
}

impl<'de> Deserialize<'de> for SecretReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error is dropped because it repeats what it found.
        let reference = BTreeMap::<String, String>::deserialize(deserializer)
            .ok()
            .and_then(|table| {
                let mut entries = table.into_iter();
                let (key, value) = entries.next()?;
                match (key.as_str(), entries.next()) {
                    ("env", None) => Some(Self::Env(value)),
                    ("file", None) => Some(Self::File(value.into())),
                    ("keyring", None) => Some(Self::Keyring(value)),
                    _ => None,
                }
            });
        reference.ok_or_else(|| D::Error::custom(NEVER_HERE))
    }
}

/// What to write in place of a secret.
const NEVER_HERE: &str = "write { env = \"<variable>\" }, { file = \"<path>\" } or { keyring = \"<key>\" }; the secret itself is never in this file";

/// A credential as it is written.
#[derive(Debug, serde::Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Credential {
    pub(super) header: Option<String>,
    pub(super) scheme: Option<String>,
    pub(super) query: Option<String>,
    pub(super) value: Option<SecretReference>,
    pub(super) certificate: Option<SecretReference>,
    pub(super) private_key: Option<SecretReference>,
}

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CredentialVisitor)
    }
}

impl Credential {
    /// Where in a request it goes, and where its secret is.
    ///
    /// # Errors
    ///
    /// When that is not said, or said twice.
    pub(super) fn resolve(self) -> Result<(CredentialPlace, SecretReference), String> {
        let sent = self.header.is_some() || self.query.is_some() || self.scheme.is_some();
        match (&self.certificate, &self.private_key, &self.value) {
            (None, None, Some(value)) => Ok((self.place()?, value.clone())),
            (None, None, None) => Err(format!("value is missing: {NEVER_HERE}")),
            (Some(certificate), Some(key), None) if !sent => Ok((
                CredentialPlace::Handshake {
                    certificate: certificate.clone(),
                },
                key.clone(),
            )),
            _ => Err(
                "a client certificate has `certificate` and `private-key`, and neither `header`, `query`, `scheme` nor `value`"
                    .to_owned(),
            ),
        }
    }

    fn place(&self) -> Result<CredentialPlace, String> {
        match (&self.header, &self.query) {
            (Some(name), None) if http::HeaderName::try_from(name).is_err() => {
                Err(format!("\"{name}\" is not the name of an HTTP header"))
            }
            (Some(name), None) => Ok(CredentialPlace::Header {
                name: name.to_lowercase(),
                scheme: self.scheme.clone(),
            }),
            (None, Some(_)) if self.scheme.is_some() => {
                Err("scheme goes before a secret in a header, not in a query: remove it".to_owned())
            }
            (None, Some(name)) if !is_parameter(name) => Err(format!(
                "\"{name}\" is not the name of a parameter: use letters, digits, `-`, `_` and `.`"
            )),
            (None, Some(name)) => Ok(CredentialPlace::Query { name: name.clone() }),
            _ => Err(
                "a credential has either `header` or `query`: the name under which the secret is sent"
                    .to_owned(),
            ),
        }
    }
}

fn is_parameter(name: &str) -> bool {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.chars().all(ordinary)
}

struct CredentialVisitor;

/// The default methods of a visitor repeat the value; these do not.
macro_rules! withhold {
    ($($visit:ident $kind:ty),+) => {$(
        fn $visit<E: Error>(self, _: $kind) -> Result<Self::Value, E> {
            Err(E::custom(
                "a credential is a table: write it as `[credentials.<name>]` with `header` and `value`",
            ))
        }
    )+};
}

impl<'de> Visitor<'de> for CredentialVisitor {
    type Value = Credential;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Credential::deserialize(MapAccessDeserializer::new(map))
    }

    withhold!(visit_str &str, visit_i64 i64, visit_u64 u64, visit_i128 i128, visit_u128 u128, visit_f64 f64);
}
