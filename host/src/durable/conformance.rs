//! What every store and queue must do. Each form of them passes all of this.

use super::{
    Begin, Begun, DayCount, Decision, Direct, Doubt, End, Ended, Failing, Fence, Lease, Made,
    Millis, NewRun, Origin, QueueError, Reading, Run, RunFilter, RunQueue, RunStore, Started,
    State, Step, StoreError, Submitted,
};
use crate::runs::{Job, RunRequest};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A store and a queue, as one worker process has them.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) store: Arc<dyn RunStore>,
    pub(crate) queue: Arc<dyn RunQueue>,
    pub(crate) holder: Uuid,
}

pub(crate) const NOW: Millis = 1_800_000_000_000;

pub(crate) fn employer(number: u128) -> Uuid {
    Uuid::from_u128(0xe000 + number)
}

pub(crate) fn new(key: &str, of: u128) -> NewRun {
    NewRun {
        id: Uuid::now_v7(),
        key: key.to_owned(),
        request: RunRequest {
            client: "journal".to_owned(),
            user: "anna".to_owned(),
            employer: employer(of),
            job: Job::ProcessJournalRun(Uuid::from_u128(1)),
        },
        origin: Origin::Submitted,
        due: NOW,
    }
}

pub(crate) async fn submit(process: &Process, key: &str, of: u128) -> Run {
    let submitted = process.store.submit(new(key, of), NOW).await.unwrap();
    let run = submitted.run().clone();
    process.queue.push(run.id, run.due).await.unwrap();
    run
}

/// What can be leased at once.
pub(crate) async fn lease(process: &Process, now: Millis) -> Option<Lease> {
    process.queue.lease(now, &[]).await.unwrap()
}

/// Leases the next run. A queue on another machine needs a moment.
pub(crate) async fn leased(process: &Process, now: Millis) -> Lease {
    for _ in 0..500 {
        if let Some(lease) = lease(process, now).await {
            return lease;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing can be leased");
}

/// Leases runs until one may begin, as a worker does: those that may not are
/// put back.
async fn take(process: &Process, now: Millis) -> (Lease, Started) {
    for _ in 0..500 {
        let lease = leased(process, now).await;
        match begin(process, lease.run, 9).await {
            Begun::Started(started) => return (lease, *started),
            Begun::NotYet => process.queue.retry_at(&lease, now + 1).await.unwrap(),
            Begun::Over(state) => panic!("{state:?}"),
        }
    }
    panic!("none may begin");
}

/// A request to take up a run, however many of its client are under way.
pub(crate) fn beginning(process: &Process, run: Uuid) -> Begin {
    Begin {
        run,
        holder: process.holder,
        now: NOW,
        made: Made("a".to_owned()),
        concurrency: u32::MAX,
    }
}

pub(crate) async fn begin(process: &Process, run: Uuid, concurrency: u32) -> Begun {
    let begin = Begin {
        concurrency,
        ..beginning(process, run)
    };
    process.store.begin(begin).await.unwrap()
}

pub(crate) async fn started(process: &Process, run: Uuid) -> Started {
    match begin(process, run, u32::MAX).await {
        Begun::Started(started) => *started,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn end(to: Ended) -> End {
    End {
        to,
        output: None,
        error: None,
        doubts: Vec::new(),
        log: Vec::new(),
    }
}

async fn finish(process: &Process, fence: Fence, to: Ended) -> Run {
    process.store.finish(fence, end(to), NOW).await.unwrap()
}

/// A run that is made at once.
pub(crate) fn direct(process: &Process, key: &str) -> Direct {
    let new = NewRun {
        origin: Origin::Direct,
        ..new(key, 1)
    };
    let begin = beginning(process, new.id);
    Direct::new(new, begin)
}

pub(crate) fn step(seq: u64, outcome: Option<&str>) -> Step {
    Step {
        seq,
        what: format!("POST https://a.nl/{seq}"),
        fingerprint: format!("{seq:064}"),
        write: true,
        repeatable: false,
        exchange: Some(Uuid::from_u128(u128::from(seq))),
        readings: vec![Reading::Wall(7), Reading::Monotonic(u64::MAX)],
        outcome: outcome.map(|text| text.as_bytes().to_vec()),
        denied: false,
    }
}

/// The same request under the same key is the same run; another is refused.
pub(crate) async fn a_key_is_that_of_one_request(process: Process) {
    let first = submit(&process, "k", 1).await;
    let again = process.store.submit(new("k", 1), NOW).await.unwrap();
    assert!(matches!(&again, Submitted::Known(run) if run.id == first.id));
    // Another employer has keys of its own.
    let other = process.store.submit(new("k", 2), NOW).await.unwrap();
    assert!(matches!(&other, Submitted::New(run) if run.id != first.id));
    let mut different = new("k", 1);
    different.request.job = Job::Check;
    let refused = process.store.submit(different, NOW).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "key \"k\" is that of run {}, which was asked for something else; another request takes another key",
            first.id
        )
    );
    let mut of_other_user = new("k", 1);
    of_other_user.request.user = "tim".to_owned();
    let refused = process.store.submit(of_other_user, NOW).await;
    assert!(matches!(refused, Err(StoreError::KeyTaken { .. })));
    assert_eq!(
        process
            .store
            .runs(RunFilter::default())
            .await
            .unwrap()
            .len(),
        2
    );
}

/// One run at a time for an employer, in the order of submission.
pub(crate) async fn runs_of_an_employer_are_made_one_by_one_in_order(process: Process) {
    let runs = [
        submit(&process, "1", 1).await,
        submit(&process, "2", 1).await,
        submit(&process, "3", 2).await,
    ];
    assert!(matches!(
        begin(&process, runs[1].id, 9).await,
        Begun::NotYet
    ));
    let (first, started) = take(&process, NOW).await;
    assert_eq!(first.run, runs[0].id);
    assert!(matches!(
        begin(&process, runs[1].id, 9).await,
        Begun::NotYet
    ));
    let (third, _) = take(&process, NOW + 2).await;
    assert_eq!(third.run, runs[2].id, "another employer is not held up");
    let again = Ended::Again { due: NOW + 5 };
    finish(&process, started.fence, again).await;
    process.queue.retry_at(&first, NOW + 5).await.unwrap();
    // It waits to be tried again, and goes first then.
    assert!(matches!(
        begin(&process, runs[1].id, 9).await,
        Begun::NotYet
    ));
    let (again, started) = take(&process, NOW + 5).await;
    assert_eq!(again.run, runs[0].id);
    finish(&process, started.fence, Ended::Over(State::Succeeded)).await;
    process.queue.ack(&again).await.unwrap();
    let (second, _) = take(&process, NOW + 10).await;
    assert_eq!(second.run, runs[1].id);
}

/// No more runs of a client at a time than may be.
pub(crate) async fn the_runs_of_a_client_are_limited(process: Process) {
    let (one, two) = (
        submit(&process, "1", 1).await,
        submit(&process, "2", 2).await,
    );
    let fence = started(&process, one.id).await.fence;
    assert!(matches!(begin(&process, two.id, 1).await, Begun::NotYet));
    finish(&process, fence, Ended::Over(State::Failed)).await;
    assert!(matches!(
        begin(&process, two.id, 1).await,
        Begun::Started(_)
    ));
}

/// What was journalled is there for whoever takes over, and the one before
/// cannot write any more.
pub(crate) async fn whoever_takes_over_has_the_journal_and_the_other_has_no_say(process: Process) {
    let run = submit(&process, "1", 1).await;
    let first = started(&process, run.id).await;
    assert!(!first.resumed);
    let store = &process.store;
    store
        .record(first.fence, vec![step(0, Some("\"a\"")), step(1, None)])
        .await
        .unwrap();
    let second = started(&process, run.id).await;
    assert!(second.resumed);
    assert_eq!(
        (first.seed, first.fence.attempt),
        (second.seed, second.fence.attempt)
    );
    assert_eq!(second.steps, [step(0, Some("\"a\"")), step(1, None)]);
    let refused = store.record(first.fence, vec![step(2, None)]).await;
    assert!(matches!(refused, Err(StoreError::Fenced(id)) if id == run.id));
    let refused = store
        .finish(first.fence, end(Ended::Over(State::Failed)), NOW)
        .await;
    assert!(matches!(refused, Err(StoreError::Fenced(_))));
    store
        .record(second.fence, vec![step(1, Some("\"b\""))])
        .await
        .unwrap();
    // A suspended attempt goes on as well.
    finish(&process, second.fence, Ended::Suspended { due: NOW }).await;
    let third = started(&process, run.id).await;
    assert_eq!(
        third.steps,
        [step(0, Some("\"a\"")), step(1, Some("\"b\""))]
    );
    // A new attempt does not.
    finish(&process, third.fence, Ended::Again { due: NOW }).await;
    let fourth = started(&process, run.id).await;
    assert_eq!((fourth.fence.attempt, fourth.resumed), (2, false));
    assert_eq!(fourth.steps, []);
    assert_ne!(fourth.seed, first.seed);
    let attempts = store.attempts(run.id).await.unwrap();
    let shown: Vec<_> = attempts.iter().map(|a| (a.number, a.resumed)).collect();
    assert_eq!(shown, [(1, 2), (2, 0)]);
}

/// Each state can be reached, and what may be done in it.
pub(crate) async fn people_do_what_the_state_allows(process: Process) {
    let store = &process.store;
    let run = submit(&process, "1", 1).await;
    let cancelled = store.cancel(run.id, "by mistake", NOW).await.unwrap();
    assert_eq!(cancelled.state, State::Cancelled);
    assert!(matches!(
        begin(&process, run.id, 9).await,
        Begun::Over(State::Cancelled)
    ));
    let again = store.retry(run.id, NOW).await.unwrap();
    assert_eq!((again.state, again.tries), (State::Queued, 0));
    let fence = started(&process, run.id).await.fence;
    // One that is under way is asked to stop.
    let asked = store.cancel(run.id, "why not", NOW).await.unwrap();
    assert_eq!(asked.state, State::Running);
    assert_eq!(
        store.cancelled(run.id).await.unwrap().as_deref(),
        Some("why not")
    );
    let error = Failing {
        code: "cancelled".to_owned(),
        message: "why not".to_owned(),
    };
    let cancelled = End {
        error: Some(error.clone()),
        ..end(Ended::Over(State::Cancelled))
    };
    let run = store.finish(fence, cancelled, NOW).await.unwrap();
    assert_eq!(
        (run.state, run.cancel, run.error),
        (State::Cancelled, None, Some(error))
    );
    let refused = store.decide(run.id, Decision::Stop, NOW).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("run {} cannot be decided: it is cancelled", run.id)
    );
    store.retry(run.id, NOW).await.unwrap();
    let fence = started(&process, run.id).await.fence;
    finish(&process, fence, Ended::Over(State::Succeeded)).await;
    let refused = store.retry(run.id, NOW).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("run {} cannot be retried: it is succeeded", run.id)
    );
    let nobody = Uuid::nil();
    let refused = store.retry(nobody, NOW).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("there is no run {nobody}"));
}

/// A run with a write in doubt, whose attempt is open or ended.
async fn in_doubt(process: &Process, key: &str, open: bool) -> Run {
    let run = submit(process, key, 1).await;
    let fence = started(process, run.id).await.fence;
    process
        .store
        .record(fence, vec![step(0, Some("\"a\"")), step(1, None)])
        .await
        .unwrap();
    let doubt = Doubt {
        seq: 1,
        what: "POST https://a.nl/1".to_owned(),
    };
    let end = End {
        doubts: vec![doubt],
        ..end(Ended::Person { open })
    };
    process.store.finish(fence, end, NOW).await.unwrap()
}

/// What a person decides is what the next worker finds.
pub(crate) async fn what_a_person_decides_is_in_the_journal(process: Process) {
    let store = &process.store;
    let run = in_doubt(&process, "1", true).await;
    assert_eq!((run.state, run.interrupted), (State::NeedsAPerson, true));
    assert!(matches!(
        begin(&process, run.id, 9).await,
        Begun::Over(State::NeedsAPerson)
    ));
    let refused = store.retry(run.id, NOW).await.unwrap_err().to_string();
    assert!(
        refused.ends_with("happened|did-not-happen|stop`"),
        "{refused}"
    );
    let (decided, doubts) = store
        .decide(run.id, Decision::Happened(Some(b"\"r\"".to_vec())), NOW)
        .await
        .unwrap();
    assert_eq!((decided.state, doubts.len()), (State::Queued, 1));
    let going_on = started(&process, run.id).await;
    assert!(going_on.resumed);
    assert_eq!(going_on.steps[1].outcome.as_deref(), Some(&b"\"r\""[..]));
    finish(&process, going_on.fence, Ended::Over(State::Succeeded)).await;

    let run = in_doubt(&process, "2", true).await;
    store
        .decide(run.id, Decision::DidNotHappen, NOW)
        .await
        .unwrap();
    let going_on = started(&process, run.id).await;
    assert!(going_on.steps[1].denied && going_on.steps[1].outcome.is_none());
    // It is made again: in doubt again until there is an outcome.
    store
        .record(going_on.fence, vec![step(1, None)])
        .await
        .unwrap();
    let going_on = started(&process, run.id).await;
    assert!(!going_on.steps[1].denied);
    finish(&process, going_on.fence, Ended::Over(State::Succeeded)).await;

    for open in [true, false] {
        let run = in_doubt(&process, &format!("3 {open}"), open).await;
        store
            .decide(run.id, Decision::Happened(None), NOW)
            .await
            .unwrap();
        let anew = started(&process, run.id).await;
        assert_eq!((anew.resumed, anew.steps.len()), (false, 0));
        assert_eq!(anew.run.happened, ["POST https://a.nl/1"]);
        finish(&process, anew.fence, Ended::Over(State::Succeeded)).await;
    }

    let run = in_doubt(&process, "4", false).await;
    let refused = store
        .decide(run.id, Decision::Happened(Some(Vec::new())), NOW)
        .await;
    assert!(matches!(refused, Err(StoreError::State { .. })));
    let (stopped, _) = store.decide(run.id, Decision::Stop, NOW).await.unwrap();
    assert_eq!(stopped.state, State::Cancelled);
}

/// A run that is over can be removed, and its key is free again; others stay.
pub(crate) async fn runs_that_are_over_are_removed(process: Process) {
    let store = process.store.clone();
    let over = submit(&process, "1", 1).await;
    let fence = started(&process, over.id).await.fence;
    finish(&process, fence, Ended::Over(State::Succeeded)).await;
    let open = submit(&process, "2", 1).await;
    let fence = started(&process, open.id).await.fence;
    let kept = vec![step(0, Some("\"a\""))];
    store.record(fence, kept.clone()).await.unwrap();
    let all = vec![over.id, open.id, Uuid::nil()];
    assert_eq!(store.remove(all.clone()).await.unwrap(), 1);
    assert_eq!(store.run(over.id).await.unwrap(), None);
    assert_eq!(store.attempts(over.id).await.unwrap(), []);
    assert_eq!(started(&process, open.id).await.steps, kept);
    assert_eq!(store.remove(all).await.unwrap(), 0);
    let again = store.submit(new("1", 1), NOW).await.unwrap();
    assert!(matches!(again, Submitted::New(_)), "{again:?}");
}

/// Runs are counted by the day on which they were submitted, and by where they
/// stand now.
pub(crate) async fn runs_are_counted_by_day_and_state(process: Process) {
    const DAY: Millis = 86_400_000;
    let store = process.store.clone();
    let first = NOW / DAY;
    for (key, at) in [
        ("1", first * DAY),
        ("2", first * DAY + 1),
        ("3", first * DAY + DAY - 1),
        ("4", first * DAY + DAY),
    ] {
        store.submit(new(key, 1), at).await.unwrap();
    }
    store.submit(new("1", 2), first * DAY).await.unwrap();
    let newest = store.runs(RunFilter::default()).await.unwrap();
    let last = newest.iter().find(|run| run.key == "2").unwrap().id;
    store.cancel(last, "no", NOW).await.unwrap();
    let count = |day, state, count| DayCount { day, state, count };
    let of_first = RunFilter {
        among: Some(vec![employer(1)]),
        ..RunFilter::default()
    };
    assert_eq!(
        store.days(of_first.clone()).await.unwrap(),
        [
            count(first, State::Cancelled, 1),
            count(first, State::Queued, 2),
            count(first + 1, State::Queued, 1),
        ]
    );
    let until = RunFilter {
        until: Some(first * DAY + DAY),
        states: vec![State::Queued],
        limit: Some(1),
        ..RunFilter::default()
    };
    assert_eq!(
        store.days(until).await.unwrap(),
        [count(first, State::Queued, 3)]
    );
    let none = RunFilter {
        among: Some(Vec::new()),
        ..of_first
    };
    assert_eq!(store.days(none).await.unwrap(), []);
}

/// A page holds what the filter selects, newest first, and says how many there
/// are.
pub(crate) async fn runs_are_listed_in_pages_newest_first(process: Process) {
    let store = process.store.clone();
    for (at, (key, of)) in (0..).zip([("1", 1), ("2", 2), ("3", 1), ("4", 1), ("5", 1)]) {
        store.submit(new(key, of), NOW + at * 10).await.unwrap();
    }
    let keys = async |filter: RunFilter, skip, size| {
        let (runs, total) = store.page(filter, skip, size).await.unwrap();
        let keys: Vec<_> = runs.into_iter().map(|run| run.key).collect();
        (keys.concat(), total)
    };
    let of_first = || RunFilter {
        employer: Some(employer(1)),
        ..RunFilter::default()
    };
    let expected = |keys: &str, total| (keys.to_owned(), total);
    assert_eq!(keys(RunFilter::default(), 0, 9).await, expected("54321", 5));
    for (skip, page) in [(0, "54"), (2, "31"), (4, ""), (u64::MAX, "")] {
        assert_eq!(keys(of_first(), skip, 2).await, expected(page, 4), "{skip}");
    }
    // From the one moment on, and before the other.
    let period = RunFilter {
        since: Some(NOW + 10),
        until: Some(NOW + 40),
        ..RunFilter::default()
    };
    assert_eq!(keys(period.clone(), 0, 9).await, expected("432", 3));
    assert_eq!(store.runs(period).await.unwrap().len(), 3);
    let cancelled = store.runs(of_first()).await.unwrap()[1].id;
    store.cancel(cancelled, "no", NOW).await.unwrap();
    // Of some employers, and of none of them.
    for (among, found) in [
        (vec![employer(2)], expected("2", 1)),
        (vec![employer(1), employer(2)], expected("54321", 5)),
        (vec![employer(3)], expected("", 0)),
        (vec![], expected("", 0)),
    ] {
        let filter = RunFilter {
            among: Some(among),
            ..RunFilter::default()
        };
        assert_eq!(keys(filter, 0, 9).await, found);
    }
    for (state, client, found) in [
        (State::Cancelled, "journal", expected("4", 1)),
        (State::Cancelled, "other", expected("", 0)),
        (State::Queued, "journal", expected("5321", 4)),
    ] {
        let filter = RunFilter {
            states: vec![state],
            client: Some(client.to_owned()),
            ..RunFilter::default()
        };
        assert_eq!(keys(filter, 0, 9).await, found);
    }
}

/// A run that needs a person holds up no other.
pub(crate) async fn a_run_that_needs_a_person_holds_up_no_other(process: Process) {
    in_doubt(&process, "1", true).await;
    let next = submit(&process, "2", 1).await;
    assert!(matches!(
        begin(&process, next.id, 9).await,
        Begun::Started(_)
    ));
}

/// A lease is one worker's until it is given back.
pub(crate) async fn a_run_is_leased_to_one_worker(one: Process, other: Process) {
    let run = submit(&one, "1", 1).await;
    assert_eq!(lease(&one, NOW - 1_000).await, None, "it is not due");
    let first = leased(&one, NOW).await;
    assert_eq!(first.run, run.id);
    assert_eq!(lease(&other, NOW).await, None);
    one.queue.heartbeat(&first).await.unwrap();
    let lost = other.queue.heartbeat(&first).await;
    assert!(matches!(lost, Err(QueueError::Lost(id)) if id == run.id));
    one.queue.retry_at(&first, NOW + 10).await.unwrap();
    assert_eq!(lease(&other, NOW + 9).await, None);
    let second = leased(&other, NOW + 10).await;
    let fence = started(&other, second.run).await.fence;
    finish(&other, fence, Ended::Over(State::Dead)).await;
    other.queue.dead_letter(&second, "no use").await.unwrap();
    assert_eq!(lease(&one, NOW + 10).await, None);
    // A person who brings it back adds it again.
    let run = one.store.retry(run.id, NOW + 11).await.unwrap();
    one.queue.push(run.id, run.due).await.unwrap();
    assert_eq!(leased(&other, NOW + 11).await.run, run.id);
}

/// A run that is added again waits once.
pub(crate) async fn a_run_that_is_added_again_waits_once(one: Process, other: Process) {
    let run = submit(&one, "1", 1).await;
    for process in [&one, &other, &other] {
        process.queue.push(run.id, run.due).await.unwrap();
        // As after the server has forgotten what it was told before.
        process.queue.push(run.id, run.due - 1).await.unwrap();
    }
    let first = leased(&one, NOW).await;
    assert_eq!(first.run, run.id);
    other.queue.push(run.id, run.due - 2).await.unwrap();
    assert_eq!(lease(&other, NOW).await, None);
    assert_eq!(lease(&one, NOW).await, None);
}

/// Two runs of an employer never run at a time, whoever begins them when.
pub(crate) async fn two_processes_never_run_two_of_one_employer(one: Process, other: Process) {
    let mut runs = Vec::new();
    for number in 0..6 {
        runs.push(submit(&one, &number.to_string(), 1).await);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for run in &runs {
        for process in [one.clone(), other.clone()] {
            let run = run.id;
            tasks.spawn(async move { begin(&process, run, 1).await });
        }
    }
    while let Some(begun) = tasks.join_next().await {
        match begun.unwrap() {
            Begun::Started(started) => assert_eq!(started.run.id, runs[0].id),
            Begun::NotYet => {}
            Begun::Over(state) => panic!("{state}"),
        }
    }
    let filter = RunFilter {
        states: vec![State::Running],
        ..RunFilter::default()
    };
    let running = other.store.runs(filter).await.unwrap();
    assert_eq!(running.len(), 1);
    assert_eq!(running[0].id, runs[0].id);
}

/// Of the same request at the same moment by two processes, one is kept.
pub(crate) async fn two_processes_that_submit_the_same_submit_it_once(
    one: Process,
    other: Process,
) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let process = if number % 2 == 0 { &one } else { &other };
        let (process, request) = (process.clone(), new("same", 1));
        tasks.spawn(async move { process.store.submit(request, NOW).await.unwrap() });
    }
    let mut ids = std::collections::BTreeSet::new();
    while let Some(submitted) = tasks.join_next().await {
        ids.insert(submitted.unwrap().run().id);
    }
    assert_eq!(ids.len(), 1);
}

/// A daily budget is that of all processes, and of one day.
pub(crate) async fn a_daily_budget_is_shared(one: Process, other: Process) {
    let spend =
        async |of: &Process, budget: &str, day: &str| of.store.spend(budget, day, 3).await.unwrap();
    for process in [&one, &other, &one] {
        assert!(spend(process, "exact 1", "2026-01-01").await);
    }
    assert!(!spend(&other, "exact 1", "2026-01-01").await);
    assert!(spend(&other, "exact 2", "2026-01-01").await);
    assert!(spend(&one, "exact 1", "2026-01-02").await);
}

/// What a schedule did is known to all processes.
pub(crate) async fn schedules_are_remembered(one: Process, other: Process) {
    assert_eq!(one.store.ticked("s").await.unwrap(), None);
    one.store.tick("s", 5).await.unwrap();
    other.store.tick("s", 6).await.unwrap();
    assert_eq!(one.store.ticked("s").await.unwrap(), Some(6));
}

/// A run that was made at once is the same whether it was kept before it was over
/// or after.
pub(crate) async fn a_run_that_was_made_at_once_is_kept_before_or_after(process: Process) {
    let store = &process.store;
    let ends = [
        Ended::Over(State::Succeeded),
        Ended::Over(State::Failed),
        Ended::Person { open: false },
        Ended::Suspended { due: NOW + 9 },
    ];
    for (number, to) in ends.into_iter().enumerate() {
        let direct = |key: &str| direct(&process, key);
        let end = || End {
            output: Some(r#"{"a":1}"#.to_owned()),
            error: Some(Failing {
                code: "denied".to_owned(),
                message: "no".to_owned(),
            }),
            doubts: vec![Doubt {
                seq: 3,
                what: "POST https://a.nl".to_owned(),
            }],
            ..end(to)
        };
        let before = direct(&format!("before {number}"));
        store.direct(before.clone()).await.unwrap();
        let kept = store.run(before.new.id).await.unwrap().unwrap();
        let begun = before.started();
        assert_eq!(Run { number: 0, ..kept }, begun.run);
        let finished = store.finish(begun.fence, end(), NOW + 7).await.unwrap();
        let after = direct(&format!("after {number}"));
        store.made(after.clone(), end(), NOW + 7).await.unwrap();
        let made = store.run(after.new.id).await.unwrap().unwrap();
        let (id, key, number) = (made.id, made.key.clone(), made.number);
        assert_eq!(
            made,
            Run {
                id,
                key,
                number,
                ..finished
            }
        );
        assert_eq!(
            store.attempts(before.new.id).await.unwrap(),
            store.attempts(after.new.id).await.unwrap()
        );
    }
}

/// Gives all of them to the macro of a form, each with the processes that it
/// takes: what is added here is asked of every form.
macro_rules! tests {
    ($form:ident) => {
        $form! {
            a_key_is_that_of_one_request(one);
            runs_of_an_employer_are_made_one_by_one_in_order(one);
            the_runs_of_a_client_are_limited(one);
            whoever_takes_over_has_the_journal_and_the_other_has_no_say(one);
            runs_are_listed_in_pages_newest_first(one);
            runs_are_counted_by_day_and_state(one);
            runs_that_are_over_are_removed(one);
            people_do_what_the_state_allows(one);
            what_a_person_decides_is_in_the_journal(one);
            a_run_that_needs_a_person_holds_up_no_other(one);
            a_run_that_was_made_at_once_is_kept_before_or_after(one);
            a_run_is_leased_to_one_worker(one, other);
            a_run_that_is_added_again_waits_once(one, other);
            two_processes_never_run_two_of_one_employer(one, other);
            two_processes_that_submit_the_same_submit_it_once(one, other);
            a_daily_budget_is_shared(one, other);
            schedules_are_remembered(one, other);
        }
    };
}
pub(crate) use tests;
