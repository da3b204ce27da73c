//! Many calls at a time, and what a second processor brings.

use crate::apart::Apart;
use crate::calls::{Call, Peers, TUNED};
use crate::floor::Floor;
use crate::measure::{Rate, Rated, rates};
use crate::report::{Report, Target};
use koppel_host::runs::Host;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// How many runs are under way at a time where rates are measured.
const AT_A_TIME: usize = 64;

/// How often each is done in a second, many at a time: with one thread, all that
/// it starts on the same processor; and with two, on as many as there are.
struct Rates {
    floor: [Rate; 2],
    tuned: [Rate; 2],
    koppel: [Rate; 2],
    /// By one process, and by two on a processor each.
    apart: [Rate; 2],
    /// On two.
    extism: Rate,
}

impl Rates {
    fn of(call: Call, one: &Runtime, two: &Runtime, peers: &Peers, host: &Arc<Host>) -> Self {
        let engine = |runtime, floor: &Floor| {
            let of = &(call, floor.clone());
            Rated::new(runtime, of, |(call, floor)| async move {
                call.floor(&floor).await;
            })
        };
        let koppel = |runtime| call.koppel_rated(runtime, host);
        let extism = peers.extism.as_ref().map(|extism| {
            let of = &(call, extism.clone());
            Rated::new(
                two,
                of,
                |(call, extism)| async move { call.extism(&extism) },
            )
        });
        let apart = peers.apart.as_ref();
        let rated = [
            Some(engine(one, &peers.floor).on_one_processor()),
            Some(engine(two, &peers.floor)),
            Some(engine(one, &peers.tuned).on_one_processor()),
            Some(engine(two, &peers.tuned)),
            Some(koppel(one).on_one_processor()),
            Some(koppel(two)),
            apart.map(|apart| Apart::rated(&apart[..1], call)),
            apart.map(|apart| Apart::rated(apart, call)),
            extism,
        ];
        let [f1, f2, t1, t2, k1, k2, a1, a2, extism] = rates(AT_A_TIME, rated);
        Self {
            floor: [f1, f2],
            tuned: [t1, t2],
            koppel: [k1, k2],
            apart: [a1, a2],
            extism,
        }
    }
}

/// Many at a time: the rows of the ledger that are written at a moment go to
/// disk together.
pub(crate) fn measure(
    report: &mut Report,
    one: &Runtime,
    two: &Runtime,
    peers: &Peers,
    host: &Arc<Host>,
) {
    report.group(&format!("Calls, {AT_A_TIME} at a time"));
    let describe = Rates::of(Call::Describe, one, two, peers, host);
    let runs = Rates::of(Call::LookUp, one, two, peers, host);
    let same = "the same";
    for (call, rates) in Call::ALL.into_iter().zip([&describe, &runs]) {
        let [floor, tuned, koppel] =
            [rates.floor, rates.tuned, rates.koppel].map(|of| of[1].median);
        let what = format!("{}, two threads", call.name());
        report.rates(&what, "floor", floor, koppel, Target::None);
        report.rates(same, TUNED, tuned, koppel, Target::None);
        let extism = rates.extism.median;
        report.rates(same, "Extism", extism, koppel, Target::AtLeast(4.0));
        let one = rates.koppel[0].median;
        report.rates(same, "one processor", one, koppel, Target::None);
    }
    for (at, threads) in ["one processor", "two threads"].into_iter().enumerate() {
        let what = format!("run, ledger batched, {threads}: time of each");
        let of = [runs.floor, runs.tuned, runs.koppel];
        let [floor, tuned, koppel] = of.map(|of| 1.0 / of[at].median);
        report.times(&what, "floor", floor, koppel, Target::AtMost(1.25));
        report.times(same, TUNED, tuned, koppel, Target::None);
    }
    second_processor(report, [&describe, &runs]);
}

/// What the second processor brings, by the best turns.
fn second_processor(report: &mut Report, of: [&Rates; 2]) {
    report.group("A second processor, best turns");
    let one_processor = "one processor";
    for (call, rates) in Call::ALL.into_iter().zip(of) {
        let [one, two] = rates.koppel.map(|rate| rate.best);
        let [alone, apart] = rates.apart.map(|rate| rate.best);
        let what = call.name();
        report.rates(
            &format!("{what}, two threads"),
            one_processor,
            one,
            two,
            Target::AtLeast(1.7),
        );
        report.rates(
            &format!("{what}, two processes that share nothing"),
            one_processor,
            alone,
            apart,
            Target::None,
        );
    }
    let [describe, _] = of;
    for (what, rates) in [
        ("`describe` of the floor, two threads", describe.floor),
        ("the same, tuned as koppel", describe.tuned),
    ] {
        let [one, two] = rates.map(|rate| rate.best);
        report.rates(what, one_processor, one, two, Target::None);
    }
}
