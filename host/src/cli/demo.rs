//! `koppel demo`: the main job on demonstration data, from nothing.

use super::output::{DIM, GREEN, Output};
use super::{Failure, ledger, run, schema, show, start};
use crate::authorization::{NO_MODULES, Question};
use crate::catalogue::id;
use crate::config::Config;
use crate::ledger::{Filter, Kind};
use crate::platform::seed;
use crate::runs::{Host, Job, RunError, RunRequest};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Where the demonstration lives.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// The directory for its configuration, data and export files. What an
    /// earlier demonstration left there is replaced.
    #[arg(long, default_value = ".koppel/demo")]
    directory: PathBuf,
    /// Where the compiled connectors are.
    #[arg(long, default_value = "dist/plugins")]
    plugins: PathBuf,
}

/// The first line of a configuration that may be replaced.
const MARK: &str = "# Made by `koppel demo`, which replaces it.";

/// The employer, period and user of the demonstration.
const EMPLOYER: usize = 1;
const PERIOD: i8 = 6;
const USER: &str = "anna";
const TRAINEE: &str = "tim";

pub(super) async fn demo(demo: &Demo, out: &Output) -> Result<(), Failure> {
    let path = prepare(demo)?;
    out.heading("1. Configuration and data");
    let host = start(Config::load(&path)?, out)?;
    let seeded = host
        .embedded()
        .map_err(|error| Failure::Failed(error.to_string()))?
        .seed()
        .await;
    seeded.map_err(|error| Failure::Failed(format!("seeding: {error:?}")))?;
    out.line(&format!("configuration {}", path.display()));
    out.line("2 providers, 4 employers, 44 employees, the 12 months of 2025");

    out.heading(
        "2. Connectors: sandboxed, with the activities that they import, all of them granted",
    );
    for client in host.live().now().clients.keys() {
        let busy = out.busy(format!("loading {client}"));
        let loaded = host.load(client).await;
        busy.finish_and_clear();
        let loaded = loaded?;
        out.line(&format!("{GREEN}loaded{GREEN:#} {client}"));
        for activity in &loaded.inspection.activities {
            out.line(&format!("       {DIM}{activity}{DIM:#}"));
        }
    }

    out.heading("3. Export of a journal run as XML Auditfile Financieel 3.2");
    let exported = host.run(request(USER)).await;
    let file = match &exported.outcome {
        Ok(crate::runs::Output::JournalRun { reference, .. }) => {
            demo.directory.join("exports").join(reference)
        }
        Ok(_) => PathBuf::new(),
        Err(error) => return Err(Failure::Failed(format!("the export failed: {error}"))),
    };
    run::show_text(&exported, out);
    out.line(&format!("the file is {}", file.display()));

    out.heading("4. The same connector for a user without the right: denied");
    let denied = host.run(request(TRAINEE)).await;
    let Err(error @ RunError::Denied { .. }) = &denied.outcome else {
        return Err(Failure::Failed(format!(
            "it was not denied: {:?}",
            denied.outcome
        )));
    };
    out.line(&error.to_string());
    out.line("\nkoppel explain says of each of the five checks:");
    let explanation = explain(&host);
    if let Some(explanation) = &explanation {
        out.text(|| show::print(explanation));
    }

    out.heading("5. What left, and what was denied");
    let rows = |kinds: &[Kind]| {
        host.ledger().rows(Filter {
            kinds: kinds.to_vec(),
            ..Filter::default()
        })
    };
    let messages = rows(&Kind::MESSAGES).await?;
    let denials = rows(&[Kind::Denial]).await?;
    out.text(|| {
        ledger::print_messages(&messages);
        ledger::print_denials(&denials);
    });
    let summary = json!({
        "configuration": path,
        "file": file,
        "export": exported.outcome.as_ref().ok(),
        "denied": error.to_string(),
        "explanation": explanation,
        "messages": messages,
        "denials": denials,
    });
    out.result(&summary, || {
        let koppel = format!("koppel --config {}", path.display());
        let employer = seed::employer_id(EMPLOYER);
        let number = messages.first().map_or(0, |message| message.seq);
        anstream::println!("\n{DIM}Go on with:{DIM:#}");
        for (command, does) in [
            ("clients".to_owned(), "the connectors"),
            (
                format!("messages {number} --output journal.xaf"),
                "the exact bytes of what left",
            ),
            (
                format!("messages --as {USER} --application desk --employer {employer}"),
                "what a user may see of it",
            ),
            (
                "serve".to_owned(),
                "the console on http://127.0.0.1:8080/console, and the REST API; anna has the password \"demonstration\"",
            ),
        ] {
            anstream::println!("  {koppel} {command}   {DIM}{does}{DIM:#}");
        }
    });
    Ok(())
}

fn request(user: &str) -> RunRequest {
    RunRequest {
        client: "journal-xaf".to_owned(),
        user: user.to_owned(),
        employer: seed::employer_id(EMPLOYER),
        job: Job::ProcessJournalRun(seed::journal_run_id(EMPLOYER, PERIOD)),
    }
}

fn explain(host: &Host) -> Option<crate::authorization::Explanation> {
    host.live().with(|config| {
        Some(config.grants.explain(&Question {
            client: "journal-xaf",
            user: TRAINEE,
            activity: id::PatchJournalRunByJournalRunId,
            scope: seed::employer_id(EMPLOYER),
            employer: seed::employer_id(EMPLOYER),
            provider: seed::provider_id(1),
            modules: &NO_MODULES,
        }))
    })
}

/// Makes the directory as new and writes the configuration.
fn prepare(demo: &Demo) -> Result<PathBuf, Failure> {
    let path = demo.directory.join("platform.toml");
    let failed =
        |error: std::io::Error| Failure::Failed(format!("{}: {error}", demo.directory.display()));
    match std::fs::read_to_string(&path) {
        Ok(text) if text.starts_with(MARK) => {
            for made in ["data", "exports"] {
                match std::fs::remove_dir_all(demo.directory.join(made)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(failed(error));
                    }
                    _ => {}
                }
            }
        }
        Ok(_) => {
            return Err(Failure::Input(format!(
                "{} was not made by `koppel demo`; choose another --directory",
                path.display()
            )));
        }
        Err(_) => {}
    }
    std::fs::create_dir_all(&demo.directory).map_err(failed)?;
    let plugins = std::fs::canonicalize(&demo.plugins).map_err(|error| {
        Failure::Input(format!(
            "{}: {error}; `cargo xtask plugins` builds the connectors",
            demo.plugins.display()
        ))
    })?;
    std::fs::write(&path, configuration(&plugins)).map_err(failed)?;
    schema::beside(&path)?;
    Ok(path)
}

/// The configuration of the demonstration; also an example to start from.
fn configuration(plugins: &Path) -> String {
    let component = |name: &str| {
        let path = plugins.join(format!("{name}.wasm"));
        // As a TOML string, whatever is in the path.
        toml::Value::String(path.display().to_string()).to_string()
    };
    let template = include_str!("demo.toml");
    format!("{MARK}\n#:schema ./{}\n\n{template}", schema::NAME)
        .replace("{journal-xaf}", &component("journal-xaf"))
        .replace("{journal-csv}", &component("journal-csv"))
        .replace("{journal-exact}", &component("journal-exact"))
        .replace("{journal-moneybird}", &component("journal-moneybird"))
        .replace("{vehicle-rdw}", &component("vehicle-rdw"))
        .replace("{insurance-achmea}", &component("insurance-achmea"))
        .replace("{flowers-fleurtjedag}", &component("flowers-fleurtjedag"))
        .replace("{trade-register-kvk}", &component("trade-register-kvk"))
        .replace("{geocode-google}", &component("geocode-google"))
        .replace("{loonaangifte}", &component("loonaangifte"))
        .replace("{upa-pension}", &component("upa-pension"))
        .replace("{provider-1}", &seed::provider_id(1).to_string())
        .replace("{provider-2}", &seed::provider_id(2).to_string())
        .replace("{employer-1}", &seed::employer_id(1).to_string())
        .replace("{employer-2}", &seed::employer_id(2).to_string())
}
