//! `[encryption]`: the keys that what is stored is encrypted with.

use super::secret::SecretReference;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// With which keys what is stored is encrypted. Without an active one, it is
/// not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encryption {
    /// The name of the key that encrypts from now on.
    pub active: Option<String>,
    /// All keys, by name: the active one, and those of what is stored already.
    pub keys: BTreeMap<String, EncryptionKey>,
    /// Where in which file it is: `platform.toml:12:1`.
    pub place: String,
}

/// A key for what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionKey {
    /// Where the key is: 32 bytes, Base64.
    pub value: SecretReference,
    /// Where in which file that is said: `platform.toml:14:13`.
    pub place: String,
}

/// The keys that what is stored is encrypted with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenEncryption {
    /// The name of the key that encrypts from now on.
    #[schemars(with = "String")]
    pub(super) active: Spanned<String>,
    /// Where the keys are, by name: 32 bytes, Base64.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, SecretReference>")]
    pub(super) keys: BTreeMap<String, Spanned<SecretReference>>,
}
