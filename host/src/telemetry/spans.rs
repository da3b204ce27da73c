//! The spans: a run, its activities, the five checks, requests to outside
//! parties and rows of the ledger. They name the run, the client, the employer
//! and the activity, and nobody: no user, no URL, nothing of a message.

use opentelemetry::trace::TraceContextExt;
use tracing::{Span, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use url::Url;
use uuid::Uuid;

/// The target of all spans. Nothing else has it.
pub const TARGET: &str = "koppel::span";

/// An attempt at a run.
pub(crate) fn run(id: Uuid, client: &str, employer: Uuid, kind: &'static str) -> Span {
    info_span!(
        target: TARGET,
        "run",
        run = %id,
        client,
        employer = %employer,
        kind,
        outcome = field::Empty
    )
}

/// A call of an activity, by a connector or the REST API.
pub(crate) fn activity(id: &'static str) -> Span {
    info_span!(target: TARGET, "activity", activity = id, outcome = field::Empty)
}

/// The five checks on an activity.
pub(crate) fn checks(id: &'static str) -> Span {
    info_span!(target: TARGET, "checks", activity = id, red = field::Empty)
}

/// A request to an outside party.
pub(crate) fn outside(party: &str, method: &str, exchange: Uuid) -> Span {
    info_span!(
        target: TARGET,
        "outside request",
        otel.kind = "client",
        party,
        method,
        exchange = %exchange,
        status = field::Empty
    )
}

/// A row of the ledger.
pub(crate) fn ledger_write(kind: &'static str) -> Span {
    info_span!(target: TARGET, "ledger write", kind, row = field::Empty)
}

/// What tells an outside party which trace a request belongs to
/// (`traceparent` of W3C Trace Context), if there is one.
pub(crate) fn traceparent(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let context = span.span_context();
    context.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            context.trace_id(),
            context.span_id(),
            context.trace_flags().to_u8()
        )
    })
}

/// An outside party, as it is called in spans and metrics: no path and no query,
/// which may hold data.
pub(crate) fn party(url: &Url) -> String {
    url.origin().ascii_serialization()
}
