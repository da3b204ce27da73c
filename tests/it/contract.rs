//! The catalogue, the contract in `wit/`, the SDK, the implementations and
//! Loket's own list of operations say the same.

use crate::harness::{formats, repository};
use koppel_host::authorization::ActivitySet;
use koppel_host::catalogue::{Activity, Origin, ROWS, Surface, id};
use koppel_host::wit::Besides;
use std::collections::{BTreeMap, BTreeSet};
use wit_parser::{Resolve, WorldItem};

/// The functions of `koppel:loket` with their docs, by `interface#function`.
fn wit_functions() -> BTreeMap<String, String> {
    let mut resolve = Resolve::default();
    resolve.push_dir(repository().join("wit")).unwrap();
    functions_of(&resolve)
}

fn functions_of(resolve: &Resolve) -> BTreeMap<String, String> {
    let mut functions = BTreeMap::new();
    for (_, interface) in &resolve.interfaces {
        let package = interface
            .package
            .map(|package| resolve.packages[package].name.to_string());
        let name = interface.name.clone().unwrap_or_default();
        assert!(
            interface.docs.contents.is_some(),
            "interface {name} is not documented"
        );
        for (function, item) in &interface.functions {
            let docs = item.docs.contents.clone();
            assert!(docs.is_some(), "{name}#{function} is not documented");
            if package
                .as_deref()
                .is_some_and(|package| package.starts_with("koppel:loket@"))
            {
                functions.insert(format!("{name}#{function}"), docs.unwrap_or_default());
            }
        }
    }
    functions
}

fn kebab(operation: &str) -> String {
    words(operation).join("-")
}

fn words(operation: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in operation.chars() {
        if c.is_uppercase() || words.is_empty() {
            words.push(String::new());
        }
        words.last_mut().unwrap().push(c.to_ascii_lowercase());
    }
    words
}

#[test]
fn every_function_of_the_contract_has_a_row_in_the_catalogue_and_the_reverse() {
    let rows: BTreeSet<String> = ROWS
        .iter()
        .filter_map(|row| match row.surface {
            Surface::Function {
                interface,
                function,
            } => Some(format!("{interface}#{function}")),
            Surface::Act | Surface::Rest => None,
        })
        .collect();
    let functions: BTreeSet<String> = wit_functions().into_keys().collect();
    assert_eq!(rows, functions);
}

#[test]
fn the_printed_contract_is_the_whole_one_or_what_was_asked_for() {
    let printed = |activities: ActivitySet, besides: Besides| {
        let text = koppel_host::wit::trimmed(&activities, besides).unwrap();
        let mut resolve = Resolve::default();
        let package = resolve.push_str("printed.wit", &text).unwrap();
        let world = resolve.packages[package].worlds["lookup-connector"];
        let imports: Vec<String> = resolve.worlds[world]
            .imports
            .keys()
            .map(|key| resolve.name_world_key(key))
            .collect();
        (functions_of(&resolve), imports)
    };
    let files = Besides {
        export_files: true,
        ..Besides::default()
    };
    assert_eq!(printed(Activity::all().collect(), files).0, wit_functions());
    let wanted = [
        id::GetEmployerByEmployerId,
        id::GetAdditionalTaxliabilityByLicensePlateNumber,
    ];
    let (functions, imports) = printed(wanted.into_iter().collect(), Besides::default());
    assert_eq!(
        functions.into_keys().collect::<Vec<_>>(),
        [
            "employers#get-employer-by-employer-id",
            "vehicles#get-additional-taxliability-by-license-plate-number"
        ]
    );
    assert_eq!(
        imports,
        [
            "koppel:loket/types@0.1.0",
            "koppel:connector/types@0.1.0",
            "koppel:loket/employers@0.1.0",
            "koppel:loket/vehicles@0.1.0",
            "koppel:connector/log@0.1.0"
        ]
    );
    let (_, with_files) = printed(wanted.into_iter().collect(), files);
    assert!(with_files.contains(&"koppel:connector/exports@0.1.0".to_owned()));
    let requests = Besides {
        requests: true,
        ..Besides::default()
    };
    let (_, with_requests) = printed(wanted.into_iter().collect(), requests);
    assert_eq!(
        with_requests,
        [
            imports,
            [
                "wasi:io/error@0.2.0",
                "wasi:io/poll@0.2.0",
                "wasi:io/streams@0.2.0",
                "wasi:http/types@0.2.0",
                "wasi:http/outgoing-handler@0.2.0"
            ]
            .map(str::to_owned)
            .to_vec()
        ]
        .concat()
    );
}

#[test]
fn a_function_is_named_after_its_operation_and_its_docs_name_both() {
    let docs = wit_functions();
    for row in ROWS {
        if let Surface::Function {
            interface,
            function,
        } = row.surface
        {
            assert_eq!(function, kebab(row.id));
            let docs = &docs[&format!("{interface}#{function}")];
            assert!(docs.contains(&format!("Activity `{}`", row.id)), "{docs}");
            assert!(
                docs.contains(&format!("`{} {}`", row.method, row.path)),
                "{docs}"
            );
        }
    }
}

#[test]
fn the_sdk_has_a_function_for_each_activity_and_no_other() {
    let sdk: BTreeSet<(&str, String)> = koppel_sdk::activities::ACTIVITIES
        .iter()
        .map(|(id, function)| (*id, (*function).to_owned()))
        .collect();
    let ours: BTreeSet<(&str, String)> = ROWS
        .iter()
        .filter(|row| matches!(row.surface, Surface::Function { .. }))
        .map(|row| (row.id, words(row.id).join("_")))
        .collect();
    assert_eq!(sdk, ours);
}

#[test]
fn every_function_has_an_implementation() {
    let implemented: Vec<_> = koppel_host::activities::implemented().iter().collect();
    let wanted: Vec<_> = Activity::all()
        .filter(|activity| matches!(activity.row().surface, Surface::Function { .. }))
        .collect();
    assert_eq!(implemented, wanted);
}

#[test]
fn the_catalogue_agrees_with_lokets_own_list_of_operations() {
    let Some(formats) = formats() else { return };
    let list = std::fs::read_to_string(formats.join("loket/activities.tsv")).unwrap();
    let operations: BTreeMap<&str, (&str, &str)> = list
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('\t');
            Some((columns.next()?, (columns.next()?, columns.next()?)))
        })
        .collect();
    for row in ROWS {
        let expected = match row.origin {
            Origin::Loket => Some((row.method, row.path)),
            Origin::Koppel => None,
        };
        assert_eq!(operations.get(row.id).copied(), expected, "{}", row.id);
    }
}

#[test]
fn every_item_of_the_contract_is_documented() {
    let mut resolve = Resolve::default();
    resolve.push_dir(repository().join("wit")).unwrap();
    for (_, world) in &resolve.worlds {
        assert!(world.docs.contents.is_some(), "world {}", world.name);
        for item in world.exports.values() {
            assert!(matches!(item, WorldItem::Interface { .. }));
        }
    }
    for (_, definition) in &resolve.types {
        let Some(name) = &definition.name else {
            continue;
        };
        // What is only used from another interface is documented there.
        if matches!(
            definition.kind,
            wit_parser::TypeDefKind::Type(wit_parser::Type::Id(_))
        ) {
            continue;
        }
        assert!(definition.docs.contents.is_some(), "type {name}");
        let undocumented: Vec<&str> = match &definition.kind {
            wit_parser::TypeDefKind::Record(record) => record
                .fields
                .iter()
                .filter(|f| f.docs.contents.is_none())
                .map(|f| f.name.as_str())
                .collect(),
            wit_parser::TypeDefKind::Variant(variant) => variant
                .cases
                .iter()
                .filter(|c| c.docs.contents.is_none())
                .map(|c| c.name.as_str())
                .collect(),
            wit_parser::TypeDefKind::Enum(all) => all
                .cases
                .iter()
                .filter(|c| c.docs.contents.is_none())
                .map(|c| c.name.as_str())
                .collect(),
            _ => Vec::new(),
        };
        assert_eq!(undocumented, [] as [&str; 0], "type {name}");
    }
}

#[test]
fn every_attack_of_the_hostile_guest_has_a_test() {
    let guest = repository().join("tests/guests/hostile/src/lib.rs");
    let guest = std::fs::read_to_string(guest).unwrap();
    let attacks = guest.split("enum Attack {").nth(1).unwrap();
    let attacks = attacks.split("\n}").next().unwrap();
    let here = repository().join("tests/it");
    let mut files = vec![here.join("sandbox.rs"), here.join("outside.rs")];
    files.extend(crate::outside::walk(&here.join("attacks")));
    let tests: String = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    // The variants are what is indented once and starts with a capital.
    let names = attacks
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| kebab(line.split([',', ' ', '{', '(']).next().unwrap_or_default()));
    let untested: Vec<String> = names
        .filter(|name| !tests.contains(&format!("\"{name}\"")))
        .collect();
    assert_eq!(untested, [] as [&str; 0]);
}
