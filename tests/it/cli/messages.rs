//! `koppel messages` and `koppel denials`: the operator's view and a user's.

use super::{demo, json, koppel, text};
use koppel_host::platform::seed;
use serde_json::Value;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// The exit code and the error of a command that must fail.
#[track_caller]
fn failed(dir: &Path, arguments: &[&str]) -> (i32, String) {
    let output = koppel(dir, arguments);
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    (output.status.code().unwrap(), text(&output.stderr))
}

/// The numbers that a list gives.
#[track_caller]
fn numbers(dir: &Path, arguments: &[&str]) -> Vec<u64> {
    let list = json(&koppel(dir, &[&["--json"], arguments].concat()));
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| row["seq"].as_u64().unwrap()).collect()
}

/// The one message of the demonstration: its number and the row.
fn export(dir: &Path) -> (String, Value) {
    let rows = json(&koppel(dir, &["--json", "messages"]));
    (rows[0]["seq"].to_string(), rows[0].clone())
}

#[test]
fn messages_are_chosen_by_employer_client_run_kind_and_period() {
    let (dir, _) = demo();
    let dir = dir.path();
    let (number, row) = export(dir);
    let number: u64 = number.parse().unwrap();
    let employer = seed::employer_id(1).to_string();
    let another = seed::employer_id(2).to_string();
    let (run, time) = (row["run"].as_str().unwrap(), row["time"].as_str().unwrap());
    for (options, there) in [
        (&["--employer", &employer][..], true),
        (&["--employer", &another], false),
        (&["--client", "journal-xaf"], true),
        (&["--client", "journal-exact"], false),
        (&["--run", run], true),
        (&["--run", &employer], false),
        (&["--kind", "export-file"], true),
        (&["--kind", "request", "--kind", "response"], false),
        (&["--kind", "request", "--kind", "export-file"], true),
        // A period holds its beginning, and not its end.
        (&["--since", time], true),
        (&["--until", time], false),
        (&["--since", "2000-01-01", "--until", "9999-01-01"], true),
        (&["--since", "9999-01-01"], false),
    ] {
        let arguments = [&["messages"], options].concat();
        let expected = if there { vec![number] } else { vec![] };
        assert_eq!(numbers(dir, &arguments), expected, "{options:?}");
    }
    let none = koppel(dir, &["messages", "--kind", "request"]);
    assert_eq!(text(&none.stdout), "nothing was sent or received\n");
    let denied = numbers(dir, &["denials", "--employer", &employer]);
    assert_eq!(denied.len(), 1);
    assert!(numbers(dir, &["denials", "--since", "9999-01-01"]).is_empty());
}

#[test]
fn what_is_no_period_or_message_is_refused() {
    let (dir, _) = demo();
    let dir = dir.path();
    let (code, error) = failed(dir, &["messages", "--since", "yesterday"]);
    assert_eq!(code, 2);
    assert!(
        error.starts_with("error: invalid value 'yesterday' for '--since <MOMENT>': must be a date such as 2026-01-31, or date, time and offset such as 2026-01-31T09:30:00Z, not \"yesterday\""),
        "{error}"
    );
    assert_eq!(
        failed(
            dir,
            &["messages", "--since", "2026-02-01", "--until", "2026-01-31"]
        ),
        (
            3,
            "error: --until must be after 2026-02-01T00:00:00Z, where the period begins\n"
                .to_owned()
        )
    );
    for arguments in [
        &["messages", "latest"][..],
        &["messages", "--kind", "denial"],
        &["messages", "--output", "x"],
        &["messages", "3", "--force"],
        &["messages", "3", "--client", "journal-xaf"],
        // A user looks through an application, and an application for a user.
        &["messages", "--as", "anna"],
        &["messages", "--application", "desk"],
    ] {
        assert_eq!(failed(dir, arguments).0, 2, "{arguments:?}");
    }
    let missing = "b14acd0d-75d7-8fc8-8b22-4a3924585cab";
    assert_eq!(
        failed(dir, &["messages", missing]),
        (3, format!("error: the ledger has no message {missing}\n"))
    );
    assert_eq!(
        failed(dir, &["messages", "999"]),
        (3, "error: the ledger has no row 999\n".to_owned())
    );
}

#[test]
fn the_exact_bytes_go_to_a_file_that_is_not_there_yet() {
    let (dir, _) = demo();
    let dir = dir.path();
    let (number, row) = export(dir);
    let name = row["summary"].as_str().unwrap();
    let sha256 = row["body-sha256"].as_str().unwrap();
    let bytes = std::fs::read(dir.join("exports").join(name)).unwrap();
    let save = |more: &[&str]| {
        let arguments = [&["messages", &number, "--output"], more].concat();
        koppel(dir, &arguments)
    };
    let saved = save(&["a.xaf"]);
    assert_eq!(
        text(&saved.stdout),
        format!("wrote a.xaf: {} bytes, SHA-256 {sha256}\n", bytes.len()),
        "{}",
        text(&saved.stderr)
    );
    let file = dir.join("a.xaf");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    // It holds payroll data.
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    std::fs::write(&file, "mine").unwrap();
    let again = save(&["a.xaf"]);
    assert_eq!(again.status.code(), Some(3));
    assert_eq!(
        text(&again.stderr),
        "error: a.xaf exists already; --force replaces it\n"
    );
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert!(save(&["a.xaf", "--force"]).status.success());
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    // Nothing but a file is replaced, and no link is followed.
    symlink(&file, dir.join("link")).unwrap();
    for target in ["exports", "link", "/dev/null"] {
        let refused = save(&[target, "--force"]);
        assert_eq!(refused.status.code(), Some(3));
        assert_eq!(
            text(&refused.stderr),
            format!("error: {target} is no file\n")
        );
    }
    let nowhere = save(&["nowhere/a.xaf"]);
    assert_eq!(nowhere.status.code(), Some(1));

    // Standard output holds the bytes and nothing else, also by the id.
    assert_eq!(save(&["-"]).stdout, bytes);
    let id = row["id"].as_str().unwrap();
    let by_id = koppel(dir, &["--json", "messages", id, "--output", "-"]);
    assert_eq!(by_id.stdout, bytes);
}

/// Two more users of the demonstration: one whose role lacks the right, one of
/// employer 1 only who has it.
fn with_users(dir: &Path) {
    let path = dir.join("platform.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("\n[teams]\n", "reader = [\"employers\"]\n\n[teams]\n")
        + &format!(
            r#"
[[users]]
id = "rik"
kind = "provider"
provider = "{}"
role = "reader"
rights = ["messages"]
employers = "all"

[[users]]
id = "eva"
kind = "employer"
role = "payroll-professional"
rights = ["messages"]
employers = ["{}"]
"#,
            seed::provider_id(1),
            seed::employer_id(1)
        );
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_user_sees_what_the_five_checks_allow() {
    let (dir, _) = demo();
    let dir = dir.path();
    with_users(dir);
    let (number, row) = export(dir);
    let employer = seed::employer_id(1).to_string();
    let as_user = |user: &'static str| ["--as", user, "--application", "desk"];
    let list = ["messages", "--employer", &employer];
    for user in ["anna", "eva"] {
        let seen = numbers(dir, &[&list[..], &as_user(user)].concat());
        assert_eq!(seen, [row["seq"].as_u64().unwrap()]);
    }
    let show = [&["messages", &number][..], &as_user("anna")].concat();
    let shown = text(&koppel(dir, &show).stdout);
    assert!(
        shown.ends_with(&format!(
            "bytes, SHA-256 {}\n",
            row["body-sha256"].as_str().unwrap()
        )),
        "{shown}"
    );
    let shown = json(&koppel(dir, &[&["--json"], &show[..]].concat()));
    assert_eq!(shown["message"], row);
    // The bytes are another activity.
    assert_eq!(shown.get("body"), None);
    let save = |user| {
        let arguments = ["messages", &number, "--output", "-"];
        koppel(dir, &[&arguments[..], &as_user(user)].concat())
    };
    let name = row["summary"].as_str().unwrap();
    let bytes = std::fs::read(dir.join("exports").join(name)).unwrap();
    assert_eq!(save("anna").stdout, bytes);
    let denials = [&["denials", "--employer", &employer][..], &as_user("anna")].concat();
    assert_eq!(numbers(dir, &denials).len(), 1);
    // A user looks at one employer at a time.
    assert_eq!(
        failed(dir, &[&["messages"][..], &as_user("anna")].concat()),
        (
            3,
            "error: give --employer: a user looks at one employer at a time\n".to_owned()
        )
    );

    let activity = "GetMessagesByEmployerId";
    for (user, application, check, why, line) in [
        (
            "anna",
            "journal-xaf",
            "client",
            format!("client \"journal-xaf\" was not granted {activity}"),
            "[clients.journal-xaf] activities = [",
        ),
        (
            "tim",
            "desk",
            "user",
            format!("user \"tim\" has no right that gives {activity}"),
            "[[users]] id = \"tim\" rights = [\"employers\", \"messages\"]",
        ),
        (
            "rik",
            "desk",
            "role",
            format!("role \"reader\" has no right that gives {activity}"),
            "[roles] reader = [\"employers\", \"messages\"]",
        ),
    ] {
        let who = ["--as", user, "--application", application];
        let (code, error) = failed(dir, &[&list[..], &who].concat());
        assert_eq!(code, 4);
        let expected = format!(
            "error: denied by check {check}: {activity}: {why}\nto allow it, put in the configuration:\n  {line}"
        );
        assert!(error.starts_with(&expected), "{error}");
    }
    let content = "GetMessageContentByMessageId";
    let refused = save("tim");
    assert_eq!(refused.status.code(), Some(4));
    assert!(refused.stdout.is_empty());
    assert!(text(&refused.stderr).starts_with(&format!(
        "error: denied by check user: {content}: user \"tim\" has no right that gives {content}\n"
    )));
    // All of that is in the ledger.
    let all = json(&koppel(dir, &["--json", "denials"]));
    let checks: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["check"].as_str().unwrap())
        .collect();
    assert_eq!(checks, ["user", "client", "user", "role", "user"]);
}

/// So that asking often changes nothing.
fn without_alarms(dir: &Path) {
    let path = dir.join("platform.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let alarms = "[alarms]\ndenials = { count = 10000, within-seconds = 1 }\n";
    std::fs::write(&path, format!("{text}\n{alarms}")).unwrap();
}

#[test]
fn a_user_cannot_tell_another_employers_message_from_none() {
    let (dir, _) = demo();
    let dir = dir.path();
    with_users(dir);
    without_alarms(dir);
    let another = seed::employer_id(2).to_string();
    let journal_run = seed::journal_run_id(2, 6).to_string();
    let run = koppel(
        dir,
        &[
            "run",
            "journal-xaf",
            "--user",
            "anna",
            "--employer",
            &another,
            "--journal-run",
            &journal_run,
        ],
    );
    assert!(run.status.success(), "{}", text(&run.stderr));
    let theirs = json(&koppel(
        dir,
        &["--json", "messages", "--employer", &another],
    ));
    let (number, id) = (
        theirs[0]["seq"].to_string(),
        theirs[0]["id"].as_str().unwrap(),
    );
    let missing = "b14acd0d-75d7-8fc8-8b22-4a3924585cab";
    let who = ["--as", "eva", "--application", "desk"];
    for output in [&[][..], &["--output", "-"]] {
        let told = |which: &str| failed(dir, &[&["messages", which], output, &who].concat());
        let words = |what: &str, of: &str| {
            let activity = match output {
                [] => "GetMessageByMessageId",
                _ => "GetMessageContentByMessageId",
            };
            format!(
                "error: denied by check entity: {activity}: there is no {what}{of} that user \"eva\" may access\n"
            )
        };
        assert_eq!(told(id), (4, words("", id)));
        assert_eq!(told(missing), (4, words("", missing)));
        assert_eq!(told(&number), (4, words("row ", &number)));
        assert_eq!(told("999"), (4, words("row ", "999")));
        // The start of a run of the own employer is no message.
        assert_eq!(told("1"), (4, words("row ", "1")));
    }
    let list = [&["messages", "--employer", &another], &who[..]].concat();
    assert_eq!(
        failed(dir, &list),
        (
            4,
            format!(
                "error: denied by check entity: GetMessagesByEmployerId: there is no {another} that user \"eva\" may access\n"
            )
        )
    );
    // The operator reads the true reason.
    let denials = json(&koppel(dir, &["--json", "denials", "--employer", &another]));
    assert_eq!(
        denials[0]["summary"],
        "user \"eva\" may not access this employer"
    );
}
