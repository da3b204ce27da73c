//! The five checks on calls of the REST API, and their records.

use super::{Rest, failed, forbidden, issuing};
use crate::harness::{all_activities, employer};
use http::Method;
use koppel_host::platform::seed;
use serde_json::json;

const JOURNAL_RUNS: &str = "/providers/employers/payrolladministrations/journalruns";

fn journal_run(of: usize) -> String {
    format!("{JOURNAL_RUNS}/{}", seed::journal_run_id(of, 6))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_five_checks_can_deny_by_itself_and_is_in_the_ledger() {
    let rest = Rest::new().await;
    let anna = rest.token("anna").await;
    let run = rest.get(&anna, &journal_run(1)).await.with(200);
    assert_eq!(run["content"]["id"], seed::journal_run_id(1, 6).to_string());

    let activity = "GetJournalRunByJournalRunId";
    let hidden = |of: usize, user: &str| {
        let id = seed::journal_run_id(of, 6);
        format!("there is no {id} that user \"{user}\" may access")
    };
    for (user, of, check, told, recorded) in [
        (
            "tim",
            1,
            "user",
            "user \"tim\" has no right that gives GetJournalRunByJournalRunId".to_owned(),
            None,
        ),
        (
            "rik",
            1,
            "role",
            "role \"reader\" has no right that gives GetJournalRunByJournalRunId".to_owned(),
            None,
        ),
        (
            "els",
            4,
            "module",
            "module \"journal\" is off for this employer and for its provider".to_owned(),
            None,
        ),
        (
            "bas",
            2,
            "entity",
            hidden(2, "bas"),
            Some("user \"bas\" may not access this employer"),
        ),
        (
            "els",
            1,
            "entity",
            hidden(1, "els"),
            Some("user \"els\" belongs to another provider"),
        ),
    ] {
        let token = rest.token(user).await;
        let answer = rest.get(&token, &journal_run(of)).await;
        assert_eq!(answer.with(403), forbidden(&told), "{user}");
        let recorded = recorded.map_or(told, ToOwned::to_owned);
        let last = rest.denials().await.pop().unwrap();
        assert_eq!(last, (activity.to_owned(), check.to_owned(), recorded));
    }
    // The first check: the application was not granted it.
    let without = all_activities().replace(&format!("\"{activity}\", "), "");
    rest.reconfigure(&issuing("").replace(&all_activities(), &without));
    let reason = "client \"hr-portal\" was not granted GetJournalRunByJournalRunId";
    assert_eq!(
        rest.get(&anna, &journal_run(1)).await.with(403),
        forbidden(reason)
    );
    let last = rest.denials().await.pop().unwrap();
    assert_eq!(
        last,
        (activity.to_owned(), "client".to_owned(), reason.to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_says_whose_and_for_which_employer_it_was() {
    let rest = Rest::new().await;
    let token = rest.token("tim").await;
    let answer = rest.get(&token, &journal_run(1)).await;
    let filter = koppel_host::ledger::Filter::default();
    let rows = rest.host.ledger().rows(filter).await.unwrap();
    let context = &rows.last().unwrap().context;
    assert_eq!(
        (context.client.as_str(), context.user.as_str()),
        ("hr-portal", "tim")
    );
    assert_eq!(context.employer, employer(1));
    assert_eq!(context.run.to_string(), answer.header("x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_works_for_all_employers_that_the_user_may_access() {
    let rest = Rest::new().await;
    let anna = rest.token("anna").await;
    for of in 1..=3 {
        let path = format!("/providers/employers/{}", employer(of));
        let content = &rest.get(&anna, &path).await.with(200)["content"];
        assert_eq!(content["id"], employer(of).to_string());
    }
    let ids = |body: serde_json::Value| {
        let items = body["_embedded"].as_array().unwrap().clone();
        items
            .into_iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = rest.get(&anna, "/providers/employers").await.with(200);
    assert_eq!(ids(all), [1, 2, 3].map(|of| employer(of).to_string()));
    for (user, of) in [("bas", 1), ("els", 4)] {
        let token = rest.token(user).await;
        let own = rest.get(&token, "/providers/employers").await.with(200);
        assert_eq!(ids(own), [employer(of).to_string()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_may_not_access_cannot_be_told_from_what_does_not_exist() {
    let rest = Rest::new().await;
    let bas = rest.token("bas").await;
    let nothing = "b14acd0d-75d7-4fc8-8b22-4a3924585cab";
    for (path, of_another) in [
        ("/providers/employers/{}", employer(2)),
        (
            "/providers/employers/{}/payrolladministrations",
            employer(2),
        ),
        ("/providers/employers/{}/authorizations", employer(4)),
        (
            "/providers/employers/payrolladministrations/journalruns/{}",
            seed::journal_run_id(2, 6),
        ),
        // Of an employer without the module, too.
        (
            "/providers/employers/payrolladministrations/journalruns/{}",
            seed::journal_run_id(4, 6),
        ),
        (
            "/providers/employers/payrolladministrations/payrollruns/{}/results",
            seed::payroll_run_id(2, 6),
        ),
    ] {
        let hidden = rest
            .get(&bas, &path.replace("{}", &of_another.to_string()))
            .await;
        let missing = rest.get(&bas, &path.replace("{}", nothing)).await;
        assert_eq!(hidden.status, missing.status, "{path}");
        assert_eq!(
            hidden.text().replace(&of_another.to_string(), "id"),
            missing.text().replace(nothing, "id")
        );
        assert_eq!(
            missing.with(403),
            forbidden(&format!(
                "there is no {nothing} that user \"bas\" may access"
            ))
        );
    }
    // Who lacks the right learns that, and no more.
    let tim = rest.token("tim").await;
    let path = format!("{JOURNAL_RUNS}/{nothing}");
    assert_eq!(
        rest.get(&tim, &path).await.with(403),
        forbidden("user \"tim\" has no right that gives GetJournalRunByJournalRunId")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_call_is_not_told_to_who_may_not_make_it() {
    let rest = Rest::new().await;
    let tim = rest.token("tim").await;
    let denied =
        |activity: &str| forbidden(&format!("user \"tim\" has no right that gives {activity}"));
    let path = format!("{JOURNAL_RUNS}/nonsense");
    assert_eq!(
        rest.get(&tim, &path).await.with(403),
        denied("GetJournalRunByJournalRunId")
    );
    let path = format!("{}/results?pageSize=0&filter=x", journal_run(1));
    assert_eq!(
        rest.get(&tim, &path).await.with(403),
        denied("GetJournalRunResultsByJournalRunId")
    );
    let patched = rest
        .json(&tim, Method::PATCH, &journal_run(1), &json!([]))
        .await;
    assert_eq!(patched.with(403), denied("PatchJournalRunByJournalRunId"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_for_one_employer_counts_there_only() {
    let rest = Rest::new().await;
    let rights = format!(
        "rights = [\"employers\"]\nemployer-rights.\"{}\" = [\"everything\"]\nemployers = \"all\"\n",
        employer(2)
    );
    let changed = issuing("").replacen(
        "rights = [\"employers\"]\nemployers = \"all\"\n",
        &rights,
        1,
    );
    rest.reconfigure(&changed);
    let tim = rest.token("tim").await;
    rest.get(&tim, &journal_run(2)).await.with(200);
    assert_eq!(
        rest.get(&tim, &journal_run(1)).await.with(403),
        forbidden("user \"tim\" has no right that gives GetJournalRunByJournalRunId")
    );
    // The look-up is about no employer: one where it is allowed is enough.
    let plate = "/rdwservices/additionaltaxliability?licensePlateNumber=11ZKZ3";
    rest.get(&tim, plate).await.with(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_user_is_refused_at_once_whatever_the_token_says() {
    let rest = Rest::new().await;
    let tokens = rest.log_in("anna").await;
    rest.get(&tokens.access, &journal_run(1)).await.with(200);
    rest.reconfigure(&issuing("").replacen(
        "id = \"anna\"\n",
        "id = \"anna\"\nblocked = true\n",
        1,
    ));
    assert_eq!(
        rest.get(&tokens.access, &journal_run(1)).await.with(403),
        forbidden("user \"anna\" is blocked")
    );
    assert_eq!(
        rest.refresh(&tokens.refresh).await.with(400),
        json!({"error": "invalid_grant", "error_description": "the user may not log in any more"})
    );
    // Unblocked, the same token is good again: it was the user, not the login.
    rest.reconfigure(&issuing(""));
    rest.get(&tokens.access, &journal_run(1)).await.with(200);
    assert_eq!(rest.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_or_application_that_was_removed_is_nobody() {
    let rest = Rest::new().await;
    let token = rest.token("bas").await;
    let gone = issuing("").replace("id = \"bas\"", "id = \"bas-2\"");
    rest.reconfigure(&gone);
    assert_eq!(rest.get(&token, &journal_run(1)).await.status, 401);
    let gone = issuing("").replace("[clients.hr-portal]", "[clients.other]");
    rest.reconfigure(&gone);
    assert_eq!(rest.get(&token, &journal_run(1)).await.status, 401);
    rest.reconfigure(&issuing(""));
    assert_eq!(rest.get(&token, &journal_run(1)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_activity_is_refused_on_the_next_call() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    rest.get(&token, &journal_run(1)).await.with(200);
    let without = issuing("").replace(
        "professional = [\"everything\"]",
        "professional = [\"employers\"]",
    );
    rest.reconfigure(&without);
    assert_eq!(
        rest.get(&token, &journal_run(1)).await.with(403),
        forbidden("role \"professional\" has no right that gives GetJournalRunByJournalRunId")
    );
    rest.get(&token, "/providers/employers").await.with(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_in_the_ledger_before_it_is_made() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    let change = json!({"action": "MarkAsProcessingFailed", "message": "no cost centre"});
    let run = rest
        .json(&token, Method::PATCH, &journal_run(1), &change)
        .await;
    assert_eq!(run.with(200)["content"]["journalRunStatus"]["key"], 6);
    let again = rest
        .json(&token, Method::PATCH, &journal_run(1), &change)
        .await;
    let id = seed::journal_run_id(1, 6);
    let body = again.with(409);
    assert_eq!(
        body,
        failed(
            409,
            "BrokenBusinessRule",
            &format!(
                "MarkAsProcessingFailed needs journal run {id} at status 4 to 5; its status is 6 (export failed)"
            ),
            &[]
        )
    );
    let filter = koppel_host::ledger::Filter {
        kinds: vec![koppel_host::ledger::Kind::ActivityWrite],
        ..Default::default()
    };
    let rows = rest.host.ledger().rows(filter).await.unwrap();
    assert_eq!(
        rows[0].summary,
        format!("MarkAsProcessingFailed journal run {id}: no cost centre")
    );
    assert_eq!(rows[0].context.client, "hr-portal");
}
