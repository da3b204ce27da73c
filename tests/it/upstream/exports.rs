//! A journal run of the platform is exported by one run of koppel at a time.

use crate::harness::{ANNA, TestHost, error, plugin, upstream_configuration};
use crate::journal::XAF;
use crate::loket::Loket;
use koppel_host::bindings::koppel::loket::journal_runs::{ExportMethod, JournalRunStatus};
use koppel_host::platform::{
    ChangedBy, Entity, ExportEnd, JournalExports, JournalRuns, Platform, seed,
};
use koppel_host::runs::{Job, Release};
use uuid::Uuid;

fn id() -> Uuid {
    seed::journal_run_id(1, 6)
}

fn by(run: u128) -> ChangedBy {
    ChangedBy {
        run: Uuid::from_u128(run),
        client: "journal-xaf".to_owned(),
        user: ANNA.to_owned(),
    }
}

async fn start() -> (Loket, TestHost) {
    let loket = Loket::start().await;
    let host = TestHost::on(&loket, &plugin("journal-xaf", XAF), "");
    known(&host).await;
    (loket, host)
}

/// Has the host see whose the journal run is, as the five checks do.
async fn known(host: &TestHost) {
    let of = seed::employer_id(1);
    let found = host
        .host
        .platform()
        .owner_within(Entity::JournalRun(id()), of);
    found.await.unwrap();
}

/// The same configuration, data and claims in another process.
fn another(loket: &Loket, host: &TestHost) -> TestHost {
    let dir = tempfile::tempdir().unwrap();
    let shared = host.dir.path();
    let text = upstream_configuration(&loket.url, &plugin("journal-xaf", XAF), "").replace(
        "\"data/token.json\"",
        &format!(
            "{:?}\nclaims = {:?}",
            shared.join("data/token.json"),
            shared.join("data/claims.db")
        ),
    );
    for file in ["client-secret", "refresh-token"] {
        std::fs::copy(shared.join(file), dir.path().join(file)).unwrap();
    }
    TestHost::start(dir, &text)
}

async fn upstream_status(loket: &Loket) -> JournalRunStatus {
    loket.data.journal_run(id()).await.unwrap().status
}

async fn begin(platform: &dyn Platform, run: u128) -> Result<JournalRunStatus, String> {
    let begun = platform
        .begin_export(id(), &by(run), ExportMethod::Download)
        .await;
    match begun {
        Ok(run) => Ok(run.status),
        Err(error) => Err(koppel_host::platform::in_words(&error)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_in_two_processes_one_gets_the_journal_run() {
    let (loket, host) = start().await;
    let other = another(&loket, &host);
    known(&other).await;
    let first = begin(host.host.platform(), 1).await;
    assert_eq!(first, Ok(JournalRunStatus::BeingExported));
    let claim = host.host.platform().export_claim(id()).await.unwrap();
    let since = claim.unwrap().since;
    let run = Uuid::from_u128(1);
    assert_eq!(
        begin(other.host.platform(), 2).await.unwrap_err(),
        format!(
            "journal run {id} is being exported by run {run} (client \"journal-xaf\", user \"anna\") since {since}; if that run is gone, `koppel journal-runs release {id}` frees it",
            id = id()
        )
    );
    // Everybody sees so, and the platform knows nothing of it.
    let seen = other.host.platform().journal_run(id()).await.unwrap();
    assert_eq!(seen.status, JournalRunStatus::BeingExported);
    assert_eq!(upstream_status(&loket).await, JournalRunStatus::Ready);
    // Given back, another can have it.
    let end = ExportEnd::GivenBack("not now".to_owned());
    let ended = host.host.platform().end_export(id(), &by(1), &end).await;
    assert_eq!(ended.unwrap().status, JournalRunStatus::Ready);
    assert!(begin(other.host.platform(), 2).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_export_is_told_to_the_platform_and_can_be_tried_again() {
    let (loket, host) = start().await;
    let platform = host.host.platform();
    let failed = ExportEnd::Failed("the period is closed".to_owned());
    for run in 1..=2 {
        assert!(begin(platform, run).await.is_ok());
        let ended = platform.end_export(id(), &by(run), &failed).await;
        assert_eq!(ended.unwrap().status, JournalRunStatus::ExportFailed);
        assert_eq!(
            upstream_status(&loket).await,
            JournalRunStatus::ExportFailed
        );
    }
    // The second time the platform had it so already.
    let asked = loket.asked();
    let told = asked.iter().filter(|asked| asked.starts_with("PATCH"));
    assert_eq!(told.count(), 1);
    let report = host
        .run("journal-xaf", ANNA, 1, Job::ProcessJournalRun(id()))
        .await;
    report.outcome.unwrap();
    assert_eq!(upstream_status(&loket).await, JournalRunStatus::Exported);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_exported_elsewhere_meanwhile_is_not_exported_again() {
    let (loket, host) = start().await;
    let change =
        koppel_host::bindings::koppel::loket::journal_runs::JournalRunChange::MarkAsProcessed(
            "by hand".to_owned(),
        );
    let changed = loket.data.change_journal_run(id(), &change, &by(9)).await;
    changed.unwrap();
    let report = host
        .run("journal-xaf", ANNA, 1, Job::ProcessJournalRun(id()))
        .await;
    assert_eq!(
        error(report),
        format!(
            "journal run {} cannot be exported: its status is 7 (exported); only 4 (ready) and 6 (export failed) can",
            id()
        )
    );
    let claim = host.host.platform().export_claim(id()).await;
    assert_eq!(claim, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_frees_the_journal_run_of_a_run_that_died() {
    let (loket, host) = start().await;
    assert!(begin(host.host.platform(), 1).await.is_ok());
    // As after its deadline.
    let claims = host.dir.path().join("data/claims.db");
    let claims = rusqlite::Connection::open(claims).unwrap();
    let aged = claims.execute("UPDATE claim SET since = '2025-01-01T00:00:00Z'", []);
    assert_eq!(aged, Ok(1));
    let release = Release {
        journal_run: id(),
        client: None,
        user: ANNA.to_owned(),
        employer: seed::employer_id(1),
        reason: "the machine went down".to_owned(),
    };
    let released = host.host.release_journal_run(&release).await.unwrap();
    assert_eq!(released.status, JournalRunStatus::ExportFailed);
    assert_eq!(
        upstream_status(&loket).await,
        JournalRunStatus::ExportFailed
    );
    assert!(begin(host.host.platform(), 2).await.is_ok());
}
