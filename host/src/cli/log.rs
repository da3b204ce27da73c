//! The log of the process: to standard error, without the secrets of the host,
//! whatever a library writes at the levels `debug` and `trace`.

use crate::ledger::Redactor;
use std::io::{self, Write};
use tracing_subscriber::EnvFilter;

/// Starts it, as `KOPPEL_LOG` says.
pub(super) fn start(redactor: Redactor) {
    let filter = EnvFilter::try_from_env("KOPPEL_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Redacting {
            redactor: redactor.clone(),
            to: io::stderr(),
        })
        .init();
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
