//! What comes over is what is there.

use super::{perform, probe};
use crate::activities::{answers, lists_come_in_pages, seeded};
use crate::harness::{ANNA, TestHost, all_activities, answer, client, plugin};
use crate::journal::{XAF, validate};
use crate::loket::{Loket, instead};
use koppel_host::bindings::koppel::loket::journal_runs::JournalRunStatus;
use koppel_host::ledger::Kind;
use koppel_host::platform::{JournalRuns, seed};
use koppel_host::runs::{Job, Output};
use serde_json::{Value, json};

/// The activities that the imitation serves. All of them are tried on another
/// host.
const IMITATED: [&str; 12] = [
    "GetEmployersByUserId",
    "GetEmployerByEmployerId",
    "GetPayrollAdministrationsByEmployerId",
    "GetPayrollRunsByPayrollAdministrationId",
    "GetPayrollRunByPayrollRunId",
    "GetPayrollRunResultsByPayrollRunId",
    "GetJournalRunsByPayrollAdministrationId",
    "GetJournalRunByJournalRunId",
    "GetJournalRunResultsByJournalRunId",
    "GetJournalRunErrorsByJournalRunId",
    "PatchJournalRunByJournalRunId",
    "GetAdditionalTaxliabilityByLicensePlateNumber",
];

#[tokio::test(flavor = "multi_thread")]
async fn activities_answer_from_the_platform_what_they_do_from_koppels_own_data() {
    let (loket, upstream) = probe("").await;
    let embedded = TestHost::new(&client("probe", &all_activities())).await;
    for activity in IMITATED {
        let id = seeded(activity);
        let theirs = answers(&upstream, activity, &id).await;
        let mut own = answers(&embedded, activity, &id).await;
        // Cursors differ; what is behind them is another test.
        if let Some(next) = own.get_mut("next") {
            *next = theirs["next"].clone();
        }
        assert_eq!(theirs, own, "{activity}");
    }
    assert_eq!(upstream.denials().await, [] as [&str; 0]);
    let run = loket.data.journal_run(seed::journal_run_id(1, 6)).await;
    assert_eq!(run.unwrap().status, JournalRunStatus::Exported);
}

#[tokio::test(flavor = "multi_thread")]
async fn journal_xaf_exports_a_journal_run_of_the_platform() {
    let loket = Loket::start().await;
    let host = TestHost::on(&loket, &plugin("journal-xaf", XAF), "");
    let id = seed::journal_run_id(1, 6);
    let report = host
        .run("journal-xaf", ANNA, 1, Job::ProcessJournalRun(id))
        .await;
    let Ok(Output::JournalRun {
        reference, lines, ..
    }) = report.outcome
    else {
        panic!("{:?}", report.outcome);
    };
    assert_eq!(lines, 14);
    let file = host.dir.path().join("exports").join(&reference);
    validate("3.2", &file);
    // The same file as from koppel's own data.
    let embedded = TestHost::new(&plugin("journal-xaf", XAF)).await;
    let report = embedded
        .run("journal-xaf", ANNA, 1, Job::ProcessJournalRun(id))
        .await;
    report.outcome.unwrap();
    let own = embedded.dir.path().join("exports").join(&reference);
    let read = |path| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(file), read(own));
    // The platform was told, and the ledger says so.
    let run = loket.data.journal_run(id).await.unwrap();
    assert_eq!(run.status, JournalRunStatus::Exported);
    assert!(loket.asked().iter().any(|asked| asked.starts_with("PATCH")));
    let writes = host.rows(&[Kind::ActivityWrite]).await;
    let writes: Vec<_> = writes.iter().map(|row| row.summary.as_str()).collect();
    assert_eq!(
        writes,
        [
            format!("claim journal run {id}"),
            format!("MarkAsProcessed journal run {id}: {reference}")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_the_platform_come_in_pages_whose_cursors_belong_to_one_list() {
    let (_loket, host) = probe("").await;
    lists_come_in_pages(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_changing_size_hold_every_item_once() {
    let (_loket, host) = probe("").await;
    for (activity, id, total) in [
        (
            "GetJournalRunResultsByJournalRunId",
            seed::journal_run_id(1, 6),
            14,
        ),
        (
            "GetPayrollRunResultsByPayrollRunId",
            seed::payroll_run_id(1, 6),
            56,
        ),
    ] {
        let mut cursor = Value::Null;
        let mut firsts = Vec::new();
        let mut items = 0;
        for size in [3, 1, 4, 2, 1000] {
            let query = json!({"activity": activity, "id": id, "size": size, "cursor": cursor});
            let page = answer(host.lookup("probe", &query).await);
            assert_eq!(page["total"], total);
            items += page["items"].as_u64().unwrap();
            firsts.push(page["first"].as_str().unwrap().to_owned());
            cursor = page["next"].clone();
        }
        assert_eq!((items, &cursor), (total, &Value::Null), "{activity}");
        firsts.dedup();
        assert_eq!(firsts.len(), 5, "each page begins with another item");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_that_has_no_results_is_a_conflict_here_too() {
    let (_loket, host) = probe("").await;
    let id = seed::journal_run_id(3, 12);
    let query = json!({"activity": "GetJournalRunResultsByJournalRunId", "id": id});
    assert_eq!(
        answer(host.lookup_as("probe", ANNA, 3, &query).await),
        json!({"conflict": format!("journal run {id} has no results: its status is 0 (ready to journalise)")})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_not_what_was_asked_for_is_not_used() {
    let (loket, host) = probe("").await;
    let id = seed::journal_run_id(1, 6);
    let activity = "GetJournalRunResultsByJournalRunId";
    // So that the next answer is about the lines.
    assert!(perform(&host, activity, id).await["total"] == 14);
    let page = |number: u64, size: u64, total: u64, items: Value| {
        instead(
            200,
            json!({"currentPage": number, "pageSize": size, "totalPages": 1, "totalSize": total, "_embedded": items}),
        )
    };
    let line = json!({
        "generalLedgerAccount": {"code": "4001", "description": "Lonen"},
        "payrollComponent": {"key": 1, "description": "Brutoloon"},
        "debetAmount": 0.001, "creditAmount": 0,
    });
    for (reply, why) in [
        (
            instead(200, "<html>"),
            ".: expected value at line 1 column 1",
        ),
        (
            page(1, 100, 14, json!([])),
            "it is page 1 of 100 items, not 1 of 250",
        ),
        (
            page(2, 250, 14, json!([])),
            "it is page 2 of 250 items, not 1 of 250",
        ),
        (
            page(1, 250, 14, json!([])),
            "the page has 0 items where 14 should be",
        ),
        (
            page(1, 250, 1, json!([line])),
            "_embedded[0].debetAmount: 0.001 has more than two decimals",
        ),
    ] {
        // The employer, at the start of the run, is asked for as ever.
        let employer = employer_1(&loket).await;
        loket.next([employer, reply]);
        let answer = perform(&host, activity, id).await;
        let text = answer["other"].as_str().unwrap_or_default();
        let expected = format!("the platform's reply to {activity} cannot be used: {why}");
        assert!(text.starts_with(&expected), "{answer}");
    }
    let other = json!({"id": seed::journal_run_id(1, 7), "journalRunStatus": {"key": 4}, "sequenceNumber": 7,
        "payrollRun": {"payrollRunId": id, "payrollPeriod": {"year": 2025, "periodNumber": 7}}});
    let employer = employer_1(&loket).await;
    loket.next([employer, instead(200, json!({"content": other}))]);
    assert_eq!(
        super::journal_run(&host).await,
        json!({"other": "the platform's reply to GetJournalRunByJournalRunId cannot be used: it is about another thing than was asked for"})
    );
}

/// The platform's own answer about employer 1, for the start of a run.
pub(super) async fn employer_1(loket: &Loket) -> crate::loket::Instead {
    use koppel_host::platform::Employers;
    let employer = loket.data.employer(seed::employer_id(1)).await.unwrap();
    let employer =
        koppel_host::wire::employers::Employer::from(std::sync::Arc::unwrap_or_clone(employer));
    let reply = koppel_host::wire::envelope::Single::new(employer);
    instead(200, serde_json::to_string(&reply).unwrap())
}
