//! How much one, two and three hosts do.

use super::{Installation, Party, clients, employers};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn more_hosts_make_the_same_runs_once() {
    let employers = employers();
    for hosts in 1..=3 {
        let party = Party::start().await;
        // About as long as a party on the network takes.
        party.told(|kept| kept.delay = Duration::from_millis(100));
        let Some(installation) =
            Installation::new(employers, &clients(party.port, "", ""), "workers = 8").await
        else {
            return;
        };
        let submitting = Instant::now();
        installation.book_all(employers).await;
        let submitting = submitting.elapsed();
        let running: Vec<_> = (0..hosts)
            .map(|host| installation.serve(&format!("host-{host}")))
            .collect();
        // Without the time that they take to start.
        while party.told(|kept| kept.requests) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let began = Instant::now();
        while installation.over().await < employers {
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(began.elapsed() < Duration::from_secs(900));
        }
        let took = began.elapsed();
        drop(running);
        let entries = party.told(|kept| kept.entries.len());
        assert_eq!(entries, employers);
        println!(
            "{hosts} hosts with 8 workers: {employers} journal runs in {:.1} s, {:.1} a second (submitted at {:.0} a second)",
            took.as_secs_f64(),
            employers as f64 / took.as_secs_f64(),
            employers as f64 / submitting.as_secs_f64()
        );
    }
}
