//! A koppel to be measured, in a folder of its own.

use anyhow::{Context, Result};
use async_trait::async_trait;
use koppel_host::config::Config;
use koppel_host::egress::Resolve;
use koppel_host::platform::seed;
use koppel_host::runs::{Host, Job, Output, RunReport, RunRequest};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

/// The user, who has every right.
pub(crate) const USER: &str = "anna";

/// The client of the guest that is measured.
pub(crate) const ASKS: &str = "asks";

/// Where components are, which `cargo xtask bench` builds.
pub(crate) fn component(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../dist")
        .join(name)
}

/// A host on demonstration data.
pub(crate) struct Koppel {
    pub(crate) host: Arc<Host>,
    pub(crate) dir: TempDir,
}

/// Nothing leaves.
struct NoNames;

#[async_trait]
impl Resolve for NoNames {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Err(std::io::Error::other("nothing leaves a benchmark"))
    }
}

/// Every activity of the catalogue, as it is written in a configuration.
pub(crate) fn all() -> String {
    let ids: Vec<_> = koppel_host::catalogue::ROWS
        .iter()
        .map(|row| row.id)
        .collect();
    format!("{ids:?}")
}

/// The same, with instances that are made ready before they are asked for.
pub(crate) const READY: &str = "asks-ready";

/// A client of [`READY`].
pub(crate) fn asks_ready() -> String {
    asks(READY) + "ready = 8\n"
}

/// A client of the guest that is measured.
pub(crate) fn asks(name: &str) -> String {
    let component = component("guests/asks.wasm");
    let all = all();
    // Far more runs at a time than there are places for: what is measured is
    // the host, not the limit of a client.
    format!(
        "[clients.{name}]\ncomponent = {component:?}\nactivities = {all}\nlimits = {{ runs = 64 }}\n"
    )
}

/// A configuration with these clients and one user with every right.
pub(crate) fn configuration(clients: &str) -> String {
    let all = all();
    let provider = seed::provider_id(1);
    format!(
        "[platform]\ndata = \"data/koppel.db\"\nledger = \"data/ledger.db\"\n[modules.provider]\n\"{provider}\" = [\"journal\", \"payroll-tax-return\", \"upa\", \"achmea\"]\n\
         [rights]\neverything = {all}\n[roles]\nprofessional = [\"everything\"]\n\
         [[users]]\nid = \"{USER}\"\nkind = \"provider\"\nprovider = \"{provider}\"\n\
         role = \"professional\"\nrights = [\"everything\"]\nemployers = \"all\"\n{clients}"
    )
}

impl Koppel {
    /// Starts with this configuration on demonstration data.
    pub(crate) async fn start(text: &str) -> Result<Self> {
        let koppel = Self::open(folder()?, text)?;
        koppel
            .host
            .embedded()?
            .seed()
            .await
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(koppel)
    }

    /// Starts on what is in a folder.
    pub(crate) fn open(dir: TempDir, text: &str) -> Result<Self> {
        let path = dir.path().join("platform.toml");
        std::fs::write(&path, text)?;
        let host = Arc::new(Self::started(dir.path())?);
        Ok(Self { host, dir })
    }

    /// A host on what is in a folder, with its configuration.
    pub(crate) fn started(folder: &Path) -> Result<Host> {
        let config = Config::load(&folder.join("platform.toml"))?;
        Ok(Host::start(config, Arc::new(NoNames))?)
    }

    /// Looks up, as a run; it must succeed.
    pub(crate) async fn lookup(host: &Host, client: &str, query: &str) -> RunReport {
        let request = RunRequest {
            client: client.to_owned(),
            user: USER.to_owned(),
            employer: employer(),
            job: Job::Lookup(query.to_owned()),
        };
        let report = host.run(request).await;
        assert!(
            matches!(report.outcome, Ok(Output::Lookup { .. })),
            "{:?} {:?}",
            report.outcome,
            report.log
        );
        report
    }
}

/// A process that ends with this.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The employer of all runs.
pub(crate) fn employer() -> Uuid {
    seed::employer_id(1)
}

/// A folder on the disk of the target folder: temporary folders are often in
/// memory, where writing to disk costs nothing.
pub(crate) fn folder() -> Result<TempDir> {
    let on_disk = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/data");
    std::fs::create_dir_all(&on_disk)?;
    tempfile::tempdir_in(on_disk).context("a folder for data")
}
