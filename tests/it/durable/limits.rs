//! How many runs and requests at a time, in a minute and in a day.

use super::party::Party;
use super::{Bench, EXACT, Manual, text};
use crate::harness::{ANNA, employer};
use koppel_host::durable::State;
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunRequest};
use std::time::Duration;

fn with_limits(party: &Party, client: &str, limits: &str) -> String {
    format!(
        "{}\n[[parties]]\nurl = \"http://127.0.0.1:{}/api/v1/{{division}}\"\n{limits}\n",
        text(party, "", client),
        party.port
    )
}

async fn most_at_a_time(text: &str, party: &Party) -> usize {
    party.told(|kept| kept.delay = Duration::from_millis(30));
    let bench = Bench::working(text).await;
    let mut runs = Vec::new();
    for of in [1, 2, 3] {
        runs.push(bench.book(of, 6).await);
    }
    for run in runs {
        bench.until(run.id, &[State::Succeeded]).await;
    }
    assert_eq!(party.told(|kept| kept.entries.len()), 3);
    party.told(|kept| kept.most)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runs_of_a_client_at_a_time_are_limited() {
    let party = Party::start().await;
    let most = most_at_a_time(&text(&party, "", "concurrency = 1"), &party).await;
    assert_eq!(most, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requests_to_a_party_at_a_time_are_limited() {
    let party = Party::start().await;
    let most = most_at_a_time(&text(&party, "", ""), &party).await;
    assert!(most > 1, "without a limit");
    let party = Party::start().await;
    let limited = with_limits(&party, "", "concurrency = 1");
    assert_eq!(most_at_a_time(&limited, &party).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_gets_no_more_requests_in_a_minute_than_it_takes() {
    let party = Party::start().await;
    // One booking is four requests.
    let bench = Bench::working(&with_limits(&party, "", "per-minute = 6")).await;
    let first = bench.book(1, 6).await;
    bench.until(first.id, &[State::Succeeded]).await;
    let second = bench.book(1, 7).await;
    while !bench.run(second.id).await.interrupted {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let waiting = bench.run(second.id).await;
    assert_eq!(waiting.state, State::Queued);
    let left = waiting.due - jiff::Timestamp::now().as_millisecond();
    assert!((30_000..=60_000).contains(&left), "{left}");
    let message = waiting.error.unwrap().message;
    assert!(
        message.starts_with(&format!(
            "the run was stopped: http://127.0.0.1:{}/api/v1/{{division}} 123456 takes no more requests until 20",
            party.port
        )),
        "{message}"
    );
    assert_eq!(party.told(|kept| kept.requests), 6);
    // Who waits for a direct run hears of it.
    let request = RunRequest {
        client: EXACT.to_owned(),
        user: ANNA.to_owned(),
        employer: employer(2),
        job: Job::ProcessJournalRun(seed::journal_run_id(2, 6)),
    };
    let report = bench.host.run(request).await;
    let text = report.outcome.unwrap_err().to_string();
    assert!(
        text.starts_with("not available now; try again in "),
        "{text}"
    );
    assert_eq!(party.told(|kept| kept.requests), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daily_budget_survives_a_restart_and_ends_at_midnight() {
    let party = Party::start().await;
    let text = with_limits(&party, "", "per-day = 6");
    let dir = Bench::idle(&text).await.end().await;
    let clock = Manual::at("2026-03-02T20:00:00Z");
    let mut bench = Bench::open(dir, &text, Some(clock.clone()));
    bench.work();
    let first = bench.book(1, 6).await;
    bench.until(first.id, &[State::Succeeded]).await;
    let second = bench.book(1, 7).await;
    while !bench.run(second.id).await.interrupted {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let due = bench.run(second.id).await.due;
    // Midnight in the Netherlands.
    assert_eq!(
        koppel_host::durable::moment(due),
        "2026-03-02T23:00:00.000Z"
    );
    let dir = bench.end().await;
    clock.set("2026-03-02T22:59:59Z");
    let mut bench = Bench::open(dir, &text, Some(clock.clone()));
    bench.work();
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(bench.run(second.id).await.state, State::Queued);
    assert_eq!(party.told(|kept| kept.requests), 6);
    clock.set("2026-03-02T23:00:01Z");
    bench.until(second.id, &[State::Succeeded]).await;
    assert_eq!(
        party.told(|kept| kept.requests),
        8,
        "what was asked before is not asked again"
    );
}
