//! Denials are visible: listed, counted, and an alarm when one client is
//! denied again and again.

use crate::harness::{
    ANNA, TestHost, all_activities, answer, client, configuration, employer, repository,
};
use koppel_host::config::Reload;
use koppel_host::ledger::{Filter, Kind};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

/// The hostile guest, and an honest one.
fn clients() -> String {
    let more = format!(
        "{}\nhttp = [{{ allow = \"http://party.test:1/*\", methods = [\"GET\"], activity = \"GetEmployerByEmployerId\" }}]\n\
         exports = {{ directory = \"exports\", quota-bytes = 1_000_000, activity = \"PostDownloadJournalRunExportByJournalRunId\" }}",
        all_activities()
    );
    client("hostile", &more) + &client("probe", &all_activities())
}

/// [`clients`], with so many denials of one within an hour being too many.
fn alarming_at(count: u32) -> String {
    let alarms = format!("[alarms]\ndenials = {{ count = {count}, within-seconds = 3600 }}\n");
    configuration(&(clients() + &alarms))
}

fn other_employer() -> Value {
    json!({"attack": "other-employer", "id": employer(2)})
}

fn elsewhere() -> Value {
    json!({"attack": "request", "url": "https://party.test/secret"})
}

async fn deny(host: &TestHost, attack: &Value, times: usize) {
    for _ in 0..times {
        let answer = answer(host.lookup("hostile", attack).await);
        assert!(answer["error"].is_string(), "{answer}");
    }
}

/// The client, user and summary of each alarm.
async fn alarms(host: &TestHost) -> Vec<(String, String, String)> {
    let rows = host.rows(&[Kind::Alarm]).await.into_iter();
    rows.map(|row| (row.context.client, row.context.user, row.summary))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connector_is_denied_is_counted_by_client_and_check() {
    let host = TestHost::with(&alarming_at(1000)).await;
    deny(&host, &other_employer(), 3).await;
    deny(&host, &elsewhere(), 2).await;
    let query = json!({"activity": "GetEmployersByUserId"});
    answer(host.lookup("probe", &query).await);
    answer(
        host.lookup_as(
            "probe",
            "rik",
            1,
            &json!({"activity": "GetJournalRunByJournalRunId"}),
        )
        .await,
    );
    let expected = json!([
        {"client": "hostile", "check": "egress", "total": 2},
        {"client": "hostile", "check": "entity", "total": 3},
        {"client": "probe", "check": "role", "total": 1},
    ]);
    let counters = host.host.ledger().denials().now();
    assert_eq!(serde_json::to_value(counters).unwrap(), expected);
    let counts = host.host.ledger().denial_counts(Filter::default()).await;
    let counts: Vec<_> = counts
        .unwrap()
        .into_iter()
        .map(|count| json!({"client": count.client, "check": count.check, "total": count.count}))
        .collect();
    assert_eq!(json!(counts), expected);
    assert_eq!(alarms(&host).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_is_denied_again_and_again_raises_one_alarm() {
    let host = TestHost::with(&alarming_at(4)).await;
    // An honest client that is denied now and then is not counted with it.
    let query = json!({"activity": "GetEmployerByEmployerId", "id": employer(2)});
    for _ in 0..3 {
        let denied = answer(host.lookup("probe", &query).await);
        assert_eq!(denied["denied"], "Check::Entity");
    }
    deny(&host, &other_employer(), 3).await;
    assert_eq!(alarms(&host).await, []);
    deny(&host, &elsewhere(), 6).await;
    let alarm = (
        "hostile".to_owned(),
        ANNA.to_owned(),
        "4 denials within 3600 s: entity 3, egress 1".to_owned(),
    );
    assert_eq!(alarms(&host).await, [alarm]);
    assert!(host.host.ledger().verify().await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_threshold_is_in_force_at_the_next_denial() {
    let host = TestHost::with(&alarming_at(1000)).await;
    deny(&host, &other_employer(), 3).await;
    host.write_configuration(&alarming_at(4));
    assert!(matches!(host.host.live().reload(), Reload::Replaced));
    assert_eq!(alarms(&host).await, []);
    deny(&host, &other_employer(), 1).await;
    assert_eq!(alarms(&host).await.len(), 1);
}

fn koppel(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_koppel"))
        .current_dir(dir)
        .env("NO_COLOR", "1")
        .env_remove("KOPPEL_LOG")
        .args(arguments)
        .output()
        .unwrap()
}

fn json_of(dir: &Path, arguments: &[&str]) -> Value {
    let output = koppel(dir, &[&["--json"], arguments].concat());
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Each run is a process of its own; what they are denied counts together.
#[tokio::test(flavor = "multi_thread")]
async fn the_commands_list_and_count_denials_and_show_the_alarm() {
    assert!(repository().join("dist/guests/hostile.wasm").exists());
    let TestHost { dir, host } = TestHost::with(&alarming_at(3)).await;
    drop(host);
    let employer = employer(1).to_string();
    let run = |user: &str, attack: &Value| {
        let attack = attack.to_string();
        let arguments = ["run", "hostile", "--user", user, "--employer", &employer];
        let output = koppel(
            dir.path(),
            &[&arguments[..], &["--lookup", &attack]].concat(),
        );
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(run(ANNA, &other_employer()), "");
    assert_eq!(run("bas", &other_employer()), "");
    let logged = run(ANNA, &elsewhere());
    assert_eq!(run(ANNA, &elsewhere()), "");

    let listed = |more: &[&str]| {
        let rows = json_of(dir.path(), &[&["denials"], more].concat());
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| {
            format!(
                "{} {}",
                row["user"].as_str().unwrap(),
                row["check"].as_str().unwrap()
            )
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(
        listed(&[]),
        ["anna entity", "bas entity", "anna egress", "anna egress"]
    );
    assert_eq!(
        listed(&["--check", "egress", "--limit", "1"]),
        ["anna egress"]
    );
    assert_eq!(listed(&["--user", "bas"]), ["bas entity"]);
    assert_eq!(listed(&["--client", "probe"]), [] as [&str; 0]);
    assert_eq!(listed(&["--since", "1h", "--check", "entity"]).len(), 2);
    assert_eq!(listed(&["--since", "2999-01-01"]), [] as [&str; 0]);

    let mut counts = json_of(dir.path(), &["denials", "--count"]);
    for count in counts.as_array_mut().unwrap() {
        let count = count.as_object_mut().unwrap();
        let mut moment = |name: &str| count.remove(name).unwrap().as_str().unwrap().to_owned();
        assert!(moment("first") < moment("last"));
    }
    assert_eq!(
        counts,
        json!([
            {"client": "hostile", "check": "egress", "count": 2},
            {"client": "hostile", "check": "entity", "count": 2},
        ])
    );
    let shown = koppel(dir.path(), &["denials", "--count", "--check", "entity"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    let columns: Vec<_> = shown.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(columns, ["Client", "Check", "Denials", "First", "Last"]);
    let columns: Vec<_> = shown.lines().nth(3).unwrap().split_whitespace().collect();
    assert_eq!(columns[..3], ["hostile", "entity", "2"]);

    let alarms = json_of(dir.path(), &["alarms"]);
    assert_eq!(alarms.as_array().unwrap().len(), 1);
    // The event tells the same, in fields; before it stands the time.
    let (_, event) = logged.split_once("  ").unwrap();
    let run_of_alarm = alarms[0]["run"].as_str().unwrap();
    assert_eq!(
        event,
        format!(
            "WARN koppel_host::ledger::alarm: a client is denied again and again client=\"hostile\" user=\"anna\" employer={employer} run={run_of_alarm} check=\"egress\" activity=\"\" denials=3 within_seconds=3600 by_check=\"entity 2, egress 1\"\n"
        )
    );
    assert_eq!(
        alarms[0]["summary"],
        "3 denials within 3600 s: entity 2, egress 1"
    );
    assert_eq!(
        json_of(dir.path(), &["alarms", "--client", "probe"]),
        json!([])
    );
    let refused = koppel(dir.path(), &["denials", "--count", "--limit", "3"]);
    assert_eq!(refused.status.code(), Some(2));
}
