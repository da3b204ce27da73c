//! Every activity through a real component: allowed, denied and malformed.

use crate::harness::{TestHost, all_activities, answer, client, employer, sent};
use koppel_host::catalogue::{Activity, Surface};
use koppel_host::ledger::Kind;
use koppel_host::platform::{DeclarationKind, seed};
use koppel_host::runs::Host;
use serde_json::{Value, json};
use uuid::Uuid;

async fn probe() -> TestHost {
    TestHost::new(&client("probe", &all_activities())).await
}

/// What is made for the activities that demonstration data has nothing for.
pub(crate) struct Made {
    pub(crate) payroll_tax_return: Uuid,
    pub(crate) upa_pension_declaration: Uuid,
}

impl Made {
    pub(crate) async fn on(host: &Host) -> Self {
        let (tax, upa) = (
            DeclarationKind::PayrollTaxReturn,
            DeclarationKind::UpaPensionDeclaration,
        );
        Self {
            payroll_tax_return: sent(host, tax, 1, 1).await,
            upa_pension_declaration: sent(host, upa, 1, 1).await,
        }
    }
}

/// An argument with which each activity succeeds for employer 1.
pub(crate) fn good(activity: &str, made: &Made) -> String {
    match activity {
        "GetEmployeesByEmployerId" | "GetEmploymentsByEmployerId" => employer(1).to_string(),
        "GetCitizenServiceNumberByEmployeeId" => seed::employee_id(1, 3).to_string(),
        "GetPayrollTaxReturnsByPayrollAdministrationId"
        | "PostInitiatePayrollTaxReturnByPayrollAdministrationId"
        | "GetUpaPensionDeclarationsByPayrollAdministrationId"
        | "PostInitiateUpaPensionDeclarationByPayrollAdministrationId" => {
            seed::payroll_administration_id(1).to_string()
        }
        "GetPayrollTaxReturnByPayrollTaxReturnId"
        | "GetMessageByPayrollTaxReturnId"
        | "PostSendResponseMessageByPayrollTaxReturnId" => made.payroll_tax_return.to_string(),
        "GetUpaPensionDeclarationByUpaPensionDeclarationId"
        | "GetMessageByUpaPensionDeclarationId"
        | "PostSendResponseMessageByUpaPensionDeclarationId" => {
            made.upa_pension_declaration.to_string()
        }
        other => seeded(other),
    }
}

/// As [`good`], for those that demonstration data has something for.
pub(crate) fn seeded(activity: &str) -> String {
    match activity {
        "GetEmployersByUserId" => String::new(),
        "GetEmployerByEmployerId" | "GetPayrollAdministrationsByEmployerId" => {
            employer(1).to_string()
        }
        "GetPayrollRunsByPayrollAdministrationId" | "GetJournalRunsByPayrollAdministrationId" => {
            seed::payroll_administration_id(1).to_string()
        }
        "GetPayrollRunByPayrollRunId" | "GetPayrollRunResultsByPayrollRunId" => {
            seed::payroll_run_id(1, 6).to_string()
        }
        "GetAdditionalTaxliabilityByLicensePlateNumber" => "11ZKZ3".to_owned(),
        "GetCompanyInformationByChamberOfCommerceNumber" => "69599084".to_owned(),
        "GetAchmeaInsuranceContractsByUserId" => String::new(),
        "GetWagePercentagesByAchmeaInsuranceContractId" => {
            seed::achmea_insurance_contract_id(1).to_string()
        }
        _ => seed::journal_run_id(1, 6).to_string(),
    }
}

/// The activities that a component performs by calling a function.
pub(crate) fn functions() -> impl Iterator<Item = &'static str> {
    Activity::all()
        .filter(|activity| matches!(activity.row().surface, Surface::Function { .. }))
        .map(Activity::id)
}

/// Whether an activity names no entity: it is about the employer of the run.
fn of_the_run(activity: &str) -> bool {
    activity.ends_with("ByUserId")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_activity_answers_when_all_five_checks_are_green() {
    let host = probe().await;
    let made = Made::on(&host.host).await;
    for activity in functions() {
        answers(&host, activity, &good(activity, &made)).await;
    }
    assert_eq!(host.denials().await, [] as [&str; 0]);
}

/// Performs an activity on the demonstration data, wherever it is, and gives
/// what it answered, which is as it should be.
pub(crate) async fn answers(host: &TestHost, activity: &str, id: &str) -> Value {
    let query = json!({"activity": activity, "id": id, "period": 3});
    let answer = answer(host.lookup("probe", &query).await);
    let (item, total) = (answer["item"].as_str(), answer["total"].as_u64());
    match activity {
        "GetEmployersByUserId" | "GetPayrollAdministrationsByEmployerId" => {
            assert_eq!(total, Some(1))
        }
        // The months of 2025, and three of 2022.
        "GetPayrollRunsByPayrollAdministrationId" => assert_eq!(total, Some(15)),
        "GetJournalRunsByPayrollAdministrationId" => assert_eq!(total, Some(12)),
        "GetEmployeesByEmployerId" | "GetEmploymentsByEmployerId" => {
            assert_eq!(total, Some(14));
        }
        "GetCitizenServiceNumberByEmployeeId" => {
            let number = seed::citizen_service_number(1, 3);
            assert_eq!(item, Some(format!("Some({number:?})").as_str()));
        }
        "GetPayrollTaxReturnsByPayrollAdministrationId"
        | "GetUpaPensionDeclarationsByPayrollAdministrationId" => {
            assert_eq!(total, Some(1));
        }
        "GetMessageByPayrollTaxReturnId" | "GetMessageByUpaPensionDeclarationId" => {
            assert_eq!(item, Some("[60, 97, 47, 62]"));
        }
        "PostInitiatePayrollTaxReturnByPayrollAdministrationId"
        | "PostInitiateUpaPensionDeclarationByPayrollAdministrationId" => {
            let item = item.unwrap();
            assert!(item.contains("DeclarationStatus::Requested"), "{answer}");
            assert!(item.contains("user: \"anna\""), "{answer}");
        }
        "PostSendResponseMessageByPayrollTaxReturnId" => {
            assert!(
                item.unwrap().contains("Loonheffingennummer is onjuist"),
                "{answer}"
            );
        }
        "PostSendResponseMessageByUpaPensionDeclarationId" => {
            assert!(
                item.unwrap().contains("employee-number: Some(3)"),
                "{answer}"
            );
        }
        "GetPayrollRunResultsByPayrollRunId" => assert_eq!(total, Some(56)),
        "GetJournalRunResultsByJournalRunId" => assert_eq!(total, Some(14)),
        "GetJournalRunErrorsByJournalRunId" | "GetJournalRunExportAuditTrailByJournalRunId" => {
            assert_eq!(total, Some(0));
        }
        "GetAchmeaInsuranceContractsByUserId" => {
            assert_eq!(total, Some(1));
            let first = answer["first"].as_str().unwrap();
            assert!(first.contains("0015697843"), "{answer}");
        }
        "GetWagePercentagesByAchmeaInsuranceContractId" => {
            assert_eq!(total, Some(1));
            let first = answer["first"].as_str().unwrap();
            for part in [
                "holiday-allowance-percentage: 800",
                "year-end-percentage: 250",
            ] {
                assert!(first.contains(part), "{answer}");
            }
        }
        "GetCompanyInformationByChamberOfCommerceNumber" => {
            let item = item.unwrap();
            for part in [
                "Test EMZ Dagobert",
                "Eenmanszaak",
                "\"1011\"",
                "Abebe Bikilalaan",
            ] {
                assert!(item.contains(part), "{item}");
            }
        }
        "GetEmployerByEmployerId" => assert!(item.unwrap().contains("Bakkerij"), "{answer}"),
        "PatchJournalRunByJournalRunId" => {
            assert!(item.unwrap().contains("Exported"), "{answer}")
        }
        _ => assert!(item.is_some(), "{activity}: {answer}"),
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn every_activity_is_denied_to_a_user_without_the_right() {
    let host = probe().await;
    let made = Made::on(&host.host).await;
    for activity in functions().filter(|activity| !activity.starts_with("GetEmployer")) {
        let query = json!({"activity": activity, "id": good(activity, &made)});
        let answer = answer(host.lookup_as("probe", "tim", 1, &query).await);
        assert_eq!(
            answer,
            json!({
                "denied": "Check::User",
                "activity": activity,
                "reason": format!("user \"tim\" has no right that gives {activity}"),
            })
        );
    }
    assert_eq!(host.denials().await.len(), functions().count() - 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_activity_on_an_entity_refuses_what_is_no_identifier() {
    let host = probe().await;
    for activity in functions().filter(|activity| !of_the_run(activity)) {
        for id in [
            "",
            "1",
            "B14ACD0D-75D7-4FC8-8B22-4A3924585CAB",
            "' OR 1=1 --",
            "../../etc",
        ] {
            let query = json!({"activity": activity, "id": id});
            let answer = answer(host.lookup("probe", &query).await);
            let problem = answer["invalid"][0].as_str().unwrap_or_default().to_owned();
            let expected = match activity {
                "GetAdditionalTaxliabilityByLicensePlateNumber" => {
                    "licensePlateNumber: must be six capitals or digits without hyphens, such as GP586D"
                }
                "GetCompanyInformationByChamberOfCommerceNumber" => {
                    "chamberOfCommerceNumber: must be eight digits, such as 69599084"
                }
                _ => "must be a UUID in hyphenated lower-case form",
            };
            assert!(problem.ends_with(expected), "{activity} {id:?}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_call_is_not_told_to_who_may_not_make_it() {
    let host = probe().await;
    let query = json!({"activity": "GetJournalRunByJournalRunId", "id": "nonsense"});
    let answer = answer(host.lookup_as("probe", "tim", 1, &query).await);
    assert_eq!(answer["denied"], "Check::User");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_not_found_rather_than_denied() {
    let host = probe().await;
    let id = "b14acd0d-75d7-4fc8-8b22-4a3924585cab";
    // Registers are asked by other numbers; they follow below.
    let registers = [
        ("GetAdditionalTaxliabilityByLicensePlateNumber", "ZZ99ZZ"),
        ("GetCompanyInformationByChamberOfCommerceNumber", "00000000"),
    ];
    let by_id = functions().filter(|activity| {
        !of_the_run(activity) && registers.iter().all(|(register, _)| register != activity)
    });
    for activity in by_id {
        let answer = answer(
            host.lookup("probe", &json!({"activity": activity, "id": id}))
                .await,
        );
        assert_eq!(answer, json!({"not-found": id}), "{activity}");
    }
    for (activity, unknown) in registers {
        let query = json!({"activity": activity, "id": unknown});
        assert_eq!(
            answer(host.lookup("probe", &query).await),
            json!({"not-found": unknown})
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_employers_entities_are_denied_even_to_a_user_who_may_access_both() {
    let host = probe().await;
    let tax = host.sent(DeclarationKind::PayrollTaxReturn, 2, 1).await;
    let upa = host
        .sent(DeclarationKind::UpaPensionDeclaration, 2, 1)
        .await;
    let others = [
        ("GetEmployerByEmployerId", employer(2)),
        ("GetPayrollAdministrationsByEmployerId", employer(2)),
        ("GetPayrollRunByPayrollRunId", seed::payroll_run_id(2, 6)),
        (
            "GetJournalRunResultsByJournalRunId",
            seed::journal_run_id(2, 6),
        ),
        (
            "GetJournalRunExportAuditTrailByJournalRunId",
            seed::journal_run_id(2, 6),
        ),
        ("PatchJournalRunByJournalRunId", seed::journal_run_id(2, 6)),
        ("GetEmployeesByEmployerId", employer(2)),
        ("GetEmploymentsByEmployerId", employer(2)),
        (
            "GetCitizenServiceNumberByEmployeeId",
            seed::employee_id(2, 1),
        ),
        (
            "GetPayrollTaxReturnsByPayrollAdministrationId",
            seed::payroll_administration_id(2),
        ),
        ("GetPayrollTaxReturnByPayrollTaxReturnId", tax),
        ("GetMessageByPayrollTaxReturnId", tax),
        (
            "PostInitiatePayrollTaxReturnByPayrollAdministrationId",
            seed::payroll_administration_id(2),
        ),
        ("PostSendResponseMessageByPayrollTaxReturnId", tax),
        (
            "GetUpaPensionDeclarationsByPayrollAdministrationId",
            seed::payroll_administration_id(2),
        ),
        ("GetUpaPensionDeclarationByUpaPensionDeclarationId", upa),
        ("GetMessageByUpaPensionDeclarationId", upa),
        (
            "PostInitiateUpaPensionDeclarationByPayrollAdministrationId",
            seed::payroll_administration_id(2),
        ),
        ("PostSendResponseMessageByUpaPensionDeclarationId", upa),
        (
            "GetWagePercentagesByAchmeaInsuranceContractId",
            seed::achmea_insurance_contract_id(2),
        ),
    ];
    for (activity, id) in others {
        let answer = answer(
            host.lookup("probe", &json!({"activity": activity, "id": id}))
                .await,
        );
        assert_eq!(
            answer,
            json!({
                "denied": "Check::Entity",
                "activity": activity,
                "reason": "it belongs to another employer than the one that this run is for",
            })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_five_checks_can_deny_by_itself() {
    let host = probe().await;
    let journal = |of: usize| json!({"activity": "GetJournalRunByJournalRunId", "id": seed::journal_run_id(of, 6)});
    // The first check is shown by the tests of revocation: a client without
    // the activity is not even loaded.
    for (user, of, check, reason) in [
        (
            "tim",
            1,
            "User",
            "user \"tim\" has no right that gives GetJournalRunByJournalRunId",
        ),
        ("weg", 1, "User", "user \"weg\" is blocked"),
        ("niemand", 1, "User", "there is no user \"niemand\""),
        (
            "rik",
            1,
            "Role",
            "role \"reader\" has no right that gives GetJournalRunByJournalRunId",
        ),
        (
            "els",
            4,
            "Module",
            "module \"journal\" is off for this employer and for its provider",
        ),
        (
            "bas",
            2,
            "Entity",
            "user \"bas\" may not access this employer",
        ),
        (
            "els",
            1,
            "Entity",
            "user \"els\" belongs to another provider",
        ),
    ] {
        let answer = answer(host.lookup_as("probe", user, of, &journal(of)).await);
        assert_eq!(answer["denied"], format!("Check::{check}"), "{user}");
        assert_eq!(answer["reason"], reason);
    }
    let green = answer(host.lookup_as("probe", "bas", 1, &journal(1)).await);
    assert!(green["item"].is_string(), "{green}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_whose_cursors_belong_to_one_list() {
    let host = probe().await;
    lists_come_in_pages(&host).await;
}

/// On the demonstration data, wherever it is.
pub(crate) async fn lists_come_in_pages(host: &TestHost) {
    let list = "GetJournalRunsByPayrollAdministrationId";
    let id = seed::payroll_administration_id(1);
    let mut cursor = Value::Null;
    let mut sizes = Vec::new();
    loop {
        let query = json!({"activity": list, "id": id, "size": 5, "cursor": cursor});
        let page = answer(host.lookup("probe", &query).await);
        sizes.push(page["items"].as_u64().unwrap());
        cursor = page["next"].clone();
        if cursor.is_null() {
            break;
        }
        let elsewhere = json!({"activity": "GetPayrollRunsByPayrollAdministrationId", "id": id, "cursor": cursor});
        assert_eq!(
            answer(host.lookup("probe", &elsewhere).await),
            json!({"invalid": ["cursor: is not a cursor of this list"]})
        );
    }
    assert_eq!(sizes, [5, 5, 2]);
    for size in [0, 1001, u32::MAX] {
        let query = json!({"activity": list, "id": id, "size": size});
        assert_eq!(
            answer(host.lookup("probe", &query).await),
            json!({"invalid": [format!("pageSize: must be 1 to 1000, not {size}")]})
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_a_journal_run_changes_only_as_loket_allows() {
    let host = probe().await;
    let patch = |period, failed| json!({"activity": "PatchJournalRunByJournalRunId", "id": seed::journal_run_id(1, period), "failed": failed});
    // From 4 to 6, from 6 to 7, and no further.
    let failed = answer(host.lookup("probe", &patch(5, true)).await);
    assert!(
        failed["item"].as_str().unwrap().contains("ExportFailed"),
        "{failed}"
    );
    let exported = answer(host.lookup("probe", &patch(5, false)).await);
    assert!(
        exported["item"].as_str().unwrap().contains("Exported"),
        "{exported}"
    );
    let id = seed::journal_run_id(1, 5);
    assert_eq!(
        answer(host.lookup("probe", &patch(5, false)).await),
        json!({"conflict": format!("MarkAsProcessed needs journal run {id} at status 4 to 6; its status is 7 (exported)")})
    );
    // What was tried is recorded before it is done, whether it succeeds or not.
    let writes: Vec<String> = host
        .rows(&[Kind::ActivityWrite])
        .await
        .into_iter()
        .map(|row| row.summary)
        .collect();
    assert_eq!(
        writes,
        [
            format!("MarkAsProcessingFailed journal run {id}: the probe says so"),
            format!("MarkAsProcessed journal run {id}: reference"),
            format!("MarkAsProcessed journal run {id}: reference"),
        ]
    );
    // No results before status 4.
    let id = seed::journal_run_id(3, 12);
    let query = json!({"activity": "GetJournalRunResultsByJournalRunId", "id": id});
    assert_eq!(
        answer(host.lookup_as("probe", "anna", 3, &query).await),
        json!({"conflict": format!("journal run {id} has no results: its status is 0 (ready to journalise)")})
    );
    let query =
        json!({"activity": "GetJournalRunErrorsByJournalRunId", "id": seed::journal_run_id(2, 12)});
    let errors = answer(host.lookup_as("probe", "anna", 2, &query).await);
    assert_eq!(errors["total"], 1);
    assert!(
        errors["first"]
            .as_str()
            .unwrap()
            .contains("Geen verdeling gevonden"),
        "{errors}"
    );
}
