//! What a host counts and measures, for Prometheus.
//!
//! Labels have few values, and none that says who an employer, a user or an
//! employee is: clients and outside parties of the configuration, and words of
//! koppel.

use super::labels::{
    Attempt, Call, Client, Denial, Limit, Outside, Party, Reload, Rest, Row, Run, State, Version,
    Work,
};
use crate::catalogue::{Activity, ROWS};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// In seconds: from a look-up that is in the cache to a run that computes.
const RUN: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];

/// In seconds.
const REQUEST: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0];

/// In seconds: a row of the ledger waits for the disk.
const APPEND: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

/// In bytes.
const MEMORY: [f64; 7] = [
    1048576.0,
    4194304.0,
    16777216.0,
    33554432.0,
    67108864.0,
    268435456.0,
    1073741824.0,
];

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

fn histograms<L: Clone + std::hash::Hash + Eq>(new: fn() -> Histogram) -> Histograms<L> {
    Family::new_with_constructor(new)
}

/// How a call of an activity ended.
#[derive(Clone, Copy)]
pub(crate) enum Called {
    Ok,
    Denied,
    Failed,
}

impl Called {
    /// The name, as it is shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// The metrics of one host.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    attempts: Family<Attempt, Counter>,
    runs: Family<Run, Counter>,
    run_seconds: Histograms<Work>,
    memory: Histograms<Client>,
    instances: Family<Client, Gauge>,
    limits: Family<Limit, Counter>,
    activities: Family<Call, Counter>,
    /// Those of `activities`, by the position of the activity and how the call
    /// ended: found without a lock, and without comparing labels.
    calls: Box<[[OnceLock<Counter>; 3]]>,
    denials: Family<Denial, Counter>,
    outside: Family<Outside, Counter>,
    outside_seconds: Histograms<Party>,
    rows: Family<Row, Counter>,
    append_seconds: Histogram,
    rest: Family<Rest, Counter>,
    reloads: Family<Reload, Counter>,
    pub(super) kept: Family<State, Gauge>,
    pub(super) ready: Gauge,
    pub(super) draining: Gauge,
    pub(super) revocations: Gauge,
    pub(super) grants_version: Gauge,
    pub(super) grants_refused: Gauge,
    pub(super) grants_followed: Gauge,
    pub(super) resident: Gauge,
    /// Held while what is looked at is written down and told.
    pub(super) scraping: tokio::sync::Mutex<()>,
}

/// Registers a metric and gives it.
macro_rules! metric {
    ($registry:ident, $name:literal, $help:literal, $metric:expr) => {{
        let metric = $metric;
        $registry.register($name, $help, metric.clone());
        metric
    }};
    ($registry:ident, $name:literal, $unit:expr, $help:literal, $metric:expr) => {{
        let metric = $metric;
        $registry.register_with_unit($name, $help, $unit, metric.clone());
        metric
    }};
}

impl Default for Metrics {
    fn default() -> Self {
        let mut of = Registry::with_prefix("koppel");
        let build = Family::<Version, Gauge>::default();
        build
            .get_or_create(&Version {
                version: env!("CARGO_PKG_VERSION"),
            })
            .set(1);
        of.register("build", "1, with the version of koppel", build);
        let started = metric!(
            of,
            "start_time",
            Unit::Seconds,
            "When the process started, since 1970",
            Gauge::<f64, AtomicU64>::default()
        );
        started.set(jiff::Timestamp::now().as_millisecond() as f64 / 1e3);
        Self {
            attempts: metric!(
                of,
                "run_attempts",
                "Attempts at runs, by how they ended",
                Family::default()
            ),
            runs: metric!(
                of,
                "runs",
                "Runs that are over or wait for a person, by the state they came to",
                Family::default()
            ),
            run_seconds: metric!(
                of,
                "run_duration",
                Unit::Seconds,
                "How long an attempt at a run took",
                histograms(|| Histogram::new(RUN))
            ),
            memory: metric!(
                of,
                "run_memory",
                Unit::Bytes,
                "The most linear memory that an attempt used",
                histograms(|| Histogram::new(MEMORY))
            ),
            instances: metric!(
                of,
                "instances",
                "Attempts that are under way in this process, each with an instance of its component",
                Family::default()
            ),
            limits: metric!(
                of,
                "limits_reached",
                "Runs that a limit ended",
                Family::default()
            ),
            activities: metric!(
                of,
                "activity_calls",
                "Calls of activities, by connectors and the REST API",
                Family::default()
            ),
            calls: ROWS.iter().map(|_| Default::default()).collect(),
            denials: metric!(
                of,
                "denials",
                "What one of the five checks, a rule (egress) or a missing directory (exports) denied",
                Family::default()
            ),
            outside: metric!(
                of,
                "outside_requests",
                "Requests to outside parties, by the status of the reply, or why there was none",
                Family::default()
            ),
            outside_seconds: metric!(
                of,
                "outside_request_duration",
                Unit::Seconds,
                "How long a request to an outside party took",
                histograms(|| Histogram::new(REQUEST))
            ),
            rows: metric!(
                of,
                "ledger_rows",
                "Rows that this process appended to the ledger",
                Family::default()
            ),
            append_seconds: metric!(
                of,
                "ledger_append_duration",
                Unit::Seconds,
                "How long a row took until it was on disk",
                Histogram::new(APPEND)
            ),
            rest: metric!(
                of,
                "rest_requests",
                "Requests to the REST API",
                Family::default()
            ),
            reloads: metric!(
                of,
                "config_reloads",
                "Changes of the file or of published grants that were put in force, or kept out",
                Family::default()
            ),
            kept: metric!(
                of,
                "kept_runs",
                "Runs in the store that are not over, by state; of all hosts that share it",
                Family::default()
            ),
            ready: metric!(
                of,
                "ready",
                "1 when work may be sent here",
                Gauge::default()
            ),
            draining: metric!(
                of,
                "draining",
                "1 when the process was told to stop",
                Gauge::default()
            ),
            revocations: metric!(
                of,
                "revocations",
                "What is taken back now",
                Gauge::default()
            ),
            grants_version: metric!(
                of,
                "grants_version",
                "The version of the published grants in force; 0 where the file grants",
                Gauge::default()
            ),
            grants_refused: metric!(
                of,
                "grants_refused_version",
                "The version of published grants that is not in force because something is wrong with it; 0 if none",
                Gauge::default()
            ),
            grants_followed: metric!(
                of,
                "grants_followed",
                "1 when this host hears of new grants; 0 when it is cut off, or the file grants",
                Gauge::default()
            ),
            resident: metric!(
                of,
                "resident_memory",
                Unit::Bytes,
                "Memory of the process",
                Gauge::default()
            ),
            scraping: tokio::sync::Mutex::default(),
            registry: of,
        }
    }
}

impl Metrics {
    /// Everything in the text format of OpenMetrics.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// An attempt that begins; it counts as under way until this is dropped.
    pub(crate) fn begins(&self, client: &str) -> UnderWay {
        let client = Client {
            client: client.to_owned(),
        };
        let gauge = self.instances.get_or_create_owned(&client);
        gauge.inc();
        UnderWay(gauge)
    }

    /// An attempt that ended.
    pub(crate) fn attempt(
        &self,
        client: &str,
        kind: &'static str,
        outcome: &'static str,
        took: Duration,
        memory: usize,
    ) {
        let client = client.to_owned();
        let of = Work {
            client: client.clone(),
            kind,
        };
        self.run_seconds
            .get_or_create(&of)
            .observe(took.as_secs_f64());
        let of = Attempt {
            client: client.clone(),
            kind,
            outcome,
        };
        self.attempts.get_or_create(&of).inc();
        if memory > 0 {
            let of = Client { client };
            self.memory.get_or_create(&of).observe(memory as f64);
        }
    }

    /// A run that came to a state in which no attempt follows by itself.
    pub(crate) fn run(&self, client: &str, kind: &'static str, state: &'static str) {
        let of = Run {
            client: client.to_owned(),
            kind,
            state,
        };
        self.runs.get_or_create(&of).inc();
    }

    /// A limit that ended a run.
    pub(crate) fn limit(&self, client: &str, limit: &'static str) {
        let of = Limit {
            client: client.to_owned(),
            limit,
        };
        self.limits.get_or_create(&of).inc();
    }

    /// A call of an activity.
    pub(crate) fn activity(&self, activity: Activity, called: Called) {
        let counter = self.calls[activity.index()][called as usize].get_or_init(|| {
            self.activities.get_or_create_owned(&Call {
                activity: activity.id(),
                outcome: called.name(),
            })
        });
        counter.inc();
    }

    /// A request to a party that was answered or failed: scheme, host and port
    /// are those of a rule, and the status is one of few.
    pub(crate) fn outside(&self, party: &str, status: String, took: Duration) {
        let party = party.to_owned();
        let of = Party {
            party: party.clone(),
        };
        self.outside_seconds
            .get_or_create(&of)
            .observe(took.as_secs_f64());
        self.outside.get_or_create(&Outside { party, status }).inc();
    }

    /// A row of the ledger that is on disk.
    pub(crate) fn row(&self, kind: &'static str, took: Duration) {
        self.rows.get_or_create(&Row { kind }).inc();
        self.append_seconds.observe(took.as_secs_f64());
    }

    /// A denial that is in the ledger.
    pub(crate) fn denial(&self, client: &str, check: &str) {
        let of = Denial {
            client: client.to_owned(),
            check: check.to_owned(),
        };
        self.denials.get_or_create(&of).inc();
    }

    /// A request to the REST API.
    pub(crate) fn rest(&self, operation: &'static str, status: u16) {
        let status = u32::from(status);
        self.rest.get_or_create(&Rest { operation, status }).inc();
    }

    /// A change of the configuration.
    pub(crate) fn reload(&self, source: &'static str, outcome: &'static str) {
        self.reloads
            .get_or_create(&Reload { source, outcome })
            .inc();
    }
}

/// That an attempt is under way.
pub(crate) struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}
