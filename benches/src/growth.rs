//! What becomes of the figures when there is ten and a hundred times as much:
//! look-ups stay flat, and nothing is worse than linear.

use crate::bulk;
use crate::calls::{Checks, threads};
use crate::measure::{Timed, medians};
use crate::report::{Report, Target, time};
use crate::setup::{ASKS, Koppel, asks, configuration, folder};
use anyhow::Result;
use koppel_host::config::Config;
use koppel_host::ledger::{Context, Entry, Filter, Kind, Ledger, Redactor};
use koppel_host::platform::Entity;
use rusqlite::Connection;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How much there is, in multiples of the smallest.
pub(crate) const TIMES: [u32; 3] = [1, 10, 100];

/// Figures at each multiple, in seconds.
pub(crate) struct Curve {
    /// What grows, with what 1 × is.
    pub(crate) of: &'static str,
    /// What is measured.
    pub(crate) what: &'static str,
    pub(crate) seconds: [f64; 3],
    /// The most that a hundred times as much may take, in multiples.
    most: f64,
}

/// What a look-up may take when there is a hundred times as much: memory is
/// further away then.
const FLAT: f64 = 4.0;

/// What may grow as much as there is, with as much again for what a clock that
/// small catches besides.
const LINEAR: f64 = 130.0;

impl Curve {
    /// Whether it is about one of many, however many there are.
    pub(crate) fn is_flat(&self) -> bool {
        self.most == FLAT
    }
}

pub(crate) fn measure(report: &mut Report, lasting: Duration) -> Result<Vec<Curve>> {
    report.group("Growth");
    let mut curves = Vec::new();
    curves.push(employers_of_a_user(lasting / 3)?);
    curves.push(users(lasting / 3)?);
    curves.push(clients_of_checks(lasting / 3)?);
    curves.extend(clients(lasting / 3)?);
    curves.extend(employers(lasting / 3)?);
    curves.extend(ledger(lasting / 3)?);
    for curve in &curves {
        let [one, ten, hundred] = curve.seconds;
        report.add(
            &format!("{}: {}", curve.of, curve.what),
            format!("1 × {}, 10 × {}", time(one), time(ten)),
            format!("100 × {}", time(hundred)),
            (hundred / one, " ×"),
            Target::AtMost(curve.most),
        );
    }
    Ok(curves)
}

fn checks(lasting: Duration, of: [Checks; 3]) -> Result<[f64; 3]> {
    let runtime = threads(1)?;
    let asked = of
        .each_ref()
        .map(|checks| Timed::many(10_000, || async { checks.ask(10_000) }));
    Ok(medians(&runtime, lasting, asked))
}

fn employers_of_a_user(lasting: Duration) -> Result<Curve> {
    Ok(Curve {
        of: "employers of a user (100)",
        what: "five checks",
        seconds: checks(lasting, TIMES.map(|times| Checks::new(100 * times, 10, 10)))?,
        most: FLAT,
    })
}

fn users(lasting: Duration) -> Result<Curve> {
    Ok(Curve {
        of: "users (100)",
        what: "five checks",
        seconds: checks(
            lasting,
            TIMES.map(|times| Checks::new(100, 100 * times, 10)),
        )?,
        most: FLAT,
    })
}

fn clients_of_checks(lasting: Duration) -> Result<Curve> {
    Ok(Curve {
        of: "clients (100)",
        what: "five checks",
        seconds: checks(
            lasting,
            TIMES.map(|times| Checks::new(100, 10, 100 * times)),
        )?,
        most: FLAT,
    })
}

/// Of as many clients that share a component: until all are ready, and a call
/// of one.
fn clients(lasting: Duration) -> Result<[Curve; 2]> {
    let runtime = threads(2)?;
    let (mut ready, mut call) = ([0.0; 3], [0.0; 3]);
    for (at, times) in TIMES.into_iter().enumerate() {
        let count = 10 * times;
        let clients: String = (0..count)
            .map(|number| asks(&format!("{ASKS}-{number}")))
            .collect();
        let koppel = runtime.block_on(Koppel::start(&configuration(&clients)))?;
        // It is compiled once, and on disk after.
        runtime.block_on(koppel.host.load(&format!("{ASKS}-0")))?;
        drop(koppel.host);
        let began = Instant::now();
        let koppel = Koppel::open(koppel.dir, &configuration(&clients))?;
        runtime.block_on(async {
            for number in 0..count {
                koppel.host.load(&format!("{ASKS}-{number}")).await?;
            }
            anyhow::Ok(())
        })?;
        ready[at] = began.elapsed().as_secs_f64();
        let described = Timed::one(|| async {
            koppel
                .host
                .describe(&format!("{ASKS}-1"))
                .await
                .expect("a description");
        });
        [call[at]] = medians(&runtime, lasting / 3, [described]);
    }
    let of = "clients (10)";
    Ok([
        Curve {
            of,
            what: "all ready",
            seconds: ready,
            most: LINEAR,
        },
        Curve {
            of,
            what: "a call",
            seconds: call,
            most: FLAT,
        },
    ])
}

/// Of as many employers with a journal run each: whom something belongs to,
/// reading something, and a configuration that lists them all.
fn employers(lasting: Duration) -> Result<[Curve; 3]> {
    let runtime = threads(2)?;
    let (mut owner, mut run, mut reload) = ([0.0; 3], [0.0; 3], [0.0; 3]);
    let koppel = runtime.block_on(Koppel::start(&configuration(&asks(ASKS))))?;
    let mut db = Connection::open(koppel.dir.path().join("data/koppel.db"))?;
    let mut there = 0;
    for (at, times) in TIMES.into_iter().enumerate() {
        let count = 100 * times;
        bulk::employers(&mut db, there, count)?;
        there = count;
        let platform = koppel.host.platform();
        let mut number = 0;
        let owners = Timed::told(|| {
            number = (number + 7919) % count;
            let [employer, _, run] = bulk::ids(number);
            // After a change nothing is known any more. What is written as it
            // was is no change to SQLite.
            let changed = db.execute(
                "UPDATE employer SET number = number + 1 WHERE id = ?1",
                [employer.to_string()],
            );
            assert_eq!(changed, Ok(1));
            async move {
                let began = Instant::now();
                let owner = platform.owner(Entity::JournalRun(run)).await;
                assert!(owner.is_ok_and(|owner| owner.is_some()));
                began.elapsed().as_secs_f64()
            }
        });
        let looked_up = Timed::one(|| async {
            Koppel::lookup(&koppel.host, ASKS, r#"{"times":1}"#).await;
        });
        [owner[at], run[at]] = medians(&runtime, lasting / 3, [owners, looked_up]);
        let ids: Vec<_> = (0..count)
            .map(|number| bulk::ids(number)[0].to_string())
            .collect();
        let text = configuration(&asks(ASKS)) + &format!("[teams]\nall = {ids:?}\n");
        let path = koppel.dir.path().join("all.toml");
        std::fs::write(&path, text)?;
        let read = Timed::one(|| async {
            Config::load(&path).expect("a configuration");
        });
        [reload[at]] = medians(&runtime, lasting / 3, [read]);
    }
    let of = "employers (100)";
    Ok([
        Curve {
            of,
            what: "whom something belongs to",
            seconds: owner,
            most: FLAT,
        },
        Curve {
            of,
            what: "a run",
            seconds: run,
            most: FLAT,
        },
        Curve {
            of,
            what: "reading a configuration that lists them",
            seconds: reload,
            most: LINEAR,
        },
    ])
}

/// Of as many rows: appending one, the newest of a client, and verifying all.
fn ledger(lasting: Duration) -> Result<[Curve; 3]> {
    let runtime = threads(2)?;
    let (mut append, mut newest, mut verify) = ([0.0; 3], [0.0; 3], [0.0; 3]);
    let dir = folder()?;
    let ledger = Ledger::open(&dir.path().join("ledger.db"), Redactor::default())?;
    let mut rows = 0;
    for (at, times) in TIMES.into_iter().enumerate() {
        runtime.block_on(fill(&ledger, 2_000 * times - rows))?;
        rows = 2_000 * times;
        let appended = Timed::one(|| async {
            ledger.append(entry(1)).await.expect("a row");
        });
        let listed = Timed::one(|| async {
            let filter = Filter {
                client: Some("client-1".to_owned()),
                kinds: vec![Kind::Request],
                limit: Some(50),
                ..Filter::default()
            };
            assert_eq!(ledger.rows(filter).await.expect("rows").len(), 50);
        });
        [append[at], newest[at]] = medians(&runtime, lasting / 3, [appended, listed]);
        let began = Instant::now();
        let verified = runtime.block_on(ledger.verify())??;
        // For as many as there are meant to be: measuring appended some.
        verify[at] =
            began.elapsed().as_secs_f64() / verified.rows as f64 * f64::from(2_000 * times);
    }
    let of = "rows of the ledger (2,000)";
    Ok([
        Curve {
            of,
            what: "appending one",
            seconds: append,
            most: FLAT,
        },
        Curve {
            of,
            what: "the newest 50 of a client",
            seconds: newest,
            most: FLAT,
        },
        Curve {
            of,
            what: "verifying all",
            seconds: verify,
            most: LINEAR,
        },
    ])
}

fn entry(number: u32) -> Entry {
    let context = Context {
        run: Uuid::now_v7(),
        client: format!("client-{}", number % 10),
        user: "anna".to_owned(),
        employer: Uuid::from_u128(u128::from(number % 1000)),
    };
    Entry {
        body: vec![b'x'; 300],
        ..Entry::new(
            context,
            Kind::Request,
            "POST https://party.example/invoices".to_owned(),
        )
    }
}

/// Appends so many rows.
async fn fill(ledger: &Ledger, rows: u32) -> Result<()> {
    let mut number = 0;
    while number < rows {
        let some: Vec<_> = (number..rows.min(number + 200))
            .map(|number| {
                let ledger = ledger.clone();
                tokio::spawn(async move { ledger.append(entry(number)).await })
            })
            .collect();
        for row in some {
            row.await??;
            number += 1;
        }
    }
    Ok(())
}
