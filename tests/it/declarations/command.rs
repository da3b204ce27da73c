//! The chain through the command, as an operator and a person use it.

use super::Gateway;
use crate::cli::koppel;
use koppel_host::platform::seed;
use serde_json::Value;
use std::ffi::OsStr;
use std::fmt::Debug;
use std::path::Path;
use tempfile::TempDir;

/// What a command prints that must succeed.
#[track_caller]
fn done<S: AsRef<OsStr> + Debug>(dir: &Path, arguments: &[S]) -> String {
    let output = koppel(dir, arguments);
    let (out, err) = (output.stdout, output.stderr);
    assert!(
        output.status.success(),
        "{arguments:?}\n{}{}",
        String::from_utf8_lossy(&out),
        String::from_utf8_lossy(&err)
    );
    String::from_utf8(out).unwrap()
}

/// The exit code and the error of a command that must fail.
#[track_caller]
fn failed<S: AsRef<OsStr> + Debug>(dir: &Path, arguments: &[S]) -> (i32, String) {
    let output = koppel(dir, arguments);
    let code = output.status.code().unwrap();
    assert_ne!(code, 0, "{arguments:?}");
    (code, String::from_utf8(output.stderr).unwrap())
}

/// The demonstration, with a gateway on this machine.
async fn demo() -> (TempDir, Gateway) {
    let (dir, _) = crate::cli::demo();
    let gateway = Gateway::start().await;
    let path = dir.path().join("platform.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let rule = "ByPayrollTaxReturnId\" }";
    let text = text
        .replace(
            "https://gateway.example/loonaangifte",
            &format!("http://127.0.0.1:{}/tax", gateway.port),
        )
        .replace(
            rule,
            "ByPayrollTaxReturnId\", allow-private-addresses = true }",
        );
    std::fs::write(path, text).unwrap();
    (dir, gateway)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payroll_tax_return_goes_its_way_by_the_command() {
    let (dir, gateway) = demo().await;
    let dir = dir.path();
    let employer = seed::employer_id(1).to_string();
    let anna = ["--user", "anna", "--client", "desk"];
    let desk = |arguments: &[&str], id: &str, who: [&str; 4]| -> Vec<String> {
        let words = ["declarations"].iter().chain(arguments);
        let words = words.chain([&id]).chain(&who);
        let given = words.filter(|word| !word.is_empty());
        given.map(ToString::to_string).collect()
    };

    let mut initiate = desk(
        &["initiate", "--json", "--kind", "tax", "--period", "2022-01"],
        "",
        anna,
    );
    initiate.extend(["--employer".to_owned(), employer.clone()]);
    let asked: Value = serde_json::from_str(&done(dir, &initiate)).unwrap();
    assert_eq!(
        (asked["status"].as_u64(), asked["year"].as_u64()),
        (Some(1), Some(2022))
    );
    let id = asked["id"].as_str().unwrap();

    let run = |job: &str| -> Vec<String> {
        ["run", "loonaangifte", "--user", "anna", "--employer"]
            .map(ToOwned::to_owned)
            .into_iter()
            .chain([employer.clone(), job.to_owned(), id.to_owned()])
            .collect()
    };
    let made = done(dir, &run("--create-declaration"));
    assert!(
        made.contains(&format!(
            "a person confirms it with: koppel declarations confirm {id}"
        )),
        "{made}"
    );
    assert_eq!(
        failed(dir, &run("--submit-declaration")),
        (
            1,
            format!(
                "error: payroll tax return {id} cannot be sent: its status is 3 (created); a person must confirm it first\n"
            )
        )
    );
    assert_eq!(gateway.deliveries(), []);

    let patch = "PatchPayrollTaxReturnsByPayrollTaxReturnIds";
    let tim = ["--user", "tim", "--client", "desk"];
    assert_eq!(
        failed(dir, &desk(&["confirm"], id, tim)),
        (
            4,
            format!(
                "error: denied by check user: {patch}: user \"tim\" has no right that gives {patch}\nto allow it, put in the configuration:\n  [[users]] id = \"tim\" rights = [\"employers\", \"confirm-declarations\"]\n"
            )
        )
    );
    let connector = ["--user", "anna", "--client", "loonaangifte"];
    let (code, text) = failed(dir, &desk(&["confirm"], id, connector));
    assert_eq!(code, 4);
    assert!(
        text.starts_with(&format!(
            "error: denied by check client: {patch}: client \"loonaangifte\" was not granted {patch}\n"
        )),
        "{text}"
    );
    let confirmed = done(dir, &desk(&["confirm"], id, anna));
    assert!(
        confirmed.starts_with(&format!(
            "confirmed payroll tax return {id}\nits message has SHA-256 "
        )),
        "{confirmed}"
    );
    let sent = done(dir, &run("--submit-declaration"));
    assert!(
        sent.contains(&format!("sent declaration {id}, SHA-256 ")),
        "{sent}"
    );
    let (reference, bytes) = gateway.deliveries().remove(0);
    let sha256 = super::sha256(&bytes);
    assert!(sent.contains(&sha256) && confirmed.contains(&sha256));

    gateway.respond(
        &reference,
        "A-1",
        &format!(
            "<Responsemessage><Identification><RefersToMessageId>{reference}</RefersToMessageId><DatumTijdOntvangst>2022-02-18T16:06:39Z</DatumTijdOntvangst><ResponseType>error</ResponseType></Identification><Fout>Loonheffingennummer is onjuist</Fout></Responsemessage>"
        ),
    );
    let fetched = done(dir, &run("--poll-declaration"));
    assert!(
        fetched.contains(&format!(
            "fetched 1 new responses to declaration {id}, 1 in all"
        )),
        "{fetched}"
    );
    let shown = done(dir, &desk(&["show"], id, anna));
    for part in [
        "  status      6 sent\n",
        " by anna\n",
        "  error 2022-02-18T16:06:39Z A-1 Loonheffingennummer is onjuist\n",
        &format!("  message     {reference}, SHA-256 {sha256}\n"),
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let xml = done(dir, &desk(&["show", "--message"], id, anna));
    assert_eq!(xml.trim_end().as_bytes(), bytes);

    // A correction, which is cancelled again.
    let mut correct = desk(&["initiate", "--json", "--corrects"], id, anna);
    let correction: Value = serde_json::from_str(&done(dir, &correct)).unwrap();
    assert_eq!(correction["corrects"], id);
    let second = correction["id"].as_str().unwrap();
    let cancelled = done(dir, &desk(&["cancel"], second, anna));
    assert_eq!(
        cancelled,
        format!("cancelled payroll tax return {second}\n")
    );
    correct = desk(&["list", "--json", "--employer"], &employer, anna);
    let list: Value = serde_json::from_str(&done(dir, &correct)).unwrap();
    let statuses: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["status-text"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["cancelled", "sent"]);
    assert_eq!(
        failed(dir, &desk(&["show"], &employer, anna)),
        (3, format!("error: there is no declaration {employer}\n"))
    );
    assert_eq!(
        failed(dir, &desk(&["cancel"], id, anna)),
        (
            1,
            format!(
                "error: payroll tax return {id} cannot be cancelled: its status is 6 (sent); ask for a correction of it\n"
            )
        )
    );
}

#[test]
fn what_is_asked_for_must_be_said_in_full() {
    let dir = tempfile::tempdir().unwrap();
    let who = ["--user", "anna", "--client", "desk"];
    for more in [
        &["--kind", "tax"][..],
        &["--period", "2022-01"],
        &[
            "--kind",
            "tax",
            "--period",
            "2022",
            "--employer",
            "00000000-0000-4000-8000-000000000001",
        ],
        &["--kind", "tax", "--period", "2022-01"],
        &[],
    ] {
        let mut arguments = vec!["declarations", "initiate"];
        arguments.extend(who);
        arguments.extend(more);
        assert_eq!(failed(dir.path(), &arguments).0, 2, "{more:?}");
    }
}
