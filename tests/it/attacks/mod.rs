//! The catalogue of attacks, one file per family. `docs/attacks.md` is its
//! table of contents.
//!
//! An attack is a hostile guest, a hostile server or both. Each test asserts
//! the exact outcome, and then that nobody else was harmed: see
//! [`Arena::unharmed`].

mod catalogue;
mod guest;
mod server;

mod bombs;
mod boundary;
mod concurrency;
mod cpu;
mod credentials;
mod exports;
mod handles;
mod logs;
mod malformed;
mod memory;
mod redirects;
mod requests;
mod responses;
mod revocation;
mod sides;
mod ssrf;
mod tenants;

use crate::harness::{ANNA, TestHost, all_activities, answer, configuration, employer};
use crate::outside::walk;
use koppel_host::ledger::Kind;
use koppel_host::runs::{RunError, RunReport};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(crate) use crate::harness::{component, error};
pub(crate) use guest::Guest;

/// Limits that keep the tests short.
pub(crate) const LIMITS: &str =
    "limits = { deadline-ms = 3000, cpu-ms = 200, log-bytes = 4096, handles = 100 }";

/// The exports of a client under attack.
pub(crate) const EXPORTS: &str = "exports = { directory = \"exports\", quota-bytes = 1_000_000, activity = \"PostDownloadJournalRunExportByJournalRunId\" }";

/// An outside rule of a client under attack, which leads nowhere.
pub(crate) const NOWHERE: &str = "http = [{ allow = \"http://party.test:1/*\", methods = [\"GET\"], activity = \"GetEmployerByEmployerId\" }]";

/// A host with a client under attack, and one that goes about its business.
pub(crate) struct Arena {
    pub(crate) host: TestHost,
    files: BTreeSet<String>,
}

impl Arena {
    /// With this guest as client `guest`, which was granted everything.
    pub(crate) async fn new(guest: &[u8]) -> Self {
        Self::with(guest, &granted(LIMITS)).await
    }

    /// With this guest as client `guest`, and these lines of its configuration.
    pub(crate) async fn with(guest: &[u8], lines: &str) -> Self {
        Self::configured(guest, &clients(lines)).await
    }

    /// With this guest, and these clients.
    pub(crate) async fn configured(guest: &[u8], clients: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("guest.wasm"), guest).unwrap();
        let host = TestHost::start(dir, &configuration(clients));
        host.host.embedded().unwrap().seed().await.unwrap();
        Self::of(host)
    }

    /// As [`Self::with`], with a folder of compiled components of its own: what
    /// is compiled here is not found by the next test.
    pub(crate) async fn compiling(guest: &[u8], lines: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("guest.wasm"), guest).unwrap();
        let shared = concat!("compiled = \"", env!("CARGO_TARGET_TMPDIR"), "/compiled\"");
        let text = configuration(&clients(lines));
        let own = text.replacen(shared, "compiled = \"data/compiled\"", 1);
        assert_ne!(text, own);
        let host = TestHost::start(dir, &own);
        host.host.embedded().unwrap().seed().await.unwrap();
        Self::of(host)
    }

    /// Around a host.
    pub(crate) fn of(host: TestHost) -> Self {
        let files = files(&host);
        Self { host, files }
    }

    /// With the guest of this name in `tests/guests`.
    pub(crate) async fn guest(name: &str) -> Self {
        Self::new(&std::fs::read(component(&format!("guests/{name}.wasm"))).unwrap()).await
    }

    /// Runs the guest for Anna and employer 1.
    pub(crate) async fn attack(&self, query: &Value) -> RunReport {
        self.host.lookup("guest", query).await
    }

    /// Runs the guest, which answers.
    pub(crate) async fn answer(&self, query: &Value) -> Value {
        answer(self.attack(query).await)
    }

    /// Runs the guest, which fails with this text.
    pub(crate) async fn fails(&self, query: &Value) -> String {
        error(self.attack(query).await)
    }

    /// The host, another client, another user and the ledger are unharmed, and
    /// there are no other files than before but those of `exported`.
    pub(crate) async fn unharmed_but(&self, exported: &[&str]) {
        // Whatever lies in the export directory that the host did not publish.
        let exports = self.host.dir.path().join("exports");
        let mut expected = self.files.clone();
        expected.extend(exported.iter().map(|name| format!("exports/{name}")));
        let found: BTreeSet<String> = files(&self.host)
            .into_iter()
            // Locks that live as long as the host.
            .filter(|file| !(file.starts_with("exports/.staging/") && file.ends_with(".lock")))
            .collect();
        assert_eq!(found, expected, "{}", exports.display());

        // Another client does its work, for this user and another one.
        for user in [ANNA, "bas"] {
            let query =
                json!({"activity": "GetEmployerByEmployerId", "id": employer(1).to_string()});
            let report = self.host.lookup_as("probe", user, 1, &query).await;
            let item = answer(report)["item"].as_str().unwrap().to_owned();
            assert!(item.contains(&employer(1).to_string()), "{item}");
        }

        // The ledger is whole, and every run that began has ended.
        let ledger = self.host.host.ledger();
        assert!(ledger.verify().await.unwrap().is_ok());
        let started = self.host.rows(&[Kind::RunStarted]).await;
        let finished = self.host.rows(&[Kind::RunFinished]).await;
        let runs = |rows: &[koppel_host::ledger::Row]| -> Vec<uuid::Uuid> {
            let mut runs: Vec<_> = rows.iter().map(|row| row.context.run).collect();
            runs.sort();
            runs
        };
        assert_eq!(runs(&started), runs(&finished));
    }

    /// As [`Self::unharmed_but`], without a file.
    pub(crate) async fn unharmed(&self) {
        self.unharmed_but(&[]).await;
    }
}

/// The files under the folder of a host, without those of its databases.
fn files(host: &TestHost) -> BTreeSet<String> {
    let root = host.dir.path();
    walk(root)
        .into_iter()
        .map(|path| {
            path.strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .filter(|path| !path.contains(".db") && !path.starts_with("data/compiled/"))
        .collect()
}

/// The lines of a client that was granted everything.
pub(crate) fn granted(more: &str) -> String {
    format!("{}\n{NOWHERE}\n{EXPORTS}\n{more}", all_activities())
}

/// The client under attack with these lines, and the one beside it.
pub(crate) fn clients(lines: &str) -> String {
    let probe = component("guests/probe.wasm");
    format!(
        "[clients.guest]\ncomponent = \"guest.wasm\"\n{lines}\n\
         [clients.probe]\ncomponent = {probe:?}\n{}\n",
        all_activities()
    )
}

/// What a run failed with that did not start.
#[track_caller]
pub(crate) fn not_loaded(report: RunReport) -> String {
    match report.outcome {
        Err(RunError::Load(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// A query that a guest in text does not read.
pub(crate) fn anything() -> Value {
    json!({})
}
