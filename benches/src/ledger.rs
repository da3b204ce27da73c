//! What the ledger takes.

use crate::calls::threads;
use crate::measure::{Rated, Timed, medians, rates};
use crate::report::{Report, Target, digits, time};
use crate::setup::folder;
use anyhow::Result;
use koppel_host::ledger::{Context, Entry, Kind, Ledger, Redactor};
use rusqlite::Connection;
use std::cell::RefCell;
use std::io::Write;
use std::time::Duration;
use uuid::Uuid;

fn entry() -> Entry {
    let context = Context {
        run: Uuid::now_v7(),
        client: "asks".to_owned(),
        user: "anna".to_owned(),
        employer: Uuid::nil(),
    };
    Entry {
        body: vec![b'x'; 500],
        ..Entry::new(
            context,
            Kind::Request,
            "POST https://party.example/invoices".to_owned(),
        )
    }
}

pub(crate) fn measure(report: &mut Report, lasting: Duration) -> Result<()> {
    let two = threads(2)?;
    report.group("The ledger");
    let dir = folder()?;
    let ledger = Ledger::open(&dir.path().join("ledger.db"), Redactor::default())?;
    // The disk itself: a line at the end of a file, and a row of SQLite.
    let file = RefCell::new(std::fs::File::create(dir.path().join("file"))?);
    let plain = Connection::open(dir.path().join("plain.db"))?;
    plain.pragma_update(None, "journal_mode", "WAL")?;
    plain.pragma_update(None, "synchronous", "FULL")?;
    plain.execute_batch("CREATE TABLE row (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")?;
    let body = vec![b'x'; 1000];
    let [disk, sqlite, append] = medians(
        &two,
        lasting,
        [
            Timed::one(|| async {
                let mut file = file.borrow_mut();
                file.write_all(&body).expect("a line");
                file.sync_data().expect("a flush");
            }),
            Timed::one(|| async {
                let mut insert = plain
                    .prepare_cached("INSERT INTO row (body) VALUES (?1)")
                    .expect("a statement");
                insert.execute([&body]).expect("a row");
            }),
            Timed::one(|| async {
                ledger.append(entry()).await.expect("a row");
            }),
        ],
    );
    report.times(
        "one append, on disk",
        "write and flush",
        disk,
        append,
        Target::None,
    );
    report.times(
        "the same",
        "plain row of SQLite",
        sqlite,
        append,
        Target::None,
    );
    let [rate] = rates(64, [Some(Rated::new(&two, &ledger, appended))]);
    let rate = rate.median;
    report.add(
        "appends, 64 at a time, each on disk",
        format!("one at a time {}/s", digits(1.0 / append)),
        time(1.0 / rate),
        (rate, "/s"),
        Target::None,
    );
    Ok(())
}

async fn appended(ledger: Ledger) {
    ledger.append(entry()).await.expect("a row");
}
