//! Where components are compiled: beside the runs, not among them.
//!
//! The compiler cannot be interrupted. It works on threads of its own, of
//! lower priority than those of the runs, on few components at a time, so that
//! one that takes long is waited for by nobody but the runs of it.

use crate::admission::{self, Inspection, Refusal};
use crate::registry::Compiled;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use wasmtime::Engine;
use wasmtime::component::Component;

/// What came of compiling.
pub(crate) type Digested = Arc<Result<(Component, Inspection), Refusal>>;

/// A component that is being compiled, or was; none as long as it is not done.
pub(crate) type Compiling = watch::Receiver<Option<Digested>>;

/// How many components are compiled at a time.
const AT_A_TIME: usize = 2;

/// The stack of a thread that compiles, in bytes.
const STACK_BYTES: usize = 8 << 20;

/// How much nicer to others a thread is that compiles (see nice(2)).
#[cfg(target_os = "linux")]
const NICER: i32 = 10;

/// Compiles components for one engine, each once.
pub(crate) struct Compiler {
    engine: Engine,
    /// By the SHA-256 of the file.
    known: Mutex<HashMap<[u8; 32], Compiling>>,
    places: Arc<Places>,
}

impl Compiler {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            known: Mutex::default(),
            places: Arc::new(Places {
                free: Mutex::new(AT_A_TIME),
                freed: Condvar::new(),
            }),
        }
    }

    /// A component that is being compiled, or was.
    pub(crate) fn known(&self, digest: &[u8; 32]) -> Option<Compiling> {
        lock(&self.known).get(digest).cloned()
    }

    /// Keeps one that was compiled elsewhere.
    pub(crate) fn keep(&self, digest: [u8; 32], compiled: Digested) -> Compiling {
        let (_, kept) = watch::channel(Some(compiled));
        lock(&self.known).entry(digest).or_insert(kept).clone()
    }

    /// Compiles a component that passed [`admission::precheck`] as soon as it
    /// is its turn, and keeps it on disk too, if there is one. The channel
    /// closes without an answer when the compiler panics.
    pub(crate) fn compile(
        &self,
        digest: [u8; 32],
        bytes: Vec<u8>,
        disk: Option<Arc<Compiled>>,
    ) -> Compiling {
        let mut known = lock(&self.known);
        let start = || self.start(digest, bytes, disk);
        known.entry(digest).or_insert_with(start).clone()
    }

    fn start(&self, digest: [u8; 32], bytes: Vec<u8>, disk: Option<Arc<Compiled>>) -> Compiling {
        let (done, compiling) = watch::channel(None);
        let (engine, places) = (self.engine.clone(), self.places.clone());
        let work = move || {
            let compiled = {
                let _place = places.take();
                apart(|| admission::compile(&engine, &bytes))
            };
            if let (Ok((component, _)), Some(disk)) = (&compiled, disk) {
                disk.store(&digest, component);
            }
            done.send_replace(Some(Arc::new(compiled)));
        };
        // Not one of tokio's threads: whoever gave up waiting can end the
        // process without waiting for it.
        let thread = std::thread::Builder::new().name("koppel-compile".to_owned());
        if let Err(error) = thread.stack_size(STACK_BYTES).spawn(work) {
            tracing::error!(%error, "no thread to compile on");
        }
        compiling
    }
}

/// Places for components that are compiled.
struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place that is free again when this is dropped.
struct Place<'a>(&'a Places);

impl Places {
    /// Waits for a place.
    fn take(&self) -> Place<'_> {
        let none = |free: &mut usize| *free == 0;
        let free = self.freed.wait_while(lock(&self.free), none);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.freed.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does work that uses many threads on threads of its own.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let threads = rayon::ThreadPoolBuilder::new()
        .thread_name(|number| format!("koppel-compile-{number}"))
        .stack_size(STACK_BYTES)
        .start_handler(|_| step_back())
        .build();
    match threads {
        Ok(threads) => threads.install(work),
        Err(error) => {
            tracing::warn!(%error, "compiling on threads that are shared");
            work()
        }
    }
}

/// Lets others go first, where that can be said of a single thread.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICER) {
        tracing::debug!(%error, "compiling at the priority of runs");
    }
}
