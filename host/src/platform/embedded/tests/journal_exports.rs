//! Who has a journal run.

use super::*;
use crate::bindings::koppel::loket::journal_runs::{
    ExportMethod, JournalRunChange, JournalRunStatus,
};
use crate::platform::{ChangedBy, ExportClaim, ExportEnd, JournalExports, JournalRuns};

fn id() -> Uuid {
    seed::journal_run_id(1, 7)
}

fn by(run: u128) -> ChangedBy {
    ChangedBy {
        run: Uuid::from_u128(run),
        client: "journal-exact".to_owned(),
        user: "anna".to_owned(),
    }
}

/// Demonstration data with the journal run [`id`] at a status.
async fn at(status: usize) -> Data {
    let data = Data::seeded().await;
    data.execute(&format!(
        "UPDATE journal_run SET status = {status} WHERE id = '{}'",
        id()
    ));
    data
}

async fn status(data: &Data) -> JournalRunStatus {
    data.embedded.journal_run(id()).await.unwrap().status
}

async fn begin(embedded: &Embedded, run: u128) -> Result<JournalRunStatus, ActivityError> {
    let by = by(run);
    let begun = embedded.begin_export(id(), &by, ExportMethod::Send).await;
    begun.map(|run| run.status)
}

async fn end(data: &Data, run: u128, end: ExportEnd) -> JournalRunStatus {
    let by = by(run);
    let ended = data.embedded.end_export(id(), &by, &end).await;
    ended.unwrap().status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_claim_one_run_at_once_one_gets_it() {
    let data = at(4).await;
    let other = Embedded::open(&data.path()).unwrap();
    let tasks: Vec<_> = (1..=8)
        .map(|run| {
            let handle = if run % 2 == 0 { &other } else { &data.embedded }.clone();
            tokio::spawn(async move { (run, begin(&handle, run).await) })
        })
        .collect();
    let mut winners = Vec::new();
    let mut refusals = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (run, Ok(status)) => {
                assert_eq!(status, JournalRunStatus::BeingExported);
                winners.push(run);
            }
            (_, Err(error)) => refusals.push(error),
        }
    }
    let claim = data.embedded.export_claim(id()).await.unwrap().unwrap();
    assert_eq!(winners, [claim.by.run.as_u128()]);
    let told = ActivityError::Conflict(format!(
        "journal run {id} is being exported by run {} (client \"journal-exact\", user \"anna\") since {}; if that run is gone, `koppel journal-runs release {id}` frees it",
        claim.by.run,
        claim.since,
        id = id()
    ));
    assert_eq!(refusals, vec![told; 7]);
}

#[tokio::test]
async fn a_claim_says_who_has_what_since_when_and_where_it_was() {
    for (key, from) in [
        (4, JournalRunStatus::Ready),
        (6, JournalRunStatus::ExportFailed),
    ] {
        let data = at(key).await;
        assert_eq!(data.embedded.export_claim(id()).await, Ok(None));
        begin(&data.embedded, 1).await.unwrap();
        let claim = data.embedded.export_claim(id()).await.unwrap().unwrap();
        assert!(claim.since.parse::<jiff::Timestamp>().is_ok());
        let expected = ExportClaim {
            by: by(1),
            method: ExportMethod::Send,
            since: claim.since.clone(),
            from,
        };
        assert_eq!(claim, expected);
    }
}

#[tokio::test]
async fn a_run_that_booked_nothing_leaves_it_where_it_was() {
    for (key, before) in [
        (4, JournalRunStatus::Ready),
        (6, JournalRunStatus::ExportFailed),
    ] {
        let data = at(key).await;
        begin(&data.embedded, 1).await.unwrap();
        let back = ExportEnd::GivenBack("later".to_owned());
        assert_eq!(end(&data, 1, back).await, before);
        assert_eq!(data.embedded.export_claim(id()).await, Ok(None));
        begin(&data.embedded, 2).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_ends_no_claim_but_its_own() {
    let data = at(4).await;
    begin(&data.embedded, 1).await.unwrap();
    let failed = || ExportEnd::Failed("no".to_owned());
    assert_eq!(
        end(&data, 2, failed()).await,
        JournalRunStatus::BeingExported
    );
    assert_eq!(
        end(&data, 1, failed()).await,
        JournalRunStatus::ExportFailed
    );
    // Again, after it was claimed by another one.
    begin(&data.embedded, 2).await.unwrap();
    assert_eq!(
        end(&data, 1, failed()).await,
        JournalRunStatus::BeingExported
    );
}

#[tokio::test]
async fn only_the_run_that_has_it_marks_it() {
    let data = at(4).await;
    begin(&data.embedded, 1).await.unwrap();
    let change = JournalRunChange::MarkAsProcessed("25900001".to_owned());
    let by_another = by(2);
    let another = data.embedded.change_journal_run(id(), &change, &by_another);
    assert!(matches!(another.await, Err(ActivityError::Conflict(_))));
    let own = by(1);
    let marked = data.embedded.change_journal_run(id(), &change, &own);
    assert_eq!(marked.await.unwrap().status, JournalRunStatus::Exported);
    assert_eq!(data.embedded.export_claim(id()).await, Ok(None));
}

#[tokio::test]
async fn a_released_run_is_claimed_anew_and_the_dead_one_ends_nothing() {
    let data = at(4).await;
    begin(&data.embedded, 1).await.unwrap();
    let by = by(9);
    let released = data.embedded.release_export(id(), &by, "power");
    assert_eq!(
        released.await.unwrap().status,
        JournalRunStatus::ExportFailed
    );
    begin(&data.embedded, 2).await.unwrap();
    let late = ExportEnd::GivenBack("late".to_owned());
    assert_eq!(end(&data, 1, late).await, JournalRunStatus::BeingExported);
    assert_eq!(status(&data).await, JournalRunStatus::BeingExported);
}

#[tokio::test]
async fn the_audit_trail_is_numbered_within_its_journal_run() {
    let data = at(4).await;
    begin(&data.embedded, 1).await.unwrap();
    end(&data, 1, ExportEnd::Failed("no".to_owned())).await;
    let by = by(2);
    let other = seed::journal_run_id(1, 8);
    let begun = data
        .embedded
        .begin_export(other, &by, ExportMethod::Download);
    begun.await.unwrap();
    let numbers = async |journal_run| -> Vec<(u32, Option<ExportMethod>)> {
        let embedded = &data.embedded;
        let page = all();
        let trail = embedded.journal_run_export_audit_trail(journal_run, &page);
        let trail = trail.await.unwrap().items;
        trail
            .iter()
            .map(|record| (record.sequence_number, record.method_of_exporting))
            .collect()
    };
    let send = Some(ExportMethod::Send);
    assert_eq!(numbers(id()).await, [(1, send), (2, send)]);
    assert_eq!(numbers(other).await, [(1, Some(ExportMethod::Download))]);
}
