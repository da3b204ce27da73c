//! Several hosts: real processes of koppel that share PostgreSQL and NATS.
//!
//! `cargo xtask scale` runs this with 1,000 employers and prints what it
//! measures; `cargo test` with a few. Where the servers are not installed, each
//! test says that it is skipped.

mod components;
mod costs;
mod grants;
mod proof;
mod proxy;
mod revocation;
mod throughput;

use super::kill::Serve;
use super::party::Party;
use super::{EXACT, clients};
use crate::cli::koppel;
use crate::harness::{ANNA, configuration};
use crate::servers::{Servers, servers};
use koppel_host::config::{Config, extract};
use koppel_host::durable::{Run, RunFilter, State};
use koppel_host::egress::SystemResolver;
use koppel_host::platform::seed;
use koppel_host::runs::{Host, Job, RunRequest};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

/// The period whose journal runs are booked.
const PERIOD: i8 = 6;

/// A number that `cargo xtask scale` chooses.
fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} must be a number"))
    })
}

fn employers() -> usize {
    number("KOPPEL_SCALE_EMPLOYERS", 24)
}

/// What the hosts of a test share, and one of them: the office, which submits
/// runs and looks at them, and makes none.
struct Installation {
    servers: &'static Servers,
    database: String,
    dir: TempDir,
    office: Arc<Host>,
    clients: String,
    queue: String,
    /// Whether the grants are published, and not in the files of the hosts.
    published: bool,
}

/// What publishes grants in `[queue]`.
const PUBLISHED: &str = "grants = \"published\"";

impl Installation {
    /// With so many employers that have a journal run to book; none where the
    /// servers are not installed. `queue` are lines of `[queue]`.
    async fn new(employers: usize, clients: &str, queue: &str) -> Option<Self> {
        Self::with(employers, clients, queue, |_, _| ()).await
    }

    /// One whose grants are published, the first time by the command.
    async fn published(employers: usize, clients: &str) -> Option<Self> {
        Self::with(employers, clients, PUBLISHED, |office, text| {
            let first = publish(office, &extract(text).unwrap(), 0, &[]);
            assert!(first.status.success(), "{first:?}");
        })
        .await
    }

    /// `before` is done in the folder of the office with all that is configured,
    /// before the office is opened.
    async fn with(
        employers: usize,
        clients: &str,
        queue: &str,
        before: impl FnOnce(&Path, &str),
    ) -> Option<Self> {
        let servers = servers()?;
        let database = servers.database();
        let dir = tempfile::tempdir().unwrap();
        let text = shared(
            servers,
            &database,
            servers.ports(),
            dir.path(),
            clients,
            queue,
        );
        let published = queue == PUBLISHED;
        let office = dir.path().join("office");
        write(
            &office,
            &if published {
                local(&text)
            } else {
                text.clone()
            },
        );
        before(&office, &text);
        let office = open(&office);
        office.embedded().unwrap().seed().await.unwrap();
        more_employers(&dir.path().join("koppel.db"), employers);
        Some(Self {
            servers,
            database,
            dir,
            office,
            clients: clients.to_owned(),
            queue: queue.to_owned(),
            published,
        })
    }

    /// The folder of a host, with its configuration; it reaches the servers by
    /// these ports.
    fn folder(&self, name: &str, ports: (u16, u16)) -> PathBuf {
        let folder = self.dir.path().join(name);
        let text = self.text(ports);
        write(&folder, &if self.published { local(&text) } else { text });
        folder
    }

    /// Three hosts that tell what they see, with the folder of each.
    fn three(&self) -> (Vec<PathBuf>, Vec<Serve>) {
        let folders: Vec<_> = ["a", "b", "c"]
            .map(|name| self.folder(name, self.servers.ports()))
            .into();
        let hosts = folders.iter().map(|folder| Serve::talking(folder));
        let hosts = hosts.collect();
        (folders, hosts)
    }

    /// All that is configured.
    fn text(&self, ports: (u16, u16)) -> String {
        shared(
            self.servers,
            &self.database,
            ports,
            self.dir.path(),
            &self.clients,
            &self.queue,
        )
    }

    /// What is published of it.
    fn grants(&self) -> String {
        extract(&self.text(self.servers.ports())).unwrap()
    }

    /// Publishes grants from the office.
    fn publish(&self, grants: &str, on: u64, more: &[&str]) -> std::process::Output {
        publish(&self.dir.path().join("office"), grants, on, more)
    }

    /// A host that works.
    fn serve(&self, name: &str) -> Serve {
        Serve::start(&self.folder(name, self.servers.ports()))
    }

    /// Submits the journal run of each employer.
    async fn book_all(&self, employers: usize) -> Vec<(Uuid, Run)> {
        let mut booked = Vec::new();
        for of in 1..=employers {
            let journal_run = seed::journal_run_id(of, PERIOD);
            booked.push((journal_run, self.book(of).await));
        }
        booked
    }

    async fn book(&self, of: usize) -> Run {
        let request = RunRequest {
            client: EXACT.to_owned(),
            user: ANNA.to_owned(),
            employer: seed::employer_id(of),
            job: Job::ProcessJournalRun(seed::journal_run_id(of, PERIOD)),
        };
        let submitted = self.office.submit(request, None).await.unwrap();
        submitted.run().clone()
    }

    /// The runs in these states.
    async fn in_states(&self, states: &[State]) -> Vec<Run> {
        let filter = RunFilter {
            states: states.to_vec(),
            ..RunFilter::default()
        };
        self.office.kept_runs(filter).await.unwrap()
    }

    /// How many runs are over.
    async fn over(&self) -> usize {
        let over: Vec<_> = State::ALL
            .into_iter()
            .filter(|state| state.is_over())
            .collect();
        self.in_states(&over).await.len()
    }

    /// When so many changes of a kind were seen by these hosts: how long the last
    /// of them took since a moment.
    async fn reached(
        folders: &[PathBuf],
        seen: &str,
        changes: usize,
        since: jiff::Timestamp,
    ) -> Duration {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let all: Vec<_> = folders
                .iter()
                .filter_map(|folder| last(folder, seen))
                .collect();
            if all.len() == folders.len() && all.iter().all(|(count, _)| *count == changes) {
                let last = all.iter().map(|(_, time)| *time).max().unwrap();
                return last.duration_since(since).unsigned_abs();
            }
            assert!(Instant::now() < deadline, "{all:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Runs a command in the office.
    fn koppel(&self, arguments: &[&str]) -> std::process::Output {
        koppel(&self.dir.path().join("office"), arguments)
    }
}

/// How often a host told of something, and when for the last time.
fn last(folder: &Path, seen: &str) -> Option<(usize, jiff::Timestamp)> {
    let log = std::fs::read_to_string(folder.join("serve.log")).ok()?;
    let lines: Vec<_> = log.lines().filter(|line| line.contains(seen)).collect();
    let time = lines.last()?.split_whitespace().next()?;
    Some((lines.len(), time.parse().ok()?))
}

/// The configuration of a host that shares everything, also the payroll data,
/// which is a file of this machine.
fn shared(
    servers: &Servers,
    database: &str,
    ports: (u16, u16),
    dir: &Path,
    clients: &str,
    queue: &str,
) -> String {
    let platform = format!("[platform]\ndata = {:?}\n", dir.join("koppel.db"));
    let text = configuration(clients).replacen("[platform]\n", &platform, 1);
    text + &servers.configuration(database, ports, queue)
}

fn write(folder: &Path, text: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("platform.toml"), text).unwrap();
}

/// What of a configuration stays with each host where grants are published.
fn local(text: &str) -> String {
    let mut table: toml::Table = text.parse().unwrap();
    let grants: toml::Table = extract(text).unwrap().parse().unwrap();
    for key in grants.keys().filter(|key| *key != "clients") {
        table.remove(key);
    }
    let clients = table.get_mut("clients").and_then(toml::Value::as_table_mut);
    for (name, client) in clients.into_iter().flatten() {
        let granted = grants["clients"][name].as_table().unwrap();
        let client = client.as_table_mut().unwrap();
        client.retain(|key, _| !granted.contains_key(key));
    }
    table.to_string()
}

/// Publishes grants from this folder by the command.
fn publish(folder: &Path, grants: &str, on: u64, more: &[&str]) -> std::process::Output {
    std::fs::write(folder.join("grants.toml"), grants).unwrap();
    let on = on.to_string();
    let publish = ["grants", "publish", "grants.toml", "--on", &on];
    let why = ["--by", "the operator", "--reason", "a test"];
    koppel(folder, &[&publish[..], &why, more].concat())
}

fn open(folder: &Path) -> Arc<Host> {
    let config = Config::load(&folder.join("platform.toml"));
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    Arc::new(Host::start(config, Arc::new(SystemResolver)).unwrap())
}

/// Employers from the fifth on, each with a journal of two lines to book.
fn more_employers(path: &Path, employers: usize) {
    let mut data = rusqlite::Connection::open(path).unwrap();
    let data = data.transaction().unwrap();
    // That of the demonstration data is of another provider.
    data.execute(
        "UPDATE employer SET provider = ?1",
        [seed::provider_id(1).to_string()],
    )
    .unwrap();
    for of in 5..=employers {
        let id = seed::employer_id(of).to_string();
        let administration = seed::payroll_administration_id(of).to_string();
        let journal_run = seed::journal_run_id(of, PERIOD).to_string();
        let payroll_run = seed::payroll_run_id(of, PERIOD).to_string();
        data.execute(
            "INSERT INTO employer (id, provider, number, company_name) VALUES (?1, ?2, ?3, ?4)",
            rusqlite::params![
                id,
                seed::provider_id(1).to_string(),
                10_000 + of,
                format!("Bakkerij {of}")
            ],
        )
        .unwrap();
        data.execute(
            "INSERT INTO payroll_administration (id, employer, name) VALUES (?1, ?2, 'lonen')",
            [&administration, &id],
        )
        .unwrap();
        data.execute(
            "INSERT INTO journal_run (id, payroll_administration, payroll_run, ord, year, period_number, period_start, period_end, status)
             VALUES (?1, ?2, ?3, 6, 2025, 6, '2025-06-01', '2025-06-30', 4)",
            [&journal_run, &administration, &payroll_run],
        )
        .unwrap();
        for (ord, account, debit, credit) in [(1, "40110", 250_000, 0), (2, "16101", 0, 250_000)] {
            data.execute(
                "INSERT INTO journal_line (journal_run, ord, account_code, account_description, component_key, component_value, debit, credit)
                 VALUES (?1, ?2, ?3, 'Lonen', 1, 'Brutoloon', ?4, ?5)",
                rusqlite::params![journal_run, ord, account, debit, credit],
            )
            .unwrap();
        }
    }
    data.commit().unwrap();
}
