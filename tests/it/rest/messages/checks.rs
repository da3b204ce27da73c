//! The five checks on consulting, and what they hide.

use super::super::{Answer, forbidden, issuing};
use super::{CONTENT, DENIALS, LIST, ONE, content, id, items, of_employer, one, sent};
use crate::harness::{all_activities, employer};
use koppel_host::platform::seed;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn each_check_that_can_deny_denies_consulting() {
    let sent = sent().await;
    let anna = sent.rest.token("anna").await;
    let list = sent.list(&anna, 1, "").await;
    let message = id(&items(&list)[8]).to_owned();
    let list = sent.list(&anna, 2, "").await;
    let of_another = id(&items(&list)[0]).to_owned();
    let paths = |of: usize, message: &str| {
        [
            (LIST, of_employer(of)),
            (ONE, one(message)),
            (CONTENT, content(message)),
            (
                DENIALS,
                format!("/providers/employers/{}/denials", employer(of)),
            ),
        ]
    };
    for (user, of, message, check) in [
        ("tim", 1, &message, "user"),
        ("rik", 1, &message, "role"),
        ("bas", 2, &of_another, "entity"),
        ("els", 2, &of_another, "entity"),
    ] {
        let token = sent.rest.token(user).await;
        for (activity, path) in paths(of, message) {
            let answer = sent.rest.get(&token, &path).await;
            let about = match activity {
                ONE | CONTENT => message.clone(),
                _ => employer(of).to_string(),
            };
            let (told, recorded) = match (check, user) {
                ("user", _) => (
                    format!("user \"tim\" has no right that gives {activity}"),
                    None,
                ),
                ("role", _) => (
                    format!("role \"reader\" has no right that gives {activity}"),
                    None,
                ),
                (_, "bas") => (
                    format!("there is no {about} that user \"bas\" may access"),
                    Some("user \"bas\" may not access this employer"),
                ),
                _ => (
                    format!("there is no {about} that user \"els\" may access"),
                    Some("user \"els\" belongs to another provider"),
                ),
            };
            assert_eq!(answer.with(403), forbidden(&told), "{user} {activity}");
            let recorded = recorded.map_or(told, ToOwned::to_owned);
            assert_eq!(
                sent.rest.denials().await.pop().unwrap(),
                (activity.to_owned(), check.to_owned(), recorded)
            );
        }
    }
    // Nothing of it needs a module: what was exchanged can be consulted after
    // the module was turned off.
    let els = sent.rest.token("els").await;
    assert_eq!(sent.list(&els, 4, "").await["totalSize"], 0);
    // The first check: the application.
    for (activity, path) in paths(1, &message) {
        assert_eq!(sent.rest.get(&anna, &path).await.status, 200);
        let all = all_activities();
        let less = all
            .replace(&format!("\"{activity}\", "), "")
            .replace(&format!(", \"{activity}\""), "");
        assert_ne!(all, less);
        sent.rest.reconfigure(&issuing("").replacen(&all, &less, 1));
        let reason = format!("client \"hr-portal\" was not granted {activity}");
        let answer = sent.rest.get(&anna, &path).await;
        assert_eq!(answer.with(403), forbidden(&reason));
        assert_eq!(
            sent.rest.denials().await.pop().unwrap(),
            (activity.to_owned(), "client".to_owned(), reason)
        );
        sent.rest.reconfigure(&issuing(""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_employers_message_cannot_be_told_from_none() {
    let sent = sent().await;
    let anna = sent.rest.token("anna").await;
    let list = sent.list(&anna, 2, "").await;
    let hidden = id(&items(&list)[0]).to_owned();
    assert_eq!(sent.rest.get(&anna, &one(&hidden)).await.status, 200);
    let bas = sent.rest.token("bas").await;
    let missing = "b14acd0d-75d7-8fc8-8b22-4a3924585cab";
    let same = |one: &Answer, id: &str, other: &Answer| {
        assert_eq!(one.status, 403);
        assert_eq!(one.status, other.status);
        assert_eq!(
            one.text().replace(id, "id"),
            other.text().replace(missing, "id")
        );
        let headers = |answer: &Answer| {
            let mut headers: Vec<_> = answer
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.len()))
                .collect();
            headers.sort();
            headers
        };
        assert_eq!(headers(one), headers(other));
    };
    for path in [one, content] {
        let none = sent.rest.get(&bas, &path(missing)).await;
        same(&sent.rest.get(&bas, &path(&hidden)).await, &hidden, &none);
        // Nor can another row of the ledger, even one of the own employer.
        let started = sent
            .row(|row| row.kind == "run-started" && row.context.employer == employer(1))
            .await;
        let started = started.id.to_string();
        same(&sent.rest.get(&bas, &path(&started)).await, &started, &none);
        let denial = sent.row(|row| row.kind == "denial").await.id.to_string();
        same(&sent.rest.get(&bas, &path(&denial)).await, &denial, &none);
    }
    // Not in a list of the own employer either.
    let own = sent.list(&bas, 1, "").await;
    assert_eq!(own["totalSize"], 9);
    assert!(!own.to_string().contains(&hidden));
    // No number tells how much else there is.
    assert!(!own.to_string().contains("seq"));
}

#[tokio::test(flavor = "multi_thread")]
async fn denials_are_those_of_the_employer() {
    let sent = sent().await;
    let (anna, bas) = (sent.rest.token("anna").await, sent.rest.token("bas").await);
    let run = seed::journal_run_id(2, 6);
    let path = format!("/providers/employers/payrolladministrations/journalruns/{run}");
    let asked = sent.rest.get(&bas, &path).await;
    asked.with(403);
    let denials =
        |of: usize, query: &str| format!("/providers/employers/{}/denials{query}", employer(of));
    // Whose it is sees who tried what, and why it was denied.
    let body = sent.rest.get(&anna, &denials(2, "")).await.with(200);
    let [denial] = &items(&body)[..] else {
        panic!("{body}");
    };
    assert_eq!(
        (&denial["user"], &denial["client"], &denial["check"]),
        (&json!("bas"), &json!("hr-portal"), &json!("entity"))
    );
    assert_eq!(denial["activity"], "GetJournalRunByJournalRunId");
    assert_eq!(
        denial["reason"],
        "user \"bas\" may not access this employer"
    );
    assert_eq!(denial["runId"], asked.header("x-request-id"));
    let of_run = format!("?runId={}&client=hr-portal", asked.header("x-request-id"));
    let filtered = sent.rest.get(&anna, &denials(2, &of_run)).await.with(200);
    assert_eq!(items(&filtered), std::slice::from_ref(denial));
    let none = sent.rest.get(&anna, &denials(2, "?client=none")).await;
    assert_eq!(none.with(200)["totalSize"], 0);
    // The own employer of who tried has nothing of it.
    let own = sent.rest.get(&bas, &denials(1, "")).await.with(200);
    assert_eq!(own["totalSize"], 0);
}
