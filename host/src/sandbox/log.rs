//! The log of a run: what the connector and the host have to say about it.

use crate::bindings::koppel::connector::log::Level;
use async_trait::async_trait;
use bytes::Bytes;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{OutputStream, StreamResult};

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
    /// What is left for the host.
    host: usize,
    dropped: u64,
}

/// What the host may write about one run, in bytes: a guest can make it write
/// a line for each request.
const HOST_BYTES: usize = 256 << 10;

/// The longest line of the host, in bytes: it may hold what the guest chose.
const HOST_LINE: usize = 8 << 10;

/// What a line takes besides its text, so that empty lines are not free.
const LINE_OVERHEAD: usize = 32;

impl RunLog {
    /// An empty log for this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            lines: Vec::new(),
            left: bytes,
            host: HOST_BYTES,
            dropped: 0,
        })))
    }

    /// Writes a line. A line that does not fit is dropped and counted; what the
    /// connector writes takes nothing from what the host may write.
    pub fn write(&self, source: Source, level: Level, text: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        let host = source == Source::Host;
        let clipped = host.then(|| crate::text::clipped(text, HOST_LINE));
        let text = clipped.as_deref().unwrap_or(text);
        let left = if host {
            &mut inner.host
        } else {
            &mut inner.left
        };
        match left.checked_sub(text.len() + LINE_OVERHEAD) {
            Some(rest) => *left = rest,
            None => {
                inner.dropped += 1;
                return;
            }
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
        Box::new(self.stream())
    }

    // The default has a task beside the guest and a queue between them, which
    // grows with each empty write (GHSA-5m8g-xhq4-4h93).
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.stream())
    }
}

impl Stdio {
    fn stream(&self) -> StdioStream {
        StdioStream {
            log: self.log.clone(),
            level: self.level,
        }
    }
}

/// The most that a guest writes at a time, in bytes.
const WRITE_BYTES: usize = 64 << 10;

#[async_trait]
impl Pollable for StdioStream {
    async fn ready(&mut self) {}
}

impl OutputStream for StdioStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.lines(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

struct StdioStream {
    log: RunLog,
    level: Level,
}

impl StdioStream {
    fn lines(&self, bytes: &[u8]) {
        for line in String::from_utf8_lossy(bytes).lines() {
            self.log.write(Source::Stdio, self.level, line);
        }
    }
}

impl AsyncWrite for StdioStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.lines(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
