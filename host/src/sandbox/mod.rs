//! The sandbox: one engine for the process, a fresh store and instance for
//! every call of a connector.

mod limits;
mod linker;
mod log;
mod ready;
mod state;
mod turns;

pub use crate::runs::replay::RESOLUTION;
pub use limits::{LimitReached, Limits, MEMORY_CEILING, TABLE_CEILING};
pub use log::{Line, RunLog, Source};
pub use ready::READY;
pub(crate) use ready::Ready;
pub use state::State;

use crate::authorization::ActivitySet;
use crate::compiler::Compiler;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use turns::Turns;
use wasmparser::WasmFeatures;
use wasmtime::component::Linker;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    UpdateDeadline,
};

/// How often a computing guest is interrupted to look at its limits and to let
/// others go on.
pub const TICK: Duration = Duration::from_millis(10);

/// The stack of a guest, in bytes. Deeper recursion traps.
const STACK_BYTES: usize = 512 << 10;

/// How many runs have an instance at a time. Further runs wait, within their
/// deadlines; nothing is allocated beyond it.
pub const RUNS: u32 = 64;

/// Places in the pool: one that was given up is free only after its memory was
/// cleaned, so there are more than [`RUNS`].
const POOL: u32 = RUNS * 2;

/// What one component may consist of at most. The pool holds so much of each
/// for every run: none can take the place of another.
///
/// A component in Python has 38 core instances: its interpreter is linked of
/// libraries. They only count; what takes room is memories and tables.
const CORE_INSTANCES: u32 = 64;
const MEMORIES: u32 = 2;
const TABLES: u32 = 16;

/// What a component may use of WebAssembly: what the toolchains of connectors
/// need. The rest (threads, 64-bit memories, garbage collection, exceptions,
/// tail calls, …) is where the engine is youngest, and grants nothing.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::COMPONENT_MODEL);

/// The engine, what was compiled for it, and the clock that interrupts its
/// guests.
pub struct Sandbox {
    engine: Engine,
    /// What every component is linked with.
    base: Linker<State>,
    compiler: Compiler,
    stop: Arc<AtomicBool>,
    turns: Turns,
}

impl Sandbox {
    /// Makes the engine and starts its clock.
    ///
    /// # Errors
    ///
    /// When the machine cannot reserve the address space of the pool.
    pub fn new() -> anyhow::Result<Self> {
        let mut pool = PoolingAllocationConfig::default();
        pool.total_component_instances(POOL)
            .total_core_instances(POOL * CORE_INSTANCES)
            .total_memories(POOL * MEMORIES)
            .total_tables(POOL * TABLES)
            .total_stacks(POOL)
            .max_memory_size(MEMORY_CEILING)
            .table_elements(TABLE_CEILING)
            .max_core_instances_per_component(CORE_INSTANCES)
            .max_memories_per_component(MEMORIES)
            .max_tables_per_component(TABLES);
        tuned(&mut pool);
        let mut config = Config::new();
        config
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
            .wasm_features(WasmFeatures::all().difference(FEATURES), false)
            .epoch_interruption(true)
            // What debuggers read, and the engine does not.
            .native_unwind_info(false)
            // For backtraces, which nobody is shown: a tenth of what is loaded.
            .generate_address_map(false)
            .wasm_backtrace_max_frames(None)
            .max_wasm_stack(STACK_BYTES)
            .async_stack_size(STACK_BYTES + (1 << 20));
        let engine = Engine::new(&config).map_err(|error| anyhow::anyhow!("{error:#}"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let (ticking, stopped) = (engine.weak(), stop.clone());
        let turns = Turns::new();
        let given_out = turns.clone();
        std::thread::Builder::new()
            .name("koppel-epoch".to_owned())
            .spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    std::thread::sleep(TICK);
                    match ticking.upgrade() {
                        Some(engine) => {
                            engine.increment_epoch();
                            given_out.tick();
                        }
                        None => break,
                    }
                }
            })?;
        let base = linker::base(&engine).map_err(|error| anyhow::anyhow!("{error:#}"))?;
        Ok(Self {
            base,
            compiler: Compiler::new(engine.clone()),
            engine,
            stop,
            turns,
        })
    }

    /// Compiles components for the engine.
    pub(crate) fn compiler(&self) -> &Compiler {
        &self.compiler
    }

    /// A linker that holds what a client was granted of what its component
    /// imports: the base that grants nothing, these activities, `wasi:http` and
    /// export files.
    ///
    /// # Errors
    ///
    /// Only when a definition clashes with another: a fault of koppel.
    pub fn linker(
        &self,
        granted: &ActivitySet,
        http: bool,
        exports: bool,
    ) -> wasmtime::Result<Linker<State>> {
        linker::link(&self.base, granted, http, exports)
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A store for one call, with its limits in force.
    pub fn store(&self, state: State, limits: &Limits) -> Store<State> {
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.guard);
        store.set_hostcall_fuel(limits.hostcall_bytes);
        store.set_max_component_handles(limits.handles);
        begin(&mut store);
        let (budget, allowed) = (ticks(limits.cpu_ms), limits.cpu_ms);
        let turns = self.turns.clone();
        // Called only while the guest computes, so counting the calls is
        // measuring computing time. Coming back from a wait of more than a
        // tick counts as one.
        store.epoch_deadline_callback(move |mut context| {
            context.data_mut().ticks += 1;
            let used = context.data().ticks;
            context.data().session.went_on()?;
            if used > budget {
                Err(LimitReached::Cpu(allowed).into())
            } else if Turns::is_due(used) {
                let turn = turns.clone().take();
                Ok(UpdateDeadline::YieldCustom(1, Box::pin(turn)))
            } else {
                Ok(UpdateDeadline::Yield(1))
            }
        });
        store
    }
}

/// How much of a memory, and of a table, is cleaned in place when its instance
/// ends, in bytes. What it used beyond that is given back to the system.
const CLEANED_BYTES: usize = 1 << 20;

/// How the pool cleans what an instance leaves, so that the next finds nothing
/// of it.
///
/// By default its pages are given back to the system, which then has to tell
/// all other processors: two threads make fewer instances than one. So the pages
/// that it wrote, as Linux knows them (`PAGEMAP_SCAN`, from 6.7), are
/// overwritten instead; where the system cannot say, all that is kept.
pub fn tuned(pool: &mut PoolingAllocationConfig) -> &mut PoolingAllocationConfig {
    pool.linear_memory_keep_resident(CLEANED_BYTES)
        .table_keep_resident(CLEANED_BYTES)
        .pagemap_scan(Enabled::Auto)
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// From now on the time that a guest computes counts.
fn begin(store: &mut Store<State>) {
    store.set_epoch_deadline(1);
}

fn ticks(milliseconds: u64) -> u64 {
    milliseconds.div_ceil(TICK.as_millis() as u64)
}

/// How long a store has computed so far, in steps of [`TICK`].
pub fn cpu_used(store: &Store<State>) -> Duration {
    let ticks = u32::try_from(store.data().ticks).unwrap_or(u32::MAX);
    TICK.saturating_mul(ticks)
}

/// The most linear memory that a store has used so far, in bytes.
pub fn memory_used(store: &Store<State>) -> usize {
    store.data().guard.memory()
}
