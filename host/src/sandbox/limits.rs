//! What a run may use up, and the guard that keeps it to that.

use serde::Deserialize;
use wasmtime::ResourceLimiter;

/// The limits of the runs of one client. Every one has a default; an operator
/// raises a single one where a connector needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// The linear memory of all memories of a run together, in bytes. 64 MiB.
    pub memory_bytes: usize,
    /// How long a run may take, waiting included, in milliseconds. 30 seconds.
    pub deadline_ms: u64,
    /// How long a run may compute, in milliseconds, measured in steps of
    /// [`super::TICK`]. 10 seconds.
    pub cpu_ms: u64,
    /// The elements of all tables of a run together. 20,000.
    pub table_elements: usize,
    /// The handles (files, requests, streams) that a run may hold. 1,000.
    pub handles: usize,
    /// The bytes that a run may pass to the host in one call. 16 MiB.
    pub hostcall_bytes: usize,
    /// The bytes of log that are kept of a run; the rest is dropped and
    /// counted. 256 KiB.
    pub log_bytes: usize,
    /// How many outside requests a run may make. 100.
    pub requests: usize,
    /// The bytes of the body of one outside request. 10 MiB.
    pub request_bytes: usize,
    /// The bytes of the body of one reply. 10 MiB.
    pub response_bytes: usize,
    /// How many runs of the client are under way at a time; more wait. 16.
    pub runs: usize,
    /// How many export files a run may start. 100.
    pub export_files: usize,
    /// How much work compiling the component may be, in the units of
    /// [`crate::admission::Effort`]. 100,000,000: five times the largest
    /// connector of this repository.
    pub compile_effort: u64,
    /// How long a run waits for its component to be compiled, in milliseconds.
    /// 30 seconds.
    pub compile_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            deadline_ms: 30_000,
            cpu_ms: 10_000,
            table_elements: TABLE_CEILING,
            handles: 1_000,
            hostcall_bytes: 16 << 20,
            log_bytes: 256 << 10,
            requests: 100,
            request_bytes: 10 << 20,
            response_bytes: 10 << 20,
            runs: 16,
            export_files: 100,
            compile_effort: 100_000_000,
            compile_ms: 30_000,
        }
    }
}

/// The most elements that a single table can have: the pool reserves them.
pub const TABLE_CEILING: usize = 20_000;

/// The most that a single memory can be, in bytes: the pool reserves it.
pub const MEMORY_CEILING: usize = 1 << 30;

impl Limits {
    /// Checks that the host can keep these limits.
    ///
    /// # Errors
    ///
    /// Names the limit and its range.
    pub fn validate(&self) -> Result<(), String> {
        if self.memory_bytes > MEMORY_CEILING {
            return Err(format!(
                "memory-bytes = {} is more than {MEMORY_CEILING}",
                self.memory_bytes
            ));
        }
        if self.table_elements > TABLE_CEILING {
            return Err(format!(
                "table-elements = {} is more than {TABLE_CEILING}",
                self.table_elements
            ));
        }
        let positive = [
            ("deadline-ms", self.deadline_ms),
            ("cpu-ms", self.cpu_ms),
            ("memory-bytes", self.memory_bytes as u64),
            ("handles", self.handles as u64),
            ("hostcall-bytes", self.hostcall_bytes as u64),
            ("runs", self.runs as u64),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(format!("{name} must be more than 0")),
            None => Ok(()),
        }
    }
}

/// A limit that a run ran into. The run ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitReached {
    /// [`Limits::memory_bytes`].
    #[error("memory limit of {0} bytes reached (limits.memory-bytes)")]
    Memory(usize),
    /// [`Limits::table_elements`].
    #[error("table limit of {0} elements reached (limits.table-elements)")]
    Table(usize),
    /// [`Limits::cpu_ms`].
    #[error("computing time of {0} ms used up (limits.cpu-ms)")]
    Cpu(u64),
    /// [`Limits::deadline_ms`].
    #[error("deadline of {0} ms passed (limits.deadline-ms)")]
    Deadline(u64),
    /// [`crate::session::DENIALS`].
    #[error("{0} of its calls were denied or refused, and it went on")]
    Denials(usize),
}

/// Counts what a run uses and refuses growth beyond its limits. Refusing ends
/// the run: a guest that sees `memory.grow` fail rarely recovers, and a clear
/// reason is worth more than a panic about an allocation.
#[derive(Debug)]
pub(super) struct Guard {
    limits: Limits,
    memory: usize,
    tables: usize,
}

impl Guard {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            memory: 0,
            tables: 0,
        }
    }

    /// The most linear memory in use so far, in bytes. Memories never shrink.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }
}

impl ResourceLimiter for Guard {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.limits.memory_bytes {
            return Err(LimitReached::Memory(self.limits.memory_bytes).into());
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.tables.saturating_add(desired.saturating_sub(current));
        if total > self.limits.table_elements {
            return Err(LimitReached::Table(self.limits.table_elements).into());
        }
        self.tables = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        64
    }

    fn tables(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        16
    }
}
