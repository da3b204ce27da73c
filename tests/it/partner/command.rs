//! `koppel check` as a command.

use super::acceptance;
use crate::cli::{json, koppel, text};
use crate::harness::component;
use std::path::Path;

fn check(dir: &Path, plugin: &str, more: &[&str]) -> std::process::Output {
    let component = component(&format!("plugins/{plugin}.wasm"));
    let mut arguments = vec!["check".to_owned(), component.display().to_string()];
    let scenario = acceptance(plugin);
    if scenario.exists() {
        arguments.extend(["--scenario".to_owned(), scenario.display().to_string()]);
    }
    arguments.extend(more.iter().map(ToString::to_string));
    koppel(dir, &arguments)
}

#[test]
fn a_connector_that_passes_is_reported_for_people_and_programs() {
    let dir = tempfile::tempdir().unwrap();
    let passed = check(dir.path(), "journal-csv", &[]);
    let shown = text(&passed.stdout);
    assert!(passed.status.success(), "{shown}{}", text(&passed.stderr));
    assert!(shown.starts_with("journal-csv 0.1.0  "), "{shown}");
    assert!(shown.contains(" denial "), "{shown}");
    assert!(shown.contains("most used: memory-bytes "), "{shown}");
    assert!(shown.trim_end().ends_with(" cases"), "{shown}");

    let passed = json(&check(dir.path(), "journal-csv", &["--format", "json"]));
    assert_eq!(passed["format"], 1);
    assert_eq!(passed["passed"], true);
    assert_eq!(passed["findings"], serde_json::json!([]));
    assert_eq!(passed["component"]["kinds"], serde_json::json!(["journal"]));
    assert_eq!(
        passed["used"],
        serde_json::json!([
            "GetJournalRunByJournalRunId",
            "GetJournalRunResultsByJournalRunId",
            "PatchJournalRunByJournalRunId",
            "PostDownloadJournalRunExportByJournalRunId"
        ])
    );
}

#[test]
fn what_is_found_fails_the_command_and_is_a_failure_in_junit() {
    let dir = tempfile::tempdir().unwrap();
    let settings = r#"{"separator": 7}"#;
    let failed = check(
        dir.path(),
        "journal-csv",
        &[
            "--settings",
            settings,
            "--format",
            "junit",
            "--output",
            "junit.xml",
        ],
    );
    assert_eq!(failed.status.code(), Some(1), "{}", text(&failed.stderr));
    assert!(text(&failed.stdout).is_empty());
    assert!(
        text(&failed.stderr).contains("journal-csv.wasm does not pass: "),
        "{}",
        text(&failed.stderr)
    );
    let junit = std::fs::read_to_string(dir.path().join("junit.xml")).unwrap();
    assert!(
        junit.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"),
        "{junit}"
    );
    assert!(junit.contains("<testsuite name=\"description\""), "{junit}");
    assert!(junit.contains("type=\"settings-invalid\""), "{junit}");
}

#[test]
fn what_is_no_connector_cannot_be_judged() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let refused = koppel(dir.path(), &["check", "a.wasm"]);
    assert_eq!(refused.status.code(), Some(5));
    let shown = text(&refused.stdout);
    assert!(
        shown.contains("component-refused\n  load: this is a core WebAssembly module, not a component; build it with --target wasm32-wasip2\n  to mend it: Build it with the SDK of this version of koppel, for wasm32-wasip2."),
        "{shown}"
    );
    assert_eq!(
        text(&refused.stderr),
        "error: a.wasm does not pass: 1 error\n"
    );
    let missing = koppel(dir.path(), &["check", "b.wasm"]);
    assert_eq!(missing.status.code(), Some(3));
    assert_eq!(
        text(&missing.stderr),
        "error: b.wasm: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_scenario_with_faults_is_said_to_have_them() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = component("plugins/vehicle-rdw.wasm");
    let plugin = plugin.to_str().unwrap();
    for (scenario, error) in [
        (
            "[grants]\n",
            "error: acceptance.toml: TOML parse error at line 1, column 2\n",
        ),
        (
            "[[answers]]\nto = \"https://a.nl\"\n",
            "error: acceptance.toml: [[answers]] 1: \"https://a.nl\" must be like \"GET https://api.example.nl/v1/*\"\n",
        ),
        (
            "[grant]\nhttp = [{ allow = \"https://a.nl/*\", methods = [\"GET\"], activity = \"GetGeocode\" }]\n",
            "error: acceptance.toml: [grant] there is no activity \"GetGeocode\"; did you mean \"GetGeocodeByAddress\"?\n",
        ),
    ] {
        std::fs::write(dir.path().join("acceptance.toml"), scenario).unwrap();
        let refused = koppel(dir.path(), &["check", plugin]);
        assert_eq!(refused.status.code(), Some(3));
        let said = text(&refused.stderr);
        assert!(said.starts_with(error), "{said}");
    }
}
