//! How people log in to the console: by the pages of koppel itself, or at an
//! OpenID Connect provider. In both cases by the authorization code flow with
//! PKCE, of which the console is the client (OpenID Connect Core 1.0, section
//! 3.1; RFC 7636).

use super::oidc::Oidc;
use super::store::GrantError;
use super::{Issuer, TokenError, base64url, random};
use crate::config::{Live, Registration};
use crate::ledger::Redactor;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// How people log in to the console.
pub(crate) struct Logins {
    pub(super) application: String,
    pub(super) redirect_uri: String,
    pub(super) live: Live,
    pub(super) way: Way,
}

/// Who says who somebody is.
pub(super) enum Way {
    Issuer(Arc<Issuer>),
    Provider {
        oidc: Arc<Oidc>,
        registration: Registration,
        redactor: Redactor,
    },
}

/// An attempt to log in, which the browser carries meanwhile.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// Comes back with the code, so that it is known for which attempt.
    pub(crate) state: String,
    verifier: String,
    nonce: String,
    /// Where to go afterwards: a path.
    pub(crate) next: String,
}

impl Attempt {
    /// A new one.
    ///
    /// # Errors
    ///
    /// When there is no randomness.
    pub(crate) fn new(next: String) -> Result<Self, String> {
        Ok(Self {
            state: random::<16>()?,
            verifier: random::<32>()?,
            nonce: random::<16>()?,
            next,
        })
    }
}

/// Who logged in.
#[derive(Debug)]
pub(crate) struct LoggedIn {
    /// The id of the user.
    pub(crate) user: String,
    /// The login at koppel's own issuer, with which it ends.
    pub(crate) login: Option<Uuid>,
}

/// Why somebody is not logged in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginFault {
    /// What came back is not good. For the user, in words.
    #[error("{0}")]
    Refused(String),
    /// It cannot be found out now. For the log.
    #[error("{0:#}")]
    Unavailable(anyhow::Error),
}

impl From<GrantError> for LoginFault {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::Invalid(why) => Self::Refused(why.to_owned()),
            GrantError::Store(why) => Self::Unavailable(anyhow::anyhow!(why)),
        }
    }
}

impl From<TokenError> for LoginFault {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid(why) => Self::Refused(why.to_owned()),
            TokenError::Unavailable => Self::Unavailable(error.into()),
        }
    }
}

impl Logins {
    /// The application that the console acts as.
    pub(crate) fn application(&self) -> &str {
        &self.application
    }

    /// Where a browser is sent to log in.
    ///
    /// # Errors
    ///
    /// When the provider cannot be asked where that is.
    pub(crate) async fn begin(&self, attempt: &Attempt) -> Result<String, LoginFault> {
        let (at, client) = match &self.way {
            Way::Issuer(issuer) => (issuer.server.url("/oauth/authorize"), &self.application),
            Way::Provider {
                oidc, registration, ..
            } => {
                let places = oidc.places().await.map_err(LoginFault::Unavailable)?;
                (places.authorize, &registration.client_id)
            }
        };
        let mut url = Url::parse(&at).map_err(|error| LoginFault::Unavailable(error.into()))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("state", &attempt.state)
            .append_pair(
                "code_challenge",
                &base64url(&Sha256::digest(attempt.verifier.as_bytes())),
            )
            .append_pair("code_challenge_method", "S256");
        if let Way::Provider { .. } = self.way {
            url.query_pairs_mut()
                .append_pair("scope", "openid")
                .append_pair("nonce", &attempt.nonce);
        }
        Ok(url.into())
    }

    /// Who it is that came back with this code.
    ///
    /// # Errors
    ///
    /// See [`LoginFault`]. A user whom koppel does not know, or who is blocked,
    /// is refused.
    pub(crate) async fn finish(
        &self,
        attempt: &Attempt,
        code: &str,
    ) -> Result<LoggedIn, LoginFault> {
        let who = match &self.way {
            Way::Issuer(issuer) => {
                let (client, back) = (self.application.clone(), self.redirect_uri.clone());
                let exchanged = issuer
                    .store
                    .exchange(code, client, Some(back), &attempt.verifier)
                    .await;
                // The console has a session of its own and needs no tokens.
                let (login, _refresh) = exchanged?;
                LoggedIn {
                    user: login.user,
                    login: Some(login.session),
                }
            }
            Way::Provider {
                oidc,
                registration,
                redactor,
            } => {
                let secret = registration.client_secret.as_ref();
                let secret = secret.map(|reference| {
                    let read = crate::secrets::read(reference, redactor);
                    read.map_err(|why| LoginFault::Unavailable(anyhow::anyhow!(why)))
                });
                let secret = secret.transpose()?;
                let secret = secret
                    .as_ref()
                    .map(|secret| secret.expose_secret().as_ref());
                let form = [
                    ("grant_type", "authorization_code"),
                    ("code", code),
                    ("redirect_uri", &self.redirect_uri),
                    ("code_verifier", &attempt.verifier),
                ];
                let client = &registration.client_id;
                let token = oidc.exchange(client, secret, &form).await?;
                LoggedIn {
                    user: oidc.identify(&token, client, &attempt.nonce).await?,
                    login: None,
                }
            }
        };
        let known = self.live.with(|config| {
            let users = &config.grants.users;
            users.get(&who.user).is_some_and(|user| !user.blocked)
        });
        if known {
            Ok(who)
        } else {
            tracing::warn!(
                user = who.user,
                "not known here, so not logged in to the console"
            );
            Err(LoginFault::Refused(format!(
                "user \"{}\" is not known here, or is blocked",
                who.user
            )))
        }
    }

    /// Whether a login of koppel's own issuer is still good; always, of a
    /// provider.
    pub(crate) async fn is_live(&self, login: Option<Uuid>) -> bool {
        match (&self.way, login) {
            (Way::Issuer(issuer), Some(login)) => {
                let live = issuer.store.is_live(login).await;
                live.unwrap_or_else(|error| {
                    tracing::error!(%error, "a login cannot be looked at");
                    false
                })
            }
            (Way::Issuer(_), None) => false,
            (Way::Provider { .. }, _) => true,
        }
    }

    /// Ends a login.
    pub(crate) async fn end(&self, login: Option<Uuid>) {
        if let (Way::Issuer(issuer), Some(login)) = (&self.way, login)
            && let Err(error) = issuer.store.end_session(login).await
        {
            tracing::error!(%error, "a login cannot be ended");
        }
    }
}
