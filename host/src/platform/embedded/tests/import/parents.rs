//! What is refused because of what it belongs to.

use super::*;

#[tokio::test]
async fn an_identifier_that_belongs_to_another_parent_is_refused() {
    let data = Data::seeded().await;
    for (place, id, problem) in [
        (
            format!("{EMPLOYERS}._embedded[0]"),
            seed::employer_id(4),
            "employer {id} belongs to another provider",
        ),
        (
            format!("{ADMINISTRATIONS}._embedded[0]"),
            seed::payroll_administration_id(1),
            "payroll administration {id} belongs to another employer",
        ),
        (
            format!("{PAYROLL_RUNS}._embedded[0]"),
            seed::payroll_run_id(1, 1),
            "payroll run {id} belongs to another payroll administration",
        ),
        (
            format!("{JOURNAL_RUNS}._embedded[0]"),
            seed::journal_run_id(1, 1),
            "journal run {id} belongs to another payroll administration",
        ),
    ] {
        let problem = problem.replace("{id}", &id.to_string());
        assert_eq!(
            refused(&data, &with(&format!("{place}.id"), json!(id))).await,
            format!("$.{place}: {problem}")
        );
    }
}

#[tokio::test]
async fn two_runs_of_one_period_and_sequence_number_are_refused() {
    let data = Data::seeded().await;
    for (list, what) in [(PAYROLL_RUNS, "payroll run"), (JOURNAL_RUNS, "journal run")] {
        let mut file = file();
        let mut second = file[list]["_embedded"][0].clone();
        let id = Uuid::from_u128(9);
        second["id"] = json!(id);
        let items = &mut file[list]["_embedded"];
        items.as_array_mut().unwrap().push(second);
        assert_eq!(
            refused(&data, &file).await,
            format!(
                "$.{list}._embedded[1]: {what} {id} has the period and sequence number of another one"
            )
        );
    }
}

#[tokio::test]
async fn a_parent_that_is_not_in_the_file_must_be_named() {
    let data = Data::seeded().await;
    for (list, parameter) in [
        (ADMINISTRATIONS, "employerId"),
        (PAYROLL_RUNS, "payrollAdministrationId"),
        (PAYROLL_RUN_RESULTS, "payrollrunId"),
        (JOURNAL_RUNS, "payrollAdministrationId"),
        (JOURNAL_LINES, "journalrunId"),
        (JOURNAL_RUN_ERRORS, "journalrunId"),
    ] {
        let alone = json!({list: file()[list]});
        assert_eq!(
            refused(&data, &alone).await,
            format!(
                "$.{list}: add \"parameters\": {{\"{parameter}\": \"…\"}}; the file holds none"
            )
        );
    }
}

#[tokio::test]
async fn of_several_parents_in_the_file_one_must_be_named() {
    let data = Data::seeded().await;
    for (parents, list, parameter) in [
        (EMPLOYERS, ADMINISTRATIONS, "employerId"),
        (ADMINISTRATIONS, PAYROLL_RUNS, "payrollAdministrationId"),
        (PAYROLL_RUNS, PAYROLL_RUN_RESULTS, "payrollrunId"),
        (JOURNAL_RUNS, JOURNAL_LINES, "journalrunId"),
    ] {
        let mut file = file();
        let mut second = file[parents]["_embedded"][0].clone();
        second["id"] = json!(Uuid::from_u128(9));
        second["sequenceNumber"] = json!(2);
        let items = &mut file[parents]["_embedded"];
        items.as_array_mut().unwrap().push(second);
        assert_eq!(
            refused(&data, &file).await,
            format!("$.{list}: add \"parameters\": {{\"{parameter}\": \"…\"}}; the file holds 2")
        );
    }
}

#[tokio::test]
async fn a_parameter_must_be_the_uuid_of_something_that_exists() {
    let data = Data::seeded().await;
    let unknown = Uuid::from_u128(9);
    for (list, parameter, what) in [
        (ADMINISTRATIONS, "employerId", "employer"),
        (
            PAYROLL_RUNS,
            "payrollAdministrationId",
            "payroll administration",
        ),
        (PAYROLL_RUN_RESULTS, "payrollrunId", "payroll run"),
        (
            JOURNAL_RUNS,
            "payrollAdministrationId",
            "payroll administration",
        ),
        (JOURNAL_LINES, "journalrunId", "journal run"),
        (JOURNAL_RUN_ERRORS, "journalrunId", "journal run"),
    ] {
        let mut file = file();
        file[list]["parameters"] = json!({parameter: "x"});
        assert_eq!(
            refused(&data, &file).await,
            format!("$.{list}: parameters.{parameter} \"x\" is not a UUID")
        );
        file[list]["parameters"] = json!({parameter: unknown});
        assert_eq!(
            refused(&data, &file).await,
            format!("$.{list}: there is no {what} {unknown}")
        );
    }
}

#[tokio::test]
async fn the_same_parent_under_another_parent_of_the_file_is_refused() {
    // What was imported for one administration does not move to another.
    let data = Data::seeded().await;
    data.import(&file()).await.unwrap();
    let administration = seed::payroll_administration_id(1);
    for (list, what, id) in [
        (PAYROLL_RUNS, "payroll run", PAYROLL_RUN),
        (JOURNAL_RUNS, "journal run", JOURNAL_RUN),
    ] {
        let mut file = file();
        file[list]["parameters"] = json!({"payrollAdministrationId": administration});
        assert_eq!(
            refused(&data, &file).await,
            format!("$.{list}._embedded[0]: {what} {id} belongs to another payroll administration")
        );
    }
    let mut file = file();
    file[ADMINISTRATIONS]["parameters"] = json!({"employerId": seed::employer_id(1)});
    assert_eq!(
        refused(&data, &file).await,
        format!(
            "$.{ADMINISTRATIONS}._embedded[0]: payroll administration {ADMINISTRATION} belongs to another employer"
        )
    );
}
