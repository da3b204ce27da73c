//! Honest and hostile clients on one host at the same time: the honest ones
//! get their answers, whatever the others do.

use crate::harness::{ANNA, TestHost, all_activities, answer, component, configuration, employer};
use koppel_host::platform::seed;
use koppel_host::runs::Job;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many clients there are, and how long they run.
#[derive(Clone, Copy)]
struct Load {
    honest: usize,
    hostile: usize,
    lasting: Duration,
    /// An honest client starts a run so often. A hostile one starts the next
    /// when the one before ended.
    every: Duration,
}

/// What came of it.
struct Measured {
    /// How long each run of an honest client took, in order of length.
    latencies: Vec<Duration>,
    /// Runs of honest clients that did not succeed, and why.
    failed: Vec<String>,
    /// How the runs of the hostile clients ended, and how often.
    hostile: BTreeMap<String, usize>,
    /// The most memory that the process had at a time, in bytes.
    peak: u64,
    lasted: Duration,
}

fn attacks() -> Vec<Value> {
    vec![
        json!({"attack": "loop"}),
        json!({"attack": "memory-bomb"}),
        json!({"attack": "recursion"}),
        json!({"attack": "panic"}),
        json!({"attack": "sleep"}),
        json!({"attack": "log-flood"}),
        json!({"attack": "stdout-flood"}),
        json!({"attack": "other-employer", "id": employer(2)}),
        json!({"attack": "handle-bomb"}),
        json!({"attack": "quota-bomb"}),
        json!({"attack": "request", "url": "http://169.254.169.254/latest/meta-data"}),
        json!({"attack": "huge-argument"}),
    ]
}

/// Whether an answer is the right one.
type Right = fn(&Value) -> bool;

/// What honest clients ask, and how the answers are told to be right.
fn questions() -> Vec<(Value, Right)> {
    let employers = json!({"activity": "GetEmployersByUserId"});
    let employees = json!({"activity": "GetEmployeesByEmployerId", "id": employer(1)});
    let results =
        json!({"activity": "GetJournalRunResultsByJournalRunId", "id": seed::journal_run_id(1, 6)});
    let run = json!({"activity": "GetJournalRunByJournalRunId", "id": seed::journal_run_id(1, 6)});
    vec![
        (employers, |answer| answer["total"] == 1),
        (employees, |answer| answer["total"].as_u64() > Some(5)),
        (results, |answer| answer["items"].as_u64() > Some(5)),
        (run, |answer| answer["item"].is_string()),
    ]
}

async fn host(load: Load) -> TestHost {
    let mut clients = String::new();
    let (probe, hostile) = (
        component("guests/probe.wasm"),
        component("guests/hostile.wasm"),
    );
    let all = all_activities();
    for number in 0..load.honest {
        clients += &format!("[clients.honest-{number}]\ncomponent = {probe:?}\n{all}\n");
    }
    for number in 0..load.hostile {
        clients += &format!(
            "[clients.hostile-{number}]\ncomponent = {hostile:?}\n{all}\n\
             http = [{{ allow = \"http://party.test:1/*\", methods = [\"GET\"], activity = \"GetEmployerByEmployerId\" }}]\n\
             exports = {{ directory = \"exports-{number}\", quota-bytes = 1_000_000, activity = \"PostDownloadJournalRunExportByJournalRunId\" }}\n"
        );
    }
    TestHost::with(&configuration(&clients)).await
}

async fn run(host: &TestHost, client: &str, query: &Value) -> koppel_host::runs::RunReport {
    host.run(client, ANNA, 1, Job::Lookup(query.to_string()))
        .await
}

/// The memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

/// Runs all clients of a load together.
async fn measure(load: Load) -> Measured {
    let host = Arc::new(host(load).await);
    let questions = Arc::new(questions());
    // Each component is compiled and linked before the clock starts.
    for number in 0..load.honest {
        let client = format!("honest-{number}");
        assert!(answer(run(&host, &client, &questions[0].0).await)["total"] == 1);
    }
    for number in 0..load.hostile {
        let client = format!("hostile-{number}");
        answer(run(&host, &client, &json!({"attack": "look-around"})).await);
    }
    let peak = Arc::new(AtomicU64::new(0));
    let watching = tokio::spawn({
        let peak = peak.clone();
        async move {
            loop {
                peak.fetch_max(resident(), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let started = Instant::now();
    let end = started + load.lasting;
    let honest = (0..load.honest).map(|number| {
        let (host, questions) = (host.clone(), questions.clone());
        tokio::spawn(async move {
            let client = format!("honest-{number}");
            // Not all at the same moment.
            let offset =
                load.every * u32::try_from(number).unwrap() / u32::try_from(load.honest).unwrap();
            let mut next = tokio::time::interval_at((started + offset).into(), load.every);
            next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let (mut latencies, mut failed) = (Vec::new(), Vec::new());
            for turn in number.. {
                next.tick().await;
                if Instant::now() >= end {
                    break;
                }
                let (query, right) = &questions[turn % questions.len()];
                let asked = Instant::now();
                let report = run(&host, &client, query).await;
                latencies.push(asked.elapsed());
                match &report.outcome {
                    Ok(koppel_host::runs::Output::Lookup { answer }) if right(answer) => {}
                    other => failed.push(format!("{client}: {query}: {other:?}")),
                }
            }
            (latencies, failed)
        })
    });
    let honest: Vec<_> = honest.collect();
    let hostile = (0..load.hostile).map(|number| {
        let host = host.clone();
        tokio::spawn(async move {
            let client = format!("hostile-{number}");
            let attacks = attacks();
            let mut ended: BTreeMap<String, usize> = BTreeMap::new();
            for turn in number.. {
                if Instant::now() >= end {
                    break;
                }
                let attack = &attacks[turn % attacks.len()];
                let report = run(&host, &client, attack).await;
                let how = report
                    .outcome
                    .as_ref()
                    .map_or_else(|error| error.code(), |_| "answered");
                let name = attack["attack"].as_str().unwrap();
                *ended.entry(format!("{name}: {how}")).or_default() += 1;
            }
            ended
        })
    });
    let hostile: Vec<_> = hostile.collect();
    let mut measured = Measured {
        latencies: Vec::new(),
        failed: Vec::new(),
        hostile: BTreeMap::new(),
        peak: 0,
        lasted: Duration::ZERO,
    };
    for client in honest {
        let (latencies, failed) = client.await.unwrap();
        assert!(!latencies.is_empty());
        measured.latencies.extend(latencies);
        measured.failed.extend(failed);
    }
    measured.lasted = started.elapsed();
    for client in hostile {
        for (how, times) in client.await.unwrap() {
            *measured.hostile.entry(how).or_default() += times;
        }
    }
    watching.abort();
    measured.peak = peak.load(Ordering::Relaxed);
    measured.latencies.sort();
    let verified = host.host.ledger().verify().await.unwrap();
    assert!(verified.is_ok(), "{verified:?}");
    measured
}

impl Measured {
    /// The latency that so many of a hundred runs stay below.
    fn percentile(&self, of_100: usize) -> Duration {
        let last = self.latencies.len() - 1;
        self.latencies[last * of_100 / 100]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_clients_get_their_answers_while_hostile_ones_run() {
    let load = Load {
        honest: 16,
        hostile: 4,
        lasting: Duration::from_secs(3),
        every: Duration::from_millis(500),
    };
    let measured = measure(load).await;
    assert_eq!(measured.failed, [] as [&str; 0]);
    assert!(measured.latencies.len() >= load.honest * 2);
    assert!(!measured.hostile.is_empty());
}

/// The most memory that the process may have with 20 hostile clients, in
/// bytes: each has at most its 64 MiB and what the host holds for its run, and
/// there are as many places again for others.
const BOUND: u64 = 4 << 30;

/// 180 honest clients for a while, and then with 20 hostile ones.
/// `cargo xtask stress` runs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: cargo xtask stress"]
async fn report() {
    let seconds = std::env::var("KOPPEL_STRESS_SECONDS");
    let seconds = seconds.map_or(120, |seconds| seconds.parse().unwrap());
    let load = |hostile| Load {
        honest: 180,
        hostile,
        lasting: Duration::from_secs(seconds),
        every: Duration::from_secs(4),
    };
    let without = measure(load(0)).await;
    let with = measure(load(20)).await;
    let mut table = comfy_table::Table::new();
    table.set_header(["180 honest clients", "alone", "with 20 hostile", "ratio"]);
    let mut row = |name: &str, of: &dyn Fn(&Measured) -> f64| {
        let (without, with) = (of(&without), of(&with));
        table.add_row([
            name.to_owned(),
            format!("{without:.1}"),
            format!("{with:.1}"),
            format!("{:.2}", with / without),
        ]);
    };
    row("runs", &|measured| measured.latencies.len() as f64);
    row("runs per second", &|measured| {
        measured.latencies.len() as f64 / measured.lasted.as_secs_f64()
    });
    for (name, of_100) in [("median", 50), ("p95", 95), ("p99", 99), ("longest", 100)] {
        row(&format!("{name}, ms"), &|measured| {
            measured.percentile(of_100).as_secs_f64() * 1000.0
        });
    }
    row("failed runs", &|measured| measured.failed.len() as f64);
    row("peak memory, MiB", &|measured| {
        measured.peak as f64 / f64::from(1 << 20)
    });
    println!("{table}");
    println!("the hostile runs, by attack and end:");
    for (how, times) in &with.hostile {
        println!("  {times:>6} {how}");
    }
    for failed in without.failed.iter().chain(&with.failed).take(10) {
        println!("failed: {failed}");
    }
    assert!(without.failed.is_empty() && with.failed.is_empty());
    assert!(with.peak < BOUND, "{} bytes", with.peak);
}
