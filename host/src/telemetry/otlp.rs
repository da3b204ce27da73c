//! Traces to a collector of OpenTelemetry, over OTLP: HTTP with protobuf.
//!
//! Spans go into a queue of a fixed length that a thread of its own empties.
//! What does not fit is dropped; a collector that is away costs nothing but
//! that.

use super::TARGET;
use crate::config::Traces;
use crate::egress::{causes, tls};
use crate::ledger::Redactor;
use crate::secrets;
use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use secrecy::ExposeSecret;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// How long the collector has for a reply.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often spans are sent.
const EVERY: Duration = Duration::from_secs(2);

/// How many spans wait at most.
const QUEUE: usize = 8_192;

/// How long the last spans may take when the process ends.
const GRACE: Duration = Duration::from_secs(3);

/// The export of traces, while the process runs.
pub struct Exporting(SdkTracerProvider);

impl Exporting {
    /// Sends what is left, for a few seconds at most.
    pub fn stop(self) {
        if let Err(error) = self.0.shutdown_with_timeout(GRACE) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// The layer that turns spans into traces and sends them.
///
/// # Errors
///
/// When a secret or a certificate cannot be read; never because the collector
/// is away.
pub fn export<S>(
    traces: &Traces,
    redactor: &Redactor,
) -> Result<(Box<dyn Layer<S> + Send + Sync>, Exporting), String>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync + 'static,
{
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new(traces, redactor)?)
        // Not what a variable of the environment says.
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(traces.endpoint.as_str())
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| fault(&error))?;
    let batch = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_scheduled_delay(EVERY)
        .build();
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(batch)
        .build();
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", traces.service.clone()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
        ])
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(traces.sample)));
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_sampler(sampler)
        .with_resource(resource)
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("koppel"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false)
        // Nothing but spans that were made for it, and no event: those are
        // words, of which nobody knows what they hold.
        .with_filter(filter_fn(|of| of.is_span() && of.target() == TARGET));
    Ok((Box::new(layer), Exporting(provider)))
}

/// The host's client for HTTP. The thread that exports is none of the runtime,
/// which this goes back to.
#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    runtime: Handle,
    away: Arc<AtomicBool>,
}

impl Client {
    fn new(traces: &Traces, redactor: &Redactor) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        for (name, secret) in &traces.headers {
            let wrong = |why: &dyn Display| fault(&format!("headers.{name}: {why}"));
            let value = secrets::read(secret, redactor).map_err(|why| wrong(&why))?;
            let mut value = HeaderValue::from_str(value.expose_secret())
                .map_err(|_| wrong(&"what is read may not be in a header"))?;
            value.set_sensitive(true);
            let name = HeaderName::try_from(name).map_err(|error| wrong(&error))?;
            headers.insert(name, value);
        }
        let tls = tls::trusting(traces.trusted_roots.as_deref()).map_err(|error| fault(&error))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .default_headers(headers)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| fault(&error))?;
        Ok(Self {
            client,
            runtime: Handle::current(),
            away: Arc::default(),
        })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, away) = (self.client.clone(), self.away.clone());
        let sent = self.runtime.spawn(async move {
            let sent = send(&client, request).await;
            note(&away, &sent);
            sent
        });
        let (status, bytes) = sent.await??;
        let mut response = Response::new(bytes);
        *response.status_mut() = status;
        Ok(response)
    }
}

async fn send(
    client: &reqwest::Client,
    request: Request<Bytes>,
) -> reqwest::Result<(StatusCode, Bytes)> {
    let (parts, body) = request.into_parts();
    let reply = client
        .request(parts.method, parts.uri.to_string())
        .headers(parts.headers)
        .body(body)
        .send()
        .await?;
    let status = reply.status();
    // What it says is of no use; its length is bounded by the time.
    Ok((status, reply.bytes().await?))
}

/// Tells the operator when the collector goes away, and when it is back; not
/// each time that it is not there.
fn note(away: &AtomicBool, sent: &reqwest::Result<(StatusCode, Bytes)>) {
    let why = match sent {
        Ok((status, _)) if status.is_success() => None,
        Ok((status, _)) => Some(format!("it answers {status}")),
        Err(error) => Some(causes(error)),
    };
    let was_away = away.swap(why.is_some(), Ordering::Relaxed);
    match why {
        Some(why) if !was_away => {
            tracing::warn!(why, "the collector of traces takes none; they are dropped");
        }
        None if was_away => tracing::info!("the collector of traces is back"),
        _ => {}
    }
}

fn fault(what: &dyn Display) -> String {
    format!("[telemetry.traces] {what}")
}
