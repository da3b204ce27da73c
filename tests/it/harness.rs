//! What the tests share: a host on demonstration data, with clients of the
//! test's choosing.

use crate::loket::{self, Loket};
use async_trait::async_trait;
use koppel_host::bindings::koppel::loket::types::{DeclarationRequest, PeriodOfYear};
use koppel_host::config::Config;
use koppel_host::egress::Resolve;
use koppel_host::ledger::{Filter, Kind, Row};
use koppel_host::platform::{Claim, DeclarationKind, seed};
use koppel_host::runs::{Host, Job, Output, RunReport, RunRequest};
use serde_json::Value;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

/// A user of provider 1 with every right.
pub(crate) const ANNA: &str = "anna";

/// A host in a folder of its own.
pub(crate) struct TestHost {
    pub(crate) dir: TempDir,
    pub(crate) host: Host,
}

/// A component in `dist/`, which `cargo xtask test` builds.
pub(crate) fn component(path: &str) -> PathBuf {
    let path = repository().join("dist").join(path);
    assert!(
        path.exists(),
        "{} is missing: run `cargo xtask test`",
        path.display()
    );
    path
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The reference data, or none with a notice; then `.ci/run` fails.
pub(crate) fn formats() -> Option<PathBuf> {
    let path = repository().join("../shared/formats");
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("KOPPEL_REQUIRE_FORMATS").is_none(),
        "the reference data is missing"
    );
    eprintln!("skipped: the reference data is missing");
    None
}

/// A client with all that the catalogue has, for a guest.
pub(crate) fn client(name: &str, more: &str) -> String {
    let path = component(&format!("guests/{name}.wasm"));
    format!("[clients.{name}]\ncomponent = {path:?}\n{more}\n")
}

/// A client of a connector.
pub(crate) fn plugin(name: &str, more: &str) -> String {
    let path = component(&format!("plugins/{name}.wasm"));
    format!("[clients.{name}]\ncomponent = {path:?}\n{more}\n")
}

/// Every activity, as a line of a client.
pub(crate) fn all_activities() -> String {
    let ids: Vec<_> = koppel_host::catalogue::ROWS
        .iter()
        .map(|row| row.id)
        .collect();
    format!("activities = {ids:?}")
}

/// The folder of compiled components that tests share.
const COMPILED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled");

/// Makes a demonstration in this folder find what other tests compiled.
pub(crate) fn shares_compiled(dir: &Path) {
    let data = dir.join("data");
    std::fs::create_dir_all(COMPILED).unwrap();
    std::fs::create_dir_all(&data).unwrap();
    std::os::unix::fs::symlink(COMPILED, data.join("compiled")).unwrap();
}

/// The configuration around the clients.
pub(crate) fn configuration(clients: &str) -> String {
    include_str!("platform.toml")
        // Shared, because compiling is what takes time.
        .replace("{compiled}", COMPILED)
        .replace(
            "{all}",
            &format!(
                "{:?}",
                koppel_host::catalogue::ROWS
                    .iter()
                    .map(|row| row.id)
                    .collect::<Vec<_>>()
            ),
        )
        .replace("{provider-1}", &seed::provider_id(1).to_string())
        .replace("{provider-2}", &seed::provider_id(2).to_string())
        .replace("{employer-1}", &employer(1).to_string())
        .replace("{employer-2}", &employer(2).to_string())
        + clients
}

/// As [`configuration`], on the data of the platform at this URL.
pub(crate) fn upstream_configuration(url: &str, clients: &str, more: &str) -> String {
    let upstream = format!(
        "[platform.loket]\nbase-url = \"{url}/v2\"\ntoken-url = \"{url}/token\"\n\
         client-id = \"{}\"\nclient-secret = {{ file = \"client-secret\" }}\n\
         refresh-token = {{ file = \"refresh-token\" }}\ntoken-file = \"data/token.json\"\n\
         provider = \"{}\"\n{more}\n",
        loket::CLIENT_ID,
        seed::provider_id(1),
    );
    configuration(clients).replacen("[platform]\n", "[platform]\nsource = \"loket\"\n", 1)
        + &upstream
}

pub(crate) fn employer(number: usize) -> Uuid {
    seed::employer_id(number)
}

/// Names for the tests: nothing leaves this machine.
struct Names;

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let addresses: &[&str] = match host {
            "party.test" | "other.test" | "public-only.test" => &["127.0.0.1"],
            "metadata.test" => &["169.254.169.254"],
            "private.test" => &["10.0.0.1"],
            "mixed.test" => &["93.184.216.34", "192.168.0.1"],
            "mapped.test" => &["::ffff:127.0.0.1"],
            "nat64.test" => &["64:ff9b::7f00:1"],
            "link-local.test" => &["fe80::1"],
            _ => return Err(std::io::Error::other("no such host")),
        };
        Ok(addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect())
    }
}

impl TestHost {
    /// A host with these clients on demonstration data.
    pub(crate) async fn new(clients: &str) -> Self {
        Self::with(&configuration(clients)).await
    }

    /// A host with this configuration on demonstration data.
    pub(crate) async fn with(configuration: &str) -> Self {
        let host = Self::start(tempfile::tempdir().unwrap(), configuration);
        host.host.embedded().unwrap().seed().await.unwrap();
        host
    }

    /// A host with these clients on the data of a platform. `more` are further
    /// lines of `[platform.loket]`.
    pub(crate) fn on(loket: &Loket, clients: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("client-secret"), loket::CLIENT_SECRET).unwrap();
        let refresh = loket.told(|told| told.refresh.clone());
        std::fs::write(dir.path().join("refresh-token"), refresh).unwrap();
        Self::start(dir, &upstream_configuration(&loket.url, clients, more))
    }

    /// A host in this folder.
    pub(crate) fn start(dir: TempDir, text: &str) -> Self {
        Self::resolving(dir, text, Arc::new(Names))
    }

    /// A host in this folder, with names of the test's choosing.
    pub(crate) fn resolving(dir: TempDir, text: &str, names: Arc<dyn Resolve>) -> Self {
        let path = dir.path().join("platform.toml");
        std::fs::write(&path, text).unwrap();
        let config = Config::load(&path).unwrap_or_else(|error| panic!("{error}"));
        let host = Host::start(config, names).unwrap();
        Self { dir, host }
    }

    /// Looks something up as Anna for employer 1.
    pub(crate) async fn lookup(&self, client: &str, query: &Value) -> RunReport {
        self.lookup_as(client, ANNA, 1, query).await
    }

    pub(crate) async fn lookup_as(
        &self,
        client: &str,
        user: &str,
        of: usize,
        query: &Value,
    ) -> RunReport {
        self.run(client, user, of, Job::Lookup(query.to_string()))
            .await
    }

    pub(crate) async fn run(&self, client: &str, user: &str, of: usize, job: Job) -> RunReport {
        let request = RunRequest {
            client: client.to_owned(),
            user: user.to_owned(),
            employer: employer(of),
            job,
        };
        self.host.run(request).await
    }

    /// Asks for a declaration of a period of 2022 of an employer.
    pub(crate) async fn requested(&self, kind: DeclarationKind, of: usize, period: u32) -> Uuid {
        requested(&self.host, kind, of, period).await
    }

    /// A declaration that was sent, without a connector.
    pub(crate) async fn sent(&self, kind: DeclarationKind, of: usize, period: u32) -> Uuid {
        sent(&self.host, kind, of, period).await
    }

    /// The rows of these kinds.
    pub(crate) async fn rows(&self, kinds: &[Kind]) -> Vec<Row> {
        let filter = Filter {
            kinds: kinds.to_vec(),
            ..Filter::default()
        };
        self.host.ledger().rows(filter).await.unwrap()
    }

    /// The body that the ledger has of a row.
    pub(crate) async fn body(&self, seq: u64) -> Vec<u8> {
        let row = self.host.ledger().row(seq).await.unwrap();
        let (_, body) = row.unwrap();
        body.unwrap()
    }

    /// The summaries of the denials so far.
    pub(crate) async fn denials(&self) -> Vec<String> {
        self.rows(&[Kind::Denial])
            .await
            .into_iter()
            .map(|row| row.summary)
            .collect()
    }

    /// Replaces the configuration, as an operator does.
    pub(crate) fn write_configuration(&self, text: &str) {
        let path = self.dir.path().join("platform.toml");
        let new = self.dir.path().join("new.toml");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, path).unwrap();
    }
}

/// Asks for a declaration of a period of 2022 of an employer.
pub(crate) async fn requested(host: &Host, kind: DeclarationKind, of: usize, period: u32) -> Uuid {
    let request = DeclarationRequest::Period(PeriodOfYear {
        year: 2022,
        period_number: period,
    });
    let (platform, of) = (host.platform(), seed::payroll_administration_id(of));
    let id = match kind {
        DeclarationKind::PayrollTaxReturn => {
            let asked = platform
                .initiate_payroll_tax_return(of, &request, ANNA)
                .await;
            asked.unwrap().id
        }
        DeclarationKind::UpaPensionDeclaration => {
            let asked = platform
                .initiate_upa_pension_declaration(of, &request, ANNA)
                .await;
            asked.unwrap().id
        }
    };
    id.parse().unwrap()
}

/// A declaration that was sent, without a connector.
pub(crate) async fn sent(host: &Host, kind: DeclarationKind, of: usize, period: u32) -> Uuid {
    let id = requested(host, kind, of, period).await;
    let platform = host.platform();
    let reference = format!("REF-{of}-{period}");
    platform
        .store_message(id, &reference, b"<a/>")
        .await
        .unwrap();
    platform.confirm_declaration(id, ANNA).await.unwrap();
    let claim = Claim {
        run: Uuid::now_v7(),
        milliseconds: 1_000,
    };
    platform.claim_declaration(id, claim).await.unwrap();
    platform
        .mark_declaration_sent(id, claim.run, "party-1")
        .await
        .unwrap();
    id
}

/// The answer of a look-up that succeeded.
#[track_caller]
pub(crate) fn answer(report: RunReport) -> Value {
    match report.outcome {
        Ok(Output::Lookup { answer }) => answer,
        other => panic!("{other:?}\n{:?}", report.log),
    }
}

/// The error text of a run that failed.
#[track_caller]
pub(crate) fn error(report: RunReport) -> String {
    match report.outcome {
        Err(error) => error.to_string(),
        Ok(output) => panic!("it succeeded: {output:?}"),
    }
}
