//! Every route: allowed, denied, malformed; what comes back, and pages.

use super::served::Served;
use super::{ACCEPT, MODULES, Rest, failed, forbidden, with_modules};
use http::Method;
use koppel_host::api::{Route, routes};
use koppel_host::catalogue::{Access, Activity, ROWS};
use koppel_host::platform::seed;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The path of a route, about this.
fn path(route: &Route, id: &str) -> String {
    let row = route.activity.row();
    let path = match route.path_parameter() {
        Some(name) => row.path.replace(&format!("{{{name}}}"), id),
        None => row.path.to_owned(),
    };
    match route.query_id {
        Some(name) => format!("{path}?{name}={id}"),
        None => path,
    }
}

/// Whether it is about something that has an identifier.
fn identified(route: &Route) -> bool {
    route.path_parameter().is_some() || route.query_id.is_some()
}

/// Activities that are not served: acts of a connector. A new one has a route;
/// this list only gets shorter.
const NOT_SERVED: &[&str] = &[
    "PostSendPayrollTaxReturnByPayrollTaxReturnId",
    "PostSendUpaPensionDeclarationByUpaPensionDeclarationId",
    "GetGeocodeByAddress",
    "PostAchmeaQuoteByEmployerId",
    "PostAchmeaInsuranceContractByEmployerId",
    "PostFleurtjedagQuoteByEmployerId",
    "PostFleurtjedagOrderByEmployerId",
];

#[test]
fn every_activity_has_a_route_and_every_route_an_activity() {
    let routed: Vec<&str> = routes().iter().map(|route| route.activity.id()).collect();
    let served: Vec<&str> = Activity::all()
        .map(Activity::id)
        .filter(|id| !NOT_SERVED.contains(id))
        .collect();
    assert_eq!(routed, served);
}

#[test]
fn a_resource_has_the_version_that_an_upstream_is_asked_for() {
    for route in routes() {
        let asked = koppel_host::wire::resource_version(route.activity);
        assert_eq!(route.versions[0], asked, "{}", route.activity);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_when_all_five_checks_are_green() {
    let served = Served::new().await;
    let rest = &served.rest;
    let token = rest.token("anna").await;
    for route in routes() {
        let id = route.activity.id();
        let answer = served
            .call(&token, &route, &path(&route, &served.good(id)))
            .await;
        assert_eq!(answer.header("expires"), "-1", "{id}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-request-id").len(), 36);
        if id == "GetMessageContentByMessageId" {
            assert_eq!(answer.header("content-type"), "application/octet-stream");
            assert_eq!(answer.body, b"<a/>");
            continue;
        }
        if id.starts_with("GetMessageBy") && id != "GetMessageByMessageId" {
            assert_eq!(answer.header("content-type"), "application/xml");
            assert_eq!(
                (answer.status.as_u16(), answer.text()),
                (200, "<a/>".to_owned())
            );
            continue;
        }
        assert_eq!(answer.header("content-type"), "application/json");
        if id.ends_with("JournalRunExportByJournalRunId") {
            // No connector is set up; see the tests of runs.
            assert_eq!(
                answer.problems(409),
                [format!(
                    "no connector was set up that performs {id} for this employer"
                )]
            );
            continue;
        }
        if id == "PostConnectorRunByEmployerId" {
            assert_eq!(
                answer.problems(409),
                ["no connector \"journal-xaf\" was set up that does this for this employer"]
            );
            continue;
        }
        let done = if id.starts_with("Post") { 202 } else { 200 };
        let body = answer.with(done);
        let version = route.versions.last().unwrap();
        assert_eq!(
            body["version"],
            json!({"resourceVersion": version, "obsoleteDate": null}),
            "{id}"
        );
        assert_eq!(body["messages"], json!([]));
        let expected = match id {
            "GetEmployersByUserId" => 3,
            "GetPayrollAdministrationsByEmployerId" => 1,
            // The months of 2025, and three of 2022.
            "GetPayrollRunsByPayrollAdministrationId" => 15,
            "GetJournalRunsByPayrollAdministrationId" => 12,
            "GetPayrollRunResultsByPayrollRunId"
            | "GetEmployeesByEmployerId"
            | "GetEmploymentsByEmployerId" => 14,
            "GetPayrollTaxReturnsByPayrollAdministrationId"
            | "GetUpaPensionDeclarationsByPayrollAdministrationId" => 2,
            // Of all employers of the user; a component sees that of its run.
            "GetAchmeaInsuranceContractsByUserId" => 2,
            "GetWagePercentagesByAchmeaInsuranceContractId" => 1,
            "GetJournalRunExportAuditTrailByJournalRunId" => 0,
            "GetJournalRunResultsByJournalRunId" => 14,
            "GetJournalRunErrorsByJournalRunId"
            | "GetDenialsByEmployerId"
            | "GetDenialsByUserId" => 0,
            "GetMessagesByEmployerId"
            | "GetConnectorRunsByEmployerId"
            | "GetMessagesByUserId"
            | "GetConnectorRunsByUserId"
            | "GetConnectorsByUserId" => 1,
            "GetExplanationsByEmployerId" => ROWS.len(),
            "GetModulesByEmployerId" => 5,
            "GetAuthorizationsByEmployerId" => with_modules(&MODULES).len(),
            "GetApplicationAuthorizationsByApplicationId" => {
                assert_eq!(body["_embedded"].as_array().unwrap().len(), ROWS.len());
                continue;
            }
            _ => {
                assert!(body["content"].is_object(), "{id}: {body}");
                continue;
            }
        };
        assert_eq!(
            (&body["totalSize"], &body["pageSize"], &body["currentPage"]),
            (&json!(expected), &json!(250), &json!(1)),
            "{id}"
        );
    }
    assert_eq!(rest.denials().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_denied_to_a_user_without_the_right() {
    let served = Served::new().await;
    let rest = &served.rest;
    let token = rest.token("tim").await;
    let mut denied = 0;
    for route in routes() {
        let id = route.activity.id();
        if id.starts_with("GetEmployer") {
            continue;
        }
        for about in [served.good(id), "nonsense".to_owned()] {
            let answer = served.call(&token, &route, &path(&route, &about)).await;
            let reason = format!("user \"tim\" has no right that gives {id}");
            assert_eq!(answer.with(403), forbidden(&reason));
            denied += 1;
        }
    }
    let recorded = rest.denials().await;
    assert_eq!(recorded.len(), denied);
    assert!(recorded.iter().all(|(_, check, _)| check == "user"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_what_is_no_identifier() {
    let served = Served::new().await;
    let rest = &served.rest;
    let token = rest.token("anna").await;
    for route in routes().into_iter().filter(identified) {
        let id = route.activity.id();
        let name = route.path_parameter().or(route.query_id).unwrap();
        let expected = match name {
            "licensePlateNumber" => {
                "must be six capitals or digits without hyphens, such as GP586D"
            }
            "chamberOfCommerceNumber" => "must be eight digits, such as 69599084",
            _ => "must be a UUID in hyphenated lower-case form",
        };
        for about in [
            "1",
            "B14ACD0D-75D7-4FC8-8B22-4A3924585CAB",
            "b14acd0d75d74fc88b224a3924585cab",
            "%27%20OR%201=1--",
            "..%2F..%2Fetc",
            "%00",
        ] {
            let answer = served.call(&token, &route, &path(&route, about)).await;
            assert_eq!(
                answer.with(400),
                failed(
                    400,
                    "BrokenBusinessRule",
                    &format!("{name}: {expected}"),
                    &[name]
                ),
                "{id} {about}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_needs_a_token_and_an_accept_with_a_version() {
    let served = Served::new().await;
    let rest = &served.rest;
    let token = rest.token("anna").await;
    for route in routes() {
        let row = route.activity.row();
        let path = format!("/v2{}", path(&route, &served.good(row.id)));
        let method = Method::from_bytes(row.method.as_bytes()).unwrap();
        let request = || rest.request(method.clone(), &path);
        let unauthorized = json!({"message": "Authorization has been denied for this request."});
        let answer = rest.send(request().header("accept", ACCEPT)).await;
        assert_eq!(answer.with(401), unauthorized);
        for accept in [
            "*/*",
            "application/json",
            "text/csv;version=2018-01-01",
            "application/json;version=2017-12-31",
        ] {
            let answer = rest
                .send(request().bearer_auth(&token).header("accept", accept))
                .await;
            let problems = answer.problems(400);
            assert!(problems[0].starts_with("Accept: "), "{problems:?}");
            assert!(
                problems[0].ends_with(&format!(
                    "the versions of this resource are {}",
                    route.versions.join(", ")
                )),
                "{problems:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_a_route_does_not_have_are_refused() {
    let served = Served::new().await;
    let rest = &served.rest;
    let token = rest.token("anna").await;
    for route in routes() {
        let path = path(&route, &served.good(route.activity.id()));
        let join = if path.contains('?') { '&' } else { '?' };
        let filtered = format!("{path}{join}filter=city+eq+'x'");
        let answer = served.call(&token, &route, &filtered).await;
        assert_eq!(
            answer.problems(400),
            ["filter: is not a parameter of this resource"]
        );
    }
    for (order, expected) in [
        ("-sequenceNumber", vec![]),
        (
            "sequenceNumber",
            vec!["orderBy: this list comes in the order \"-sequenceNumber\" only"],
        ),
    ] {
        let list = format!(
            "/providers/employers/payrolladministrations/{}/journalruns?orderBy={order}",
            seed::payroll_administration_id(1)
        );
        let answer = rest.get(&token, &list).await;
        match expected.as_slice() {
            [] => assert_eq!(answer.with(200)["totalSize"], 12),
            expected => assert_eq!(answer.problems(400), expected),
        }
    }
    let twice = "/providers/employers?pageSize=1&pageSize=2";
    assert_eq!(
        rest.get(&token, twice).await.problems(400),
        ["pageSize: is there more than once"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_by_number() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    let list = format!(
        "/providers/employers/payrolladministrations/{}/journalruns",
        seed::payroll_administration_id(1)
    );
    let page = async |query: &str| rest.get(&token, &format!("{list}{query}")).await;
    let ids = |body: &Value| {
        let items = body["_embedded"].as_array().unwrap().iter();
        items
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = ids(&page("").await.with(200));
    let mut pieces = Vec::new();
    for number in 1..=3 {
        let body = page(&format!("?pageNumber={number}&pageSize=5"))
            .await
            .with(200);
        assert_eq!(body["currentPage"], number);
        assert_eq!(
            (&body["totalPages"], &body["totalSize"]),
            (&json!(3), &json!(12))
        );
        pieces.push(ids(&body));
    }
    assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 2]);
    assert_eq!(pieces.concat(), all);
    let beyond = page("?pageNumber=4&pageSize=5").await.with(200);
    assert_eq!(
        (ids(&beyond), &beyond["totalSize"]),
        (Vec::new(), &json!(12))
    );
    assert_eq!(
        page("?pageNumber=0&pageSize=251").await.problems(400),
        [
            "pageNumber: must be a number from 1, not \"0\"",
            "pageSize: must be 1 to 250, not \"251\""
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn results_of_a_payroll_run_nest_by_employment() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    let run = seed::payroll_run_id(1, 6);
    let path = format!("/providers/employers/payrolladministrations/payrollruns/{run}/results");
    let body = rest.get(&token, &path).await.with(200);
    let items = body["_embedded"].as_array().unwrap();
    let employments: BTreeSet<&str> = items
        .iter()
        .map(|item| item["employmentId"].as_str().unwrap())
        .collect();
    assert_eq!(employments.len(), items.len());
    let results = |item: &Value| {
        let period = &item["payrollPeriods"][0];
        assert_eq!(period["payrollPeriod"]["periodNumber"], 6);
        period["payslipTypes"][0]["payrollComponentResults"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(items.iter().map(results).sum::<usize>(), 56);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_read_is_told_where() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    let path = format!(
        "/v2/providers/employers/payrolladministrations/journalruns/{}",
        seed::journal_run_id(1, 6)
    );
    let patch = || {
        rest.request(Method::PATCH, &path)
            .bearer_auth(&token)
            .header("accept", ACCEPT)
    };
    for (kind, body, problem) in [
        ("text/plain", "{}", "Content-Type: must be application/json"),
        (
            "application/json",
            "",
            ".: EOF while parsing a value at line 1 column 0",
        ),
        ("application/json", "[]", ".: must be an object"),
        (
            "application/json",
            "{}",
            ".: missing field `action` at line 1 column 2",
        ),
        (
            "application/json;version=2018-01-01",
            "{\"action\":\"Undo\"}",
            "action: unknown variant `Undo`, expected `MarkAsProcessed` or `MarkAsProcessingFailed` at line 1 column 16",
        ),
    ] {
        let answer = rest
            .send(patch().header("content-type", kind).body(body))
            .await;
        let problems = answer.problems(400);
        assert_eq!(problems, [problem], "{body}");
    }
    let large = "x".repeat((64 << 10) + 1);
    let answer = rest
        .send(
            patch()
                .header("content-type", "application/json")
                .body(large),
        )
        .await;
    assert_eq!(
        answer.with(413)["message"],
        "Failed to buffer the request body: length limit exceeded"
    );
    // None of it changed anything.
    let run = rest
        .get(&token, path.trim_start_matches("/v2"))
        .await
        .with(200);
    assert_eq!(run["content"]["journalRunStatus"]["key"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_so_in_json() {
    let rest = Rest::new().await;
    let nothing = rest.send(rest.request(Method::GET, "/v2/nothing")).await;
    assert_eq!(
        nothing.with(404),
        json!({"message": "there is nothing at /v2/nothing"})
    );
    let delete = rest
        .send(rest.request(Method::DELETE, "/v2/providers/employers"))
        .await;
    assert_eq!(
        delete.with(405),
        json!({"message": "/v2/providers/employers does not take DELETE"})
    );
    let token = rest.token("anna").await;
    let unknown = "/rdwservices/additionaltaxliability?licensePlateNumber=ZZ99ZZ";
    assert_eq!(
        rest.get(&token, unknown).await.with(404)["messages"][0],
        json!({"code": 404, "id": "ZZ99ZZ", "type": "NotFound", "description": "ZZ99ZZ does not exist", "properties": []})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_has_every_route_with_its_activity() {
    let rest = Rest::new().await;
    let document = rest
        .send(rest.request(Method::GET, "/openapi.json"))
        .await
        .with(200);
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], rest.url(""));
    let mut operations = 0;
    for route in routes() {
        let row = route.activity.row();
        let path = format!("/v2{}", row.path);
        let operation = &document["paths"][&path][row.method.to_ascii_lowercase()];
        assert_eq!(operation["operationId"], row.id);
        let names: Vec<&str> = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        for name in route.parameters().into_iter().chain(route.path_parameter()) {
            assert!(names.contains(&name), "{}: {names:?}", row.id);
        }
        let writes = row.access == Access::Write;
        assert_eq!(operation["requestBody"].is_object(), writes, "{}", row.id);
        operations += 1;
    }
    let found: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|path| path.as_object().unwrap().len())
        .sum();
    assert_eq!(found, operations);
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_finishes_what_it_began_before_it_stops() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    let slow = rest.get(&token, "/providers/employers");
    let answer = slow.await;
    assert_eq!(answer.status, 200);
    let url = rest.url("/openapi.json");
    rest.stop().await;
    assert!(super::http().get(url).send().await.is_err());
}
