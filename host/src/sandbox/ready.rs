//! Instances that are made ready before they are asked for, for clients whose
//! configuration says how many. Each is used for one call, as all others: no
//! memory is used again. Whatever a run is about (session, log, files, limits,
//! deadline) it gets when it is used; until then it can reach nothing.

use super::{Limits, Sandbox, State};
use crate::config::{Client, Config};
use crate::registry::Loaded;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wasmtime::Store;
use wasmtime::component::Instance;

/// How many there are at most, of all clients together: the pool holds as many
/// beside those that run.
pub const READY: u32 = super::POOL - super::RUNS - CLEANING;

/// Places of the pool that may be those of instances that just ended.
const CLEANING: u32 = 32;

/// How long making one may take. One that waits for the host is none that can
/// be made before there is a run.
const PATIENCE: Duration = Duration::from_millis(200);

/// An instance that waits for its call.
pub(crate) struct Prepared {
    store: Store<State>,
    instance: Instance,
}

impl Prepared {
    /// Gives it to a run.
    pub(crate) fn with(self, state: State) -> (Store<State>, Instance) {
        let Self {
            mut store,
            instance,
        } = self;
        let idle = std::mem::replace(store.data_mut(), state);
        // What it takes already counts.
        store.data_mut().guard = idle.guard;
        super::begin(&mut store);
        (store, instance)
    }
}

/// The instances that wait, by client.
#[derive(Clone, Default)]
pub(crate) struct Ready(Arc<Mutex<HashMap<String, OfClient>>>);

struct OfClient {
    /// What they are instances of, and their limits.
    loaded: Arc<Loaded>,
    limits: Limits,
    waiting: Vec<Prepared>,
    /// How many are being made.
    making: u32,
    /// Whether it calls the host while it is made, so that none can be.
    unfit: bool,
}

impl Ready {
    fn clients(&self) -> MutexGuard<'_, HashMap<String, OfClient>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of a client as it is now, if there is one.
    pub(crate) fn take(&self, client: &Client, loaded: &Arc<Loaded>) -> Option<Prepared> {
        let mut clients = self.clients();
        let of = clients.get_mut(&client.name)?;
        if client.ready > 0 && of.is_of(client, loaded) {
            return of.waiting.pop();
        }
        let other = clients.remove(&client.name);
        // Not while others wait for the lock: it takes a while.
        drop(clients);
        drop(other);
        None
    }

    /// How many of a client wait.
    pub(crate) fn count(&self, client: &str) -> usize {
        self.clients().get(client).map_or(0, |of| of.waiting.len())
    }

    /// Whether another one of a client is to be made: then whoever asks must
    /// make it.
    fn begin(&self, config: &Config, client: &Client, loaded: &Arc<Loaded>) -> bool {
        let mut gone = Vec::new();
        let mut clients = self.clients();
        let names: Vec<_> = clients.keys().cloned().collect();
        for name in names {
            if config.client(&name).is_none_or(|client| client.ready == 0) {
                gone.extend(clients.remove(&name));
            }
        }
        let all: u32 = clients.values().map(OfClient::count).sum();
        let of = clients
            .entry(client.name.clone())
            .or_insert_with(|| OfClient {
                loaded: loaded.clone(),
                limits: client.limits,
                waiting: Vec::new(),
                making: 0,
                unfit: false,
            });
        let more = of.is_of(client, loaded) && !of.unfit && of.count() < client.ready;
        let begun = more && all < READY;
        if begun {
            of.making += 1;
        }
        drop(clients);
        drop(gone);
        begun
    }

    /// Makes as many as a client is to have, beside whatever else is done.
    /// `state` is that of one that waits: it can reach nothing.
    pub(crate) fn fill(
        &self,
        sandbox: &Sandbox,
        config: &Config,
        client: &Client,
        loaded: &Arc<Loaded>,
        state: impl Fn() -> State,
    ) {
        while client.ready > 0 && self.begin(config, client, loaded) {
            let (ready, loaded, name) = (self.clone(), loaded.clone(), client.name.clone());
            let mut store = sandbox.store(state(), &client.limits);
            tokio::spawn(async move {
                let made = loaded.pre.instantiate_async(&mut store);
                let made = tokio::time::timeout(PATIENCE, made).await;
                let made = match made {
                    Ok(Ok(instance)) if store.data().is_untouched() => {
                        Some(Prepared { store, instance })
                    }
                    _ => None,
                };
                ready.end(&name, &loaded, made);
            });
        }
    }

    fn end(&self, client: &str, loaded: &Arc<Loaded>, made: Option<Prepared>) {
        let mut clients = self.clients();
        let Some(of) = clients.get_mut(client) else {
            return;
        };
        if !Arc::ptr_eq(&of.loaded, loaded) {
            return;
        }
        of.making -= 1;
        match made {
            Some(made) => of.waiting.push(made),
            None => of.unfit = true,
        }
    }
}

impl OfClient {
    fn is_of(&self, client: &Client, loaded: &Arc<Loaded>) -> bool {
        Arc::ptr_eq(&self.loaded, loaded) && self.limits == client.limits
    }

    fn count(&self) -> u32 {
        self.making + u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }
}
