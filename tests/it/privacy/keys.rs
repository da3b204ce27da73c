//! Keys, as an operator makes, uses and replaces them.

use crate::cli::{json, koppel, text};
use crate::harness::{ANNA, TestHost, configuration, plugin};
use crate::journal::XAF;
use koppel_host::config::Reload;
use koppel_host::ledger::Kind;
use koppel_host::platform::seed;
use koppel_host::runs::Job;
use std::path::Path;

/// What every such file has.
const NEEDLE: &[u8] = b"<auditfile";

/// The configuration with keys, of which the first is active.
fn keyed(keys: &[&str]) -> String {
    let mut text = configuration(&plugin("journal-xaf", XAF));
    text += &format!(
        "[encryption]\nactive = \"{}\"\n[encryption.keys]\n",
        keys[0]
    );
    for key in keys {
        text += &format!("{key} = {{ file = \"{key}.key\" }}\n");
    }
    text
}

/// Makes a key in a file.
fn make(dir: &Path, name: &str) {
    let made = koppel(dir, &["keys", "new"]);
    assert!(made.status.success(), "{made:?}");
    std::fs::write(dir.join(format!("{name}.key")), made.stdout).unwrap();
}

async fn export(host: &TestHost, month: i8) {
    let job = Job::ProcessJournalRun(seed::journal_run_id(1, month));
    let report = host.run("journal-xaf", ANNA, 1, job).await;
    report.outcome.unwrap();
}

/// What the ledger has of rotations: who, what, and how it stands.
async fn rotations(host: &TestHost) -> Vec<String> {
    let rows = host.rows(&[Kind::KeyRotation]).await;
    let told = rows.into_iter().map(|row| {
        let outcome = row.outcome.unwrap_or_default();
        format!("{}: {}: {outcome}", row.context.user, row.summary)
    });
    told.collect()
}

/// Whether a message is readable in a file of the ledger.
fn readable(dir: &Path) -> bool {
    ["ledger.db", "ledger.db-wal"].iter().any(|name| {
        let bytes = std::fs::read(dir.join("data").join(name)).unwrap_or_default();
        memchr::memmem::find(&bytes, NEEDLE).is_some()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_encrypted_and_keys_replaced_while_a_host_goes_on() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    let dir = host.dir.path().to_owned();
    let rotate = || koppel(&dir, &["keys", "rotate", "--by", "K. Vos"]);
    let none = rotate();
    assert_eq!(none.status.code(), Some(3));
    assert_eq!(
        text(&none.stderr),
        "error: there is no [encryption] in the configuration, so nothing is encrypted: `koppel keys new` makes a key\n"
    );
    export(&host, 2).await;
    assert!(readable(&dir));

    make(&dir, "first");
    host.write_configuration(&keyed(&["first"]));
    assert!(matches!(host.host.live().reload(), Reload::Replaced));
    export(&host, 3).await;
    let rotated = text(&rotate().stdout);
    let encrypted = rotated
        .strip_prefix("encrypted with key \"first\": ")
        .and_then(|rest| rest.split_once(" rows of the ledger, 0 steps of runs"))
        .map(|(count, _)| count.parse::<u64>().unwrap());
    let encrypted = encrypted.unwrap_or_else(|| panic!("{rotated}"));
    assert!(encrypted > 0);
    assert!(!readable(&dir));

    // The next key, while runs go on.
    make(&dir, "second");
    host.write_configuration(&keyed(&["second", "first"]));
    assert!(matches!(host.host.live().reload(), Reload::Replaced));
    let ((), rotated) = tokio::join!(
        async {
            for month in 4..=9 {
                export(&host, month).await;
            }
        },
        tokio::task::spawn_blocking({
            let dir = dir.clone();
            move || koppel(&dir, &["--json", "keys", "rotate"])
        })
    );
    let rotated = rotated.unwrap();
    assert!(rotated.status.success(), "{rotated:?}");
    let again = json(&koppel(&dir, &["--json", "keys", "rotate"]));
    assert_eq!(
        again,
        serde_json::json!({"key": "second", "rows": 0, "steps": 0})
    );
    // Who did it is in the ledger, and from which key to which.
    let count = json(&rotated)["rows"].to_string();
    assert_eq!(
        rotations(&host).await,
        [
            "K. Vos: all that is stored, to key \"first\": begun",
            &format!(
                "K. Vos: {encrypted} rows of the ledger and 0 steps of runs from clear text to key \"first\": done"
            ),
            "operator: all that is stored, to key \"second\": begun",
            &format!(
                "operator: {count} rows of the ledger and 0 steps of runs from key \"first\" to key \"second\": done"
            ),
            "operator: all that is stored, to key \"second\": begun",
            "operator: 0 rows of the ledger and 0 steps of runs to key \"second\": done",
        ]
    );

    // The first is not needed any more.
    std::fs::remove_file(dir.join("first.key")).unwrap();
    host.write_configuration(&keyed(&["second"]));
    let exported = host.rows(&[Kind::ExportFile]).await;
    let written = exported
        .iter()
        .filter(|row| row.outcome.as_deref() == Some("written"));
    let mut files = 0;
    for row in written {
        let saved = dir.join("saved");
        let seq = row.seq.to_string();
        let shown = koppel(
            &dir,
            &["messages", &seq, "--output", saved.to_str().unwrap()],
        );
        assert!(shown.status.success(), "{shown:?}");
        let file = dir.join("exports").join(&row.summary);
        assert_eq!(std::fs::read(&saved).unwrap(), std::fs::read(file).unwrap());
        std::fs::remove_file(saved).unwrap();
        files += 1;
    }
    assert_eq!(files, 8);
    let verified = koppel(&dir, &["ledger", "verify"]);
    assert!(
        text(&verified.stdout).starts_with("intact "),
        "{verified:?}"
    );
    assert!(!readable(&dir));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_key_nothing_is_lost_and_the_line_is_named() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path(), "first");
    let host = TestHost::start(dir, &keyed(&["first"]));
    host.host.embedded().unwrap().seed().await.unwrap();
    export(&host, 2).await;
    let dir = host.dir.path().to_owned();
    let line = |what: &str| {
        let text = std::fs::read_to_string(dir.join("platform.toml")).unwrap();
        let at = text.lines().position(|line| line.starts_with(what));
        1 + at.unwrap()
    };
    let row = host.rows(&[Kind::ExportFile]).await[0].seq;
    let messages = || {
        let output = koppel(&dir, &["messages"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        text(&output.stderr)
    };

    // No such file.
    let key = std::fs::read(dir.join("first.key")).unwrap();
    std::fs::remove_file(dir.join("first.key")).unwrap();
    let told = messages();
    let at = line("first = {");
    let expected = format!(
        "error: platform.toml:{at}:9: [encryption.keys] \"first\": first.key cannot be read: "
    );
    assert!(told.starts_with(&expected), "{told}");

    // Another key of its name.
    make(&dir, "first");
    assert_eq!(
        messages(),
        format!(
            "error: ledger: row {row}: platform.toml:{at}:9: [encryption.keys] \"first\" is not the key of this name that it was encrypted with: give each key a name of its own\n"
        )
    );

    // Another key, and not this one.
    make(&dir, "second");
    host.write_configuration(&keyed(&["second"]));
    let at = line("[encryption]");
    assert_eq!(
        messages(),
        format!(
            "error: ledger: row {row}: it is encrypted with key \"first\", which is not in the configuration: add `\"first\" = {{ env = \"…\" }}` under [encryption.keys] (platform.toml:{at}:1)\n"
        )
    );

    // What stopped a rotation is in the ledger, beside that it began.
    let stopped = koppel(&dir, &["keys", "rotate"]);
    let why = text(&stopped.stderr);
    let why = why.trim_end().strip_prefix("error: ").unwrap();
    assert!(why.contains("it is encrypted with key \"first\", which is not in the configuration"));
    assert_eq!(
        rotations(&host).await,
        [
            "operator: all that is stored, to key \"second\": begun",
            &format!(
                "operator: 0 rows of the ledger and 0 steps of runs to key \"second\": failed: {why}"
            ),
        ]
    );

    // No encryption at all: nothing is appended in clear text.
    host.write_configuration(&configuration(&plugin("journal-xaf", XAF)));
    assert!(matches!(host.host.live().reload(), Reload::Replaced));
    let job = Job::ProcessJournalRun(seed::journal_run_id(1, 3));
    let report = host.run("journal-xaf", ANNA, 1, job).await;
    let refused = report.outcome.unwrap_err().to_string();
    assert!(
        refused.contains("[encryption] is missing, and what was stored until now is encrypted: put it back, so that nothing more is stored in clear text"),
        "{refused}"
    );

    // With its key, all is there.
    std::fs::write(dir.join("first.key"), key).unwrap();
    host.write_configuration(&keyed(&["first"]));
    let verified = koppel(&dir, &["ledger", "verify"]);
    assert!(
        text(&verified.stdout).starts_with("intact "),
        "{verified:?}"
    );
}
