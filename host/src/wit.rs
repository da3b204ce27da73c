//! The contract as text, trimmed to some activities.
//!
//! Rust's toolchain keeps only the imports that a connector uses. Toolchains
//! for other languages import the whole world that they are given; for them
//! the world itself must be narrow. It also has to name `wasi:http` for those
//! that send requests, which Rust's crates bring along.

use crate::authorization::ActivitySet;
use crate::catalogue::Activity;
use anyhow::Context;
use wit_component::WitPrinter;
use wit_parser::{IndexMap, PackageId, Resolve, SourceMap, WorldItem};

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

/// What of WASI sending requests takes: a world, and the packages it is of.
const REQUESTS: [(&str, &str); 1] = [("requests.wit", include_str!("../wit/requests.wit"))];

/// What the worlds of [`trimmed`] have besides activities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Besides {
    /// The interface for export files.
    pub export_files: bool,
    /// The interfaces of `wasi:http` and `wasi:io` for outside requests.
    pub requests: bool,
}

/// The contract with the functions of these activities and no others, in WIT
/// (component-model, WIT.md), as one file.
///
/// # Errors
///
/// When the contract is broken: a fault of koppel.
pub fn trimmed(activities: &ActivitySet, besides: Besides) -> anyhow::Result<String> {
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
    let mut packages = vec![loket];
    let mut more = IndexMap::default();
    if besides.requests {
        let requests = push(&mut resolve, &REQUESTS)?;
        let world = resolve.select_world(&[requests], None)?;
        more.clone_from(&resolve.worlds[world].imports);
        let names = resolve.package_names.iter();
        packages.extend(names.filter_map(|(name, id)| (name.namespace == "wasi").then_some(*id)));
    }
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
                    besides.export_files || name != Some("exports")
                }
            }
            _ => true,
        });
        resolve.worlds[world].imports.extend(more.clone());
    }
    let mut printer = WitPrinter::default();
    printer.print(&resolve, connector, &packages)?;
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
