//! The tasks of this repository: `cargo xtask <task>`.

mod audit;
mod bench;
mod command;
mod components;
mod console_test;
mod debian;
mod fuzz;
mod licences;
mod other_languages;
mod packaging;
mod picture;
mod python;
mod release;
mod sbom;
mod scale;
mod schemathesis;
mod served;
mod stress;
mod tests;
mod tools;
mod wasm_target;

use anyhow::Result;
use clap::{Parser, Subcommand};
use command::cargo;
use std::path::{Path, PathBuf};

/// The tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs the main job on demonstration data: builds the connectors and the
    /// host, then `koppel demo`.
    Demo {
        /// Further arguments of `koppel demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Draws what the demonstration prints into `docs/images/demo.svg`.
    Picture,
    /// Passes all tests; installs what they need.
    Test {
        /// Further arguments of `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Tests the console in a browser, which it installs: Chromium, driven by
    /// Playwright.
    ConsoleTest {
        /// Where to keep a picture of every page.
        #[arg(long, value_name = "FOLDER")]
        screenshots: Option<PathBuf>,
    },
    /// Builds the connectors into `dist/plugins`.
    Plugins,
    /// Builds the connectors in JavaScript and Python into `dist/plugins`, with
    /// toolchains that are installed into the target folder.
    OtherLanguages,
    /// Builds the guests of the sandbox tests into `dist/guests`.
    Guests,
    /// Makes sure that components can be built, and says how.
    WasmTarget,
    /// Builds one connector the way that needs no download from rustup, and
    /// checks that the result is a component.
    WasmTargetDebian,
    /// Tests the REST API by its OpenAPI document, with schemathesis, which is
    /// installed into the target folder.
    Schemathesis {
        /// Further arguments of `schemathesis run`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Kills `koppel serve` at random points of a batch of postings and
    /// declarations, before a server that counts: nothing may be lost, or booked
    /// twice.
    Crash {
        /// How many kills.
        #[arg(long, default_value_t = 200)]
        kills: u32,
        /// Where the random points come from; the same seed gives the same.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Passes the tests of several hosts on real servers, PostgreSQL and NATS,
    /// which it installs and which are started and stopped; shows what was
    /// measured.
    Scale {
        /// How many employers.
        #[arg(long, default_value_t = 1_000)]
        employers: u32,
        /// Further arguments of `cargo test`, such as `--release`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Checks dependencies: licences, sources and, where its database can be
    /// reached, advisories.
    Deny,
    /// Checks dependencies for known vulnerabilities.
    Audit {
        /// A copy of the advisory database, to be used instead of the newest.
        #[arg(long, value_name = "FOLDER")]
        db: Option<PathBuf>,
    },
    /// Makes a release in `dist/release`: a static program with the connectors,
    /// completions, manual pages, licences and bills of materials.
    Release,
    /// Tries what is in `packaging/`: the unit under a systemd, the image, the
    /// manifests.
    Packaging {
        /// A release that `cargo xtask release` made, instead of a new one.
        #[arg(long, value_name = "FOLDER")]
        release: Option<PathBuf>,
    },
    /// Writes software bills of materials (CycloneDX) into `target/sbom`.
    Sbom,
    /// Fuzzes what the host reads of others; the first time, this compiles
    /// everything anew.
    Fuzz {
        /// One target instead of all, such as `egress_url`.
        target: Option<String>,
        /// How long each target runs.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Measures what koppel costs beside the engine itself and beside a peer,
    /// and prints a table. The first time, this compiles everything anew,
    /// optimized.
    Bench {
        /// Arguments of the measuring program, such as `calls`; `--help` names
        /// them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Runs honest and hostile clients together, and reports success, memory
    /// and latency.
    Stress {
        /// How long each of the two phases takes, without and with the hostile
        /// clients.
        #[arg(long, default_value_t = 120)]
        seconds: u64,
    },
}

fn main() -> Result<()> {
    match Cli::parse().task {
        Task::Demo { arguments } => command::run(demo()?.args(arguments)),
        Task::Picture => picture::picture(&mut demo()?),
        Task::Test { arguments } => tests::tests(&arguments),
        Task::ConsoleTest { screenshots } => console_test::console_test(screenshots.as_deref()),
        Task::Plugins => components::plugins(),
        Task::OtherLanguages => other_languages::build(),
        Task::Guests => components::guests(),
        Task::WasmTarget => wasm_target::ensure().map(|target| println!("{target}")),
        Task::WasmTargetDebian => components::exercise_debian(),
        Task::Schemathesis { arguments } => {
            components::plugins()?;
            schemathesis::schemathesis(&arguments)
        }
        Task::Crash { kills, seed } => {
            components::plugins()?;
            components::guests()?;
            let test = "durable::crash::";
            let mut run = cargo();
            run.args(["test", "-p", "koppel-host", "--test", "it", test])
                .args(["--", "--nocapture"])
                .env("KOPPEL_CRASH_KILLS", kills.to_string())
                .env("KOPPEL_CRASH_SEED", seed.to_string());
            command::run(&mut run)
        }
        Task::Scale {
            employers,
            arguments,
        } => scale::scale(employers, &arguments),
        Task::Deny => tools::deny(),
        Task::Audit { db } => audit::audit(db.as_deref()),
        Task::Release => release::release().map(drop),
        Task::Packaging { release } => packaging::packaging(release.as_deref()),
        Task::Sbom => sbom::sbom(),
        Task::Fuzz { target, seconds } => fuzz::fuzz(seconds, target.as_deref()),
        Task::Bench { arguments } => bench::bench(&arguments),
        Task::Stress { seconds } => stress::stress(seconds),
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    // xtask lies directly below it.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The demonstration, ready to be run.
fn demo() -> Result<std::process::Command> {
    components::plugins()?;
    // Everything, as the tests do: for the host alone, cargo would choose other
    // features of shared dependencies, and compile the engine a second time
    // when the tests are run.
    command::run(cargo().args(["build", "--workspace", "--all-targets"]))?;
    let mut koppel = std::process::Command::new(wasm_target::target_folder().join("debug/koppel"));
    koppel.current_dir(root()).arg("demo");
    Ok(koppel)
}
