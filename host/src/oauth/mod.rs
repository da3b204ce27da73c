//! Who calls the REST API: OAuth 2.0 for one machine.
//!
//! Either koppel issues the tokens itself (`Issuer`): a user logs in on a
//! page of koppel, and an application gets an access token and refresh tokens
//! by the authorization code flow with PKCE (RFC 6749, 7636, 9068 and 9700).
//! Or an OpenID Connect provider does, and koppel verifies its tokens.
//!
//! A token only says who someone is. What they may do is asked of the
//! configuration, on every call.
//!
//! The endpoints are written on `jsonwebtoken`, `argon2` and `askama`. The
//! library for all of it, `oxide-auth`, was not chosen: it has no rotation of
//! refresh tokens with detection of reuse, keeps its state behind synchronous
//! `&mut` traits, and its tokens are not RFC 9068's; what is left of it then
//! is the reading of a few parameters.

mod authorize;
mod console;
mod cookies;
mod crypto;
mod keys;
mod metadata;
mod oidc;
mod pages;
mod parameters;
pub mod password;
mod sealed;
mod store;
mod throttle;
mod token;
mod tokens;

use crate::config::{self, Live, Server, Tokens};
use crate::ledger::Redactor;
use axum::Router;
use axum::routing::{get, post};
pub(crate) use console::{Attempt, LoginFault, Logins};
pub(crate) use cookies::Cookie;
use keys::SigningKey;
use oidc::Oidc;
pub(crate) use parameters::Parameters;
use ring::rand::{SecureRandom, SystemRandom};
pub(crate) use sealed::Seal;
use std::sync::Arc;
use store::Store;
use throttle::Throttle;

/// Who is calling: what a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The application: its name, or, from a provider, its id.
    pub client: String,
    /// The id of the user.
    pub user: String,
}

/// Why a token is not accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is not good; why, for the caller.
    #[error("{0}")]
    Invalid(&'static str),
    /// It cannot be verified now.
    #[error("the token cannot be verified now")]
    Unavailable,
}

impl From<&'static str> for TokenError {
    fn from(why: &'static str) -> Self {
        Self::Invalid(why)
    }
}

/// Verifies the tokens of callers.
#[derive(Clone)]
pub struct Authenticator(Arc<Source>);

enum Source {
    Issuer(Arc<Issuer>),
    Oidc(Arc<Oidc>),
}

impl Authenticator {
    /// Prepares what `[server]` says. `tls` is for the provider, if there is one.
    ///
    /// # Errors
    ///
    /// When the signing key or the database of the issuer cannot be opened or
    /// made. In words for the operator.
    pub fn new(
        server: &Server,
        live: Live,
        redactor: Redactor,
        tls: rustls::ClientConfig,
    ) -> anyhow::Result<Self> {
        crypto::install();
        let source = match &server.tokens {
            Tokens::Issuer(settings) => {
                let issuer = Issuer::open(server, settings.clone(), live, redactor)?;
                Source::Issuer(Arc::new(issuer))
            }
            Tokens::Oidc(settings) => Source::Oidc(Arc::new(Oidc::new(settings.clone(), tls)?)),
        };
        Ok(Self(Arc::new(source)))
    }

    /// Says whose a token is.
    ///
    /// # Errors
    ///
    /// See [`TokenError`].
    pub async fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        match self.0.as_ref() {
            Source::Issuer(issuer) => issuer.verify(token).await,
            Source::Oidc(oidc) => oidc.verify(token).await,
        }
    }

    /// How people log in to the console of this server, if it has one.
    pub(crate) fn logins(&self, server: &Server, live: Live, redactor: Redactor) -> Option<Logins> {
        let console = server.console.as_ref()?;
        let way = match self.0.as_ref() {
            Source::Issuer(issuer) => console::Way::Issuer(issuer.clone()),
            Source::Oidc(oidc) => console::Way::Provider {
                oidc: oidc.clone(),
                registration: console.registration.clone()?,
                redactor,
            },
        };
        Some(Logins {
            application: console.application.clone(),
            redirect_uri: server.console_callback(),
            live,
            way,
        })
    }

    /// The endpoints of the issuer; none with a provider.
    pub fn routes(&self) -> Router {
        match self.0.as_ref() {
            Source::Issuer(issuer) => Router::new()
                .route(
                    "/oauth/authorize",
                    get(authorize::show).post(authorize::log_in),
                )
                .route("/oauth/token", post(token::token))
                .route("/oauth/revoke", post(token::revoke))
                .route("/oauth/jwks", get(metadata::jwks))
                .route(
                    "/.well-known/oauth-authorization-server",
                    get(metadata::metadata),
                )
                .with_state(issuer.clone()),
            Source::Oidc(_) => Router::new(),
        }
    }
}

/// koppel as an issuer of tokens for its own users.
struct Issuer {
    server: Server,
    settings: config::Issuer,
    /// Who tokens are for: the REST API.
    audience: String,
    live: Live,
    redactor: Redactor,
    key: SigningKey,
    store: Store,
    throttle: Throttle,
    /// Ties a login form to the browser that it was made for. New with each
    /// start: a form does not outlive it.
    forms: Seal,
}

impl Issuer {
    fn open(
        server: &Server,
        settings: config::Issuer,
        live: Live,
        redactor: Redactor,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            audience: server.url("/v2"),
            key: SigningKey::open(&settings.signing_key).map_err(anyhow::Error::msg)?,
            store: Store::open(&settings.data).map_err(anyhow::Error::msg)?,
            server: server.clone(),
            settings,
            live,
            redactor,
            throttle: Throttle::new(),
            forms: Seal::new()?,
        })
    }

    /// Whether this is the application of the console, on its way back there.
    fn is_console(&self, client: &str, redirect_uri: &str) -> bool {
        let console = self.server.console.as_ref();
        console.is_some_and(|console| console.application == client)
            && self.server.console_callback() == redirect_uri
    }

    /// The issuer identifier (RFC 8414): the URL of the server.
    fn identifier(&self) -> String {
        self.server.url("")
    }

    async fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        let claims = tokens::verify(&self.key, &self.identifier(), &self.audience, token)?;
        match self.store.is_live(claims.sid).await {
            Ok(true) => Ok(Principal {
                client: claims.client_id,
                user: claims.sub,
            }),
            Ok(false) => Err("the login that the token came of has ended".into()),
            Err(error) => {
                tracing::error!(%error, "a token cannot be verified");
                Err(TokenError::Unavailable)
            }
        }
    }
}

/// Whether a user may log in now: has a password and is not blocked.
fn may_log_in(live: &Live, user: &str) -> bool {
    live.with(|config| {
        config.passwords.contains_key(user)
            && config
                .grants
                .users
                .get(user)
                .is_some_and(|user| !user.blocked)
    })
}

/// `N` random bytes as text.
pub(crate) fn random<const N: usize>() -> Result<String, String> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|error| format!("there is no randomness: {error}"))?;
    Ok(base64url(&bytes))
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
