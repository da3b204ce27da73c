//! Grants change while connectors run.

use crate::harness::{TestHost, all_activities, answer, client, configuration, error};
use koppel_host::config::Reload;
use koppel_host::platform::seed;
use serde_json::json;
use std::sync::mpsc;
use std::time::Duration;

fn without(activity: &str) -> String {
    all_activities().replace(&format!("\"{activity}\", "), "")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_activity_is_denied_on_the_next_call_in_the_middle_of_a_run() {
    let host = TestHost::new(&client("probe", &all_activities())).await;
    let (said, heard) = mpsc::channel();
    let _watching = host
        .host
        .live()
        .watch(move |reload| said.send(reload).unwrap())
        .unwrap();
    let query =
        json!({"activity": "GetEmployerByEmployerId", "id": seed::employer_id(1), "again": 2000});
    let run = host.lookup("probe", &query);
    let revoke = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        host.write_configuration(&configuration(&client(
            "probe",
            &without("GetEmployerByEmployerId"),
        )));
    };
    let (report, ()) = tokio::join!(run, revoke);
    let answer = answer(report);
    assert_eq!(answer["denied"], "Check::Client");
    assert_eq!(
        answer["reason"],
        "client \"probe\" was not granted GetEmployerByEmployerId"
    );
    assert!(
        answer["attempt"].as_u64().unwrap() > 0,
        "it was denied from the start"
    );
    assert!(matches!(heard.recv().unwrap(), Reload::Replaced));

    // The next run does not even start.
    let text = error(host.lookup("probe", &query).await);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0],
        "client \"probe\": client \"probe\" is not loaded: its component imports what was not granted:"
    );
    assert_eq!(lines[1], "  activity GetEmployerByEmployerId");
    assert_eq!(lines[2], "to grant it, put in the configuration:");
    assert!(
        lines[3].starts_with("  [clients.probe] activities = [\"GetEmployersByUserId\", "),
        "{}",
        lines[3]
    );
    assert!(
        lines[3].contains("\"GetEmployerByEmployerId\""),
        "{}",
        lines[3]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_leaves_the_old_one_in_force_and_says_why() {
    let host = TestHost::new(&client("probe", &all_activities())).await;
    let (said, heard) = mpsc::channel();
    let _watching = host
        .host
        .live()
        .watch(move |reload| said.send(reload).unwrap())
        .unwrap();
    let misspelt = without("GetEmployersByUserId") + "\nactivitees = []";
    host.write_configuration(&configuration(&client("probe", &misspelt)));
    let Reload::Kept(error) = heard.recv_timeout(Duration::from_secs(10)).unwrap() else {
        panic!("it was put in force");
    };
    let text = error.to_string();
    assert!(text.contains("platform.toml:"), "{text}");
    assert!(text.contains("unknown field `activitees`"), "{text}");
    let query = json!({"activity": "GetEmployersByUserId"});
    assert_eq!(answer(host.lookup("probe", &query).await)["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_removed_does_not_run() {
    let host = TestHost::new(&client("probe", &all_activities())).await;
    host.write_configuration(&configuration(""));
    assert!(matches!(host.host.live().reload(), Reload::Replaced));
    assert_eq!(
        error(
            host.lookup("probe", &json!({"activity": "GetEmployersByUserId"}))
                .await
        ),
        "there is no client \"probe\"; add `[clients.probe]` with `component` and `activities`"
    );
}
