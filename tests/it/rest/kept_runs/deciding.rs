//! What people do with runs: cancel, retry, and decide what became of a write.

use super::{CHANGE, EXACT, Kept, booking, id};
use crate::durable::kill::Serve;
use crate::durable::party::Hold;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use koppel_host::ledger::{Filter, Kind};
use serde_json::{Value, json};

/// What was recorded of a person: client, user and summary of each row.
async fn recorded(kept: &Kept, kind: Kind) -> Vec<String> {
    let filter = Filter {
        kinds: vec![kind],
        ..Filter::default()
    };
    let rows = kept.rest.host.ledger().rows(filter).await.unwrap();
    let of_person = rows
        .iter()
        .filter(|row| kind == Kind::RunDecided || row.activity.as_deref() == Some(CHANGE));
    of_person
        .map(|row| {
            format!(
                "{} {}: {}",
                row.context.client, row.context.user, row.summary
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_doubt_is_decided_and_goes_on() {
    let kept = Kept::new().await;
    kept.party.told(|party| party.lose_reply = true);
    let token = kept.rest.token("anna").await;
    let run = id(&kept.submit(&token, 1, "june", &booking(6)).await.with(202));
    let _working = kept.rest.host.work();
    let waiting = kept.until(&token, &run, "needs-a-person").await;
    let post = kept.party.posting();
    assert_eq!(waiting["doubts"], json!([{"description": post}]));
    assert_eq!(waiting["interrupted"], false);
    let message = waiting["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("it is not known whether the journal was booked"),
        "{message}"
    );
    // What is no answer to that.
    let reply = json!({"status": 201, "body": STANDARD.encode("{}")});
    for (body, problem) in [
        (
            json!({"action": "retry"}),
            "retried: it is needs-a-person; decide what became of the write in doubt",
        ),
        (
            json!({"action": "cancel", "reason": "a mistake"}),
            "cancelled: it is needs-a-person; decide \"stop\" to end it",
        ),
        (
            json!({"action": "decide", "verdict": "happened", "reply": reply}),
            "given a reply: it is needs-a-person, and its connector has ended; decide without one",
        ),
    ] {
        assert_eq!(
            kept.change(&token, &run, &body).await.problems(409),
            [format!("run {run} cannot be {problem}")]
        );
    }
    // The user of another provider does not decide, and learns nothing.
    let els = kept.rest.token("els").await;
    let happened = json!({"action": "decide", "verdict": "happened"});
    assert_eq!(
        kept.change(&els, &run, &happened).await.with(403),
        super::super::forbidden(&format!("there is no {run} that user \"els\" may access"))
    );
    assert_eq!(kept.run(&token, &run).await["state"], "needs-a-person");

    let decided = kept.change(&token, &run, &happened).await.with(200);
    assert_eq!(id(&decided), run);
    assert_eq!(decided["content"]["happened"], json!([post]));
    let done = kept.until(&token, &run, "succeeded").await;
    assert_eq!(done["attemptCount"], 2);
    let booked = kept.party.told(|party| (party.posts, party.entries.len()));
    assert_eq!(booked, (1, 1));
    // The person who logged in, through the application, about the run.
    let mut decisions = recorded(&kept, Kind::RunDecided).await;
    assert_eq!(
        decisions.pop().unwrap(),
        format!("{EXACT} anna: it happened: {post}")
    );
    let mut writes = recorded(&kept, Kind::ActivityWrite).await;
    assert_eq!(
        writes.pop().unwrap(),
        format!("hr-portal anna: run {run}: decide happened")
    );
    // It is over: there is nothing more to decide.
    for (body, problem) in [
        (happened, "decided: it is succeeded"),
        (json!({"action": "retry"}), "retried: it is succeeded"),
    ] {
        assert_eq!(
            kept.change(&token, &run, &body).await.problems(409),
            [format!("run {run} cannot be {problem}")]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_word_books_nothing_twice_and_the_log_says_why_the_run_failed() {
    let kept = Kept::new().await;
    kept.party.told(|party| party.lose_reply = true);
    let token = kept.rest.token("anna").await;
    let run = id(&kept.submit(&token, 1, "june", &booking(6)).await.with(202));
    let _working = kept.rest.host.work();
    let waiting = kept.until(&token, &run, "needs-a-person").await;
    // As if it had not happened: the connector does not find it.
    kept.party.told(|party| party.entries.clear());
    let happened = json!({"action": "decide", "verdict": "happened"});
    kept.change(&token, &run, &happened).await.with(200);
    let failed = kept.until(&token, &run, "failed").await;
    assert_eq!(kept.party.told(|party| party.posts), 1);
    let post = waiting["doubts"][0]["description"].as_str().unwrap();
    let said =
        format!("{post} is not sent again: a person said that it happened in an earlier attempt");
    let log = failed["attempts"][1]["log"].as_array().unwrap();
    assert!(
        log.contains(&json!({"source": "host", "text": said})),
        "{failed}"
    );
    assert_eq!(failed["attempts"][1]["outcome"], failed["error"]["code"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_process_died_goes_on_with_the_reply_that_a_person_knows() {
    let kept = Kept::new().await;
    let token = kept.rest.token("anna").await;
    let run = id(&kept.submit(&token, 1, "june", &booking(6)).await.with(202));
    kept.party.hold(Hold::AfterBooking);
    let mut serve = Serve::start(kept.rest.dir.path());
    kept.party.held().await;
    serve.kill();
    let _working = kept.rest.host.work();
    let waiting = kept.until(&token, &run, "needs-a-person").await;
    assert_eq!(waiting["interrupted"], true);
    assert_eq!(waiting["attempts"][0]["ended"], Value::Null);
    let change = |reply: Value| json!({"action": "decide", "verdict": "happened", "reply": reply});
    let body = STANDARD.encode(r#"{"d": {"EntryID": "entry-1"}}"#);
    let none = change(json!({"status": 99, "body": body}));
    assert_eq!(
        kept.change(&token, &run, &none).await.problems(400),
        [".: 99 is no status of a reply"]
    );
    let reply = change(json!({"status": 201, "mediaType": "application/json", "body": body}));
    kept.change(&token, &run, &reply).await.with(200);
    let done = kept.until(&token, &run, "succeeded").await;
    assert_eq!(
        (&done["attemptCount"], &done["happened"]),
        (&json!(1), &json!([]))
    );
    let booked = kept.party.told(|party| (party.posts, party.entries.len()));
    assert_eq!(booked, (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_with_a_reason_and_retried() {
    let kept = Kept::new().await;
    let token = kept.rest.token("anna").await;
    let run = id(&kept.submit(&token, 1, "june", &booking(6)).await.with(202));
    let cancel = json!({"action": "cancel", "reason": "the wrong month"});
    for _ in 0..2 {
        let cancelled = kept.change(&token, &run, &cancel).await.with(200);
        assert_eq!(cancelled["content"]["state"], "cancelled");
    }
    let retried = kept.change(&token, &run, &json!({"action": "retry"})).await;
    assert_eq!(retried.with(200)["content"]["state"], "queued");
    assert_eq!(
        recorded(&kept, Kind::RunDecided).await,
        [
            format!("{EXACT} anna: cancel: the wrong month"),
            format!("{EXACT} anna: cancel: the wrong month"),
            format!("{EXACT} anna: retry"),
        ]
    );
    let _working = kept.rest.host.work();
    kept.until(&token, &run, "succeeded").await;
    assert_eq!(kept.party.told(|party| party.posts), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_change_is_told_and_nothing_is_changed() {
    let kept = Kept::new().await;
    let token = kept.rest.token("anna").await;
    let run = id(&kept.submit(&token, 1, "june", &booking(6)).await.with(202));
    let reply = json!({"status": 201, "body": "e30="});
    for (body, problem) in [
        (json!({}), ".: missing field `action` at line 1 column 2"),
        (
            json!({"action": "forget"}),
            "action: unknown variant `forget`, expected one of `cancel`, `retry`, `decide` at line 1 column 18",
        ),
        (json!({"action": "cancel"}), "reason: is missing"),
        (
            json!({"action": "cancel", "reason": "two\nlines"}),
            ".: a name or a reason has 1 to 1000 bytes, in one line",
        ),
        (json!({"action": "decide"}), "verdict: is missing"),
        (
            json!({"action": "retry", "reason": "again"}),
            "reason: is for cancel only",
        ),
        (
            json!({"action": "retry", "verdict": "stop"}),
            "verdict: is for decide only",
        ),
        (
            json!({"action": "decide", "verdict": "stop", "reply": reply}),
            "reply: is for verdict \"happened\" only",
        ),
        (
            json!({"action": "decide", "verdict": "happened", "reply": {"status": 201, "body": "?"}}),
            "reply.body: is not base64 at line 1 column 38",
        ),
    ] {
        let answer = kept.change(&token, &run, &body).await;
        assert_eq!(answer.problems(400), [problem], "{body}");
    }
    assert_eq!(kept.run(&token, &run).await["state"], "queued");
    assert_eq!(recorded(&kept, Kind::RunDecided).await, [""; 0]);
}
