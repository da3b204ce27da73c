//! Much at a time: one very large journal, and the journals of many employers.

use crate::calls::threads;
use crate::measure::resident;
use crate::report::{Report, Target, bytes, digits, time};
use crate::setup::{Koppel, USER, all, component, configuration};
use anyhow::{Context, Result, ensure};
use journal_xaf::JournalXaf;
use koppel_host::bindings::koppel::loket::types::PageRequest;
use koppel_host::durable::{RunFilter, State};
use koppel_host::platform::seed;
use koppel_host::runs::{Host, Job, Output, RunRequest};
use koppel_sdk::testing::{MockHost, line};
use koppel_sdk::types::JournalRunStatus;
use rusqlite::{Connection, params};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The lines of the very large journal.
const LINES: u32 = 1_000_000;

/// The employers whose journals go through the queue.
const EMPLOYERS: u32 = 10_000;

/// The argument with which this program is told that it is the process whose
/// memory is looked at.
const CHILD: &str = "--export";

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    report.group("Bulk");
    large(report, LINES)?;
    queue(report)
}

fn client() -> String {
    let (component, all) = (component("plugins/journal-xaf.wasm"), all());
    format!(
        "[clients.journal-xaf]\ncomponent = {component:?}\nactivities = {all}\n\
         exports = {{ directory = \"exports\", quota-bytes = 100_000_000_000, activity = \"PostDownloadJournalRunExportByJournalRunId\" }}\n\
         limits = {{ deadline-ms = 3_600_000, cpu-ms = 3_600_000, runs = 64 }}\n"
    )
}

fn journal_run() -> Uuid {
    seed::journal_run_id(1, 6)
}

/// The lines of a journal, half of them debit: what a line says repeats after
/// some hundreds, as it does in a real one.
fn lines(db: &Connection, journal_run: Uuid, lines: u32) -> Result<()> {
    db.execute(
        "DELETE FROM journal_line WHERE journal_run = ?1",
        [journal_run.to_string()],
    )?;
    db.execute(
        "INSERT INTO journal_line (journal_run, ord, account_code, account_description, cost_center_code, cost_center_description, component_key, component_value, debit, credit)
         WITH RECURSIVE line (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM line WHERE n < ?2)
         SELECT ?1, n, 40000 + n % 300, 'Lonen en salarissen ' || (n % 300), 'K' || (n % 50), 'Kostenplaats ' || (n % 50), 1, 'Brutoloon',
                CASE n % 2 WHEN 1 THEN 123456 ELSE 0 END, CASE n % 2 WHEN 1 THEN 0 ELSE 123456 END FROM line",
        params![journal_run.to_string(), lines],
    )?;
    Ok(())
}

fn large(report: &mut Report, count: u32) -> Result<()> {
    let runtime = threads(2)?;
    let text = configuration(&client());
    let koppel = runtime.block_on(Koppel::start(&text))?;
    let dir = koppel.dir;
    lines(
        &Connection::open(dir.path().join("data/koppel.db"))?,
        journal_run(),
        count,
    )?;
    // What a native program would have to read: the same pages, twice.
    let began = Instant::now();
    for _ in 0..2 {
        runtime.block_on(read(&koppel.host))?;
    }
    let reading = began.elapsed().as_secs_f64();
    drop(koppel.host);
    // A process of its own, so that the memory is that of the export alone.
    let exported = Command::new(std::env::current_exe()?)
        .arg(CHILD)
        .arg(dir.path())
        .output()?;
    ensure!(
        exported.status.success(),
        "{}",
        String::from_utf8_lossy(&exported.stderr)
    );
    let told: Vec<f64> = String::from_utf8(exported.stdout)?
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let [took, before, peak, guest] = told[..] else {
        anyhow::bail!("it told {told:?}");
    };
    let written = std::fs::read_dir(dir.path().join("exports"))?
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .map(|file| file.len())
        .sum::<u64>();
    let writing = native(count)?;
    let what = format!(
        "journal of {count} lines to XAF ({})",
        bytes(written as f64)
    );
    report.times(
        &what,
        "the writer natively, on pages of the same database",
        reading + writing,
        took,
        Target::AtMost(2.0),
    );
    report.times(
        "the same",
        "the writer natively, all in memory",
        writing,
        took,
        Target::None,
    );
    report.add(
        "the same: peak of the process over an idle one",
        format!("idle {}", bytes(before)),
        bytes(peak),
        ((peak - before) / f64::from(1 << 20), " MiB more"),
        Target::None,
    );
    report.add(
        "the same: peak of the guest",
        String::new(),
        bytes(guest),
        (guest / f64::from(1 << 20), " MiB"),
        Target::None,
    );
    Ok(())
}

async fn read(host: &Host) -> Result<()> {
    let mut cursor = None;
    loop {
        let page = PageRequest { cursor, size: 250 };
        let page = host
            .platform()
            .journal_run_results(journal_run(), &page)
            .await;
        let page = page.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        match page.next {
            None => return Ok(()),
            next => cursor = next,
        }
    }
}

/// Exports the journal in a folder that was made ready, and tells how long it
/// took, the memory of the process before, its peak, and that of the guest.
pub(crate) fn export(folder: &Path) -> Result<()> {
    let runtime = threads(2)?;
    let host = Koppel::started(folder)?;
    runtime.block_on(host.load("journal-xaf"))?;
    let (before, _) = resident();
    let began = Instant::now();
    let ran = runtime.block_on(host.run(RunRequest {
        client: "journal-xaf".to_owned(),
        user: USER.to_owned(),
        employer: crate::setup::employer(),
        job: Job::ProcessJournalRun(journal_run()),
    }));
    let took = began.elapsed().as_secs_f64();
    ensure!(
        matches!(ran.outcome, Ok(Output::JournalRun { .. })),
        "{ran:?}"
    );
    let (_, peak) = resident();
    println!("{took} {before} {peak} {}", ran.memory);
    Ok(())
}

/// The same writer, compiled for this machine, on lines in memory.
fn native(count: u32) -> Result<f64> {
    let mut host = MockHost::new();
    let all = (1..=count).map(|n| {
        let (debit, credit) = if n % 2 == 1 {
            (123_456, 0)
        } else {
            (0, 123_456)
        };
        let (code, description) = (40_000 + n % 300, n % 300);
        let description = format!("Lonen en salarissen {description}");
        line(&code.to_string(), &description, debit, credit)
    });
    let run = host.journal_run(JournalRunStatus::Ready, all.collect());
    let began = Instant::now();
    let outcome = host.process::<JournalXaf>("{}", &run);
    let took = began.elapsed().as_secs_f64();
    let outcome = outcome.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    ensure!(outcome.lines == count, "{outcome:?}");
    Ok(took)
}

/// Employers with one journal run each, of a few lines.
pub(crate) fn employers(db: &mut Connection, from: u32, to: u32) -> Result<()> {
    let db = db.transaction()?;
    for n in from..to {
        let [employer, administration, run] = ids(n).map(|id| id.to_string());
        db.prepare_cached("INSERT INTO employer (id, provider, number, company_name) VALUES (?1, ?2, ?3, 'Bakkerij')")?
            .execute(params![employer, seed::provider_id(1).to_string(), 10_000 + n])?;
        db.prepare_cached(
            "INSERT INTO payroll_administration (id, employer, name) VALUES (?1, ?2, 'Lonen')",
        )?
        .execute([&administration, &employer])?;
        db.prepare_cached(
            "INSERT INTO journal_run (id, payroll_administration, payroll_run, ord, year, period_number, period_start, period_end, status)
             VALUES (?1, ?2, ?1, 1, 2025, 6, '2025-06-01', '2025-06-30', 4)",
        )?
        .execute([&run, &administration])?;
        let mut line = db.prepare_cached(
            "INSERT INTO journal_line (journal_run, ord, account_code, account_description, component_key, component_value, debit, credit)
             VALUES (?1, ?2, ?3, 'Lonen en salarissen', 1, 'Brutoloon', ?4, ?5)",
        )?;
        for ord in 0..14 {
            let amounts = if ord % 2 == 0 {
                (12_345, 0)
            } else {
                (0, 12_345)
            };
            line.execute(params![run, ord, 40_000 + ord, amounts.0, amounts.1])?;
        }
    }
    db.commit()?;
    Ok(())
}

/// The employer of a number, its payroll administration and its journal run.
pub(crate) fn ids(n: u32) -> [Uuid; 3] {
    ["employer", "administration", "journal-run"]
        .map(|kind| Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{kind}/{n}").as_bytes()))
}

fn queue(report: &mut Report) -> Result<()> {
    let runtime = threads(2)?;
    for (workers, target) in [(4, "as it is set"), (32, "32 workers")] {
        let text = format!("{}[queue]\nworkers = {workers}\n", configuration(&client()));
        let koppel = runtime.block_on(Koppel::start(&text))?;
        let mut db = Connection::open(koppel.dir.path().join("data/koppel.db"))?;
        employers(&mut db, 0, EMPLOYERS)?;
        let (submitting, done) = runtime.block_on(through(&koppel.host, EMPLOYERS))?;
        report.add(
            &format!("{EMPLOYERS} employers' journals through the queue, {target}"),
            format!("submitted {}/s", digits(f64::from(EMPLOYERS) / submitting)),
            time(done),
            (f64::from(EMPLOYERS) / done, "/s"),
            Target::None,
        );
    }
    Ok(())
}

/// Submits the journal run of each employer, and has them made; how long both
/// take, in seconds.
async fn through(host: &Arc<Host>, employers: u32) -> Result<(f64, f64)> {
    let began = Instant::now();
    for n in 0..employers {
        let [employer, _, run] = ids(n);
        let request = RunRequest {
            client: "journal-xaf".to_owned(),
            user: USER.to_owned(),
            employer,
            job: Job::ProcessJournalRun(run),
        };
        host.submit(request, None)
            .await
            .context("a run is submitted")?;
    }
    let submitting = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let working = host.work();
    let waiting = RunFilter {
        states: vec![State::Queued, State::Running],
        limit: Some(1),
        ..RunFilter::default()
    };
    while !host.kept_runs(waiting.clone()).await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = began.elapsed().as_secs_f64();
    working.stop(Duration::from_secs(10)).await;
    let failed = RunFilter {
        states: vec![
            State::Failed,
            State::Dead,
            State::NeedsAPerson,
            State::Cancelled,
        ],
        limit: Some(1),
        ..RunFilter::default()
    };
    let failed = host.kept_runs(failed).await?;
    ensure!(failed.is_empty(), "{failed:?}");
    Ok((submitting, took))
}
