//! `[platform.loket]`: the platform that payroll data comes from when
//! `source = "loket"`.

use super::SecretReference;
use super::raw::Source;
use super::reference::ByReference;
use serde::Deserialize;
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use url::{Host, Url};
use uuid::Uuid;

/// What is wrong, and where in the file.
type Faults = Vec<(Range<usize>, String)>;

/// A platform with Loket's REST API v2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Where its API is, with the version: `https://api.loket.nl/v2`.
    pub base_url: Url,
    /// Where access tokens come from.
    pub token_url: Url,
    /// The client id that the platform gave to koppel.
    pub client_id: String,
    /// The secret that goes with it.
    pub client_secret: SecretReference,
    /// The refresh token that koppel starts from.
    pub refresh_token: SecretReference,
    /// Where koppel keeps the newest refresh token.
    pub token_file: PathBuf,
    /// The SQLite file that holds which run has which journal run.
    pub claims: PathBuf,
    /// The provider whose user authorized koppel.
    pub provider: Uuid,
    /// The version of the resources that is asked for.
    pub version: String,
    /// How many requests are sent in a second at most.
    pub requests_per_second: NonZeroU32,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long a request is repeated while the platform is busy.
    pub retry: Duration,
    /// The bytes that the body of a reply may have.
    pub response_bytes: usize,
}

/// A platform with Loket's REST API v2 that payroll data comes from.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Loket {
    /// Where its API is, with the version.
    #[schemars(with = "ByReference<Url>")]
    base_url: Spanned<Url>,
    /// Where access tokens come from.
    #[schemars(with = "ByReference<Url>")]
    token_url: Spanned<Url>,
    /// What the platform gave to koppel.
    #[schemars(with = "ByReference<String>")]
    client_id: String,
    /// Where the secret is that goes with it.
    client_secret: SecretReference,
    /// Where the refresh token is to start from.
    refresh_token: SecretReference,
    /// Where koppel keeps the newest refresh token; made if need be.
    #[schemars(with = "ByReference<PathBuf>")]
    token_file: PathBuf,
    /// The SQLite file that holds which run has which journal run; made if need
    /// be.
    #[serde(default = "default_claims")]
    #[schemars(with = "ByReference<PathBuf>")]
    claims: PathBuf,
    /// The provider of the user who authorized koppel.
    provider: Uuid,
    /// The version of the resources that is asked for, a date.
    #[serde(default = "default_version")]
    #[schemars(with = "String")]
    version: Spanned<String>,
    /// How many requests are sent in a second at most.
    #[serde(default = "default_requests_per_second")]
    #[schemars(with = "ByReference<NonZeroU32>")]
    requests_per_second: NonZeroU32,
    /// Milliseconds that one request may take.
    #[serde(default = "default_timeout_ms")]
    timeout_ms: u64,
    /// Milliseconds that a request is repeated while the platform is busy.
    #[serde(default = "default_retry_ms")]
    retry_ms: u64,
    /// Bytes of the body of a reply.
    #[serde(default = "default_response_bytes")]
    response_bytes: usize,
}

fn default_claims() -> PathBuf {
    "data/claims.db".into()
}

fn default_version() -> Spanned<String> {
    Spanned::new(0..0, crate::wire::RESOURCE_VERSION.to_owned())
}

fn default_requests_per_second() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(9)
}

fn default_timeout_ms() -> u64 {
    10_000
}

fn default_retry_ms() -> u64 {
    15_000
}

fn default_response_bytes() -> usize {
    10 << 20
}

impl Loket {
    /// Checks what is written. Relative paths are relative to `base`.
    ///
    /// # Errors
    ///
    /// Every fault with the span that it is about.
    fn resolve(self, base: &Path) -> Result<Upstream, Faults> {
        let mut faults = Vec::new();
        for (key, url) in [("base-url", &self.base_url), ("token-url", &self.token_url)] {
            faults.extend(wrong(key, url.get_ref()).map(|text| (url.span(), text)));
        }
        if self.version.get_ref().parse::<jiff::civil::Date>().is_err() {
            let text = format!(
                "version \"{}\" must be a date, such as \"{}\"",
                self.version.get_ref(),
                crate::wire::RESOURCE_VERSION
            );
            faults.push((self.version.span(), text));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Upstream {
            base_url: self.base_url.into_inner(),
            token_url: self.token_url.into_inner(),
            client_id: self.client_id,
            client_secret: self.client_secret.within(base),
            refresh_token: self.refresh_token.within(base),
            token_file: base.join(self.token_file),
            claims: base.join(self.claims),
            provider: self.provider,
            version: self.version.into_inner(),
            requests_per_second: self.requests_per_second,
            timeout: Duration::from_millis(self.timeout_ms),
            retry: Duration::from_millis(self.retry_ms),
            response_bytes: self.response_bytes,
        })
    }
}

/// The upstream, if it is the source of payroll data.
///
/// # Errors
///
/// Every fault with the span that it is about.
pub(super) fn choose(
    source: Option<Spanned<Source>>,
    loket: Option<Spanned<Loket>>,
    base: &Path,
) -> Result<Option<Upstream>, Faults> {
    let span = source.as_ref().map_or(0..0, Spanned::span);
    let chosen = source.map(Spanned::into_inner).unwrap_or_default();
    match (chosen, loket) {
        (Source::Embedded, None) => Ok(None),
        (Source::Embedded, Some(loket)) => Err(vec![(
            loket.span(),
            "[platform.loket] is not used: set `source = \"loket\"` under [platform], or remove it"
                .to_owned(),
        )]),
        (Source::Loket, None) => Err(vec![(
            span,
            "source \"loket\" needs [platform.loket] with base-url, token-url, client-id, \
             client-secret, refresh-token, token-file and provider"
                .to_owned(),
        )]),
        (Source::Loket, Some(loket)) => loket.into_inner().resolve(base).map(Some),
    }
}

/// What is wrong with a URL that secrets are sent to.
fn wrong(key: &str, url: &Url) -> Option<String> {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Some(format!(
            "{key} must be https: the access token goes over it (http is for a loopback address)"
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some(format!(
            "{key} may not hold a user name or password; secrets are references"
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some(format!("{key} may have no query and no fragment"));
    }
    None
}
