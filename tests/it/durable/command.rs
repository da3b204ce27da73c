//! `koppel runs`, as a process.

use super::kill::Serve;
use super::party::Party;
use super::{Bench, EXACT, TAX, text};
use crate::cli::koppel;
use crate::harness::{ANNA, employer};
use koppel_host::durable::State;
use koppel_host::ledger::{Filter, Kind};
use koppel_host::platform::seed;
use koppel_host::runs::Job;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_submitted_listed_shown_and_cancelled() {
    let party = Party::start().await;
    let bench = Bench::idle(&text(&party, "", "")).await;
    let dir = bench.dir.path();
    let (of, journal_run) = (
        employer(1).to_string(),
        seed::journal_run_id(1, 6).to_string(),
    );
    let submit = |journal_run: &str, more: &[&str]| {
        let mut arguments = vec![
            "--json",
            "runs",
            "submit",
            EXACT,
            "--user",
            ANNA,
            "--employer",
            &of,
            "--journal-run",
            journal_run,
            "--key",
            "june",
        ];
        arguments.extend(more);
        koppel(dir, &arguments)
    };
    let json = |output: &std::process::Output| -> Value {
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };
    let first = json(&submit(&journal_run, &[]));
    assert_eq!(
        (&first["state"], &first["key"]),
        (&"queued".into(), &"june".into())
    );
    assert_eq!(json(&submit(&journal_run, &[]))["id"], first["id"]);
    let other = submit(&seed::journal_run_id(1, 7).to_string(), &[]);
    assert_eq!(other.status.code(), Some(3));
    let id = first["id"].as_str().unwrap();
    let told: Value = serde_json::from_slice(&other.stderr).unwrap();
    assert_eq!(
        told["error"]["message"],
        format!(
            "key \"june\" is that of run {id}, which was asked for something else; another request takes another key"
        )
    );
    let listed = json(&koppel(
        dir,
        &["--json", "runs", "list", "--state", "queued"],
    ));
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let none = json(&koppel(dir, &["--json", "runs", "list", "--state", "dead"]));
    assert_eq!(none, Value::Array(Vec::new()));
    let cancel = || {
        let words = [
            "runs",
            "cancel",
            id,
            "--user",
            ANNA,
            "--reason",
            "a mistake",
        ];
        koppel(dir, &words)
    };
    let cancelled = cancel();
    assert_eq!(
        String::from_utf8(cancelled.stdout).unwrap(),
        format!("cancelled run {id}\n")
    );
    let again = cancel();
    assert!(again.status.success());
    let retried = koppel(dir, &["runs", "retry", id, "--user", ANNA]);
    assert_eq!(
        String::from_utf8(retried.stdout).unwrap(),
        format!("queued run {id}\n")
    );

    let _serve = Serve::start(dir);
    // Submitted before: it is waited for.
    let waited = submit(&journal_run, &["--wait"]);
    assert!(waited.status.success(), "{waited:?}");
    let shown = json(&waited);
    assert_eq!(shown["run"]["state"], "succeeded");
    assert_eq!(shown["run"]["output"]["reference"], "25900001");
    assert_eq!(shown["attempts"][0]["outcome"], "succeeded");
    let text = koppel(dir, &["runs", "show", id]);
    let text = String::from_utf8(text.stdout).unwrap();
    for part in [
        format!("run {id}: succeeded\n"),
        format!("  job        process journal run {journal_run}\n"),
        "  client     journal-exact, for user anna\n".to_owned(),
        ", key june\n".to_owned(),
        "attempt 1 began 20".to_owned(),
    ] {
        assert!(text.contains(&part), "{part}\n{text}");
    }
    let id = first["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(bench.run(id).await.state, State::Succeeded);
    let nobody = koppel(
        dir,
        &["runs", "show", "00000000-0000-4000-8000-000000000000"],
    );
    assert_eq!(nobody.status.code(), Some(3));
    assert_eq!(
        String::from_utf8(nobody.stderr).unwrap(),
        "error: there is no run 00000000-0000-4000-8000-000000000000\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_run_that_needs_a_person_hears_of_it() {
    let party = Party::start().await;
    party.told(|kept| kept.lose_reply = true);
    let bench = Bench::idle(&text(&party, "", "")).await;
    let _serve = Serve::start(bench.dir.path());
    let (of, journal_run) = (
        employer(1).to_string(),
        seed::journal_run_id(1, 6).to_string(),
    );
    let waited = koppel(
        bench.dir.path(),
        &[
            "runs",
            "submit",
            EXACT,
            "--user",
            ANNA,
            "--employer",
            &of,
            "--journal-run",
            &journal_run,
            "--wait",
        ],
    );
    assert_eq!(waited.status.code(), Some(1));
    let told = String::from_utf8(waited.stderr).unwrap();
    assert!(told.starts_with("error: it is needs-a-person: "), "{told}");
    let shown = String::from_utf8(waited.stdout).unwrap();
    assert!(
        shown.contains("  in doubt   POST http://127.0.0.1:"),
        "{shown}"
    );
    assert!(
        shown.contains("say what became of it: koppel runs decide "),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_a_check_denies_sees_and_changes_no_run() {
    let party = Party::start().await;
    // Without alarms among the errors.
    let quiet = "\n[alarms]\ndenials = { count = 1000, within-seconds = 60 }\n";
    let bench = Bench::idle(&(text(&party, "", "") + quiet)).await;
    let dir = bench.dir.path();
    let run = bench.book(1, 6).await.id.to_string();
    let hidden = bench.submit(EXACT, 2, Job::Check).await.id.to_string();
    let missing = "0195f0a1-4c5e-7a2b-9c3d-0123456789ab";
    let (of, journal_run) = (
        employer(1).to_string(),
        seed::journal_run_id(1, 7).to_string(),
    );
    let failed = |arguments: &[&str], user: &[&str]| {
        let output = koppel(dir, &[&["runs"], arguments, user].concat());
        assert!(output.stdout.is_empty(), "{output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), told)
    };
    let submit = [
        "submit",
        EXACT,
        "--employer",
        &of,
        "--journal-run",
        &journal_run,
    ];
    for (activity, arguments) in [
        (
            "GetConnectorRunsByEmployerId",
            vec!["list", "--employer", &*of],
        ),
        ("GetConnectorRunByConnectorRunId", vec!["show", &*run]),
        ("PostConnectorRunByEmployerId", submit.to_vec()),
        (
            "PatchConnectorRunByConnectorRunId",
            vec!["cancel", &*run, "--reason", "a test"],
        ),
        ("PatchConnectorRunByConnectorRunId", vec!["retry", &*run]),
        (
            "PatchConnectorRunByConnectorRunId",
            vec!["decide", &*run, "stop"],
        ),
    ] {
        let denied = |check: &str, reason: &str, line: &str| {
            let told = format!(
                "error: denied by check {check}: {activity}: {reason}\nto allow it, put in the configuration:\n  {line}\n"
            );
            (4, told)
        };
        assert_eq!(
            failed(&arguments, &["--user", "tim"]),
            denied(
                "user",
                &format!("user \"tim\" has no right that gives {activity}"),
                "[[users]] id = \"tim\" rights = [\"employers\", \"everything\"]"
            )
        );
        assert_eq!(
            failed(&arguments, &["--user", "rik"]),
            denied(
                "role",
                &format!("role \"reader\" has no right that gives {activity}"),
                "[roles] reader = [\"employers\", \"everything\"]"
            )
        );
        // Through an application, which must have the activity as well.
        let (code, told) = failed(&arguments, &["--user", ANNA, "--application", TAX]);
        let reason = format!(
            "error: denied by check client: {activity}: client \"{TAX}\" was not granted {activity}\n"
        );
        assert!(code == 4 && told.starts_with(&reason), "{told}");
        // Of another employer, or not there: the same words.
        if let Some(at) = arguments.iter().position(|word| *word == run) {
            for other in [&*hidden, missing] {
                let mut arguments = arguments.clone();
                arguments[at] = other;
                assert_eq!(
                    failed(&arguments, &["--user", "bas"]),
                    (
                        4,
                        format!(
                            "error: denied by check entity: {activity}: there is no {other} that user \"bas\" may access\n"
                        )
                    )
                );
            }
        }
    }
    assert_eq!(
        failed(&["list"], &["--user", ANNA]),
        (
            3,
            "error: give --employer: a user looks at one employer at a time\n".to_owned()
        )
    );
    // Who may sees what is of the employer.
    let listed = koppel(
        dir,
        &["--json", "runs", "list", "--employer", &of, "--user", "bas"],
    );
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["state"], "queued");
    let shown = koppel(dir, &["runs", "show", &run, "--user", "bas"]);
    assert!(shown.status.success(), "{shown:?}");
    // What is denied is in the ledger; the command is no client.
    let filter = Filter {
        kinds: vec![Kind::Denial],
        ..Filter::default()
    };
    let denials = bench.host.ledger().rows(filter).await.unwrap();
    assert_eq!(denials.len(), 6 * 3 + 4 * 2);
    assert_eq!(denials[0].context.client, "koppel runs");
}
