//! The five checks on runs, and what they hide.

use super::super::{Answer, forbidden};
use super::{CHANGE, EXACT, Kept, LIST, ONE, SUBMIT, booking, configured, id, of_employer, one};
use crate::harness::{all_activities, employer};
use http::Method;
use koppel_host::runs::Job;
use serde_json::json;

impl Kept {
    /// One of the operations, on an employer or a run of it.
    async fn perform(&self, activity: &str, token: &str, of: usize, run: &str) -> Answer {
        let body = json!({"client": EXACT, "job": {"kind": "check"}});
        match activity {
            LIST => self.rest.get(token, &of_employer(of)).await,
            ONE => self.rest.get(token, &one(run)).await,
            SUBMIT => self.submit(token, of, "a key", &body).await,
            CHANGE => {
                let cancel = json!({"action": "cancel", "reason": "a test"});
                self.change(token, run, &cancel).await
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_check_that_can_deny_denies_it() {
    let kept = Kept::new().await;
    let run = kept.operators(EXACT, 1, Job::Check, "1").await.to_string();
    let of_another = kept.operators(EXACT, 2, Job::Check, "1").await.to_string();
    for (user, of, run, check) in [
        ("tim", 1, &run, "user"),
        ("rik", 1, &run, "role"),
        ("bas", 2, &of_another, "entity"),
        ("els", 2, &of_another, "entity"),
    ] {
        let token = kept.rest.token(user).await;
        for activity in [LIST, ONE, SUBMIT, CHANGE] {
            let about = match activity {
                ONE | CHANGE => run.clone(),
                _ => employer(of).to_string(),
            };
            let hidden = || format!("there is no {about} that user \"{user}\" may access");
            let (told, recorded) = match user {
                "tim" => (
                    format!("user \"tim\" has no right that gives {activity}"),
                    None,
                ),
                "rik" => (
                    format!("role \"reader\" has no right that gives {activity}"),
                    None,
                ),
                "bas" => (hidden(), Some("user \"bas\" may not access this employer")),
                _ => (hidden(), Some("user \"els\" belongs to another provider")),
            };
            let answer = kept.perform(activity, &token, of, run).await;
            assert_eq!(answer.with(403), forbidden(&told), "{user} {activity}");
            let recorded = recorded.map_or(told, ToOwned::to_owned);
            assert_eq!(
                kept.rest.denials().await.pop().unwrap(),
                (activity.to_owned(), check.to_owned(), recorded)
            );
        }
    }
    let state = kept.rest.host.kept_run(run.parse().unwrap()).await;
    assert_eq!(state.unwrap().unwrap().state.name(), "queued");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_activity_is_denied_on_the_next_call() {
    let kept = Kept::new().await;
    let anna = kept.rest.token("anna").await;
    let run = id(&kept.submit(&anna, 1, "june", &booking(6)).await.with(202));
    let all = all_activities();
    for activity in [LIST, ONE, SUBMIT, CHANGE] {
        let allowed = kept.perform(activity, &anna, 1, &run).await;
        assert!(allowed.status.is_success(), "{}", allowed.text());
        let less = all
            .replace(&format!("\"{activity}\", "), "")
            .replace(&format!(", \"{activity}\""), "");
        assert_ne!(all, less);
        kept.rest
            .reconfigure(&configured(&kept.party).replacen(&all, &less, 1));
        let reason = format!("client \"hr-portal\" was not granted {activity}");
        let answer = kept.perform(activity, &anna, 1, &run).await;
        assert_eq!(answer.with(403), forbidden(&reason));
        assert_eq!(
            kept.rest.denials().await.pop().unwrap(),
            (activity.to_owned(), "client".to_owned(), reason)
        );
        kept.rest.reconfigure(&configured(&kept.party));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_employers_run_cannot_be_told_from_none() {
    let kept = Kept::new().await;
    let hidden = kept.operators(EXACT, 2, Job::Check, "1").await.to_string();
    let missing = "0195f0a1-4c5e-7a2b-9c3d-0123456789ab";
    let bas = kept.rest.token("bas").await;
    for activity in [ONE, CHANGE] {
        let known = kept.perform(activity, &bas, 1, &hidden).await;
        let none = kept.perform(activity, &bas, 1, missing).await;
        assert_eq!((known.status.as_u16(), none.status.as_u16()), (403, 403));
        assert_eq!(
            known.text().replace(&hidden, "id"),
            none.text().replace(missing, "id")
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
        assert_eq!(headers(&known), headers(&none));
    }
    // What is wrong with a call is not told to those who may not make it.
    let tim = kept.rest.token("tim").await;
    let answer = kept.change(&tim, &hidden, &json!({"action": "x"})).await;
    assert_eq!(
        answer.with(403),
        forbidden(&format!("user \"tim\" has no right that gives {CHANGE}"))
    );
    let path = of_employer(1);
    let answer = kept.rest.json(&tim, Method::POST, &path, &json!([])).await;
    assert_eq!(
        answer.with(403),
        forbidden(&format!("user \"tim\" has no right that gives {SUBMIT}"))
    );
    // Not in a list of the own employer either.
    let own = kept.rest.get(&bas, &of_employer(1)).await.with(200);
    assert_eq!(own["totalSize"], 0);
}
