//! `platform.toml` as it is written, before its names are resolved. An unknown
//! key is an error: a misspelt grant must not look like a granted one.

use super::reference::ByReference;
use super::schema::{ActivityId, Method, ModuleName, Sha256};
use super::secret::{Credential, SecretReference};
use super::upstream::Loket;
use crate::authorization::UserKind;
use crate::egress::WrittenList;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::Spanned;
use url::Url;
use uuid::Uuid;

type Names = Vec<Spanned<String>>;

/// What koppel may do for whom. What is not in it is denied; an unknown key is
/// an error. Relative paths are relative to the folder of this file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "platform.toml of koppel", inline)]
pub(super) struct File {
    /// Where payroll data comes from, and where koppel keeps its files.
    pub(super) platform: Platform,
    /// Connectors and external applications, by name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Client>")]
    pub(super) clients: BTreeMap<String, Spanned<Client>>,
    /// Secrets that the host adds to requests, by name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Credential>")]
    pub(super) credentials: BTreeMap<String, Spanned<Credential>>,
    /// Modules (products) that are on: check 4.
    #[serde(default)]
    pub(super) modules: Modules,
    /// Rights (rechten): names for activities.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<ActivityId>>")]
    pub(super) rights: BTreeMap<String, Names>,
    /// Roles: the rights that a role may give at most (check 3).
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    pub(super) roles: BTreeMap<String, Names>,
    /// Teams: employers by name, for users.
    #[serde(default)]
    pub(super) teams: BTreeMap<String, Vec<Uuid>>,
    /// The users.
    #[serde(default)]
    #[schemars(with = "Vec<User>")]
    pub(super) users: Vec<Spanned<User>>,
    /// Which connector performs an activity for external applications.
    #[serde(default)]
    pub(super) connectors: Connectors,
    /// OCI registries of which something is to be known, by host and port.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, super::distribution::WrittenRegistry>")]
    pub(super) registries: BTreeMap<String, Spanned<super::distribution::WrittenRegistry>>,
    /// The REST API of koppel.
    #[schemars(with = "Option<Server>")]
    pub(super) server: Option<Spanned<Server>>,
    /// What raises an alarm.
    #[schemars(with = "Option<super::Alarms>")]
    pub(super) alarms: Option<Spanned<super::Alarms>>,
    /// What the host tells of itself.
    #[serde(default)]
    pub(super) telemetry: super::telemetry::WrittenTelemetry,
    /// The PostgreSQL database that hosts on several machines share.
    #[schemars(with = "Option<super::shared::WrittenStore>")]
    pub(super) store: Option<Spanned<super::shared::WrittenStore>>,
    /// Where runs wait.
    #[schemars(with = "Option<super::shared::WrittenQueue>")]
    pub(super) queue: Option<Spanned<super::shared::WrittenQueue>>,
    /// How long what is stored of people is kept.
    #[schemars(with = "Option<super::retention::WrittenRetention>")]
    pub(super) retention: Option<Spanned<super::retention::WrittenRetention>>,
    /// The keys that what is stored is encrypted with.
    #[schemars(with = "Option<super::encryption::WrittenEncryption>")]
    pub(super) encryption: Option<Spanned<super::encryption::WrittenEncryption>>,
    /// Limits of outside parties.
    #[serde(default)]
    #[schemars(with = "Vec<super::queue::WrittenParty>")]
    pub(super) parties: Vec<Spanned<super::queue::WrittenParty>>,
    /// When clients do something for employers.
    #[serde(default)]
    #[schemars(with = "Vec<super::queue::WrittenSchedule>")]
    pub(super) schedules: Vec<Spanned<super::queue::WrittenSchedule>>,
    /// Hashes of the passwords of users that were published, by id.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(super) passwords: BTreeMap<String, Spanned<String>>,
    /// The files that published rules name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, PathBuf>")]
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

/// Where payroll data comes from, and where koppel keeps its files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Platform {
    /// Where payroll data comes from. `embedded` is the default.
    #[schemars(with = "Option<Source>")]
    pub(super) source: Option<Spanned<Source>>,
    /// The SQLite file with payroll data, for `embedded`.
    #[serde(default = "default_data")]
    #[schemars(with = "ByReference<PathBuf>")]
    pub(super) data: PathBuf,
    /// The SQLite file of the ledger.
    #[serde(default = "default_ledger")]
    #[schemars(with = "ByReference<PathBuf>")]
    pub(super) ledger: PathBuf,
    /// The folder of compiled components.
    #[serde(default = "default_compiled")]
    #[schemars(with = "ByReference<PathBuf>")]
    pub(super) compiled: PathBuf,
    /// The folder of components that were pulled from registries.
    #[serde(default = "default_oci_cache")]
    #[schemars(with = "ByReference<PathBuf>")]
    pub(super) oci_cache: PathBuf,
    /// Whether a component is loaded only with a signature by a trusted key.
    #[schemars(with = "Option<super::distribution::Signatures>")]
    pub(super) signatures: Option<Spanned<super::distribution::Signatures>>,
    /// The public keys whose signatures are trusted (minisign): the key itself,
    /// or the path of its file.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) trusted_keys: Names,
    /// The SQLite file of the runs.
    #[serde(default = "default_runs")]
    #[schemars(with = "ByReference<PathBuf>")]
    pub(super) runs: PathBuf,
    /// The platform that payroll data comes from, for `loket`.
    #[schemars(with = "Option<Loket>")]
    pub(super) loket: Option<Spanned<Loket>>,
}

/// Where payroll data comes from.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
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

/// A connector (with `component`) or an external application (with
/// `application`), and what it may do.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Client {
    /// The file of the component of a connector.
    #[schemars(with = "Option<ByReference<PathBuf>>")]
    pub(super) component: Option<PathBuf>,
    /// The component of a connector in an OCI registry, instead of `component`:
    /// `HOST/NAME@sha256:DIGEST`.
    #[schemars(with = "Option<ByReference<String>>")]
    pub(super) oci: Option<Spanned<String>>,
    /// An application that calls the REST API.
    #[schemars(with = "Option<Application>")]
    pub(super) application: Option<Spanned<Application>>,
    /// The SHA-256 that the file must have. Without it, whatever lies there is
    /// loaded if its imports are granted.
    #[schemars(with = "Option<ByReference<Sha256>>")]
    pub(super) sha256: Option<Spanned<String>>,
    /// What it may do: check 1.
    #[serde(default)]
    #[schemars(with = "Vec<ActivityId>")]
    pub(super) activities: Names,
    /// Rules for outside requests. What no rule allows is denied.
    #[serde(default)]
    #[schemars(with = "Vec<Http>")]
    pub(super) http: Vec<Spanned<Http>>,
    /// Its folder for export files.
    #[schemars(with = "Option<Exports>")]
    pub(super) exports: Option<Spanned<Exports>>,
    /// For the connector, which gets it as JSON. No secrets.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub(super) settings: Option<Spanned<toml::Table>>,
    /// The limits of its runs.
    #[schemars(with = "Option<crate::sandbox::Limits>")]
    pub(super) limits: Option<Spanned<crate::sandbox::Limits>>,
    /// How long answers of its look-ups are kept.
    #[schemars(with = "Option<super::Cache>")]
    pub(super) cache: Option<Spanned<super::Cache>>,
    /// How often its runs from the queue are tried.
    #[schemars(with = "Option<super::Retry>")]
    pub(super) retry: Option<Spanned<super::Retry>>,
    /// How many of its runs may be under way at a time.
    #[schemars(with = "Option<std::num::NonZeroU32>")]
    pub(super) concurrency: Option<Spanned<u32>>,
    /// How many instances are kept ready for its next calls, at most 32 of all
    /// clients together.
    #[schemars(with = "Option<u32>")]
    pub(super) ready: Option<Spanned<u32>>,
}

/// An application that calls the REST API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Application {
    /// Its identifier in the paths of the API.
    pub(super) id: Uuid,
    /// Where a user may be sent back to, compared exactly.
    #[serde(default)]
    #[schemars(with = "Vec<Url>")]
    pub(super) redirect_uris: Names,
    /// Where its secret is; without, it is a public client.
    pub(super) secret: Option<SecretReference>,
}

/// A rule for outside requests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Http {
    /// A URL. A path that ends in `/*` allows all below it; a part such as
    /// `{number}` stands for one part, which `path` describes.
    pub(super) allow: String,
    /// The methods that are allowed.
    #[schemars(with = "Vec<Method>")]
    pub(super) methods: Vec<String>,
    /// The activity that such a request is. The client must have it too.
    #[schemars(with = "ActivityId")]
    pub(super) activity: Spanned<String>,
    /// The name of a credential that the host adds.
    #[schemars(with = "Option<String>")]
    pub(super) credential: Option<Spanned<String>>,
    /// Lets the host of this rule have private, shared or loopback addresses.
    #[serde(default)]
    pub(super) allow_private_addresses: bool,
    /// A file with certificate authorities (PEM) that are trusted for this rule
    /// instead of those of the operating system.
    #[schemars(with = "Option<PathBuf>")]
    pub(super) trusted_roots: Option<Spanned<PathBuf>>,
    /// Says that the party knows a request again that it had, and does not do it
    /// twice.
    #[serde(default)]
    pub(super) repeatable: bool,
    /// The same, for parties that know a request by a header, such as
    /// `Idempotency-Key`.
    pub(super) idempotency: Option<String>,
    /// Tells the party which trace a request belongs to (`traceparent`).
    #[serde(default)]
    pub(super) trace_context: bool,
    /// Patterns of the `{…}` parts of `allow`.
    pub(super) path: Option<WrittenList>,
    /// Patterns of the parameters of the query. Others may not leave.
    pub(super) query: Option<WrittenList>,
    /// Patterns of headers. Others may not leave.
    pub(super) headers: Option<WrittenList>,
    /// Patterns of the fields of a JSON body, by JSON pointer. Others may not
    /// leave.
    pub(super) json: Option<WrittenList>,
}

/// A folder for export files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Exports {
    /// Where its files go; made if need be.
    pub(super) directory: PathBuf,
    /// How many bytes all files in it may take together.
    pub(super) quota_bytes: u64,
    /// The activity that writing a file is. The client must have it too.
    #[schemars(with = "ActivityId")]
    pub(super) activity: Spanned<String>,
}

/// Modules (products) that are on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Modules {
    /// For all employers of a provider.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Uuid, Vec<ModuleName>>")]
    pub(super) provider: BTreeMap<Uuid, Names>,
    /// For one employer.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Uuid, Vec<ModuleName>>")]
    pub(super) employer: BTreeMap<Uuid, Names>,
}

/// A user.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct User {
    /// What `--user` names.
    pub(super) id: String,
    /// For people.
    #[serde(default)]
    pub(super) name: String,
    /// Where the user works.
    pub(super) kind: UserKind,
    /// The provider, of a user of kind `provider`.
    pub(super) provider: Option<Uuid>,
    /// The role: check 3.
    #[schemars(with = "String")]
    pub(super) role: Spanned<String>,
    /// Rights for every employer without an entry in `employer-rights`: check 2.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) rights: Names,
    /// By employer: rights that hold there instead of `rights`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Uuid, Vec<String>>")]
    pub(super) employer_rights: BTreeMap<Uuid, Names>,
    /// The employers that the user may access: check 5.
    #[serde(default)]
    pub(super) employers: Employers,
    /// Teams whose employers are added.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) teams: Names,
    /// A blocked user may do nothing.
    #[serde(default)]
    pub(super) blocked: bool,
    /// The hash of the password, as `koppel password` makes it.
    #[schemars(with = "Option<String>")]
    pub(super) password_hash: Option<Spanned<String>>,
}

/// Which connector performs an activity when an external application asks for
/// it: by activity, per provider or employer.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Connectors {
    /// For all employers of a provider.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Uuid, BTreeMap<String, String>>")]
    pub(super) provider: BTreeMap<Uuid, ByActivity>,
    /// For one employer, before those of its provider.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Uuid, BTreeMap<String, String>>")]
    pub(super) employer: BTreeMap<Uuid, ByActivity>,
}

pub(super) type ByActivity = BTreeMap<Spanned<String>, Spanned<String>>;

/// The REST API of koppel.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Server {
    /// The address that it listens on.
    #[serde(default = "default_listen")]
    #[schemars(with = "ByReference<SocketAddr>")]
    pub(super) listen: SocketAddr,
    /// How it is reached from outside: scheme, host and port.
    #[schemars(with = "Option<ByReference<Url>>")]
    pub(super) public_url: Option<Spanned<Url>>,
    /// The certificate, if it speaks TLS itself.
    pub(super) tls: Option<Tls>,
    /// koppel issues tokens for its own users.
    #[schemars(with = "Option<Issuer>")]
    pub(super) issuer: Option<Spanned<Issuer>>,
    /// An OpenID Connect provider issues tokens.
    #[schemars(with = "Option<Oidc>")]
    pub(super) oidc: Option<Spanned<Oidc>>,
    /// The web console.
    #[schemars(with = "Option<Console>")]
    pub(super) console: Option<Spanned<Console>>,
    /// How long it goes on when the process is to end, before it takes no more
    /// requests, in seconds, 0 to 300.
    #[serde(default = "default_notice")]
    #[schemars(with = "u32")]
    pub(super) notice_seconds: Spanned<u32>,
}

/// The web console.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Console {
    /// The client that it acts as.
    #[schemars(with = "String")]
    pub(super) application: Spanned<String>,
    /// How long a login lasts, in minutes.
    #[serde(default = "default_session_minutes")]
    pub(super) session_minutes: u32,
    /// What an OpenID Connect provider knows it as.
    pub(super) client_id: Option<String>,
    /// Where its secret there is.
    pub(super) client_secret: Option<SecretReference>,
}

fn default_session_minutes() -> u32 {
    480
}

fn default_notice() -> Spanned<u32> {
    Spanned::new(0..0, 5)
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

/// The certificate of the server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tls {
    /// The file of the certificate chain, PEM.
    #[schemars(with = "ByReference<PathBuf>")]
    pub(super) certificate: PathBuf,
    /// The file of the private key, PEM.
    #[schemars(with = "ByReference<PathBuf>")]
    pub(super) private_key: PathBuf,
}

/// koppel issues tokens for its own users.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Issuer {
    /// The file of the private key that signs tokens, PEM; made if need be.
    #[schemars(with = "ByReference<PathBuf>")]
    pub(super) signing_key: PathBuf,
    /// The SQLite file of authorization codes and refresh tokens.
    #[schemars(with = "ByReference<PathBuf>")]
    pub(super) data: PathBuf,
    /// How long an access token is good for, 10 to 86400.
    #[schemars(range(min = 10, max = 86_400))]
    pub(super) access_token_seconds: u32,
    /// How long a refresh token is good for, 1 to 3650.
    #[schemars(range(min = 1, max = 3_650))]
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

/// An OpenID Connect provider issues tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Oidc {
    /// Its issuer identifier, exactly as in the tokens.
    #[schemars(with = "ByReference<Url>")]
    pub(super) issuer: Spanned<String>,
    /// The audience that a token must be for.
    #[schemars(with = "ByReference<String>")]
    pub(super) audience: String,
    /// The claim that holds the id of the user.
    #[serde(default = "default_user_claim")]
    pub(super) user_claim: String,
    /// The claim that holds the name or id of the application.
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
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "\"all\" or a list of employer ids (UUIDs)")]
pub(super) enum Employers {
    /// All employers of the provider of the user.
    All(All),
    /// These employers.
    These(Vec<Uuid>),
}

/// The word `all`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum All {
    All,
}

impl Default for Employers {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}
