//! Modules of an employer, seen and turned through an application.

use super::{Rest, forbidden};
use crate::harness::employer;
use http::Method;
use koppel_host::ledger::{Filter, Kind};
use serde_json::{Value, json};

/// The identifier of a module that is on by configuration.
pub(super) const ACHMEA: &str = "38068635-1dcb-50bf-af49-ab87f1ad6d18";

/// That of the module for flowers, which is off.
const FLEURTJEDAG: &str = "65b78c11-3131-5a0c-9189-c89ca72f62e5";

const JOURNAL: &str = "b7841603-7bf7-5a98-8c1f-1b187aeb8a1a";

fn path(of: usize) -> String {
    format!("/providers/employers/{}/modules", employer(of))
}

/// Whether each module is on for an employer, by name.
async fn enabled(rest: &Rest, token: &str, of: usize) -> Vec<(String, bool)> {
    let list = rest.get(token, &path(of)).await.with(200);
    let modules = list["_embedded"].as_array().unwrap().iter();
    let read = |module: &Value| {
        let name = module["description"].as_str().unwrap();
        (name.to_owned(), module["enabled"].as_bool().unwrap())
    };
    modules.map(read).collect()
}

/// Whether the user may order flowers for an employer.
async fn may_order(rest: &Rest, token: &str, of: usize) -> bool {
    let path = format!("/providers/employers/{}/authorizations", employer(of));
    let list = rest.get(token, &path).await.with(200);
    let mut activities = list["_embedded"].as_array().unwrap().iter();
    activities.any(|activity| activity["description"] == "PostFleurtjedagOrderByEmployerId")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_user_turns_a_module_and_it_works_at_once_for_that_employer() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    let off = [
        ("achmea", true),
        ("fleurtjedag", false),
        ("journal", true),
        ("payroll-tax-return", true),
        ("upa", true),
    ]
    .map(|(name, on)| (name.to_owned(), on));
    assert_eq!(enabled(&rest, &token, 1).await, off);
    assert!(!may_order(&rest, &token, 1).await);
    for (on, times) in [(true, 2), (false, 1)] {
        // Again changes nothing.
        for _ in 0..times {
            let change = json!([{"id": FLEURTJEDAG, "enabled": on}]);
            let answer = rest.json(&token, Method::PATCH, &path(1), &change).await;
            assert_eq!(answer.with(200)["content"], json!({}));
        }
        let mut expected = off.clone();
        expected[1].1 = on;
        assert_eq!(enabled(&rest, &token, 1).await, expected);
        assert_eq!(enabled(&rest, &token, 2).await, off, "another employer");
        assert_eq!(may_order(&rest, &token, 1).await, on);
    }
    let filter = Filter {
        kinds: vec![Kind::ActivityWrite],
        ..Filter::default()
    };
    let rows = rest.host.ledger().rows(filter).await.unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            format!(
                "{} {}: {}",
                row.context.client, row.context.user, row.summary
            )
        })
        .collect();
    let of = employer(1);
    assert_eq!(
        told,
        [
            format!("hr-portal anna: module \"fleurtjedag\" on for employer {of}"),
            format!("hr-portal anna: module \"fleurtjedag\" off for employer {of}"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employer_user_sees_the_modules_and_turns_none() {
    let rest = Rest::new().await;
    let token = rest.token("bas").await;
    let seen = enabled(&rest, &token, 1).await;
    let change = json!([{"id": FLEURTJEDAG, "enabled": true}]);
    let answer = rest.json(&token, Method::PATCH, &path(1), &change).await;
    let reason =
        "user \"bas\" is an employer user; only provider users may turn modules on and off";
    assert_eq!(answer.with(403), forbidden(reason));
    assert_eq!(enabled(&rest, &token, 1).await, seen);
    let denied = ("PatchModulesByEmployerId", "user", reason);
    let (activity, check, why) = rest.denials().await.pop().unwrap();
    assert_eq!((&*activity, &*check, &*why), denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_turned_is_named_and_nothing_is_turned() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    let before = enabled(&rest, &token, 1).await;
    let unknown = "b14acd0d-75d7-4fc8-8b22-4a3924585cab";
    for (change, status, problem) in [
        (
            json!([{"id": FLEURTJEDAG, "enabled": true}, {"id": unknown, "enabled": true}]),
            400,
            format!("[1].id: {unknown} is no module"),
        ),
        (
            json!([]),
            400,
            ".: must be 1 to 5 changes, not 0".to_owned(),
        ),
        (
            json!([{"id": FLEURTJEDAG}]),
            400,
            "[0]: missing field `enabled` at line 1 column 46".to_owned(),
        ),
        (
            json!({"id": FLEURTJEDAG, "enabled": true}),
            400,
            ".: must be an array".to_owned(),
        ),
        (
            json!([{"id": JOURNAL, "enabled": false}]),
            409,
            "module \"journal\" is on by configuration and cannot be turned off here".to_owned(),
        ),
    ] {
        let answer = rest.json(&token, Method::PATCH, &path(1), &change).await;
        assert_eq!(answer.problems(status), [problem]);
    }
    assert_eq!(enabled(&rest, &token, 1).await, before);
}
