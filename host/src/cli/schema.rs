//! `koppel schema` and `koppel new-config`.

use super::Failure;
use super::output::Output;
use crate::config;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What the file of the schema beside a configuration is called.
pub(super) const NAME: &str = "platform.schema.json";

/// A configuration to begin with.
const CONFIG: &str = include_str!("new-config.toml");

/// `koppel schema`.
pub(super) fn print() -> Result<(), Failure> {
    let text = text()?;
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::Failed(format!("standard output: {error}")))
}

/// `koppel new-config`. Replaces no configuration.
pub(super) fn begin(file: &Path, out: &Output) -> Result<(), Failure> {
    let mut made = std::fs::File::create_new(file)
        .map_err(|error| Failure::Input(format!("{}: {error}", file.display())))?;
    made.write_all(CONFIG.as_bytes())
        .map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
    let schema = beside(file)?;
    out.result(&json!({"config": file, "schema": schema}), || {
        anstream::println!("{} and {}", file.display(), schema.display());
        anstream::println!("koppel --config {} validate checks it", file.display());
    });
    Ok(())
}

/// Writes the schema beside a configuration, whose first line names it.
pub(super) fn beside(config: &Path) -> Result<PathBuf, Failure> {
    let path = config.with_file_name(NAME);
    std::fs::write(&path, text()?)
        .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    Ok(path)
}

fn text() -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(&config::schema());
    text.map(|text| text + "\n")
        .map_err(|error| Failure::Failed(error.to_string()))
}
