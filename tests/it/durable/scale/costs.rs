//! What the parts cost by themselves: the queue, the store and the ledger.

use super::{Installation, Party, clients, number};
use koppel_host::ledger::{Context, Entry, Filter, Kind, Ledger, Redactor};
use std::future::Future;
use std::time::Instant;
use uuid::Uuid;

/// How many of a thing are made at a time.
const AT_A_TIME: usize = 8;

/// Does something so often, some at a time; gives how many a second.
async fn rate<F: Future<Output = ()> + Send + 'static>(
    often: usize,
    at_a_time: usize,
    what: impl Fn(usize) -> F,
) -> f64 {
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..often {
        if tasks.len() >= at_a_time {
            tasks.join_next().await.unwrap().unwrap();
        }
        tasks.spawn(what(number));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    often as f64 / began.elapsed().as_secs_f64()
}

async fn append(ledger: Ledger) {
    let context = Context {
        run: Uuid::now_v7(),
        client: "journal-exact".to_owned(),
        user: "anna".to_owned(),
        employer: Uuid::nil(),
    };
    let mut entry = Entry::new(context, Kind::Request, "POST https://a.nl/".to_owned());
    entry.body = vec![b'x'; 1_000];
    ledger.append(entry).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledger_costs() {
    let often = number("KOPPEL_SCALE_COSTS", 100);
    let party = Party::start().await;
    let Some(installation) = Installation::new(4, &clients(party.port, "", ""), "").await else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = Ledger::open(&dir.path().join("ledger.db"), Redactor::default()).unwrap();
    for (name, ledger) in [
        ("SQLite", file),
        ("PostgreSQL", installation.office.ledger().clone()),
    ] {
        for at_a_time in [1, AT_A_TIME, 64] {
            let rate = rate(often, at_a_time, |_| append(ledger.clone())).await;
            println!("ledger in {name}, {at_a_time} at a time: {rate:.0} rows of 1 kB a second");
        }
        ledger.verify().await.unwrap().unwrap();
    }
    let changed = installation.servers.psql(
        &installation.database,
        "UPDATE koppel.ledger SET summary = 'x' WHERE seq = 1",
    );
    assert!(changed.unwrap_err().contains("the ledger is append only"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_changed_behind_its_back_is_found() {
    let party = Party::start().await;
    let Some(installation) = Installation::new(4, &clients(party.port, "", ""), "").await else {
        return;
    };
    let ledger = installation.office.ledger();
    for _ in 0..5 {
        append(ledger.clone()).await;
    }
    let intact = installation.koppel(&["ledger", "verify"]);
    assert!(
        String::from_utf8_lossy(&intact.stdout).contains("intact 5 rows"),
        "{intact:?}"
    );
    let change = "SET session_replication_role = replica; UPDATE koppel.ledger SET summary = 'x' WHERE seq = 3";
    installation
        .servers
        .psql(&installation.database, change)
        .unwrap();
    let broken = installation.koppel(&["ledger", "verify"]);
    let text = String::from_utf8_lossy(&broken.stderr).into_owned();
    assert!(
        text.contains("row 3 of the ledger: it was changed, or the row before it was replaced"),
        "{text}"
    );
    let removed = "SET session_replication_role = replica; DELETE FROM koppel.ledger WHERE seq = 3";
    installation
        .servers
        .psql(&installation.database, removed)
        .unwrap();
    let broken = ledger.verify().await.unwrap().unwrap_err();
    assert_eq!(broken.to_string(), "row 4 of the ledger: row 3 is missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shared_ledger_selects_what_one_in_a_file_does() {
    let party = Party::start().await;
    let Some(installation) = Installation::new(4, &clients(party.port, "", ""), "").await else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = Ledger::open(&dir.path().join("ledger.db"), Redactor::default()).unwrap();
    let shared = installation.office.ledger();
    for number in 0..12_u128 {
        let context = Context {
            run: Uuid::nil(),
            client: format!("client-{}", number % 2),
            user: "anna".to_owned(),
            employer: Uuid::from_u128(number % 3),
        };
        let kinds = [
            Kind::Request,
            Kind::Denial,
            Kind::ActivityWrite,
            Kind::ExportFile,
        ];
        let entry = Entry {
            activity: (number > 1).then(|| format!("Activity{}", number % 5)),
            ..Entry::new(context, kinds[number as usize % 4], number.to_string())
        };
        file.append(entry.clone()).await.unwrap();
        shared.append(entry).await.unwrap();
    }
    let among = |ids: &[u128]| Filter {
        among: Some(ids.iter().map(|id| Uuid::from_u128(*id)).collect()),
        ..Filter::default()
    };
    for filter in [Filter::default(), among(&[0, 2]), among(&[9]), among(&[])] {
        for newest_first in [false, true] {
            let filter = Filter {
                newest_first,
                ..filter.clone()
            };
            let page = async |ledger: &Ledger| {
                let (rows, total) = ledger.page(filter.clone(), 1, 4).await.unwrap();
                let rows: Vec<_> = rows.into_iter().map(|row| row.summary).collect();
                (rows, total)
            };
            assert_eq!(page(shared).await, page(&file).await, "{filter:?}");
            let uses = async |ledger: &Ledger| {
                let uses = ledger.uses(filter.clone()).await.unwrap();
                let uses = uses.into_iter();
                uses.map(|one| (one.client, one.activity, one.count))
                    .collect::<Vec<_>>()
            };
            assert_eq!(uses(shared).await, uses(&file).await, "{filter:?}");
        }
    }
}
