//! Access tokens of an OpenID Connect provider, verified with the keys that it
//! publishes (OpenID Connect Discovery 1.0, RFC 7517).

use super::tokens::{decode, header, rules};
use super::{Principal, TokenError};
use crate::config::Oidc as Settings;
use anyhow::{Context, bail, ensure};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Header};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long the keys are used before they are fetched again: a key that the
/// provider took away is refused after at most this long.
const FRESH: Duration = Duration::from_secs(300);

/// How long after an attempt to fetch the keys another one may follow,
/// whatever tokens come in.
const PAUSE: Duration = Duration::from_secs(1);

/// The largest document of the provider, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The difference that the clock of the provider may have, in seconds.
const LEEWAY: u64 = 30;

/// Verifies the tokens of one provider.
pub(crate) struct Oidc {
    settings: Settings,
    http: reqwest::Client,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    set: Arc<JwkSet>,
    /// When the set was fetched.
    fetched: Option<Instant>,
    /// When fetching was tried last.
    tried: Option<Instant>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Oidc {
    pub(crate) fn new(settings: Settings, tls: rustls::ClientConfig) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self {
            settings,
            http,
            keys: Mutex::default(),
        })
    }

    /// Verifies a token and says whose it is.
    ///
    /// # Errors
    ///
    /// Why it is not good, or that the provider cannot be asked for its keys.
    pub(crate) async fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        let header = header(token)?;
        let key = self.key(&header).await?;
        let rules = rules(
            &self.settings.issuer,
            &self.settings.audience,
            &[header.alg],
            LEEWAY,
        );
        let claims: Map<String, Value> = decode(token, &key, &rules)?;
        let text = |claim: &str| {
            claims
                .get(claim)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(ToOwned::to_owned)
        };
        Ok(Principal {
            client: text(&self.settings.client_claim)
                .ok_or("the token does not say which application it was issued to")?,
            user: text(&self.settings.user_claim).ok_or("the token does not say whose it is")?,
        })
    }

    /// The key that a token says it was signed with. An unknown one may be
    /// new, so the keys are fetched again.
    async fn key(&self, header: &Header) -> Result<DecodingKey, TokenError> {
        for newest in [false, true] {
            let set = self.keys(newest).await.map_err(|error| {
                tracing::warn!(
                    issuer = self.settings.issuer,
                    error = format!("{error:#}"),
                    "the keys of the OpenID Connect provider cannot be fetched"
                );
                TokenError::Unavailable
            })?;
            if let Some(key) = find(&set, header) {
                return DecodingKey::from_jwk(key)
                    .map_err(|_| "the key of the token cannot be used".into());
            }
        }
        Err("the token was signed with a key that its issuer does not publish".into())
    }

    async fn keys(&self, newest: bool) -> anyhow::Result<Arc<JwkSet>> {
        // Held while fetching: whoever comes meanwhile waits for the same.
        let mut keys = self.keys.lock().await;
        let within = |moment: Option<Instant>, age| moment.is_some_and(|at| at.elapsed() < age);
        if within(keys.fetched, FRESH) && (!newest || within(keys.tried, PAUSE)) {
            return Ok(keys.set.clone());
        }
        if within(keys.tried, PAUSE) {
            bail!("the last attempt failed, and the next one waits a little");
        }
        keys.tried = Some(Instant::now());
        let set = self.fetch().await?;
        *keys = Keys {
            set: Arc::new(set),
            fetched: Some(Instant::now()),
            tried: keys.tried,
        };
        Ok(keys.set.clone())
    }

    async fn fetch(&self) -> anyhow::Result<JwkSet> {
        let issuer = &self.settings.issuer;
        let at = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let discovery: Discovery = self.get(&at).await?;
        // Discovery, section 4.3: else anyone could speak for anyone.
        ensure!(
            discovery.issuer == *issuer,
            "{at} is of issuer {:?}, not {issuer:?}",
            discovery.issuer
        );
        ensure!(
            discovery.jwks_uri.starts_with("https://") || issuer.starts_with("http://"),
            "jwks_uri {:?} is not https",
            discovery.jwks_uri
        );
        self.get(&discovery.jwks_uri).await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> anyhow::Result<T> {
        let mut response = self
            .http
            .get(url)
            .send()
            .await
            .with_context(|| url.to_owned())?;
        ensure!(
            response.status() == http::StatusCode::OK,
            "{url} answers {}",
            response.status()
        );
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            ensure!(
                body.len() <= MAX_BYTES,
                "{url} is larger than {MAX_BYTES} bytes"
            );
        }
        serde_json::from_slice(&body).with_context(|| url.to_owned())
    }
}

/// The key for a token: by its name, for signatures, and for the algorithm of
/// the token. Without a name, the only one that fits.
fn find<'a>(set: &'a JwkSet, header: &Header) -> Option<&'a Jwk> {
    let mut fitting = set.keys.iter().filter(|key| {
        let named = header.kid.is_none() || key.common.key_id == header.kid;
        let signs = matches!(
            key.common.public_key_use,
            None | Some(PublicKeyUse::Signature)
        );
        let algorithm = key
            .common
            .key_algorithm
            .is_none_or(|algorithm| Algorithm::try_from(algorithm).is_ok_and(|a| a == header.alg));
        named && signs && algorithm && family(key) == Some(header.alg.family())
    });
    let first = fitting.next()?;
    (header.kid.is_some() || fitting.next().is_none()).then_some(first)
}

/// The kind of signature that a key is for; none for one that is of no use.
fn family(key: &Jwk) -> Option<AlgorithmFamily> {
    DecodingKey::from_jwk(key)
        .ok()
        .map(|key| key.family())
        .filter(|family| *family != AlgorithmFamily::Hmac)
}
