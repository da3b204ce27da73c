//! The log of a run: what the connector and the host have to say about it.

use crate::bindings::koppel::connector::log::Level;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The connector, through the log interface.
    Connector,
    /// The connector, by writing to its standard output or error.
    Stdio,
    /// The host, about the connector.
    Host,
}

impl Source {
    /// A word for it, to be shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::Stdio => "output",
            Self::Host => "host",
        }
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Line {
    /// Who wrote it.
    pub source: Source,
    /// How important it is.
    pub level: Level,
    /// The text, without control characters.
    pub text: String,
}

/// A log with a fixed volume. Cloning gives another handle on the same log.
#[derive(Clone)]
pub struct RunLog(Arc<Mutex<Inner>>);

struct Inner {
    lines: Vec<Line>,
    left: usize,
    dropped: u64,
}

/// What a line takes besides its text, so that empty lines are not free.
const LINE_OVERHEAD: usize = 32;

impl RunLog {
    /// An empty log for this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            lines: Vec::new(),
            left: bytes,
            dropped: 0,
        })))
    }

    /// Writes a line. A line that does not fit is dropped and counted; lines
    /// of the host always fit, there are few of them.
    pub fn write(&self, source: Source, level: Level, text: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = text.len() + LINE_OVERHEAD;
        if source != Source::Host {
            if cost > inner.left {
                inner.dropped += 1;
                return;
            }
            inner.left -= cost;
        }
        // A terminal must not be steered by a guest.
        let text = crate::text::one_line(text.trim_end_matches('\n'));
        inner.lines.push(Line {
            source,
            level,
            text,
        });
    }

    /// The lines so far, and how many were dropped.
    pub fn contents(&self) -> (Vec<Line>, u64) {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.lines.clone(), inner.dropped)
    }
}

/// Standard output or error of a run: lines of the log.
pub(super) struct Stdio {
    pub(super) log: RunLog,
    pub(super) level: Level,
}

impl IsTerminal for Stdio {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stdio {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(StdioStream {
            log: self.log.clone(),
            level: self.level,
        })
    }
}

struct StdioStream {
    log: RunLog,
    level: Level,
}

impl AsyncWrite for StdioStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        for line in String::from_utf8_lossy(bytes).lines() {
            self.log.write(Source::Stdio, self.level, line);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
