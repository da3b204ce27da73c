//! Traces to a collector of OpenTelemetry, over OTLP: HTTP with protobuf.
//!
//! Spans go into a queue of a fixed length that a thread of its own empties.
//! What does not fit is dropped; a collector that is away costs nothing but
//! that.

use super::TARGET;
use crate::config::Traces;
use crate::egress::tls;
use crate::ledger::Redactor;
use crate::secrets;
use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use secrecy::ExposeSecret;
use std::collections::HashMap;
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
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let mut headers = HashMap::new();
    for (name, secret) in &traces.headers {
        let value = secrets::read(secret, redactor)
            .map_err(|why| format!("[telemetry.traces] headers.{name}: {why}"))?;
        headers.insert(name.clone(), value.expose_secret().to_owned());
    }
    let told = |error: &dyn std::fmt::Display| format!("[telemetry.traces] {error}");
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new(traces)?)
        .with_headers(headers)
        .with_endpoint(traces.endpoint.as_str())
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| told(&error))?;
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
}

impl Client {
    fn new(traces: &Traces) -> Result<Self, String> {
        let told = |error: &dyn std::fmt::Display| format!("[telemetry.traces] {error}");
        let tls = tls::trusting(traces.trusted_roots.as_deref()).map_err(|error| told(&error))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| told(&error))?;
        Ok(Self {
            client,
            runtime: Handle::current(),
        })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let (parts, body) = request.into_parts();
            let reply = client
                .request(parts.method, parts.uri.to_string())
                .headers(parts.headers)
                .body(body)
                .send()
                .await?;
            let status = reply.status();
            // What it says is of no use; its length is bounded by the time.
            let bytes = reply.bytes().await?;
            Ok::<_, reqwest::Error>((status, bytes))
        });
        let (status, bytes) = sent.await??;
        let mut response = Response::new(bytes);
        *response.status_mut() = status;
        Ok(response)
    }
}
