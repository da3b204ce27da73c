//! Connectors of one host on the data of another.

use super::pair::Pair;
use crate::activities::{Made, answers, functions, good, lists_come_in_pages};
use crate::harness::{ANNA, TestHost, all_activities, answer, client, employer, error, plugin};
use crate::journal::{XAF, validate};
use crate::products;
use koppel_host::bindings::koppel::loket::journal_runs::JournalRunStatus;
use koppel_host::bindings::koppel::loket::types::PageRequest;
use koppel_host::catalogue::{Access, Activity};
use koppel_host::platform::{Entity, seed};
use koppel_host::runs::{Job, Output};
use serde_json::json;

/// A client with every activity.
pub(super) fn probe() -> String {
    client("probe", &all_activities())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_activity_answers_from_another_host_what_it_does_there() {
    let pair = Pair::new(&probe(), &probe()).await;
    let made = Made::on(&pair.b.host).await;
    let compare = async |activity: &str, id: &str| {
        let theirs = answers(&pair.a, activity, id).await;
        let query = json!({"activity": activity, "id": id});
        let mut own = pair.lookup_on_b(&query).await;
        // Cursors differ; what is behind them is another test.
        if let Some(next) = own.get_mut("next") {
            *next = theirs["next"].clone();
        }
        assert_eq!(theirs, own, "{activity}");
    };
    for activity in functions() {
        let id = good(activity, &made);
        match Activity::find(activity).unwrap().row().access {
            Access::Read => compare(activity, &id).await,
            Access::Write => drop(answers(&pair.a, activity, &id).await),
        }
    }
    // What came back to declarations comes over too.
    let (tax, upa) = (
        made.payroll_tax_return.to_string(),
        made.upa_pension_declaration.to_string(),
    );
    compare("GetPayrollTaxReturnByPayrollTaxReturnId", &tax).await;
    compare("GetUpaPensionDeclarationByUpaPensionDeclarationId", &upa).await;
    assert_eq!(pair.a.denials().await, [] as [&str; 0]);
    assert_eq!(pair.b.denials().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_several_pages_come_over_whole() {
    let pair = Pair::new(&probe(), "").await;
    lists_come_in_pages(&pair.a).await;
    for (activity, id, total) in [
        ("GetEmployeesByEmployerId", employer(1), 14),
        ("GetEmploymentsByEmployerId", employer(1), 14),
        (
            "GetPayrollRunResultsByPayrollRunId",
            seed::payroll_run_id(1, 6),
            56,
        ),
        (
            "GetJournalRunResultsByJournalRunId",
            seed::journal_run_id(1, 6),
            14,
        ),
    ] {
        let (mut cursor, mut items, mut firsts) = (json!(null), 0, Vec::new());
        for size in [3, 1, 4, 2, 1000] {
            let query = json!({"activity": activity, "id": id, "size": size, "cursor": cursor});
            let page = answer(pair.a.lookup("probe", &query).await);
            assert_eq!(page["total"], total, "{activity}");
            items += page["items"].as_u64().unwrap();
            firsts.push(page["first"].as_str().unwrap().to_owned());
            cursor = page["next"].clone();
        }
        assert_eq!((items, cursor), (total, json!(null)), "{activity}");
        firsts.dedup();
        assert_eq!(firsts.len(), 5, "each page begins with another item");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn journal_xaf_exports_a_journal_run_of_another_host() {
    // The same connector with room for next to nothing.
    let small = plugin("journal-xaf", XAF)
        .replace("[clients.journal-xaf]", "[clients.small]")
        .replace("quota-bytes = 50_000_000", "quota-bytes = 100");
    let clients = plugin("journal-xaf", XAF) + &small;
    let pair = Pair::new(&clients, &plugin("journal-xaf", XAF)).await;
    let id = seed::journal_run_id(1, 6);
    let at_b = async || pair.b.host.platform().journal_run(id).await.unwrap().status;
    let process = async |client: &str| {
        let job = Job::ProcessJournalRun(id);
        pair.a.run(client, ANNA, 1, job).await.outcome
    };
    process("small").await.unwrap_err();
    assert_eq!(at_b().await, JournalRunStatus::ExportFailed);
    let Ok(Output::JournalRun {
        reference, lines, ..
    }) = process("journal-xaf").await
    else {
        panic!("it was not exported");
    };
    assert_eq!(lines, 14);
    assert_eq!(at_b().await, JournalRunStatus::Exported);
    let file = pair.a.dir.path().join("exports").join(&reference);
    validate("3.2", &file);
    // The same file as the other host makes of its own data.
    let own = TestHost::new(&plugin("journal-xaf", XAF)).await;
    let job = Job::ProcessJournalRun(id);
    own.run("journal-xaf", ANNA, 1, job).await.outcome.unwrap();
    let read = |path| std::fs::read_to_string(path).unwrap();
    let own = own.dir.path().join("exports").join(&reference);
    assert_eq!(read(file), read(own));
    // Its trail says who told it so, here as well as there.
    let page = PageRequest {
        cursor: None,
        size: 10,
    };
    let here = pair.a.host.platform();
    let here = here
        .journal_run_export_audit_trail(id, &page)
        .await
        .unwrap();
    let there = pair.b.host.platform();
    let there = there.journal_run_export_audit_trail(id, &page).await;
    assert_eq!(here.items, there.unwrap().items);
    let trail: Vec<_> = here
        .items
        .iter()
        .map(|item| (item.export_status, item.exported_to.as_str()))
        .collect();
    assert_eq!(
        trail,
        [
            (JournalRunStatus::ExportFailed, "hr-portal"),
            (JournalRunStatus::Exported, "hr-portal"),
        ]
    );
    assert_eq!(here.items[1].reference.as_ref(), Some(&reference));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insurance_is_quoted_with_the_contract_that_another_host_has() {
    let (_party, port) = products::party().await;
    let pair = Pair::new(&products::connector(products::ACHMEA, port), "").await;
    let request = json!({"numberOfEmployees": 14, "baseWageSumCents": 60_000_000, "sectorCode": "10.71", "startDate": "2026-01-01"});
    let job = Job::Quote(request.to_string());
    let report = pair.a.run(products::ACHMEA, ANNA, 1, job).await;
    let Ok(Output::Quote { details, .. }) = report.outcome else {
        panic!("{:?}", report.outcome);
    };
    assert_eq!(
        details,
        json!({"insuredWageSumCents": 66_300_000, "startDate": "2026-01-01", "presentContract": "0015697843"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_of_an_employer_that_the_other_host_does_not_list_is_an_error_in_words() {
    let pair = Pair::new(&plugin("journal-xaf", XAF), "").await;
    let id = seed::journal_run_id(2, 6);
    let report = pair
        .a
        .run("journal-xaf", ANNA, 1, Job::ProcessJournalRun(id))
        .await;
    let text = error(report);
    assert!(
        text.contains("the platform does not list it under the employer that this run is for"),
        "{text}"
    );
    let found = pair.a.host.platform().owner(Entity::JournalRun(id)).await;
    assert_eq!(found, Ok(None));
}
