//! What koppel costs: every figure beside that of the engine itself, or of a
//! peer, measured in the same run. `cargo xtask bench` builds what it needs.

mod apart;
mod bulk;
mod calls;
mod cold;
mod engine;
mod floor;
mod growth;
mod http;
mod ledger;
mod many;
mod measure;
mod peer;
mod plots;
mod report;
mod rest;
mod serve;
mod setup;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use report::Report;
use std::path::PathBuf;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// That of the program `koppel`, for all that is compared.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures koppel beside what it is made of, and prints a table.
#[derive(Parser)]
struct Cli {
    /// Only these groups of figures.
    groups: Vec<Group>,
    /// How long a figure is measured, in seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Writes the figures into the documentation, and redraws its plots if
    /// growth is measured.
    #[arg(long)]
    document: bool,
    /// Exports the large journal in this folder, and tells what it took.
    #[arg(long, hide = true)]
    export: Option<PathBuf>,
    /// Makes calls in this folder, as it is told to.
    #[arg(long, hide = true)]
    apart: Option<PathBuf>,
    /// On this of the processors.
    #[arg(long, hide = true, default_value_t = 0)]
    processor: usize,
    /// Serves in this folder.
    #[arg(long, hide = true)]
    serve: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Instances, runs, activities and the five checks.
    Calls,
    /// Until a client can run.
    Cold,
    /// The ledger.
    Ledger,
    /// The REST API.
    Rest,
    /// Runs for HTTP requests.
    Http,
    /// A very large journal, and many small ones.
    Bulk,
    /// What becomes of it when there is more.
    Growth,
    /// What the settings of the engine do; only when it is asked for.
    Engine,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    // As the program does.
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = log.with_filter(EnvFilter::new("warn"));
    tracing_subscriber::registry().with(log).init();
    if let Some(folder) = &cli.export {
        return bulk::export(folder);
    }
    if let Some(folder) = &cli.apart {
        return apart::run(folder, cli.processor);
    }
    if let Some(folder) = &cli.serve {
        return serve::serve(folder);
    }
    let lasting = Duration::from_secs_f64(cli.seconds);
    let wanted = |group| cli.groups.is_empty() || cli.groups.contains(&group);
    let mut report = Report::default();
    // First, because it looks at the memory of the process.
    if wanted(Group::Cold) {
        cold::measure(&mut report)?;
    }
    if wanted(Group::Calls) {
        calls::measure(&mut report, lasting)?;
    }
    if wanted(Group::Ledger) {
        ledger::measure(&mut report, lasting)?;
    }
    if cli.groups.contains(&Group::Engine) {
        engine::measure(&mut report, lasting)?;
    }
    if wanted(Group::Rest) {
        rest::measure(&mut report)?;
    }
    if wanted(Group::Http) {
        serve::measure(&mut report, lasting)?;
    }
    if wanted(Group::Bulk) {
        bulk::measure(&mut report)?;
    }
    if wanted(Group::Growth) {
        let curves = growth::measure(&mut report, lasting)?;
        if cli.document {
            plots::draw(&curves)?;
        }
    }
    print!("{}", report.table());
    if cli.document {
        report.document()?;
    }
    Ok(())
}
