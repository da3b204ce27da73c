//! Sending: rules, addresses, redirects and bounds, in that order.

use super::address::special;
use super::redirect::{next_method, redirect};
use super::tls::Tls;
use super::{Credential, EgressError, Hop, Observer, Reply, Resolve, Rule, StandIn, normalize};
use crate::telemetry;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use url::{Host, Url};
use uuid::Uuid;

/// How many redirects are followed.
const REDIRECTS: usize = 3;

/// The most that the headers of a reply may take, in bytes.
const RESPONSE_HEADERS: usize = 64 << 10;

const CONNECT: Duration = Duration::from_secs(5);

/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Headers that a connector may not set: they belong to the connection, to the
/// host's credentials, pretend to be someone else, or ask the server for
/// another method or path than the one that was checked.
const FORBIDDEN: [HeaderName; 21] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
    header::COOKIE,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
    header::FORWARDED,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];

/// Headers of a reply that stay in the host.
const WITHHELD: [HeaderName; 8] = [
    header::SET_COOKIE,
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The bytes of the body of the request.
    pub request_bytes: usize,
    /// The bytes of the body of the reply.
    pub response_bytes: usize,
    /// How long the whole exchange may take, redirects included.
    pub total: Duration,
}

/// Sends outside requests.
pub struct Egress {
    resolver: Arc<dyn Resolve>,
    tls: Tls,
    stand_in: Option<Arc<dyn StandIn>>,
}

impl Egress {
    /// Sets up TLS, with the certificate authorities of the operating system
    /// for rules that do not name others.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(resolver: Arc<dyn Resolve>) -> anyhow::Result<Self> {
        Ok(Self {
            resolver,
            tls: Tls::new()?,
            stand_in: None,
        })
    }

    /// With something that answers in the place of outside parties.
    #[must_use]
    pub fn with_stand_in(mut self, stand_in: Arc<dyn StandIn>) -> Self {
        self.stand_in = Some(stand_in);
        self
    }

    /// Sends a request of a client and gives the whole reply.
    ///
    /// # Errors
    ///
    /// See [`EgressError`]. Everything that was refused or failed was recorded
    /// by the observer, unless that is what failed.
    pub async fn send(
        &self,
        client: &str,
        rules: &[Rule],
        bounds: &Bounds,
        observer: &dyn Observer,
        request: Request<Bytes>,
    ) -> Result<Reply, EgressError> {
        let deadline = Instant::now() + bounds.total;
        self.follow(client, rules, bounds, deadline, observer, request)
            .await
    }

    async fn follow(
        &self,
        client: &str,
        rules: &[Rule],
        bounds: &Bounds,
        deadline: Instant,
        observer: &dyn Observer,
        request: Request<Bytes>,
    ) -> Result<Reply, EgressError> {
        let late = || EgressError::Timeout(bounds.total.as_millis() as u64);
        let (parts, mut body) = request.into_parts();
        let (mut method, mut headers) = (parts.method, parts.headers);
        let mut target = parts.uri.to_string();
        for _ in 0..=REDIRECTS {
            let admitted = self.admit(
                client, rules, bounds, observer, &method, &target, &headers, &body,
            );
            let admitted = timeout_at(deadline, admitted)
                .await
                .unwrap_or_else(|_| Err(late()));
            let admitted = admitted.and_then(|(url, rule, addresses)| {
                let credential = rule
                    .credential()
                    .map(|name| observer.credential(name))
                    .transpose()?;
                if let Some(credential) = &credential {
                    credential.check(&url)?;
                }
                let identity = credential.as_ref().and_then(Credential::identity);
                let tls = self.tls.config(identity, rule.trusted_roots())?;
                Ok((url, rule, addresses, credential, tls))
            });
            let (url, rule, addresses, credential, tls) = match admitted {
                Ok(admitted) => admitted,
                Err(error) => {
                    observer.refused(&method, &target, &error).await?;
                    return Err(error);
                }
            };
            let mut headers_now = headers.clone();
            let writes = method != Method::GET && method != Method::HEAD;
            if let Some(name) = rule.idempotency().filter(|_| writes)
                && !headers_now.contains_key(name)
                && let Ok(key) = HeaderValue::from_str(&observer.idempotency_key())
            {
                headers_now.insert(name.clone(), key);
            }
            let exchange = Uuid::now_v7();
            let span = telemetry::outside(&telemetry::party(&url), method.as_str(), exchange);
            if rule.tells_trace()
                && let Some(parent) = telemetry::traceparent(&span)
                && let Ok(parent) = HeaderValue::from_str(&parent)
            {
                headers_now.insert(TRACEPARENT, parent);
            }
            let hop = Hop {
                exchange,
                activity: rule.activity(),
                method: method.clone(),
                url: url.clone(),
                headers: headers_now,
                body: body.clone(),
                repeatable: rule.is_repeatable(),
            };
            observer.before(&hop).instrument(span.clone()).await?;
            // The deadline cuts the exchange, not its recording.
            let began = Instant::now();
            let exchange = self.exchange(tls, credential.as_ref(), &addresses, bounds, &hop);
            let outcome = timeout_at(deadline, exchange)
                .instrument(span.clone())
                .await
                .unwrap_or_else(|_| Err(late()));
            let status = status(&outcome);
            span.record("status", status.as_str());
            observer.took(&hop, status, began.elapsed());
            let outcome = match (outcome, &credential) {
                (Ok(reply), Some(credential)) => Ok(credential.clean(reply)),
                (outcome, _) => outcome,
            };
            if let Some(stand_in) = &self.stand_in {
                stand_in.answered(&hop, outcome.as_ref());
            }
            let recorded = observer.after(&hop, outcome.as_ref());
            recorded.instrument(span).await?;
            let reply = outcome?;
            let Some(next) = next_method(&method, reply.status) else {
                return Ok(reply);
            };
            target = match redirect(&reply, &url) {
                Ok(Some(location)) => location,
                Ok(None) => return Ok(reply),
                Err(error) => {
                    observer.refused(&method, url.as_str(), &error).await?;
                    return Err(error);
                }
            };
            method = next;
            if method == Method::GET || method == Method::HEAD {
                body = Bytes::new();
                headers.remove(header::CONTENT_LENGTH);
                headers.remove(header::CONTENT_TYPE);
            }
        }
        let error = EgressError::Redirects(REDIRECTS);
        observer.refused(&method, &target, &error).await?;
        Err(error)
    }

    /// Everything that must hold before a request leaves.
    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    async fn admit<'r>(
        &self,
        client: &str,
        rules: &'r [Rule],
        bounds: &Bounds,
        observer: &dyn Observer,
        method: &Method,
        target: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<(Url, &'r Rule, Vec<SocketAddr>), EgressError> {
        let url = normalize::parse(target)?;
        let Some(rule) = rules.iter().find(|rule| rule.allows(method, &url)) else {
            let mut shown = url.clone();
            shown.set_query(None);
            return Err(EgressError::NoRule {
                client: client.to_owned(),
                method: method.to_string(),
                url: shown.into(),
            });
        };
        if let Some(name) = headers.keys().find(|name| forbidden(name)) {
            return Err(EgressError::Header(name.to_string()));
        }
        if body.len() > bounds.request_bytes {
            return Err(EgressError::RequestSize(bounds.request_bytes));
        }
        observer.authorize(rule.activity()).await?;
        rule.check(client, &url, headers, body)?;
        observer.permit(rule.activity(), body)?;
        let addresses = self.addresses(&url, rule).await?;
        Ok((url, rule, addresses))
    }

    /// The addresses of the host, all of which must be allowed: one bad
    /// address among good ones is how a rebinding name looks.
    async fn addresses(&self, url: &Url, rule: &Rule) -> Result<Vec<SocketAddr>, EgressError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or_default();
        let addresses: Vec<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            _ => {
                let resolved = self.resolver.resolve(&host).await;
                resolved.map_err(|error| EgressError::Resolve {
                    host: host.clone(),
                    why: error.to_string(),
                })?
            }
        };
        if addresses.is_empty() {
            return Err(EgressError::Resolve {
                host,
                why: "it has no address".to_owned(),
            });
        }
        for address in &addresses {
            match special(*address) {
                Some(special) if !(special.private && rule.allow_private_addresses()) => {
                    return Err(EgressError::Address {
                        host,
                        address: *address,
                        what: special.what,
                        hint: if special.private {
                            " (allow-private-addresses = true in its rule allows this one)"
                        } else {
                            ""
                        },
                    });
                }
                _ => {}
            }
        }
        Ok(addresses
            .into_iter()
            .map(|ip| SocketAddr::new(ip, port))
            .collect())
    }

    async fn exchange(
        &self,
        tls: rustls::ClientConfig,
        credential: Option<&Credential>,
        addresses: &[SocketAddr],
        bounds: &Bounds,
        hop: &Hop,
    ) -> Result<Reply, EgressError> {
        if let Some(stand_in) = &self.stand_in
            && let Some(answer) = stand_in.answer(hop, bounds).await
        {
            return answer;
        }
        let host = hop.url.host_str().unwrap_or_default();
        let failed = |error: reqwest::Error| {
            let (host, connected) = (host.to_owned(), !error.is_connect() && !error.is_builder());
            let why = causes(&error.without_url());
            if connected {
                EgressError::Connection { host, why }
            } else {
                EgressError::Unreachable { host, why }
            }
        };
        // A client for one request: it knows the checked addresses and no
        // others, and no connection of another client can be reused.
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .resolve_to_addrs(host, addresses)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .build()
            .map_err(failed)?;
        let mut headers = hop.headers.clone();
        headers.remove(header::HOST);
        headers.remove(header::CONTENT_LENGTH);
        let url = match credential {
            Some(credential) => credential.add(hop, &mut headers),
            None => hop.url.clone(),
        };
        let has_content = [Method::POST, Method::PUT, Method::PATCH].contains(&hop.method);
        if has_content && hop.body.is_empty() {
            // Not said by itself, and some servers reply 411 without it.
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut request = client.request(hop.method.clone(), url).headers(headers);
        if !hop.body.is_empty() {
            request = request.body(hop.body.clone());
        }
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let mut headers = response.headers().clone();
        let size: usize = headers
            .iter()
            .map(|(n, v)| n.as_str().len() + v.len() + 4)
            .sum();
        if size > RESPONSE_HEADERS {
            return Err(EgressError::ResponseHeaders(RESPONSE_HEADERS));
        }
        let too_large = EgressError::ResponseSize(bounds.response_bytes);
        if response
            .content_length()
            .is_some_and(|n| n > bounds.response_bytes as u64)
            && hop.method != Method::HEAD
        {
            return Err(too_large);
        }
        let mut body = BytesMut::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(failed)?;
            if body.len() + chunk.len() > bounds.response_bytes {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        for name in WITHHELD {
            headers.remove(name);
        }
        Ok(Reply {
            status,
            headers,
            body: body.freeze(),
        })
    }
}

/// What a request came to, in one of few words: the party makes up no others.
fn status(outcome: &Result<Reply, EgressError>) -> String {
    match outcome {
        Ok(reply) if reply.status.canonical_reason().is_none() => "unknown".to_owned(),
        Ok(reply) => reply.status.as_u16().to_string(),
        Err(EgressError::Unreachable { .. }) => "unreachable".to_owned(),
        Err(EgressError::Timeout(_)) => "timeout".to_owned(),
        Err(_) => "failed".to_owned(),
    }
}

/// Whether a connector may not set a header.
pub(super) fn forbidden(name: &HeaderName) -> bool {
    FORBIDDEN.contains(name) || name.as_str().starts_with("x-forwarded-")
}

/// An error and what caused it, in one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
