//! What one call costs: an instance, a run, an activity, the five checks.

use crate::apart::Apart;
use crate::floor::{self, Floor};
use crate::many;
use crate::measure::{Rated, Timed, medians};
use crate::peer::Extism;
use crate::report::{Report, Target, time};
use crate::setup::{ASKS, Koppel, READY, asks, asks_ready, component, configuration};
use anyhow::Result;
use koppel_host::authorization::{
    ClientGrants, EmployerSet, Grants, Map, NO_MODULES, Question, RoleGrants, UserGrants, UserKind,
};
use koppel_host::catalogue::Activity;
use koppel_host::runs::Host;
use std::hint::black_box;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// A query that performs the activity once.
const ONCE: &str = r#"{"times":1}"#;

/// A query that performs no activity.
pub(crate) const NEVER: &str = r#"{"times":0}"#;

/// A query that performs the activity very often.
const OFTEN: &str = r#"{"times":1000}"#;

/// The floor with koppel's settings of the allocator.
pub(crate) const TUNED: &str = "floor, tuned as koppel";

/// How many employers the one who asks may access.
const EMPLOYERS: u32 = 10_000;

pub(crate) fn threads(workers: usize) -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(workers).enable_all().build()?)
}

/// What is called.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// `describe`: no activity, and nothing in the ledger.
    Describe,
    /// A look-up: one activity; of koppel a run, with all that belongs to one.
    LookUp,
}

impl Call {
    pub(crate) const ALL: [Self; 2] = [Self::Describe, Self::LookUp];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Describe => "`describe`",
            Self::LookUp => "runs",
        }
    }

    pub(crate) async fn floor(self, floor: &Floor) {
        match self {
            Self::Describe => floor.describe_fresh().await,
            Self::LookUp => floor.lookup_fresh(ONCE).await,
        }
    }

    async fn koppel(self, host: &Host) {
        match self {
            Self::Describe => drop(host.describe(ASKS).await.expect("a description")),
            Self::LookUp => drop(Koppel::lookup(host, ASKS, ONCE).await),
        }
    }

    pub(crate) fn koppel_rated<'a>(self, runtime: &'a Runtime, host: &Arc<Host>) -> Rated<'a> {
        Rated::new(runtime, &(self, host.clone()), |(call, host)| async move {
            call.koppel(&host).await;
        })
    }

    pub(crate) fn extism(self, extism: &Extism) {
        match self {
            Self::Describe => extism.describe(),
            Self::LookUp => extism.lookup(ONCE),
        }
    }
}

/// What koppel is compared with.
pub(crate) struct Peers {
    /// The engine with its pooling allocator as it is.
    pub(crate) floor: Floor,
    /// The engine with koppel's settings of the allocator.
    pub(crate) tuned: Floor,
    pub(crate) extism: Option<Extism>,
    /// koppel in processes that have nothing in common.
    pub(crate) apart: Option<[Apart; 2]>,
}

pub(crate) fn measure(report: &mut Report, lasting: Duration) -> Result<()> {
    let (one, two) = (threads(1)?, threads(2)?);
    let guest = component("guests/asks.wasm");
    let peers = Peers {
        floor: Floor::with(floor::engine_with(|_, _| {}), &guest)?,
        tuned: Floor::with(floor::engine(), &guest)?,
        extism: match component("benches/asks-extism.wasm") {
            module if module.exists() => Some(Extism::new(&module)?),
            _ => None,
        },
        apart: match available_parallelism()?.get() {
            1 => None,
            _ => Some([Apart::start(0)?, Apart::start(1)?]),
        },
    };
    let clients = asks(ASKS) + &asks_ready();
    let koppel = two.block_on(Koppel::start(&configuration(&clients)))?;
    let host = &koppel.host;

    report.group("Calls, one at a time");
    let what = "fresh instance, no activity (`describe`)";
    alone(report, &two, lasting, &peers, host, Call::Describe, what);
    let what = "run: fresh instance, five checks, limits; ledger on disk before and after";
    alone(report, &two, lasting, &peers, host, Call::LookUp, what);
    many::measure(report, &one, &two, &peers, host);
    live(report, &two, lasting, &peers.tuned, host);
    checks(report, &two, lasting / 2);
    Ok(())
}

fn alone(
    report: &mut Report,
    runtime: &Runtime,
    lasting: Duration,
    peers: &Peers,
    host: &Host,
    call: Call,
    what: &str,
) {
    let [floor, tuned, koppel, extism] = medians(
        runtime,
        lasting,
        [
            Timed::one(|| call.floor(&peers.floor)),
            Timed::one(|| call.floor(&peers.tuned)),
            Timed::one(|| call.koppel(host)),
            Timed::one(|| async { peers.extism.iter().for_each(|peer| call.extism(peer)) }),
        ],
    );
    report.times(what, "floor", floor, koppel, Target::None);
    report.times("the same", TUNED, tuned, koppel, Target::None);
    if peers.extism.is_some() {
        report.times("the same", "Extism", extism, koppel, Target::None);
    }
}

/// Against an instance that lives on, which koppel never does.
fn live(report: &mut Report, runtime: &Runtime, lasting: Duration, floor: &Floor, host: &Host) {
    report.group("Calls, beside an instance that lives on");
    let live = runtime.block_on(floor.instance()).expect("an instance");
    let live = tokio::sync::Mutex::new(live);
    let connector = |client: &'static str| {
        Timed::told(move || async move {
            let report = Koppel::lookup(host, client, ONCE).await;
            report.connector.as_secs_f64()
        })
    };
    let lookup = Timed::one(|| async {
        let mut live = live.lock().await;
        floor.lookup(&mut live, ONCE).await.expect("an answer");
    });
    let of = [lookup, connector(READY), connector(ASKS)];
    let [floor_live, ready, fresh] = medians(runtime, lasting, of);
    let what = "look-up, from the call until the connector answers; instance made ready";
    let name = "live instance";
    report.times(what, name, floor_live, ready, Target::AtMost(3.0));
    report.times(
        "the same, fresh instance",
        name,
        floor_live,
        fresh,
        Target::None,
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
            employer_rights: Map::default(),
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
            roles: Map::from_iter([("professional".to_owned(), role)]),
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
