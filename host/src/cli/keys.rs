//! `koppel keys`: the keys that what is stored is encrypted with.

use super::Failure;
use super::output::{DIM, GREEN, Output};
use crate::encryption::new_key;
use crate::runs::{Host, Rotated, RotationError};
use clap::Subcommand;
use serde_json::json;

/// What is done with keys.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Makes a key and prints it: 32 random bytes, Base64. It is kept where the
    /// configuration says, `[encryption.keys]`, and in a safe.
    New,
    /// Encrypts with the active key all that is stored in clear text or with
    /// another key. Hosts can go on meanwhile; it can be interrupted and begun
    /// again. The ledger has who did it, and from which keys to which.
    Rotate {
        /// Who does it.
        #[arg(long, default_value = "operator")]
        by: String,
    },
}

impl From<RotationError> for Failure {
    fn from(error: RotationError) -> Self {
        match error {
            RotationError::NoKeys | RotationError::Invalid(_) => Self::Input(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// `koppel keys new`.
pub(super) fn new(out: &Output) -> Result<(), Failure> {
    let key = new_key().map_err(|error| Failure::Failed(error.to_string()))?;
    out.result(&json!({"key": *key}), || anstream::println!("{}", *key));
    Ok(())
}

/// `koppel keys rotate`.
pub(super) async fn rotate(by: &str, host: &Host, out: &Output) -> Result<(), Failure> {
    let bar = out.busy("encrypting".to_owned());
    let told = |done: &Rotated| bar.set_message(format!("{} rows of the ledger", done.rows.count));
    let rotated = host.rotate_keys(by, told).await;
    bar.finish_and_clear();
    let rotated = rotated?;
    let (rows, steps) = (rotated.rows.count, rotated.steps.count);
    let active = host.live().with(|config| config.encryption.active.clone());
    let active = active.unwrap_or_default();
    out.result(
        &json!({"key": active, "rows": rows, "steps": steps}),
        || {
            anstream::println!(
                "{GREEN}encrypted{GREEN:#} with key \"{active}\": {rows} rows of the ledger, {steps} steps of runs {DIM}all else was{DIM:#}"
            );
        },
    );
    Ok(())
}
