//! Which activities are available: to the application, and to the user.

use super::{APPLICATION, MODULES, Rest, forbidden, issuing, with_modules};
use crate::harness::{all_activities, employer};
use http::Method;
use koppel_host::catalogue::ROWS;
use serde_json::{Value, json};

fn of_application() -> String {
    format!("/applications/{APPLICATION}/authorizations")
}

fn of_employer(of: usize) -> String {
    format!("/providers/employers/{}/authorizations", employer(of))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_sees_its_activities_and_what_they_need() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    let body = rest.get(&token, &of_application()).await.with(200);
    let items = body["_embedded"].as_array().unwrap();
    assert_eq!(items.len(), ROWS.len());
    let item = items
        .iter()
        .find(|item| item["activity"] == "GetJournalRunByJournalRunId")
        .unwrap();
    let named = |list: &str| {
        let all = item[list].as_array().unwrap();
        all.iter()
            .map(|one| one["description"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(item["displayName"], "One journal run.");
    assert_eq!(named("allowedRoles"), ["professional"]);
    assert_eq!(named("requiredEmployerModules"), ["journal"]);
    assert_eq!(named("requiredUserAuthorizations"), ["everything"]);
    assert_eq!(
        item["requiredUserAuthorizations"][0]["availableForEmployerUser"],
        true
    );
    let keys = |value: &Value| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&body), ["_embedded", "messages", "version"]);
    assert_eq!(
        keys(item),
        [
            "activity",
            "allowedRoles",
            "displayName",
            "id",
            "requiredEmployerModules",
            "requiredUserAuthorizations"
        ]
    );
    // The same identifiers the next time.
    assert_eq!(rest.get(&token, &of_application()).await.with(200), body);
    // What is taken away is not there any more.
    let less = all_activities().replace("\"GetJournalRunByJournalRunId\", ", "");
    rest.reconfigure(&issuing("").replace(&all_activities(), &less));
    let body = rest.get(&token, &of_application()).await.with(200);
    let items = body["_embedded"].as_array().unwrap();
    assert!(
        !items
            .iter()
            .any(|item| item["activity"] == "GetJournalRunByJournalRunId")
    );
    assert_eq!(items.len(), ROWS.len() - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_sees_no_other_application() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    let path = "/applications/b14acd0d-75d7-4fc8-8b22-4a3924585cab/authorizations";
    assert_eq!(
        rest.get(&token, path).await.with(403),
        forbidden("an application may ask for its own authorizations only")
    );
    assert_eq!(
        rest.get(&token, "/applications/hr-portal/authorizations")
            .await
            .problems(400),
        ["applicationId: must be a UUID in hyphenated lower-case form"]
    );
}

/// The activities of a user for an employer.
async fn available(rest: &Rest, token: &str, of: usize) -> Vec<String> {
    let body = rest.get(token, &of_employer(of)).await.with(200);
    let items = body["_embedded"].as_array().unwrap();
    assert_eq!(body["totalSize"], items.len());
    items
        .iter()
        .map(|item| item["description"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sees_what_the_checks_would_say() {
    let rest = Rest::new().await;
    let anna = rest.token("anna").await;
    assert_eq!(available(&rest, &anna, 1).await, with_modules(&MODULES));
    // Els's employer has no modules.
    let els = rest.token("els").await;
    assert_eq!(available(&rest, &els, 4).await, with_modules(&[]));
    for (user, reason) in [
        (
            "tim",
            "user \"tim\" has no right that gives GetAuthorizationsByEmployerId",
        ),
        (
            "rik",
            "role \"reader\" has no right that gives GetAuthorizationsByEmployerId",
        ),
    ] {
        let token = rest.token(user).await;
        assert_eq!(
            rest.get(&token, &of_employer(1)).await.with(403),
            forbidden(reason)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sees_them_in_the_shape_of_the_version_and_in_pages() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    let with = async |version: &str, query: &str| {
        let request = rest
            .request(Method::GET, &format!("/v2{}{query}", of_employer(1)))
            .bearer_auth(&token)
            .header("accept", format!("application/json;version={version}"));
        rest.send(request).await.with(200)
    };
    let old = with("2019-02-10", "?pageSize=2&pageNumber=2").await;
    assert_eq!(
        old["version"],
        json!({"resourceVersion": "2018-01-01", "obsoleteDate": null})
    );
    assert_eq!(
        old["_embedded"],
        json!([{"name": ROWS[2].id}, {"name": ROWS[3].id}])
    );
    assert_eq!(
        (&old["currentPage"], &old["pageSize"], &old["totalSize"]),
        (&json!(2), &json!(2), &json!(with_modules(&MODULES).len()))
    );
    let new = with("2019-02-11", "").await;
    assert_eq!(new["version"]["resourceVersion"], "2019-02-11");
    assert_eq!(new["_embedded"][0]["description"], ROWS[0].id);
    assert!(new["_embedded"][0]["id"].is_string());
}
