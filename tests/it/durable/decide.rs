//! What was lost without a crash: a reply, after the party did what it was
//! asked.

use super::party::Party;
use super::{Bench, text};
use crate::harness::ANNA;
use koppel_host::durable::State;
use koppel_host::runs::Verdict;

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_was_lost_after_it_booked_is_for_a_person() {
    let party = Party::start().await;
    party.told(|kept| kept.lose_reply = true);
    let bench = Bench::working(&text(&party, "", "")).await;
    let run = bench.book(1, 6).await;
    let waiting = bench.until(run.id, &[State::NeedsAPerson]).await;
    assert_eq!((waiting.interrupted, waiting.doubts.len()), (false, 1));
    let message = waiting.error.unwrap().message;
    assert!(
        message.contains("it is not known whether the journal was booked"),
        "{message}"
    );
    let refused = bench.host.retry_run(run.id, ANNA).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "run {0} cannot be retried: it is needs-a-person; say what became of the write in doubt: `koppel runs decide {0} happened|did-not-happen|stop`",
            run.id
        )
    );
    let happened = Verdict::Happened(None);
    bench.host.decide_run(run.id, ANNA, happened).await.unwrap();
    let done = bench.until(run.id, &[State::Succeeded]).await;
    assert_eq!(done.attempts, 2);
    assert_eq!(party.told(|kept| (kept.posts, kept.entries.len())), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_is_no_matter_where_the_party_knows_the_write_again() {
    let party = Party::start().await;
    party.told(|kept| kept.lose_reply = true);
    let rule = r#", idempotency = "Idempotency-Key""#;
    let soon = "retry = { attempts = 3, backoff-ms = 20, max-backoff-ms = 100 }";
    let bench = Bench::working(&text(&party, rule, soon)).await;
    let run = bench.book(1, 6).await;
    let done = bench.until(run.id, &[State::Succeeded]).await;
    assert_eq!(done.attempts, 2);
    assert_eq!(party.told(|kept| kept.entries.len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_person_is_not_decided() {
    let party = Party::start().await;
    let bench = Bench::working(&text(&party, "", "")).await;
    let run = bench.book(1, 6).await;
    bench.until(run.id, &[State::Succeeded]).await;
    let refused = bench.host.decide_run(run.id, ANNA, Verdict::Stop).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        format!("run {} cannot be decided: it is succeeded", run.id)
    );
}
