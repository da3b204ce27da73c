//! The JSON Schema of the configuration agrees with what is read.

use super::*;
use serde_json::Value;

fn validator() -> jsonschema::Validator {
    jsonschema::draft7::new(schema().as_value()).unwrap()
}

/// What the schema says of a configuration: the places of its faults.
fn judged(text: &str) -> Vec<String> {
    let file: toml::Table = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let file = serde_json::to_value(file).unwrap();
    let validator = validator();
    let faults = validator.iter_errors(&file);
    faults
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn the_schema_in_the_documentation_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/platform.schema.json");
    let written = std::fs::read_to_string(path).unwrap();
    let made = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    assert!(
        written == made,
        "docs/platform.schema.json is not up to date: `koppel schema > docs/platform.schema.json`"
    );
}

#[test]
fn every_configuration_of_the_repository_fits_the_schema() {
    for text in [
        // The paths of components are filled in by the demonstration.
        &include_str!("../../cli/demo.toml")
            .lines()
            .map(|line| match line.starts_with("component = {") {
                true => "component = \"a.wasm\"",
                false => line,
            })
            .collect::<Vec<_>>()
            .join("\n")
            .replace("{provider-1}", "920e36f5-b58e-578b-9c22-df4a4d0b7f36")
            .replace("{employer-1}", "30cbb99f-d691-5ddb-b4af-7031857482c0")
            .replace("{employer-2}", "30cbb99f-d691-5ddb-b4af-7031857482c1"),
        include_str!("../../cli/new-config.toml"),
        include_str!("../../../../packaging/kubernetes/platform.toml"),
        include_str!("../../../../packaging/systemd/platform.toml"),
    ] {
        assert_eq!(judged(text), [""; 0]);
    }
    resolved(include_str!("../../cli/new-config.toml"));
}

#[test]
fn every_example_of_the_documentation_fits_the_schema_and_is_toml() {
    let mut examples = 0;
    for document in [
        include_str!("../../../../README.md"),
        include_str!("../../../../docs/operator-guide.md"),
        include_str!("../../../../docs/rest-api.md"),
        include_str!("../../../../docs/console.md"),
        include_str!("../../../../plugins/other-languages/address-pdok/README.md"),
        include_str!("../../../../plugins/other-languages/journal-xlsx/README.md"),
        include_str!("../../../../plugins/other-languages/legal-entity-gleif/README.md"),
    ] {
        for block in document.split("```toml\n").skip(1) {
            let example = block.split("```").next().unwrap();
            // An example shows a part; what every file has is not repeated.
            let mut file: toml::Table =
                toml::from_str(example).unwrap_or_else(|error| panic!("{error}\n{example}"));
            // So does one of a part of a client.
            for key in ["http", "exports", "settings", "limits", "cache", "retry"] {
                if let Some(part) = file.remove(key) {
                    let client = toml::Table::from_iter([(key.to_owned(), part)]);
                    let clients = toml::Table::from_iter([("a".to_owned(), client.into())]);
                    file.insert("clients".to_owned(), clients.into());
                }
            }
            file.entry("platform").or_insert(toml::Table::new().into());
            assert_eq!(judged(&file.to_string()), [""; 0], "{example}");
            examples += 1;
        }
    }
    assert!(examples > 15, "only {examples} examples were found");
}

#[test]
fn what_is_misspelt_of_another_type_or_missing_does_not_fit() {
    let client = "[platform]\n[clients.a]\ncomponent = \"a\"\n";
    for (text, expected) in [
        (
            "[platform]\nlegder = \"a\"\n".to_owned(),
            "/platform: Additional properties are not allowed ('legder' was unexpected)",
        ),
        (
            format!("{client}activities = [\"GetJournal\"]\n"),
            "/clients/a/activities/0: \"GetJournal\" is not one of ",
        ),
        (
            format!("{client}sha256 = \"12\"\n"),
            "/clients/a/sha256: \"12\" is not valid under any of the schemas listed in the 'anyOf' keyword",
        ),
        (
            format!("{client}[clients.a.limits]\nruns = \"many\"\n"),
            "/clients/a/limits/runs: \"many\" is not of type \"integer\"",
        ),
        (
            format!("{client}[[clients.a.http]]\nallow = \"https://a.example/\"\nmethods = [\"GET\"]\n"),
            "/clients/a/http/0: \"activity\" is a required property",
        ),
        (
            "[platform]\n[credentials.a]\nheader = \"authorization\"\nvalue = \"s3cret\"\n".to_owned(),
            "/credentials/a/value: \"s3cret\" is not valid under any of the schemas listed in the 'oneOf' keyword",
        ),
        (
            "[platform]\n[modules.provider]\n\"920e36f5-b58e-578b-9c22-df4a4d0b7f36\" = [\"journals\"]\n".to_owned(),
            "/modules/provider/920e36f5-b58e-578b-9c22-df4a4d0b7f36/0: \"journals\" is not one of ",
        ),
        (
            "[platform]\n[[users]]\nid = \"a\"\nkind = \"admin\"\nrole = \"a\"\n".to_owned(),
            "/users/0/kind: ",
        ),
    ] {
        let faults = judged(&text);
        assert!(
            faults.iter().any(|fault| fault.starts_with(expected)),
            "{text}\n{faults:#?}"
        );
    }
    assert_eq!(judged("")[0], ": \"platform\" is a required property");
}

#[test]
fn a_value_that_may_be_elsewhere_may_be_so_by_the_schema() {
    for (place, _) in reference::PLACES {
        let mut value = serde_json::json!({ "env": "KOPPEL_VALUE" });
        for name in place.iter().rev() {
            let name = if *name == "*" { "a" } else { name };
            value = Value::Object([(name.to_owned(), value)].into_iter().collect());
        }
        let validator = validator();
        let of_value = validator
            .iter_errors(&value)
            .filter(|error| {
                error.instance_path().to_string().trim_start_matches('/')
                    == place.join("/").replace('*', "a")
            })
            .count();
        assert_eq!(of_value, 0, "{place:?}");
    }
}
