//! What one call costs: an instance, a run, an activity, the five checks.

use crate::floor::Floor;
use crate::measure::{Rated, Timed, medians, rates};
use crate::peer::Extism;
use crate::report::{Report, Target, time};
use crate::setup::{ASKS, Koppel, asks, component, configuration};
use anyhow::Result;
use koppel_host::authorization::{
    ClientGrants, EmployerSet, Grants, NO_MODULES, Question, RoleGrants, UserGrants, UserKind,
};
use koppel_host::catalogue::Activity;
use koppel_host::runs::Host;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// A query that performs the activity once.
const ONCE: &str = r#"{"times":1}"#;

/// A query that performs no activity.
const NEVER: &str = r#"{"times":0}"#;

/// A query that performs the activity very often.
const OFTEN: &str = r#"{"times":1000}"#;

/// How many runs are under way at a time where rates are measured.
const AT_A_TIME: usize = 64;

/// How many employers the one who asks may access.
const EMPLOYERS: u32 = 10_000;

pub(crate) fn threads(workers: usize) -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(workers).enable_all().build()?)
}

pub(crate) fn measure(report: &mut Report, lasting: Duration) -> Result<()> {
    let (one, two) = (threads(1)?, threads(2)?);
    let floor = Floor::new(&component("guests/asks.wasm"))?;
    let extism = match component("benches/asks-extism.wasm") {
        module if module.exists() => Some(Extism::new(&module)?),
        _ => None,
    };
    let koppel = two.block_on(Koppel::start(&configuration(&asks(ASKS))))?;
    let host = &koppel.host;

    report.group("Calls, one at a time");
    let [floor_describe, koppel_describe, extism_describe] = medians(
        &two,
        lasting,
        [
            Timed::one(|| floor.describe_fresh()),
            Timed::one(|| async {
                host.describe(ASKS).await.expect("a description");
            }),
            Timed::one(|| async { extism.iter().for_each(Extism::describe) }),
        ],
    );
    report.times(
        "fresh instance, no activity (`describe`)",
        "floor",
        floor_describe,
        koppel_describe,
        Target::None,
    );
    if extism.is_some() {
        report.times(
            "the same",
            "Extism",
            extism_describe,
            koppel_describe,
            Target::None,
        );
    }
    let [floor_once, koppel_once, extism_once] = medians(
        &two,
        lasting,
        [
            Timed::one(|| floor.lookup_fresh(ONCE)),
            Timed::one(|| async {
                Koppel::lookup(host, ASKS, ONCE).await;
            }),
            Timed::one(|| async { extism.iter().for_each(|extism| extism.lookup(ONCE)) }),
        ],
    );
    report.times(
        "run: fresh instance, five checks, limits; ledger on disk before and after",
        "floor",
        floor_once,
        koppel_once,
        Target::None,
    );
    if extism.is_some() {
        report.times("the same", "Extism", extism_once, koppel_once, Target::None);
    }

    let floor = Arc::new(floor);
    many(report, &one, &two, &floor, extism.as_ref(), host);
    live(report, &two, lasting, &floor, host);
    checks(report, &two, lasting / 2);
    Ok(())
}

/// Many at a time: the rows of the ledger that are written at a moment go to
/// disk together.
fn many(
    report: &mut Report,
    one: &Runtime,
    two: &Runtime,
    floor: &Arc<Floor>,
    extism: Option<&Extism>,
    host: &Arc<Host>,
) {
    report.group(&format!("Calls, {AT_A_TIME} at a time"));
    let describe = [
        Some(Rated::new(one, floor, floor_describe)),
        Some(Rated::new(two, floor, floor_describe)),
        Some(Rated::new(one, host, koppel_describe)),
        Some(Rated::new(two, host, koppel_describe)),
        extism.map(|extism| Rated::new(two, extism, extism_describe)),
    ];
    let [floor_1, floor_2, koppel_1, koppel_2, extism_2] = rates(AT_A_TIME, describe);
    report.rates(
        "`describe`, two threads",
        "floor",
        floor_2,
        koppel_2,
        Target::None,
    );
    report.rates(
        "the same",
        "Extism",
        extism_2,
        koppel_2,
        Target::AtLeast(4.0),
    );
    report.rates(
        "the same",
        "one thread",
        koppel_1,
        koppel_2,
        Target::AtLeast(1.7),
    );
    report.rates(
        "the same, of the floor",
        "one thread",
        floor_1,
        floor_2,
        Target::None,
    );
    let run = [
        Some(Rated::new(one, floor, floor_run)),
        Some(Rated::new(two, floor, floor_run)),
        Some(Rated::new(one, host, koppel_run)),
        Some(Rated::new(two, host, koppel_run)),
        extism.map(|extism| Rated::new(two, extism, extism_run)),
    ];
    let [floor_1, floor_2, koppel_1, koppel_2, extism_2] = rates(AT_A_TIME, run);
    report.times(
        "run, ledger batched, one thread: time of each",
        "floor",
        1.0 / floor_1,
        1.0 / koppel_1,
        Target::AtMost(1.25),
    );
    report.times(
        "the same, two threads",
        "floor",
        1.0 / floor_2,
        1.0 / koppel_2,
        Target::AtMost(1.25),
    );
    report.rates(
        "runs, two threads",
        "Extism",
        extism_2,
        koppel_2,
        Target::AtLeast(4.0),
    );
    report.rates(
        "the same",
        "one thread",
        koppel_1,
        koppel_2,
        Target::AtLeast(1.7),
    );
}

async fn floor_describe(floor: Arc<Floor>) {
    floor.describe_fresh().await;
}

async fn floor_run(floor: Arc<Floor>) {
    floor.lookup_fresh(ONCE).await;
}

async fn koppel_describe(host: Arc<Host>) {
    host.describe(ASKS).await.expect("a description");
}

async fn koppel_run(host: Arc<Host>) {
    Koppel::lookup(&host, ASKS, ONCE).await;
}

async fn extism_describe(extism: Extism) {
    extism.describe();
}

async fn extism_run(extism: Extism) {
    extism.lookup(ONCE);
}

/// Against an instance that lives on, which koppel never does.
fn live(report: &mut Report, runtime: &Runtime, lasting: Duration, floor: &Floor, host: &Host) {
    report.group("Calls, beside an instance that lives on");
    let live = runtime.block_on(floor.instance()).expect("an instance");
    let live = tokio::sync::Mutex::new(live);
    let [floor_live, koppel_describe] = medians(
        runtime,
        lasting,
        [
            Timed::one(|| async {
                let mut live = live.lock().await;
                floor.describe(&mut live).await.expect("a description");
            }),
            Timed::one(|| async {
                host.describe(ASKS).await.expect("a description");
            }),
        ],
    );
    report.times(
        "`describe`",
        "live instance",
        floor_live,
        koppel_describe,
        Target::AtMost(3.0),
    );
    let ask = |query: &'static str| {
        let live = &live;
        Timed::one(move || async move {
            let mut live = live.lock().await;
            floor.lookup(&mut live, query).await.expect("an answer");
        })
    };
    let [floor_never, floor_often, koppel_never, koppel_often] = medians(
        runtime,
        lasting * 2,
        [
            ask(NEVER),
            ask(OFTEN),
            Timed::one(|| async {
                Koppel::lookup(host, ASKS, NEVER).await;
            }),
            Timed::one(|| async {
                Koppel::lookup(host, ASKS, OFTEN).await;
            }),
        ],
    );
    let (bare, call) = (
        (floor_often - floor_never) / 1000.0,
        (koppel_often - koppel_never) / 1000.0,
    );
    report.add(
        "an activity with a small record",
        format!("bare host function {}", time(bare)),
        time(call),
        ((call - bare) * 1e6, " µs more"),
        Target::AtMost(1.5),
    );
}

/// Everything that the five checks of one question look at, at its largest.
pub(crate) struct Checks {
    pub(crate) grants: Grants,
    pub(crate) employers: Vec<Uuid>,
    provider: Uuid,
}

impl Checks {
    /// A user with so many employers of their own, beside so many others, and
    /// so many clients.
    pub(crate) fn new(employers: u32, users: u32, clients: u32) -> Self {
        let all = Activity::all().collect();
        let provider = Uuid::now_v7();
        let employers: Vec<_> = (0..employers).map(|_| Uuid::new_v4()).collect();
        let names: Vec<_> = Activity::all().filter_map(|a| a.row().module).collect();
        let modules = names.iter().map(|name| (*name).to_owned());
        let rights = ["everything".to_owned()];
        let user = UserGrants {
            kind: UserKind::Provider,
            provider: Some(provider),
            role: "professional".to_owned(),
            rights: rights.clone().into(),
            activities: all,
            employer_rights: HashMap::new(),
            employers: EmployerSet::These(employers.iter().copied().collect()),
            blocked: false,
        };
        let other = UserGrants {
            employers: EmployerSet::AllOfProvider,
            ..user.clone()
        };
        let others = (1..users).map(|number| (format!("user-{number}"), other.clone()));
        let client = |number| (format!("client-{number}"), ClientGrants { activities: all });
        let role = RoleGrants {
            rights: rights.into(),
            activities: all,
        };
        let grants = Grants {
            clients: (0..clients).map(client).collect(),
            users: others.chain([("user-0".to_owned(), user)]).collect(),
            roles: [("professional".to_owned(), role)].into(),
            employer_modules: employers
                .iter()
                .map(|id| (*id, modules.clone().collect()))
                .collect(),
            ..Grants::default()
        };
        Self {
            grants,
            employers,
            provider,
        }
    }

    /// Asks so many questions, about other employers and activities each time.
    pub(crate) fn ask(&self, times: u32) {
        let activities: Vec<_> = Activity::all().collect();
        let employers = self.employers.iter().cycle();
        let questions = activities.iter().cycle().zip(employers.step_by(7));
        for (activity, employer) in questions.take(times as usize) {
            let question = Question {
                client: "client-0",
                user: "user-0",
                activity: *activity,
                scope: *employer,
                employer: *employer,
                provider: self.provider,
                modules: &NO_MODULES,
            };
            let answer = self.grants.check(black_box(&question));
            assert!(black_box(answer).is_ok());
        }
    }
}

fn checks(report: &mut Report, runtime: &Runtime, lasting: Duration) {
    report.group("Authorization");
    let checks = Checks::new(EMPLOYERS, 100, 100);
    let [each] = medians(
        runtime,
        lasting,
        [Timed::many(10_000, || async { checks.ask(10_000) })],
    );
    report.add(
        &format!("five checks, {EMPLOYERS} employers, all activities"),
        String::new(),
        time(each),
        (each * 1e9, " ns"),
        Target::AtMost(100.0),
    );
}
