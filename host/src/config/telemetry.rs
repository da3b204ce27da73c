//! `[telemetry]`: what a host tells of itself, and to whom. Nothing to nobody,
//! unless it is here.

use super::reference::ByReference;
use super::resolve::is_loopback;
use super::secret::SecretReference;
use super::shared::Faults;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use url::Url;

/// What a host tells of itself.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// Where its metrics are.
    pub metrics: Option<MetricsListener>,
    /// Where its traces go.
    pub traces: Option<Traces>,
}

/// Where the metrics are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsListener {
    /// The address that `/metrics` is on.
    pub listen: SocketAddr,
    /// What a scraper must show, if anything.
    pub token: Option<SecretReference>,
}

/// Where traces go.
#[derive(Clone, Debug)]
pub struct Traces {
    /// The collector: OTLP over HTTP with protobuf.
    pub endpoint: Url,
    /// What the traces call this service.
    pub service: String,
    /// Headers for the collector, with secrets.
    pub headers: BTreeMap<String, SecretReference>,
    /// The certificate authorities (PEM) to trust instead of the system's.
    pub trusted_roots: Option<PathBuf>,
    /// How many of the runs are traced, 0 to 1.
    pub sample: f64,
}

/// What the host tells of itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct WrittenTelemetry {
    /// Serves metrics for Prometheus.
    metrics: Option<WrittenMetrics>,
    /// Sends traces to a collector of OpenTelemetry.
    #[schemars(with = "Option<WrittenTraces>")]
    traces: Option<Spanned<WrittenTraces>>,
}

/// Metrics for Prometheus, at `/metrics`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenMetrics {
    /// The address that they are on.
    #[schemars(with = "ByReference<SocketAddr>")]
    listen: Spanned<SocketAddr>,
    /// Where the bearer token is that scrapers send.
    token: Option<SecretReference>,
}

/// Traces for a collector of OpenTelemetry.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenTraces {
    /// The collector: OTLP over HTTP with protobuf.
    #[schemars(with = "ByReference<Url>")]
    endpoint: Spanned<Url>,
    /// What the traces call this service.
    #[serde(default = "default_service")]
    #[schemars(with = "ByReference<String>")]
    service: String,
    /// Headers for the collector, whose values are secrets.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, SecretReference>")]
    headers: BTreeMap<Spanned<String>, SecretReference>,
    /// A file with certificate authorities (PEM) to trust instead of those of the
    /// operating system.
    #[schemars(with = "Option<ByReference<PathBuf>>")]
    trusted_roots: Option<PathBuf>,
    /// How many of the runs are traced, 0 to 1.
    #[serde(default = "default_sample")]
    #[schemars(with = "f64", range(min = 0, max = 1))]
    sample: Spanned<f64>,
}

fn default_service() -> String {
    "koppel".to_owned()
}

fn default_sample() -> Spanned<f64> {
    Spanned::new(0..0, 1.0)
}

impl WrittenTelemetry {
    pub(super) fn resolve(self, base: &Path, faults: &mut Faults) -> Telemetry {
        let metrics = self.metrics.map(|metrics| metrics.resolve(base, faults));
        let traces = self
            .traces
            .map(|traces| traces.into_inner().resolve(base, faults));
        Telemetry { metrics, traces }
    }
}

impl WrittenMetrics {
    fn resolve(self, base: &Path, faults: &mut Faults) -> MetricsListener {
        let listen = *self.listen.get_ref();
        if !listen.ip().is_loopback() && self.token.is_none() {
            let text = format!(
                "[telemetry.metrics] other machines reach {listen}, and whoever does could read the metrics: add token = {{ env = \"<variable>\" }}, or listen on 127.0.0.1"
            );
            faults.push((self.listen.span(), text));
        }
        MetricsListener {
            listen,
            token: self.token.map(|token| token.within(base)),
        }
    }
}

impl WrittenTraces {
    fn resolve(self, base: &Path, faults: &mut Faults) -> Traces {
        let mut fault = |span: Range<usize>, text: &str| {
            faults.push((span, format!("[telemetry.traces] {text}")));
        };
        let url = self.endpoint.get_ref();
        let safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(url);
        if !safe {
            fault(
                self.endpoint.span(),
                "endpoint must be https, or http on this machine: employers are named in traces",
            );
        }
        if !url.username().is_empty() || url.password().is_some() {
            fault(
                self.endpoint.span(),
                "endpoint may hold no user and no password: write headers = { authorization = { env = \"<variable>\" } }",
            );
        }
        let sample = *self.sample.get_ref();
        if !(0.0..=1.0).contains(&sample) {
            fault(
                self.sample.span(),
                &format!("sample = {sample} must be 0 to 1"),
            );
        }
        let mut headers = BTreeMap::new();
        for (name, value) in self.headers {
            if http::HeaderName::try_from(name.get_ref()).is_err() {
                let text = format!("\"{}\" is not the name of an HTTP header", name.get_ref());
                fault(name.span(), &text);
            }
            headers.insert(name.into_inner(), value.within(base));
        }
        Traces {
            endpoint: self.endpoint.into_inner(),
            service: self.service,
            headers,
            trusted_roots: self.trusted_roots.map(|roots| base.join(roots)),
            sample,
        }
    }
}
