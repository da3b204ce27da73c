//! Access tokens of an OpenID Connect provider, verified with the keys that it
//! publishes (OpenID Connect Discovery 1.0, RFC 7517).

use super::console::LoginFault;
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
    published: Arc<Published>,
    /// When they were fetched.
    fetched: Option<Instant>,
    /// When fetching was tried last.
    tried: Option<Instant>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
}

/// What the provider publishes of itself.
struct Published {
    set: JwkSet,
    authorize: Option<String>,
    token: Option<String>,
}

impl Default for Published {
    fn default() -> Self {
        Self {
            set: JwkSet { keys: Vec::new() },
            authorize: None,
            token: None,
        }
    }
}

/// Where people log in at the provider, and where their codes are exchanged.
pub(crate) struct Places {
    pub(crate) authorize: String,
    token: String,
}

/// The answer to a code (OpenID Connect Core 1.0, section 3.1.3.3).
#[derive(Deserialize)]
struct Exchanged {
    id_token: String,
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
        let claims = self.claims(token, &self.settings.audience).await?;
        Ok(Principal {
            client: text(&claims, &self.settings.client_claim)
                .ok_or("the token does not say which application it was issued to")?,
            user: text(&claims, &self.settings.user_claim)
                .ok_or("the token does not say whose it is")?,
        })
    }

    async fn claims(&self, token: &str, audience: &str) -> Result<Map<String, Value>, TokenError> {
        let header = header(token)?;
        let key = self.key(&header).await?;
        let rules = rules(&self.settings.issuer, audience, &[header.alg], LEEWAY);
        Ok(decode(token, &key, &rules)?)
    }

    /// Says who logged in: verifies an ID token that was asked for with this
    /// nonce (OpenID Connect Core 1.0, section 3.1.3.7).
    ///
    /// # Errors
    ///
    /// As for [`Oidc::verify`].
    pub(crate) async fn identify(
        &self,
        token: &str,
        client: &str,
        nonce: &str,
    ) -> Result<String, TokenError> {
        let claims = self.claims(token, client).await?;
        if text(&claims, "nonce").as_deref() != Some(nonce) {
            return Err("the ID token is of another attempt to log in".into());
        }
        // It may be for others as well, but must have been issued to us.
        if text(&claims, "azp").is_some_and(|party| party != client) {
            return Err("the ID token was issued to another application".into());
        }
        let user = text(&claims, &self.settings.user_claim);
        Ok(user.ok_or("the ID token does not say whose it is")?)
    }

    /// Where people log in.
    ///
    /// # Errors
    ///
    /// When the provider cannot be asked, or does not say.
    pub(crate) async fn places(&self) -> anyhow::Result<Places> {
        let published = self.published(false).await?;
        let place = |place: &Option<String>, name: &str| {
            let issuer = &self.settings.issuer;
            let url = place
                .clone()
                .with_context(|| format!("{issuer} publishes no {name}"))?;
            self.safe(&url, name)?;
            anyhow::Ok(url)
        };
        Ok(Places {
            authorize: place(&published.authorize, "authorization_endpoint")?,
            token: place(&published.token, "token_endpoint")?,
        })
    }

    /// Exchanges a code for an ID token.
    ///
    /// # Errors
    ///
    /// What the provider has against it, or that it cannot be asked.
    pub(crate) async fn exchange(
        &self,
        client: &str,
        secret: Option<&[u8]>,
        form: &[(&str, &str)],
    ) -> Result<String, LoginFault> {
        let places = self.places().await.map_err(LoginFault::Unavailable)?;
        let mut form = form.to_vec();
        let mut request = self.http.post(&places.token);
        match secret {
            Some(secret) => {
                // RFC 6749, section 2.3.1: form-encoded first.
                let encode = |bytes: &[u8]| url::form_urlencoded::byte_serialize(bytes).collect();
                let (name, word): (String, String) = (encode(client.as_bytes()), encode(secret));
                request = request.basic_auth(name, Some(word));
            }
            None => {
                form.push(("client_id", client));
            }
        }
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = request
            .header(
                http::header::CONTENT_TYPE,
                "application/x-www-form-urlencoded",
            )
            .body(body);
        let unavailable = |error: anyhow::Error| LoginFault::Unavailable(error);
        let response = request
            .send()
            .await
            .with_context(|| places.token.clone())
            .map_err(unavailable)?;
        let status = response.status();
        if status.is_client_error() {
            // Its body may hold anything; the status has to do.
            return Err(LoginFault::Refused(format!(
                "the provider refused the code of this login ({status})"
            )));
        }
        if status != http::StatusCode::OK {
            let error = anyhow::anyhow!("{} answers {status}", places.token);
            return Err(unavailable(error));
        }
        let exchanged: Exchanged = read(response, &places.token).await.map_err(unavailable)?;
        Ok(exchanged.id_token)
    }

    /// Refuses what could be read on the way.
    fn safe(&self, url: &str, name: &str) -> anyhow::Result<()> {
        ensure!(
            url.starts_with("https://") || self.settings.issuer.starts_with("http://"),
            "{name} {url:?} is not https"
        );
        Ok(())
    }

    /// The key that a token says it was signed with. An unknown one may be
    /// new, so the keys are fetched again.
    async fn key(&self, header: &Header) -> Result<DecodingKey, TokenError> {
        for newest in [false, true] {
            let published = self.published(newest).await.map_err(|error| {
                tracing::warn!(
                    issuer = self.settings.issuer,
                    error = format!("{error:#}"),
                    "the keys of the OpenID Connect provider cannot be fetched"
                );
                TokenError::Unavailable
            })?;
            if let Some(key) = find(&published.set, header) {
                return DecodingKey::from_jwk(key)
                    .map_err(|_| "the key of the token cannot be used".into());
            }
        }
        Err("the token was signed with a key that its issuer does not publish".into())
    }

    async fn published(&self, newest: bool) -> anyhow::Result<Arc<Published>> {
        // Held while fetching: whoever comes meanwhile waits for the same.
        let mut keys = self.keys.lock().await;
        let within = |moment: Option<Instant>, age| moment.is_some_and(|at| at.elapsed() < age);
        if within(keys.fetched, FRESH) && (!newest || within(keys.tried, PAUSE)) {
            return Ok(keys.published.clone());
        }
        if within(keys.tried, PAUSE) {
            bail!("the last attempt failed, and the next one waits a little");
        }
        keys.tried = Some(Instant::now());
        let published = self.fetch().await?;
        *keys = Keys {
            published: Arc::new(published),
            fetched: Some(Instant::now()),
            tried: keys.tried,
        };
        Ok(keys.published.clone())
    }

    async fn fetch(&self) -> anyhow::Result<Published> {
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
        self.safe(&discovery.jwks_uri, "jwks_uri")?;
        Ok(Published {
            set: self.get(&discovery.jwks_uri).await?,
            authorize: discovery.authorization_endpoint,
            token: discovery.token_endpoint,
        })
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> anyhow::Result<T> {
        let response = self
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
        read(response, url).await
    }
}

async fn read<T: serde::de::DeserializeOwned>(
    mut response: reqwest::Response,
    url: &str,
) -> anyhow::Result<T> {
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

/// A claim that is a text, if there is one in it.
fn text(claims: &Map<String, Value>, claim: &str) -> Option<String> {
    claims
        .get(claim)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(ToOwned::to_owned)
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
