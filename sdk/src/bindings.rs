//! The generated bindings, the imports once and each exported
//! interface in a world of its own. A component of a kind exports two of them;
//! `wit-component` joins their worlds.
#![expect(missing_docs, reason = "generated; documented in wit/")]
#![allow(
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    reason = "generated; what of it is reported differs per target"
)]

wit_bindgen::generate!({
    path: "../wit",
    world: "koppel:connector/imports",
    generate_all,
    additional_derives: [PartialEq],
});

/// What every connector exports.
pub mod connector_world {
    wit_bindgen::generate!({
        inline: "package koppel:sdk-connector; world connector-exports { export koppel:connector/connector@0.1.0; }",
        path: "../wit",
        world: "koppel:sdk-connector/connector-exports",
        pub_export_macro: true,
        default_bindings_module: "koppel_sdk::glue::connector_world",
        additional_derives: [PartialEq],
        with: {
            "koppel:loket/types@0.1.0": crate::bindings::koppel::loket::types,
            "koppel:connector/types@0.1.0": crate::bindings::koppel::connector::types,
        },
    });
}

/// What a connector of kind journal exports besides.
pub mod journal_world {
    wit_bindgen::generate!({
        inline: "package koppel:sdk-journal; world journal-exports { export koppel:connector/journal@0.1.0; }",
        path: "../wit",
        world: "koppel:sdk-journal/journal-exports",
        pub_export_macro: true,
        default_bindings_module: "koppel_sdk::glue::journal_world",
        additional_derives: [PartialEq],
        with: {
            "koppel:loket/types@0.1.0": crate::bindings::koppel::loket::types,
            "koppel:connector/types@0.1.0": crate::bindings::koppel::connector::types,
        },
    });
}

/// What a connector of kind declaration exports besides.
pub mod declaration_world {
    wit_bindgen::generate!({
        inline: "package koppel:sdk-declaration; world declaration-exports { export koppel:connector/declaration@0.1.0; }",
        path: "../wit",
        world: "koppel:sdk-declaration/declaration-exports",
        pub_export_macro: true,
        default_bindings_module: "koppel_sdk::glue::declaration_world",
        additional_derives: [PartialEq],
        with: {
            "koppel:loket/types@0.1.0": crate::bindings::koppel::loket::types,
            "koppel:connector/types@0.1.0": crate::bindings::koppel::connector::types,
        },
    });
}

/// What a connector of kind product exports besides.
pub mod product_world {
    wit_bindgen::generate!({
        inline: "package koppel:sdk-product; world product-exports { export koppel:connector/product@0.1.0; }",
        path: "../wit",
        world: "koppel:sdk-product/product-exports",
        pub_export_macro: true,
        default_bindings_module: "koppel_sdk::glue::product_world",
        additional_derives: [PartialEq],
        with: {
            "koppel:loket/types@0.1.0": crate::bindings::koppel::loket::types,
            "koppel:connector/types@0.1.0": crate::bindings::koppel::connector::types,
        },
    });
}

/// What a connector of kind lookup exports besides.
pub mod lookup_world {
    wit_bindgen::generate!({
        inline: "package koppel:sdk-lookup; world lookup-exports { export koppel:connector/lookup@0.1.0; }",
        path: "../wit",
        world: "koppel:sdk-lookup/lookup-exports",
        pub_export_macro: true,
        default_bindings_module: "koppel_sdk::glue::lookup_world",
        additional_derives: [PartialEq],
        with: {
            "koppel:loket/types@0.1.0": crate::bindings::koppel::loket::types,
            "koppel:connector/types@0.1.0": crate::bindings::koppel::connector::types,
        },
    });
}
