mod declarations;
mod domains;
mod properties;

use super::envelope::{List, Message, MessageKind, Single};
use super::error::{Body, ErrorReply, Received, Refusal, UNAUTHORIZED};
use super::shared::{Amount, Day, Moment};
use super::{employers, journal_runs, payroll_runs, read, trade_register, vehicles};
use crate::bindings::koppel::loket::employers::Employer;
use crate::bindings::koppel::loket::journal_runs::{JournalLine, JournalRunStatus};
use crate::bindings::koppel::loket::types::{ActivityError, Check, Denial, Problem};
use crate::catalogue::id as activity;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[test]
fn amounts_are_exact_to_the_cent_or_refused() {
    for (text, cents) in [
        ("0", 0),
        ("-0", 0),
        ("0.00", 0),
        ("500.87", 50_087),
        ("-500.8", -50_080),
        ("2e4", 2_000_000),
        ("5.0087E+2", 50_087),
        ("0.29000", 29),
        ("92233720368547758.07", i64::MAX),
        ("-92233720368547758.08", i64::MIN),
    ] {
        assert_eq!(read::<Amount>(text.as_bytes()), Ok(Amount(cents)), "{text}");
    }
    for (text, problem) in [
        ("1.234", "1.234 has more than two decimals"),
        ("1e-3", "1e-3 has more than two decimals"),
        (
            "92233720368547758.08",
            "92233720368547758.08 is too large an amount",
        ),
        ("1e400", "1e400 is not an amount"),
        ("\"1.00\"", "\"1.00\" is not an amount"),
        ("null", "null is not an amount"),
        ("true", "true is not an amount"),
    ] {
        assert_eq!(
            read::<Amount>(text.as_bytes()).unwrap_err().problem,
            problem,
            "{text}"
        );
    }
    let written = serde_json::to_string(&[Amount(50_087), Amount(-50), Amount(200_000)]).unwrap();
    assert_eq!(written, "[500.87,-0.5,2000]");
}

#[test]
fn a_reply_of_another_shape_is_refused_with_the_place() {
    let line = json!({
        "generalLedgerAccount": {"code": "4001", "description": "Lonen"},
        "payrollComponent": {"key": 1, "description": "Brutoloon"},
        "debetAmount": 1.005, "creditAmount": 0,
    });
    let page = |line: &Value| json!({"currentPage": 1, "pageSize": 250, "totalPages": 1, "totalSize": 1, "_embedded": [line]});
    let refused = |value: Value| {
        let bytes = serde_json::to_vec(&value).unwrap();
        let error = read::<List<journal_runs::JournalLine>>(&bytes).unwrap_err();
        error.to_string()
    };
    let without_position = |text: String| text.split(" at line ").next().unwrap().to_owned();
    assert_eq!(
        without_position(refused(page(&line))),
        "_embedded[0].debetAmount: 1.005 has more than two decimals"
    );
    let mut both = line.clone();
    both["debetAmount"] = json!(1);
    both["creditAmount"] = json!(1);
    assert_eq!(
        without_position(refused(page(&both))),
        "_embedded[0]: has both a debetAmount and a creditAmount"
    );
    assert_eq!(
        read::<journal_runs::Status>(b"{\"key\":8,\"value\":\"?\"}")
            .unwrap_err()
            .problem,
        "8 is not a status of a journal run (0 to 7)"
    );
    assert_eq!(
        read::<super::shared::Period>(b"{\"year\":2025,\"periodNumber\":13}")
            .unwrap_err()
            .problem,
        "needs periodStartDate and periodEndDate: it is no calendar month"
    );
    assert!(read::<Amount>(b"1 2").is_err(), "nothing may follow");
}

#[test]
fn dates_and_moments_take_the_form_of_the_contract() {
    assert_eq!(
        read::<Day>(b"\"2025-10-15T13:53:59.533Z\"").unwrap(),
        Day("2025-10-15".to_owned())
    );
    assert_eq!(
        read::<Moment>(b"\"2025-10-15T15:53:59+02:00\"").unwrap(),
        Moment("2025-10-15T13:53:59Z".to_owned())
    );
    assert!(read::<Moment>(b"\"2025-10-15T15:53:59\"").is_err());
    let period = read::<super::shared::Period>(b"{\"year\":2024,\"periodNumber\":2}").unwrap();
    assert_eq!(period.period_end_date, Day("2024-02-29".to_owned()));
}

fn received(status: u16, body: &Value) -> ActivityError {
    let body = body.to_string();
    Received {
        activity: activity::GetJournalRunByJournalRunId,
        id: "the id",
        status,
        retry_after: Some(7),
        body: body.as_bytes(),
    }
    .into_error()
}

fn denied(reason: &str) -> ActivityError {
    ActivityError::Denied(Denial {
        check: Check::Entity,
        activity: "GetJournalRunByJournalRunId".to_owned(),
        reason: reason.to_owned(),
    })
}

#[test]
fn every_error_survives_but_for_the_check_of_a_denial() {
    let problem = |code, description: &str| Problem {
        code,
        description: description.to_owned(),
        properties: vec!["pageSize".to_owned()],
    };
    let kept = [
        ActivityError::NotFound("the id".to_owned()),
        ActivityError::Invalid(vec![problem(400, "one"), problem(83, "two")]),
        ActivityError::Conflict("its status is 7".to_owned()),
        ActivityError::Unavailable(Some(7)),
    ];
    for error in kept {
        let reply = ErrorReply::from(error.clone());
        let body = serde_json::to_value(&reply.body).unwrap();
        assert_eq!(received(reply.status, &body), error);
    }
    let reply = ErrorReply::from(ActivityError::Other("the disk is full".to_owned()));
    let body = serde_json::to_value(&reply.body).unwrap();
    assert_eq!(
        received(reply.status, &body),
        ActivityError::Other("the platform answered 500: the disk is full".to_owned())
    );
    let reply = ErrorReply::from(denied("module \"journal\" is off"));
    let body = serde_json::to_value(&reply.body).unwrap();
    assert_eq!(
        body,
        json!({"message": "Insufficient rights for this request, reason \"module \"journal\" is off\""})
    );
    assert_eq!(
        received(403, &body),
        denied("the platform refused: module \"journal\" is off")
    );
}

#[test]
fn an_error_without_a_usable_body_is_still_an_error() {
    assert_eq!(
        received(403, &json!("no")),
        denied("the platform refused: without a reason")
    );
    assert_eq!(
        received(400, &json!({})),
        ActivityError::Invalid(vec![Problem {
            code: 400,
            description: "the platform refused the request without saying why".to_owned(),
            properties: Vec::new(),
        }])
    );
    assert_eq!(
        received(502, &Value::Null),
        ActivityError::Other("the platform answered 502: without a message".to_owned())
    );
    let long = json!({"message": format!("a\u{1b}[31mb{}", "x".repeat(10_000))});
    let ActivityError::Denied(denial) = received(403, &long) else {
        panic!("not denied");
    };
    assert!(
        denial
            .reason
            .starts_with("the platform refused: a\u{fffd}[31mbxxx")
    );
    assert_eq!(
        denial.reason.chars().count(),
        "the platform refused: ".len() + 500
    );
}

/// Loket's own example of a reply.
fn example(operation: &str, status: &str) -> Option<Vec<u8>> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/formats/loket/examples.json");
    let Ok(text) = std::fs::read(&file) else {
        assert!(
            std::env::var_os("KOPPEL_REQUIRE_FORMATS").is_none(),
            "the reference data is missing"
        );
        eprintln!("skipped: the reference data is missing");
        return None;
    };
    let examples: Value = serde_json::from_slice(&text).unwrap();
    let media = examples[operation]["responses"][status]
        .as_object()
        .unwrap();
    let (media, body) = media.iter().next().unwrap();
    assert!(media.starts_with("application/json"), "{media}");
    Some(serde_json::to_vec(body).unwrap())
}

fn first<T: DeserializeOwned>(operation: &str) -> Option<T> {
    let mut list: List<T> = read(&example(operation, "200")?).unwrap_or_else(|error| {
        panic!("{operation}: {error}");
    });
    assert_eq!(
        (
            list.current_page,
            list.page_size,
            list.total_pages,
            list.total_size
        ),
        (2, 250, 3, 650)
    );
    assert_eq!(list.messages[0].kind, MessageKind::Warning);
    Some(list.embedded.remove(0))
}

#[test]
fn lokets_own_examples_of_replies_are_read() {
    const ID: &str = "b14acd0d-75d7-4fc8-8b22-4a3924585cab";
    let Some(employer) = first::<employers::Employer>("GetEmployersByUserId") else {
        return;
    };
    let employer = Employer::from(employer);
    assert_eq!(employer.company_name, "Voorbeeld B.V.");
    assert_eq!(
        (employer.house_number, employer.country.as_deref()),
        (Some(12), Some("NL"))
    );
    let run = first::<payroll_runs::PayrollRun>("GetPayrollRunsByPayrollAdministrationId");
    let run = run.unwrap().into_record("a".to_owned());
    assert_eq!(run.status.value, "Verloning goedgekeurd.");
    assert_eq!(run.payroll_period.period_end_date, "2023-02-28");
    let results = first::<payroll_runs::EmploymentResults>("GetPayrollRunResultsByPayrollRunId");
    let results = payroll_runs::flatten(vec![results.unwrap()]);
    assert_eq!((results.len(), results[0].value), (1, 4_000));
    let listed = first::<journal_runs::JournalRun>("GetJournalRunsByPayrollAdministrationId");
    let listed = listed.unwrap().into_record("a".to_owned());
    let one: Single<journal_runs::JournalRun> =
        read(&example("GetJournalRunByJournalRunId", "200").unwrap()).unwrap();
    let one = one.content.into_record("a".to_owned());
    assert_eq!(
        (one.status, one.sequence_number),
        (JournalRunStatus::Ready, 8)
    );
    assert_eq!((&one.id, &listed.id), (&ID.to_owned(), &ID.to_owned()));
    let line = first::<journal_runs::JournalLine>("GetJournalRunResultsByJournalRunId");
    let line = JournalLine::from(line.unwrap());
    assert_eq!((line.debit_amount, line.credit_amount), (50_087, 0));
    assert_eq!(line.payroll_component.value, "KINDEROPV.BEL");
    let error = first::<journal_runs::JournalRunError>("GetJournalRunErrorsByJournalRunId");
    assert_eq!(error.unwrap().payroll_employee_number, Some(202));
    let car: Single<vehicles::AdditionalTaxLiability> =
        read(&example("GetAdditionalTaxliabilityByLicensePlateNumber", "200").unwrap()).unwrap();
    assert_eq!(car.content.value_for_tax_purposes, Amount(2_000_000));
    let company = "GetCompanyInformationByChamberOfCommerceNumber";
    let company: Single<trade_register::CompanyInformation> =
        read(&example(company, "200").unwrap()).unwrap();
    let company = company.content.into_record("18124676".to_owned());
    assert_eq!(company.chamber_of_commerce_number, "18124676");
    assert_eq!(company.sbi.as_ref().unwrap().sbi_code, "0116");
    let postal = company.deviating_postal_address.as_ref().unwrap();
    assert_eq!(postal.po_box, Some(5000));
    assert_eq!(postal.postal_code.as_deref(), Some("1234AA"));
    assert_eq!(postal.country.as_deref(), Some("NL"));
    let written = trade_register::CompanyInformation::from(company.clone());
    let written = serde_json::to_vec(&written).unwrap();
    let again: trade_register::CompanyInformation = read(&written).unwrap();
    assert_eq!(again.into_record("18124676".to_owned()), company);
}

#[test]
fn lokets_own_examples_of_errors_are_read() {
    let operation = "GetJournalRunByJournalRunId";
    let Some(body) = example(operation, "403") else {
        return;
    };
    let received = |status, body: &[u8]| {
        Received {
            activity: activity::GetJournalRunByJournalRunId,
            id: "the id",
            status,
            retry_after: None,
            body,
        }
        .into_error()
    };
    assert_eq!(
        received(403, &body),
        denied(
            "the platform refused: User doesn't have rechten to perform activity for the given Id."
        )
    );
    assert_eq!(
        received(400, &example(operation, "400").unwrap()),
        ActivityError::Invalid(vec![Problem {
            code: 12,
            description: "Invalid value for <field>".to_owned(),
            properties: vec!["<string>".to_owned()],
        }])
    );
    let refusal: Refusal = read(&example(operation, "401").unwrap()).unwrap();
    assert_eq!(refusal.message, UNAUTHORIZED);
}

#[test]
fn what_is_written_has_lokets_envelope() {
    let page = List::new(vec![1], 2, 250, 650);
    assert_eq!(
        serde_json::to_value(&page).unwrap(),
        json!({
            "currentPage": 2, "pageSize": 250, "totalPages": 3, "totalSize": 650,
            "version": {"resourceVersion": "2018-01-01", "obsoleteDate": null},
            "messages": [], "_embedded": [1],
        })
    );
    assert_eq!(
        serde_json::to_value(Single::new(1)).unwrap(),
        json!({
            "version": {"resourceVersion": "2018-01-01", "obsoleteDate": null},
            "messages": [], "content": 1,
        })
    );
    let error = ErrorReply::from(ActivityError::NotFound("x".to_owned()));
    let Body::Failed(failed) = &error.body else {
        panic!("no envelope");
    };
    assert_eq!(
        failed.messages,
        [Message {
            code: 404,
            id: Some("x".to_owned()),
            kind: MessageKind::NotFound,
            description: "x does not exist".to_owned(),
            properties: Vec::new(),
        }]
    );
    assert_eq!(
        serde_json::to_value(&error.body).unwrap()["messages"][0]["type"],
        "NotFound"
    );
}
