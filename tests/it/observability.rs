//! What a host tells of itself, and how it stops.

use crate::cli::koppel;
use crate::durable::kill::Serve;
use crate::durable::party::{Hold, Party};
use crate::durable::{EXACT, clients};
use crate::harness::{ANNA, all_activities, client, configuration, employer, repository};
use crate::rest::{Rest, issuing};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use koppel_host::config::Config;
use koppel_host::durable::{Run, RunFilter, State as RunState};
use koppel_host::egress::SystemResolver;
use koppel_host::ledger::Kind;
use koppel_host::platform::seed;
use koppel_host::runs::{Host, Job, RunRequest};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A host with payroll data in a folder, and without workers.
async fn office(text: &str) -> (TempDir, Arc<Host>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("platform.toml");
    std::fs::write(&path, text).unwrap();
    let config = Config::load(&path).unwrap_or_else(|error| panic!("{error}"));
    let host = Arc::new(Host::start(config, Arc::new(SystemResolver)).unwrap());
    host.embedded().unwrap().seed().await.unwrap();
    (dir, host)
}

async fn book(host: &Host, period: i8) -> Run {
    let request = RunRequest {
        client: EXACT.to_owned(),
        user: ANNA.to_owned(),
        employer: employer(1),
        job: Job::ProcessJournalRun(seed::journal_run_id(1, period)),
    };
    host.submit(request, None).await.unwrap().run().clone()
}

async fn until(host: &Host, run: &Run, state: RunState) -> Run {
    for _ in 0..1_200 {
        let now = host.kept_run(run.id).await.unwrap().unwrap();
        if now.state == state {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?}", host.kept_run(run.id).await);
}

/// A port that is free now.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Asks for something by HTTP; the status and the body.
fn get(port: u16, path: &str, headers: &str) -> Option<(u16, String)> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nhost: 127.0.0.1\r\n{headers}\r\n");
    connection.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    let status = answer.split_whitespace().nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

/// The same, as soon as something listens.
async fn answered(port: u16, path: &str, headers: &str) -> (u16, String) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = get(port, path, headers) {
            return answer;
        }
        assert!(Instant::now() < deadline, "nothing listens");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The value of a series; 0 if there is none.
fn value(scraped: &str, series: &str) -> f64 {
    let line = scraped.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}

/// The names of all metrics, as a query would have them.
fn exported(scraped: &str) -> BTreeSet<String> {
    let types = scraped
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .map(|line| match line.split_once(' ').unwrap() {
            (name, "counter") => format!("{name}_total"),
            (name, _) => name.to_owned(),
        })
        .collect()
}

/// Has happen what is counted; the port of the party, and what is scraped.
async fn busy() -> (u16, String) {
    let party = Party::start().await;
    let probe = client(
        "probe",
        "activities = [\"GetEmployerByEmployerId\"]\nlimits = { deadline-ms = 1_000 }",
    );
    let own = clients(party.port, "", "")
        + &probe.replace(
            "activities = [\"GetEmployerByEmployerId\"]",
            &all_activities(),
        );
    let rest = Rest::with(&issuing(&own)).await;
    let run = async |client: &str, user: &str, job: Job| {
        let request = RunRequest {
            client: client.to_owned(),
            user: user.to_owned(),
            employer: employer(1),
            job,
        };
        rest.host.run(request).await.outcome
    };
    let booking = Job::ProcessJournalRun(seed::journal_run_id(1, 6));
    run(EXACT, ANNA, booking.clone()).await.unwrap();
    run(EXACT, "tim", booking).await.unwrap_err();
    let slow = json!({"activity": "GetEmployerByEmployerId", "id": employer(1), "again": 3000});
    let slow = Job::Lookup(slow.to_string());
    run("probe", ANNA, slow).await.unwrap_err();
    run("no-such-client", ANNA, Job::Check).await.unwrap_err();
    let stranger = rest.get("no-token", "/providers/employers").await;
    assert_eq!(stranger.status, 401);
    std::fs::write(rest.dir.path().join("platform.toml"), "[platform").unwrap();
    rest.host.live().reload();
    (party.port, rest.host.scrape().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted_and_names_no_employer_and_no_user() {
    let (party, scraped) = busy().await;
    let party_name = format!("http://127.0.0.1:{party}");
    for (series, least) in [
        (
            "koppel_run_attempts_total{client=\"journal-exact\",kind=\"journal\",outcome=\"succeeded\"}",
            1.0,
        ),
        (
            "koppel_run_attempts_total{client=\"journal-exact\",kind=\"journal\",outcome=\"denied\"}",
            1.0,
        ),
        (
            "koppel_run_attempts_total{client=\"unknown\",kind=\"check\",outcome=\"not-loaded\"}",
            1.0,
        ),
        (
            "koppel_runs_total{client=\"journal-exact\",kind=\"journal\",state=\"succeeded\"}",
            1.0,
        ),
        (
            "koppel_run_duration_seconds_count{client=\"journal-exact\",kind=\"journal\"}",
            2.0,
        ),
        (
            "koppel_run_memory_bytes_count{client=\"journal-exact\"}",
            1.0,
        ),
        (
            "koppel_limits_reached_total{client=\"probe\",limit=\"deadline-ms\"}",
            1.0,
        ),
        (
            "koppel_activity_calls_total{activity=\"GetJournalRunByJournalRunId\",outcome=\"ok\"}",
            1.0,
        ),
        (
            "koppel_denials_total{client=\"journal-exact\",check=\"user\"}",
            1.0,
        ),
        ("koppel_ledger_rows_total{kind=\"run-finished\"}", 2.0),
        ("koppel_ledger_append_duration_seconds_count", 10.0),
        (
            "koppel_config_reloads_total{source=\"file\",outcome=\"kept\"}",
            1.0,
        ),
        (
            "koppel_rest_requests_total{operation=\"GetEmployersByUserId\",status=\"401\"}",
            1.0,
        ),
        ("koppel_ready", 1.0),
        ("koppel_resident_memory_bytes", 1e6),
        ("koppel_start_time_seconds", 1e9),
        (
            &format!("koppel_outside_requests_total{{party=\"{party_name}\",status=\"200\"}}"),
            1.0,
        ),
        (
            &format!("koppel_outside_request_duration_seconds_count{{party=\"{party_name}\"}}"),
            2.0,
        ),
    ] {
        assert!(value(&scraped, series) >= least, "{series}\n{scraped}");
    }
    assert_eq!(value(&scraped, "koppel_instances{client=\"probe\"}"), 0.0);
    assert!(scraped.ends_with("# EOF\n"));
    // Nobody is named.
    let employer = employer(1).to_string();
    for secret in [&employer, ANNA, "\"tim\"", "no-such-client", "123456"] {
        assert!(!scraped.contains(secret), "{secret}\n{scraped}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_in_the_docs_and_the_dashboard_asks_for_no_other() {
    let exported = exported(&busy().await.1);
    let docs = std::fs::read_to_string(repository().join("docs/observability.md")).unwrap();
    let rows = docs
        .lines()
        .filter_map(|line| line.strip_prefix("| `koppel_"));
    let documented: BTreeSet<String> = rows
        .map(|row| format!("koppel_{}", row.split('`').next().unwrap()))
        .collect();
    assert_eq!(documented, exported);

    let dashboard = repository().join("packaging/grafana/koppel.json");
    let dashboard: Value = serde_json::from_slice(&std::fs::read(dashboard).unwrap()).unwrap();
    let mut asked = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap();
            let word = |c: char| !c.is_ascii_alphanumeric() && c != '_';
            asked.extend(
                query
                    .split(word)
                    .filter(|word| word.starts_with("koppel_"))
                    .map(str::to_owned),
            );
        }
    }
    assert!(asked.len() > 15, "{asked:?}");
    for name in &asked {
        let name = name.trim_end_matches("_bucket");
        assert!(exported.contains(name), "the dashboard asks for {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_served_to_whoever_shows_the_token_and_nowhere_else() {
    let (metrics, api) = (port(), port());
    let text = configuration("")
        + &format!(
            "[telemetry.metrics]\nlisten = \"127.0.0.1:{metrics}\"\ntoken = {{ file = \"token\" }}\n[server]\nlisten = \"127.0.0.1:{api}\"\n[server.issuer]\n"
        );
    let (dir, _host) = office(&text).await;
    std::fs::write(dir.path().join("token"), "scrape-me-softly\n").unwrap();
    let _serve = Serve::start(dir.path());
    assert_eq!(answered(metrics, "/metrics", "").await.0, 401);
    let wrong = "authorization: Bearer scrape-me-hard\r\n";
    assert_eq!(answered(metrics, "/metrics", wrong).await.0, 401);
    let right = "authorization: Bearer scrape-me-softly\r\n";
    let (status, scraped) = answered(metrics, "/metrics", right).await;
    assert_eq!(status, 200);
    assert_eq!(value(&scraped, "koppel_ready"), 1.0, "{scraped}");
    assert_eq!(value(&scraped, "koppel_kept_runs{state=\"queued\"}"), 0.0);
    assert_eq!(answered(metrics, "/", right).await.0, 404);
    assert_eq!(answered(api, "/metrics", right).await.0, 404);
}

/// A collector of OpenTelemetry on this machine.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(HeaderMap, Bytes)>>>);

impl Collector {
    async fn start() -> (Self, u16) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let collector = Self::default();
        let take = async |State(Self(all)): State<Self>, headers: HeaderMap, body: Bytes| {
            all.lock().unwrap().push((headers, body));
        };
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(collector.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (collector, port)
    }

    /// All spans that came, and the bytes that they came in.
    fn spans(&self) -> (Vec<Span>, Vec<u8>) {
        let (mut spans, mut bytes) = (Vec::new(), Vec::new());
        for (headers, body) in self.0.lock().unwrap().iter() {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
            for of in request.resource_spans {
                let resource = of.resource.unwrap();
                assert!(resource.attributes.iter().any(|a| a.key == "service.name"));
                spans.extend(of.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
            bytes.extend_from_slice(body);
        }
        (spans, bytes)
    }
}

fn attributes(span: &Span) -> BTreeMap<String, String> {
    let attributes = span.attributes.iter().map(|attribute| {
        let value = attribute.value.clone().and_then(|value| value.value);
        let value = match value {
            Some(Any::StringValue(text)) => text,
            Some(Any::IntValue(number)) => number.to_string(),
            other => format!("{other:?}"),
        };
        (attribute.key.clone(), value)
    });
    attributes.collect()
}

/// `[telemetry.traces]` to a port of this machine.
fn traces(port: u16) -> String {
    format!(
        "[telemetry.traces]\nendpoint = \"http://127.0.0.1:{port}/v1/traces\"\nheaders = {{ x-key = {{ file = \"otlp-key\" }} }}\n"
    )
}

/// Books a journal by the command; what it wrote to its log.
fn run(dir: &Path, period: i8) -> String {
    let arguments = [
        "run",
        EXACT,
        "--user",
        ANNA,
        "--employer",
        &employer(1).to_string(),
        "--journal-run",
        &seed::journal_run_id(1, period).to_string(),
    ];
    let output = koppel(dir, &arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_traced_to_the_collector_and_nobody_is_named_in_it() {
    let party = Party::start().await;
    let (collector, at) = Collector::start().await;
    let text = configuration(&clients(party.port, "", "")) + &traces(at);
    let (dir, _host) = office(&text).await;
    std::fs::write(dir.path().join("otlp-key"), "collect-me%2B").unwrap();
    run(dir.path(), 6);
    let (spans, bytes) = collector.spans();
    let keys = collector.0.lock().unwrap();
    assert!(
        keys.iter()
            .all(|(headers, _)| headers["x-key"] == "collect-me%2B")
    );

    let named =
        |name: &str| -> Vec<&Span> { spans.iter().filter(|span| span.name == name).collect() };
    let runs = named("run");
    assert_eq!(runs.len(), 1);
    let of = attributes(runs[0]);
    assert_eq!(of["client"], EXACT);
    assert_eq!(of["employer"], employer(1).to_string());
    assert_eq!(
        (of["kind"].as_str(), of["outcome"].as_str()),
        ("journal", "succeeded")
    );
    assert!(of["run"].parse::<uuid::Uuid>().is_ok());
    // All of it is one trace.
    assert!(spans.iter().all(|span| span.trace_id == runs[0].trace_id));
    let within = |span: &Span, name: &str| {
        let parents = named(name);
        parents
            .iter()
            .any(|parent| parent.span_id == span.parent_span_id)
    };
    let activities = named("activity");
    assert!(activities.iter().all(|span| within(span, "run")));
    let performed = activities
        .iter()
        .map(|span| attributes(span)["activity"].clone());
    assert!(
        performed
            .collect::<Vec<_>>()
            .contains(&"GetJournalRunByJournalRunId".to_owned())
    );
    let checks = named("checks");
    assert!(checks.iter().any(|span| within(span, "activity")));
    let requests = named("outside request");
    assert_eq!(requests.len(), 4);
    for request in &requests {
        assert!(within(request, "run"));
        let of = attributes(request);
        assert_eq!(of["party"], format!("http://127.0.0.1:{}", party.port));
        assert!(of["status"] == "200" || of["status"] == "201", "{of:?}");
    }
    let rows = named("ledger write");
    assert!(rows.iter().any(|span| within(span, "outside request")));
    assert!(
        rows.iter()
            .all(|span| attributes(span)["row"].parse::<u64>().is_ok())
    );
    assert!(spans.iter().all(|span| span.events.is_empty()));
    // No user, no secret, nothing of a URL or a message.
    let journal_run = seed::journal_run_id(1, 6).to_string();
    for secret in [
        ANNA,
        "collect-me",
        "GeneralJournalEntries",
        "123456",
        &journal_run,
        "Brutoloon",
    ] {
        let found = bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_or_hangs_fails_and_holds_up_no_run() {
    let party = Party::start().await;
    // One that takes connections and never answers.
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = hangs.local_addr().unwrap().port();
    let away = port();
    for (at, said) in [
        (away, "the collector of traces takes none; they are dropped"),
        (hangs, "the last spans were not sent"),
    ] {
        let text = configuration(&clients(party.port, "", "")) + &traces(at);
        let (dir, host) = office(&text).await;
        std::fs::write(dir.path().join("otlp-key"), "collect-me").unwrap();
        let began = Instant::now();
        let log = run(dir.path(), 6);
        let whole = began.elapsed();
        assert_eq!(log.matches(said).count(), 1, "{log}");
        assert!(!log.contains("collect-me"), "{log}");
        let filter = RunFilter::default();
        let run = host.kept_runs(filter).await.unwrap().remove(0);
        let attempts = host.attempts_at(run.id).await.unwrap();
        let took = attempts[0].ended.unwrap() - attempts[0].begun;
        // The end of the process waits for it, and no longer than it may.
        assert!(took < 3_000, "{took} ms");
        assert!(whole < Duration::from_secs(15), "{whole:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outside_party_hears_of_the_trace_only_where_the_rule_says_so() {
    for (rule, told) in [("", false), (", trace-context = true", true)] {
        let party = Party::start().await;
        let (collector, at) = Collector::start().await;
        let text = configuration(&clients(party.port, rule, "")) + &traces(at);
        let (dir, host) = office(&text).await;
        std::fs::write(dir.path().join("otlp-key"), "collect-me").unwrap();
        run(dir.path(), 6);
        let filter = koppel_host::ledger::Filter {
            kinds: vec![Kind::Request],
            ..Default::default()
        };
        let requests = host.ledger().rows(filter).await.unwrap();
        assert_eq!(requests.len(), 4);
        let trace = hex::encode(&collector.spans().0[0].trace_id);
        for request in requests {
            let parent = request
                .headers
                .iter()
                .find(|(name, _)| name == "traceparent");
            assert_eq!(parent.is_some(), told, "{request:?}");
            if let Some((_, parent)) = parent {
                assert!(parent.starts_with(&format!("00-{trace}-")) && parent.ends_with("-01"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_json_tells_with_each_line_which_run_and_message_it_is_about() {
    let party = Party::start().await;
    let (dir, host) = office(&configuration(&clients(party.port, "", ""))).await;
    let arguments = [
        "KOPPEL_LOG=koppel_host=info",
        "KOPPEL_LOG_FORMAT=json",
        env!("CARGO_BIN_EXE_koppel"),
        "serve",
    ];
    let _serve = Serve::program(dir.path(), "env", &arguments);
    let run = book(&host, 6).await;
    until(&host, &run, RunState::Succeeded).await;
    let log = std::fs::read_to_string(dir.path().join("serve.log")).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let of = |message: &str| -> Vec<&Value> {
        lines
            .iter()
            .filter(|line| line["fields"]["message"] == message)
            .collect()
    };
    let ended = of("an attempt ended");
    assert_eq!(ended.len(), 1, "{log}");
    assert_eq!(ended[0]["fields"]["run"], run.id.to_string());
    assert_eq!(ended[0]["fields"]["outcome"], "succeeded");
    assert!(ended[0]["timestamp"].is_string() && ended[0]["level"] == "INFO");
    let asked = of("an outside party was asked");
    assert_eq!(asked.len(), 4);
    let filter = koppel_host::ledger::Filter {
        kinds: vec![Kind::Request],
        ..Default::default()
    };
    let requests = host.ledger().rows(filter).await.unwrap();
    for (line, request) in asked.iter().zip(&requests) {
        assert_eq!(line["fields"]["run"], run.id.to_string());
        assert_eq!(
            Some(line["fields"]["exchange"].as_str().unwrap()),
            request.exchange.as_deref()
        );
        assert_eq!(line["span"]["run"], run.id.to_string(), "{line}");
    }
    assert!(!log.contains(ANNA), "{log}");
}

/// Tells a process to stop.
fn signal(name: &str, process: u32) {
    let sent = Command::new("kill")
        .args([name, &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_told_to_stop_is_not_ready_ends_its_runs_and_begins_no_more() {
    let party = Party::start().await;
    let (api, metrics) = (port(), port());
    let text = configuration(&clients(party.port, "", ""))
        + &format!(
            "[server]\nlisten = \"127.0.0.1:{api}\"\nnotice-seconds = 3\n[server.issuer]\n[telemetry.metrics]\nlisten = \"127.0.0.1:{metrics}\"\n[queue]\ndrain-seconds = 60\n"
        );
    let (dir, host) = office(&text).await;
    // Each request takes a while, so the run is under way for seconds.
    party.told(|kept| kept.delay = Duration::from_millis(700));
    let first = book(&host, 6).await;
    let mut serve = Serve::start(dir.path());
    assert_eq!(
        answered(api, "/health/ready", "").await,
        (200, "{\"status\":\"ready\"}".to_owned())
    );
    until(&host, &first, RunState::Running).await;
    signal("-TERM", serve.id());
    let told = Instant::now();
    // Red first, and still there to say so.
    loop {
        let (status, body) = answered(api, "/health/ready", "").await;
        if status == 503 {
            assert_eq!(body, "{\"status\":\"not ready\"}");
            break;
        }
        assert!(told.elapsed() < Duration::from_secs(2), "it stays ready");
    }
    let (_, scraped) = answered(metrics, "/metrics", "").await;
    assert_eq!(value(&scraped, "koppel_draining"), 1.0, "{scraped}");
    assert_eq!(value(&scraped, "koppel_ready"), 0.0);
    // What is submitted now is for the next start.
    let second = book(&host, 7).await;
    assert!(serve.wait().success());
    assert!(
        told.elapsed() >= Duration::from_secs(3),
        "{:?}",
        told.elapsed()
    );
    let first = host.kept_run(first.id).await.unwrap().unwrap();
    assert_eq!((first.state, first.attempts), (RunState::Succeeded, 1));
    let waits = host.kept_run(second.id).await.unwrap().unwrap();
    assert_eq!((waits.state, waits.attempts), (RunState::Queued, 0));
    assert_eq!(host.attempts_at(first.id).await.unwrap()[0].resumed, 0);
    assert_eq!(party.told(|kept| kept.entries.len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_end_in_time_is_interrupted_and_goes_on_after_the_next_start() {
    let party = Party::start().await;
    let text = configuration(&clients(party.port, "", "")) + "[queue]\ndrain-seconds = 1\n";
    let (dir, host) = office(&text).await;
    party.hold(Hold::LookUp);
    let run = book(&host, 6).await;
    let mut serve = Serve::start(dir.path());
    party.held().await;
    signal("-TERM", serve.id());
    let told = Instant::now();
    assert!(serve.wait().success());
    assert!(
        told.elapsed() < Duration::from_secs(20),
        "{:?}",
        told.elapsed()
    );
    let interrupted = host.kept_run(run.id).await.unwrap().unwrap();
    assert_ne!(interrupted.state, RunState::Failed);
    let _serve = Serve::start(dir.path());
    until(&host, &run, RunState::Succeeded).await;
    assert_eq!(party.told(|kept| (kept.posts, kept.entries.len())), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_told_twice_to_stop_does_not_wait() {
    let party = Party::start().await;
    let text = configuration(&clients(party.port, "", "")) + "[queue]\ndrain-seconds = 600\n";
    let (dir, host) = office(&text).await;
    party.hold(Hold::LookUp);
    book(&host, 6).await;
    let mut serve = Serve::start(dir.path());
    party.held().await;
    signal("-TERM", serve.id());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let told = Instant::now();
    signal("-INT", serve.id());
    assert!(serve.wait().success());
    let took = told.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn where_metrics_are_and_traces_go_must_be_safe_and_hold_no_secret() {
    let faults = |traces: &str| {
        let text = format!("[platform]\n[telemetry.traces]\n{traces}\n");
        let error = Config::parse(Path::new("platform.toml"), &text).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        faults("endpoint = \"http://collector.example/v1/traces\""),
        "platform.toml:3:12: [telemetry.traces] endpoint must be https, or http on this machine: employers are named in traces"
    );
    assert_eq!(
        faults("endpoint = \"https://collector.example/v1/traces\"\nsample = 2.0"),
        "platform.toml:4:10: [telemetry.traces] sample = 2 must be 0 to 1"
    );
    let open = Config::parse(
        Path::new("platform.toml"),
        "[platform]\n[telemetry.metrics]\nlisten = \"0.0.0.0:9464\"\n",
    );
    assert_eq!(
        open.unwrap_err().to_string(),
        "platform.toml:3:10: [telemetry.metrics] other machines reach 0.0.0.0:9464, and whoever does could read the metrics: add token = { env = \"<variable>\" }, or listen on 127.0.0.1"
    );
    let secret =
        faults("endpoint = \"https://collector.example/\"\nheaders = { x-key = \"s3cret\" }");
    assert!(
        secret.contains("the secret itself is never in this file") && !secret.contains("s3cret"),
        "{secret}"
    );
}
