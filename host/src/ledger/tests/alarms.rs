//! Counting denials, and the alarm when there are too many.

use super::*;
use std::time::Duration;

/// A denial of a client.
fn denied(client: &str, check: &str) -> Entry {
    Entry {
        check: Some(check.to_owned()),
        activity: Some("GetEmployerByEmployerId".to_owned()),
        ..Entry::new(
            Context {
                client: client.to_owned(),
                ..context(1)
            },
            Kind::Denial,
            "because".to_owned(),
        )
    }
}

impl TestLedger {
    fn alarming_at(count: u32, within_seconds: u32) -> Self {
        let mut ledger = Self::new();
        ledger.ledger = ledger.alarming(count, within_seconds);
        ledger
    }

    fn alarming(&self, count: u32, within_seconds: u32) -> Ledger {
        self.again().with_alarms(move || Threshold {
            count,
            within_seconds,
        })
    }

    /// The client and the summary of each alarm.
    async fn alarms(&self) -> Vec<(String, String)> {
        let filter = Filter {
            kinds: vec![Kind::Alarm],
            ..Filter::default()
        };
        let rows = self.rows(filter).await;
        rows.into_iter()
            .map(|row| (row.context.client, row.summary))
            .collect()
    }

    async fn deny(&self, client: &str, check: &str, times: usize) {
        for _ in 0..times {
            self.append(denied(client, check)).await;
        }
    }
}

fn alarm(client: &str, summary: &str) -> (String, String) {
    (client.to_owned(), summary.to_owned())
}

#[tokio::test]
async fn so_many_denials_of_one_client_raise_one_alarm() {
    let ledger = TestLedger::alarming_at(4, 3600);
    ledger.deny("a", "entity", 2).await;
    ledger.deny("b", "client", 3).await;
    ledger.deny("a", "egress", 1).await;
    assert_eq!(ledger.alarms().await, []);
    // The number of the denial, not of the alarm that follows it.
    assert_eq!(ledger.append(denied("a", "entity")).await, 7);
    let of_a = alarm("a", "4 denials within 3600 s: entity 3, egress 1");
    assert_eq!(ledger.alarms().await, std::slice::from_ref(&of_a));
    ledger.deny("a", "entity", 9).await;
    assert_eq!(ledger.alarms().await, std::slice::from_ref(&of_a));
    ledger.deny("b", "client", 1).await;
    let of_b = alarm("b", "4 denials within 3600 s: client 4");
    assert_eq!(ledger.alarms().await, [of_a, of_b]);
    assert!(ledger.verify().await.is_ok());
    let (row, body) = ledger.row(8).await;
    assert_eq!((row.kind.as_str(), row.check), ("alarm", None));
    assert_eq!(row.context.employer, context(1).employer);
    assert_eq!(body.as_deref(), Some(&[][..]));
}

#[tokio::test]
async fn an_alarm_comes_again_when_its_time_is_over_and_the_denials_go_on() {
    let ledger = TestLedger::alarming_at(2, 1);
    ledger.deny("a", "user", 5).await;
    assert_eq!(ledger.alarms().await.len(), 1);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    // Those of before are too long ago.
    ledger.deny("a", "user", 1).await;
    assert_eq!(ledger.alarms().await.len(), 1);
    ledger.deny("a", "user", 1).await;
    let again = alarm("a", "2 denials within 1 s: user 2");
    assert_eq!(ledger.alarms().await[1], again);
    assert_eq!(ledger.alarms().await.len(), 2);
}

#[tokio::test]
async fn denials_count_across_processes_and_their_restarts() {
    let ledger = TestLedger::alarming_at(3, 3600);
    ledger.deny("a", "user", 1).await;
    for _ in 0..3 {
        let process = ledger.alarming(3, 3600);
        process.append(denied("a", "user")).await.unwrap();
    }
    let once = alarm("a", "3 denials within 3600 s: user 3");
    assert_eq!(ledger.alarms().await, [once]);
}

#[tokio::test]
async fn of_denials_at_the_same_time_one_raises_the_alarm() {
    let ledger = TestLedger::alarming_at(5, 3600);
    let other = ledger.alarming(5, 3600);
    let appends = (0..20).map(|number| {
        let ledger = [&ledger.ledger, &other][number % 2].clone();
        async move { ledger.append(denied("a", "role")).await.unwrap() }
    });
    futures_util::future::join_all(appends).await;
    assert_eq!(ledger.alarms().await.len(), 1);
    assert_eq!(ledger.verify().await.unwrap().rows, 21);
}

#[tokio::test]
async fn by_default_ten_denials_within_a_minute_are_too_many() {
    let ledger = TestLedger::new();
    ledger.deny("a", "user", 9).await;
    assert_eq!(ledger.alarms().await, []);
    ledger.deny("a", "user", 1).await;
    let default = alarm("a", "10 denials within 60 s: user 10");
    assert_eq!(ledger.alarms().await, [default]);
}

#[tokio::test]
async fn what_is_no_denial_raises_no_alarm() {
    let ledger = TestLedger::alarming_at(1, 3600);
    for kind in [
        Kind::Request,
        Kind::Response,
        Kind::RunStarted,
        Kind::ExportFile,
    ] {
        let entry = Entry {
            kind,
            ..denied("a", "user")
        };
        ledger.append(entry).await;
    }
    assert_eq!(ledger.alarms().await, []);
    assert_eq!(ledger.ledger.denials().now(), []);
}

#[tokio::test]
async fn denials_are_counted_by_client_and_check() {
    let ledger = TestLedger::new();
    ledger.deny("a", "user", 1).await;
    ledger.deny("b", "egress", 3).await;
    ledger.deny("a", "entity", 2).await;
    let clone = ledger.ledger.clone();
    let counters = || {
        let counters = clone.denials().now().into_iter();
        counters
            .map(|counter| format!("{} {} {}", counter.client, counter.check, counter.total))
            .collect::<Vec<_>>()
    };
    assert_eq!(counters(), ["a entity 2", "a user 1", "b egress 3"]);
    // Another process counts its own, the ledger all.
    let other = ledger.again();
    other.append(denied("a", "user")).await.unwrap();
    assert_eq!(other.denials().now().len(), 1);
    assert_eq!(counters(), ["a entity 2", "a user 1", "b egress 3"]);
    let counted = async |filter: Filter| {
        let counts = ledger.ledger.denial_counts(filter).await.unwrap();
        let counts = counts.into_iter();
        counts
            .map(|count| format!("{} {} {}", count.client, count.check, count.count))
            .collect::<Vec<_>>()
    };
    let all = Filter::default();
    assert_eq!(
        counted(all.clone()).await,
        ["a entity 2", "a user 2", "b egress 3"]
    );
    let of = Filter {
        client: Some("a".to_owned()),
        check: Some("user".to_owned()),
        // Neither matters.
        kinds: vec![Kind::Request],
        limit: Some(1),
        ..all.clone()
    };
    assert_eq!(counted(of).await, ["a user 2"]);
    let counts = ledger.ledger.denial_counts(all.clone()).await.unwrap();
    let rows = ledger.rows(all.clone()).await;
    assert_eq!(counts[1].first, rows[0].time);
    assert_eq!(counts[1].last, rows[6].time);
    let since = Filter {
        since: Some(rows[5].time.parse().unwrap()),
        ..all
    };
    assert_eq!(counted(since).await, ["a entity 1", "a user 1"]);
}

#[tokio::test]
async fn rows_are_found_by_their_check() {
    let ledger = TestLedger::new();
    ledger.deny("a", "user", 1).await;
    ledger.deny("a", "egress", 1).await;
    let filter = Filter {
        check: Some("egress".to_owned()),
        ..Filter::default()
    };
    assert_eq!(ledger.numbers(filter).await, [2]);
}

#[tokio::test]
async fn counting_and_alarms_look_at_denials_only() {
    let ledger = TestLedger::of(1).await;
    let plan = |sql| ledger.plan(sql, &[]).swap_remove(0);
    assert_eq!(
        plan(
            "SELECT \"check\", count(*) FROM ledger WHERE kind = 'denial' AND client = 'a' AND time > 'b' GROUP BY \"check\""
        ),
        "SEARCH ledger USING COVERING INDEX ledger_denials (client=? AND time>?)"
    );
    assert_eq!(
        plan("SELECT 1 FROM ledger WHERE kind = 'alarm' AND client = 'a' AND time > 'b'"),
        "SEARCH ledger USING COVERING INDEX ledger_alarms (client=? AND time>?)"
    );
}
