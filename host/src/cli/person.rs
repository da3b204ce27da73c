//! `koppel person`: what is stored of one person, for that person.

use super::Failure;
use super::messages::write;
use super::output::{GREEN, Output, YELLOW};
use crate::runs::{Asking, Elsewhere, Found, Host, PersonError};
use crate::text::one_line;
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;

/// What is done with what is stored of a person.
#[derive(Debug, Subcommand)]
pub(super) enum Person {
    /// Gives all that is stored of a person as JSON: messages, changes and runs.
    /// Of a message that is about others too, that there is one. Says where the
    /// person may be known besides.
    Export {
        #[command(flatten)]
        who: Who,
        /// Writes it to this file, which may not exist yet, instead of standard
        /// output.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Erases what is stored of a person, but for what is about others too or
    /// must be kept by law; says what that is, until when, and where the person
    /// may be known besides.
    Erase {
        #[command(flatten)]
        who: Who,
        /// Only says what would be erased.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Who is meant, who asks, and why.
#[derive(Debug, Args)]
pub(super) struct Who {
    /// The identifier of an employee, or a citizen service number (BSN).
    person: String,
    /// What else names that person in messages, such as a licence plate or an
    /// address; may be given more than once.
    #[arg(long, value_name = "TEXT")]
    also: Vec<String>,
    /// Who asks.
    #[arg(long)]
    by: String,
    /// Why. It is kept in the ledger: do not name the person.
    #[arg(long)]
    reason: String,
}

impl Who {
    fn asking(&self) -> Asking {
        Asking {
            person: self.person.clone(),
            also: self.also.clone(),
            by: self.by.clone(),
            why: self.reason.clone(),
        }
    }
}

impl From<PersonError> for Failure {
    fn from(error: PersonError) -> Self {
        match error {
            PersonError::Invalid(why) => Self::Input(why),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// `koppel person`.
pub(super) async fn person(command: &Person, host: &Host, out: &Output) -> Result<(), Failure> {
    let (Person::Export { who, .. } | Person::Erase { who, .. }) = command;
    let asking = who.asking();
    let bar = out.busy("reading all that is stored".to_owned());
    let found = host.find_person(&asking).await;
    bar.finish_and_clear();
    let found = found?;
    match command {
        Person::Export { output, .. } => export(&asking, &found, output.as_ref(), host, out).await,
        Person::Erase { dry_run, .. } => erase(&asking, &found, *dry_run, host, out).await,
    }
}

async fn export(
    asking: &Asking,
    found: &Found,
    output: Option<&PathBuf>,
    host: &Host,
    out: &Output,
) -> Result<(), Failure> {
    host.record_export(asking, found).await?;
    let json =
        serde_json::to_string_pretty(found).map_err(|error| Failure::Failed(error.to_string()))?;
    let Some(file) = output else {
        anstream::println!("{json}");
        return Ok(());
    };
    write(file, json.as_bytes(), false)?;
    let (messages, runs) = (found.messages.len(), found.runs.len());
    out.result(
        &json!({"file": file, "messages": messages, "runs": runs}),
        || {
            anstream::println!(
                "{GREEN}wrote{GREEN:#} {}: {messages} messages, {runs} runs",
                file.display()
            );
            tell(&found.elsewhere);
        },
    );
    Ok(())
}

async fn erase(
    asking: &Asking,
    found: &Found,
    dry_run: bool,
    host: &Host,
    out: &Output,
) -> Result<(), Failure> {
    let (rows, runs) = match dry_run {
        true => (
            found.erasable().len() as u64,
            found.erasable_runs().len() as u64,
        ),
        false => host.erase_person(asking, found).await?,
    };
    let mut kept = Vec::new();
    for message in &found.messages {
        if let Some(why) = &message.kept {
            kept.push((format!("row {}", message.row.seq), why));
        }
    }
    for run in &found.runs {
        if let Some(why) = &run.kept {
            kept.push((format!("run {}", run.run.id), why));
        }
    }
    let listed: Vec<_> = kept
        .iter()
        .map(|(what, why)| json!({"what": what, "why": why}))
        .collect();
    out.result(
        &json!({"dry-run": dry_run, "rows": rows, "runs": runs, "kept": listed, "elsewhere": found.elsewhere}),
        || {
            let word = if dry_run { "would erase" } else { "erased" };
            anstream::println!(
                "{GREEN}{word}{GREEN:#} the contents of {rows} rows, and {runs} runs"
            );
            for (what, why) in &kept {
                anstream::println!("{YELLOW}kept{YELLOW:#} {what}: {}", one_line(why));
            }
            tell(&found.elsewhere);
        },
    );
    Ok(())
}

/// Where the person may be known besides.
fn tell(elsewhere: &Elsewhere) {
    for (host, recipient) in &elsewhere.recipients {
        let day = recipient.last.split('T').next().unwrap_or_default();
        let requests = recipient.requests;
        anstream::println!(
            "{YELLOW}sent{YELLOW:#} to {host}: {requests} requests, the last one on {day}; it is to be told of an erasure (art. 19 GDPR)"
        );
    }
    for file in &elsewhere.files {
        let file = file.display().to_string();
        anstream::println!("{YELLOW}stays{YELLOW:#} export file {}", one_line(&file));
    }
    anstream::println!(
        "{YELLOW}not looked into{YELLOW:#}: {}",
        elsewhere.not_looked_into.join(", ")
    );
}
