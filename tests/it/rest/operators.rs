//! What operators look at: figures, connectors, explanations, the host and the
//! ledger; and what there is of all employers of a user.

use super::{Rest, forbidden, issuing};
use crate::harness::{client, employer, plugin};
use crate::journal::XAF;
use koppel_host::catalogue::ROWS;
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunRequest};
use serde_json::{Value, json};

/// What is granted to the connector of these tests but for one that it imports.
const LACKING: &str = r#"activities = ["GetJournalRunByJournalRunId", "GetEmployeesByEmployerId"]"#;

/// A server on which a journal run of employers 1, 2 and 4 was exported, or
/// tried to be.
async fn worked() -> Rest {
    let clients = format!(
        "{}\n{}",
        plugin("journal-xaf", XAF),
        client("clerk", LACKING).replace("[clients.clerk]", "[clients.short]")
    );
    let rest = Rest::with(&issuing(&clients)).await;
    for (user, of) in [("anna", 1), ("anna", 2), ("tim", 1), ("els", 4)] {
        let request = RunRequest {
            client: "journal-xaf".to_owned(),
            user: user.to_owned(),
            employer: employer(of),
            job: Job::ProcessJournalRun(seed::journal_run_id(of, 6)),
        };
        let _ = rest.host.run(request).await;
    }
    rest
}

fn items(body: &Value) -> &Vec<Value> {
    body["_embedded"].as_array().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_all_employers_hold_those_of_the_user_and_no_others() {
    let rest = worked().await;
    let anna = rest.token("anna").await;
    let els = rest.token("els").await;
    let bas = rest.token("bas").await;
    let employers = async |token: &str, path: &str| {
        let body = rest.get(token, path).await.with(200);
        assert_eq!(body["totalSize"], items(&body).len(), "{path}");
        let mut all: Vec<_> = items(&body)
            .iter()
            .map(|item| item["employerId"].as_str().unwrap().to_owned())
            .collect();
        all.sort();
        all
    };
    let of = |numbers: &[usize]| {
        let mut all: Vec<_> = numbers.iter().map(|of| employer(*of).to_string()).collect();
        all.sort();
        all
    };
    for (path, of_anna, of_els, of_bas) in [
        ("/connectorruns", &[1, 1, 2][..], &[4][..], &[1, 1][..]),
        ("/messages", &[1, 2], &[], &[1]),
        ("/denials", &[1], &[4], &[1]),
    ] {
        assert_eq!(employers(&anna, path).await, of(of_anna), "{path}");
        assert_eq!(employers(&els, path).await, of(of_els), "{path}");
        assert_eq!(employers(&bas, path).await, of(of_bas), "{path}");
    }
    // In pages, and the newest first if that is asked for.
    let path = "/messages?pageSize=1&order=newest-first";
    let newest = rest.get(&anna, path).await.with(200);
    assert_eq!(newest["totalSize"], 2);
    assert_eq!(items(&newest)[0]["employerId"], employer(2).to_string());
    assert_eq!(
        rest.get(&anna, "/denials?order=backwards")
            .await
            .problems(400),
        ["order: must be one of oldest-first, newest-first, not \"backwards\""]
    );
    // Whoever has no right to it learns nothing, of however many employers.
    let tim = rest.token("tim").await;
    let reason = "user \"tim\" has no right that gives GetMessagesByUserId";
    let denied = rest.get(&tim, "/messages").await;
    assert_eq!(denied.with(403), forbidden(reason));
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_count_the_runs_messages_and_denials_of_a_period() {
    let rest = worked().await;
    let anna = rest.token("anna").await;
    let content = async |path: &str| rest.get(&anna, path).await.with(200)["content"].clone();
    let today = jiff::Timestamp::now().to_string()[..10].to_owned();
    let figures = content("/figures").await;
    assert_eq!(
        figures["runs"],
        json!([
            {"date": today, "state": "failed", "count": 1},
            {"date": today, "state": "succeeded", "count": 2},
        ])
    );
    assert_eq!(
        figures["openRuns"],
        json!([
            {"state": "queued", "count": 0},
            {"state": "running", "count": 0},
            {"state": "needs-a-person", "count": 0},
        ])
    );
    assert_eq!(
        figures["messages"],
        json!([
            {"kind": "request", "count": 0},
            {"kind": "response", "count": 0},
            {"kind": "export-file", "count": 2},
        ])
    );
    let denials = figures["denials"].as_array().unwrap();
    assert_eq!(denials.len(), 1);
    assert_eq!(
        (
            &denials[0]["client"],
            &denials[0]["check"],
            &denials[0]["count"]
        ),
        (&json!("journal-xaf"), &json!("user"), &json!(1))
    );
    // Of one employer.
    let of_second = content(&format!("/figures?employerId={}", employer(2))).await;
    assert_eq!(
        of_second["runs"],
        json!([{"date": today, "state": "succeeded", "count": 1}])
    );
    assert_eq!(of_second["denials"], json!([]));
    // Of another period, and of somebody else's employer.
    let past = content("/figures?since=2020-01-01&until=2020-02-01").await;
    assert_eq!(past["runs"], json!([]));
    assert_eq!(
        (&past["since"], &past["until"]),
        (
            &json!("2020-01-01T00:00:00Z"),
            &json!("2020-02-01T00:00:00Z")
        )
    );
    let other = format!("/figures?employerId={}", employer(4));
    let reason = format!("there is no {} that user \"anna\" may access", employer(4));
    assert_eq!(rest.get(&anna, &other).await.with(403), forbidden(&reason));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_shows_what_it_asks_for_was_granted_and_used() {
    let rest = worked().await;
    let anna = rest.token("anna").await;
    let body = rest.get(&anna, "/connectors").await.with(200);
    let [xaf, short] = &items(&body)[..] else {
        panic!("{body}");
    };
    assert_eq!(
        (&xaf["name"], &xaf["loaded"]),
        (&json!("journal-xaf"), &json!(true))
    );
    let activity = |of: &Value, name: &str| {
        let mut all = of["activities"].as_array().unwrap().iter();
        all.find(|activity| activity["activity"] == name)
            .cloned()
            .unwrap_or_default()
    };
    let standing = |of: &Value, name: &str| {
        let activity = activity(of, name);
        ["requested", "granted", "used"].map(|key| activity[key].as_bool())
    };
    let all = [Some(true); 3];
    // A write, a file and something that was only read.
    for name in [
        "PatchJournalRunByJournalRunId",
        "PostDownloadJournalRunExportByJournalRunId",
        "GetJournalRunResultsByJournalRunId",
    ] {
        assert_eq!(standing(xaf, name), all, "{name}");
    }
    let exported = activity(xaf, "PostDownloadJournalRunExportByJournalRunId");
    assert_eq!(exported["recorded"], 2);
    let read = activity(xaf, "GetJournalRunResultsByJournalRunId");
    assert_eq!(
        (&read["recorded"], &read["lastRecorded"]),
        (&json!(0), &Value::Null)
    );
    // Granted without being asked for, and the other way round.
    let [yes, no] = [Some(true), Some(false)];
    assert_eq!(standing(short, "GetEmployeesByEmployerId"), [no, yes, no]);
    assert_eq!(
        standing(short, "PatchJournalRunByJournalRunId"),
        [yes, no, no]
    );
    assert_eq!(short["loaded"], false);
    let line = short["lines"][0].as_str().unwrap();
    assert!(
        line.starts_with("[clients.short] activities = [")
            && line.contains("\"PatchJournalRunByJournalRunId\""),
        "{line}"
    );
    let refusal = short["refusal"].as_str().unwrap();
    assert!(refusal.starts_with("client \"short\": client \"short\" is not loaded: its component imports what was not granted:"), "{refusal}");
    // One of them, for one employer.
    let one = format!("/connectors?client=journal-xaf&employerId={}", employer(3));
    let one = rest.get(&anna, &one).await.with(200);
    assert_eq!(one["totalSize"], 1);
    let exported = activity(
        &items(&one)[0],
        "PostDownloadJournalRunExportByJournalRunId",
    );
    assert_eq!(exported["recorded"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_is_what_the_checks_do_and_names_the_line_that_would_change_it() {
    let rest = worked().await;
    let anna = rest.token("anna").await;
    let path = format!("/providers/employers/{}/explanations", employer(1));
    let all = rest.get(&anna, &path).await.with(200);
    assert_eq!(all["totalSize"], ROWS.len());
    let asked = |user: &str| {
        format!("{path}?client=journal-xaf&user={user}&activity=PatchJournalRunByJournalRunId")
    };
    let body = rest.get(&anna, &asked("tim")).await.with(200);
    let [one] = &items(&body)[..] else {
        panic!("{body}");
    };
    assert_eq!(one["allowed"], false);
    let greens: Vec<_> = one["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["green"].as_bool().unwrap())
        .collect();
    assert_eq!(greens, [true, false, true, true, true]);
    assert_eq!(
        one["checks"][1],
        json!({
            "check": "user",
            "green": false,
            "reason": "user \"tim\" has no right that gives PatchJournalRunByJournalRunId",
            "line": "[[users]] id = \"tim\" rights = [\"employers\", \"everything\"]",
        })
    );
    let body = rest.get(&anna, &asked("anna")).await.with(200);
    assert_eq!(items(&body)[0]["allowed"], true);
    let misspelt = format!("{path}?activity=PatchJournalRunByJournalrunId");
    assert_eq!(
        rest.get(&anna, &misspelt).await.problems(400),
        [
            "activity: \"PatchJournalRunByJournalrunId\" is no activity; did you mean PatchJournalRunByJournalRunId?"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_tells_of_a_configuration_that_is_not_in_force() {
    let rest = worked().await;
    let anna = rest.token("anna").await;
    let state = async || rest.get(&anna, "/platformstate").await.with(200)["content"].clone();
    let before = state().await;
    assert_eq!(
        (&before["ready"], &before["notReady"]),
        (&json!(true), &Value::Null)
    );
    let rows = rest.host.ledger().rows(Default::default()).await.unwrap();
    let last = rows.last().unwrap();
    assert_eq!(
        (&before["ledger"]["row"], &before["ledger"]["hash"]),
        (&json!(last.seq), &json!(last.hash))
    );
    let configuration = &before["configuration"];
    assert_eq!(
        ["connectors", "applications", "users", "roles"].map(|key| &configuration[key]),
        [&json!(2), &json!(1), &json!(6), &json!(2)]
    );
    assert_eq!(configuration["fault"], Value::Null);

    let file = rest.dir.path().join("platform.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{good}\n[nonsense]\n")).unwrap();
    rest.host.live().reload();
    let broken = state().await;
    let fault = broken["configuration"]["fault"].as_str().unwrap();
    assert!(fault.contains("unknown field `nonsense`"), "{fault}");
    assert_eq!(broken["configuration"]["since"], configuration["since"]);

    std::fs::write(&file, good).unwrap();
    rest.host.live().reload();
    let mended = state().await;
    assert_eq!(mended["configuration"]["fault"], Value::Null);
    assert_ne!(mended["configuration"]["since"], configuration["since"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_verified_and_the_row_that_was_changed_is_named() {
    let rest = worked().await;
    let anna = rest.token("anna").await;
    let verify = async || {
        let answer = rest.get(&anna, "/ledgerverification").await;
        answer.with(200)["content"].clone()
    };
    let whole = verify().await;
    let rows = rest.host.ledger().rows(Default::default()).await.unwrap();
    let last = rows.last().unwrap();
    assert_eq!(
        ["intact", "rows", "head", "brokenRow", "reason"].map(|key| &whole[key]),
        [
            &json!(true),
            &json!(last.seq),
            &json!(last.hash),
            &Value::Null,
            &Value::Null
        ]
    );
    let file = rest.dir.path().join("data/ledger.db");
    rusqlite::Connection::open(file)
        .unwrap()
        .execute_batch(
            "DROP TRIGGER ledger_never_changes; UPDATE ledger SET summary = 'x' WHERE seq = 3",
        )
        .unwrap();
    let broken = verify().await;
    assert_eq!(
        ["intact", "rows", "brokenRow", "reason"].map(|key| &broken[key]),
        [
            &json!(false),
            &Value::Null,
            &json!(3),
            &json!("it was changed, or the row before it was replaced")
        ]
    );
}
