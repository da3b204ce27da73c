//! The replies of a file, and importing again.

use super::*;
use crate::bindings::koppel::loket::journal_runs::{JournalRunChange, JournalRunStatus};
use crate::platform::{
    ChangedBy, Employers, JournalExports, JournalRuns, PayrollAdministrations, PayrollRuns,
};

#[tokio::test]
async fn the_examples_of_loket_are_imported_as_they_are() {
    let Some(formats) = seeded::formats() else {
        return;
    };
    let json = std::fs::read(formats.join("loket/examples.json")).unwrap();
    let data = Data::empty();
    let provider = seed::provider_id(1);
    let summary = data.embedded.import_json(&json, provider).await.unwrap();
    assert_eq!(
        summary,
        ImportSummary {
            payroll_run_results: 1,
            journal_lines: 1,
            employees: 1,
            insurance_contracts: 1,
            // Not all of the file is payroll data.
            ignored_operations: summary.ignored_operations,
            ..one_of_each()
        }
    );
    assert!(summary.ignored_operations > 0);
    let id: Uuid = "b14acd0d-75d7-4fc8-8b22-4a3924585cab".parse().unwrap();
    // There is no administration in the file: the employer has got one.
    let administrations = data
        .embedded
        .payroll_administrations(id, &all())
        .await
        .unwrap();
    assert_eq!(administrations.items.len(), 1);
    assert_eq!(administrations.items[0].name, "Voorbeeld B.V.");
    let lines = data.embedded.journal_run_results(id, &all()).await.unwrap();
    assert_eq!(lines.items[0].debit_amount, 50_087);
    let results = data.embedded.payroll_run_results(id, &all()).await.unwrap();
    assert_eq!(results.items[0].value, 4_000);
    let before = data.dump();
    data.embedded.import_json(&json, provider).await.unwrap();
    assert_eq!(data.dump(), before);
}

#[tokio::test]
async fn importing_twice_gives_the_same_data() {
    let data = Data::seeded().await;
    let first = data.import(&file()).await.unwrap();
    let before = data.dump();
    assert_eq!(data.import(&file()).await.unwrap(), first);
    assert_eq!(data.dump(), before);
}

#[tokio::test]
async fn a_later_file_replaces_what_is_there_and_its_lists() {
    let data = Data::empty();
    data.import(&file()).await.unwrap();
    let mut later = file();
    later["GetEmployersByUserId"]["_embedded"][0]["companyName"] = json!("Anders B.V.");
    later["GetEmployersByUserId"]["_embedded"][0]["address"] = Json::Null;
    let lines = &mut later["GetJournalRunResultsByJournalRunId"]["_embedded"];
    lines.as_array_mut().unwrap().remove(0);
    lines[0]["debetAmount"] = json!(-1.5);
    lines[0]["creditAmount"] = json!(0);
    data.import(&later).await.unwrap();
    let employer = data.embedded.employer(EMPLOYER).await.unwrap();
    assert_eq!(employer.company_name, "Anders B.V.");
    assert_eq!((&employer.street, employer.house_number), (&None, None));
    let lines = data.embedded.journal_run_results(JOURNAL_RUN, &all()).await;
    let lines = lines.unwrap().items;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].debit_amount, -150);
}

#[tokio::test]
async fn what_a_connector_booked_stays_booked() {
    let data = Data::empty();
    data.import(&file()).await.unwrap();
    let change = JournalRunChange::MarkAsProcessed("25900001".to_owned());
    let by = ChangedBy {
        run: Uuid::from_u128(1),
        client: "journal-exact".to_owned(),
        user: "anna".to_owned(),
    };
    data.embedded
        .change_journal_run(JOURNAL_RUN, &change, &by)
        .await
        .unwrap();
    data.import(&file()).await.unwrap();
    let run = data.embedded.journal_run(JOURNAL_RUN).await.unwrap();
    assert_eq!(run.status, JournalRunStatus::Exported);
}

#[tokio::test]
async fn each_form_of_a_reply_is_read() {
    let data = Data::empty();
    let whole = file();
    let list = &whole["GetEmployersByUserId"];
    let media = "application/json;version=2018-01-01";
    for employers in [
        json!({"GetEmployersByUserId": list}),
        json!({"GetEmployersByUserId": [list, list]}),
        json!({"GetEmployersByUserId": {"responses": {"200": {media: list}, "403": {}}}}),
        json!({"GetEmployerByEmployerId": {"content": list["_embedded"][0]}}),
        json!({"GetEmployersByUserId": list, "GetEmployerByEmployerId": [{"content": list["_embedded"][0]}]}),
    ] {
        let summary = data.import(&employers).await.unwrap();
        // The same one in two replies counts once.
        assert_eq!((summary.employers, summary.ignored_operations), (1, 0));
    }
    for nothing in [
        json!({}),
        json!({"GetEmployersByUserId": null}),
        json!({"GetEmployersByUserId": []}),
        json!({"GetEmployersByUserId": {"_embedded": []}}),
        json!({"GetEmployersByUserId": {"responses": {"403": {}}}}),
    ] {
        let summary = data.import(&nothing).await.unwrap();
        assert_eq!(summary, ImportSummary::default(), "{nothing}");
    }
}

#[tokio::test]
async fn operations_that_are_no_data_are_counted_and_left_alone() {
    let data = Data::seeded().await;
    let before = data.dump();
    let summary = data
        .import(&json!({
            "PatchJournalRunByJournalRunId": {"content": {}},
            "PostAbsenceByEmployeeId": 5,
            "Whatever": "x",
        }))
        .await
        .unwrap();
    assert_eq!(
        summary,
        ImportSummary {
            ignored_operations: 3,
            ..ImportSummary::default()
        }
    );
    assert_eq!(data.dump(), before);
}

#[tokio::test]
async fn parameters_name_the_parent_of_a_list() {
    let data = Data::empty();
    let mut two = file();
    let second = Uuid::from_u128(0xe2);
    let mut employer = two["GetEmployersByUserId"]["_embedded"][0].clone();
    employer["id"] = json!(second);
    let employers = &mut two["GetEmployersByUserId"]["_embedded"];
    employers.as_array_mut().unwrap().push(employer);
    two["GetPayrollAdministrationsByEmployerId"]["parameters"] = json!({"employerId": second});
    // In another form of the same UUID.
    let administration = ADMINISTRATION.simple().to_string().to_uppercase();
    for list in [
        "GetPayrollRunsByPayrollAdministrationId",
        "GetJournalRunsByPayrollAdministrationId",
    ] {
        two[list]["parameters"] = json!({"payrollAdministrationId": administration});
    }
    let summary = data.import(&two).await.unwrap();
    assert_eq!(summary.employers, 2);
    let owner = data.embedded.owner(Entity::PayrollRun(PAYROLL_RUN)).await;
    assert_eq!(owner.unwrap().unwrap().employer, second);
}

#[tokio::test]
async fn a_parent_that_is_in_the_file_twice_is_still_the_only_one() {
    let data = Data::empty();
    let mut twice = file();
    for (list, one) in [
        ("GetEmployersByUserId", "GetEmployerByEmployerId"),
        (
            "GetPayrollRunsByPayrollAdministrationId",
            "GetPayrollRunByPayrollRunId",
        ),
        (
            "GetJournalRunsByPayrollAdministrationId",
            "GetJournalRunByJournalRunId",
        ),
    ] {
        twice[one] = json!({"content": twice[list]["_embedded"][0]});
    }
    let administrations = &mut twice["GetPayrollAdministrationsByEmployerId"];
    *administrations = json!([administrations, administrations]);
    let summary = data.import(&twice).await.unwrap();
    assert_eq!(summary, one_of_each());
}
