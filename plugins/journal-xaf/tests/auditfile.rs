//! The auditfile, checked by the official schema and independently of the
//! code that writes it.

use journal_xaf::JournalXaf;
use koppel_sdk::log::Level;
use koppel_sdk::testing::{MockHost, line};
use koppel_sdk::types::{Coded, JournalLine, JournalRunStatus};
use koppel_sdk::{Connector, ConnectorError, Delivery, Outcome};
use std::path::Path;
use std::process::Command;

fn balanced() -> Vec<JournalLine> {
    let mut wages = line("40110", "Lonen", 500_087, 0);
    wages.cost_center = Some(Coded {
        code: "SAL073".to_owned(),
        description: "Sales Den Bosch".to_owned(),
    });
    vec![
        wages,
        line("40110", "Lonen", -1_00, 0),
        line("16101", "Netto lonen & <meer>", 0, 400_000),
        line("16230", "Te betalen Loonheffing", 0, 99_987),
    ]
}

fn export(
    settings: &str,
    lines: Vec<JournalLine>,
) -> (MockHost, String, Result<Outcome, ConnectorError>) {
    let mut host = MockHost::new();
    let run = host.journal_run(JournalRunStatus::Ready, lines);
    let outcome = host.process::<JournalXaf>(settings, &run);
    (host, run, outcome)
}

/// The versions, with the settings for each.
const VERSIONS: [(&str, &str); 2] = [("3.2", "{}"), ("4.0", r#"{"version": "4.0"}"#)];

#[test]
fn a_journal_run_becomes_an_auditfile_and_is_marked_as_processed() {
    for (version, settings) in VERSIONS {
        let (host, run, outcome) = export(settings, balanced());
        let name = format!(
            "XAF{}_20720_2025-01_1_00000001.xaf",
            version.replace('.', "")
        );
        assert_eq!(
            outcome,
            Ok(Outcome {
                delivery: Delivery::Exported,
                reference: name.clone(),
                lines: 4,
                total: 499_987,
            })
        );
        assert_eq!(host.status(&run), Some(JournalRunStatus::Exported));
        let file = String::from_utf8(host.files()[&name].clone()).unwrap();
        check_independently(&file, 4, "4999.87");
        validate(version, &file);
    }
}

#[test]
fn the_versions_differ_where_their_schemas_do() {
    let mut lines = balanced();
    lines[0].cost_unit = Some(Coded {
        code: "01".to_owned(),
        description: "Auto's".to_owned(),
    });
    let texts = VERSIONS.map(|(_, settings)| {
        let (host, _, outcome) = export(settings, lines.clone());
        let file = host.files()[&outcome.unwrap().reference].clone();
        String::from_utf8(file).unwrap()
    });
    for (part, in_32, in_40) in [
        ("<companyIdent>20720</companyIdent>", true, false),
        ("<Commercenr>18124676</Commercenr>", false, true),
        ("<costID>SAL073</costID>", true, false),
        ("<prodID>01</prodID>", true, false),
        ("<cost>SAL073</cost>", false, true),
        ("<product>01</product>", false, true),
        ("http://www.auditfiles.nl/XAF/3.2", true, false),
        ("structures/XmlauditfileXAF_4.0", false, true),
    ] {
        let found = [texts[0].contains(part), texts[1].contains(part)];
        assert_eq!(found, [in_32, in_40], "{part}");
    }
}

#[test]
fn a_file_that_is_there_already_was_exported_before_and_is_marked_now() {
    let mut host = MockHost::new();
    let run = host.journal_run(JournalRunStatus::Ready, balanced());
    // The file is published, and then the journal run cannot be marked.
    host.deny("PatchJournalRunByJournalRunId");
    let first = host.process::<JournalXaf>("{}", &run);
    assert!(matches!(first, Err(ConnectorError::Denied(_))), "{first:?}");
    assert_eq!(host.status(&run), Some(JournalRunStatus::ExportFailed));
    let files = host.files().clone();
    host.allow("PatchJournalRunByJournalRunId");
    let again = host.process::<JournalXaf>("{}", &run).unwrap();
    assert_eq!(again.reference, "XAF32_20720_2025-01_1_00000001.xaf");
    assert_eq!((again.lines, again.total), (4, 499_987));
    assert_eq!(host.status(&run), Some(JournalRunStatus::Exported));
    assert_eq!(*host.files(), files, "it is left as it was");
    let (level, warning) = host.log().last().unwrap();
    assert_eq!(*level, Level::Warn);
    assert_eq!(
        warning,
        "XAF32_20720_2025-01_1_00000001.xaf was exported before; it is left as it is, and the journal run is marked as processed"
    );
}

#[test]
fn a_journal_of_several_pages_is_complete() {
    let mut lines = Vec::new();
    for number in 0..700 {
        lines.push(line("40110", "Lonen", 100 + number, 0));
        lines.push(line("16101", "Netto lonen", 0, 100 + number));
    }
    for (version, settings) in VERSIONS {
        let (host, _, outcome) = export(settings, lines.clone());
        assert_eq!(outcome.unwrap().lines, 1400);
        let file = String::from_utf8(host.files().values().next().unwrap().clone()).unwrap();
        check_independently(&file, 1400, "3146.50");
        validate(version, &file);
    }
}

#[test]
fn an_unbalanced_journal_is_refused_with_its_lines() {
    let (host, run, outcome) = export(
        "{}",
        vec![
            line("40110", "Lonen", 1_000, 0),
            line("16101", "Netto lonen", 0, 999),
        ],
    );
    assert_eq!(
        outcome,
        Err(ConnectorError::Refused(
            "the journal does not balance: debit 10.00, credit 9.99, difference 0.01; its lines: line 1 (Brutoloon) debit 10.00; line 2 (Brutoloon) credit 9.99".to_owned()
        ))
    );
    assert!(host.files().is_empty());
    assert_eq!(host.status(&run), Some(JournalRunStatus::ExportFailed));
}

#[test]
fn lines_without_an_account_are_named() {
    let (_, _, outcome) = export(
        "{}",
        vec![
            line("", "", 1_000, 0),
            line("16101", "Netto lonen", 0, 1_000),
        ],
    );
    assert_eq!(
        outcome,
        Err(ConnectorError::Refused(
            "line 1 (Brutoloon) has no ledger account".to_owned()
        ))
    );
}

#[test]
fn a_journal_run_that_was_exported_is_not_exported_again() {
    let mut host = MockHost::new();
    let run = host.journal_run(JournalRunStatus::Exported, balanced());
    assert_eq!(
        host.process::<JournalXaf>("{}", &run),
        Err(ConnectorError::Refused(format!(
            "journal run {run} is not ready to export: its status is JournalRunStatus::Exported"
        )))
    );
}

#[test]
fn a_denied_activity_ends_the_export_without_a_file() {
    let mut host = MockHost::new();
    let run = host.journal_run(JournalRunStatus::Ready, balanced());
    host.deny("GetJournalRunResultsByJournalRunId");
    let Err(ConnectorError::Denied(denial)) = host.process::<JournalXaf>("{}", &run) else {
        panic!("it was not denied");
    };
    assert_eq!(denial.activity, "GetJournalRunResultsByJournalRunId");
    assert!(host.files().is_empty());
}

#[test]
fn a_misspelt_setting_is_named() {
    let mut host = MockHost::new();
    let error = host
        .check::<JournalXaf>(r#"{"journal-idd": "SAL"}"#)
        .unwrap_err();
    let ConnectorError::InvalidSettings(why) = error else {
        panic!("{error:?}");
    };
    assert!(
        why.starts_with("unknown field `journal-idd`, expected one of"),
        "{why}"
    );
    assert_eq!(JournalXaf::NAME, "journal-xaf");
}

/// What must hold of any journal in an auditfile, computed from the file.
fn check_independently(file: &str, lines: usize, total: &str) {
    let document = roxmltree::Document::parse(file).unwrap();
    let all = |name: &str| -> Vec<String> {
        let with_name = |node: &roxmltree::Node<'_, '_>| node.tag_name().name() == name;
        let nodes = document.descendants().filter(with_name);
        nodes
            .map(|node| node.text().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(all("linesCount"), [lines.to_string()]);
    assert_eq!(all("totalDebit"), [total]);
    assert_eq!(all("totalCredit"), [total]);
    let (mut debit, mut credit, mut count) = (0, 0, 0);
    let accounts: std::collections::HashSet<String> = {
        let ledger = document
            .descendants()
            .filter(|n| n.tag_name().name() == "ledgerAccount");
        ledger.map(|account| child(&account, "accID")).collect()
    };
    for line in document
        .descendants()
        .filter(|n| n.tag_name().name() == "trLine")
    {
        count += 1;
        assert!(
            accounts.contains(&child(&line, "accID")),
            "{}",
            child(&line, "accID")
        );
        let cents: i64 = child(&line, "amnt").replace('.', "").parse().unwrap();
        match child(&line, "amntTp").as_str() {
            "D" => debit += cents,
            "C" => credit += cents,
            other => panic!("{other}"),
        }
    }
    assert_eq!(count, lines);
    assert_eq!(debit, credit);
    assert_eq!(debit, total.replace('.', "").parse::<i64>().unwrap());
}

fn child(node: &roxmltree::Node<'_, '_>, name: &str) -> String {
    let found = node
        .children()
        .find(|child| child.tag_name().name() == name);
    found
        .and_then(|node| node.text())
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_version_that_there_is_not_is_named() {
    let (host, _, outcome) = export(r#"{"version": "3.1"}"#, balanced());
    let Err(ConnectorError::InvalidSettings(why)) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(
        why.starts_with("unknown variant `3.1`, expected `3.2` or `4.0`"),
        "{why}"
    );
    assert!(host.files().is_empty());
}

/// The official schema, by xmllint.
fn validate(version: &str, file: &str) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!(
        "../../../shared/formats/xaf/XmlAuditfileFinancieel{version}.xsd"
    ));
    let xmllint = Command::new("xmllint").arg("--version").output().is_ok();
    if !schema.exists() || !xmllint {
        let what = if xmllint {
            "the reference schemas are"
        } else {
            "xmllint is"
        };
        assert!(
            std::env::var_os("KOPPEL_REQUIRE_FORMATS").is_none(),
            "{what} missing"
        );
        eprintln!("skipped: {what} missing; the file is not validated");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("export.xaf");
    std::fs::write(&path, file).unwrap();
    let output = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .args([&schema, &path])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
