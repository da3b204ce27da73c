//! Schedules, and clocks that move.

use super::{Bench, Manual, all, clerk};
use crate::harness::{configuration, employer};
use koppel_host::durable::{Origin, State};
use std::time::Duration;

fn text() -> String {
    format!(
        "{}\n[[schedules]]\nname = \"mornings\"\nclient = \"marked\"\nuser = \"anna\"\nemployers = [\"{}\"]\ntask = \"journal-runs\"\ncron = \"0 6 * * MON-FRI\"\n",
        configuration(&clerk("marked", "")),
        employer(1)
    )
}

/// The schedules are looked at every second.
const LOOKED: Duration = Duration::from_millis(2_200);

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_submits_what_is_ready_at_its_time_in_the_netherlands() {
    let text = text();
    let dir = Bench::idle(&text).await.end().await;
    // Monday, one minute to six.
    let clock = Manual::at("2026-03-02T04:59:00Z");
    let mut bench = Bench::open(dir, &text, Some(clock.clone()));
    bench.work();
    tokio::time::sleep(LOOKED).await;
    assert_eq!(all(&bench.host).await, []);
    clock.set("2026-03-02T05:00:30Z");
    tokio::time::sleep(LOOKED).await;
    let runs = all(&bench.host).await;
    // Periods 2 to 11 are ready.
    assert_eq!(runs.len(), 10);
    for run in &runs {
        assert_eq!(run.origin, Origin::Schedule("mornings".to_owned()));
        bench.until(run.id, &[State::Succeeded]).await;
    }
    tokio::time::sleep(LOOKED).await;
    assert_eq!(all(&bench.host).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_moved_submits_nothing_twice_and_stops_nothing() {
    let text = text();
    let dir = Bench::idle(&text).await.end().await;
    let clock = Manual::at("2026-03-02T04:59:00Z");
    let mut bench = Bench::open(dir, &text, Some(clock.clone()));
    bench.work();
    tokio::time::sleep(LOOKED).await;
    // Ahead by years, by mistake: the last of all the mornings counts.
    clock.set("2029-03-02T12:00:00Z");
    tokio::time::sleep(LOOKED).await;
    let runs = all(&bench.host).await;
    assert_eq!(runs.len(), 10);
    // And back again.
    clock.set("2026-03-02T05:00:30Z");
    for run in &runs {
        bench.until(run.id, &[State::Succeeded]).await;
    }
    tokio::time::sleep(LOOKED).await;
    assert_eq!(all(&bench.host).await.len(), 10);
    // The next morning comes all the same, and has nothing to do.
    clock.set("2026-03-03T05:00:30Z");
    tokio::time::sleep(LOOKED).await;
    let ticked = bench.host.last_tick("mornings", employer(1)).await.unwrap();
    assert_eq!(
        koppel_host::durable::moment(ticked.unwrap()),
        "2026-03-03T05:00:00.000Z"
    );
    assert_eq!(all(&bench.host).await.len(), 10);
}
