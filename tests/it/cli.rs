//! The `koppel` command, as a process.

mod messages;

use crate::harness::{repository, shares_compiled};
use koppel_host::platform::seed;
use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) fn koppel<S: AsRef<OsStr>>(dir: &Path, arguments: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_koppel"))
        .current_dir(dir)
        .env("NO_COLOR", "1")
        .args(arguments)
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{error}\n{}\n{}",
            text(&output.stdout),
            text(&output.stderr)
        )
    })
}

/// The folder of a demonstration that ran.
pub(crate) fn demo() -> (TempDir, Output) {
    let dir = tempfile::tempdir().unwrap();
    shares_compiled(dir.path());
    let plugins = repository().join("dist/plugins").canonicalize().unwrap();
    let output = koppel(
        dir.path(),
        &[
            "demo",
            "--plugins",
            plugins.to_str().unwrap(),
            "--directory",
            ".",
        ],
    );
    (dir, output)
}

#[test]
fn demo_seeds_loads_exports_denies_and_lists() {
    let (dir, output) = demo();
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    for part in [
        "2 providers, 4 employers, 44 employees, the 12 months of 2025",
        "loaded journal-csv",
        "loaded journal-exact",
        "loaded journal-moneybird",
        "loaded journal-xaf",
        "loaded vehicle-rdw",
        "exported XAF32_1001_2025-06_6_4cdc3d08.xaf: 14 lines, €",
        "denied by check user: PatchJournalRunByJournalRunId: user \"tim\" has no right that gives PatchJournalRunByJournalRunId",
        "would be green with: [[users]] id = \"tim\" rights = [\"employers\", \"journal\"]",
        "export-file",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let name = "XAF32_1001_2025-06_6_4cdc3d08.xaf";
    assert!(dir.path().join("exports").join(name).exists());
    // Again gives the same: it starts anew.
    let plugins = repository().join("dist/plugins").canonicalize().unwrap();
    let again = koppel(
        dir.path(),
        &[
            "demo",
            "--json",
            "--plugins",
            plugins.to_str().unwrap(),
            "--directory",
            ".",
        ],
    );
    let again = json(&again);
    assert_eq!(again["messages"].as_array().unwrap().len(), 1);
    assert_eq!(again["export"]["reference"], name);
}

#[test]
fn without_certificate_authorities_it_says_what_to_install() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("none.pem"), "").unwrap();
    std::fs::create_dir(dir.path().join("none")).unwrap();
    let plugins = repository().join("dist/plugins").canonicalize().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_koppel"))
        .current_dir(dir.path())
        .env("SSL_CERT_FILE", "none.pem")
        .env("SSL_CERT_DIR", "none")
        .args(["demo", "--directory", ".", "--plugins"])
        .arg(plugins)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "error: no certificate authority is trusted: install those of the operating system (the package ca-certificates), or name a file of them in SSL_CERT_FILE: unexpected error: No CA certificates were loaded from the system\n"
    );
}

#[test]
fn demo_does_not_replace_what_it_did_not_make() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("platform.toml"), "[platform]\n").unwrap();
    let output = koppel(dir.path(), &["demo", "--directory", "."]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        text(&output.stderr),
        "error: ./platform.toml was not made by `koppel demo`; choose another --directory\n"
    );
}

#[test]
fn explain_prints_each_check_and_the_line_that_would_turn_it_green() {
    let (dir, _) = demo();
    let employer = seed::employer_id(4).to_string();
    let output = koppel(
        dir.path(),
        &[
            "explain",
            "--client",
            "vehicle-rdw",
            "--user",
            "tim",
            "--activity",
            "GetJournalRunByJournalRunId",
            "--employer",
            &employer,
        ],
    );
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        text(&output.stdout),
        format!(
            "GetJournalRunByJournalRunId
  1. client  red    client \"vehicle-rdw\" was not granted GetJournalRunByJournalRunId
              would be green with: [clients.vehicle-rdw] activities = [\"GetAdditionalTaxliabilityByLicensePlateNumber\", \"GetJournalRunByJournalRunId\"]
  2. user    red    user \"tim\" has no right that gives GetJournalRunByJournalRunId
              would be green with: [[users]] id = \"tim\" rights = [\"employers\", \"journal\"]
  3. role    green  role \"payroll-professional\" has GetJournalRunByJournalRunId through right \"journal\"
  4. module  red    module \"journal\" is off for this employer and for its provider
              would be green with: [modules.employer] \"{employer}\" = [\"journal\"]; or at run time: koppel modules on journal --employer {employer} --user <provider user>
  5. entity  red    user \"tim\" belongs to another provider
              would be green with: [[users]] id = \"tim\" provider = \"{}\"
",
            seed::provider_id(2)
        )
    );
    assert_eq!(
        text(&output.stderr),
        "error: GetJournalRunByJournalRunId is denied\n"
    );
}

#[test]
fn lists_are_json_for_programs() {
    let (dir, _) = demo();
    let clients = json(&koppel(dir.path(), &["--json", "clients"]));
    let named = |client: &&Value| client["client"] == "journal-xaf";
    let xaf = clients.as_array().unwrap().iter().find(named).unwrap();
    assert_eq!(xaf["component"]["activities"].as_array().unwrap().len(), 5);
    assert_eq!(xaf["description"]["name"], "journal-xaf");
    let activities = json(&koppel(
        dir.path(),
        &["--json", "activities", "vehicle-rdw"],
    ));
    assert_eq!(
        activities,
        serde_json::json!(["GetAdditionalTaxliabilityByLicensePlateNumber"])
    );
    let all = json(&koppel(dir.path(), &["--json", "activities"]));
    assert_eq!(
        all.as_array().unwrap().len(),
        koppel_host::catalogue::ROWS.len()
    );
    let messages = json(&koppel(dir.path(), &["--json", "messages"]));
    assert_eq!(messages[0]["kind"], "export-file");
    let number = messages[0]["seq"].to_string();
    let message = json(&koppel(dir.path(), &["--json", "messages", &number]));
    assert!(message["body"].as_str().unwrap().starts_with("<?xml"));
    let denials = json(&koppel(dir.path(), &["--json", "denials"]));
    assert_eq!(denials[0]["check"], "user");
    let verified = json(&koppel(dir.path(), &["--json", "ledger", "verify"]));
    assert_eq!(verified["rows"], 8);
}

#[test]
fn a_changed_ledger_is_found() {
    let (dir, _) = demo();
    let database = dir.path().join("data/ledger.db");
    let connection = rusqlite::Connection::open(database).unwrap();
    assert_eq!(
        connection
            .execute("UPDATE ledger SET client = 'x' WHERE seq = 3", [])
            .unwrap_err()
            .to_string(),
        "the ledger is append only"
    );
    connection
        .execute_batch(
            "DROP TRIGGER ledger_never_changes; UPDATE ledger SET client = 'x' WHERE seq = 3;",
        )
        .unwrap();
    drop(connection);
    let output = koppel(dir.path(), &["ledger", "verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "error: row 3 of the ledger: it was changed, or the row before it was replaced\n"
    );
}

#[test]
fn a_removed_row_of_the_ledger_is_named() {
    let (dir, _) = demo();
    let database = dir.path().join("data/ledger.db");
    let connection = rusqlite::Connection::open(database).unwrap();
    connection
        .execute_batch("DROP TRIGGER ledger_never_forgets; DELETE FROM ledger WHERE seq = 3;")
        .unwrap();
    drop(connection);
    let output = koppel(dir.path(), &["--json", "ledger", "verify"]);
    assert_eq!(output.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(
        error["error"]["message"],
        "row 4 of the ledger: row 3 is missing"
    );
}

#[test]
fn inspect_shows_kind_version_and_activities() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = repository().join("dist/plugins/vehicle-rdw.wasm");
    let output = koppel(dir.path(), &["inspect", plugin.to_str().unwrap()]);
    let shown = text(&output.stdout);
    assert!(
        shown.contains("  kind         lookup\n  WIT version  0.1.0\n"),
        "{shown}"
    );
    let rest = format!(
        "  requests     wasi:http\n  files        no export files\n  activities\n    GetAdditionalTaxliabilityByLicensePlateNumber\n  provenance\n    source       the file {}\n    signature    none\n    SDK          0.1.0\n",
        plugin.display()
    );
    assert!(shown.contains(&rest), "{shown}");
}

#[test]
fn validate_names_every_fault_with_its_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let file = "[platform]\n\n[clients.a]\ncomponent = \"a.wasm\"\nactivities = [\"GetEmployerByEmployerID\"]\n\n[roles]\nr = [\"nothing\"]\n";
    std::fs::write(dir.path().join("platform.toml"), file).unwrap();
    let output = koppel(dir.path(), &["validate"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        text(&output.stderr),
        "error: platform.toml:5:15: there is no activity \"GetEmployerByEmployerID\"; did you mean \"GetEmployerByEmployerId\"?\n\
         platform.toml:8:6: there is no right \"nothing\"; add `nothing = [\"…\"]` under [rights]\n"
    );
}

#[test]
fn a_bad_import_names_the_place_and_imports_nothing() {
    let (dir, _) = demo();
    let file = include_str!("import.json")
        .replace("500.87, \"creditAmount\"", "500.875, \"creditAmount\"");
    std::fs::write(dir.path().join("bad.json"), file).unwrap();
    let provider = seed::provider_id(1).to_string();
    let output = koppel(dir.path(), &["import", "bad.json", "--provider", &provider]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        text(&output.stderr),
        "error: bad.json: $.GetJournalRunResultsByJournalRunId[0]._embedded[0].debetAmount: 500.875 has more than two decimals\nnothing was imported\n"
    );
    let good = include_str!("import.json");
    std::fs::write(dir.path().join("good.json"), good).unwrap();
    let output = koppel(
        dir.path(),
        &["--json", "import", "good.json", "--provider", &provider],
    );
    assert_eq!(json(&output)["journal-lines"], 2);
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let (dir, _) = demo();
    let employer = seed::employer_id(1).to_string();
    let run = |client: &str, user: &str, job: &[&str]| {
        let mut arguments = vec!["run", client, "--user", user, "--employer", &employer];
        arguments.extend(job);
        koppel(dir.path(), &arguments).status.code()
    };
    assert_eq!(run("journal-xaf", "anna", &["--check"]), Some(0));
    assert_eq!(run("journal-xaf", "anna", &[]), Some(2));
    let journal_run = seed::journal_run_id(1, 7).to_string();
    assert_eq!(
        run("journal-xaf", "tim", &["--journal-run", &journal_run]),
        Some(4)
    );
    assert_eq!(run("journal-xaf", "anna", &["--lookup", "{}"]), Some(5));
    assert_eq!(run("none", "anna", &["--check"]), Some(5));
    assert_eq!(
        koppel(dir.path(), &["--config", "none.toml", "clients"])
            .status
            .code(),
        Some(3)
    );
    // Components that are refused, one or several.
    let text = std::fs::read_to_string(dir.path().join("platform.toml")).unwrap();
    let refused = |clients: &[&str]| {
        let mut text = text.clone();
        for client in clients {
            text = text.replace(&format!("{client}.wasm"), "none.wasm");
        }
        std::fs::write(dir.path().join("refused.toml"), text).unwrap();
        let output = koppel(dir.path(), &["validate", "refused.toml"]);
        (output.status.code(), self::text(&output.stderr))
    };
    for clients in [&["journal-xaf"][..], &["journal-xaf", "journal-exact"]] {
        let (code, errors) = refused(clients);
        assert_eq!(code, Some(5), "{errors}");
        let cannot_be_read = errors.matches("none.wasm cannot be read").count();
        assert_eq!(cannot_be_read, clients.len(), "{errors}");
    }
}

#[test]
fn journal_runs_are_listed_shown_and_released() {
    let (dir, _) = demo();
    let employer = seed::employer_id(1).to_string();
    let exported = seed::journal_run_id(1, 6).to_string();
    let shown = json(&koppel(
        dir.path(),
        &["--json", "journal-runs", "show", &exported],
    ));
    assert_eq!(shown["status"], 7);
    assert_eq!(shown["claim"], Value::Null);
    let trail = shown["audit-trail"].as_array().unwrap();
    assert_eq!(trail.len(), 2);
    assert_eq!(trail[0]["export-status"], 5);
    assert_eq!(trail[1]["export-status"], 7);
    assert_eq!(trail[1]["exported-by"], "anna");
    assert_eq!(trail[1]["exported-to"], "journal-xaf");
    assert_eq!(trail[1]["method-of-exporting"], "download");
    assert_eq!(trail[1]["reference"], "XAF32_1001_2025-06_6_4cdc3d08.xaf");
    // The exact payload, by the run of the audit trail.
    let run = trail[1]["run"].as_str().unwrap();
    let messages = json(&koppel(dir.path(), &["--json", "messages", "--run", run]));
    assert_eq!(messages[0]["kind"], "export-file");
    let text = koppel(dir.path(), &["journal-runs", "show", &exported]);
    let text = self::text(&text.stdout);
    for part in [
        "  status   7 (exported)",
        "5 (being exported)",
        "XAF32_1001_2025-06_6_4cdc3d08.xaf",
        &format!("koppel messages --run {run}"),
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }

    // A process that died a while ago.
    let left = seed::journal_run_id(1, 7).to_string();
    let database = dir.path().join("data/koppel.db");
    let connection = rusqlite::Connection::open(database).unwrap();
    connection
        .execute_batch(&format!(
            "UPDATE journal_run SET status = 5 WHERE id = '{left}';
             INSERT INTO journal_run_claim VALUES ('{left}', '{run}', 'journal-xaf', 'anna', 2, '2025-07-31T10:00:00Z', 4);"
        ))
        .unwrap();
    drop(connection);
    let list = koppel(
        dir.path(),
        &["--json", "journal-runs", "list", "--employer", &employer],
    );
    let list = json(&list);
    assert_eq!(list.as_array().unwrap().len(), 12);
    let claimed: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .filter(|run| !run["claim"].is_null())
        .collect();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0]["id"], left.as_str());
    assert_eq!(claimed[0]["claim"]["since"], "2025-07-31T10:00:00Z");
    let release = |user: &str| {
        let reason = "the machine lost power";
        koppel(
            dir.path(),
            &[
                "journal-runs",
                "release",
                &left,
                "--user",
                user,
                "--employer",
                &employer,
                "--reason",
                reason,
            ],
        )
    };
    let denied = release("tim");
    assert_eq!(denied.status.code(), Some(4));
    let released = release("anna");
    assert_eq!(
        self::text(&released.stdout),
        format!("released {left}: its status is 6 (export failed)\n"),
        "{}",
        self::text(&released.stderr)
    );
    assert_eq!(release("anna").status.code(), Some(1));
    let unknown = koppel(dir.path(), &["journal-runs", "show", &employer]);
    assert_eq!(unknown.status.code(), Some(3));
    assert_eq!(
        self::text(&unknown.stderr),
        format!("error: there is no {employer}\n")
    );
}

#[test]
fn what_needs_data_of_koppels_own_says_so_when_it_is_another_platforms() {
    let dir = tempfile::tempdir().unwrap();
    // Nothing listens there; nothing is asked.
    let configuration = crate::harness::upstream_configuration("http://127.0.0.1:9", "", "");
    std::fs::write(dir.path().join("platform.toml"), configuration).unwrap();
    std::fs::write(dir.path().join("good.json"), include_str!("import.json")).unwrap();
    let provider = seed::provider_id(1).to_string();
    let id = seed::journal_run_id(1, 6).to_string();
    let refused = |arguments: &[&str], expected: &str| {
        let output = koppel(dir.path(), arguments);
        assert_eq!(text(&output.stderr), format!("error: {expected}\n"));
        assert_eq!(output.status.code(), Some(3));
    };
    refused(
        &["import", "good.json", "--provider", &provider],
        "the payroll data is that of http://127.0.0.1:9/v2; to have data of koppel's own, put `source = \"embedded\"` under [platform] and remove [platform.loket]",
    );
    // Whose something is, the platform does not say.
    let whose = format!("the platform does not say whose {id} is; add --employer");
    refused(&["journal-runs", "show", &id], &whose);
    let who = ["--user", "anna", "--client", "desk"];
    for word in ["show", "confirm", "cancel"] {
        refused(&[&["declarations", word, &id][..], &who].concat(), &whose);
    }
    assert!(!dir.path().join("data/koppel.db").exists());
}

#[test]
fn shells_and_man_learn_every_command_from_the_command_itself() {
    let dir = tempfile::tempdir().unwrap();
    for (shell, named) in [
        ("bash", "koppel__subcmd__ledger__subcmd__verify"),
        ("zsh", "_koppel__subcmd__ledger__subcmd__verify_commands"),
        ("fish", "complete -c koppel"),
    ] {
        let output = koppel(dir.path(), &["completions", shell]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let script = text(&output.stdout);
        assert!(script.contains(named), "{shell}: {script}");
    }
    let output = koppel(dir.path(), &["man", "man1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = std::fs::read_to_string(dir.path().join("man1/koppel-serve.1")).unwrap();
    assert!(page.contains("koppel\\-serve"), "{page}");
    assert!(page.contains("until it is told to stop"), "{page}");
    std::fs::write(dir.path().join("file"), "").unwrap();
    let output = koppel(dir.path(), &["man", "file"]);
    assert_eq!(
        text(&output.stderr),
        "error: file: File exists (os error 17)\n"
    );
    assert_eq!(output.status.code(), Some(1));
}
