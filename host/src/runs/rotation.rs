//! Rotation of keys: everything that is stored is encrypted with the active one.

use super::{Host, words};
use crate::durable::StoreError;
use crate::ledger::{Context, Entry, Kind, LedgerError, Resealed};
use serde::Serialize;

/// What was encrypted with the active key that was not before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rotated {
    /// Rows of the ledger.
    pub rows: Resealed,
    /// Steps of journals of runs.
    pub steps: Resealed,
}

impl Rotated {
    /// How many there were and what they were encrypted with, in words.
    fn summary(&self, active: &str) -> String {
        let from: Vec<_> = (self.rows.from.union(&self.steps.from))
            .map(|key| match key {
                Some(key) => format!("from key \"{key}\" "),
                None => "from clear text ".to_owned(),
            })
            .collect();
        let (rows, steps) = (self.rows.count, self.steps.count);
        let from = from.join("and ");
        format!("{rows} rows of the ledger and {steps} steps of runs {from}to key \"{active}\"")
    }
}

/// Why not everything was encrypted with the active key. What was, stays so.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// There is none.
    #[error(
        "there is no [encryption] in the configuration, so nothing is encrypted: `koppel keys new` makes a key"
    )]
    NoKeys,
    /// Who has it done is no name.
    #[error("{0}")]
    Invalid(String),
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The runs cannot be read or written.
    #[error(transparent)]
    Runs(#[from] StoreError),
}

impl Host {
    /// Encrypts with the active key all that is stored in clear text or with
    /// another one, in small parts, so that others can go on meanwhile. It can
    /// be interrupted, and begun again. The ledger has, for `by`, that it began
    /// and how it ended, with the names of the keys.
    ///
    /// # Errors
    ///
    /// See [`RotationError`].
    pub async fn rotate_keys(
        &self,
        by: &str,
        progress: impl FnMut(&Rotated),
    ) -> Result<Rotated, RotationError> {
        words(&[by]).map_err(|error| RotationError::Invalid(error.to_string()))?;
        let active = self.live.with(|config| config.encryption.active.clone());
        let active = active.ok_or(RotationError::NoKeys)?;
        let context = Context::of_operator(by);
        let record = |summary: String, outcome: &str| {
            self.ledger.append(Entry {
                outcome: Some(outcome.to_owned()),
                ..Entry::new(context.clone(), Kind::KeyRotation, summary)
            })
        };
        // Of one that is killed there is this row.
        record(format!("all that is stored, to key \"{active}\""), "begun").await?;
        let mut done = Rotated::default();
        let ended = self.reseal(&mut done, progress).await;
        let outcome = match &ended {
            Ok(()) => "done".to_owned(),
            Err(error) => format!("failed: {error}"),
        };
        let recorded = record(done.summary(&active), &outcome).await;
        ended?;
        recorded?;
        Ok(done)
    }

    async fn reseal(
        &self,
        done: &mut Rotated,
        mut progress: impl FnMut(&Rotated),
    ) -> Result<(), RotationError> {
        let mut after = 0;
        while let Some((last, rows)) = self.ledger.reseal(after).await? {
            after = last;
            done.rows.extend(rows);
            progress(done);
        }
        loop {
            let steps = self.runs.reseal().await?;
            if steps.count == 0 {
                return Ok(());
            }
            done.steps.extend(steps);
            progress(done);
        }
    }
}
