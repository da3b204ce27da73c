//! journal-xaf as a component.

use super::{XAF, id, process, set_status, short, sql, status};
use crate::harness::{ANNA, TestHost, configuration, employer, error, formats, plugin};
use koppel_host::bindings::koppel::loket::journal_runs::JournalRunStatus;
use koppel_host::ledger::Kind;
use koppel_host::platform::seed;
use koppel_host::runs::{Job, Output};
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn journal_xaf_exports_every_ready_journal_run_as_a_valid_auditfile() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    for period in 2..=12 {
        let report = process(&host, "journal-xaf", period).await;
        let Ok(Output::JournalRun {
            delivery,
            reference,
            lines,
            total_cents,
        }) = report.outcome
        else {
            panic!("{period}: {:?}", report.outcome);
        };
        assert_eq!((delivery, lines), ("exported", 14));
        assert!(total_cents > 0);
        assert_eq!(
            reference,
            format!("XAF32_1001_2025-{period:02}_{period}_{}.xaf", short(period))
        );
        validate("3.2", &host.dir.path().join("exports").join(reference));
        assert_eq!(status(&host, period).await, JournalRunStatus::Exported);
    }
    let rows = host.rows(&[Kind::ExportFile]).await;
    assert_eq!(rows.len(), 11);
    let (row, body) = host.host.ledger().row(rows[0].seq).await.unwrap().unwrap();
    let file = std::fs::read(host.dir.path().join("exports").join(&row.summary)).unwrap();
    assert_eq!(body.unwrap(), file, "the ledger holds the exact bytes");
}

/// By the official schema.
pub(crate) fn validate(version: &str, file: &std::path::Path) {
    let Some(formats) = formats() else { return };
    let schema = formats.join(format!("xaf/XmlAuditfileFinancieel{version}.xsd"));
    let run = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .arg(file)
        .output();
    match run {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => {
            assert!(
                std::env::var_os("KOPPEL_REQUIRE_FORMATS").is_none(),
                "xmllint: {error}"
            );
            eprintln!("skipped: xmllint: {error}; the file is not validated");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn journal_xaf_exports_version_4_too() {
    let more = format!("{XAF}\nsettings = {{ version = \"4.0\" }}");
    let host = TestHost::new(&plugin("journal-xaf", &more)).await;
    let outcome = process(&host, "journal-xaf", 6).await.outcome.unwrap();
    let name = format!("XAF40_1001_2025-06_6_{}.xaf", short(6));
    let Output::JournalRun { reference, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(reference, name);
    let file = host.dir.path().join("exports").join(name);
    validate("4.0", &file);
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("<Commercenr>90000011</Commercenr>"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_of_version_4_is_valid_by_the_schema_that_is_used() {
    if let Some(formats) = formats() {
        validate("4.0", &formats.join("xaf/XAF_4_0_Test_100425.xaf"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_payroll_administrations_of_one_employer_do_not_collide() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    let second = "aaaaaaaa-0000-4000-8000-000000000001";
    sql(
        &host,
        &format!(
            "INSERT INTO payroll_administration (id, employer, name) VALUES ('{second}', '{}', 'Tweede');
             INSERT INTO journal_run SELECT '{second}', '{second}', payroll_run, ord, year, period_number, period_start, period_end, status, processing_finished_time FROM journal_run WHERE id = '{first}';
             INSERT INTO journal_line SELECT '{second}', ord, account_code, account_description, cost_center_code, cost_center_description, cost_unit_code, cost_unit_description, component_key, component_value, debit, credit FROM journal_line WHERE journal_run = '{first}';",
            employer(1),
            first = id(6),
        ),
    );
    process(&host, "journal-xaf", 6).await.outcome.unwrap();
    let job = Job::ProcessJournalRun(second.parse().unwrap());
    let outcome = host.run("journal-xaf", ANNA, 1, job).await.outcome.unwrap();
    let Output::JournalRun { reference, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(reference, "XAF32_1001_2025-06_6_aaaaaaaa.xaf");
    assert_eq!(host.rows(&[Kind::ExportFile]).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_published_but_not_marked_is_marked_by_the_next_run() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    process(&host, "journal-xaf", 6).await.outcome.unwrap();
    // As it is when the change after the file fails.
    set_status(&host, 6, 6);
    let again = process(&host, "journal-xaf", 6).await;
    let name = format!("XAF32_1001_2025-06_6_{}.xaf", short(6));
    assert_eq!(
        again.log[0].text,
        format!(
            "{name} was exported before; it is left as it is, and the journal run is marked as processed"
        )
    );
    let outcome = again.outcome.unwrap();
    let Output::JournalRun {
        reference, lines, ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!((reference, lines), (name, 14));
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
    assert_eq!(host.rows(&[Kind::ExportFile]).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_is_exported_once() {
    let host = TestHost::new(&plugin("journal-xaf", XAF)).await;
    process(&host, "journal-xaf", 6).await.outcome.unwrap();
    assert_eq!(
        error(process(&host, "journal-xaf", 6).await),
        format!(
            "journal run {} cannot be exported: its status is 7 (exported); only 4 (ready) and 6 (export failed) can",
            id(6)
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_data_is_exported_like_any_other() {
    let host = TestHost::new("").await;
    let json = include_bytes!("../import.json");
    let summary = host
        .host
        .embedded()
        .unwrap()
        .import_json(json, seed::provider_id(1))
        .await
        .unwrap();
    assert_eq!(
        (
            summary.employers,
            summary.journal_runs,
            summary.journal_lines
        ),
        (1, 1, 2)
    );
    host.write_configuration(&configuration(&plugin("journal-xaf", XAF)));
    host.host.live().reload();
    let id = "b14acd0d-75d7-4fc8-8b22-4a3924585cab".parse().unwrap();
    let request = koppel_host::runs::RunRequest {
        client: "journal-xaf".to_owned(),
        user: ANNA.to_owned(),
        employer: id,
        job: Job::ProcessJournalRun(id),
    };
    let report = host.host.run(request).await;
    let Ok(Output::JournalRun { total_cents, .. }) = report.outcome else {
        panic!("{:?}", report.outcome);
    };
    assert_eq!(total_cents, 50_087);
    assert_ne!(employer(1), id);
}
