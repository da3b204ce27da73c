//! The only `bindgen!`: the types of the contract in `wit/` and typed access
//! to what components export.
//!
//! The records of the contract are the host's own model too (see
//! [`crate::platform`]): a second set of structs would have to be kept equal
//! by hand. The generated `add_to_linker` is not used. It would link whole
//! interfaces; koppel links single functions, exactly the granted ones (see
//! [`crate::activities`]).
#![expect(missing_docs, reason = "generated; documented in wit/")]

wasmtime::component::bindgen!({
    world: "koppel:connector/host",
    path: "../wit",
    imports: { default: async | trappable },
    exports: { default: async },
    additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    with: {
        "koppel:connector/exports.export-file": crate::activities::exports::ExportFile,
    },
});
