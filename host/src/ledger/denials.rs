//! How often each client was denied, by which check.

use super::{Filter, Ledger, LedgerError};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The denials of a client by one check, in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DenialCount {
    /// The client.
    pub client: String,
    /// The check: one of the five, `egress` or `exports`.
    pub check: String,
    /// How many there are.
    pub count: u64,
    /// When the first was recorded, RFC 3339 in UTC.
    pub first: String,
    /// When the last was recorded.
    pub last: String,
}

/// Counts the denials that this process recorded. What it counts only grows
/// and has two labels of few values, as a counter of OpenMetrics wants it.
/// Cloning gives another handle on the same counters.
#[derive(Clone, Debug, Default)]
pub struct DenialCounters(Arc<Mutex<BTreeMap<(String, String), u64>>>);

/// One of the [`DenialCounters`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DenialCounter {
    /// The client.
    pub client: String,
    /// The check.
    pub check: String,
    /// How many denials since the process started.
    pub total: u64,
}

impl DenialCounters {
    pub(super) fn count(&self, client: String, check: String) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counters.entry((client, check)).or_default() += 1;
    }

    /// All counters as they are now, in alphabetical order. One that is not
    /// there is 0.
    pub fn now(&self) -> Vec<DenialCounter> {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counters
            .iter()
            .map(|((client, check), total)| DenialCounter {
                client: client.clone(),
                check: check.clone(),
                total: *total,
            })
            .collect()
    }
}

impl Ledger {
    /// The denials that a filter selects, counted by client and check. The
    /// kinds and the limit of the filter do not matter.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn denial_counts(&self, filter: Filter) -> Result<Vec<DenialCount>, LedgerError> {
        self.storage().denial_counts(filter).await
    }
}
