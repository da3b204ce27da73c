//! Durable runs: what is submitted is done once, whatever dies meanwhile.

mod command;
mod crash;
mod decide;
pub(crate) mod kill;
mod limits;
pub(crate) mod party;
mod queue;
mod replay;
mod scale;
mod schedule;
mod trouble;

use crate::harness::{ANNA, component, configuration, employer, plugin};
use koppel_host::config::Config;
use koppel_host::durable::{Clock, Millis, Run, RunFilter, State};
use koppel_host::egress::SystemResolver;
use koppel_host::ledger::Redactor;
use koppel_host::platform::seed;
use koppel_host::runs::{Host, Job, RunRequest, Working};
use party::Party;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const EXACT: &str = "journal-exact";
pub(crate) const TAX: &str = "loonaangifte";
pub(crate) const XAF: &str = "journal-xaf";

/// The clients that book and declare at a party, with more of the rules and of
/// the clients.
pub(crate) fn clients(port: u16, rule: &str, client: &str) -> String {
    let exact = plugin(
        EXACT,
        &format!(
            r#"activities = ["GetJournalRunByJournalRunId", "GetJournalRunResultsByJournalRunId", "PatchJournalRunByJournalRunId", "PostSendJournalRunExportByJournalRunId"]
http = [{{ allow = "http://127.0.0.1:{port}/api/*", methods = ["GET", "POST"], activity = "PostSendJournalRunExportByJournalRunId", allow-private-addresses = true{rule} }}]
settings = {{ base-url = "http://127.0.0.1:{port}", division = 123456, journal-code = "90" }}
{client}"#
        ),
    );
    let tax = plugin(
        TAX,
        &format!(
            r#"activities = ["GetEmployerByEmployerId", "GetEmployeesByEmployerId", "GetCitizenServiceNumberByEmployeeId", "GetEmploymentsByEmployerId", "GetPayrollRunsByPayrollAdministrationId", "GetPayrollRunResultsByPayrollRunId", "GetPayrollTaxReturnByPayrollTaxReturnId", "GetMessageByPayrollTaxReturnId", "PostInitiatePayrollTaxReturnByPayrollAdministrationId", "PostSendPayrollTaxReturnByPayrollTaxReturnId", "PostSendResponseMessageByPayrollTaxReturnId"]
http = [{{ allow = "http://127.0.0.1:{port}/tax/*", methods = ["PUT"], activity = "PostSendPayrollTaxReturnByPayrollTaxReturnId", allow-private-addresses = true, repeatable = true }}]
settings = {{ endpoint = "http://127.0.0.1:{port}/tax", contact-person = "A. de Boer", telephone = "071-1234567", relation-number = "SWO00077" }}
{client}"#
        ),
    );
    let xaf = plugin(XAF, crate::journal::XAF);
    format!("{exact}{tax}{xaf}")
}

/// A clock that the test sets.
#[derive(Debug)]
struct Manual(AtomicI64);

impl Manual {
    fn at(text: &str) -> Arc<Self> {
        let moment: jiff::Timestamp = text.parse().unwrap();
        Arc::new(Self(AtomicI64::new(moment.as_millisecond())))
    }

    fn set(&self, text: &str) {
        let moment: jiff::Timestamp = text.parse().unwrap();
        self.0.store(moment.as_millisecond(), Ordering::SeqCst);
    }
}

impl Clock for Manual {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

/// A host with workers, on demonstration data.
struct Bench {
    dir: TempDir,
    host: Arc<Host>,
    working: Option<Working>,
}

impl Bench {
    /// Without workers.
    async fn idle(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bench = Self::open(dir, text, None);
        bench.host.embedded().unwrap().seed().await.unwrap();
        bench
    }

    async fn working(text: &str) -> Self {
        let mut bench = Self::idle(text).await;
        bench.work();
        bench
    }

    /// A host in this folder, as after a restart.
    fn open(dir: TempDir, text: &str, clock: Option<Arc<Manual>>) -> Self {
        let path = dir.path().join("platform.toml");
        std::fs::write(&path, text).unwrap();
        let config = Config::load(&path).unwrap_or_else(|error| panic!("{error}"));
        let resolver = Arc::new(SystemResolver);
        let host = match clock {
            Some(clock) => Host::start_with(config, resolver, Redactor::default(), clock),
            None => Host::start(config, resolver),
        };
        Self {
            dir,
            host: Arc::new(host.unwrap()),
            working: None,
        }
    }

    fn work(&mut self) {
        self.working = Some(self.host.work());
    }

    /// Ends the host, and gives its folder.
    async fn end(mut self) -> TempDir {
        if let Some(working) = self.working.take() {
            working.stop(Duration::from_secs(10)).await;
        }
        self.dir
    }

    async fn submit(&self, client: &str, of: usize, job: Job) -> Run {
        submit(&self.host, client, of, job).await
    }

    /// Submits the journal run of an employer for a period.
    async fn book(&self, of: usize, period: i8) -> Run {
        let job = Job::ProcessJournalRun(seed::journal_run_id(of, period));
        self.submit(EXACT, of, job).await
    }

    async fn run(&self, id: Uuid) -> Run {
        self.host.kept_run(id).await.unwrap().unwrap()
    }

    /// Waits until a run is in one of these states.
    async fn until(&self, id: Uuid, states: &[State]) -> Run {
        until(&self.host, id, states).await
    }

    async fn verified(&self) {
        self.host.ledger().verify().await.unwrap().unwrap();
    }
}

async fn submit(host: &Host, client: &str, of: usize, job: Job) -> Run {
    let request = RunRequest {
        client: client.to_owned(),
        user: ANNA.to_owned(),
        employer: employer(of),
        job,
    };
    let submitted = host.submit(request, None).await.unwrap();
    submitted.run().clone()
}

async fn until(host: &Host, id: Uuid, states: &[State]) -> Run {
    for _ in 0..1_200 {
        let run = host.kept_run(id).await.unwrap().unwrap();
        if states.contains(&run.state) {
            return run;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let run = host.kept_run(id).await.unwrap().unwrap();
    panic!("{states:?} did not come: {run:?}");
}

/// All runs, oldest first.
async fn all(host: &Host) -> Vec<Run> {
    let mut runs = host.kept_runs(RunFilter::default()).await.unwrap();
    runs.reverse();
    runs
}

/// A client of the guest that ends so.
fn clerk(ends: &str, more: &str) -> String {
    let path = component("guests/clerk.wasm");
    format!(
        "[clients.{ends}]\ncomponent = {path:?}\nsettings = {{ ends = \"{ends}\" }}\n{more}\n\
         activities = [\"GetJournalRunByJournalRunId\", \"GetJournalRunResultsByJournalRunId\", \"PatchJournalRunByJournalRunId\"]\n"
    )
}

/// The configuration of both clients at a party.
fn text(party: &Party, rule: &str, client: &str) -> String {
    configuration(&clients(party.port, rule, client))
}
