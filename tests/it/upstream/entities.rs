//! Another employer's things are not reached, though the token could; and the
//! platform authorizes too.

use super::{journal_run, perform, probe};
use crate::harness::{ANNA, answer, employer, error};
use crate::loket::instead;
use koppel_host::ledger::Kind;
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunError};
use serde_json::json;
use std::time::{Duration, Instant};
use uuid::Uuid;

const ELSEWHERE: &str = "the platform does not list it under the employer that this run is for";

#[tokio::test(flavor = "multi_thread")]
async fn another_employers_entities_are_refused_before_anything_of_them_is_asked() {
    let (loket, host) = probe("").await;
    for (activity, id) in [
        ("GetEmployerByEmployerId", employer(2)),
        ("GetPayrollAdministrationsByEmployerId", employer(2)),
        (
            "GetJournalRunsByPayrollAdministrationId",
            seed::payroll_administration_id(2),
        ),
        ("GetPayrollRunByPayrollRunId", seed::payroll_run_id(2, 6)),
        (
            "GetPayrollRunResultsByPayrollRunId",
            seed::payroll_run_id(2, 6),
        ),
        (
            "GetJournalRunResultsByJournalRunId",
            seed::journal_run_id(2, 6),
        ),
        ("PatchJournalRunByJournalRunId", seed::journal_run_id(2, 6)),
    ] {
        assert_eq!(
            perform(&host, activity, id).await,
            json!({"denied": "Check::Entity", "activity": activity, "reason": ELSEWHERE})
        );
        let asked = loket.asked();
        assert!(
            !asked.iter().any(|asked| asked.contains(&id.to_string())),
            "{activity}: {asked:?}"
        );
    }
    assert_eq!(host.denials().await, [ELSEWHERE; 7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_run_reached_is_refused_like_what_does_not_exist() {
    let (loket, host) = probe("").await;
    let id = seed::journal_run_id(2, 6);
    let query = json!({"activity": "GetJournalRunByJournalRunId", "id": id});
    // The host has just seen whose it is.
    let own = answer(host.lookup_as("probe", ANNA, 2, &query).await);
    assert!(own["item"].is_string(), "{own}");
    loket.asked();
    let theirs = answer(host.lookup_as("probe", ANNA, 1, &query).await);
    let asked = loket.asked();
    let unknown = perform(&host, "GetJournalRunByJournalRunId", Uuid::from_u128(7)).await;
    assert_eq!(theirs, unknown);
    assert_eq!(theirs["reason"], ELSEWHERE);
    let start = format!("GET /providers/employers/{}", employer(1));
    assert_eq!(asked, [start], "nothing had to be asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_the_platform_is_asked_for_a_user_who_may() {
    let (loket, host) = probe("").await;
    for (user, reason) in [
        (
            "tim",
            "user \"tim\" has no right that gives GetJournalRunByJournalRunId",
        ),
        ("els", "user \"els\" belongs to another provider"),
    ] {
        let query =
            json!({"activity": "GetJournalRunByJournalRunId", "id": seed::journal_run_id(1, 6)});
        let answer = answer(host.lookup_as("probe", user, 1, &query).await);
        assert_eq!(answer["reason"], reason);
        let start = format!("GET /providers/employers/{}", employer(1));
        assert_eq!(loket.asked(), [start]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_for_what_is_not_there_is_paced() {
    let (loket, host) = probe("").await;
    let started = Instant::now();
    for id in [1, 2] {
        let unknown = perform(&host, "GetJournalRunByJournalRunId", Uuid::from_u128(id)).await;
        assert_eq!(unknown["reason"], ELSEWHERE);
    }
    assert!(started.elapsed() >= Duration::from_secs(5), "{started:?}");
    let lists = loket.asked();
    let lists = lists.iter().filter(|asked| asked.contains("/journalruns"));
    assert_eq!(lists.count(), 2);
    // What is known needs no search, and no wait.
    let started = Instant::now();
    assert!(journal_run(&host).await["item"].is_string());
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_for_an_employer_that_the_platform_does_not_have_does_not_start() {
    let (_loket, host) = probe("").await;
    let unknown = Uuid::from_u128(1);
    let request = koppel_host::runs::RunRequest {
        client: "probe".to_owned(),
        user: ANNA.to_owned(),
        employer: unknown,
        job: Job::Check,
    };
    assert_eq!(
        error(host.host.run(request).await),
        format!("there is no employer {unknown}")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_authorize() {
    let (loket, host) = probe("").await;
    // Employer 4 is of another provider: koppel's user may, the platform's not.
    let report = host.run("probe", "els", 4, Job::Check).await;
    let Err(RunError::Denied { check, reason, .. }) = &report.outcome else {
        panic!("{:?}", report.outcome);
    };
    let refused =
        "the platform refused: User doesn't have rechten to perform activity for the given Id.";
    assert_eq!((*check, reason.as_str()), ("entity", refused));
    // And in the middle of a run, where the connector may handle it.
    assert!(journal_run(&host).await["item"].is_string());
    let refusal =
        json!({"message": "Insufficient rights for this request, reason \"the module is off\""});
    let employer = super::data::employer_1(&loket).await;
    loket.next([employer, instead(403, refusal)]);
    assert_eq!(
        journal_run(&host).await,
        json!({
            "denied": "Check::Entity",
            "activity": "GetJournalRunByJournalRunId",
            "reason": "the platform refused: the module is off",
        })
    );
    let denials = host.rows(&[Kind::Denial]).await;
    let denials: Vec<_> = denials
        .iter()
        .map(|row| (row.summary.as_str(), row.activity.as_deref()))
        .collect();
    assert_eq!(
        denials,
        [
            (refused, Some("GetEmployerByEmployerId")),
            (
                "the platform refused: the module is off",
                Some("GetJournalRunByJournalRunId")
            ),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_to_say_whose_it_is_is_a_denial() {
    let (loket, host) = probe("").await;
    let employer = super::data::employer_1(&loket).await;
    let refusal = json!({"message": "Insufficient rights for this request, reason \"no rechten\""});
    loket.next([employer, instead(403, refusal)]);
    assert_eq!(
        journal_run(&host).await,
        json!({
            "denied": "Check::Entity",
            "activity": "GetJournalRunByJournalRunId",
            "reason": "whose it is cannot be seen: GetPayrollAdministrationsByEmployerId was denied: the platform refused: no rechten",
        })
    );
    assert_eq!(host.denials().await.len(), 1);
}
