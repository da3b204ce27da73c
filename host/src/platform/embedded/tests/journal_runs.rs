//! The status of journal runs.

use super::*;
use crate::bindings::koppel::loket::journal_runs::{
    JournalRun, JournalRunChange, JournalRunStatus,
};
use crate::platform::{ChangedBy, JournalExports, JournalRuns};

const STATUSES: [(JournalRunStatus, &str); 8] = [
    (JournalRunStatus::ReadyToJournalise, "ready to journalise"),
    (JournalRunStatus::NoResults, "no results"),
    (JournalRunStatus::Failed, "failed"),
    (JournalRunStatus::Deleted, "deleted"),
    (JournalRunStatus::Ready, "ready"),
    (JournalRunStatus::BeingExported, "being exported"),
    (JournalRunStatus::ExportFailed, "export failed"),
    (JournalRunStatus::Exported, "exported"),
];

fn id() -> Uuid {
    seed::journal_run_id(1, 7)
}

fn processed(reference: &str) -> JournalRunChange {
    JournalRunChange::MarkAsProcessed(reference.to_owned())
}

fn failed(reason: &str) -> JournalRunChange {
    JournalRunChange::MarkAsProcessingFailed(reason.to_owned())
}

/// Demonstration data with the journal run [`id`] at a status.
async fn at(status: usize) -> Data {
    let data = Data::seeded().await;
    set(&data, status);
    data
}

fn set(data: &Data, status: usize) {
    data.execute(&format!(
        "UPDATE journal_run SET status = {status} WHERE id = '{}'",
        id()
    ));
}

/// Whose doing the changes of these tests are.
fn by() -> ChangedBy {
    ChangedBy {
        run: Uuid::from_u128(1),
        client: "journal-exact".to_owned(),
        user: "anna".to_owned(),
    }
}

/// The audit trail: run, status, reference and error, oldest first.
fn trail(data: &Data) -> Vec<Vec<Value>> {
    data.rows("SELECT journal_run, status, reference, error FROM journal_run_change ORDER BY ord")
}

fn entry(status: i64, change: &JournalRunChange) -> Vec<Value> {
    let (reference, error) = match change {
        JournalRunChange::MarkAsProcessed(reference) => {
            (Value::Text(reference.clone()), Value::Null)
        }
        JournalRunChange::MarkAsProcessingFailed(error) => {
            (Value::Null, Value::Text(error.clone()))
        }
    };
    vec![
        Value::Text(id().to_string()),
        Value::Integer(status),
        reference,
        error,
    ]
}

#[tokio::test]
async fn each_status_is_read_by_its_key() {
    let data = Data::seeded().await;
    for (key, (status, _)) in STATUSES.into_iter().enumerate() {
        set(&data, key);
        let run = data.embedded.journal_run(id()).await.unwrap();
        assert_eq!(run.status, status);
    }
}

#[tokio::test]
async fn a_run_is_marked_as_processed_from_status_4_to_6_only() {
    for (key, (status, words)) in STATUSES.into_iter().enumerate() {
        let data = at(key).await;
        let before = data.embedded.journal_run(id()).await.unwrap();
        let changed = data
            .embedded
            .change_journal_run(id(), &processed("25900001"), &by())
            .await;
        let after = data.embedded.journal_run(id()).await.unwrap();
        if (4..=6).contains(&key) {
            assert_eq!(after.status, JournalRunStatus::Exported);
            // Nothing else changed.
            assert_eq!(
                JournalRun {
                    status,
                    ..JournalRun::clone(&after)
                },
                *before
            );
            assert_eq!(changed.as_ref(), Ok(&*after));
            assert_eq!(trail(&data), [entry(7, &processed("25900001"))]);
        } else {
            let why = format!(
                "MarkAsProcessed needs journal run {} at status 4 to 6; its status is {key} ({words})",
                id()
            );
            assert_eq!(changed, Err(ActivityError::Conflict(why)));
            assert_eq!(after, before);
            assert!(trail(&data).is_empty());
        }
    }
}

#[tokio::test]
async fn a_run_is_marked_as_failed_from_status_4_or_5_only() {
    for (key, (_, words)) in STATUSES.into_iter().enumerate() {
        let data = at(key).await;
        let before = data.embedded.journal_run(id()).await.unwrap();
        let changed = data
            .embedded
            .change_journal_run(id(), &failed("no such account: 40110"), &by())
            .await;
        let after = data.embedded.journal_run(id()).await.unwrap();
        if (4..=5).contains(&key) {
            assert_eq!(after.status, JournalRunStatus::ExportFailed);
            assert_eq!(changed.as_ref(), Ok(&*after));
            assert_eq!(trail(&data), [entry(6, &failed("no such account: 40110"))]);
        } else {
            let why = format!(
                "MarkAsProcessingFailed needs journal run {} at status 4 to 5; its status is {key} ({words})",
                id()
            );
            assert_eq!(changed, Err(ActivityError::Conflict(why)));
            assert_eq!(after, before);
            assert!(trail(&data).is_empty());
        }
    }
}

#[tokio::test]
async fn a_failed_export_can_be_repeated_and_the_trail_has_both() {
    let data = at(4).await;
    for change in [failed("down"), processed("25900002")] {
        data.embedded
            .change_journal_run(id(), &change, &by())
            .await
            .unwrap();
    }
    assert_eq!(
        trail(&data),
        [entry(6, &failed("down")), entry(7, &processed("25900002")),]
    );
    let times = data.rows("SELECT time FROM journal_run_change");
    for time in times.concat() {
        let Value::Text(time) = time else {
            panic!("{time:?}");
        };
        let moment: jiff::Timestamp = time.parse().unwrap();
        assert!(moment <= jiff::Timestamp::now());
    }
}

#[tokio::test]
async fn a_change_of_one_run_leaves_the_others_alone() {
    let data = at(4).await;
    let others = format!(
        "SELECT id, status FROM journal_run WHERE id <> '{}' ORDER BY id",
        id()
    );
    let before = data.rows(&others);
    data.embedded
        .change_journal_run(id(), &processed("x"), &by())
        .await
        .unwrap();
    assert_eq!(data.rows(&others), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_that_book_one_run_at_once_one_gets_it() {
    let data = at(4).await;
    let other = Embedded::open(&data.path()).unwrap();
    let handles = [
        data.embedded.clone(),
        other.clone(),
        data.embedded.clone(),
        other,
    ];
    let tasks: Vec<_> = handles
        .into_iter()
        .enumerate()
        .map(|(number, handle)| {
            tokio::spawn(async move {
                let change = processed(&format!("reference {number}"));
                handle.change_journal_run(id(), &change, &by()).await
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(run) => {
                assert_eq!(run.status, JournalRunStatus::Exported);
                done += 1;
            }
            Err(error) => assert_eq!(
                error,
                ActivityError::Conflict(format!(
                    "MarkAsProcessed needs journal run {} at status 4 to 6; its status is 7 (exported)",
                    id()
                ))
            ),
        }
    }
    assert_eq!(done, 1);
    assert_eq!(trail(&data).len(), 1);
}

#[tokio::test]
async fn results_exist_from_status_4_on_only() {
    let data = Data::seeded().await;
    for (key, (_, words)) in STATUSES.into_iter().enumerate() {
        set(&data, key);
        let results = data.embedded.journal_run_results(id(), &all()).await;
        if key < 4 {
            let why = format!(
                "journal run {} has no results: its status is {key} ({words})",
                id()
            );
            assert_eq!(results, Err(ActivityError::Conflict(why)));
        } else {
            assert_eq!(results.unwrap().items.len(), 14);
        }
    }
}

#[tokio::test]
async fn an_unknown_run_is_not_found() {
    let data = Data::seeded().await;
    let unknown = Uuid::from_u128(9);
    let not_found = ActivityError::NotFound(unknown.to_string());
    let embedded = &data.embedded;
    assert_eq!(embedded.journal_run(unknown).await, Err(not_found.clone()));
    assert_eq!(
        embedded.journal_run_results(unknown, &all()).await,
        Err(not_found.clone())
    );
    assert_eq!(
        embedded.journal_run_errors(unknown, &all()).await,
        Err(not_found.clone())
    );
    let change = processed("x");
    assert_eq!(
        embedded.change_journal_run(unknown, &change, &by()).await,
        Err(not_found)
    );
    assert!(trail(&data).is_empty());
}
