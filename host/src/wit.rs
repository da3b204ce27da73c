//! The contract as text, trimmed to some activities.
//!
//! Rust's toolchain keeps only the imports that a connector uses. Toolchains
//! for other languages import the whole world that they are given; for them
//! the world itself must be narrow.

use crate::authorization::ActivitySet;
use crate::catalogue::Activity;
use anyhow::Context;
use wit_component::WitPrinter;
use wit_parser::{PackageId, Resolve, SourceMap, WorldItem};

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        [$(($path, include_str!(concat!("../../wit/", $path)))),+]
    };
}

/// The package `koppel:loket`.
const LOKET: [(&str, &str); 12] = files![
    "deps/loket/employees.wit",
    "deps/loket/employers.wit",
    "deps/loket/employments.wit",
    "deps/loket/insurance.wit",
    "deps/loket/journal-runs.wit",
    "deps/loket/payroll-administrations.wit",
    "deps/loket/payroll-runs.wit",
    "deps/loket/payroll-tax-returns.wit",
    "deps/loket/trade-register.wit",
    "deps/loket/types.wit",
    "deps/loket/upa-pension-declarations.wit",
    "deps/loket/vehicles.wit",
];

/// The package `koppel:connector`.
const CONNECTOR: [(&str, &str); 1] = files!["connector.wit"];

/// The contract with the functions of these activities and no others, in WIT
/// (component-model, WIT.md), as one file. `export_files` says whether it has
/// the interface for export files.
///
/// # Errors
///
/// When the contract is broken: a fault of koppel.
pub fn trimmed(activities: &ActivitySet, export_files: bool) -> anyhow::Result<String> {
    let mut resolve = Resolve::default();
    let loket = push(&mut resolve, &LOKET)?;
    let connector = push(&mut resolve, &CONNECTOR)?;
    for (name, id) in resolve.packages[loket].interfaces.clone() {
        resolve.interfaces[id].functions.retain(|function, _| {
            Activity::of_function(&name, function)
                .is_some_and(|activity| activities.contains(activity))
        });
    }
    // An interface without functions is no longer imported; its types are,
    // where another one uses them.
    let worlds: Vec<_> = resolve.packages[connector]
        .worlds
        .values()
        .copied()
        .collect();
    for world in worlds {
        let interfaces = &resolve.interfaces;
        resolve.worlds[world].imports.retain(|_, item| match item {
            WorldItem::Interface { id, .. } => {
                let interface = &interfaces[*id];
                let name = interface.name.as_deref();
                if interface.package == Some(loket) {
                    name == Some("types") || !interface.functions.is_empty()
                } else {
                    export_files || name != Some("exports")
                }
            }
            _ => true,
        });
    }
    let mut printer = WitPrinter::default();
    printer.print(&resolve, connector, &[loket])?;
    Ok(printer.output.to_string())
}

fn push(resolve: &mut Resolve, files: &[(&str, &str)]) -> anyhow::Result<PackageId> {
    let mut sources = SourceMap::default();
    for (path, text) in files {
        sources.push_str(path, *text);
    }
    let group = sources
        .parse()
        .map_err(|(_, error)| anyhow::anyhow!("{error}"))?;
    resolve.push_group(group).context("the contract")
}
