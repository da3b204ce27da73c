//! One run at a time has a journal run, however it ends.

use super::{id, process, set_status, sql, status, trail};
use crate::harness::{ANNA, TestHost, all_activities, answer, client, component, employer, error};
use koppel_host::bindings::koppel::loket::journal_runs::{ExportMethod, JournalRunStatus};
use koppel_host::bindings::koppel::loket::types::ActivityError;
use koppel_host::config::Config;
use koppel_host::egress::SystemResolver;
use koppel_host::ledger::Kind;
use koppel_host::platform::{ChangedBy, Embedded, JournalExports, seed};
use koppel_host::runs::{Host, Job, RunError, RunRequest};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A client of the guest that ends so; its name is that.
pub(super) fn clerk(ends: &str) -> String {
    let path = component("guests/clerk.wasm");
    format!(
        "[clients.{ends}]\ncomponent = {path:?}\nsettings = {{ ends = \"{ends}\" }}\n\
         activities = [\"GetJournalRunByJournalRunId\", \"GetJournalRunResultsByJournalRunId\", \"PatchJournalRunByJournalRunId\"]\n"
    )
}

/// Claims a journal run as the run of somebody else does.
async fn claim(embedded: &Embedded, journal_run: Uuid) -> Result<(), ActivityError> {
    let by = ChangedBy {
        run: "00000000-0000-4000-8000-00000000beef".parse().unwrap(),
        client: "other".to_owned(),
        user: "bas".to_owned(),
    };
    let claimed = embedded.begin_export(journal_run, &by, ExportMethod::Send);
    claimed.await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_that_is_not_ready_is_refused_before_the_connector_is_called() {
    let host = TestHost::new(&clerk("trap")).await;
    for (key, words) in [
        (0, "ready to journalise"),
        (1, "no results"),
        (2, "failed"),
        (3, "deleted"),
        (7, "exported"),
    ] {
        set_status(&host, 6, key);
        let report = process(&host, "trap", 6).await;
        assert!(matches!(report.outcome, Err(RunError::Conflict(_))));
        assert_eq!(
            error(report),
            format!(
                "journal run {} cannot be exported: its status is {key} ({words}); only 4 (ready) and 6 (export failed) can",
                id(6)
            )
        );
    }
    assert_eq!(trail(&host, 6).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_the_connector_ends_decides_where_the_journal_run_goes() {
    use JournalRunStatus::{ExportFailed, Exported, Ready};
    let ends = [
        ("marked", Ok(()), Exported, None),
        (
            "unmarked",
            Err(
                "the connector answered what it may not: it reported success without marking the journal run as processed",
            ),
            ExportFailed,
            None,
        ),
        (
            "marked-as-failed",
            Err(
                "the connector answered what it may not: it reported success without marking the journal run as processed",
            ),
            ExportFailed,
            Some("on purpose"),
        ),
        (
            "unavailable",
            Err("not available now; try again in 9 s"),
            Ready,
            None,
        ),
        ("refused", Err("refused: on purpose"), ExportFailed, None),
    ];
    let clients: String = ends.iter().map(|(ends, ..)| clerk(ends)).collect();
    let host = TestHost::new(&clients).await;
    for (ends, said, then, why) in ends {
        set_status(&host, 6, 4);
        sql(&host, "DELETE FROM journal_run_change");
        let report = process(&host, ends, 6).await;
        match said {
            Ok(()) => assert!(report.outcome.is_ok(), "{:?}", report.outcome),
            Err(said) => assert_eq!(error(report), said, "{ends}"),
        }
        assert_eq!(status(&host, 6).await, then, "{ends}");
        let last = trail(&host, 6).await.pop().unwrap();
        let message = last.returned_error_message.as_deref();
        assert_eq!(message, why.or(said.err()), "{ends}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_available_now_goes_back_to_where_it_was() {
    let host = TestHost::new(&clerk("unavailable")).await;
    for (before, status_before) in [
        (4, JournalRunStatus::Ready),
        (6, JournalRunStatus::ExportFailed),
    ] {
        set_status(&host, 6, before);
        error(process(&host, "unavailable", 6).await);
        assert_eq!(status(&host, 6).await, status_before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_the_journal_run_as_failed_and_a_retry_works() {
    let host = TestHost::new(&(clerk("trap") + &clerk("marked"))).await;
    let report = process(&host, "trap", 6).await;
    assert!(
        matches!(report.outcome, Err(RunError::Crash(_))),
        "{:?}",
        report.outcome
    );
    assert_eq!(status(&host, 6).await, JournalRunStatus::ExportFailed);
    process(&host, "marked", 6).await.outcome.unwrap();
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
    let statuses: Vec<_> = trail(&host, 6)
        .await
        .iter()
        .map(|r| r.export_status)
        .collect();
    assert_eq!(
        statuses,
        [
            JournalRunStatus::BeingExported,
            JournalRunStatus::ExportFailed,
            JournalRunStatus::BeingExported,
            JournalRunStatus::Exported,
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_it_was_marked_does_not_take_that_back() {
    let host = TestHost::new(&clerk("marked-then-trap")).await;
    let report = process(&host, "marked-then-trap", 6).await;
    assert!(matches!(report.outcome, Err(RunError::Crash(_))));
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_reaches_its_deadline_leaves_the_journal_run_as_failed() {
    let more = format!("{}limits = {{ deadline-ms = 500 }}\n", clerk("never"));
    let host = TestHost::new(&more).await;
    let text = error(process(&host, "never", 6).await);
    assert!(text.starts_with("the connector was ended: "), "{text}");
    assert_eq!(status(&host, 6).await, JournalRunStatus::ExportFailed);
    let last = trail(&host, 6).await.pop().unwrap();
    assert_eq!(last.returned_error_message, Some(text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_waits_for_any_more_leaves_the_journal_run_as_failed() {
    let host = TestHost::new(&clerk("never")).await;
    let waited = tokio::time::timeout(Duration::from_secs(2), process(&host, "never", 6)).await;
    assert!(waited.is_err(), "{waited:?}");
    for _ in 0..100 {
        if status(&host, 6).await != JournalRunStatus::BeingExported {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status(&host, 6).await, JournalRunStatus::ExportFailed);
    let last = trail(&host, 6).await.pop().unwrap();
    assert_eq!(
        last.returned_error_message.as_deref(),
        Some("the run was abandoned")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_is_claimed_across_processes() {
    let host = TestHost::new(&clerk("marked")).await;
    // As another process has it open.
    let config = Config::load(&host.dir.path().join("platform.toml")).unwrap();
    let second = Host::start(config, Arc::new(SystemResolver)).unwrap();
    claim(second.embedded().unwrap(), id(6)).await.unwrap();
    let text = error(process(&host, "marked", 6).await);
    assert!(
        text.starts_with(&format!(
            "journal run {} is being exported by run 00000000-0000-4000-8000-00000000beef (client \"other\", user \"bas\") since 20",
            id(6)
        )),
        "{text}"
    );
    assert_eq!(status(&host, 6).await, JournalRunStatus::BeingExported);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_changes_a_journal_run_that_is_being_exported() {
    let host = TestHost::new(&client("probe", &all_activities())).await;
    claim(host.host.embedded().unwrap(), id(6)).await.unwrap();
    for failed in [false, true] {
        let query =
            json!({"activity": "PatchJournalRunByJournalRunId", "id": id(6), "failed": failed});
        let text = answer(host.lookup("probe", &query).await)["conflict"].to_string();
        assert!(
            text.contains("is being exported by run 00000000-0000-4000-8000-00000000beef"),
            "{text}"
        );
    }
    assert_eq!(status(&host, 6).await, JournalRunStatus::BeingExported);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_is_claimed_only_for_who_may_change_it() {
    let host = TestHost::new(&clerk("trap")).await;
    let job = || Job::ProcessJournalRun(id(6));
    for (user, of, why) in [
        (
            "tim",
            1,
            "denied by check user: PatchJournalRunByJournalRunId: user \"tim\" has no right that gives PatchJournalRunByJournalRunId\n\
             to allow it, put in the configuration:\n  [[users]] id = \"tim\" rights = [\"employers\", \"everything\"]",
        ),
        (
            "rik",
            1,
            "denied by check role: PatchJournalRunByJournalRunId: role \"reader\" has no right that gives PatchJournalRunByJournalRunId\n\
             to allow it, put in the configuration:\n  [roles] reader = [\"employers\", \"everything\"]",
        ),
        // Of another employer than the run.
        (
            ANNA,
            2,
            "denied by check entity: PatchJournalRunByJournalRunId: it belongs to another employer than the one that this run is for\n\
             to allow it, put in the configuration:\n  none: it is not about the configuration",
        ),
    ] {
        assert_eq!(error(host.run("trap", user, of, job()).await), why);
    }
    assert_eq!(host.denials().await.len(), 3);
    assert_eq!(status(&host, 6).await, JournalRunStatus::Ready);
    assert_eq!(trail(&host, 6).await, []);
    let kinds: Vec<_> = host
        .rows(&[])
        .await
        .into_iter()
        .map(|row| row.kind)
        .collect();
    assert_eq!(kinds[..3], ["run-started", "denial", "run-finished"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_that_does_not_exist_is_named() {
    let host = TestHost::new(&clerk("trap")).await;
    let nothing = Uuid::nil();
    let request = RunRequest {
        client: "trap".to_owned(),
        user: ANNA.to_owned(),
        employer: employer(1),
        job: Job::ProcessJournalRun(nothing),
    };
    assert_eq!(
        error(host.host.run(request).await),
        format!("there is no journal run {nothing}")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_says_who_exported_when_through_what_and_how_it_went() {
    let clients = clerk("refused") + &clerk("marked") + &client("probe", &all_activities());
    let host = TestHost::new(&clients).await;
    let failed = process(&host, "refused", 6).await;
    let booked = process(&host, "marked", 6).await;
    let trail = trail(&host, 6).await;
    let shown: Vec<_> = trail
        .iter()
        .map(|r| {
            (
                r.sequence_number,
                r.exported_to.as_str(),
                r.run_id.clone(),
                r.reference.as_deref(),
                r.returned_error_message.as_deref(),
            )
        })
        .collect();
    let runs = [failed.run.to_string(), booked.run.to_string()];
    assert_eq!(
        shown,
        [
            (1, "refused", runs[0].clone(), None, None),
            (
                2,
                "refused",
                runs[0].clone(),
                None,
                Some("refused: on purpose")
            ),
            (3, "marked", runs[1].clone(), None, None),
            (4, "marked", runs[1].clone(), Some("entry-1"), None),
        ]
    );
    for record in &trail {
        assert_eq!(record.exported_by, ANNA);
        assert_eq!(record.method_of_exporting, Some(ExportMethod::Send));
        assert!(record.exported_on.parse::<jiff::Timestamp>().is_ok());
    }
    // As a connector reads it, a page at a time.
    let query =
        json!({"activity": "GetJournalRunExportAuditTrailByJournalRunId", "id": id(6), "size": 3});
    let page = answer(host.lookup("probe", &query).await);
    assert_eq!(
        (page["items"].as_u64(), page["total"].as_u64()),
        (Some(3), Some(4))
    );
    let query = json!({"activity": "GetJournalRunExportAuditTrailByJournalRunId", "id": id(6), "size": 3, "cursor": page["next"]});
    let page = answer(host.lookup("probe", &query).await);
    let last = page["first"].as_str().unwrap();
    assert!(last.contains("reference: Some(\"entry-1\")"), "{last}");
    // The ledger has each change, before it was made.
    let writes: Vec<_> = host
        .rows(&[Kind::ActivityWrite])
        .await
        .into_iter()
        .map(|row| row.summary)
        .collect();
    let id = id(6);
    assert_eq!(
        writes,
        [
            format!("claim journal run {id}"),
            format!("end the export of journal run {id}: refused: on purpose"),
            format!("claim journal run {id}"),
            format!("MarkAsProcessed journal run {id}: entry-1"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_takes_no_journal_run_from_the_run_that_has_it() {
    let host = TestHost::new("").await;
    let json = include_bytes!("../import.json");
    let import = || {
        host.host
            .embedded()
            .unwrap()
            .import_json(json, seed::provider_id(1))
    };
    import().await.unwrap();
    let id: Uuid = "b14acd0d-75d7-4fc8-8b22-4a3924585cab".parse().unwrap();
    let embedded = host.host.embedded().unwrap();
    claim(embedded, id).await.unwrap();
    import().await.unwrap();
    // The run that has it keeps it; no other gets it.
    claim(embedded, id).await.unwrap();
    let other = ChangedBy {
        run: Uuid::nil(),
        client: "other".to_owned(),
        user: "bas".to_owned(),
    };
    let again = embedded.begin_export(id, &other, ExportMethod::Send).await;
    assert!(
        matches!(again, Err(ActivityError::Conflict(_))),
        "{again:?}"
    );
}
