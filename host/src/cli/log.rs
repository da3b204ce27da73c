//! The log of the process: to standard error, without the secrets of the host,
//! whatever a library writes at the levels `debug` and `trace`.

use crate::config::Traces;
use crate::ledger::Redactor;
use crate::telemetry::{Exporting, TARGET, export};
use std::io::{self, Write};
use tracing_subscriber::filter::{FilterExt, LevelFilter, dynamic_filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts it, as `KOPPEL_LOG` and `KOPPEL_LOG_FORMAT` say, and the export of
/// traces.
///
/// # Errors
///
/// When the traces cannot be exported. Then nothing was started.
pub(super) fn start(
    redactor: &Redactor,
    traces: Option<&Traces>,
) -> Result<Option<Exporting>, String> {
    let exported = traces.map(|traces| export(traces, redactor)).transpose()?;
    let (layer, exporting) = exported.unzip();
    let mut filter =
        EnvFilter::try_from_env("KOPPEL_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let json = std::env::var("KOPPEL_LOG_FORMAT").is_ok_and(|format| format == "json");
    if json && let Ok(spans) = format!("{TARGET}=info").parse() {
        // What an event happened in is told with it.
        filter = filter.add_directive(spans);
    }
    // A filter of one layer is not asked of what it always lets through, and
    // then what it last said holds: of a level that sqlx only asked for, so that
    // a line is lost. This way it is asked each time.
    let always = dynamic_filter_fn(|_, _| true).with_max_level_hint(LevelFilter::TRACE);
    let filter = filter.and(always);
    let redactor = redactor.clone();
    let writer = move || Redacting {
        redactor: redactor.clone(),
        to: io::stderr(),
    };
    let log = tracing_subscriber::fmt::layer().with_writer(writer);
    let log: Boxed = if json {
        Box::new(log.json().with_filter(filter))
    } else {
        Box::new(log.with_filter(filter))
    };
    let layers: Vec<Boxed> = layer.into_iter().chain([log]).collect();
    tracing_subscriber::registry().with(layers).init();
    Ok(exporting)
}

/// Takes secrets out of what is written. Each event is written at once, so none
/// is cut in two.
struct Redacting<W> {
    redactor: Redactor,
    to: W,
}

impl<W: Write> Write for Redacting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write_all(&self.redactor.bytes(bytes.to_vec()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_without_the_secrets_that_are_known_by_then() {
        let redactor = Redactor::default();
        let mut log = Redacting {
            redactor: redactor.clone(),
            to: Vec::new(),
        };
        redactor.add("s3cret");
        log.write_all(b"key=\"s3cret\" other=\"fine\"\n").unwrap();
        assert_eq!(log.to, b"key=\"[redacted]\" other=\"fine\"\n");
    }
}
