//! The kinds of connector: how the exports of each are called.

use crate::bindings::exports::koppel::connector::{
    connector, declaration, journal, lookup, product,
};
use crate::bindings::koppel::connector::types::{ConnectorError, Description, RunContext};
use crate::registry::Loaded;
use crate::sandbox::State;
use wasmtime::Store;
use wasmtime::component::Instance;

/// A live instance of a connector, for one call.
pub(crate) struct Connector<'a> {
    instance: Instance,
    loaded: &'a Loaded,
}

/// A fresh instance: the one that was made ready for this store, or one that is
/// made now.
pub(crate) async fn instance<'a>(
    store: &mut Store<State>,
    loaded: &'a Loaded,
    ready: Option<Instance>,
) -> wasmtime::Result<Connector<'a>> {
    let instance = match ready {
        Some(instance) => instance,
        None => loaded.pre.instantiate_async(&mut *store).await?,
    };
    Ok(Connector { instance, loaded })
}

impl Connector<'_> {
    /// Calls `describe`.
    pub(crate) async fn describe(&self, store: &mut Store<State>) -> wasmtime::Result<Description> {
        let guest =
            connector::GuestIndices::new(&self.loaded.pre)?.load(&mut *store, &self.instance)?;
        guest.call_describe(store).await
    }

    /// Calls `check`.
    pub(crate) async fn check(
        &self,
        store: &mut Store<State>,
        context: &RunContext,
    ) -> wasmtime::Result<Result<String, ConnectorError>> {
        let guest =
            connector::GuestIndices::new(&self.loaded.pre)?.load(&mut *store, &self.instance)?;
        guest.call_check(store, context).await
    }

    /// Calls `process-journal-run`.
    pub(crate) async fn journal(
        &self,
        store: &mut Store<State>,
        context: &RunContext,
        journal_run: &String,
    ) -> wasmtime::Result<Result<journal::Outcome, ConnectorError>> {
        let guest =
            journal::GuestIndices::new(&self.loaded.pre)?.load(&mut *store, &self.instance)?;
        guest
            .call_process_journal_run(store, context, journal_run)
            .await
    }

    /// Calls `create` of a connector of kind declaration.
    pub(crate) async fn create(
        &self,
        store: &mut Store<State>,
        context: &RunContext,
        declaration: &String,
    ) -> wasmtime::Result<Result<declaration::Message, ConnectorError>> {
        let guest =
            declaration::GuestIndices::new(&self.loaded.pre)?.load(&mut *store, &self.instance)?;
        guest.call_create(store, context, declaration).await
    }

    /// Calls `submit` of a connector of kind declaration.
    pub(crate) async fn submit(
        &self,
        store: &mut Store<State>,
        context: &RunContext,
        declaration: &String,
        message: &declaration::Message,
    ) -> wasmtime::Result<Result<declaration::Submission, ConnectorError>> {
        let guest =
            declaration::GuestIndices::new(&self.loaded.pre)?.load(&mut *store, &self.instance)?;
        guest
            .call_submit(store, context, declaration, message)
            .await
    }

    /// Calls `poll-response` of a connector of kind declaration.
    pub(crate) async fn poll_response(
        &self,
        store: &mut Store<State>,
        context: &RunContext,
        declaration: &String,
    ) -> wasmtime::Result<Result<(), ConnectorError>> {
        let guest =
            declaration::GuestIndices::new(&self.loaded.pre)?.load(&mut *store, &self.instance)?;
        guest.call_poll_response(store, context, declaration).await
    }

    /// Calls `lookup`.
    pub(crate) async fn lookup(
        &self,
        store: &mut Store<State>,
        context: &RunContext,
        query: &str,
    ) -> wasmtime::Result<Result<String, ConnectorError>> {
        let guest =
            lookup::GuestIndices::new(&self.loaded.pre)?.load(&mut *store, &self.instance)?;
        guest.call_lookup(store, context, query).await
    }

    /// Calls `quote`.
    pub(crate) async fn quote(
        &self,
        store: &mut Store<State>,
        context: &RunContext,
        request: &str,
    ) -> wasmtime::Result<Result<product::Quotation, ConnectorError>> {
        let guest =
            product::GuestIndices::new(&self.loaded.pre)?.load(&mut *store, &self.instance)?;
        guest.call_quote(store, context, request).await
    }

    /// Calls `order`.
    pub(crate) async fn order(
        &self,
        store: &mut Store<State>,
        context: &RunContext,
        order: &String,
        request: &str,
    ) -> wasmtime::Result<Result<product::Confirmation, ConnectorError>> {
        let guest =
            product::GuestIndices::new(&self.loaded.pre)?.load(&mut *store, &self.instance)?;
        guest.call_order(store, context, order, request).await
    }

    /// Calls `cancel`.
    pub(crate) async fn cancel(
        &self,
        store: &mut Store<State>,
        context: &RunContext,
        order: &String,
    ) -> wasmtime::Result<Result<product::Cancellation, ConnectorError>> {
        let guest =
            product::GuestIndices::new(&self.loaded.pre)?.load(&mut *store, &self.instance)?;
        guest.call_cancel(store, context, order).await
    }
}
