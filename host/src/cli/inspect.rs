//! `koppel inspect`: what a component is, what it asks for, and where it comes
//! from.

use super::Failure;
use super::distribution::{pulled, trusted};
use super::output::{BOLD, GREEN, Output, RED};
use super::show::kinds;
use crate::admission::{self, Inspection, Refusal};
use crate::distribution::{OciReference, Provenance, Source};
use crate::sandbox::{Limits, Sandbox};
use clap::Args;
use serde_json::json;
use std::path::Path;

/// How much work a component may be that nobody configured yet.
#[derive(Debug, Args)]
pub(super) struct CompileEffort {
    /// How much work compiling it may be, as in `limits` of a client: a
    /// component that is not made of Rust takes more than the default.
    #[arg(long = "compile-effort", value_name = "UNITS")]
    units: Option<u64>,
}

impl CompileEffort {
    /// Reads the component `what`.
    ///
    /// # Errors
    ///
    /// Why it is refused, for a person.
    pub(super) fn inspect(
        &self,
        sandbox: &Sandbox,
        what: &str,
        bytes: &[u8],
    ) -> Result<Inspection, String> {
        let units = self.units.unwrap_or(Limits::default().compile_effort);
        match admission::inspect_within(sandbox.engine(), bytes, units) {
            Ok((_, inspection)) => Ok(inspection),
            Err(refusal @ Refusal::TooMuchWork { .. }) => Err(format!(
                "{what}: {refusal}; to look at it nevertheless, give --compile-effort"
            )),
            Err(refusal) => Err(format!("{what}: {refusal}")),
        }
    }
}

/// `koppel inspect`: of a file, or of an artifact in a registry.
pub(super) async fn inspect(
    what: &str,
    effort: &CompileEffort,
    config: &Path,
    out: &Output,
) -> Result<(), Failure> {
    let keys = trusted(config).keys;
    let path = Path::new(what);
    let busy = out.busy(format!("reading {what}"));
    let found = match what.parse::<OciReference>() {
        // A file of that name is meant, if there is one.
        Ok(reference) if !path.exists() => {
            let pulled = pulled(&reference, config, out).await?;
            let provenance = Provenance::of_pulled(&pulled, &keys);
            (pulled.component, provenance)
        }
        _ => {
            let bytes = std::fs::read(path)
                .map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?;
            let provenance = Provenance::of_file(path, &bytes, &keys);
            (bytes, provenance)
        }
    };
    let (bytes, provenance) = found;
    let sandbox = Sandbox::new().map_err(|error| Failure::Failed(format!("{error:#}")))?;
    let inspected = effort.inspect(&sandbox, what, &bytes);
    busy.finish_and_clear();
    let inspection = inspected.map_err(Failure::Input)?;
    let mut value = json!(inspection);
    value["provenance"] = json!(provenance);
    out.result(&value, || print(what, &inspection, &provenance));
    Ok(())
}

fn print(what: &str, inspection: &Inspection, provenance: &Provenance) {
    anstream::println!("{BOLD}{what}{BOLD:#}");
    anstream::println!("  kind         {}", kinds(inspection));
    let versions: Vec<_> = inspection.wit_versions.iter().map(String::as_str).collect();
    anstream::println!("  WIT version  {}", versions.join(", "));
    anstream::println!("  size         {} bytes", inspection.size);
    anstream::println!("  SHA-256      {}", inspection.sha256);
    anstream::println!("  requests     {}", yes_no(inspection.http, "wasi:http"));
    anstream::println!(
        "  files        {}",
        yes_no(inspection.exports, "export files")
    );
    anstream::println!("  activities");
    for activity in &inspection.activities {
        anstream::println!("    {activity}");
    }
    anstream::println!("  provenance");
    let line = |name: &str, text: &str| anstream::println!("    {name:<12} {text}");
    match &provenance.source {
        Source::File(path) => line("source", &format!("the file {}", path.display())),
        Source::Oci(reference) => line("source", reference),
    }
    for (name, text) in [
        ("created", &provenance.created),
        ("pulled", &provenance.pulled),
    ] {
        if let Some(text) = text {
            line(name, text);
        }
    }
    match &provenance.signature {
        None => line("signature", "none"),
        Some(signature) => match (&signature.comment, &signature.fault) {
            (Some(comment), _) => line(
                "signature",
                &format!(
                    "{GREEN}verified{GREEN:#}, by key {}: {comment}",
                    signature.key
                ),
            ),
            (None, fault) => line(
                "signature",
                &format!(
                    "{RED}not verified{RED:#}: {}",
                    fault.as_deref().unwrap_or("no key is trusted")
                ),
            ),
        },
    }
    line("SDK", provenance.sdk.as_deref().unwrap_or("unknown"));
    for producer in &provenance.producers {
        line(
            &producer.field,
            &format!("{} {}", producer.name, producer.version),
        );
    }
    for (name, text) in &provenance.annotations {
        line(name, text);
    }
}

fn yes_no(yes: bool, what: &str) -> String {
    if yes {
        what.to_owned()
    } else {
        format!("no {what}")
    }
}
