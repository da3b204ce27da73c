//! Host A on the data of host B: both authorize, each in its own ledger; and
//! what belongs to another employer is not asked for.

use super::pair::Pair;
use crate::activities::Made;
use crate::harness::{ANNA, all_activities, answer, client, employer, error};
use koppel_host::platform::{DeclarationKind, seed};
use koppel_host::runs::{Job, RunError};
use serde_json::{Value, json};

/// A change of a configuration.
type Change = dyn Fn(&str) -> String;

const ACTIVITY: &str = "GetJournalRunByJournalRunId";

async fn probe() -> Pair {
    Pair::new(&client("probe", &all_activities()), "").await
}

fn query(of: usize) -> Value {
    json!({"activity": ACTIVITY, "id": seed::journal_run_id(of, 6)})
}

/// What B is asked at the start of every run: whether the employer exists.
fn start(of: usize) -> String {
    format!("GET /providers/employers/{}", employer(of))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_denies_is_not_asked_of_b() {
    let pair = probe().await;
    let denied = async |user: &str, of: usize, check: &str, reason: &str| {
        let told = answer(pair.a.lookup_as("probe", user, of, &query(of)).await);
        assert_eq!(
            told,
            json!({"denied": format!("Check::{check}"), "activity": ACTIVITY, "reason": reason})
        );
        assert_eq!(pair.front.asked(), [start(of)], "{check}");
    };
    let no_right = "user \"tim\" has no right that gives GetJournalRunByJournalRunId";
    denied("tim", 1, "User", no_right).await;
    let no_role = "role \"reader\" has no right that gives GetJournalRunByJournalRunId";
    denied("rik", 1, "Role", no_role).await;
    let no_access = "user \"bas\" may not access this employer";
    denied("bas", 2, "Entity", no_access).await;
    pair.reconfigure_a(|text| text.replace("[\"journal\", ", "["));
    let off = "module \"journal\" is off for this employer and for its provider";
    denied(ANNA, 1, "Module", off).await;
    assert_eq!(pair.a.denials().await, [no_right, no_role, no_access, off]);
    // A client without the activity is not even run.
    pair.reconfigure_a(|text| without(text, "activities = ", ACTIVITY));
    let refused = error(pair.a.lookup("probe", &query(1)).await);
    assert!(refused.contains(ACTIVITY), "{refused}");
    let asked = pair.front.asked();
    assert!(asked.iter().all(|asked| *asked == start(1)), "{asked:?}");
    assert_eq!(pair.b.denials().await, []);
}

/// Takes an activity out of the list of a line.
fn without(text: &str, line: &str, activity: &str) -> String {
    let listed = format!("\"{activity}\", ");
    let lines = text.lines().map(|found| {
        if found.starts_with(line) {
            found.replacen(&listed, "", 1)
        } else {
            found.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_b_denies_is_denied_by_a_and_in_both_ledgers() {
    let pair = probe().await;
    let green = answer(pair.a.lookup("probe", &query(1)).await);
    assert!(green["item"].is_string(), "{green}");
    let cases: [(&str, &Change, &str); 4] = [
        (
            "client",
            &|text| without(text, "activities = ", ACTIVITY),
            "client \"hr-portal\" was not granted GetJournalRunByJournalRunId",
        ),
        (
            "user",
            &|text| without(text, "everything = ", ACTIVITY),
            "user \"anna\" has no right that gives GetJournalRunByJournalRunId",
        ),
        (
            "role",
            &|text| {
                text.replace(
                    "professional = [\"everything\"]",
                    "professional = [\"employers\"]",
                )
            },
            "role \"professional\" has no right that gives GetJournalRunByJournalRunId",
        ),
        (
            "module",
            &|text| text.replace("[\"journal\", ", "["),
            "module \"journal\" is off for this employer and for its provider",
        ),
    ];
    let mut at_a = Vec::new();
    let mut at_b = Vec::new();
    for (check, change, reason) in cases {
        pair.reconfigure_b(change);
        let told = format!("the platform refused: {reason}");
        assert_eq!(
            answer(pair.a.lookup("probe", &query(1)).await),
            json!({"denied": "Check::Entity", "activity": ACTIVITY, "reason": told})
        );
        at_a.push(told);
        at_b.push((ACTIVITY.to_owned(), check.to_owned(), reason.to_owned()));
        pair.reconfigure_b(ToOwned::to_owned);
    }
    // The fifth check: B's user may not access the employer, which A sees when
    // the run is to start.
    pair.reconfigure_b(|text| {
        let of_anna = text.find("id = \"anna\"").unwrap();
        let (before, anna) = text.split_at(of_anna);
        let other = format!("employers = [\"{}\"]", employer(2));
        format!(
            "{before}{}",
            anna.replacen("employers = \"all\"", &other, 1)
        )
    });
    let report = pair.a.run("probe", ANNA, 1, Job::Check).await;
    let Err(RunError::Denied { check, reason, .. }) = &report.outcome else {
        panic!("{:?}", report.outcome);
    };
    let hidden = format!(
        "the platform refused: there is no {} that user \"anna\" may access",
        employer(1)
    );
    assert_eq!((*check, reason), ("entity", &hidden));
    at_a.push(hidden);
    at_b.push((
        "GetEmployerByEmployerId".to_owned(),
        "entity".to_owned(),
        "user \"anna\" may not access this employer".to_owned(),
    ));
    assert_eq!(pair.a.denials().await, at_a);
    assert_eq!(pair.b.denials().await, at_b);
    // What B allows is allowed again.
    pair.reconfigure_b(ToOwned::to_owned);
    assert_eq!(answer(pair.a.lookup("probe", &query(1)).await), green);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_b_does_not_show_is_no_way_in() {
    let pair = probe().await;
    let list = "GetJournalRunsByPayrollAdministrationId";
    pair.reconfigure_b(|text| without(text, "activities = ", list));
    assert_eq!(
        answer(pair.a.lookup("probe", &query(1)).await),
        json!({
            "denied": "Check::Entity",
            "activity": ACTIVITY,
            "reason": format!("whose it is cannot be seen: {list} was denied: the platform refused: client \"hr-portal\" was not granted {list}"),
        })
    );
    let asked = pair.front.asked();
    let id = seed::journal_run_id(1, 6).to_string();
    assert!(!asked.iter().any(|asked| asked.contains(&id)), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_employers_entities_are_refused_before_anything_of_them_is_asked() {
    let pair = probe().await;
    Made::on(&pair.b.host).await;
    let (tax, upa) = (
        DeclarationKind::PayrollTaxReturn,
        DeclarationKind::UpaPensionDeclaration,
    );
    let tax = crate::harness::sent(&pair.b.host, tax, 2, 1).await;
    let upa = crate::harness::sent(&pair.b.host, upa, 2, 1).await;
    let administration = seed::payroll_administration_id(2);
    let elsewhere = "the platform does not list it under the employer that this run is for";
    // One of each kind of entity: looking for more of a kind is paced.
    for (activity, id) in [
        ("GetEmployeesByEmployerId", employer(2)),
        ("GetEmploymentsByEmployerId", employer(2)),
        (
            "GetCitizenServiceNumberByEmployeeId",
            seed::employee_id(2, 1),
        ),
        (
            "PostInitiatePayrollTaxReturnByPayrollAdministrationId",
            administration,
        ),
        ("GetMessageByPayrollTaxReturnId", tax),
        ("PostSendResponseMessageByUpaPensionDeclarationId", upa),
        (
            "GetWagePercentagesByAchmeaInsuranceContractId",
            seed::achmea_insurance_contract_id(2),
        ),
        (
            "GetJournalRunExportAuditTrailByJournalRunId",
            seed::journal_run_id(2, 6),
        ),
    ] {
        let query = json!({"activity": activity, "id": id});
        assert_eq!(
            answer(pair.a.lookup("probe", &query).await),
            json!({"denied": "Check::Entity", "activity": activity, "reason": elsewhere})
        );
        let asked = pair.front.asked();
        let about = asked.iter().any(|asked| asked.contains(&id.to_string()));
        assert!(!about, "{activity}: {asked:?}");
    }
    // Nor is a correction of another employer's declaration asked for.
    let query = json!({"activity": "PostInitiatePayrollTaxReturnByPayrollAdministrationId", "id": seed::payroll_administration_id(1), "corrects": tax});
    assert_eq!(
        answer(pair.a.lookup("probe", &query).await),
        json!({"not-found": tax})
    );
    let asked = pair.front.asked();
    assert!(
        asked.iter().all(|asked| asked.starts_with("GET ")),
        "{asked:?}"
    );
    assert_eq!(pair.b.denials().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refresh_token_of_b_rotates_and_a_used_one_ends_the_login() {
    let pair = probe().await;
    let kept = |pair: &Pair| {
        let file = std::fs::read(pair.a.dir.path().join("data/token.json")).unwrap();
        let file: Value = serde_json::from_slice(&file).unwrap();
        file["refresh-token"].as_str().unwrap().to_owned()
    };
    let check = async |pair: &Pair| pair.a.run("probe", ANNA, 1, Job::Check).await;
    check(&pair).await.outcome.unwrap();
    let first = kept(&pair);
    let pair = pair.restarted();
    check(&pair).await.outcome.unwrap();
    let second = kept(&pair);
    assert_ne!(first, second);
    // Whoever took the used one ends the login for both.
    let file = pair.a.dir.path().join("data/token.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(&second, &first)).unwrap();
    let pair = pair.restarted();
    let expected = "the host failed: the platform refused the refresh token (invalid_grant): authorize koppel there again, and put the new refresh token where [platform.loket] refresh-token says";
    assert_eq!(error(check(&pair).await), expected);
    std::fs::write(&file, text).unwrap();
    let pair = pair.restarted();
    assert_eq!(error(check(&pair).await), expected);
}
