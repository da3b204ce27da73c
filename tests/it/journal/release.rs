//! A person frees what a process that died left behind.

use super::claim::clerk;
use super::{id, process, set_status, status, trail};
use crate::harness::{ANNA, TestHost, employer, error};
use koppel_host::bindings::koppel::loket::journal_runs::{ExportMethod, JournalRunStatus};
use koppel_host::ledger::Kind;
use koppel_host::platform::{ChangedBy, JournalExports};
use koppel_host::runs::Release;
use std::time::Duration;

/// A journal run of a process that died: claimed, and nothing after.
async fn died(deadline_ms: u32) -> TestHost {
    let client = format!(
        "{}limits = {{ deadline-ms = {deadline_ms} }}\n",
        clerk("marked")
    );
    let host = TestHost::new(&client).await;
    let by = ChangedBy {
        run: "00000000-0000-4000-8000-00000000dead".parse().unwrap(),
        client: "marked".to_owned(),
        user: "bas".to_owned(),
    };
    let embedded = host.host.embedded().unwrap();
    let claimed = embedded.begin_export(id(6), &by, ExportMethod::Send);
    claimed.await.unwrap();
    // Past the shortest deadline of these tests.
    tokio::time::sleep(Duration::from_millis(5)).await;
    host
}

fn release(user: &str) -> Release {
    Release {
        journal_run: id(6),
        client: None,
        user: user.to_owned(),
        employer: employer(1),
        reason: "the machine lost power".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_journal_run_can_be_exported_and_the_trail_says_who_released_it() {
    let host = died(1).await;
    let released = host.host.release_journal_run(&release(ANNA)).await.unwrap();
    assert_eq!(released.status, JournalRunStatus::ExportFailed);
    let last = trail(&host, 6).await.pop().unwrap();
    assert_eq!(last.exported_by, ANNA);
    assert_eq!(
        last.returned_error_message.as_deref(),
        Some("released: the machine lost power")
    );
    let writes = host.rows(&[Kind::ActivityWrite]).await;
    assert_eq!(
        writes[0].summary,
        format!("release journal run {}: the machine lost power", id(6))
    );
    assert_eq!(writes[0].context.user, ANNA);
    assert_eq!(writes[0].context.run.to_string(), last.run_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_can_still_be_alive_is_left_alone() {
    let host = died(60_000).await;
    let refused = host.host.release_journal_run(&release(ANNA)).await;
    let text = refused.unwrap_err().to_string();
    assert!(
        text.starts_with(&format!(
            "journal run {} can still be booked by the run that has it, until 20",
            id(6)
        )),
        "{text}"
    );
    assert!(
        text.ends_with(" (limits.deadline-ms of client \"marked\"); release it after that"),
        "{text}"
    );
    assert_eq!(status(&host, 6).await, JournalRunStatus::BeingExported);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_change_a_journal_run_releases_it() {
    let host = died(1).await;
    let refused = host.host.release_journal_run(&release("tim")).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "denied by check user: PatchJournalRunByJournalRunId: user \"tim\" has no right that gives PatchJournalRunByJournalRunId\n\
         to allow it, put in the configuration:\n  [[users]] id = \"tim\" rights = [\"employers\", \"everything\"]"
    );
    let unknown = Release {
        client: Some("gone".to_owned()),
        ..release(ANNA)
    };
    let refused = host.host.release_journal_run(&unknown).await;
    let text = refused.unwrap_err().to_string();
    assert!(
        text.starts_with(
            "denied by check client: PatchJournalRunByJournalRunId: there is no client \"gone\"\n"
        ),
        "{text}"
    );
    let elsewhere = Release {
        employer: employer(2),
        ..release(ANNA)
    };
    let refused = host.host.release_journal_run(&elsewhere).await;
    let text = refused.unwrap_err().to_string();
    assert!(text.starts_with("denied by check entity: "), "{text}");
    assert_eq!(host.denials().await.len(), 3);
    assert_eq!(status(&host, 6).await, JournalRunStatus::BeingExported);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_being_exported_is_not_released() {
    let host = died(1).await;
    host.host.release_journal_run(&release(ANNA)).await.unwrap();
    // Without a claim there is no client to act as.
    let refused = host.host.release_journal_run(&release(ANNA)).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        format!(
            "no run of koppel has journal run {}; if its status is 5 (being exported) all the same, name the client to act as (--client)",
            id(6)
        )
    );
    let named = Release {
        client: Some("marked".to_owned()),
        ..release(ANNA)
    };
    let refused = host.host.release_journal_run(&named).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        format!(
            "journal run {} is not being exported: its status is 6 (export failed)",
            id(6)
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_that_came_as_being_exported_is_released_for_a_named_client() {
    let host = TestHost::new(&clerk("marked")).await;
    set_status(&host, 6, 5);
    assert_eq!(
        error(process(&host, "marked", 6).await),
        format!(
            "journal run {id} has status 5 (being exported), but no run of koppel has it; if nothing else does, `koppel journal-runs release {id}` frees it",
            id = id(6)
        )
    );
    let named = Release {
        client: Some("marked".to_owned()),
        ..release(ANNA)
    };
    host.host.release_journal_run(&named).await.unwrap();
    process(&host, "marked", 6).await.outcome.unwrap();
    assert_eq!(status(&host, 6).await, JournalRunStatus::Exported);
}
