//! Submitting runs.

use super::super::forbidden;
use super::{EXACT, Kept, SUBMIT, TAX, XAF, booking, configured, id, of_employer};
use crate::cli::{json as output, koppel};
use crate::harness::employer;
use http::Method;
use koppel_host::ledger::{Filter, Kind};
use koppel_host::platform::seed;
use koppel_host::runs::Job;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_submitted_under_a_key_is_one_run_that_is_made_once() {
    let kept = Kept::new().await;
    let token = kept.rest.token("anna").await;
    let first = kept.submit(&token, 1, "june", &booking(6)).await.with(202);
    let run = id(&first);
    let content = &first["content"];
    assert_eq!(
        (&content["state"], &content["employerId"], &content["user"]),
        (&json!("queued"), &json!(employer(1)), &json!("anna"))
    );
    assert_eq!(content["key"], "application hr-portal: june");
    // The quotation marks of the draft of the IETF are no part of the key.
    for again in ["june", "\"june\""] {
        let again = kept.submit(&token, 1, again, &booking(6)).await.with(202);
        assert_eq!(id(&again), run);
    }
    // Another request, or the same of another user.
    let bas = kept.rest.token("bas").await;
    for (token, body) in [(&token, booking(7)), (&bas, booking(6))] {
        assert_eq!(
            kept.submit(token, 1, "june", &body).await.problems(409),
            [
                "Idempotency-Key \"june\" is that of another request; another request takes another key"
            ]
        );
    }
    // The keys of the operator are others.
    let job = Job::ProcessJournalRun(seed::journal_run_id(1, 6));
    let operators = kept.operators(EXACT, 1, job, "june").await;
    assert_ne!(operators.to_string(), run);
    kept.rest
        .host
        .cancel_run(operators, "anna", "a test")
        .await
        .unwrap();

    let _working = kept.rest.host.work();
    let done = kept.until(&token, &run, "succeeded").await;
    assert_eq!(
        (&done["output"]["reference"], &done["output"]["delivery"]),
        (&json!("25900001"), &json!("booked"))
    );
    assert!(done["output"]["totalCents"].as_u64().unwrap() > 0);
    let [attempt] = &done["attempts"].as_array().unwrap()[..] else {
        panic!("{done}");
    };
    assert_eq!(
        (&attempt["number"], &attempt["outcome"], &attempt["resumed"]),
        (&json!(1), &json!("succeeded"), &json!(0))
    );
    assert_eq!(attempt["log"], json!([]));
    assert_eq!(
        (&done["doubts"], &done["happened"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(kept.party.told(|party| party.posts), 1);
    // Whose idea it was, and whose doing.
    let rows = kept.rest.host.ledger().rows(Filter::default()).await;
    let rows = rows.unwrap();
    let asked = rows
        .iter()
        .find(|row| row.activity.as_deref() == Some(SUBMIT))
        .unwrap();
    assert_eq!(
        (&*asked.kind, &*asked.context.client, &*asked.context.user),
        (Kind::ActivityWrite.name(), "hr-portal", "anna")
    );
    assert_eq!(
        asked.summary,
        format!(
            "submit to connector {EXACT}: process journal run {}",
            seed::journal_run_id(1, 6)
        )
    );
    let made = rows.iter().find(|row| row.context.run.to_string() == run);
    assert_eq!(made.unwrap().context.client, EXACT);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_connector_that_was_set_up_is_asked_and_only_for_what_it_was_set_up_for() {
    let kept = Kept::new().await;
    let token = kept.rest.token("anna").await;
    let journal_run = |client: &str| {
        let mut body = booking(6);
        body["client"] = json!(client);
        body
    };
    // One that does something else, the application itself, and none at all.
    for client in [TAX, "hr-portal", "nothing"] {
        let answer = kept.submit(&token, 1, "a", &journal_run(client)).await;
        assert_eq!(
            answer.problems(409),
            [format!(
                "no connector \"{client}\" was set up that does this for this employer"
            )]
        );
    }
    for (client, job) in [
        (XAF, json!({"kind": "lookup", "request": {}})),
        (EXACT, json!({"kind": "quote", "request": {"a": 1}})),
        (
            TAX,
            json!({"kind": "poll-declaration", "declarationId": employer(1)}),
        ),
    ] {
        let body = json!({"client": client, "job": job});
        let answer = kept.submit(&token, 1, "a", &body).await;
        assert_eq!(
            answer.problems(409),
            [format!(
                "no connector \"{client}\" was set up that does this for this employer"
            )],
            "{body}"
        );
    }
    // Whoever may have it do anything may see whether it works.
    for (key, body) in [
        ("1", journal_run(EXACT)),
        ("2", journal_run(XAF)),
        ("3", json!({"client": TAX, "job": {"kind": "check"}})),
    ] {
        kept.submit(&token, 1, key, &body).await.with(202);
    }
    // What is of another employer cannot be told from what is not there.
    let missing = "b14acd0d-75d7-4fc8-8b22-4a3924585cab";
    for other in [&*seed::journal_run_id(2, 6).to_string(), missing] {
        let mut body = booking(6);
        body["job"]["journalRunId"] = json!(other);
        assert_eq!(
            kept.submit(&token, 1, "b", &body).await.with(403),
            forbidden(&format!("there is no {other} of this employer"))
        );
    }
    let body =
        json!({"client": TAX, "job": {"kind": "submit-declaration", "declarationId": missing}});
    assert_eq!(
        kept.submit(&token, 1, "b", &body).await.with(403),
        forbidden(&format!("there is no {missing} of this employer"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_has_through_an_application_what_the_application_has() {
    let kept = Kept::new().await;
    let token = kept.rest.token("anna").await;
    let run = id(&kept.submit(&token, 1, "june", &booking(6)).await.with(202));
    let (of, journal_run) = (
        employer(1).to_string(),
        seed::journal_run_id(1, 6).to_string(),
    );
    let submit = |client: &str, through: &[&str]| {
        let arguments = [
            "--json",
            "runs",
            "submit",
            client,
            "--user",
            "anna",
            "--employer",
            &of,
            "--journal-run",
            &journal_run,
            "--key",
            "june",
        ];
        let arguments = [&arguments[..], through].concat();
        koppel(kept.rest.dir.path(), &arguments)
    };
    let through = ["--application", "hr-portal"];
    assert_eq!(output(&submit(EXACT, &through))["id"], run);
    assert_ne!(output(&submit(EXACT, &[]))["id"], run);
    let refused = submit(TAX, &through);
    assert_eq!(refused.status.code(), Some(1));
    // The log of the operator, before it, says what to add.
    let errors = String::from_utf8(refused.stderr).unwrap();
    let line = format!(
        "add [connectors.employer.\"{of}\"] {} = \"{TAX}\"",
        super::SEND
    );
    assert!(errors.contains(&line), "{errors}");
    let told: Value = serde_json::from_str(errors.lines().last().unwrap()).unwrap();
    assert_eq!(
        told["error"]["message"],
        format!("no connector \"{TAX}\" was set up that does this for this employer")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_submits_needs_the_activity_of_the_connector_as_well() {
    let kept = Kept::new().await;
    let token = kept.rest.token("anna").await;
    let sent = super::SEND;
    let reason = format!("user \"anna\" has no right that gives {sent}");
    let changed = configured(&kept.party)
        .replacen(
            "rights = [\"everything\"]\n",
            "rights = [\"submitting\"]\n",
            1,
        )
        .replace(
            "[rights]\n",
            &format!("[rights]\nsubmitting = [\"{SUBMIT}\"]\n"),
        );
    kept.rest.reconfigure(&changed);
    let answer = kept.submit(&token, 1, "a", &booking(6)).await;
    assert_eq!(answer.with(403), forbidden(&reason));
    assert_eq!(
        kept.rest.denials().await.pop().unwrap(),
        (sent.to_owned(), "user".to_owned(), reason)
    );
    let all = crate::harness::all_activities();
    let less = all.replace(&format!("\"{sent}\", "), "");
    assert_ne!(all, less);
    kept.rest
        .reconfigure(&configured(&kept.party).replacen(&all, &less, 1));
    let answer = kept.submit(&token, 1, "a", &booking(6)).await;
    let reason = format!("client \"hr-portal\" was not granted {sent}");
    assert_eq!(answer.with(403), forbidden(&reason));
    // Nothing was submitted.
    kept.rest.reconfigure(&configured(&kept.party));
    let list = kept.rest.get(&token, &of_employer(1)).await.with(200);
    assert_eq!(list["totalSize"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_submission_is_told_and_nothing_is_submitted() {
    let kept = Kept::new().await;
    let token = kept.rest.token("anna").await;
    let of = seed::journal_run_id(1, 6);
    let job = |job: Value| json!({"client": EXACT, "job": job});
    for (body, problem) in [
        (
            json!({"client": EXACT}),
            ".: missing field `job` at line 1 column 26".to_owned(),
        ),
        (
            job(json!({"kind": "process-journal-run"})),
            "job.journalRunId: is missing".to_owned(),
        ),
        (
            job(json!({"kind": "check", "journalRunId": of})),
            "job.journalRunId: is not for a job of this kind".to_owned(),
        ),
        (
            job(json!({"kind": "process-journal-run", "journalRunId": of, "request": {}})),
            "job.request: is not for a job of this kind".to_owned(),
        ),
        (
            job(json!({"kind": "order"})),
            "job.request: is missing".to_owned(),
        ),
        (
            job(json!({"kind": "cancel"})),
            "job.orderId: is missing".to_owned(),
        ),
        (
            job(json!({"kind": "submit-declaration"})),
            "job.declarationId: is missing".to_owned(),
        ),
    ] {
        let answer = kept.submit(&token, 1, "a", &body).await;
        assert_eq!(answer.problems(400), [problem], "{body}");
    }
    let long = "k".repeat(201);
    for (key, problem) in [
        (&*long, "must be 1 to 200 visible ASCII characters"),
        ("\"\"", "must be 1 to 200 visible ASCII characters"),
        ("a\tb", "must be 1 to 200 visible ASCII characters"),
    ] {
        let answer = kept.submit(&token, 1, key, &booking(6)).await;
        assert_eq!(
            answer.problems(400),
            [format!("Idempotency-Key: {problem}")]
        );
    }
    let path = of_employer(1);
    let body = booking(6);
    let none = kept.rest.json(&token, Method::POST, &path, &body);
    assert_eq!(
        none.await.problems(400),
        [
            "Idempotency-Key: is missing; give each submission a key of its own, and send it again with the same one"
        ]
    );
    let list = kept.rest.get(&token, &path).await.with(200);
    assert_eq!(list["totalSize"], 0);
}
