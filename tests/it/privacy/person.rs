//! What is stored of one person, given and erased.

use crate::cli::{json, koppel, text};
use crate::declarations::{Chain, TAX};
use crate::harness::{ANNA, TestHost, plugin};
use crate::journal::XAF;
use crate::products::{place, run, shop};
use koppel_host::ledger::Kind;
use koppel_host::platform::seed;
use koppel_host::runs::Job;
use serde_json::json;
use std::collections::BTreeSet;

/// Employee 1 of employer 1.
fn employee() -> String {
    seed::employee_id(1, 1).to_string()
}

/// The payroll data, as it is named where it is not looked into.
const PAYROLL: &str = "payroll data (data/koppel.db)";

const ASKS: [&str; 4] = ["--by", "K. Vos", "--reason", "request 12"];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_one_person_is_given_and_erased() {
    let (_, host) = shop().await;
    run(&host, place(None)).await.outcome.unwrap();
    let dir = host.dir.path();
    let person = employee();
    let ask = |word: &str, more: &[&str]| {
        let who = ["person", word, &person, "--also", "Sanne Jansen"];
        koppel(dir, &[&["--json"][..], &who, &ASKS, more].concat())
    };
    let exported = ask("export", &["--output", "person.json"]);
    assert_eq!(
        json(&exported),
        json!({"file": "person.json", "messages": 2, "runs": 1})
    );
    let given = std::fs::read(dir.join("person.json")).unwrap();
    let given: serde_json::Value = serde_json::from_slice(&given).unwrap();
    let names = [
        seed::citizen_service_number(1, 1),
        person.clone(),
        "Sanne Jansen".to_owned(),
    ];
    assert_eq!(given["names"], json!(BTreeSet::from(names)));
    let [request, response] = &given["messages"].as_array().unwrap()[..] else {
        panic!("{given}");
    };
    assert_eq!(
        (&request["kind"], &response["kind"]),
        (&json!("request"), &json!("response"))
    );
    assert!(request["body"].as_str().unwrap().contains("Sanne Jansen"));
    // The reply names nobody, and is about the order all the same.
    assert!(response["body"].as_str().unwrap().contains("F-1"));
    assert_eq!(request["about-others"], false);
    assert!(given["runs"][0]["job"].to_string().contains("Sanne Jansen"));

    let would = json(&ask("erase", &["--dry-run"]));
    let last = request["time"].as_str().unwrap();
    let besides = json!({
        "recipients": {"party.test": {"requests": 1, "last": last}},
        "files": [],
        "not-looked-into": [PAYROLL, "logs and traces", "backups"],
    });
    assert_eq!(given["elsewhere"], besides);
    let expected =
        |dry: bool| json!({"dry-run": dry, "rows": 2, "runs": 1, "kept": [], "elsewhere": besides});
    assert_eq!(would, expected(true));
    assert_eq!(json(&ask("erase", &[])), expected(false));
    for name in ["ledger.db", "ledger.db-wal", "runs.db", "runs.db-wal"] {
        let bytes = std::fs::read(dir.join("data").join(name)).unwrap_or_default();
        let found = memchr::memmem::find(&bytes, b"Sanne Jansen");
        assert_eq!(found, None, "{name}");
    }
    let verified = json(&koppel(dir, &["--json", "ledger", "verify"]));
    assert_eq!(verified["erased"], 2);
    let shown = koppel(dir, &["messages", &request["seq"].to_string()]);
    let shown = text(&shown.stdout);
    assert!(shown.contains(" by K. Vos: request 12"), "{shown}");
    // Both are in the ledger, without the person.
    let acts = host.rows(&[Kind::PersonExported, Kind::Erasure]).await;
    let acts: Vec<_> = acts
        .iter()
        .map(|row| (&*row.kind, &*row.context.user, &*row.summary))
        .collect();
    assert_eq!(
        acts,
        [
            (
                "person-exported",
                "K. Vos",
                "2 rows and 1 runs of a person: request 12"
            ),
            ("erasure", "K. Vos", "2 rows: request 12"),
        ]
    );
    let nothing = json!({"dry-run": false, "rows": 0, "runs": 0, "kept": [], "elsewhere": {
        "recipients": {},
        "files": [],
        "not-looked-into": [PAYROLL, "logs and traces", "backups"],
    }});
    assert_eq!(json(&ask("erase", &[])), nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_of_all_employees_is_kept_and_not_given() {
    let chain = Chain::start().await;
    chain.sent(TAX, 1).await;
    let dir = chain.host.dir.path();
    let bsn = seed::citizen_service_number(1, 1);
    for person in [employee(), bsn.clone()] {
        let exported = koppel(dir, &[&["person", "export", &person][..], &ASKS].concat());
        let given = text(&exported.stdout);
        let found: serde_json::Value = serde_json::from_str(&given).unwrap();
        let messages = found["messages"].as_array().unwrap();
        let about: Vec<_> = messages
            .iter()
            .map(|one| (one["kind"].as_str().unwrap(), &one["about-others"]))
            .collect();
        assert_eq!(
            about[..2],
            [("request", &json!(true)), ("response", &json!(false))]
        );
        assert_eq!(messages[0].get("body"), None, "{found}");
        assert_eq!(messages[0]["headers"], json!([]));
        // The reply says nothing of anybody, and is kept by law.
        let kept = messages[1]["kept"].as_str().unwrap();
        assert!(
            kept.starts_with("it is of the payroll administration, kept until "),
            "{kept}"
        );
        assert!(!given.contains(&seed::citizen_service_number(1, 2)));

        let erased = koppel(dir, &[&["person", "erase", &person][..], &ASKS].concat());
        assert!(erased.status.success(), "{erased:?}");
        let told = text(&erased.stdout);
        let seq = &messages[0]["seq"];
        assert!(
            told.starts_with("erased the contents of 0 rows, and ")
                && told.contains(&format!("kept row {seq}: it is about others, too, and is kept for ever: [retention] has no declaration\n")),
            "{told}"
        );
        let day = messages[0]["time"].as_str().unwrap().split('T').next();
        let besides = format!(
            "the last one on {}; it is to be told of an erasure (art. 19 GDPR)\nnot looked into: {}, logs and traces, backups\n",
            day.unwrap(),
            PAYROLL,
        );
        assert!(told.ends_with(&besides), "{told}");
    }
    let requests = chain.host.rows(&[Kind::Request]).await;
    // With a period, it is said when it goes.
    let config = std::fs::read_to_string(dir.join("platform.toml")).unwrap();
    let config = config + "\n[retention]\ndeclaration = \"P8Y\"\n";
    chain.host.write_configuration(&config);
    let told = text(&koppel(dir, &[&["person", "erase", &bsn][..], &ASKS].concat()).stdout);
    let (year, rest) = requests[0].time.split_at(4);
    let year = year.parse::<u32>().unwrap() + 8;
    let kept = format!(
        "kept row {}: it is about others, too, and is kept until {year}{} ([retention] declaration)\n",
        requests[0].seq,
        &rest[..6]
    );
    assert!(told.contains(&kept), "{told}");
    let body = chain.host.body(requests[0].seq).await;
    assert!(String::from_utf8(body).unwrap().contains(&bsn));
    chain.host.host.ledger().verify().await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_file_is_not_erased_and_is_named() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    let job = Job::ProcessJournalRun(seed::journal_run_id(1, 2));
    let report = host.run("journal-xaf", ANNA, 1, job).await;
    report.outcome.unwrap();
    let dir = host.dir.path();
    let name = host.rows(&[Kind::ExportFile]).await.remove(0).summary;
    let person = employee();
    let who = ["person", "erase", &person, "--also", &name];
    let told = text(&koppel(dir, &[&who[..], &ASKS].concat()).stdout);
    let stays = format!("stays export file exports/{name}\n");
    assert!(told.contains(&stays), "{told}");
    assert!(dir.join("exports").join(name).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_nobody_is_told() {
    let (_, host) = shop().await;
    for (person, also, why) in [
        (
            "123456789",
            "Sanne Jansen",
            "a person is named by the identifier of an employee (UUID), or by a citizen service number (BSN) of nine digits that pass the eleven-test",
        ),
        (
            "123456782",
            "Bo",
            "\"Bo\" would be found in what is not about this person: give at least 4 characters",
        ),
    ] {
        let who = ["person", "erase", person, "--also", also];
        let refused = koppel(host.dir.path(), &[&who[..], &ASKS].concat());
        assert_eq!(refused.status.code(), Some(3));
        assert_eq!(text(&refused.stderr), format!("error: {why}\n"));
    }
}
