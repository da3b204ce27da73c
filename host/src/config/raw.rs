//! `platform.toml` as it is written, before its names are resolved. An unknown
//! key is an error: a misspelt grant must not look like a granted one.

use super::secret::{Credential, SecretReference};
use super::upstream::Loket;
use crate::authorization::UserKind;
use crate::egress::WrittenList;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::Spanned;
use url::Url;
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
    #[serde(default)]
    pub(super) connectors: Connectors,
    #[serde(default)]
    pub(super) registries: BTreeMap<String, Spanned<super::distribution::WrittenRegistry>>,
    pub(super) server: Option<Spanned<Server>>,
    pub(super) alarms: Option<Spanned<super::Alarms>>,
    pub(super) store: Option<Spanned<super::shared::WrittenStore>>,
    pub(super) queue: Option<Spanned<super::shared::WrittenQueue>>,
    pub(super) retention: Option<Spanned<super::retention::WrittenRetention>>,
    pub(super) encryption: Option<Spanned<super::encryption::WrittenEncryption>>,
    #[serde(default)]
    pub(super) parties: Vec<Spanned<super::queue::WrittenParty>>,
    #[serde(default)]
    pub(super) schedules: Vec<Spanned<super::queue::WrittenSchedule>>,
    /// Of users that were published, by id.
    #[serde(default)]
    pub(super) passwords: BTreeMap<String, Spanned<String>>,
    /// The files that published rules name.
    #[serde(default)]
    pub(super) trusted_roots: BTreeMap<String, Spanned<PathBuf>>,
}

/// What is published for all hosts: see [`super::published`].
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Granted {
    pub(super) clients: BTreeMap<String, Spanned<GrantedClient>>,
    pub(super) modules: Modules,
    pub(super) rights: BTreeMap<String, Names>,
    pub(super) roles: BTreeMap<String, Names>,
    pub(super) teams: BTreeMap<String, Vec<Uuid>>,
    pub(super) users: Vec<Spanned<User>>,
    pub(super) connectors: Connectors,
    pub(super) parties: Vec<Spanned<super::queue::WrittenParty>>,
    pub(super) schedules: Vec<Spanned<super::queue::WrittenSchedule>>,
}

/// What of a client is published.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct GrantedClient {
    pub(super) activities: Names,
    pub(super) http: Vec<Spanned<Http>>,
    pub(super) limits: Option<Spanned<crate::sandbox::Limits>>,
    pub(super) cache: Option<Spanned<super::Cache>>,
    pub(super) retry: Option<Spanned<super::Retry>>,
    pub(super) concurrency: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Platform {
    pub(super) source: Option<Spanned<Source>>,
    #[serde(default = "default_data")]
    pub(super) data: PathBuf,
    #[serde(default = "default_ledger")]
    pub(super) ledger: PathBuf,
    #[serde(default = "default_compiled")]
    pub(super) compiled: PathBuf,
    #[serde(default = "default_oci_cache")]
    pub(super) oci_cache: PathBuf,
    pub(super) signatures: Option<Spanned<super::distribution::Signatures>>,
    #[serde(default)]
    pub(super) trusted_keys: Names,
    #[serde(default = "default_runs")]
    pub(super) runs: PathBuf,
    pub(super) loket: Option<Spanned<Loket>>,
}

/// Where payroll data comes from.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Source {
    /// From the SQLite file of koppel.
    #[default]
    Embedded,
    /// From a platform with Loket's REST API v2.
    Loket,
}

fn default_data() -> PathBuf {
    "data/koppel.db".into()
}

fn default_ledger() -> PathBuf {
    "data/ledger.db".into()
}

fn default_compiled() -> PathBuf {
    "data/compiled".into()
}

fn default_oci_cache() -> PathBuf {
    "data/oci".into()
}

fn default_runs() -> PathBuf {
    "data/runs.db".into()
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Client {
    pub(super) component: Option<PathBuf>,
    pub(super) oci: Option<Spanned<String>>,
    pub(super) application: Option<Spanned<Application>>,
    pub(super) sha256: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) activities: Names,
    #[serde(default)]
    pub(super) http: Vec<Spanned<Http>>,
    pub(super) exports: Option<Spanned<Exports>>,
    pub(super) settings: Option<Spanned<toml::Table>>,
    pub(super) limits: Option<Spanned<crate::sandbox::Limits>>,
    pub(super) cache: Option<Spanned<super::Cache>>,
    pub(super) retry: Option<Spanned<super::Retry>>,
    pub(super) concurrency: Option<Spanned<u32>>,
    pub(super) ready: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Application {
    pub(super) id: Uuid,
    #[serde(default)]
    pub(super) redirect_uris: Names,
    pub(super) secret: Option<SecretReference>,
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
    pub(super) trusted_roots: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) repeatable: bool,
    pub(super) idempotency: Option<String>,
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
    pub(super) password_hash: Option<Spanned<String>>,
}

/// Which connector performs an activity when an external application asks for
/// it: by activity, per provider or employer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Connectors {
    #[serde(default)]
    pub(super) provider: BTreeMap<Uuid, ByActivity>,
    #[serde(default)]
    pub(super) employer: BTreeMap<Uuid, ByActivity>,
}

pub(super) type ByActivity = BTreeMap<Spanned<String>, Spanned<String>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Server {
    #[serde(default = "default_listen")]
    pub(super) listen: SocketAddr,
    pub(super) public_url: Option<Spanned<Url>>,
    pub(super) tls: Option<Tls>,
    pub(super) issuer: Option<Spanned<Issuer>>,
    pub(super) oidc: Option<Spanned<Oidc>>,
    pub(super) console: Option<Spanned<Console>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Console {
    pub(super) application: Spanned<String>,
    #[serde(default = "default_session_minutes")]
    pub(super) session_minutes: u32,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<SecretReference>,
}

fn default_session_minutes() -> u32 {
    480
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tls {
    pub(super) certificate: PathBuf,
    pub(super) private_key: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Issuer {
    pub(super) signing_key: PathBuf,
    pub(super) data: PathBuf,
    pub(super) access_token_seconds: u32,
    pub(super) refresh_token_days: u32,
}

impl Default for Issuer {
    fn default() -> Self {
        Self {
            signing_key: "data/signing-key.pem".into(),
            data: "data/tokens.db".into(),
            access_token_seconds: 600,
            refresh_token_days: 30,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Oidc {
    pub(super) issuer: Spanned<String>,
    pub(super) audience: String,
    #[serde(default = "default_user_claim")]
    pub(super) user_claim: String,
    #[serde(default = "default_client_claim")]
    pub(super) client_claim: String,
}

fn default_user_claim() -> String {
    "sub".to_owned()
}

fn default_client_claim() -> String {
    "client_id".to_owned()
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
