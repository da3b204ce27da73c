//! Requests to the platform: one activity, one request.

use super::tokens::Tokens;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::Activity;
use crate::config::Upstream;
use crate::ledger::Redactor;
use crate::wire;
use crate::wire::error::Received;
use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use futures_util::StreamExt;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::header::{self, HeaderValue};
use http::{Method, StatusCode};
use oauth2::AccessToken;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// The first wait before a request is repeated; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);

const CONNECT: Duration = Duration::from_secs(5);

/// What is asked of the platform: an activity on a thing.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) activity: Activity,
    /// What stands in the path, and what an error names.
    pub(super) id: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
}

impl<'a> Ask<'a> {
    /// An activity on the thing with this identifier, and nothing else.
    pub(super) fn about(activity: Activity, id: &'a str) -> Self {
        Self {
            activity,
            id,
            query: &[],
        }
    }
}

/// Sends requests, within the rate, size and time that the operator set.
pub(super) struct Client {
    http: reqwest::Client,
    config: Upstream,
    limiter: DefaultDirectRateLimiter,
    tokens: Tokens,
    redactor: Redactor,
}

/// A whole reply.
struct Reply {
    status: StatusCode,
    retry_after: Option<u32>,
    body: Bytes,
}

/// Why there is no reply.
enum Failure {
    /// The platform is busy, so it did nothing; seconds to wait, if it said.
    Busy(Option<u32>),
    /// It could not be reached, so it did nothing.
    Unreachable(String),
    /// It may have done something.
    Interrupted(String),
    /// For the connector, as it is.
    Activity(ActivityError),
}

impl Client {
    pub(super) fn new(
        config: &Upstream,
        tls: rustls::ClientConfig,
        redactor: Redactor,
    ) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            // Elsewhere the access token has no business.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT)
            .timeout(config.timeout)
            .user_agent(concat!("koppel/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            tokens: Tokens::new(http.clone(), config, redactor.clone())?,
            redactor,
            http,
            config: config.clone(),
            limiter: RateLimiter::direct(Quota::per_second(config.requests_per_second)),
        })
    }

    /// Asks for something, and again while the platform is busy.
    ///
    /// # Errors
    ///
    /// What the platform answered, as an error of the contract.
    pub(super) async fn get<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<T, ActivityError> {
        let reply = self.asked(ask).await?;
        self.read(ask, &reply)
    }

    /// Asks for a file, as [`Self::get`] does.
    ///
    /// # Errors
    ///
    /// As for [`Self::get`].
    pub(super) async fn file(&self, ask: Ask<'_>) -> Result<Vec<u8>, ActivityError> {
        let reply = self.asked(ask).await?;
        if reply.status.is_success() {
            return Ok(reply.body.into());
        }
        Err(refusal(ask, &reply))
    }

    async fn asked(&self, ask: Ask<'_>) -> Result<Reply, ActivityError> {
        let deadline = Instant::now() + self.config.retry;
        let backoff = ExponentialBuilder::new()
            .with_min_delay(FIRST_WAIT)
            .with_jitter()
            .without_max_times();
        let asked = (|| self.once(Method::GET, ask, None))
            .retry(backoff)
            .when(|failure| matches!(failure, Failure::Busy(_)))
            .adjust(|failure, delay| {
                let asked_for = match failure {
                    Failure::Busy(Some(seconds)) => Duration::from_secs(u64::from(*seconds)),
                    _ => Duration::ZERO,
                };
                let delay = delay?.max(asked_for);
                (Instant::now() + delay <= deadline).then_some(delay)
            })
            .await;
        asked.map_err(|failure| match failure {
            Failure::Busy(seconds) => ActivityError::Unavailable(seconds),
            Failure::Unreachable(why) | Failure::Interrupted(why) => {
                tracing::warn!("{}: {why}", self.config.base_url);
                ActivityError::Unavailable(None)
            }
            Failure::Activity(error) => error,
        })
    }

    /// Changes something, once: a request that may have been done is not
    /// repeated. None when it was done and the reply is of no use.
    ///
    /// # Errors
    ///
    /// As for [`Self::get`], and `other` when it is not known whether it was
    /// done.
    pub(super) async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        ask: Ask<'_>,
        body: Vec<u8>,
    ) -> Result<Option<T>, ActivityError> {
        match self.once(method, ask, Some(body)).await {
            Ok(reply) if reply.status.is_success() => Ok(wire::read(&reply.body).ok()),
            Ok(reply) => self.read(ask, &reply).map(Some),
            Err(Failure::Busy(seconds)) => Err(ActivityError::Unavailable(seconds)),
            Err(Failure::Unreachable(why)) => {
                tracing::warn!("{}: {why}", self.config.base_url);
                Err(ActivityError::Unavailable(None))
            }
            Err(Failure::Interrupted(why)) => {
                tracing::error!(
                    "{}: {} of {}: {why}",
                    self.config.base_url,
                    ask.activity,
                    ask.id
                );
                Err(ActivityError::Other(format!(
                    "the platform did not answer; whether {} was done is not known",
                    ask.activity
                )))
            }
            Err(Failure::Activity(error)) => Err(error),
        }
    }

    /// One request; a second one with a new access token if the first was
    /// refused (401), which did nothing.
    async fn once(
        &self,
        method: Method,
        ask: Ask<'_>,
        body: Option<Vec<u8>>,
    ) -> Result<Reply, Failure> {
        let token = self.tokens.access().await.map_err(Failure::Activity)?;
        let mut reply = self.send(&method, ask, body.clone(), &token).await?;
        if reply.status == StatusCode::UNAUTHORIZED {
            let token = self.tokens.instead_of(&token).await;
            let token = token.map_err(Failure::Activity)?;
            reply = self.send(&method, ask, body, &token).await?;
        }
        match reply.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Err(Failure::Busy(reply.retry_after))
            }
            StatusCode::UNAUTHORIZED => {
                let text = "the platform refused the access token that it has just given (401): \
                            is [platform.loket] base-url of the same environment as token-url?";
                tracing::error!("{}: {text}", self.config.base_url);
                Err(Failure::Activity(ActivityError::Other(text.to_owned())))
            }
            _ => Ok(reply),
        }
    }

    async fn send(
        &self,
        method: &Method,
        ask: Ask<'_>,
        body: Option<Vec<u8>>,
        token: &AccessToken,
    ) -> Result<Reply, Failure> {
        self.limiter.until_ready().await;
        // The version of the configuration, unless the resource has none so old.
        let version = wire::resource_version(ask.activity);
        let version = version.max(self.config.version.as_str());
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.secret()))
            .map_err(|_| {
                Failure::Activity(ActivityError::Other(
                    "the platform gave an access token that no header can hold".to_owned(),
                ))
            })?;
        authorization.set_sensitive(true);
        let mut request = self
            .http
            .request(method.clone(), self.url(ask))
            .header(
                header::ACCEPT,
                format!("application/json;version={version}"),
            )
            .header(header::AUTHORIZATION, authorization);
        if let Some(body) = body {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .body(body);
        }
        let response = request.send().await.map_err(|error| {
            let unreachable = error.is_connect();
            let why = crate::egress::causes(&error.without_url());
            if unreachable {
                Failure::Unreachable(why)
            } else {
                Failure::Interrupted(why)
            }
        })?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        let limit = self.config.response_bytes;
        let body = body_of(response, limit).await.map_err(|error| match error {
            BodyError::TooLarge if method == Method::GET => {
                Failure::Activity(ActivityError::Other(format!(
                    "the platform's reply has more than {limit} bytes ([platform.loket] response-bytes)"
                )))
            }
            error => Failure::Interrupted(error.to_string()),
        })?;
        // What the platform says of an error is told to the connector and the
        // operator; a token that it repeats is not.
        let body = if status.is_success() {
            body
        } else {
            self.redactor.bytes(body)
        };
        Ok(Reply {
            status,
            retry_after,
            body: body.into(),
        })
    }

    /// The URL of an activity: its path in the catalogue below the base.
    fn url(&self, ask: Ask<'_>) -> Url {
        let mut url = self.config.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            for segment in ask.activity.row().path.split('/').skip(1) {
                segments.push(if segment.starts_with('{') {
                    ask.id
                } else {
                    segment
                });
            }
        }
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        url
    }

    fn read<T: DeserializeOwned>(&self, ask: Ask<'_>, reply: &Reply) -> Result<T, ActivityError> {
        if !reply.status.is_success() {
            return Err(refusal(ask, reply));
        }
        wire::read(&reply.body).map_err(|error| {
            tracing::error!("{}: {}: {error}", self.config.base_url, ask.activity);
            unreadable(ask.activity, &error.to_string())
        })
    }
}

/// What a reply that is no success says.
fn refusal(ask: Ask<'_>, reply: &Reply) -> ActivityError {
    Received {
        activity: ask.activity,
        id: ask.id,
        status: reply.status.as_u16(),
        retry_after: reply.retry_after,
        body: &reply.body,
    }
    .into_error()
}

/// The platform answered what it may not answer to this.
pub(super) fn unreadable(activity: Activity, why: &str) -> ActivityError {
    ActivityError::Other(format!(
        "the platform's reply to {activity} cannot be used: {}",
        crate::text::one_line(why)
    ))
}

/// The header `Retry-After` in seconds; a date (RFC 9110, section 10.2.3)
/// counts from now.
pub(super) fn retry_after(response: &reqwest::Response) -> Option<u32> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(seconds);
    }
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    let seconds = at.duration_since(jiff::Timestamp::now()).as_secs();
    Some(u32::try_from(seconds.max(0)).unwrap_or(u32::MAX))
}

/// Why a body could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the reply is too large")]
    TooLarge,
    #[error("the reply broke off: {0}")]
    Broken(String),
}

/// The whole body, if it has at most so many bytes.
pub(super) async fn body_of(
    response: reqwest::Response,
    limit: usize,
) -> Result<Vec<u8>, BodyError> {
    if response.content_length().is_some_and(|n| n > limit as u64) {
        return Err(BodyError::TooLarge);
    }
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk
            .map_err(|error| BodyError::Broken(crate::egress::causes(&error.without_url())))?;
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
