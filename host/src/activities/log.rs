//! `koppel:connector/log`: always linked, it grants nothing.

use super::WIT_VERSION;
use crate::bindings::koppel::connector::log::Level;
use crate::sandbox::{Source, State};
use wasmtime::component::Linker;

pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker
        .instance(&format!("koppel:connector/log@{WIT_VERSION}"))?
        .func_wrap(
            "write",
            |store: wasmtime::StoreContextMut<'_, State>, (level, message): (Level, String)| {
                store.data().log.write(Source::Connector, level, &message);
                Ok(())
            },
        )
}
