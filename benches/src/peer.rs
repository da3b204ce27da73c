//! The peer: Extism, as its documentation says to use it for many calls: a
//! plug-in that was compiled once, and a fresh instance for each call.

use anyhow::Result;
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, UserData, ValType, Wasm};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// A plug-in that is ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Extism(Arc<CompiledPlugin>);

extism::host_fn!(get_employer(employer: String; _id: String) -> String {
    let employer = employer.get()?;
    let employer = employer.lock().map_err(|error| anyhow::anyhow!("{error}"))?;
    // The record is made, and written, at each call, as it is for a component.
    Ok(employer.clone())
});

impl Extism {
    /// Compiles a plug-in.
    pub(crate) fn new(module: &Path) -> Result<Self> {
        let employer = serde_json::to_string(&crate::floor::employer())?;
        let builder = PluginBuilder::new(Manifest::new([Wasm::data(std::fs::read(module)?)]))
            .with_wasi(true)
            .with_function(
                "get_employer",
                [ValType::I64],
                [ValType::I64],
                UserData::new(employer),
                get_employer,
            );
        Ok(Self(Arc::new(builder.compile()?)))
    }

    fn call(&self, function: &str, input: &str) -> Result<Value> {
        let mut plugin = Plugin::new_from_compiled(&self.0)?;
        let answer: String = plugin.call(function, input)?;
        Ok(serde_json::from_str(&answer)?)
    }

    /// Calls `describe` of a fresh instance.
    pub(crate) fn describe(&self) {
        self.call("describe", "").expect("a description");
    }

    /// Calls `lookup` of a fresh instance.
    pub(crate) fn lookup(&self, query: &str) {
        let context = json!({"employer_id": crate::setup::employer(), "settings": "{}"});
        let input = json!({"context": context, "query": query}).to_string();
        self.call("lookup", &input).expect("an answer");
    }
}
