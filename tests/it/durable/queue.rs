//! What is submitted is made: in order, again when it did not work, and not
//! when it was cancelled.

use super::party::Party;
use super::{Bench, EXACT, all, clerk, text};
use crate::harness::{ANNA, all_activities, client, configuration, employer};
use koppel_host::durable::{Origin, RunFilter, State};
use koppel_host::ledger::{Filter, Kind};
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunRequest};
use serde_json::json;
use std::time::{Duration, Instant};

const SOON: &str = "retry = { attempts = 3, backoff-ms = 20, max-backoff-ms = 100 }";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_submitted_is_made_once_and_its_journal_is_gone_then() {
    let party = Party::start().await;
    let bench = Bench::working(&text(&party, "", "")).await;
    let request = || RunRequest {
        client: EXACT.to_owned(),
        user: ANNA.to_owned(),
        employer: employer(1),
        job: Job::ProcessJournalRun(seed::journal_run_id(1, 6)),
    };
    let key = Some("june".to_owned());
    let first = bench.host.submit(request(), key.clone()).await.unwrap();
    let again = bench.host.submit(request(), key).await.unwrap();
    assert_eq!(first.run().id, again.run().id);
    let run = bench.until(first.run().id, &[State::Succeeded]).await;
    assert_eq!((run.attempts, run.error), (1, None));
    let output = run.output.unwrap();
    assert_eq!(output["result"], "journal-run");
    assert_eq!(output["reference"], "25900001");
    assert_eq!(party.told(|kept| kept.entries.len()), 1);
    let connection = rusqlite::Connection::open(bench.dir.path().join("data/runs.db")).unwrap();
    let steps: i64 = connection
        .query_row("SELECT count(*) FROM step", [], |row| row.get(0))
        .unwrap();
    assert_eq!(steps, 0);
    let attempts = bench.host.attempts_at(run.id).await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].outcome.as_deref(), Some("succeeded"));
    // The ledger knows it by the same identifier.
    let filter = Filter {
        run: Some(run.id),
        ..Filter::default()
    };
    let rows = bench.host.ledger().rows(filter).await.unwrap();
    let kinds: Vec<_> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(
        (kinds[0], kinds[kinds.len() - 1]),
        ("run-started", "run-finished")
    );
    bench.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runs_of_an_employer_are_made_in_order_and_those_of_others_meanwhile() {
    let party = Party::start().await;
    party.told(|kept| kept.delay = Duration::from_millis(20));
    let mut bench = Bench::idle(&text(&party, "", "")).await;
    let mut expected = Vec::new();
    for period in [9, 3, 5] {
        for of in [1, 2] {
            let run = bench.book(of, period).await;
            expected.push((of, seed::journal_run_id(of, period), run.id));
        }
    }
    bench.work();
    for (.., run) in &expected {
        bench.until(*run, &[State::Succeeded]).await;
    }
    let order = party.told(|kept| kept.order.clone());
    for of in [1, 2] {
        let wanted: Vec<_> = expected
            .iter()
            .filter(|(employer, ..)| *employer == of)
            .map(|(_, id, _)| format!("koppel:{id}"))
            .collect();
        let came: Vec<_> = order.iter().filter(|id| wanted.contains(id)).collect();
        assert_eq!(came, wanted.iter().collect::<Vec<_>>());
    }
    assert!(party.told(|kept| kept.most) > 1, "both employers at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_that_is_down_for_a_while_is_tried_again() {
    let party = Party::start().await;
    party.told(|kept| kept.down = Some(503));
    let patient = "retry = { attempts = 50, backoff-ms = 50, max-backoff-ms = 200 }";
    let bench = Bench::working(&text(&party, "", patient)).await;
    let run = bench.book(1, 6).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let waiting = bench.run(run.id).await;
    assert!(
        matches!(waiting.state, State::Queued | State::Running) && waiting.attempts > 1,
        "{waiting:?}"
    );
    party.told(|kept| kept.down = None);
    let done = bench.until(run.id, &[State::Succeeded]).await;
    assert!(done.attempts > 2);
    assert_eq!(party.told(|kept| kept.entries.len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_work_ends_as_dead_and_a_person_may_try_it_again() {
    let party = Party::start().await;
    party.told(|kept| kept.down = Some(503));
    let bench = Bench::working(&text(&party, "", SOON)).await;
    let run = bench.book(1, 6).await;
    let dead = bench.until(run.id, &[State::Dead]).await;
    assert_eq!((dead.attempts, dead.tries), (3, 3));
    let error = dead.error.unwrap();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("connector", "not available now; try again later")
    );
    party.told(|kept| kept.down = None);
    bench.host.retry_run(run.id, "anna").await.unwrap();
    let done = bench.until(run.id, &[State::Succeeded]).await;
    assert_eq!((done.attempts, done.tries), (4, 1));
    let filter = Filter {
        kinds: vec![Kind::RunDecided],
        ..Filter::default()
    };
    let decided = bench.host.ledger().rows(filter).await.unwrap();
    assert_eq!(decided.len(), 1);
    assert_eq!(
        (
            decided[0].summary.as_str(),
            decided[0].context.user.as_str()
        ),
        ("retry", "anna")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_not_tried_again() {
    let clients = clerk("refused", SOON) + &clerk("trap", SOON);
    let bench = Bench::working(&configuration(&clients)).await;
    for (client, code, message) in [
        ("refused", "connector", "refused: on purpose"),
        ("trap", "crash", "the connector crashed: "),
    ] {
        let job = Job::ProcessJournalRun(seed::journal_run_id(1, 6));
        let run = bench.submit(client, 1, job).await;
        let failed = bench.until(run.id, &[State::Failed]).await;
        assert_eq!(failed.attempts, 1);
        let error = failed.error.unwrap();
        assert_eq!(error.code, code);
        assert!(error.message.starts_with(message), "{}", error.message);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_ends_and_gives_its_journal_run_back() {
    let mut bench = Bench::idle(&configuration(&clerk("never", ""))).await;
    let job = |period| Job::ProcessJournalRun(seed::journal_run_id(1, period));
    let under_way = bench.submit("never", 1, job(6)).await;
    let queued = bench.submit("never", 1, job(7)).await;
    bench.work();
    bench.until(under_way.id, &[State::Running]).await;
    let cancelled = bench
        .host
        .cancel_run(queued.id, "anna", "not this one")
        .await;
    assert_eq!(cancelled.unwrap().state, State::Cancelled);
    let asked = bench
        .host
        .cancel_run(under_way.id, "anna", "by mistake")
        .await;
    assert_eq!(asked.unwrap().state, State::Running);
    let ended = bench.until(under_way.id, &[State::Cancelled]).await;
    assert_eq!(
        ended.error.unwrap().message,
        "the run was stopped: it was cancelled: by mistake (anna)"
    );
    let platform = bench.host.platform();
    let journal_run = platform
        .journal_run(seed::journal_run_id(1, 6))
        .await
        .unwrap();
    assert_eq!(koppel_host::platform::status_key(journal_run.status), 6);
    let claim = platform.export_claim(seed::journal_run_id(1, 6)).await;
    assert_eq!(claim.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_told_to_stop_interrupts_what_goes_on_later() {
    let party = Party::start().await;
    party.told(|kept| kept.delay = Duration::from_secs(3));
    let text = text(&party, "", "");
    let mut bench = Bench::working(&text).await;
    let run = bench.book(1, 6).await;
    bench.until(run.id, &[State::Running]).await;
    while party.told(|kept| kept.requests) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let began = Instant::now();
    let working = bench.working.take().unwrap();
    working.stop(Duration::from_millis(100)).await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "a look-up is cut off"
    );
    let waiting = bench.run(run.id).await;
    assert_eq!((waiting.state, waiting.interrupted), (State::Queued, true));
    let dir = bench.end().await;
    party.told(|kept| kept.delay = Duration::ZERO);
    let mut bench = Bench::open(dir, &text, None);
    bench.work();
    let done = bench.until(run.id, &[State::Succeeded]).await;
    assert_eq!(done.attempts, 1);
    let attempts = bench.host.attempts_at(run.id).await.unwrap();
    assert_eq!(attempts[0].resumed, 1);
    assert_eq!(party.told(|kept| kept.entries.len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_run_is_kept_like_all_others_and_waits_for_nobody() {
    let more = all_activities();
    let bench = Bench::idle(&configuration(&client("probe", &more))).await;
    let request = |query: &str| RunRequest {
        client: "probe".to_owned(),
        user: ANNA.to_owned(),
        employer: employer(1),
        job: Job::Lookup(query.to_owned()),
    };
    // No worker is there.
    let query = r#"{"activity": "GetEmployersByUserId"}"#;
    let report = bench.host.run(request(query)).await;
    report.outcome.unwrap();
    let failed = bench.host.run(request(r#"{"activity": "No"}"#)).await;
    let why = failed.outcome.unwrap_err().to_string();
    let runs = all(&bench.host).await;
    assert_eq!(runs.len(), 2);
    assert_eq!((runs[0].id, runs[0].state), (report.run, State::Succeeded));
    assert_eq!(runs[0].origin, Origin::Direct);
    assert!(runs[0].output.is_some());
    assert_eq!((runs[1].id, runs[1].state), (failed.run, State::Failed));
    assert_eq!(runs[1].error.as_ref().unwrap().message, why);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_a_client_that_is_not_there_is_not_kept() {
    let bench = Bench::idle(&configuration("")).await;
    let request = RunRequest {
        client: "nobody".to_owned(),
        user: ANNA.to_owned(),
        employer: employer(1),
        job: Job::Check,
    };
    let refused = bench.host.submit(request.clone(), None).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there is no client \"nobody\"; add `[clients.nobody]` with `component` and `activities`"
    );
    let runs = bench.host.kept_runs(RunFilter::default()).await.unwrap();
    assert_eq!(runs, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_lasts_can_be_seen_and_cancelled() {
    let bench = Bench::idle(&configuration(&client("probe", &all_activities()))).await;
    let asked = |again: u32| {
        let query = json!({"activity": "GetEmployersByUserId", "again": again});
        bench.host.run(RunRequest {
            client: "probe".to_owned(),
            user: ANNA.to_owned(),
            employer: employer(1),
            job: Job::Lookup(query.to_string()),
        })
    };
    let cancelling = async {
        for _ in 0..500 {
            if let [run] = all(&bench.host).await.as_slice() {
                assert_eq!(run.state, State::Running);
                let cancelled = bench.host.cancel_run(run.id, ANNA, "too long").await;
                return cancelled.unwrap().id;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it is not seen");
    };
    let (report, id) = tokio::join!(asked(1_000), cancelling);
    assert_eq!(report.run, id);
    assert_eq!(
        report.outcome.unwrap_err().to_string(),
        "the run was stopped: it was cancelled: too long (anna)"
    );
    assert_eq!(bench.run(id).await.state, State::Cancelled);
    // One that does not last is there when it is over.
    let report = asked(0).await;
    let run = bench.run(report.run).await;
    assert_eq!((run.state, run.attempts), (State::Succeeded, 1));
    assert!(report.outcome.is_ok());
    bench.verified().await;
}
