//! Access tokens, by the refresh-token flow of OAuth 2.0 (RFC 6749, section 6).

use super::token_file::TokenFile;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::config::Upstream;
use crate::ledger::Redactor;
use crate::secrets::{self, ExposeSecret, SecretString};
use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AccessToken, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, RefreshToken, RequestTokenError, TokenResponse, TokenUrl,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long before its end an access token is replaced.
const MARGIN: Duration = Duration::from_secs(30);

/// How long an access token is taken to be good when the platform does not
/// say; one that is not is replaced when it is refused.
const UNSTATED: Duration = Duration::from_secs(300);

/// How many tokens are kept out of what is stored, the newest.
const REDACTED: usize = 20;

/// The most bytes of a reply with tokens.
const REPLY_BYTES: usize = 64 << 10;

/// Gives access tokens and gets new ones.
pub(super) struct Tokens(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    token_url: TokenUrl,
    config: Upstream,
    file: TokenFile,
    redactor: Redactor,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    access: Option<Access>,
    /// A refresh token that was refused: it is not tried again.
    refused: Option<(RefreshToken, String)>,
    /// The tokens that the redactor knows, oldest first.
    redacted: VecDeque<SecretString>,
}

struct Access {
    token: AccessToken,
    until: Instant,
}

/// Why there is no new access token.
enum Failure {
    /// The token endpoint cannot answer now; seconds to wait, if known.
    Busy(Option<u32>),
    /// For the operator.
    Operator(String),
    /// The platform refuses this refresh token, for good.
    Refused(RefreshToken, String),
}

impl Tokens {
    pub(super) fn new(
        http: reqwest::Client,
        config: &Upstream,
        redactor: Redactor,
    ) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Inner {
            http,
            token_url: TokenUrl::new(config.token_url.to_string())?,
            config: config.clone(),
            file: TokenFile::new(config.token_file.clone()),
            redactor,
            state: Mutex::default(),
        })))
    }

    /// An access token that is good, as far as is known.
    ///
    /// # Errors
    ///
    /// `unavailable`, or `other` with what the operator has to do.
    pub(super) async fn access(&self) -> Result<AccessToken, ActivityError> {
        self.other_than(None).await
    }

    /// An access token in place of one that the platform refused.
    ///
    /// # Errors
    ///
    /// As for [`Self::access`].
    pub(super) async fn instead_of(
        &self,
        refused: &AccessToken,
    ) -> Result<AccessToken, ActivityError> {
        self.other_than(Some(refused.clone())).await
    }

    async fn other_than(&self, refused: Option<AccessToken>) -> Result<AccessToken, ActivityError> {
        let inner = self.0.clone();
        // A task of its own: if the run that waits for it ends, a refresh
        // token that was just rotated must still reach its file.
        let task = tokio::spawn(async move { inner.other_than(refused).await });
        task.await
            .unwrap_or_else(|error| Err(ActivityError::Other(error.to_string())))
    }
}

impl Inner {
    async fn other_than(
        self: Arc<Self>,
        refused: Option<AccessToken>,
    ) -> Result<AccessToken, ActivityError> {
        let mut state = self.state.lock().await;
        if let Some(access) = &state.access
            && access.until > Instant::now()
            && refused
                .as_ref()
                .is_none_or(|refused| refused.secret() != access.token.secret())
        {
            return Ok(access.token.clone());
        }
        state.access = None;
        match self.refresh(&mut state).await {
            Ok(access) => {
                let token = access.token.clone();
                state.access = Some(access);
                Ok(token)
            }
            Err(Failure::Busy(seconds)) => Err(ActivityError::Unavailable(seconds)),
            Err(Failure::Operator(text)) => {
                tracing::error!("{}: {text}", self.config.token_url);
                Err(ActivityError::Other(text))
            }
            Err(Failure::Refused(token, text)) => {
                tracing::error!("{}: {text}", self.config.token_url);
                state.refused = Some((token, text.clone()));
                Err(ActivityError::Other(text))
            }
        }
    }

    async fn refresh(self: &Arc<Self>, state: &mut State) -> Result<Access, Failure> {
        let file = self.file.clone();
        let lock = tokio::task::spawn_blocking(move || file.lock()).await;
        let lock = lock
            .unwrap_or_else(|error| Err(error.to_string()))
            .map_err(unusable)?;
        let secret = secrets::read(&self.config.client_secret, &self.redactor)
            .map_err(|why| Failure::Operator(format!("[platform.loket] client-secret: {why}")))?;
        let secret = ClientSecret::new(secret.expose_secret().to_owned());
        let configured = secrets::read(&self.config.refresh_token, &self.redactor);
        let exposed = configured.as_ref().ok().map(SecretString::expose_secret);
        let kept = lock.read(exposed).map_err(unusable)?;
        let token = match (kept, &configured) {
            (Some(kept), _) => kept,
            (None, Ok(configured)) => configured.clone(),
            (None, Err(why)) => {
                return Err(Failure::Operator(format!(
                    "[platform.loket] refresh-token: {why}"
                )));
            }
        };
        self.redact(state, token.expose_secret());
        let token = RefreshToken::new(token.expose_secret().to_owned());
        if let Some((refused, text)) = &state.refused
            && refused.secret() == token.secret()
        {
            return Err(Failure::Operator(text.clone()));
        }
        let reply = self.exchange(secret, &token).await?;
        self.redact(state, reply.access_token().secret());
        if let Some(rotated) = reply.refresh_token()
            && rotated.secret() != token.secret()
        {
            self.redact(state, rotated.secret());
            if let Err(why) = lock.write(exposed, rotated.secret()) {
                // The access token is good all the same; the refresh token is
                // lost when this process ends.
                tracing::error!(
                    "[platform.loket] token-file: {why}; the new refresh token is not kept"
                );
            }
        }
        let lifetime = reply.expires_in().unwrap_or(UNSTATED);
        let usable = lifetime.saturating_sub(MARGIN).max(lifetime / 2);
        Ok(Access {
            token: reply.access_token().clone(),
            until: Instant::now() + usable,
        })
    }

    /// Makes a token known to the redactor, which need not know those of long
    /// ago: it looks for each in everything that is stored.
    fn redact(&self, state: &mut State, token: &str) {
        if state
            .redacted
            .iter()
            .any(|known| known.expose_secret() == token)
        {
            return;
        }
        self.redactor.add(token);
        state.redacted.push_back(token.into());
        if state.redacted.len() > REDACTED
            && let Some(oldest) = state.redacted.pop_front()
        {
            self.redactor.forget(oldest.expose_secret());
        }
    }

    async fn exchange(
        self: &Arc<Self>,
        secret: ClientSecret,
        token: &RefreshToken,
    ) -> Result<BasicTokenResponse, Failure> {
        let client: BasicClient<
            EndpointNotSet,
            EndpointNotSet,
            EndpointNotSet,
            EndpointNotSet,
            EndpointSet,
        > = BasicClient::new(ClientId::new(self.config.client_id.clone()))
            .set_client_secret(secret)
            // Loket takes them from the form.
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(self.token_url.clone());
        let sender = self.clone();
        let send = move |request: HttpRequest| {
            let sender = sender.clone();
            async move { sender.send(request).await }
        };
        let asked = client
            .exchange_refresh_token(token)
            .request_async(&send)
            .await;
        // Neither the request nor the reply is shown: both hold tokens.
        asked.map_err(|error| match error {
            RequestTokenError::Request(Unanswered { retry_after }) => Failure::Busy(retry_after),
            RequestTokenError::ServerResponse(refusal) => match refusal.error() {
                BasicErrorResponseType::InvalidGrant => Failure::Refused(
                    token.clone(),
                    "the platform refused the refresh token (invalid_grant): authorize koppel \
                     there again, and put the new refresh token where [platform.loket] \
                     refresh-token says"
                        .to_owned(),
                ),
                code @ (BasicErrorResponseType::InvalidClient
                | BasicErrorResponseType::UnauthorizedClient) => Failure::Operator(format!(
                    "the platform refused koppel itself ({code}): [platform.loket] client-id and \
                     client-secret must be those that it gave out"
                )),
                code => Failure::Operator(format!(
                    "the platform refused to give an access token ({})",
                    crate::text::one_line(code.as_ref())
                )),
            },
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Failure::Operator(
                "[platform.loket] token-url did not answer with tokens: is it the token endpoint?"
                    .to_owned(),
            ),
        })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
        let failed = |error: reqwest::Error| {
            let why = crate::egress::causes(&error.without_url());
            tracing::warn!("{}: {why}", self.config.token_url);
            Unanswered { retry_after: None }
        };
        let (parts, body) = request.into_parts();
        let response = self
            .http
            .request(parts.method, self.config.token_url.clone())
            .headers(parts.headers)
            .body(body)
            .send()
            .await
            .map_err(failed)?;
        let (status, retry_after) = (response.status(), super::client::retry_after(&response));
        if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
            return Err(Unanswered { retry_after });
        }
        let headers = response.headers().clone();
        let body = super::client::body_of(response, REPLY_BYTES).await;
        let body = body.map_err(|why| {
            tracing::warn!("{}: {why}", self.config.token_url);
            Unanswered { retry_after: None }
        })?;
        let mut reply = HttpResponse::new(body);
        *reply.status_mut() = status;
        *reply.headers_mut() = headers;
        Ok(reply)
    }
}

/// The token endpoint gave no answer to judge by.
#[derive(Debug, thiserror::Error)]
#[error("the token endpoint did not answer")]
struct Unanswered {
    retry_after: Option<u32>,
}

fn unusable(why: String) -> Failure {
    Failure::Operator(format!("[platform.loket] token-file: {why}"))
}
