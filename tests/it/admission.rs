//! What is not loaded, and the words for it.

use crate::harness::{TestHost, all_activities, answer, client, component, error};
use koppel_host::admission::{Kind, inspect};
use koppel_host::catalogue::Surface;
use koppel_host::sandbox::Sandbox;
use serde_json::json;
use std::collections::BTreeSet;
use wit_component::DecodedWasm;

fn refusal(bytes: &[u8]) -> String {
    let sandbox = Sandbox::new().unwrap();
    match inspect(sandbox.engine(), bytes) {
        Err(refusal) => refusal.to_string(),
        Ok((_, inspection)) => panic!("it was admitted: {inspection:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_imports_what_was_not_granted_is_not_loaded() {
    let host = TestHost::new(&client("probe", "activities = [\"GetEmployersByUserId\"]")).await;
    let text = error(
        host.lookup("probe", &json!({"activity": "GetEmployersByUserId"}))
            .await,
    );
    let missing: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("  activity "))
        .collect();
    // All but the one that was granted.
    let functions = koppel_host::catalogue::ROWS
        .iter()
        .filter(|row| matches!(row.surface, Surface::Function { .. }));
    assert_eq!(missing.len(), functions.count() - 1, "{text}");
    assert!(
        text.contains("\n  activity PatchJournalRunByJournalRunId"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_files_that_were_not_granted_are_named_with_the_line_to_add() {
    let host = TestHost::new(&client(
        "hostile",
        "activities = [\"GetEmployerByEmployerId\"]",
    ))
    .await;
    assert_eq!(
        error(host.lookup("hostile", &json!({"attack": "panic"})).await),
        "client \"hostile\": client \"hostile\" is not loaded: its component imports what was not granted:\n  \
         outside requests (wasi:http)\n  \
         export files (koppel:connector/exports)\n\
         to grant it, put in the configuration:\n  \
         [clients.hostile] http = [{ allow = \"https://…/*\", methods = [\"GET\"], activity = \"…\" }]\n  \
         [clients.hostile] exports = { directory = \"…\", quota-bytes = 50_000_000, activity = \"PostDownloadJournalRunExportByJournalRunId\" }"
    );
}

#[test]
fn a_core_module_is_refused_with_the_way_to_build_a_component() {
    assert_eq!(
        refusal(&wat::parse_str("(module)").unwrap()),
        "this is a core WebAssembly module, not a component; build it with --target wasm32-wasip2"
    );
}

#[test]
fn what_is_not_webassembly_is_refused() {
    for bytes in [&b""[..], b"\0as", b"#!/bin/sh", b"\x7fELF\x02\x01\x01\0"] {
        assert_eq!(
            refusal(bytes),
            "this is not a WebAssembly component: it does not start with the bytes of one"
        );
    }
}

#[test]
fn a_truncated_component_is_refused_wherever_it_is_cut() {
    let whole = std::fs::read(component("guests/probe.wasm")).unwrap();
    for part in 1..10 {
        let text = refusal(&whole[..whole.len() * part / 10]);
        assert!(text.starts_with("this component is not valid: "), "{text}");
    }
}

#[test]
fn a_component_of_another_version_of_the_contract_is_refused() {
    let text = wat::parse_str(r#"(component (import "koppel:loket/employers@0.9.0" (instance)))"#);
    assert_eq!(
        refusal(&text.unwrap()),
        "this component was built against version 0.9.0 of the contract (koppel:loket); this host offers 0.1.0: build it with the SDK of koppel 0.1.0"
    );
}

#[test]
fn a_component_of_a_newer_version_of_the_contract_is_refused() {
    let text = wat::parse_str(r#"(component (import "koppel:loket/employers@0.1.1" (instance)))"#);
    assert_eq!(
        refusal(&text.unwrap()),
        "this component was built against version 0.1.1 of the contract (koppel:loket), which is newer than the 0.1.0 that this host offers: it may need what this host does not have; take a newer koppel, or build it with the SDK of koppel 0.1.0"
    );
}

#[test]
fn sockets_and_unknown_functions_are_refused_by_name() {
    let sockets = r#"(component
        (import "wasi:sockets/network@0.2.0" (instance))
        (import "koppel:loket/employers@0.1.0" (instance (export "drop-all-employers" (func)))))"#;
    assert_eq!(
        refusal(&wat::parse_str(sockets).unwrap()),
        "this component imports what koppel does not offer: wasi:sockets/network@0.2.0, koppel:loket/employers@0.1.0#drop-all-employers"
    );
}

#[test]
fn a_component_that_exports_no_kind_of_connector_is_refused() {
    assert_eq!(
        refusal(&wat::parse_str("(component)").unwrap()),
        "this component is no connector: it must export koppel:connector/connector@0.1.0 and one of koppel:connector/journal@0.1.0, koppel:connector/lookup@0.1.0, koppel:connector/product@0.1.0, koppel:connector/declaration@0.1.0; it exports nothing"
    );
}

#[test]
fn a_file_beyond_the_limit_is_not_even_read_as_a_component() {
    assert_eq!(
        refusal(&vec![0; (64 << 20) + 1]),
        "the file has 67108865 bytes; a component has at most 67108864"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_with_another_digest_than_the_pinned_one_is_not_loaded() {
    let pinned = "0".repeat(64);
    let more = format!("{}\nsha256 = \"{pinned}\"", all_activities());
    let host = TestHost::new(&client("probe", &more)).await;
    let text = error(
        host.lookup("probe", &json!({"activity": "GetEmployersByUserId"}))
            .await,
    );
    assert!(
        text.starts_with("client \"probe\": the file has SHA-256 "),
        "{text}"
    );
    assert!(text.ends_with(&format!(
        ", but [clients.probe] sha256 = \"{pinned}\"; if the new file is wanted, change that line"
    )), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_component_is_loaded_by_the_next_run() {
    let host = TestHost::new("").await;
    let path = host.dir.path().join("swap.wasm");
    let clients = format!("[clients.swap]\ncomponent = {path:?}\n{}", all_activities());
    std::fs::write(&path, b"not yet").unwrap();
    host.write_configuration(&crate::harness::configuration(&clients));
    host.host.live().reload();
    let query = json!({"activity": "GetEmployersByUserId"});
    assert_eq!(
        error(host.lookup("swap", &query).await),
        "client \"swap\": this is not a WebAssembly component: it does not start with the bytes of one"
    );
    std::fs::copy(component("guests/probe.wasm"), &path).unwrap();
    assert_eq!(answer(host.lookup("swap", &query).await)["total"], 1);
}

/// `koppel inspect` against wit-component, which is what `wasm-tools component
/// wit` prints.
#[test]
fn inspect_shows_the_imports_that_wasm_tools_shows() {
    let sandbox = Sandbox::new().unwrap();
    for path in [
        "plugins/journal-csv",
        "plugins/journal-exact",
        "plugins/journal-moneybird",
        "plugins/journal-xaf",
        "plugins/vehicle-rdw",
        "plugins/insurance-achmea",
        "plugins/flowers-fleurtjedag",
        "plugins/loonaangifte",
        "plugins/upa-pension",
        "guests/probe",
    ] {
        let bytes = std::fs::read(component(&format!("{path}.wasm"))).unwrap();
        let (_, inspection) = inspect(sandbox.engine(), &bytes).unwrap();
        let ours: BTreeSet<String> = inspection
            .activities
            .iter()
            .map(|activity| match activity.row().surface {
                Surface::Function {
                    interface,
                    function,
                } => {
                    format!("{interface}#{function}")
                }
                other => panic!("{activity}: {other:?}"),
            })
            .collect();
        assert_eq!(ours, imports(&bytes), "{path}");
        assert!(
            inspection
                .kinds
                .contains(&match path.split('/').next_back() {
                    Some("insurance-achmea" | "flowers-fleurtjedag") => Kind::Product,
                    Some("loonaangifte" | "upa-pension") => Kind::Declaration,
                    Some(name) if name.starts_with("journal") => Kind::Journal,
                    _ => Kind::Lookup,
                })
        );
    }
}

fn imports(bytes: &[u8]) -> BTreeSet<String> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(bytes).unwrap() else {
        panic!("not a component");
    };
    let mut functions = BTreeSet::new();
    for import in resolve.worlds[world].imports.values() {
        if let wit_parser::WorldItem::Interface { id, .. } = import {
            let interface = &resolve.interfaces[*id];
            let package = interface
                .package
                .map(|package| resolve.packages[package].name.to_string());
            if package.is_some_and(|package| package.starts_with("koppel:loket@")) {
                let name = interface.name.clone().unwrap_or_default();
                functions.extend(
                    interface
                        .functions
                        .keys()
                        .map(|function| format!("{name}#{function}")),
                );
            }
        }
    }
    functions
}

#[test]
fn the_connectors_import_no_more_than_they_need() {
    let sandbox = Sandbox::new().unwrap();
    let activities = |name: &str| -> Vec<&'static str> {
        let bytes = std::fs::read(component(&format!("plugins/{name}.wasm"))).unwrap();
        let (_, inspection) = inspect(sandbox.engine(), &bytes).unwrap();
        inspection
            .activities
            .iter()
            .map(|activity| activity.id())
            .collect()
    };
    assert_eq!(
        activities("journal-xaf"),
        [
            "GetEmployerByEmployerId",
            "GetJournalRunByJournalRunId",
            "GetJournalRunResultsByJournalRunId",
            "GetPayrollAdministrationsByEmployerId",
            "PatchJournalRunByJournalRunId"
        ]
    );
    for name in ["journal-csv", "journal-exact", "journal-moneybird"] {
        assert_eq!(
            activities(name),
            [
                "GetJournalRunByJournalRunId",
                "GetJournalRunResultsByJournalRunId",
                "PatchJournalRunByJournalRunId"
            ]
        );
    }
    assert_eq!(
        activities("vehicle-rdw"),
        ["GetAdditionalTaxliabilityByLicensePlateNumber"]
    );
    assert_eq!(
        activities("insurance-achmea"),
        [
            "GetAchmeaInsuranceContractsByUserId",
            "GetWagePercentagesByAchmeaInsuranceContractId"
        ]
    );
    assert_eq!(activities("flowers-fleurtjedag"), [] as [&str; 0]);
    assert_eq!(
        activities("loonaangifte"),
        [
            "GetCitizenServiceNumberByEmployeeId",
            "GetEmployeesByEmployerId",
            "GetEmployerByEmployerId",
            "GetEmploymentsByEmployerId",
            "GetMessageByPayrollTaxReturnId",
            "GetPayrollRunResultsByPayrollRunId",
            "GetPayrollRunsByPayrollAdministrationId",
            "GetPayrollTaxReturnByPayrollTaxReturnId",
            "PostSendResponseMessageByPayrollTaxReturnId"
        ]
    );
    assert_eq!(
        activities("upa-pension"),
        [
            "GetCitizenServiceNumberByEmployeeId",
            "GetEmployeesByEmployerId",
            "GetEmployerByEmployerId",
            "GetEmploymentsByEmployerId",
            "GetPayrollRunResultsByPayrollRunId",
            "GetPayrollRunsByPayrollAdministrationId",
            "GetUpaPensionDeclarationByUpaPensionDeclarationId",
            "PostSendResponseMessageByUpaPensionDeclarationId"
        ]
    );
}
