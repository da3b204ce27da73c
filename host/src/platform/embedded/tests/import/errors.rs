//! Values that are refused, each with its place.

use super::*;

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let data = Data::seeded().await;
    for (json, why) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("<xml/>", "expected value at line 1 column 1"),
        ("{\"a\": 1,}", "trailing comma at line 1 column 9"),
        ("{} {}", "trailing characters at line 1 column 4"),
    ] {
        let imported = data.embedded.import_json(json.as_bytes(), EMPLOYER);
        let error = imported.await.unwrap_err();
        assert_eq!(error, ImportError::Json(why.to_owned()));
        assert_eq!(error.to_string(), format!("not JSON: {why}"));
    }
}

#[tokio::test]
async fn a_file_that_is_no_object_of_replies_is_refused() {
    let data = Data::seeded().await;
    for (file, error) in [
        (json!([]), "$: is not an object keyed by operationId"),
        (json!("x"), "$: is not an object keyed by operationId"),
        (
            json!({EMPLOYERS: 5}),
            "$.GetEmployersByUserId: has neither a list \"_embedded\" nor an object \"content\"",
        ),
        (
            json!({EMPLOYERS: [{"_embedded": []}, {"_embedded": {}}]}),
            "$.GetEmployersByUserId[1]: has neither a list \"_embedded\" nor an object \"content\"",
        ),
        (
            json!({EMPLOYERS: {"responses": {"200": {"application/json;version=2018-01-01": {"_embedded": [{}]}}}}}),
            "$.GetEmployersByUserId.responses.200[\"application/json;version=2018-01-01\"]._embedded[0].id: is missing",
        ),
        (
            json!({VEHICLES: {"content": 5}}),
            "$.GetAdditionalTaxliabilityByLicensePlateNumber.content.additionalTaxLiabilityGroup: is missing",
        ),
    ] {
        assert_eq!(refused(&data, &file).await, error);
    }
}

#[tokio::test]
async fn a_member_that_is_missing_or_null_is_named() {
    let data = Data::seeded().await;
    let result = format!("{PAYROLL_RUN_RESULTS}._embedded[0]");
    let component =
        format!("{result}.payrollPeriods[0].payslipTypes[0].payrollComponentResults[0]");
    let members: [(&str, &[&str]); 7] = [
        (EMPLOYERS, &["id", "employerNumber", "companyName"]),
        (ADMINISTRATIONS, &["id", "name"]),
        (
            PAYROLL_RUNS,
            &[
                "id",
                "payrollPeriod",
                "payrollPeriod.year",
                "payrollPeriod.periodNumber",
                "payrollRunStatus",
                "payrollRunStatus.key",
                "sequenceNumber",
            ],
        ),
        (
            PAYROLL_RUN_RESULTS,
            &[
                "employmentId",
                "payrollPeriods",
                "payrollPeriods[0].payslipTypes",
                "payrollPeriods[0].payslipTypes[0].payrollComponentResults",
            ],
        ),
        (
            JOURNAL_RUNS,
            &[
                "id",
                "journalRunStatus",
                "journalRunStatus.key",
                "payrollRun",
                "payrollRun.payrollRunId",
                "payrollRun.payrollPeriod",
                "sequenceNumber",
            ],
        ),
        (
            JOURNAL_LINES,
            &[
                "generalLedgerAccount",
                "generalLedgerAccount.code",
                "generalLedgerAccount.description",
                "costCenter.code",
                "costUnit.description",
                "payrollComponent",
                "payrollComponent.key",
                "debetAmount",
                "creditAmount",
            ],
        ),
        (
            JOURNAL_RUN_ERRORS,
            &["id", "payrollComponent", "error", "error.key"],
        ),
    ];
    let mut places: Vec<String> = members
        .iter()
        .flat_map(|(list, members)| {
            let place = move |member: &&str| format!("{list}._embedded[0].{member}");
            members.iter().map(place)
        })
        .collect();
    for member in [
        "payrollComponent",
        "payrollComponent.key",
        "payrollComponent.column",
        "value",
    ] {
        places.push(format!("{component}.{member}"));
    }
    for member in [
        "licensePlateNumber",
        "additionalTaxLiabilityGroup",
        "dateOfFirstAdmission",
        "valueForTaxPurposes",
    ] {
        places.push(format!("{VEHICLES}.content.{member}"));
    }
    for place in places {
        let null = with(&place, Json::Null);
        assert_eq!(
            refused(&data, &null).await,
            format!("$.{place}: is missing")
        );
        let mut absent = null;
        let (parent, member) = place.rsplit_once('.').unwrap();
        let pointer = parent.replace(['.', '['], "/").replace(']', "");
        let parent = absent.pointer_mut(&format!("/{pointer}")).unwrap();
        parent.as_object_mut().unwrap().remove(member).unwrap();
        assert_eq!(
            refused(&data, &absent).await,
            format!("$.{place}: is missing")
        );
    }
}

#[tokio::test]
async fn a_text_may_be_called_value_or_description_but_must_be_there() {
    let data = Data::seeded().await;
    let place = format!("{PAYROLL_RUNS}._embedded[0].payrollRunStatus");
    assert_eq!(
        refused(&data, &with(&place, json!({"key": 9}))).await,
        format!("$.{place}.description: is missing")
    );
}

#[tokio::test]
async fn a_value_of_the_wrong_sort_is_shown_with_what_it_should_be() {
    let data = Data::seeded().await;
    let line = format!("{JOURNAL_LINES}._embedded[1]");
    let period = format!("{JOURNAL_RUNS}._embedded[0].payrollRun.payrollPeriod");
    for (place, value, problem) in [
        (
            format!("{EMPLOYERS}._embedded[0].id"),
            json!("b14acd0d"),
            "\"b14acd0d\" is not a UUID",
        ),
        (
            format!("{PAYROLL_RUN_RESULTS}._embedded[0].employmentId"),
            json!(7),
            "7 is not a UUID",
        ),
        (
            format!("{JOURNAL_RUNS}._embedded[0].payrollRun.payrollRunId"),
            json!(""),
            "\"\" is not a UUID",
        ),
        (
            format!("{EMPLOYERS}._embedded[0].employerNumber"),
            json!(-1),
            "-1 is not a whole number of 0 or more",
        ),
        (
            format!("{EMPLOYERS}._embedded[0].address.houseNumber"),
            json!("12a"),
            "\"12a\" is not a whole number of 0 or more",
        ),
        (
            format!("{PAYROLL_RUNS}._embedded[0].sequenceNumber"),
            json!(1.5),
            "1.5 is not a whole number of 0 or more",
        ),
        (
            format!("{JOURNAL_RUNS}._embedded[0].sequenceNumber"),
            json!(4_294_967_296_u64),
            "4294967296 is not a whole number of 0 or more",
        ),
        (
            format!("{EMPLOYERS}._embedded[0].companyName"),
            json!(["x"]),
            "[\"x\"] is not a text",
        ),
        (
            format!("{line}.generalLedgerAccount.code"),
            json!(1700),
            "1700 is not a text",
        ),
        (
            format!("{PAYROLL_RUNS}._embedded[0].approvalTime"),
            json!("2025-10-15"),
            "\"2025-10-15\" is not a moment",
        ),
        (
            format!("{period}.periodStartDate"),
            json!("2025-02-29T00:00:00Z"),
            "\"2025-02-29T00:00:00Z\" is not a date",
        ),
        (
            format!("{PAYROLL_RUN_RESULTS}._embedded[0].payrollPeriods"),
            json!({}),
            "{} is not a list",
        ),
        (
            format!("{line}.debetAmount"),
            json!("500.87"),
            "\"500.87\" is not an amount",
        ),
        (
            format!("{line}.debetAmount"),
            json!(500.875),
            "500.875 has more than two decimals",
        ),
        (
            format!("{line}.creditAmount"),
            json!(-0.001),
            "-0.001 has more than two decimals",
        ),
        (
            format!("{line}.creditAmount"),
            json!(1e-7),
            "1e-7 is not an amount",
        ),
        (
            format!("{line}.creditAmount"),
            json!(0.1 + 0.2),
            "0.30000000000000004 has more than two decimals",
        ),
        (
            format!("{line}.creditAmount"),
            json!(1_000_000_000_000_i64),
            "1000000000000 is not an amount below 1,000,000,000,000",
        ),
        (
            format!("{line}.creditAmount"),
            json!(-1e300),
            "-1e+300 is not an amount below 1,000,000,000,000",
        ),
        (
            format!("{VEHICLES}.content.valueForTaxPurposes"),
            json!(20000.001),
            "20000.001 has more than two decimals",
        ),
    ] {
        assert_eq!(
            refused(&data, &with(&place, value)).await,
            format!("$.{place}: {problem}")
        );
    }
}

#[tokio::test]
async fn a_line_with_both_debit_and_credit_is_refused() {
    let data = Data::seeded().await;
    let place = format!("{JOURNAL_LINES}._embedded[1]");
    assert_eq!(
        refused(&data, &with(&format!("{place}.debetAmount"), json!(0.01))).await,
        format!("$.{place}: has both a debetAmount and a creditAmount")
    );
}

#[tokio::test]
async fn an_unknown_status_is_refused() {
    let data = Data::seeded().await;
    let place = format!("{JOURNAL_RUNS}._embedded[0].journalRunStatus.key");
    for status in [8, 4_294_967_295_u32] {
        assert_eq!(
            refused(&data, &with(&place, json!(status))).await,
            format!("$.{place}: is not a status of a journal run (0 to 7)")
        );
    }
}

#[tokio::test]
async fn a_period_that_is_no_month_needs_its_dates() {
    let data = Data::seeded().await;
    let place = format!("{PAYROLL_RUNS}._embedded[0].payrollPeriod");
    for period in [
        json!({"year": 2025, "periodNumber": 13}),
        json!({"year": 2025, "periodNumber": 0}),
        json!({"year": 10_000, "periodNumber": 1}),
        // One date is not enough.
        json!({"year": 2025, "periodNumber": 13, "periodStartDate": "2025-12-01"}),
    ] {
        assert_eq!(
            refused(&data, &with(&place, period)).await,
            format!("$.{place}: needs periodStartDate and periodEndDate: it is no calendar month")
        );
    }
}
