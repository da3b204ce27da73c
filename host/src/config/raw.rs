//! `platform.toml` as it is written, before its names are resolved. An unknown
//! key is an error: a misspelt grant must not look like a granted one.

use super::secret::Credential;
use crate::authorization::UserKind;
use crate::egress::WrittenList;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;
use uuid::Uuid;

type Names = Vec<Spanned<String>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub(super) platform: Platform,
    #[serde(default)]
    pub(super) clients: BTreeMap<String, Spanned<Client>>,
    #[serde(default)]
    pub(super) credentials: BTreeMap<String, Spanned<Credential>>,
    #[serde(default)]
    pub(super) modules: Modules,
    #[serde(default)]
    pub(super) rights: BTreeMap<String, Names>,
    #[serde(default)]
    pub(super) roles: BTreeMap<String, Names>,
    #[serde(default)]
    pub(super) teams: BTreeMap<String, Vec<Uuid>>,
    #[serde(default)]
    pub(super) users: Vec<Spanned<User>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Platform {
    #[serde(default)]
    pub(super) source: Source,
    #[serde(default = "default_data")]
    pub(super) data: PathBuf,
    #[serde(default = "default_ledger")]
    pub(super) ledger: PathBuf,
}

/// Where payroll data comes from.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Source {
    #[default]
    Embedded,
}

fn default_data() -> PathBuf {
    "data/koppel.db".into()
}

fn default_ledger() -> PathBuf {
    "data/ledger.db".into()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Client {
    pub(super) component: PathBuf,
    pub(super) sha256: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) activities: Names,
    #[serde(default)]
    pub(super) http: Vec<Spanned<Http>>,
    pub(super) exports: Option<Spanned<Exports>>,
    pub(super) settings: Option<Spanned<toml::Table>>,
    pub(super) limits: Option<Spanned<crate::sandbox::Limits>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Http {
    pub(super) allow: String,
    pub(super) methods: Vec<String>,
    pub(super) activity: Spanned<String>,
    pub(super) credential: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) allow_private_addresses: bool,
    pub(super) path: Option<WrittenList>,
    pub(super) query: Option<WrittenList>,
    pub(super) headers: Option<WrittenList>,
    pub(super) json: Option<WrittenList>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Exports {
    pub(super) directory: PathBuf,
    pub(super) quota_bytes: u64,
    pub(super) activity: Spanned<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Modules {
    #[serde(default)]
    pub(super) provider: BTreeMap<Uuid, Names>,
    #[serde(default)]
    pub(super) employer: BTreeMap<Uuid, Names>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct User {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) kind: UserKind,
    pub(super) provider: Option<Uuid>,
    pub(super) role: Spanned<String>,
    #[serde(default)]
    pub(super) rights: Names,
    #[serde(default)]
    pub(super) employer_rights: BTreeMap<Uuid, Names>,
    #[serde(default)]
    pub(super) employers: Employers,
    #[serde(default)]
    pub(super) teams: Names,
    #[serde(default)]
    pub(super) blocked: bool,
}

/// `"all"` (of the user's provider) or a list of ids.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "\"all\" or a list of employer ids (UUIDs)")]
pub(super) enum Employers {
    All(All),
    These(Vec<Uuid>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum All {
    All,
}

impl Default for Employers {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}
