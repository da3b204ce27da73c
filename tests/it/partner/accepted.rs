//! The connectors of this repository pass the suite.

use super::{acceptance, found, judged};
use koppel_host::acceptance::{Report, Scenario};

/// Judges a connector with its scenario, or with none if it needs none. Every
/// warning is in the list.
async fn passes(plugin: &str, warnings: &[&str]) {
    let Some(report) = report(plugin).await else {
        return;
    };
    assert_eq!(found(&report), warnings);
    assert!(report.passed);
}

/// What is found of a connector, if it was built.
async fn report(plugin: &str) -> Option<Report> {
    let path = acceptance(plugin);
    if crate::other_languages::is_one(&path) && !crate::other_languages::is_built(plugin) {
        return None;
    }
    let scenario = if path.exists() {
        Scenario::load(&path).unwrap_or_else(|error| panic!("{error}"))
    } else {
        Scenario::default()
    };
    let report = judged(&format!("plugins/{plugin}.wasm"), scenario).await;
    let description = report.description.as_ref().unwrap();
    assert_eq!(description.name, plugin);
    assert!(report.cases.len() > 10, "{:#?}", report.cases);
    Some(report)
}

/// It passes; but an interpreter that makes a workbook of 14,000 lines in memory
/// comes near limits, how near depends on the machine.
#[tokio::test(flavor = "multi_thread")]
async fn journal_xlsx_in_python_passes() {
    let Some(report) = report("journal-xlsx").await else {
        return;
    };
    let others: Vec<_> = found(&report)
        .into_iter()
        .filter(|finding| !finding.starts_with("limit-near | "))
        .collect();
    assert_eq!(others, [""; 0]);
    assert!(report.passed);
}

macro_rules! accepted {
    ($($name:ident: $plugin:literal, $warnings:expr;)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            passes($plugin, &$warnings).await;
        })*

        #[test]
        fn every_connector_is_judged() {
            let judged = [$($plugin,)* "journal-xlsx"];
            let folder = crate::harness::repository().join("plugins");
            let others = folder.join("other-languages");
            let entries = [&folder, &others].map(|folder| std::fs::read_dir(folder).unwrap());
            for entry in entries.into_iter().flatten() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap();
                // What connectors in Python have in common is none itself.
                assert!(
                    path == others || path == others.join("python") || judged.contains(&name),
                    "{name} is not judged"
                );
            }
        }
    };
}

accepted! {
    address_pdok_in_javascript_passes: "address-pdok", [];
    flowers_fleurtjedag_passes: "flowers-fleurtjedag", [];
    geocode_google_passes: "geocode-google", [];
    insurance_achmea_passes: "insurance-achmea", [];
    journal_csv_passes: "journal-csv", [];
    journal_exact_passes: "journal-exact", [];
    journal_moneybird_passes: "journal-moneybird", [];
    journal_xaf_passes: "journal-xaf", [];
    legal_entity_gleif_in_python_passes: "legal-entity-gleif", [];
    loonaangifte_passes: "loonaangifte", [];
    trade_register_kvk_passes: "trade-register-kvk", [];
    upa_pension_passes: "upa-pension", [];
    vehicle_rdw_passes: "vehicle-rdw", [];
}
