//! Verifying the ledger, row by row.

use super::beside::{Held, holds, with_body};
use super::chain::{self, Broken, GENESIS, Verified};
use super::store::{Stored, headers};
use super::{Erasure, Kind, LedgerError, Row};
use crate::encryption::Vault;
use std::collections::BTreeSet;

/// What was verified so far.
pub(super) struct Verifying {
    verified: Verified,
    /// The rows beside which nothing lies any more, and of which no row said
    /// yet that it was erased.
    missing: BTreeSet<u64>,
}

impl Verifying {
    pub(super) fn new() -> Self {
        Self {
            verified: Verified {
                rows: 0,
                erased: 0,
                head: GENESIS.to_owned(),
            },
            missing: BTreeSet::new(),
        }
    }

    /// The number of rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.verified.rows
    }

    /// That the next row cannot be read.
    pub(super) fn unreadable(&self, error: &dyn std::fmt::Display) -> Broken {
        Broken {
            seq: self.rows() + 1,
            why: format!("it cannot be read: {error}"),
        }
    }

    /// The next row: the inner error says why it does not hold, the outer one
    /// that it cannot be told.
    pub(super) fn next(
        &mut self,
        row: Row,
        stored: Stored,
        vault: &Vault,
    ) -> Result<Result<(), Broken>, LedgerError> {
        let seq = row.seq;
        let broken = |why: String| Ok(Err(Broken { seq, why }));
        if seq != self.rows() + 1 {
            return broken(format!("row {} is missing", self.rows() + 1));
        }
        // What reads the same but is written in another way was changed as well;
        // filters would miss it.
        let same = stored.run == row.context.run.to_string()
            && stored.employer == row.context.employer.to_string()
            && stored.headers == headers(&row);
        if !same || chain::hash(&self.verified.head, &row) != row.hash {
            return broken("it was changed, or the row before it was replaced".to_owned());
        }
        let is_erasure = row.kind == Kind::Erasure.name();
        match holds(&row, &stored, vault)? {
            Held::Yes => {}
            Held::Removed if !is_erasure => {
                self.missing.insert(seq);
            }
            Held::Removed => return broken(REMOVED.to_owned()),
            Held::Changed(why) => return broken(why.to_owned()),
        }
        self.verified.rows = seq;
        self.verified.head.clone_from(&row.hash);
        if is_erasure {
            let (_, body) = with_body(row, stored, vault)?;
            let Some(erasure) = Erasure::read(body.as_deref()) else {
                return broken("it does not say what was erased".to_owned());
            };
            let before = self.missing.len();
            self.missing.retain(|missing| !erasure.covers(*missing));
            self.verified.erased += (before - self.missing.len()) as u64;
        }
        Ok(Ok(()))
    }

    /// After the last row.
    pub(super) fn done(self) -> Result<Verified, Broken> {
        match self.missing.first() {
            Some(seq) => Err(Broken {
                seq: *seq,
                why: REMOVED.to_owned(),
            }),
            None => Ok(self.verified),
        }
    }
}

const REMOVED: &str = "its body was removed";
