//! What the host keeps about one run while its guest executes.

use super::limits::{Guard, Limits};
use super::log::{RunLog, Stdio};
use crate::bindings::koppel::connector::log::Level;
use crate::exports::ExportDir;
use crate::outbound::Hooks;
use crate::runs::replay::{Monotonic, Wall, random};
use crate::session::Session;
use std::sync::Arc;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The most random bytes that a guest gets at a time.
const RANDOM_BYTES: u64 = 1 << 20;

/// The data of the store of one run. Dropped with the run.
pub struct State {
    /// Who is calling for whom; runs the five checks.
    pub session: Arc<Session>,
    /// The log of the run.
    pub log: RunLog,
    /// The directory for export files, if the client has one.
    pub exports: Option<ExportDir>,
    /// How many export files it may still start.
    pub export_files: usize,
    /// The limits of the run.
    pub limits: Limits,
    /// The handles that the guest holds.
    pub table: ResourceTable,
    pub(super) guard: Guard,
    /// How often it was interrupted while it computed.
    pub(super) ticks: u64,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    /// Whether the guest called the host.
    touched: bool,
}

impl State {
    /// The state of a new run. The guest gets no environment, no arguments, no
    /// directories, no sockets and no standard input; what it writes to
    /// standard output and error goes to the log.
    pub fn new(
        session: Arc<Session>,
        limits: Limits,
        log: RunLog,
        exports: Option<ExportDir>,
        hooks: Hooks,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(Stdio {
            log: log.clone(),
            level: Level::Info,
        })
        .stderr(Stdio {
            log: log.clone(),
            level: Level::Warn,
        })
        // Made in the memory of the host before it is copied.
        .max_random_size(RANDOM_BYTES)
        // Sockets are not even linked; this holds if they ever were.
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .wall_clock(Wall(session.journal.clone()))
        .monotonic_clock(Monotonic(session.journal.clone()));
        if let Some(seed) = session.journal.seed() {
            let (secure, insecure, own) = random(seed);
            wasi.secure_random(secure)
                .insecure_random(insecure)
                .insecure_random_seed(own);
        }
        Self {
            session,
            log,
            exports,
            export_files: limits.export_files,
            limits,
            table,
            guard: Guard::new(limits),
            ticks: 0,
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks,
            touched: false,
        }
    }

    /// Whether the guest had nothing to do with the host so far: no call of
    /// WASI, and no line of log. (Whatever else there is takes a run.)
    pub(super) fn is_untouched(&self) -> bool {
        let (lines, dropped) = self.log.contents();
        !self.touched && lines.is_empty() && dropped == 0
    }
}

impl wasmtime_wasi_io::IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        self.touched = true;
        &mut self.table
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.touched = true;
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.touched = true;
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}
