//! The floor: the engine itself on the same component, with nothing of koppel
//! but the records of the contract. No checks, no limits, no ledger; the
//! activity is a host function that copies a record from memory.

use koppel_host::bindings::exports::koppel::connector::{connector, lookup};
use koppel_host::bindings::koppel::connector::types::{Description, RunContext};
use koppel_host::bindings::koppel::loket::employers::Employer;
use koppel_host::bindings::koppel::loket::types::ActivityError;
use std::path::Path;
use wasmtime::component::{Component, Instance, InstancePre, Linker, ResourceTable};
use wasmtime::{
    Config, Engine, Error, InstanceAllocationStrategy, PoolingAllocationConfig, Result, Store,
};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// What a guest needs of the host.
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// A component that is ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Floor {
    pub(crate) engine: Engine,
    pre: InstancePre<State>,
    context: RunContext,
}

/// The engine with the pooling allocator, with as many places as koppel has and
/// its settings of how they are cleaned, and no other settings.
pub(crate) fn engine() -> Result<Engine> {
    engine_with(|_, pool| {
        koppel_host::sandbox::tuned(pool);
    })
}

/// The engine with the pooling allocator, with as many places as koppel has, and
/// these settings.
pub(crate) fn engine_with(
    setting: impl FnOnce(&mut Config, &mut PoolingAllocationConfig),
) -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(128)
        .total_core_instances(128 * 16)
        .total_memories(128 * 2)
        .total_tables(128 * 16)
        .total_stacks(128)
        .max_memory_size(1 << 30);
    let mut config = Config::new();
    setting(&mut config, &mut pool);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// The record that the activity gives.
pub(crate) fn employer() -> Employer {
    Employer {
        id: crate::setup::employer().to_string(),
        employer_number: 1001,
        company_name: "Bakkerij De Gouden Korenaar B.V.".to_owned(),
        chamber_of_commerce_number: Some("90000011".to_owned()),
        street: Some("Molenstraat".to_owned()),
        house_number: Some(12),
        postal_code: Some("1234AA".to_owned()),
        city: Some("Leiden".to_owned()),
        country: Some("NL".to_owned()),
    }
}

/// Links a component.
pub(crate) fn link(engine: &Engine, component: &Component) -> Result<InstancePre<State>> {
    let mut linker: Linker<State> = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    let employer = employer();
    linker
        .instance("koppel:loket/employers@0.1.0")?
        .func_wrap("get-employer-by-employer-id", move |_, (_,): (String,)| {
            Ok((Ok::<_, ActivityError>(employer.clone()),))
        })?;
    linker.instantiate_pre(component)
}

impl Floor {
    /// Compiles and links a component for an engine.
    ///
    /// # Errors
    ///
    /// Also when there is no such engine.
    pub(crate) fn with(engine: Result<Engine>, component: &Path) -> anyhow::Result<Self> {
        let linked = engine.and_then(|engine| Self::linked(engine, component));
        linked.map_err(anyhow::Error::msg)
    }

    fn linked(engine: Engine, component: &Path) -> Result<Self> {
        let component = Component::from_file(&engine, component)?;
        Ok(Self {
            pre: link(&engine, &component)?,
            engine,
            context: RunContext {
                run_id: uuid::Uuid::now_v7().to_string(),
                employer_id: crate::setup::employer().to_string(),
                settings: "{}".to_owned(),
            },
        })
    }

    /// A fresh instance.
    pub(crate) async fn instance(&self) -> Result<(Store<State>, Instance)> {
        let state = State {
            wasi: WasiCtxBuilder::new().build(),
            table: ResourceTable::new(),
        };
        let mut store = Store::new(&self.engine, state);
        // Where it has epochs, nobody counts them.
        store.set_epoch_deadline(1);
        let instance = self.pre.instantiate_async(&mut store).await?;
        Ok((store, instance))
    }

    /// Calls `describe` of an instance.
    pub(crate) async fn describe(
        &self,
        (store, instance): &mut (Store<State>, Instance),
    ) -> Result<Description> {
        let guest = connector::GuestIndices::new(&self.pre)?.load(&mut *store, instance)?;
        guest.call_describe(store).await
    }

    /// Calls `lookup` of an instance.
    pub(crate) async fn lookup(
        &self,
        (store, instance): &mut (Store<State>, Instance),
        query: &str,
    ) -> Result<String> {
        let guest = lookup::GuestIndices::new(&self.pre)?.load(&mut *store, instance)?;
        let answer = guest.call_lookup(store, &self.context, query).await?;
        answer.map_err(|error| Error::msg(format!("{error:?}")))
    }

    /// Calls `describe` of a fresh instance, and gives it back.
    pub(crate) async fn describe_fresh(&self) {
        let mut instance = self.instance().await.expect("an instance");
        self.describe(&mut instance).await.expect("a description");
    }

    /// Calls `lookup` of a fresh instance, and gives it back.
    pub(crate) async fn lookup_fresh(&self, query: &str) {
        let mut instance = self.instance().await.expect("an instance");
        self.lookup(&mut instance, query).await.expect("an answer");
    }
}
